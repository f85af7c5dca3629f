//! One round of the process source over a made-up `/proc` of plain files, idle and busy: what it costs beside the
//! kernel's own work. The last one reads this machine's `/proc`, kernel and all.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use benchtop::{
    clock::Stamp,
    collect::{CollectCx, Collector, OpenCx, process},
    interest::Interest,
    model::process::ProcKey,
    sys::root::Root,
};
use criterion::{BenchmarkId, Criterion};

mod common {
    pub mod timing;
}

/// Rows on a screen: their storage figures are read.
const VISIBLE: u32 = 40;
/// In a busy machine one of so many works.
const WORKERS: usize = 20;

fn main() {
    let mut criterion = common::timing::criterion();
    rounds(&mut criterion);
    criterion.final_summary();
}

fn rounds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process_round");
    for count in [2_000, 10_000] {
        for (name, busy, read_all) in [("idle", false, false), ("busy", true, false), ("read_all", false, true)] {
            let mut machine = Machine::new(count, read_all);
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter_custom(|rounds| (0..rounds).map(|_| machine.round(busy)).sum());
            });
        }
    }
    group.bench_function("this_machine", |b| {
        let mut source = source(Root::default(), false);
        let mut second = 0;
        b.iter_custom(|rounds| (0..rounds).map(|_| round(source.as_mut(), &Interest::default(), &mut second)).sum());
    });
}

fn source(root: Root, read_all: bool) -> Box<dyn Collector> {
    let mut cx = OpenCx::of(root);
    cx.settings.read_all = read_all;
    process::open(&cx).expect("the root has a proc")
}

/// The time that one reading takes, a second after the one before.
fn round(source: &mut dyn Collector, want: &Interest, second: &mut u64) -> Duration {
    *second += 1;
    let cx = CollectCx::new(Stamp::at_seconds(*second), want);
    let began = Instant::now();
    let sample = source.collect(&cx);
    let took = began.elapsed();
    assert!(std::hint::black_box(sample).is_ok(), "the round was read");
    took
}

/// Processes as plain files, and the source that reads them.
struct Machine {
    folder: tempfile::TempDir,
    count: u32,
    source: Box<dyn Collector>,
    want: Interest,
    second: u64,
    /// Ticks that the machine was busy.
    ticks: u64,
    forks: u64,
}

impl Machine {
    fn new(count: u32, read_all: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the made-up processes");
        fs::create_dir(folder.path().join("proc")).expect("an empty folder");
        let key = |pid| ProcKey { pid, start_ticks: u64::from(pid) };
        let want = Interest { visible: (1..=VISIBLE).map(key).collect(), ..Interest::default() };
        fs::write(folder.path().join("proc/loadavg"), format!("0.10 0.20 0.30 1/{count} 99\n")).expect("a file");
        let source = source(Root::new(folder.path()), read_all);
        let mut machine = Machine { folder, count, source, want, second: 0, ticks: 0, forks: 5000 };
        machine.totals();
        for pid in 1..=count {
            fs::create_dir(machine.path(pid, "")).expect("a folder");
            machine.stat(pid, 100);
            machine.write(pid, "cmdline", &format!("/usr/lib/services/worker-{pid}\0--config\0/etc/worker.toml\0"));
            machine.write(pid, "cgroup", &format!("0::/system.slice/worker-{}.service\n", pid % 300));
            if pid <= VISIBLE {
                machine.write(pid, "io", "rchar: 1\nwchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n");
            }
        }
        // All are known, and the sleepers asleep, before anything is measured.
        for _ in 0..20 {
            machine.round(false);
        }
        machine
    }

    fn path(&self, pid: u32, name: &str) -> PathBuf {
        self.folder.path().join(format!("proc/{pid}")).join(name)
    }

    fn write(&self, pid: u32, name: &str, text: &str) {
        fs::write(self.path(pid, name), text).expect("a file");
    }

    fn stat(&self, pid: u32, ticks: u64) {
        let text = format!(
            "{pid} (worker-{pid}) S 1 {pid} {pid} 0 -1 4194304 812 90 1 2 {ticks} 50 0 0 20 0 4 0 {pid} 104857600 2560 \
             18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 3 0 0 0 0 0\n"
        );
        self.write(pid, "stat", &text);
    }

    fn totals(&self) {
        let text = format!("cpu  {} 0 0 1000 0 0 0 0 0 0\nprocesses {}\n", self.ticks, self.forks);
        fs::write(self.folder.path().join("proc/stat"), text).expect("a file");
    }

    /// One measured round; before a busy one the workers work and somebody is born.
    fn round(&mut self, busy: bool) -> Duration {
        if busy {
            for pid in (1..=self.count).step_by(WORKERS) {
                self.stat(pid, 100 + self.second);
                self.ticks += 1;
            }
            self.forks += 1;
            self.totals();
        }
        round(self.source.as_mut(), &self.want, &mut self.second)
    }
}
