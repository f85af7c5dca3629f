//! The helper over sockets of the test's own, and terminals and groups as they are left.

use std::io::{Read, Write};

use super::*;

#[test]
fn a_full_terminal_is_written_to_once_it_has_room() {
    let (ours, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).expect("a pipe");
    while rustix::io::write(&theirs, &[b'x'; 4096]).is_ok() {}
    write_within(&theirs, b"lost", Duration::ZERO);
    let writer = thread::spawn(move || write_within(&theirs, b"farewell", Duration::from_secs(60)));
    let (mut pipe, mut all) = (std::fs::File::from(ours), Vec::new());
    while !all.ends_with(b"farewell") {
        let mut piece = [0; 4096];
        match pipe.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(_) => thread::yield_now(),
        }
    }
    assert!(all.ends_with(b"xfarewell"), "{}", all.len());
    writer.join().expect("it ends");
}

/// The two ends over which the helper is asked.
fn control() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("sockets")
}

/// What is left when these were sent and the program is gone.
fn left_by(messages: &[(&[u8], Option<BorrowedFd<'_>>)]) -> Option<Left> {
    fn serve(kind: u8, mut line: UnixStream) {
        line.write_all(&[kind, b'!']).expect("an answer");
    }
    let (ours, theirs) = control();
    messages.iter().for_each(|(message, descriptor)| assert!(notify(&ours, message, *descriptor)));
    drop(ours);
    heard(theirs.as_fd(), serve)
}

#[test]
fn groups_are_watched_until_they_are_let_go() {
    let messages = [message(WATCH, 7), message(WATCH, 70_000), message(WATCH, 8), message(LET_GO, 7)];
    let left = left_by(&messages.each_ref().map(|message| (&message[..], None))).expect("ours");
    assert_eq!(left.groups, BTreeSet::from([8, 70_000]));
    assert!(left.taken.is_none());
    assert!(left_by(&[]).is_some_and(|left| left.groups.is_empty()));
}

#[test]
fn each_line_is_served_with_its_kind() {
    for (kind, asked, answer) in [(b'x', "", "x!"), (probe::KIND, "/nowhere/at/all", "y")] {
        let (mut line, theirs) = UnixStream::pair().expect("sockets");
        assert!(left_by(&[(&[LINE, kind, 0, 0, 0], Some(theirs.as_fd()))]).is_some());
        drop(theirs);
        line.write_all(asked.as_bytes()).and_then(|()| line.shutdown(std::net::Shutdown::Write)).expect("asked");
        let mut said = String::new();
        line.read_to_string(&mut said).expect("an answer");
        assert_eq!(said, answer);
    }
}

#[test]
fn the_terminal_is_kept_until_it_is_given_back() {
    let (terminal, _other) = rustix::pipe::pipe().expect("a pipe");
    let taken: (&[u8], _) = (&[TAKEN, 1, 2, 3], Some(terminal.as_fd()));
    let back = message(GIVEN_BACK, 0);
    let kept = |messages: &[_]| left_by(messages).expect("ours").taken.map(|(_, message)| message);
    assert_eq!(kept(&[taken]), Some(vec![1, 2, 3]));
    assert_eq!(kept(&[taken, (&back, None)]), None);
    assert_eq!(kept(&[taken, (&back, None), taken]), Some(vec![1, 2, 3]));
}

#[test]
fn what_no_program_of_ours_sends_ends_the_helper() {
    let (some, _other) = rustix::pipe::pipe().expect("a pipe");
    let (watch, line) = (message(WATCH, 7), message(LINE, 7));
    for wrong in [(&b"?"[..], None), (&watch, Some(some.as_fd())), (&line, None), (&[TAKEN, 1], None)] {
        assert!(left_by(&[wrong]).is_none(), "{:?}", wrong.0);
    }
}

#[test]
fn nobody_hears_when_the_other_end_is_closed() {
    let (ours, theirs) = control();
    assert!(notify(&ours, b"x", None));
    drop(theirs);
    assert!(!notify(&ours, b"x", None));
}

#[test]
fn a_line_is_waited_for_no_longer_than_asked() {
    let (mut ours, theirs) = UnixStream::pair().expect("sockets");
    let now = Instant::now();
    assert!(matches!(wait(&theirs, Some(now)), Ok(false)));
    assert!(matches!(wait(&theirs, Some(now + Duration::from_millis(20))), Ok(false)));
    assert!(now.elapsed() >= Duration::from_millis(20));
    ours.write_all(b"y").expect("written");
    assert!(matches!(wait(&theirs, Some(now)), Ok(true)), "it is there");
    assert!(matches!(wait(&theirs, None), Ok(true)));
}

/// A terminal of our own, and a second descriptor of it.
fn terminal() -> (Box<dyn portable_pty::MasterPty + Send>, OwnedFd) {
    let pair = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default()).expect("a terminal");
    let name = pair.master.tty_name().expect("its name");
    let file = std::fs::File::options().read(true).write(true).open(name).expect("its other end");
    (pair.master, file.into())
}

#[test]
fn a_terminal_is_given_back_as_it_was_found() {
    let (master, terminal) = terminal();
    let found = tcgetattr(&terminal).expect("its modes");
    assert!(found.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO));
    let mut raw = found.clone();
    raw.make_raw();
    tcsetattr(&terminal, OptionalActions::Now, &raw).expect("raw");
    let modes = [found.input_modes.bits(), found.output_modes.bits(), found.local_modes.bits()];
    let message: Vec<u8> = modes.into_iter().flat_map(u32::to_le_bytes).chain(*b"bye").collect();
    give_back(&terminal, &message[..11]);
    assert_eq!(tcgetattr(&terminal).expect("its modes").local_modes, raw.local_modes, "no whole message");
    give_back(&terminal, &message);
    let now = tcgetattr(&terminal).expect("its modes");
    assert_eq!(
        (now.input_modes, now.output_modes, now.local_modes),
        (found.input_modes, found.output_modes, found.local_modes)
    );
    let mut said = [0; 3];
    master.try_clone_reader().and_then(|mut reader| Ok(reader.read_exact(&mut said)?)).expect("its farewell");
    assert_eq!(&said, b"bye");
}

#[test]
fn a_terminal_that_a_shell_has_taken_keeps_its_modes() {
    for mode in [LocalModes::ICANON, LocalModes::ECHO, LocalModes::ISIG] {
        let (_master, terminal) = terminal();
        let mut shell = tcgetattr(&terminal).expect("its modes");
        shell.make_raw();
        shell.local_modes |= mode;
        tcsetattr(&terminal, OptionalActions::Now, &shell).expect("set");
        give_back(&terminal, &[0; 12]);
        assert_eq!(tcgetattr(&terminal).expect("its modes").local_modes, shell.local_modes, "{mode:?}");
    }
}

#[test]
fn groups_that_are_left_are_ended() {
    use std::os::unix::process::ExitStatusExt;
    // One that ends by itself is signalled once, one that ignores that is killed.
    let start = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("a shell");
        let mut ready = [0; 1];
        child.stdout.take().expect("its output").read_exact(&mut ready).expect("it runs");
        child
    };
    let mut soft = start("echo x; exec sleep 1000");
    let mut hard = start("trap '' TERM; echo x; while :; do sleep 1000; done");
    let groups = [&soft, &hard].map(|child| child.id().cast_signed());
    // What has ended is only gone once it was reaped.
    let reaper = thread::spawn(move || [soft.wait(), hard.wait()].map(|ended| ended.expect("ended").signal()));
    let began = Instant::now();
    end(&groups.into());
    assert!(began.elapsed() >= GRACE, "the second one had its time");
    assert_eq!(reaper.join().expect("both ended"), [Some(15), Some(9)]);
    let began = Instant::now();
    end(&BTreeSet::from([groups[0]]));
    assert!(began.elapsed() < GRACE, "what is gone is not waited for");
}

#[test]
fn the_helper_is_this_program() {
    assert_eq!(program(), std::env::current_exe().expect("its path"));
}
