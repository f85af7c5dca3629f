//! Lanes under sources that hang, panic, come late, are absent at first.

use std::{
    sync::mpsc::{Sender, channel},
    time::Instant,
};

use super::*;
use crate::{model::load::LoadSample, sys::root::Root};

/// Long enough for any machine; nothing waits for it unless a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
const FAST: Duration = Duration::from_millis(5);

/// One of which nothing moves.
struct Resting;

impl Collector for Resting {
    fn collect(&mut self, _: &CollectCx<'_>) -> Result<Sample, Fault> {
        good()
    }

    fn rest(&self) -> Option<Duration> {
        Some(Duration::from_secs(3600))
    }
}

/// A collector made of a closure.
struct Fake<F>(F);

impl<F: FnMut(&CollectCx<'_>) -> Result<Sample, Fault> + Send> Collector for Fake<F> {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        (self.0)(cx)
    }
}

fn good() -> Result<Sample, Fault> {
    Ok(Sample::Load(LoadSample::default()))
}

fn task(id: SourceId, lane: Lane, open: Opener) -> Task {
    Task { id, lane, pace: Pace::Refresh, deadline: Duration::from_millis(20), open }
}

fn steady(id: SourceId, lane: Lane) -> Task {
    task(id, lane, Box::new(|_| Ok(Box::new(Fake(|_: &CollectCx<'_>| good())))))
}

fn open() -> OpenCx {
    OpenCx::of(Root::default())
}

fn start(tasks: Vec<Task>, every: Duration) -> (Lanes, Receiver<Envelope>, OpenCx) {
    let cx = open();
    let (out, taken) = Outbox::new(|| {});
    (run(tasks, &cx, every, &out), taken, cx)
}

/// All lanes at once.
fn run(tasks: Vec<Task>, cx: &OpenCx, every: Duration, out: &Outbox) -> Lanes {
    let mut lanes = Lanes::begin(tasks, cx, InterestCell::default(), every, out);
    lanes.start_rest();
    lanes
}

fn next(taken: &Receiver<Envelope>, id: SourceId) -> Envelope {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let envelope = taken.recv_timeout(left).expect("the source answers in time");
        if envelope.source == id {
            return envelope;
        }
    }
}

#[test]
fn a_hung_source_is_reported_once_and_its_late_answer_is_taken() {
    let (release, held) = channel::<()>();
    let mut held = Some(held);
    let hung = task(
        SourceId::Filesystems,
        Lane("filesystems"),
        Box::new(move |_| {
            let held = held.take();
            Ok(Box::new(Fake(move |_: &CollectCx<'_>| {
                if let Some(held) = &held {
                    let _ = held.recv();
                }
                good()
            })))
        }),
    );
    let (mut lanes, taken, cx) = start(vec![hung, steady(SourceId::Load, Lane::KERNEL)], FAST);
    // The other lane continues.
    for _ in 0..5 {
        assert!(next(&taken, SourceId::Load).outcome.is_ok());
    }
    let later = cx.clock.now().plus(Duration::from_secs(1));
    let late = lanes.overdue(later);
    assert_eq!(late.len(), 1);
    assert_eq!((late[0].source, &late[0].outcome), (SourceId::Filesystems, &Err(Fault::Timeout)));
    assert!(lanes.overdue(later.plus(Duration::from_secs(60))).is_empty(), "one hang, one report");
    drop(release);
    let answer = next(&taken, SourceId::Filesystems);
    assert!(answer.outcome.is_ok());
    assert!(lanes.overdue(cx.clock.now()).is_empty());
}

#[test]
fn a_source_within_its_deadline_is_not_overdue() {
    let (entered, inside) = channel::<()>();
    let (release, held) = channel::<()>();
    let mut held = Some(held);
    let slow = task(
        SourceId::Sensors,
        Lane("sensors"),
        Box::new(move |_| {
            let (entered, held) = (entered.clone(), held.take());
            Ok(Box::new(Fake(move |_: &CollectCx<'_>| {
                let _ = entered.send(());
                if let Some(held) = &held {
                    let _ = held.recv();
                }
                good()
            })))
        }),
    );
    let (mut lanes, _taken, cx) = start(vec![Task { deadline: Duration::from_secs(3600), ..slow }], FAST);
    inside.recv_timeout(PATIENCE).expect("it is read");
    assert!(lanes.overdue(cx.clock.now()).is_empty());
    let deadline = lanes.next_deadline().expect("it is busy");
    assert!(deadline > cx.clock.now().mono_us + 3_000_000_000);
    let mut late = |mono_us: u64| lanes.overdue(Stamp { mono_us, ..cx.clock.now() }).len();
    assert_eq!((late(deadline - 1), late(deadline)), (0, 1));
    drop(release);
}

#[test]
fn a_panic_is_a_broken_source_that_is_reopened() {
    let (opened, count) = channel::<()>();
    let mut round = 0;
    let wild = task(
        SourceId::Power,
        Lane("power"),
        Box::new(move |_| {
            let _ = opened.send(());
            round += 1;
            let round = round;
            Ok(Box::new(Fake(move |_: &CollectCx<'_>| {
                assert!(round > 1, "wild value");
                good()
            })))
        }),
    );
    let (lanes, taken, cx) = start(vec![wild, steady(SourceId::Load, Lane("power"))], FAST);
    let first = next(&taken, SourceId::Power);
    let Err(Fault::Broken(why)) = first.outcome else { panic!("{first:?}") };
    assert!(why.contains("power") && why.contains("wild value"), "{why}");
    // Its neighbour in the same thread lives on.
    assert!(next(&taken, SourceId::Load).outcome.is_ok());
    let second = next(&taken, SourceId::Power);
    assert!(second.outcome.is_ok());
    assert!(second.at.since(first.at) >= Duration::from_millis(900), "not before its back-off");
    assert_eq!(count.try_iter().count(), 2);
    drop((lanes, cx));
}

#[test]
fn a_source_absent_at_first_is_found_when_asked_again() {
    let mut tries = 0;
    let shy = Task {
        pace: Pace::Wanted(|w| w.detail.is_some()),
        ..task(
            SourceId::ProcessDetail,
            Lane("detail"),
            Box::new(move |_| {
                tries += 1;
                if tries == 1 {
                    return Err(Fault::Absent("process 1 has ended".to_owned()));
                }
                Ok(Box::new(Fake(|_: &CollectCx<'_>| good())))
            }),
        )
    };
    let (mut lanes, taken, _cx) = start(vec![shy], FAST);
    let detail =
        |pid| Interest { detail: Some(crate::model::process::ProcKey { pid, start_ticks: 1 }), ..Interest::default() };
    lanes.want(detail(1));
    assert!(matches!(next(&taken, SourceId::ProcessDetail).outcome, Err(Fault::Absent(_))));
    // A change of interest asks at once rather than in a minute.
    lanes.want(detail(2));
    assert!(next(&taken, SourceId::ProcessDetail).outcome.is_ok());
}

#[test]
fn an_unwanted_source_sleeps_until_wanted() {
    let (woken, wakings) = channel::<()>();
    let detail = Task { pace: Pace::Wanted(|w| w.detail.is_some()), ..steady(SourceId::ProcessDetail, Lane("detail")) };
    let cx = open();
    let (out, taken) = Outbox::new(move || {
        let _ = woken.send(());
    });
    let tasks = vec![detail, steady(SourceId::Load, Lane::KERNEL)];
    // At this interval nothing but a change of interest can wake the lane within the test.
    let mut lanes = run(tasks, &cx, Duration::from_secs(3600), &out);
    assert_eq!(taken.recv_timeout(PATIENCE).expect("first reading").source, SourceId::Load);
    wakings.recv_timeout(PATIENCE).expect("a first answer wakes the loop");
    lanes.want(Interest { detail: Some(crate::model::process::ProcKey::default()), ..Interest::default() });
    assert_eq!(taken.recv_timeout(PATIENCE).expect("woken").source, SourceId::ProcessDetail);
    wakings.recv_timeout(PATIENCE).expect("what a key asked for wakes the loop");
}

#[test]
fn lanes_start_when_their_turn_comes() {
    let (out, taken) = Outbox::new(|| {});
    let tasks = vec![
        steady(SourceId::Processes, Lane::PROCESSES),
        steady(SourceId::Gpus, Lane("gpus")),
        Task { pace: Pace::Wanted(|w| w.sockets), ..steady(SourceId::Sockets, Lane("sockets")) },
    ];
    let mut lanes = Lanes::begin(tasks, &open(), InterestCell::default(), FAST, &out);
    let running = |lanes: &Lanes| lanes.threads.iter().map(|(lane, ..)| lane.0).collect::<Vec<_>>();
    assert_eq!(running(&lanes), ["processes"]);
    next(&taken, SourceId::Processes);
    lanes.start_rest();
    assert_eq!(running(&lanes), ["processes", "gpus"]);
    next(&taken, SourceId::Gpus);
    lanes.want(Interest { sockets: true, ..Interest::default() });
    assert_eq!(running(&lanes), ["processes", "gpus", "sockets"]);
    next(&taken, SourceId::Sockets);
}

#[test]
fn only_the_process_round_wakes_the_loop_each_time() {
    fn wakings(id: SourceId, lane: Lane) -> usize {
        let (woken, wakings): (Sender<()>, _) = channel();
        let (out, taken) = Outbox::new(move || {
            let _ = woken.send(());
        });
        let lanes = run(vec![steady(id, lane)], &open(), FAST, &out);
        (0..4).for_each(|_| drop(next(&taken, id)));
        drop((lanes, taken, out));
        wakings.iter().count()
    }
    assert_eq!(wakings(SourceId::Load, Lane::KERNEL), 1);
    assert!(wakings(SourceId::Processes, Lane::PROCESSES) >= 3);
}

#[test]
fn a_pause_stops_reading_and_its_end_starts_it_again() {
    let (mut lanes, taken, _cx) = start(vec![steady(SourceId::Load, Lane::KERNEL)], FAST);
    next(&taken, SourceId::Load);
    lanes.want(Interest { paused: true, ..Interest::default() });
    // Readings under way run dry; then a silence of many ticks.
    let end = Instant::now() + PATIENCE;
    while taken.recv_timeout(FAST * 20).is_ok() {
        assert!(Instant::now() < end, "it never falls silent");
    }
    lanes.want(Interest::default());
    next(&taken, SourceId::Load);
}

#[test]
fn another_refresh_takes_hold_at_once() {
    let hour = Duration::from_secs(3600);
    let (lanes, taken, cx) = start(vec![steady(SourceId::Load, Lane::KERNEL)], hour);
    assert_eq!(next(&taken, SourceId::Load).every, hour);
    lanes.refresh(FAST, cx.clock.now());
    assert_eq!(next(&taken, SourceId::Load).every, FAST);
}

#[test]
fn lanes_end_when_nobody_listens() {
    let (gone, ended) = channel::<()>();
    let mut gone = Some(gone);
    let source = task(
        SourceId::Load,
        Lane::KERNEL,
        Box::new(move |_| {
            let held = gone.take();
            Ok(Box::new(Fake(move |_: &CollectCx<'_>| {
                let _ = &held;
                good()
            })))
        }),
    );
    let (lanes, taken, _cx) = start(vec![source], FAST);
    drop(taken);
    assert!(ended.recv_timeout(PATIENCE).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Disconnected));
    drop(lanes);
}

#[test]
fn a_pause_makes_no_source_late() {
    let (release, held) = channel::<()>();
    let mut held = Some(held);
    let hangs = move |_: &CollectCx<'_>| {
        if let Some(held) = held.take() {
            let _ = held.recv();
        }
        good()
    };
    let mut hangs = Some(hangs);
    let open: Opener = Box::new(move |_| Ok(Box::new(Fake(hangs.take().expect("opened once")))));
    let (mut lanes, _taken, cx) = start(vec![task(SourceId::Gpus, Lane("gpus"), open)], FAST);
    let end = Instant::now() + PATIENCE;
    while lanes.next_deadline().is_none() {
        assert!(Instant::now() < end, "it is never asked");
        thread::yield_now();
    }
    let resumed = cx.clock.now().plus(Duration::from_secs(600));
    lanes.resumed(resumed);
    assert!(lanes.overdue(resumed.plus(Duration::from_millis(10))).is_empty());
    assert_eq!(lanes.overdue(resumed.plus(Duration::from_millis(30))).len(), 1);
    release.send(()).expect("it waits");
}

#[test]
fn what_rests_is_read_twice_where_two_are_compared() {
    let (cell, cx, (out, taken)) = (InterestCell::default(), open(), Outbox::new(|| {}));
    cell.set(Interest { pairs: true, ..Interest::default() });
    let resting = task(SourceId::Containers, Lane("containers"), Box::new(|_| Ok(Box::new(Resting))));
    let mut lanes = Lanes::begin(vec![resting], &cx, cell, FAST, &out);
    lanes.start_rest();
    let first = next(&taken, SourceId::Containers);
    assert!(next(&taken, SourceId::Containers).at > first.at);
}

#[test]
fn the_next_tick_is_a_whole_interval_from_the_start() {
    let every = Duration::from_secs(10);
    let (lanes, _taken, cx) = start(vec![steady(SourceId::Load, Lane::KERNEL)], every);
    let now = cx.clock.now();
    let first = lanes.next_tick(now);
    assert!(first > now.mono_us && first <= now.mono_us + 10_000_000, "{first}");
    assert_eq!(lanes.next_tick(now.plus(every)), first + 10_000_000);
}
