//! Rounds over hand-made folders: reused pids, odd names, waking sleepers, threads.

use std::{collections::BTreeMap, fs, path::Path as FsPath};

use super::*;
use crate::{
    clock::{Clock, Stamp},
    interest::Interest,
    model::process::{ProcKey, ProcRow},
    sys::root::Root,
};

/// A machine made of plain files.
struct Machine {
    folder: tempfile::TempDir,
    source: Box<dyn Collector>,
    second: u64,
    want: Interest,
}

fn line(pid: u32, name: &str, state: char, start: u64, ticks: u64, child: u64) -> String {
    format!(
        "{pid} ({name}) {state} 1 {pid} {pid} 0 -1 4194304 0 0 0 0 {ticks} 0 {child} 0 20 0 1 0 {start} 4096 10 \
         18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n"
    )
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("proc")).unwrap();
        let root = Root::new(folder.path());
        let source = open(&OpenCx { clock: Clock::stopped(), ..OpenCx::of(root) }).unwrap();
        let machine = Machine { folder, source, second: 0, want: Interest::default() };
        machine.busy(0);
        machine
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("proc").join(name)
    }

    fn busy(&self, ticks: u64) {
        fs::write(self.path("stat"), format!("cpu  {ticks} 0 0 1000 0 0 0 0 0 0\n")).unwrap();
    }

    fn put(&self, pid: u32, text: &str) {
        fs::create_dir_all(self.path(&pid.to_string())).unwrap();
        fs::write(self.path(&format!("{pid}/stat")), text).unwrap();
    }

    fn end(&self, pid: u32) {
        fs::remove_dir_all(self.path(&pid.to_string())).unwrap();
    }

    fn round(&mut self) -> ProcessSample {
        self.collect(false)
    }

    fn keyframe(&mut self) -> ProcessSample {
        self.collect(true)
    }

    fn collect(&mut self, keyframe: bool) -> ProcessSample {
        self.second += 1;
        // The first round reads the run's clock itself.
        let began = Clock::stopped().now().mono_us / 1_000_000;
        let at = Stamp::at_seconds(began + self.second);
        let cx = CollectCx { keyframe, ..CollectCx::new(at, &self.want) };
        match self.source.collect(&cx).unwrap() {
            Sample::Processes(sample) => sample,
            other => panic!("{other:?}"),
        }
    }
}

fn row(sample: &ProcessSample, pid: u32) -> &ProcRow {
    sample.rows.iter().find(|r| r.key.pid == pid).unwrap_or_else(|| panic!("no row of {pid} in {sample:?}"))
}

fn pids(sample: &ProcessSample) -> Vec<u32> {
    sample.rows.iter().map(|r| r.key.pid).collect()
}

#[test]
fn later_rounds_send_only_changes() {
    let mut m = Machine::new();
    m.put(10, &line(10, "idle", 'S', 5, 100, 0));
    m.put(9, &line(9, "busy", 'R', 5, 100, 0));
    let first = m.round();
    assert!(first.fresh);
    assert_eq!(pids(&first), [9, 10]);
    assert_eq!(row(&first, 9).over_us, 0, "no rate yet");
    assert!(m.source.hurry().is_some());
    m.put(9, &line(9, "busy", 'R', 5, 150, 0));
    m.busy(50);
    let second = m.round();
    assert_eq!(row(&second, 9).over_us, 1_000_000);
    assert!(m.source.hurry().is_none());
    m.round();
    let quiet = m.round();
    assert!(quiet.rows.is_empty() && quiet.gone.is_empty(), "{quiet:?}");
}

#[test]
fn a_recycled_pid_is_another_process() {
    let mut m = Machine::new();
    m.put(10, &line(10, "old", 'S', 5, 100, 0));
    m.round();
    m.put(10, &line(10, "new", 'S', 900, 3, 0));
    let sample = m.round();
    assert_eq!(sample.gone, [ProcKey { pid: 10, start_ticks: 5 }]);
    assert_eq!(row(&sample, 10).key.start_ticks, 900);
    assert_eq!(row(&sample, 10).name.as_deref(), Some("new"));
}

#[test]
fn waking_sleeper_is_seen_in_the_same_round() {
    let mut m = Machine::new();
    for pid in 100..140 {
        m.put(pid, &line(pid, "sleeper", 'S', 5, 100, 0));
    }
    for _ in 0..20 {
        m.round();
    }
    let quiet = m.round();
    assert!(quiet.read < 20, "{} of 40 were read", quiet.read);
    // One that is not due in its turn.
    for pid in 100..140 {
        m.put(pid, &line(pid, "sleeper", if pid == 117 { 'R' } else { 'S' }, 5, if pid == 117 { 190 } else { 100 }, 0));
    }
    m.busy(90);
    let sample = m.round();
    let waker = row(&sample, 117);
    assert_eq!(waker.user_ticks, 190);
    assert!((900_000..=1_100_000).contains(&waker.over_us), "90 ticks in this second, not in eight: {}", waker.over_us);
}

#[test]
fn an_end_is_sent_once() {
    let mut m = Machine::new();
    m.put(10, &line(10, "a", 'S', 5, 1, 0));
    m.put(11, &line(11, "b", 'S', 6, 1, 0));
    m.round();
    m.end(10);
    fs::remove_file(m.path("11/stat")).unwrap();
    let sample = m.round();
    assert_eq!(sample.gone.iter().map(|g| g.pid).collect::<Vec<_>>(), [10, 11]);
    assert_eq!(m.round().gone, []);
}

#[test]
fn an_exec_rereads_name_and_arguments() {
    let mut m = Machine::new();
    m.put(10, &line(10, "sh", 'S', 5, 1, 0));
    fs::write(m.path("10/cmdline"), "sh\0-c\0x\0").unwrap();
    let first = m.round();
    assert_eq!(&*first.infos[0].1.command, "sh -c x");
    m.put(10, &line(10, "server (x) 1", 'S', 5, 2, 0));
    fs::write(m.path("10/cmdline"), "server\0").unwrap();
    let sample = m.round();
    assert_eq!(row(&sample, 10).name.as_deref(), Some("server (x) 1"));
    assert_eq!(&*sample.infos[0].1.command, "server");
}

#[test]
fn arguments_rewritten_in_place_are_seen() {
    let mut m = Machine::new();
    m.put(10, &line(10, "worker", 'S', 5, 1, 0));
    fs::write(m.path("10/cmdline"), "worker: idle\0").unwrap();
    assert_eq!(&*m.round().infos[0].1.command, "worker: idle");
    fs::write(m.path("10/cmdline"), "worker: SELECT\0").unwrap();
    m.want.visible = vec![ProcKey { pid: 10, start_ticks: 5 }];
    let read = (0..4).flat_map(|_| m.round().infos).any(|(_, info)| &*info.command == "worker: SELECT");
    assert!(read, "what is on the screen is read again within four rounds");
    m.want.visible.clear();
    fs::write(m.path("10/cmdline"), "worker: COMMIT\0").unwrap();
    let read = (2..18).any(|ticks| {
        m.put(10, &line(10, "worker", 'S', 5, ticks, 0));
        m.round().infos.iter().any(|(_, info)| &*info.command == "worker: COMMIT")
    });
    assert!(read, "busy processes are read again in turns");
}

#[test]
fn an_idle_new_process_is_looked_up_next_round() {
    let mut m = Machine::new();
    m.put(10, &line(10, "old", 'S', 5, 1, 0));
    m.round();
    for (pid, ticks) in [(11, 0), (12, 3)] {
        m.put(pid, &line(pid, "new", 'S', 9, ticks, 0));
    }
    let read = |sample: ProcessSample| -> Vec<u32> { sample.infos.iter().map(|(key, _)| key.pid).collect() };
    assert_eq!(read(m.round()), [12], "a busy process may be on the screen now");
    assert!(read(m.round()).contains(&11));
}

#[test]
fn an_exec_under_the_same_name_is_seen() {
    let mut m = Machine::new();
    let image = |code: &str| line(10, "python3", 'S', 5, 1, 0).replace("18446744073709551615 1 1 0", code);
    m.put(10, &image("18446744073709551615 4096 8192 77"));
    fs::write(m.path("10/cmdline"), "python3\0before.py\0").unwrap();
    m.round();
    m.put(10, &image("18446744073709551615 4096 8192 99"));
    fs::write(m.path("10/cmdline"), "python3\0after.py\0").unwrap();
    assert_eq!(&*m.round().infos[0].1.command, "python3 after.py");
}

#[test]
fn a_command_line_that_blocks_costs_that_line() {
    let mut m = Machine::new();
    let fifo = |path: &FsPath| {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    for pid in 10..14 {
        m.put(pid, &line(pid, "victim", 'S', 5, 1, 0));
        fs::write(m.path(&format!("{pid}/cmdline")), format!("victim\0{pid}\0")).unwrap();
        fs::write(m.path(&format!("{pid}/cgroup")), "0::/a.slice\n").unwrap();
    }
    fs::remove_file(m.path("11/cmdline")).unwrap();
    fifo(&m.path("11/cmdline"));
    m.want.commands_of_all = true;
    let first = m.round();
    assert_eq!(pids(&first), [10, 11, 12, 13]);
    let mut read: BTreeMap<u32, String> = BTreeMap::new();
    let expected = [(10, "victim 10"), (11, ""), (12, "victim 12"), (13, "victim 13")];
    let expected = expected.map(|(pid, command)| (pid, command.to_owned())).into();
    let mut infos = first.infos;
    while read != expected {
        for (key, info) in infos {
            assert_eq!(&*info.cgroup, "/a.slice", "its cgroup is read all the same");
            read.insert(key.pid, info.command.to_string());
        }
        infos = m.round().infos;
    }
    assert!(m.round().infos.iter().all(|(key, _)| key.pid != 11), "it is not asked again");
    fs::write(m.path("11/cmdline"), "victim\0late\0").unwrap();
    // It answers again: its line is read again.
    fs::remove_file(m.path("11/cmdline")).unwrap();
    fs::write(m.path("11/cmdline"), "victim\0late\0").unwrap();
    while !m.round().infos.iter().any(|(key, info)| key.pid == 11 && &*info.command == "victim late") {}
}

#[test]
fn unreadable_processes_count_as_hidden() {
    let mut m = Machine::new();
    m.put(10, &line(10, "own", 'S', 5, 1, 0));
    assert_eq!(m.round().hidden, None, "a recording need not hold the first process");
    // Root may read everything.
    if rustix::process::geteuid().is_root() {
        return;
    }
    m.put(11, &line(11, "theirs", 'S', 5, 1, 0));
    fs::set_permissions(m.path("11/stat"), std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    let sample = m.round();
    assert_eq!((pids(&sample), sample.hidden), (vec![10], Some(1)));
}

#[test]
fn an_invalid_line_changes_nothing() {
    let mut m = Machine::new();
    m.put(10, &line(10, "a", 'S', 5, 1, 0));
    m.put(12, "12 (cut");
    let first = m.round();
    assert_eq!(pids(&first), [10]);
    m.put(10, "nonsense");
    let sample = m.round();
    assert!(sample.gone.is_empty() && sample.rows.is_empty());
}

#[test]
fn threads_are_read_while_wanted() {
    let mut m = Machine::new();
    m.put(10, &line(10, "pool", 'S', 5, 1, 0).replace(" 20 0 1 0 5 ", " 20 0 2 0 5 "));
    for tid in [10, 12] {
        fs::create_dir_all(m.path(&format!("10/task/{tid}"))).unwrap();
        fs::write(m.path(&format!("10/task/{tid}/stat")), line(tid, "worker", 'S', 6, 1, 0)).unwrap();
    }
    assert_eq!(pids(&m.round()), [10]);
    m.want.threads = true;
    let sample = m.round();
    let thread = row(&sample, 12);
    assert_eq!((thread.tgid, thread.resident_pages), (10, 0));
    m.want.threads = false;
    assert_eq!(m.round().gone.iter().map(|g| g.pid).collect::<Vec<_>>(), [12]);
}

#[test]
fn storage_rates_are_read_for_the_screen_only() {
    let mut m = Machine::new();
    for pid in [10, 11] {
        m.put(pid, &line(pid, "w", 'S', 5, 1, 0));
        fs::write(m.path(&format!("{pid}/io")), "read_bytes: 100\nwrite_bytes: 7\n").unwrap();
    }
    m.round();
    m.want.visible = vec![ProcKey { pid: 11, start_ticks: 5 }];
    let one = m.round();
    assert_eq!(one.ios.iter().map(|io| (io.key.pid, io.over_us)).collect::<Vec<_>>(), [(11, 0)]);
    fs::write(m.path("11/io"), "read_bytes: 300\nwrite_bytes: 7\n").unwrap();
    let two = m.round();
    assert_eq!((two.ios[0].read_bytes, two.ios[0].over_us), (300, 1_000_000));
}

#[test]
fn storage_counters_rest_in_every_second_round() {
    let mut m = Machine::new();
    for pid in [10, 11] {
        m.put(pid, &line(pid, "w", 'R', 5, 1, 0));
        fs::write(m.path(&format!("{pid}/io")), "read_bytes: 100\nwrite_bytes: 7\n").unwrap();
    }
    let key = |pid| ProcKey { pid, start_ticks: 5 };
    m.want.visible = vec![key(10)];
    let read = |m: &mut Machine| {
        let sample = m.round();
        sample.ios.iter().map(|io| (io.key.pid, io.over_us)).collect::<Vec<_>>()
    };
    assert_eq!(read(&mut m), [(10, 0)]);
    assert_eq!(read(&mut m), [(10, 1_000_000)], "the first rate is there at once");
    assert_eq!(read(&mut m), [(10, 1_000_000)]);
    assert_eq!(read(&mut m), []);
    assert_eq!(read(&mut m), [(10, 2_000_000)], "over the time that it covers");
    m.want.visible = vec![key(10), key(11)];
    assert_eq!(read(&mut m), [(11, 0)], "what comes into view does not wait");
    m.want.io_of_all = true;
    for _ in 0..2 {
        let mut all = read(&mut m);
        all.sort_unstable();
        assert_eq!(all.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), [10, 11], "the order depends on them");
    }
}

#[test]
fn counters_of_a_sleeper_are_repeated_and_of_a_waker_read() {
    let mut m = Machine::new();
    m.want.io_of_all = true;
    m.put(10, &line(10, "sleeper", 'S', 5, 1, 0));
    fs::write(m.path("10/io"), "read_bytes: 100\nwrite_bytes: 7\n").unwrap();
    (0..12).for_each(|_| drop(m.round()));
    fs::write(m.path("10/io"), "read_bytes: 300\nwrite_bytes: 7\n").unwrap();
    let counters = |sample: &ProcessSample| sample.ios.iter().map(|io| (io.key.pid, io.read_bytes)).collect::<Vec<_>>();
    assert_eq!(counters(&m.round()), [(10, 100)], "it did nothing since");
    m.put(10, &line(10, "sleeper", 'R', 5, 91, 0));
    m.put(11, &line(11, "new", 'R', 9, 1, 0));
    fs::write(m.path("11/io"), "read_bytes: 40\nwrite_bytes: 7\n").unwrap();
    m.busy(90);
    let mut both = counters(&m.round());
    both.sort_unstable();
    assert_eq!(both, [(10, 300), (11, 40)]);
}

#[test]
fn the_homelab_is_read() {
    let top = FsPath::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hosts/homelab");
    let mut source = open(&OpenCx::of(Root::new(top))).unwrap();
    let want = Interest::default();
    let cx = CollectCx::new(Stamp::at_seconds(1), &want);
    let Ok(Sample::Processes(sample)) = source.collect(&cx) else { panic!("processes") };
    assert!(sample.rows.len() >= 12);
    assert!(sample.rows.iter().any(|r| r.kernel) && sample.rows.iter().any(|r| r.state == b'Z'));
    assert!(sample.rows.iter().any(|r| r.name.as_deref() == Some("(evil) 1 2 (x")));
    assert!(sample.infos.iter().any(|i| crate::model::process::container_of(&i.1.cgroup).is_some()));
}

#[test]
fn proc_is_listed_only_after_forks_and_exits() {
    let mut m = Machine::new();
    let counts = |m: &Machine, forks: u64, tasks: u64| {
        fs::write(m.path("stat"), format!("cpu  0 0 0 1000 0 0 0 0 0 0\nprocesses {forks}\n")).unwrap();
        fs::write(m.path("loadavg"), format!("0.10 0.20 0.30 1/{tasks} 99\n")).unwrap();
    };
    counts(&m, 100, 4);
    m.put(10, &line(10, "first", 'S', 5, 0, 0));
    assert_eq!(pids(&m.round()), [10]);
    m.put(11, &line(11, "second", 'S', 6, 0, 0));
    assert!(!pids(&m.round()).contains(&11), "by the kernel's count no process started");
    counts(&m, 101, 4);
    assert!(pids(&m.round()).contains(&11), "a start and an end leave the task count unchanged");
    m.end(10);
    counts(&m, 101, 3);
    assert_eq!(m.round().gone.iter().map(|g| g.pid).collect::<Vec<_>>(), [10]);
    m.put(12, &line(12, "third", 'S', 7, 0, 0));
    let met = (0..UNLISTED.0).any(|_| pids(&m.round()).contains(&12));
    assert!(met, "the count may be another machine's: it is verified now and then");
    m.put(13, &line(13, "fourth", 'S', 8, 0, 0));
    let met = (0..UNLISTED.0).any(|_| pids(&m.round()).contains(&13));
    assert!(met, "a process it missed makes it unreliable");
    // Nothing new for a while.
    (0..4 * UNLISTED.1).for_each(|_| drop(m.round()));
    m.put(14, &line(14, "fifth", 'S', 9, 0, 0));
    let met = (0..UNLISTED.1).any(|_| pids(&m.round()).contains(&14));
    assert!(met, "it is never trusted for longer");
}

#[test]
fn starts_are_found_by_pid_and_ends_by_count() {
    let mut m = Machine::new();
    let counts = |m: &Machine, forks: u64, tasks: u64, last: u32| {
        fs::write(m.path("stat"), format!("cpu  0 0 0 1000 0 0 0 0 0 0\nprocesses {forks}\n")).unwrap();
        fs::write(m.path("loadavg"), format!("0.10 0.20 0.30 1/{tasks} {last}\n")).unwrap();
    };
    for pid in 10..14 {
        m.put(pid, &line(pid, "old", 'S', 5, 0, 0));
    }
    counts(&m, 100, 4, 13);
    // All fall asleep.
    (0..5).for_each(|_| drop(m.round()));
    // Two started, one of which has ended again.
    m.put(15, &line(15, "new", 'S', 9, 0, 0));
    m.put(900, &line(900, "unlisted", 'S', 9, 0, 0));
    counts(&m, 102, 5, 15);
    let sample = m.round();
    assert!(pids(&sample).contains(&15) && !pids(&sample).contains(&900), "nothing was listed: {:?}", pids(&sample));
    // An unread sleeper ended: the count does not add up.
    m.end(12);
    fs::remove_dir_all(m.path("900")).unwrap();
    m.put(16, &line(16, "newer", 'S', 9, 0, 0));
    counts(&m, 103, 5, 16);
    let sample = m.round();
    assert_eq!(sample.gone.iter().map(|g| g.pid).collect::<Vec<_>>(), [12]);
    assert!(pids(&sample).contains(&16));
    // A pid was reused.
    m.put(13, &line(13, "reused", 'S', 77, 0, 0));
    counts(&m, 104, 5, 12);
    m.round();
    counts(&m, 105, 5, 13);
    m.put(13, &line(13, "grandchild", 'S', 99, 0, 0));
    assert_eq!(row(&m.round(), 13).name.as_deref(), Some("grandchild"));
}

#[test]
fn one_round_of_excess_tasks_lists_nothing() {
    let mut m = Machine::new();
    let counts = |m: &Machine, forks: u64, tasks: u64| {
        fs::write(m.path("stat"), format!("cpu  0 0 0 1000 0 0 0 0 0 0\nprocesses {forks}\n")).unwrap();
        fs::write(m.path("loadavg"), format!("0.10 0.20 0.30 1/{tasks} {}\n", forks - 80)).unwrap();
    };
    m.put(10, &line(10, "old", 'S', 5, 0, 0));
    counts(&m, 100, 1);
    m.round();
    // Its pid is not among the new ones: only a listing finds it.
    m.put(15, &line(15, "unlisted", 'S', 9, 0, 0));
    // Another one was counted and has ended.
    counts(&m, 101, 2);
    assert!(pids(&m.round()).is_empty());
    counts(&m, 102, 1);
    assert!(pids(&m.round()).is_empty());
    counts(&m, 103, 2);
    assert!(pids(&m.round()).is_empty());
    counts(&m, 104, 2);
    assert_eq!(pids(&m.round()), [15], "the count is too high a second time");
}

#[test]
fn only_the_parent_of_an_ended_process_is_read() {
    let mut m = Machine::new();
    for pid in 100..140 {
        m.put(pid, &line(pid, "sleeper", 'S', 5, 100, 0));
    }
    let child = |parent: u32, ticks: u64| {
        let text = line(200, "compiler", 'R', 9, ticks, 0);
        text.replacen(" R 1 ", &format!(" R {parent} "), 1)
    };
    m.put(200, &child(117, 0));
    for second in 1..=20 {
        m.put(200, &child(117, second * 50));
        m.busy(second * 50);
        m.round();
    }
    // It worked on and ended; its parent inherits its ticks.
    m.end(200);
    m.put(117, &line(117, "sleeper", 'S', 5, 100, 1090));
    m.busy(1090);
    let sample = m.round();
    assert!(sample.read < 20, "{} of 40 were read", sample.read);
    assert_eq!(sample.ended_ticks, 90);
}

#[test]
fn a_little_work_of_a_sleeper_among_many_is_found() {
    let mut m = Machine::new();
    for pid in 100..1200 {
        m.put(pid, &line(pid, "sleeper", 'S', 5, 100, 0));
    }
    for _ in 0..6 {
        m.round();
    }
    let quiet = m.round();
    assert!((10..100).contains(&quiet.read), "{} of 1100 were read", quiet.read);
    // Five hundredths of a core: searched for in four parts.
    let found = (1..=4).find(|second| {
        m.put(600, &line(600, "sleeper", 'S', 5, 100 + second * 5, 0));
        m.busy(second * 5);
        pids(&m.round()).contains(&600)
    });
    let busy = found.expect("found") * 5;
    // Too little work to notice waits for its turn, and is not shown as a burst then.
    let burst = (1..=40).find_map(|second| {
        m.put(800, &line(800, "sleeper", 'S', 5, 100 + second * 2, 0));
        m.busy(busy + second * 2);
        m.round().rows.iter().find(|r| r.key.pid == 800).map(|r| (second * 2, r.over_us / 1_000_000))
    });
    let (ticks, seconds) = burst.expect("read in its turn");
    assert!(ticks <= 3 * seconds, "{ticks} ticks in {seconds} s");
    // An idle process is read in its turn.
    m.put(700, &line(700, "sleeper", 'D', 5, 100, 0));
    assert!((0..32).any(|_| pids(&m.round()).contains(&700)));
}

#[test]
fn a_new_thread_is_not_a_process() {
    let mut m = Machine::new();
    let threads = |count: u32| line(10, "pool", 'S', 5, 0, 0).replace(" 20 0 1 0 5 ", &format!(" 20 0 {count} 0 5 "));
    let counts = |m: &Machine, forks: u64, tasks: u64, last: u32| {
        fs::write(m.path("stat"), format!("cpu  0 0 0 1000 0 0 0 0 0 0\nprocesses {forks}\n")).unwrap();
        fs::write(m.path("loadavg"), format!("0.10 0.20 0.30 1/{tasks} {last}\n")).unwrap();
    };
    m.put(10, &threads(1));
    counts(&m, 100, 1, 10);
    (0..6).for_each(|_| drop(m.round()));
    m.put(10, &threads(2));
    m.put(11, &threads(2).replace("10 (pool)", "11 (pool)"));
    fs::write(m.path("11/status"), "Name:\tpool\nTgid:\t10\nPid:\t11\n").unwrap();
    counts(&m, 101, 2, 11);
    let sample = m.round();
    assert_eq!((pids(&sample), row(&sample, 10).threads), (vec![10], 2));
}

#[test]
fn without_task_counts_every_round_lists() {
    let mut m = Machine::new();
    m.put(10, &line(10, "first", 'S', 5, 0, 0));
    m.round();
    m.put(11, &line(11, "second", 'S', 6, 0, 0));
    assert!(pids(&m.round()).contains(&11));
}

#[test]
fn threads_of_a_sleeper_are_read_once_and_for_a_keyframe() {
    let mut m = Machine::new();
    let pool = |ticks: u64| line(10, "pool", 'S', 5, ticks, 0).replace(" 20 0 1 0 5 ", " 20 0 3 0 5 ");
    m.put(10, &pool(1));
    let thread = |m: &Machine, tid: u32, ticks: u64| {
        fs::create_dir_all(m.path(&format!("10/task/{tid}"))).unwrap();
        fs::write(m.path(&format!("10/task/{tid}/stat")), line(tid, "worker", 'S', 6, ticks, 0)).unwrap();
    };
    [10, 12, 14].iter().for_each(|tid| thread(&m, *tid, 1));
    (0..8).for_each(|_| drop(m.round()));
    m.want.threads = true;
    assert_eq!(pids(&m.round()), [12, 14], "nothing was known of them");
    thread(&m, 12, 50);
    assert_eq!(pids(&m.round()), [0; 0], "who sleeps has no thread at work");
    let key = m.keyframe();
    let found: Vec<_> = key.rows.iter().map(|row| (row.key.pid, row.user_ticks, row.name.as_deref())).collect();
    assert_eq!(found, [(10, 1, Some("pool")), (12, 50, Some("worker")), (14, 1, Some("worker"))]);
    // It wakes, and one of its threads has ended.
    m.put(10, &pool(90));
    thread(&m, 14, 90);
    fs::remove_dir_all(m.path("10/task/12")).unwrap();
    m.busy(90);
    let woke = m.round();
    assert_eq!((pids(&woke), row(&woke, 14).user_ticks), (vec![10, 14], 90));
    assert_eq!(woke.gone, [ProcKey { pid: 12, start_ticks: 6 }]);
    m.end(10);
    m.put(20, &line(20, "new", 'S', 7, 1, 0));
    let ended: Vec<u32> = m.round().gone.iter().map(|key| key.pid).collect();
    assert_eq!(ended, [10, 14]);
}

#[test]
fn a_start_or_an_end_between_others_concerns_nobody_else() {
    let mut m = Machine::new();
    for pid in [10, 20, 30] {
        m.put(pid, &line(pid, "old", 'S', 5, 1, 0));
    }
    (0..2).for_each(|_| drop(m.round()));
    m.put(15, &line(15, "new", 'S', 9, 1, 0));
    let started = m.round();
    assert_eq!((pids(&started), started.gone.len()), (vec![15], 0));
    m.end(15);
    m.end(20);
    let ended = m.round();
    assert_eq!(ended.gone.iter().map(|key| key.pid).collect::<Vec<_>>(), [15, 20]);
    assert_eq!(pids(&ended), [0; 0]);
}
