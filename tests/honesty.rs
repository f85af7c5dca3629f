//! Idle processes are read in turn, and nothing is hidden by that: real processes on a real kernel, 2,000 asleep.
//!
//! `cargo test --release --test honesty -- --ignored --nocapture --test-threads=1` prints what was measured.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use benchtop::{
    clock::{Clock, Stamp},
    collect::{CollectCx, Collector, OpenCx, process},
    interest::Interest,
    model::{
        event::{Envelope, Event, Sample},
        process::Process,
        source::SourceId,
    },
    state::State,
    sys::root::Root,
};

const SLEEPERS: usize = 2000;
const EVERY: Duration = Duration::from_secs(1);

/// Ends what it began, whatever happens.
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

impl Children {
    fn sleepers() -> Self {
        Children((0..SLEEPERS).map(|_| Command::new("sleep").arg("600").spawn().unwrap()).collect())
    }

    /// A shell that runs `script`; its standard input is ours.
    fn shell(&mut self, script: &str) -> usize {
        let child = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        self.0.push(child.unwrap());
        self.0.len() - 1
    }
}

/// The source and the fold, once a second.
struct Watcher {
    clock: Clock,
    source: Box<dyn Collector>,
    state: State,
    next: Instant,
    machine: f64,
    at: Option<Stamp>,
    read: u32,
}

impl Watcher {
    fn new(read_all: bool) -> Self {
        let clock = Clock::start();
        let mut cx = OpenCx { clock, ..OpenCx::of(Root::default()) };
        cx.settings.read_all = read_all;
        let source = process::open(&cx).unwrap();
        let next = Instant::now();
        Watcher { clock, source, state: State::default(), next, machine: 0.0, at: None, read: 0 }
    }

    /// One round: the cores that the machine was busy with since the round before, as `/proc/stat` has it.
    fn round(&mut self) -> Option<f64> {
        sleep(self.next.saturating_duration_since(Instant::now()));
        self.next += EVERY;
        let at = self.clock.now();
        let machine = machine_seconds();
        let sample = self.source.collect(&CollectCx::new(at, &Interest::default())).unwrap();
        if let Sample::Processes(sample) = &sample {
            self.read = sample.read;
        }
        let took = self.clock.now().since(at);
        let outcome = Ok(sample);
        self.state.apply(Event::Reading(Envelope { source: SourceId::Processes, at, took, every: EVERY, outcome }));
        let before = self.at.replace(at);
        let busy = machine - std::mem::replace(&mut self.machine, machine);
        before.map(|before| busy / at.since(before).as_secs_f64())
    }

    fn find(&self, pid: u32) -> Option<&Process> {
        self.state.host.processes.rows.iter().find(|p| p.key.pid == pid)
    }

    /// What the CPU column adds up to, in cores.
    fn column(&self) -> f64 {
        let processes = &self.state.host.processes;
        let rows: f64 = processes.rows.iter().filter_map(|p| p.cpu).map(f64::from).sum();
        rows + f64::from(processes.ended_cpu.unwrap_or(0.0))
    }
}

/// User, nice and system seconds of all cores ("proc(5)" stat).
fn machine_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap();
    let fields = text.lines().next().unwrap().split_ascii_whitespace().skip(1).take(3);
    fields.map(|f| f.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

#[test]
#[ignore = "needs a quiet machine and 2,000 processes; .ci/run live runs it"]
fn waking_process_shows_its_cpu_within_two_refreshes() {
    let mut children = Children::sleepers();
    let waker = children.shell("read go; while :; do :; done");
    let mut watcher = Watcher::new(false);
    for _ in 0..12 {
        watcher.round();
    }
    let share = f64::from(watcher.read) / SLEEPERS as f64;
    assert!(share < 0.5, "the sleepers are read in turn: {} of {SLEEPERS} were read", watcher.read);
    let pid = children.0[waker].id();
    assert_eq!(watcher.find(pid).and_then(|p| p.cpu), Some(0.0));
    children.0[waker].stdin.take().unwrap().write_all(b"\n").unwrap();
    watcher.round();
    watcher.round();
    let seen = watcher.find(pid).and_then(|p| p.cpu).unwrap();
    println!("two refreshes after it woke: {:.1} % of a core, {} processes read", seen * 100.0, watcher.read);
    let started = children.shell("while :; do :; done");
    let started = children.0[started].id();
    watcher.round();
    watcher.round();
    let new = watcher.find(started).and_then(|p| p.cpu);
    println!("two refreshes after it began: {:?}", new);
    assert!(seen > 0.8, "it uses a whole core: {seen}");
    assert!(new.is_some_and(|cpu| cpu > 0.5), "{new:?}");
}

#[test]
#[ignore = "needs a quiet machine and 2,000 processes; .ci/run live runs it"]
fn cpu_column_adds_up_to_the_machine_s_use_under_churn() {
    let mut children = Children::sleepers();
    // One that works, one that works now and then, and one that starts short-lived programs all the time.
    children.shell("while :; do :; done");
    children.shell("while :; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.7; done");
    children.shell("while :; do sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done'; done");
    let mut watcher = Watcher::new(false);
    for _ in 0..8 {
        watcher.round();
    }
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    let mut off: Vec<f64> = Vec::new();
    let mut read = 0;
    for _ in 0..20 {
        let machine = watcher.round().unwrap();
        let column = watcher.column();
        read += watcher.read;
        println!("machine {machine:.3} cores, column {column:.3}, {} read", watcher.read);
        off.push((machine - column).abs() / cores * 100.0);
    }
    off.sort_by(f64::total_cmp);
    let (median, worst) = (off[off.len() / 2], off[off.len() - 1]);
    println!("off by {median:.2} points in the median, {worst:.2} at worst; {} read a round", read / 20);
    assert!(median <= 3.0, "median {median}");
    assert!(worst <= 5.0, "worst {worst}");
}
