//! `zpool iostat` as a stream: one child that prints an interval's rates every two seconds costs less than one that is
//! started for each, and a pool that hangs shows as an interval that does not come.

use std::{
    io::Read,
    os::fd::AsFd,
    path::Path,
    process::Child,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process_group},
};

use crate::{
    collect::lane::THREAD_PREFIX,
    model::pool::{IoTold, PoolIo},
    sys::{exec, helper},
};

/// Nothing came for so long, in nanoseconds: the interval is whole.
const QUIET_NS: i64 = 200_000_000;
/// Seconds between two intervals.
pub(super) const INTERVAL: &str = "2";

/// The child at work. Dropping it ends the child; the helper does when we end without dropping.
pub(super) struct Stream {
    child: Child,
    _watch: helper::Watch,
    newest: Arc<Mutex<Option<IoTold>>>,
    ended: Arc<AtomicBool>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        // It holds nothing: no reason to ask first. One that hangs in the kernel is not waited for.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // What it started itself ends with it.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.try_wait();
    }
}

impl Stream {
    /// Starts it for these pools.
    pub(super) fn start(zpool: &Path, pools: Vec<String>) -> std::io::Result<Self> {
        let mut command = exec::command(zpool, &["iostat", "-HpPvly", "-T", "u", INTERVAL]);
        let mut child = command.stderr(std::process::Stdio::null()).spawn()?;
        let watch = helper::watch(child.id());
        let newest = Arc::new(Mutex::new(None));
        let ended = Arc::new(AtomicBool::new(false));
        if let Some(output) = child.stdout.take() {
            let (newest, ended) = (newest.clone(), ended.clone());
            thread::Builder::new().name(format!("{THREAD_PREFIX}iostat")).stack_size(128 << 10).spawn(move || {
                let mut parser = Parser::new(pools);
                intervals(output, &mut parser, |told| {
                    *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
                });
                ended.store(true, Ordering::Relaxed);
            })?;
        }
        Ok(Stream { child, _watch: watch, newest, ended })
    }

    /// The newest whole interval, once.
    pub(super) fn take(&self) -> Option<IoTold> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// It printed its last.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// Hands on each interval until the output ends.
fn intervals(mut output: impl Read + AsFd, parser: &mut Parser, mut each: impl FnMut(IoTold)) {
    let mut line = Vec::new();
    let mut piece = [0u8; 4096];
    loop {
        let quiet = Timespec { tv_sec: 0, tv_nsec: QUIET_NS };
        let patience = (!parser.told.rows.is_empty() && line.is_empty()).then_some(&quiet);
        let ready = match poll(&mut [PollFd::new(&output, PollFlags::IN)], patience) {
            Ok(ready) => ready > 0,
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
        };
        if !ready {
            parser.flush().into_iter().for_each(&mut each);
            continue;
        }
        let count = match output.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        for byte in &piece[..count] {
            if *byte == b'\n' {
                parser.line(&String::from_utf8_lossy(&line)).into_iter().for_each(&mut each);
                line.clear();
            } else {
                line.push(*byte);
            }
        }
    }
}

/// Gathers lines into intervals. An interval is whole when the next begins, or when nothing more comes for a while: it is
/// printed in one go.
struct Parser {
    pools: Vec<String>,
    told: IoTold,
    pool: Option<String>,
}

impl Parser {
    fn new(pools: Vec<String>) -> Self {
        Parser { pools, told: IoTold::default(), pool: None }
    }

    fn line(&mut self, line: &str) -> Option<IoTold> {
        let line = line.trim_end();
        let parts: Vec<&str> = line.split('\t').collect();
        if parts.len() < 7 {
            // The time stamp that opens an interval; blank lines stand where groups begin.
            let opens = !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
            return opens.then(|| self.flush()).flatten();
        }
        let name = parts[0].trim();
        let vdev = if self.pools.iter().any(|pool| pool == name) {
            self.pool = Some(name.to_owned());
            None
        } else {
            Some(crate::text::clean(name).into_owned())
        };
        self.told.rows.push((self.pool.clone()?, vdev, io(&parts)));
        None
    }

    fn flush(&mut self) -> Option<IoTold> {
        self.pool = None;
        let number = self.told.number;
        let told = std::mem::take(&mut self.told);
        self.told.number = number + 1;
        (!told.rows.is_empty()).then_some(told)
    }
}

/// name, alloc, free, operations, bandwidth, total wait; each of the last three for reads and writes. Waits in ns.
fn io(parts: &[&str]) -> PoolIo {
    let figure = |at: usize| parts.get(at).and_then(|word| word.trim().parse::<f64>().ok());
    let rate = |at| figure(at).unwrap_or(0.0);
    let wait = |at| figure(at).map(|nanoseconds| nanoseconds / 1e9);
    PoolIo {
        reads: rate(3),
        writes: rate(4),
        read_bytes: rate(5),
        write_bytes: rate(6),
        read_wait: wait(7),
        write_wait: wait(8),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_interval_is_whole_when_the_next_begins() {
        let mut parser = Parser::new(vec!["busy".into(), "tank".into()]);
        let text = "1714564938\nbusy\t25405952\t58480128\t0\t285\t63348\t2290876\t206949580\t19838999\t1\t2\n\
            mirror-0\t1\t2\t3\t4\t5\t6\t-\t8000\n\n/vdev/busy0\t0\t0\t0\t145\t31673\t1145388\t-\t-\n\
            tank\t1\t2\t0\t0\t0\t0\t-\t-\n";
        let early = text.lines().find_map(|line| parser.line(line));
        assert_eq!(early, None, "it may go on");
        let told = parser.line("1714564940").expect("the next began");
        assert_eq!(told.rows.len(), 4);
        let (pool, vdev, io) = &told.rows[0];
        assert_eq!((pool.as_str(), vdev, io.writes, io.write_bytes), ("busy", &None, 285.0, 2_290_876.0));
        assert_eq!(io.read_wait, Some(0.206_949_58));
        assert_eq!(told.rows[1].2.write_wait, Some(8e-6));
        assert_eq!((told.rows[1].1.as_deref(), told.rows[1].2.read_wait), (Some("mirror-0"), None));
        assert_eq!(told.rows[3].0, "tank");
    }

    #[test]
    fn an_interval_is_told_before_the_next_when_its_lines_have_come() {
        let (read, write) = rustix::pipe::pipe().expect("a pipe");
        let mut file = std::fs::File::from(write);
        let (send, told) = std::sync::mpsc::channel();
        let reader = thread::spawn(move || {
            let each = |told: IoTold| send.send(told.rows.len()).expect("heard");
            intervals(std::fs::File::from(read), &mut Parser::new(vec!["tank".into()]), each);
        });
        file.write_all(b"1714564938\ntank\t1\t2\t3\t4\t5\t6\t-\t-\n").expect("written");
        assert_eq!(told.recv_timeout(std::time::Duration::from_secs(30)), Ok(1), "no second time stamp came");
        file.write_all(b"1714564940\ntank\t1\t2\t3\t4\t5\t6\t-\t-\nmirror-0\t1\t2\t3\t4\t5\t6\t-\t-\n1714564942\n")
            .expect("written");
        assert_eq!(told.recv_timeout(std::time::Duration::from_secs(30)), Ok(2));
        drop(file);
        reader.join().expect("it ends with the output");
    }

    /// A `zpool` that does as `script` says, started.
    fn started(folder: &Path, script: &str) -> Stream {
        use std::os::unix::fs::PermissionsExt;
        let program = folder.join("zpool");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("its mode");
        loop {
            match Stream::start(&program, vec!["tank".into()]) {
                // A child that another test starts right now has the script open until it is another program.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => thread::yield_now(),
                started => break started.expect("started"),
            }
        }
    }

    #[test]
    fn it_has_ended_when_its_output_has() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!started(folder.path(), "exec sleep 1000").ended());
        let short = started(folder.path(), "exit 0");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !short.ended() {
            assert!(std::time::Instant::now() < end, "nobody noticed");
            thread::yield_now();
        }
    }
}
