//! The helper process: it makes the calls that may hang in the kernel, nothing waits for it, and it never outlives the program.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[expect(dead_code, reason = "shared with the tests of the terminal")]
#[path = "pty/terminal.rs"]
mod terminal;

use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair},
    process::{Pid, Signal, kill_process},
};
use terminal::{PATIENCE, Setup, Terminal};

fn until<T>(what: &str, find: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// The children of a process with a word in their arguments.
fn child(of: u32, word: &str) -> Option<u32> {
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()?;
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        (parent == of && String::from_utf8_lossy(&arguments).contains(word)).then_some(pid)
    })
}

fn is_gone(pid: u32) -> Option<()> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn the_helper_ends_with_us() {
    for how in [Signal::KILL, Signal::TERM] {
        let t = Terminal::start(&[]);
        let helper = until("a helper", || child(t.pid(), "__helper"));
        t.signal(how);
        until("its end", || is_gone(helper));
    }
}

#[test]
fn a_stopped_helper_ends_with_us_too() {
    let t = Terminal::start(&[]);
    let helper = until("a helper", || child(t.pid(), "__helper"));
    t.until("a process", |screen| screen.contains("benchtop") && screen.contains("processes"));
    signal(helper, Signal::STOP);
    t.signal(Signal::KILL);
    until("its end", || is_gone(helper));
}

#[test]
fn a_hanging_helper_blocks_nothing() {
    let mut t = Terminal::start(&[]);
    t.until("a process", |screen| screen.contains("benchtop") && screen.contains("processes"));
    let helper = until("a helper", || child(t.pid(), "__helper"));
    signal(helper, Signal::STOP);
    t.send(b"q");
    let (status, took) = t.end();
    assert!(status.success());
    assert!(took < Duration::from_secs(10), "{took:?}");
    until("its end", || is_gone(helper));
}

#[test]
fn a_killed_helper_is_restarted() {
    let t = Terminal::start(&[]);
    t.until("a process", |screen| screen.contains("benchtop") && screen.contains("processes"));
    let first = until("a helper", || child(t.pid(), "__helper"));
    signal(first, Signal::KILL);
    until("another helper", || child(t.pid(), "__helper").filter(|pid| *pid != first));
}

/// benchtop with its settings in this folder.
fn at_home(home: &tempfile::TempDir) -> Terminal {
    let environment = [("XDG_CONFIG_HOME", home.path().to_str().unwrap())];
    Terminal::with(&Setup { environment: &environment, ..Setup::default() })
}

#[test]
fn a_save_that_hangs_does_not_hold_up_the_end() {
    let home = tempfile::tempdir().unwrap();
    let mut t = at_home(&home);
    t.until("a process", |screen| screen.contains("benchtop") && screen.contains("processes"));
    let helper = until("a helper", || child(t.pid(), "__helper"));
    // The helper hangs as it does in the kernel when a folder does not answer.
    signal(helper, Signal::STOP);
    t.send(b"+");
    t.until_shows("refresh every");
    t.send(b"\x13?");
    t.until_shows("this help");
    assert!(!home.path().join("benchtop/config.saved.toml").exists(), "the program itself saved");
    t.send(b"\x03");
    let (status, took) = t.end();
    assert!(status.success());
    assert!(took < Duration::from_secs(10), "{took:?}");
    until("its end", || is_gone(helper));
}

#[test]
fn a_save_says_where_it_went() {
    let home = tempfile::tempdir().unwrap();
    let mut t = at_home(&home);
    t.until("a process", |screen| screen.contains("benchtop") && screen.contains("processes"));
    t.send(b"+\x13");
    t.until_shows("saved refresh = ");
    assert!(home.path().join("benchtop/config.saved.toml").exists());
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn processes_are_listed_though_a_file_blocks() {
    let root = tempfile::tempdir().unwrap();
    let proc = root.path().join("proc");
    for pid in [10, 11, 12] {
        fs::create_dir_all(proc.join(pid.to_string())).unwrap();
        let stat = format!("{pid} (job{pid}) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0 20 0 1 0 99 4096 3\n");
        fs::write(proc.join(format!("{pid}/stat")), stat).unwrap();
        fs::write(proc.join(format!("{pid}/cmdline")), format!("/bin/job\0{pid}\0")).unwrap();
    }
    for file in ["cmdline", "cgroup", "io"] {
        let at = proc.join("11").join(file);
        let _ = fs::remove_file(&at);
        fifo(&at);
    }
    let output = Command::new(env!("CARGO_BIN_EXE_benchtop"))
        .args(["--root".as_ref(), root.path().as_os_str(), "once".as_ref(), "--json".as_ref()])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = report["processes"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!((names.len(), names.contains(&"job11")), (3, true), "{names:?}");
}

/// Runs the program beside a mount that never answers: a FUSE connection that no daemon serves, in a mount namespace of its
/// own. `{}` in an argument or variable is its folder. `None` where this user may not mount.
fn beside_a_dead_mount(arguments: &[&str], variable: Option<&str>) -> Option<(Option<i32>, String)> {
    const SCRIPT: &str = "exec 5<>/dev/fuse && mount -i -t fuse -o fd=5,rootmode=40000,user_id=0,group_id=0 dead \"$0\" \
        || exit 99; exec env \"$@\"";
    let folder = tempfile::tempdir().unwrap();
    let place = |text: &str| text.replace("{}", folder.path().to_str().unwrap());
    let child = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "bash", "-c", SCRIPT])
        .arg(folder.path())
        .arg(variable.map_or("A=B".to_owned(), place))
        .arg(env!("CARGO_BIN_EXE_benchtop"))
        .args(arguments.iter().map(|text| place(text)))
        .env_remove("BENCHTOP_CONFIG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return None };
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("{arguments:?} {variable:?} hangs");
        }
        sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code() != Some(99) && !said.contains("unshare:")).then_some((output.status.code(), said))
}

#[test]
fn files_of_the_user_s_on_a_dead_mount_hold_up_nothing() {
    const SILENT: &str = "does not answer";
    for (arguments, variable, status, words) in [
        (&["--log", "{}/log", "once"][..], None, 2, SILENT),
        (&["--config", "{}/c.toml", "config", "check"], None, 2, SILENT),
        (&["--theme", "{}/t.toml", "once"], None, 2, SILENT),
        (&["--root", "{}", "once"], None, 2, SILENT),
        (&["config", "check"], Some("XDG_CONFIG_HOME={}"), 2, SILENT),
        (&["once"], Some("XDG_CONFIG_HOME={}"), 0, ""),
        (&["once"], Some("DOCKER_CONFIG={}"), 0, ""),
        (&["once", "--wait", "1"], None, 0, ""),
    ] {
        let Some((code, said)) = beside_a_dead_mount(arguments, variable) else {
            eprintln!("skipped: nothing can be mounted here");
            return;
        };
        assert!(code == Some(status) && said.contains(words), "{arguments:?} {variable:?}: {code:?} {said}");
    }
}

/// The helper as it is started, with the message about a child.
#[test]
fn no_child_outlives_us() {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let mut helper =
        Command::new(env!("CARGO_BIN_EXE_benchtop")).arg("__helper").stdin(Stdio::from(theirs)).spawn().unwrap();
    let sleeper = || Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
    let mut children = [sleeper(), sleeper()];
    let [left, let_go] = children.each_ref().map(Child::id);
    for (letter, pid) in [(b'w', left), (b'w', let_go), (b'g', let_go)] {
        let [a, b, c, d] = pid.to_le_bytes();
        send(&ours, &[letter, a, b, c, d], SendFlags::empty()).unwrap();
    }
    drop(ours);
    assert_eq!(helper.wait().unwrap().signal(), Some(9), "by itself: nothing may hold up its end");
    assert!(children[0].wait().unwrap().code().is_none(), "a signal ended it");
    assert!(children[1].try_wait().unwrap().is_none(), "it was let go");
    children[1].kill().unwrap();
    children[1].wait().unwrap();
}
