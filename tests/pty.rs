//! The program in a real terminal, from its first frame to its last: what a user sees and what the shell gets back.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "pty/terminal.rs"]
mod terminal;

use std::{
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use terminal::{PATIENCE, Setup, Terminal};

fn live() -> Terminal {
    let terminal = Terminal::start(&[]);
    terminal.until("the boxes and a process", |s| s.contains("processes") && s.contains("benchtop") && s.contains('%'));
    terminal
}

fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn until(what: &str, fits: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !fits() {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_shows_the_machine_and_q_gives_the_terminal_back() {
    let mut t = live();
    for title in ["cpu", "memory", "disk · net", "processes", "COMMAND"] {
        t.until_shows(title);
    }
    assert!(t.screen(vt100::Screen::alternate_screen));
    t.send(b"q");
    let (status, took) = t.end();
    assert!(status.success(), "{status:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    t.until_restored();
}

#[test]
fn whatever_ends_it_the_terminal_is_sane_afterwards() {
    let mut typed = live();
    typed.send(b"\x03");
    assert!(typed.end().0.success());
    typed.until_restored();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut t = live();
        t.signal(signal);
        assert!(t.end().0.success(), "{signal:?}");
        t.until_restored();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let words = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    words.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn holds_a_terminal(pid: u32) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|of| of.starts_with("/dev/pts"))
}

#[test]
fn a_killed_program_leaves_a_sane_terminal() {
    for how in [Signal::KILL, Signal::ABORT] {
        // The shell leads the session: its terminal outlives the program.
        let script = format!("set -m; {}; sleep 1000", env!("CARGO_BIN_EXE_benchtop"));
        let t = Terminal::with(&Setup { program: "sh", arguments: &["-c", &script], ..Setup::default() });
        t.until("a process", |screen| screen.contains("benchtop") && screen.contains("processes"));
        let program = children(t.pid())[0];
        // The first frame comes before the helper is given the terminal.
        until("a helper with the terminal", || children(program).into_iter().any(holds_a_terminal));
        assert!(t.line_modes().is_empty(), "raw while it runs");
        kill_process(Pid::from_raw(program.cast_signed()).unwrap(), how).unwrap();
        t.until_restored();
        until("its line modes", || t.line_modes() == ["icanon", "isig", "echo"]);
    }
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let mut t = live();
    t.vanish();
    t.end();
}

#[test]
fn help_opens_and_esc_closes_it() {
    let mut t = live();
    t.send(b"?");
    t.until_shows("quit");
    t.until_shows("this help");
    t.send(b"\x1b");
    t.until("the overview again", |s| !s.contains("this help") && s.contains("COMMAND"));
}

/// A child that does not outlive a test that fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_is_found_by_its_name_and_ended_after_the_question() {
    // A length that no sleep of another run has.
    let length = format!("98{}", std::process::id());
    let mut child = Ended(Command::new("sleep").arg(&length).spawn().unwrap());
    let child = &mut child.0;
    let mut t = live();
    t.send(format!("/{length}\r").as_bytes());
    t.until_shows(&format!("sleep {length}"));
    t.send(b"t");
    t.until_shows("tree");
    t.send(b"x");
    t.until_shows(&format!("signal to {} sleep", child.id()));
    t.send(b"\r");
    t.until_shows(&format!("send TERM to {} sleep?", child.id()));
    assert!(child.try_wait().unwrap().is_none(), "nothing is sent before the answer");
    t.send(b"y");
    t.until_shows(&format!("sent TERM to {} sleep", child.id()));
    let status = child.wait().unwrap();
    assert!(!status.success());
    t.send(b"q");
    t.end();
}

#[test]
fn read_only_has_no_signals() {
    let mut t = Terminal::start(&["--read-only"]);
    t.until_shows("COMMAND");
    t.send(b"x");
    t.send(b"?");
    t.until_shows("this help");
    assert!(!t.text().contains("send a signal"), "{}", t.text());
}

#[test]
fn a_filter_leaves_what_fits_and_a_mistake_names_its_place() {
    let mut t = live();
    t.send(b"fcpuu>5");
    t.until_shows("at 1: no column `cpuu` (did you mean `cpu`?)");
    t.send(b"\x1b");
    t.until("no line is typed", |s| !s.contains("cpuu"));
    t.send(b"fcommand~benchtop\r");
    t.until_shows("filter command~benchtop");
    t.send(b"\x1b");
    t.until("all of them again", |s| !s.contains("filter command"));
}

#[test]
fn ctrl_z_restores_the_terminal_and_fg_redraws() {
    // A shell with job control, that says when its job has stopped.
    let script = format!("set -m; {}; echo it stopped; read line; fg", env!("CARGO_BIN_EXE_benchtop"));
    let mut t = Terminal::with(&Setup { program: "sh", arguments: &["-c", &script], ..Setup::default() });
    t.until_shows("COMMAND");
    t.send(b"\x1a");
    t.until_shows("it stopped");
    t.until_restored();
    t.send(b"\n");
    t.until("the screen again", |s| s.contains("processes"));
    assert!(t.screen(vt100::Screen::alternate_screen));
    t.send(b"q");
    assert!(t.end().0.success());
    t.until_restored();
}

#[test]
fn ctrl_z_is_ignored_without_a_shell() {
    // The leader of its session, as under `ssh -t`.
    let mut t = live();
    t.send(b"\x1a");
    t.until_shows("Ctrl-Z is off: there is no shell");
    t.send(b"?");
    t.until_shows("this help");
    t.send(b"\x03");
    assert!(t.end().0.success());
}

#[test]
fn a_stop_from_elsewhere_is_come_back_from() {
    let mut t = live();
    t.signal(Signal::STOP);
    until("it stopped", || state_of(t.pid()) == Some('T'));
    t.signal(Signal::CONT);
    t.send(b"?");
    t.until_shows("this help");
    t.send(b"\x03");
    assert!(t.end().0.success());
    t.until_restored();
}

#[test]
fn an_absurd_window_is_refused_in_words() {
    let mut t = live();
    t.tell_size(65535, 65535);
    t.until_shows("a window of 65535x65535 is too large: at most 1000x500 is drawn");
    t.resize(120, 40);
    t.until_shows("COMMAND");
    t.send(b"q");
    assert!(t.end().0.success());
}

#[test]
fn a_key_that_comes_after_a_resize_is_heard() {
    let mut t = live();
    // The terminal library notices changes of size only after a key.
    t.send(b"p");
    t.until("the pause", |s| s.contains("paused"));
    t.resize(90, 30);
    t.until("the new size", |s| s.lines().all(|line| line.chars().count() <= 90));
    t.send(b"q");
    let (status, took) = t.end();
    assert!(status.success(), "{status:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_storm_of_resizes_ends_in_the_right_screen() {
    let mut t = live();
    for (columns, rows) in [(1, 1), (300, 100), (40, 10), (39, 9), (2, 50), (200, 1), (80, 24), (160, 45)].repeat(4) {
        t.resize(columns, rows);
    }
    t.until("the last size", |s| {
        let lines: Vec<&str> = s.lines().collect();
        lines.len() == 45 && lines[1].contains("╭") && lines[44].contains("help")
    });
    t.resize(80, 24);
    t.until("one column", |s| s.lines().count() == 24 && !s.contains('╭') && s.contains("COMMAND"));
}

#[test]
fn smallest_screen_has_the_essentials() {
    let small = Terminal::with(&Setup { columns: 40, rows: 10, ..Setup::default() });
    small.until("essentials", |s| s.contains("cpu") && s.contains("memory") && s.contains("PID"));
    let tiny = Terminal::with(&Setup { columns: 39, rows: 9, ..Setup::default() });
    tiny.until("one line", |s| s.contains("cpu") && s.contains("mem") && s.trim_end().lines().count() == 1);
}

#[test]
fn a_blocked_terminal_does_not_delay_the_end() {
    let mut t = live();
    t.stop_reading();
    // Frames pile up until the terminal is full.
    for _ in 0..400 {
        t.send(b"C");
    }
    t.signal(Signal::TERM);
    let (_, took) = t.end();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn keys_are_answered_while_a_source_hangs() {
    let root = tempfile::tempdir().unwrap();
    let bare = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hosts/bare");
    assert!(Command::new("cp").args(["-a", bare]).arg(root.path().join("host")).status().unwrap().success());
    let pipe = root.path().join("host/proc/meminfo");
    let _ = std::fs::remove_file(&pipe);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut t = Terminal::start(&["--root", root.path().join("host").to_str().unwrap()]);
    t.until_shows("benchtop");
    for _ in 0..3 {
        t.send(b"?");
        t.until_shows("this help");
        t.send(b"\x1b");
        t.until("help is gone", |s| !s.contains("this help"));
    }
    t.send(b"q");
    let (status, took) = t.end();
    assert!(status.success() && took < Duration::from_secs(3), "{status:?} {took:?}");
}

#[test]
fn console_gets_its_font_and_a_dumb_terminal_a_refusal() {
    let console = Terminal::with(&Setup { environment: &[("TERM", "linux"), ("COLORTERM", "")], ..Setup::default() });
    console.until_shows("COMMAND");
    let text = console.text();
    // Of code page 437: names of processes on this machine may hold more of it than the shapes do.
    let font =
        |c: char| c.is_ascii() || ('\u{a0}'..='\u{ff}').contains(&c) || "─│┌┐└┘├┤┬┴┼═║▀▄█▌▐░▒▓■•○▲▼►◄↑↓→←↕".contains(c);
    assert!(text.chars().all(font), "{:?}", text.chars().find(|c| !font(*c)));
    assert!(text.contains('─') && text.contains('│'), "{text}");
    let mut dumb = Terminal::with(&Setup { environment: &[("TERM", "dumb")], ..Setup::default() });
    assert_eq!(dumb.end().0.exit_code(), 2);
    dumb.until_shows("hint: `benchtop once` prints the same values as text");
}

#[test]
fn without_a_terminal_it_prints_plain_text() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_benchtop")).args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    for arguments in [&[][..], &["once"]] {
        let out = run(arguments);
        assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.contains("memory") && !text.contains('\x1b'), "{text}");
    }
    for arguments in [&["once"][..], &["once", "--json"], &["themes"], &["config", "show"], &["doctor"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_benchtop"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        assert!(out.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

/// A separate multiplexer, ended by its socket.
fn in_tmux(test: impl Fn(&dyn Fn(&[&str]) -> String)) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let tmux = |arguments: &[&str]| {
        let out = Command::new("tmux").arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(arguments).output();
        String::from_utf8(out.unwrap().stdout).unwrap()
    };
    let benchtop = env!("CARGO_BIN_EXE_benchtop");
    tmux(&["new-session", "-d", "-x", "120", "-y", "40", &format!("{benchtop}; echo back; sleep 60")]);
    test(&tmux);
    tmux(&["kill-server"]);
}

#[test]
#[ignore = "needs tmux; .ci/run live installs it"]
fn it_runs_in_a_tmux_pane_and_leaves_it_clean() {
    in_tmux(|tmux| {
        let shows = |words: &str| tmux(&["capture-pane", "-p"]).contains(words);
        until("the boxes", || shows("╭") && shows("COMMAND"));
        tmux(&["resize-window", "-x", "80", "-y", "24"]);
        until("one column", || !shows("╭") && shows("COMMAND"));
        tmux(&["send-keys", "q"]);
        until("the shell continues", || shows("back") && !shows("COMMAND"));
    });
}

#[test]
#[ignore = "needs screen; .ci/run live installs it"]
fn it_runs_in_a_screen_window() {
    /// screen leaves a server behind; it ends with the test.
    struct Server(String);
    impl Drop for Server {
        fn drop(&mut self) {
            let _ = Command::new("screen").args(["-S", &self.0, "-X", "quit"]).output();
        }
    }
    let server = Server(format!("benchtop-test-{}", std::process::id()));
    let arguments = ["-S", &server.0, "-m", "-U", env!("CARGO_BIN_EXE_benchtop")];
    let mut t = Terminal::with(&Setup { program: "screen", arguments: &arguments, ..Setup::default() });
    t.until("the boxes", |s| s.contains('╭') && s.contains("COMMAND"));
    t.send(b"?");
    t.until_shows("this help");
    // screen itself keeps a lone Esc back while a program has the mouse, so it is left by its own key.
    t.send(b"q");
    t.end();
}

#[test]
fn keys_typed_ahead_answer_no_question() {
    let length = format!("97{}", std::process::id());
    let mut child = Ended(Command::new("sleep").arg(&length).spawn().unwrap());
    let child = &mut child.0;
    let mut t = live();
    // A search in one burst works as ever.
    t.send(format!("/{length}\r").as_bytes());
    t.until_shows(&format!("sleep {length}"));
    let question = format!("send TERM to {} sleep?", child.id());
    t.send(b"x\ry");
    t.until_shows(&question);
    t.send(b"\x1b[200~yes, y it is\x1b[201~");
    // What follows the paste shows that it was read.
    t.send(b"+");
    t.until_shows(&question);
    assert!(child.try_wait().unwrap().is_none());
    t.send(b"n");
    t.until("the question is gone", |s| !s.contains(&question));
    assert!(child.try_wait().unwrap().is_none());
    t.send(b"q");
    t.end();
}

#[test]
fn an_unfinished_paste_does_not_swallow_the_keys() {
    let mut t = live();
    t.send(b"\x1b[200~abc");
    // What is typed by hand does not prolong it. Once it is given up, the first of these opens a filter.
    let end = Instant::now() + PATIENCE;
    while !t.text().contains("filter f") {
        assert!(Instant::now() < end, "keys stay dead\n{}", t.text());
        t.send(b"f");
        sleep(Duration::from_millis(50));
    }
    t.send(b"\x03");
    assert!(t.end().0.success());
}

#[test]
fn a_large_paste_into_a_search_is_taken_at_once() {
    let mut t = live();
    t.send(b"/");
    t.until_shows("enter keeps it");
    t.send(b"\x1b[200~");
    for _ in 0..64 {
        t.send(&[b'a'; 16 << 10]);
    }
    let began = Instant::now();
    t.send(b"\x1b[201~");
    t.until_shows("search aaaa");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    t.send(b"\x1b");
    t.until("the search is left", |s| !s.contains("search aaaa"));
    t.send(b"q");
    t.end();
}
