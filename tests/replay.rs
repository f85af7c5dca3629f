//! A recording is the machine: written down as text and read back, the same events fold to the same state.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use benchtop::{
    clock::{Clock, Stamp},
    collect::{CollectCx, Collector, OpenCx, SOURCES},
    interest::Interest,
    model::{
        event::{Envelope, Event, Sample},
        fault::Fault,
        host::Host,
        load::LoadSample,
        process::{ProcInfo, ProcIo, ProcKey, ProcRow, Process, ProcessSample, Processes},
        source::SourceId,
    },
    sys::root::Root,
};
use proptest::{collection::vec, prelude::*};

/// One event a line, as a recording keeps them.
fn written_and_read(events: &[Event]) -> Vec<Event> {
    let text: String = events.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn fold(events: &[Event]) -> Host {
    let mut host = Host::default();
    for event in events {
        host.apply(event.clone());
    }
    host
}

fn reading(source: SourceId, at: Stamp, outcome: Result<Sample, Fault>) -> Event {
    let (took, every) = (Duration::from_micros(700), Duration::from_secs(1));
    Event::Reading(Envelope { source, at, took, every, outcome })
}

/// Every source read `rounds` times over `root`, with a detail open and all else wanted too.
fn recording(root: &str, detail: u32, rounds: u32) -> Vec<Event> {
    let clock = Clock::start();
    let open = OpenCx { clock, ..OpenCx::of(Root::new(root)) };
    let mut opened: Vec<_> = SOURCES.iter().map(|source| (source.id, (source.open)(&open))).collect();
    let mut want = Interest { io_of_all: true, threads: true, sockets: true, ..Interest::default() };
    let mut events = Vec::new();
    for _ in 0..rounds {
        for (id, source) in &mut opened {
            let at = clock.now();
            let cx = CollectCx::new(at, &want);
            let outcome = source.as_mut().map_err(|fault| fault.clone()).and_then(|s| s.collect(&cx));
            if let Ok(Sample::Processes(sample)) = &outcome
                && let Some(row) = sample.rows.iter().find(|row| row.key.pid == detail)
            {
                want.detail = Some(row.key);
            }
            events.push(reading(*id, at, outcome));
        }
        events.push(Event::Tick(clock.now()));
        burn(Duration::from_millis(30));
    }
    events
}

/// Uses up CPU, so that the next round differs from this one.
fn burn(span: Duration) {
    let until = Instant::now() + span;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn live_reading_equals_its_folded_recording() {
    let live = recording("/", std::process::id(), 4);
    let host = fold(&live);
    assert!(host.processes.rows.iter().any(|p| p.cpu.is_some()), "rates are part of what is compared");
    assert!(host.process_detail.is_some(), "so is the detail of this very process");
    assert!(host == fold(&written_and_read(&live)), "a recording of this machine folds to another state");
}

#[test]
fn a_recorded_host_survives_being_recorded_again() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hosts/homelab");
    let live = recording(root, 1, 2);
    assert!(fold(&live).disks.disks.len() > 1, "the fixture has disks");
    assert!(fold(&live) == fold(&written_and_read(&live)), "a recording of the fixture folds to another state");
}

/// What happens to one pid within one round.
#[derive(Debug, Clone, Copy)]
enum Step {
    Sleep,
    Work(u16),
    End,
    /// Ends, and its pid goes to another process before the next reading.
    Recycle,
    Rename,
    Thread,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Sleep),
        3 => (1..400u16).prop_map(Step::Work),
        1 => Just(Step::End),
        1 => Just(Step::Recycle),
        1 => Just(Step::Rename),
        1 => Just(Step::Thread),
    ]
}

/// A source that is well, silent, broken, or late.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Good,
    Late(u16),
    Timeout,
    Denied,
    Fresh,
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        8 => Just(Answer::Good),
        1 => (0..5000u16).prop_map(Answer::Late),
        1 => Just(Answer::Timeout),
        1 => Just(Answer::Denied),
        1 => Just(Answer::Fresh),
    ]
}

const PIDS: usize = 12;

fn machines() -> impl Strategy<Value = Vec<(Answer, Vec<Step>)>> {
    vec((answer(), vec(step(), PIDS)), 1..20)
}

/// An invented machine of at most [`PIDS`] processes: what is alive, and what the last reading reported.
#[derive(Default)]
struct Machine {
    alive: BTreeMap<u32, ProcRow>,
    reported: BTreeMap<u32, (ProcRow, bool)>,
    births: u64,
    rounds: u64,
}

impl Machine {
    fn live(&mut self, steps: &[Step]) {
        for (pid, step) in (1u32..).zip(steps) {
            match step {
                Step::End => drop(self.alive.remove(&pid)),
                Step::Recycle => self.spawn(pid),
                Step::Sleep if !self.alive.contains_key(&pid) => self.spawn(pid),
                Step::Sleep => {}
                Step::Work(ticks) => self.change(pid, |row| row.user_ticks += u64::from(*ticks)),
                Step::Rename => self.change(pid, |row| row.name = Some(format!("{}x", row.key.start_ticks).into())),
                Step::Thread => self.change(pid, |row| row.threads += 1),
            }
        }
    }

    fn change(&mut self, pid: u32, change: impl FnOnce(&mut ProcRow)) {
        if let Some(row) = self.alive.get_mut(&pid) {
            change(row);
        }
    }

    fn spawn(&mut self, pid: u32) {
        self.births += 1;
        let row = ProcRow {
            key: ProcKey { pid, start_ticks: self.births },
            tgid: pid,
            parent: pid / 2,
            state: b"RSD"[pid as usize % 3],
            threads: 1,
            name: Some(format!("p{}", self.births).into()),
            uid: Some(pid % 3),
            ..ProcRow::default()
        };
        self.alive.insert(pid, row);
    }

    /// One round: as the difference to the round before, or with every row.
    fn round(&mut self, fresh: bool, whole: bool) -> ProcessSample {
        self.rounds += 1;
        let mut sample = ProcessSample {
            round: self.rounds,
            fresh,
            full: whole || fresh,
            page_bytes: 4096,
            ..ProcessSample::default()
        };
        let reported = if fresh { BTreeMap::new() } else { std::mem::take(&mut self.reported) };
        self.reported.clear();
        let ended = |row: &ProcRow| self.alive.get(&row.key.pid).is_none_or(|now| now.key != row.key);
        sample.gone = reported.values().filter(|(row, _)| ended(row)).map(|(row, _)| row.key).collect();
        for (pid, row) in &self.alive {
            let before = reported.get(pid).filter(|(before, _)| before.key == row.key);
            // The next round repeats a row that worked, or that has no rate yet, so that its rate falls to zero.
            let worked = before.is_none_or(|(before, _)| before.user_ticks != row.user_ticks);
            self.reported.insert(*pid, (row.clone(), worked));
            if !whole && before.is_some_and(|(before, repeat)| before == row && !repeat) {
                continue;
            }
            let mut row = row.clone();
            row.over_us = if before.is_some() { 1_000_000 } else { 0 };
            if before.is_some_and(|(before, _)| before.name == row.name) {
                (row.name, row.uid) = (None, None);
            }
            let key = row.key;
            if before.is_none() {
                let cgroup = format!("/slice/{}", pid % 4).into();
                sample.infos.push((key, ProcInfo { cgroup, ..ProcInfo::default() }));
            }
            let read_bytes = row.user_ticks * 4096;
            sample.ios.push(ProcIo { key, read_bytes, written_bytes: 7, over_us: row.over_us });
            sample.rows.push(row);
        }
        sample
    }
}

impl Machine {
    /// One round with all that is known.
    fn keyframe(&mut self) -> ProcessSample {
        let mut sample = ProcessSample { fresh: true, ..self.round(false, true) };
        sample.infos.clear();
        for row in &mut sample.rows {
            let alive = &self.alive[&row.key.pid];
            (row.name, row.uid) = (alive.name.clone(), alive.uid);
            let cgroup = format!("/slice/{}", row.key.pid % 4).into();
            sample.infos.push((row.key, ProcInfo { cgroup, ..ProcInfo::default() }));
        }
        sample
    }
}

/// The events of an invented life, second after second.
fn events(machines: &[(Answer, Vec<Step>)]) -> Vec<Event> {
    let mut machine = Machine::default();
    let mut events = Vec::new();
    let mut at = Stamp::at_seconds(5);
    for (second, (answer, steps)) in machines.iter().enumerate() {
        machine.live(steps);
        let late = if let Answer::Late(ms) = answer { Duration::from_millis(u64::from(*ms)) } else { Duration::ZERO };
        at = at.plus(Duration::from_secs(1) + late);
        let outcome = match answer {
            Answer::Timeout => Err(Fault::Timeout),
            Answer::Denied => Err(Fault::Denied { what: "/proc".into(), hint: "ask the owner".into() }),
            fresh => {
                let fresh = second == 0 || matches!(fresh, Answer::Fresh);
                Ok(Sample::Processes(machine.round(fresh, false)))
            }
        };
        events.push(reading(SourceId::Processes, at, outcome));
        let load1 = f64::from(u32::try_from(second).unwrap()) / 3.0;
        events.push(reading(SourceId::Load, at, Ok(Sample::Load(LoadSample { load1, ..LoadSample::default() }))));
        events.push(Event::Tick(at.plus(Duration::from_millis(120))));
    }
    events
}

/// Ids of what is shown, and the count of processes in it.
fn shown(processes: &Processes) -> (Vec<ProcKey>, u32) {
    (processes.rows.iter().map(|p| p.key).collect(), processes.counts.total)
}

proptest! {
    #[test]
    fn folding_the_same_events_twice_gives_the_same_host(machines in machines()) {
        let events = events(&machines);
        prop_assert!(fold(&events) == fold(&written_and_read(&events)));
    }

    #[test]
    fn the_table_holds_exactly_who_is_alive(machines in machines()) {
        let (mut machine, mut host) = (Machine::default(), Host::default());
        for (second, (_, steps)) in (1u64..).zip(&machines) {
            machine.live(steps);
            let round = Sample::Processes(machine.round(second == 1, false));
            host.apply(reading(SourceId::Processes, Stamp::at_seconds(second), Ok(round)));
            let alive: Vec<ProcKey> = machine.alive.values().map(|row| row.key).collect();
            prop_assert_eq!(shown(&host.processes), (alive, u32::try_from(machine.alive.len()).unwrap()));
        }
    }

    #[test]
    fn differences_fold_to_the_whole_table(machines in machines()) {
        let (mut by_delta, mut by_whole) = (Machine::default(), Machine::default());
        let (mut delta, mut whole) = (Host::default(), Host::default());
        for (second, (_, steps)) in (1u64..).zip(&machines) {
            by_delta.live(steps);
            by_whole.live(steps);
            let at = Stamp::at_seconds(second);
            let strip = |mut sample: ProcessSample| {
                // A storage rate is shown only for the round that reported it, so it may differ here.
                sample.ios.clear();
                Ok(Sample::Processes(sample))
            };
            delta.apply(reading(SourceId::Processes, at, strip(by_delta.round(second == 1, false))));
            whole.apply(reading(SourceId::Processes, at, strip(by_whole.round(second == 1, true))));
            prop_assert_eq!(&delta.processes.rows, &whole.processes.rows);
            prop_assert_eq!(delta.processes.counts, whole.processes.counts);
        }
    }

    #[test]
    fn lost_rounds_heal_at_the_next_keyframe(machines in machines(), lost: u32) {
        let (mut machine, mut host, mut answered) = (Machine::default(), Host::default(), 0);
        let mut whole = (Machine::default(), Host::default());
        let reading = |second, sample| reading(SourceId::Processes, Stamp::at_seconds(second), Ok(Sample::Processes(sample)));
        // Long enough after the last loss for a keyframe that is itself lost.
        let quiet: Vec<Step> = vec![Step::Work(3); PIDS];
        let rounds = (1u64..).zip(machines.iter().map(|(_, steps)| steps).chain(std::iter::repeat_n(&quiet, 14)));
        for (second, steps) in rounds {
            machine.live(steps);
            whole.0.live(steps);
            let sample = whole.0.round(second == 1, false);
            whole.1.apply(reading(second, sample));
            let wanted = host.processes.keyframes_wanted;
            let sample = match second {
                1 => machine.round(true, false),
                _ if wanted != answered => machine.keyframe(),
                _ => machine.round(false, false),
            };
            answered = wanted;
            let keyframe = sample.fresh;
            if usize::try_from(second).unwrap() <= machines.len() && lost >> second & 1 == 1 {
                continue;
            }
            host.apply(reading(second, sample));
            if keyframe {
                let alive: Vec<ProcKey> = machine.alive.values().map(|row| row.key).collect();
                prop_assert_eq!(shown(&host.processes), (alive, u32::try_from(machine.alive.len()).unwrap()));
            }
        }
        prop_assert_eq!(host.processes.incomplete, None);
        let reported = |host: &Host| -> Vec<_> {
            let row = |p: &Process| (p.key, p.name.clone(), p.uid, p.state, p.cpu, p.cpu_ticks, p.info.clone());
            host.processes.rows.iter().map(row).collect()
        };
        prop_assert_eq!(reported(&host), reported(&whole.1));
        prop_assert_eq!(host.processes.counts, whole.1.processes.counts);
    }

    #[test]
    fn a_recording_can_be_entered_in_the_middle(machines in machines(), from in 0usize..20, at in 0usize..20) {
        let mut machine = Machine::default();
        let mut events = Vec::new();
        for (second, (_, steps)) in (1u64..).zip(&machines) {
            machine.live(steps);
            let keyframe = usize::try_from(second).unwrap() == at + 2;
            let sample = if keyframe { machine.keyframe() } else { machine.round(second == 1, false) };
            events.push(reading(SourceId::Processes, Stamp::at_seconds(second), Ok(Sample::Processes(sample))));
        }
        let (whole, entered) = (fold(&events), fold(&events[from.min(events.len())..]));
        // A keyframe, and one round more for the rates.
        if from <= at + 1 && at + 3 <= events.len() {
            let rows = |host: &Host| -> Vec<_> {
                host.processes.rows.iter().map(|p| (p.key, p.name.clone(), p.state, p.cpu_ticks, p.info.clone())).collect()
            };
            prop_assert_eq!(rows(&entered), rows(&whole));
            prop_assert_eq!(entered.processes.counts, whole.processes.counts);
        }
    }
}

/// The processes of this machine, round by round; some are lost on the way.
struct Live {
    source: Box<dyn Collector>,
    clock: Clock,
    host: Host,
    answered: u64,
}

impl Live {
    fn round(&mut self, lost: bool) {
        let (want, at) = (Interest::default(), self.clock.now());
        let wanted = self.host.processes.keyframes_wanted;
        let keyframe = std::mem::replace(&mut self.answered, wanted) != wanted;
        let outcome = self.source.collect(&CollectCx { keyframe, ..CollectCx::new(at, &want) });
        if !lost {
            self.host.apply(reading(SourceId::Processes, at, outcome));
        }
    }

    fn lists(&self, pid: u32) -> bool {
        self.host.processes.rows.iter().any(|row| row.key.pid == pid)
    }
}

#[test]
fn one_that_ended_in_a_lost_round_does_not_stay() {
    let clock = Clock::start();
    let open = OpenCx { clock, ..OpenCx::of(Root::default()) };
    let processes = SOURCES.iter().find(|source| source.id == SourceId::Processes).unwrap();
    let source = (processes.open)(&open).unwrap();
    let mut live = Live { source, clock, host: Host::default(), answered: 0 };
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    live.round(false);
    live.round(false);
    assert!(live.lists(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut other = std::process::Command::new("sleep").arg("1001").spawn().unwrap();
    live.round(true);
    live.round(false);
    let noticed = live.host.processes.keyframes_wanted;
    live.round(false);
    let (old, new) = (live.lists(child.id()), live.host.processes.rows.iter().find(|row| row.key.pid == other.id()));
    let name = new.map(|row| row.name.to_string());
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!((noticed, old, name.as_deref()), (1, false, Some("sleep")));
    assert!(live.host.processes.rows.iter().any(|row| row.cpu.is_some()), "rates go on");
}
