//! Rows of cards over rounds: figures, what is lost and comes back, and causes.

use std::time::Duration;

use super::*;
use crate::clock::Stamp;

/// A sample of these cards at this second, folded in.
pub(in crate::model::gpu) fn fold(gpus: &mut Gpus, second: u64, cards: Vec<Gpu>) {
    let since = (second > 1).then_some(Duration::from_secs(1));
    let span = Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since };
    gpus.apply(span, GpuSample { gpus: cards, ..GpuSample::default() });
}

pub(in crate::model::gpu) fn busy(busy: f64) -> Gpu {
    Gpu { id: "a".into(), busy: Some(busy), ..Gpu::default() }
}

#[test]
fn what_is_there_is_said_in_a_line() {
    use crate::model::gpu::{Driver, Maker};
    let card = |id: &str, maker, driver: &str, state| Gpu {
        id: id.into(),
        name: id.into(),
        bus: format!("0000:{id}"),
        maker,
        driver: driver.into(),
        state,
        ..Gpu::default()
    };
    let nvidia =
        Driver { maker: Maker::Nvidia, version: Some("580.95".into()), cuda: Some("13.0".into()), ..Driver::default() };
    let mut gpus = Gpus::default();
    assert_eq!(gpus.summary(), "");
    let own = card("01", Maker::Nvidia, "nvidia", CardState::Up);
    let cards = vec![
        card("03", Maker::Amd, "amdgpu", CardState::Asleep),
        own.clone(),
        card("04", Maker::Amd, "amdgpu", CardState::Up),
        card("05", Maker::Intel, "", CardState::Unreadable("no driver".into())),
    ];
    fold(&mut gpus, 1, cards);
    gpus.drivers = vec![nvidia];
    let [nvidia, amd, intel] = [Maker::Nvidia, Maker::Amd, Maker::Intel].map(Maker::word);
    let expected = format!(
        "{nvidia} 580.95, CUDA 13.0: 1 card · {amd} amdgpu: 2 cards, 1 asleep · {intel}: 1 card, 0000:05: no driver"
    );
    assert_eq!(gpus.summary(), expected);
    for row in &gpus.rows {
        assert_eq!(gpus.labelled(&row.raw.label()).map(|found| &found.raw.id), Some(&row.raw.id));
    }
    assert!(gpus.labelled("none").is_none());
}

fn named(id: &str, index: u16) -> Gpu {
    Gpu { id: id.into(), index, name: format!("NVIDIA {id}"), ..busy(0.5) }
}

#[test]
fn power_is_derived_from_energy_and_energy_from_power() {
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![Gpu { energy_uj: Some(1_000_000), ..busy(0.0) }]);
    assert_eq!((gpus.rows[0].power, gpus.rows[0].energy_joules), (None, None));
    fold(&mut gpus, 2, vec![Gpu { energy_uj: Some(151_000_000), ..busy(0.0) }]);
    assert_eq!((gpus.rows[0].power, gpus.rows[0].energy_joules), (Some(150.0), Some(150.0)));
    fold(&mut gpus, 3, vec![Gpu { energy_uj: Some(0), power: Some(90.0), ..busy(0.0) }]);
    assert_eq!(gpus.rows[0].energy_joules, Some(150.0), "a counter that was reset adds nothing");
    let mut gpus = Gpus::default();
    for second in 1..=3 {
        fold(&mut gpus, second, vec![Gpu { power: Some(100.0), ..busy(0.0) }]);
    }
    assert_eq!(gpus.rows[0].energy_joules, Some(200.0));
}

#[test]
fn a_bit_that_the_figures_contradict_is_not_said() {
    let slowed = |gpu: Gpu| {
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, vec![gpu]);
        gpus.rows[0].slowed_by().collect::<Vec<_>>()
    };
    let stuck = |busy_: f64, celsius: f64| Gpu {
        throttles: vec![Throttle::HardwareThermal],
        temperature: Some(celsius),
        slowdown_temperature: Some(100.0),
        power: Some(1.0),
        ..busy(busy_)
    };
    assert_eq!(slowed(stuck(0.0, 54.0)), [], "idle and cool");
    assert_eq!(slowed(stuck(0.0, 88.0)), [Throttle::HardwareThermal], "idle and hot");
    assert_eq!(slowed(stuck(0.9, 54.0)), [Throttle::HardwareThermal], "another part may be hot");
    let clocks = Gpu { clock: Some(2_690_000_000), clock_max: Some(2_700_000_000), ..stuck(0.9, 54.0) };
    assert_eq!(slowed(clocks), [], "it runs at its full clock");
    let unknown = Gpu { busy: None, power_limit: Some(40.0), ..stuck(0.0, 54.0) };
    assert_eq!(slowed(unknown), [], "1 W of 40 W is idle too");
    let brake = Gpu { throttles: vec![Throttle::HardwareSlowdown], ..stuck(0.0, 40.0) };
    assert_eq!(slowed(brake), [], "of idle NVIDIA cards");
}

#[test]
fn a_lost_card_keeps_its_row_and_has_no_figures() {
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![Gpu { name: "NVIDIA T4".into(), ..busy(0.5) }]);
    assert_eq!(gpus.is_well(), Some(true));
    let state = CardState::Lost("it has fallen off the bus".into());
    fold(&mut gpus, 2, vec![Gpu { state, ..busy(0.5) }]);
    assert_eq!((gpus.rows.len(), gpus.rows[0].busy, gpus.is_well()), (1, None, Some(false)));
    assert_eq!(gpus.cause().as_deref(), Some("0:T4: it has fallen off the bus"));
    assert_eq!(Gpus::default().is_well(), None);
}

#[test]
fn lost_card_keeps_its_number_and_comes_back() {
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![named("A", 0), named("B", 1)]);
    // The driver now counts one card: what was the second is its first.
    fold(&mut gpus, 2, vec![named("B", 0), named("C", 1)]);
    let shown: Vec<_> = gpus.rows.iter().map(|r| (r.raw.label(), r.is_up())).collect();
    assert_eq!(shown, [("0:A".to_owned(), false), ("1:B".to_owned(), true), ("2:C".to_owned(), true)]);
    assert_eq!(gpus.is_well(), Some(false), "never resolved by vanishing");
    fold(&mut gpus, 3, vec![named("A", 0), named("B", 1), named("C", 2)]);
    assert_eq!((gpus.rows.len(), gpus.is_well()), (3, Some(true)));
}

#[test]
fn slot_that_never_answered_is_dropped_when_its_card_answers() {
    let mut gpus = Gpus::default();
    let lost = Gpu { state: CardState::Lost("off the bus".into()), ..named("nvidia1", 1) };
    fold(&mut gpus, 1, vec![named("A", 0), lost]);
    fold(&mut gpus, 2, vec![named("A", 0), named("B", 1)]);
    assert_eq!(gpus.rows.iter().map(|r| r.raw.id.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn a_card_that_the_owner_gave_away_is_no_alarm() {
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![Gpu { state: CardState::Unreadable("vfio-pci".into()), ..busy(0.0) }]);
    assert_eq!((gpus.is_well(), gpus.rows.len()), (None, 1));
}

fn engine(used: u64, of: Option<u64>, count: u32) -> GpuProcess {
    let engine = Engine { name: "video".into(), used, of, count };
    GpuProcess { pid: 7, engines: vec![engine], ..GpuProcess::default() }
}

#[test]
fn process_shares_come_from_engine_time_without_driver_figures() {
    let at = |process| Gpu { maker: Maker::Intel, busy: None, processes: vec![process], ..busy(0.0) };
    let both = |before, now| {
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, vec![at(before)]);
        fold(&mut gpus, 2, vec![at(now)]);
        (gpus.rows[0].busy_of(7), gpus.rows[0].busy)
    };
    let time = both(engine(1_000_000_000, None, 1), engine(1_250_000_000, None, 1));
    assert_eq!(time, (Some(0.25), Some(0.25)));
    let cycles = both(engine(100, Some(1000), 2), engine(400, Some(1400), 2));
    assert_eq!(cycles, (Some(0.375), Some(0.375)), "of cycles that passed, over two engines of the name");
    assert_eq!(both(engine(9, None, 1), engine(1, None, 1)), (None, None), "a counter that went backwards");
}

#[test]
fn a_process_in_two_slices_has_a_past_in_each() {
    let at = |used: [u64; 2]| {
        let one = |(slice, used): (u32, u64)| GpuProcess { slice: Some(slice), ..engine(used, None, 1) };
        let processes = (0..2).zip(used).map(one).collect();
        Gpu { maker: Maker::Intel, busy: None, processes, ..busy(0.0) }
    };
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![at([0, 500_000_000])]);
    fold(&mut gpus, 2, vec![at([250_000_000, 750_000_000])]);
    assert_eq!(gpus.rows[0].busy, Some(0.5), "a quarter of a second in each");
}

#[test]
fn a_process_on_two_cards_is_counted_on_each() {
    let on = |id: &str, index, memory, share| Gpu {
        processes: vec![GpuProcess { pid: 9, memory: Some(memory), busy: Some(share), ..GpuProcess::default() }],
        ..named(id, index)
    };
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![on("A", 0, 5, 0.9), on("B", 1, 3, 0.2)]);
    assert_eq!(gpus.memory_of(9), Some(8));
    assert_eq!((gpus.rows[0].busy_of(9), gpus.rows[1].busy_of(9)), (Some(0.9), Some(0.2)));
}

#[test]
fn what_idles_is_believed_only_where_it_is_hot() {
    let slowed = |change: fn(&mut Gpu)| {
        let mut gpu = Gpu { throttles: vec![Throttle::HardwareThermal], temperature: Some(79.0), ..busy(0.0) };
        change(&mut gpu);
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, vec![gpu]);
        gpus.rows[0].slowed_by().next().is_some()
    };
    assert!(!slowed(|_| ()), "below what is hot on any card");
    assert!(slowed(|gpu| gpu.temperature = Some(80.0)));
    assert!(slowed(|gpu| gpu.hotspot = Some(80.0)) && slowed(|gpu| gpu.memory_temperature = Some(80.0)));
    assert!(slowed(|gpu| gpu.temperature = None), "nothing says that it is cool");
    // Its own limit counts where that is lower, and what is near to it.
    assert!(slowed(|gpu| gpu.slowdown_temperature = Some(94.0)));
    assert!(!slowed(|gpu| gpu.slowdown_temperature = Some(94.1)));
    assert!(slowed(|gpu| gpu.busy = Some(0.05)) && !slowed(|gpu| gpu.busy = Some(0.049)));
    let draws = |watts: f64| move |gpu: &mut Gpu| (gpu.power, gpu.power_limit) = (Some(watts), Some(100.0));
    let with = |change: &dyn Fn(&mut Gpu), gpu: Gpu| {
        let mut gpu = gpu;
        change(&mut gpu);
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, vec![gpu]);
        gpus.rows[0].slowed_by().next().is_some()
    };
    let cool = Gpu { throttles: vec![Throttle::HardwareThermal], temperature: Some(40.0), ..busy(0.0) };
    assert!(with(&draws(50.0), cool.clone()) && !with(&draws(49.0), cool.clone()), "what draws half its limit works");
    let clocks = |now, most| {
        move |gpu: &mut Gpu| {
            (gpu.busy, gpu.clock, gpu.clock_max) = (Some(0.9), Some(now), Some(most));
        }
    };
    assert!(with(&clocks(969, 1000), cool.clone()) && !with(&clocks(970, 1000), cool.clone()));
    assert!(with(&clocks(0, 0), cool));
}

#[test]
fn a_process_counts_by_its_busiest_engine() {
    let on = |pid, render: u64, video: u64| {
        let engine = |name: &str, used| Engine { name: name.into(), used: used * 10_000_000, of: None, count: 1 };
        GpuProcess { pid, engines: vec![engine("render", render), engine("video", video)], ..GpuProcess::default() }
    };
    let at = |processes| Gpu { maker: Maker::Intel, busy: None, processes, ..busy(0.0) };
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![at(vec![on(1, 0, 0), on(2, 0, 0)])]);
    fold(&mut gpus, 2, vec![at(vec![on(1, 20, 50), on(2, 40, 5), on(3, 90, 90)])]);
    let row = &gpus.rows[0];
    assert_eq!((row.busy_of(1), row.busy_of(2), row.busy_of(3)), (Some(0.5), Some(0.4), None));
    assert!(row.busy.is_some_and(|busy| (busy - 0.6).abs() < 1e-9), "rendering: 20 and 40 of 100: {:?}", row.busy);
    fold(&mut gpus, 3, vec![at(vec![on(1, 100, 50), on(2, 110, 5)])]);
    assert_eq!(gpus.rows[0].busy, Some(1.0), "an engine is never more than busy");
}

#[test]
fn what_the_driver_says_goes_before_what_is_derived() {
    let process = GpuProcess { busy: Some(0.7), ..engine(0, None, 1) };
    let at = |used| Gpu {
        processes: vec![GpuProcess { engines: engine(used, None, 1).engines, ..process.clone() }],
        ..busy(0.9)
    };
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![at(0)]);
    fold(&mut gpus, 2, vec![at(250_000_000)]);
    assert_eq!((gpus.rows[0].busy_of(7), gpus.rows[0].busy), (Some(0.7), Some(0.9)));
    let of_others = Gpu { maker: Maker::Amd, busy: None, ..at(500_000_000) };
    fold(&mut gpus, 3, vec![of_others]);
    assert_eq!(gpus.rows[0].busy, None, "only Intel's drivers leave the total out");
}

#[test]
fn the_past_has_a_step_for_each_reading() {
    let mut gpus = Gpus::default();
    let card = Gpu {
        memory_busy: Some(0.25),
        memory_total: Some(8),
        memory_used: Some(3),
        temperature: Some(50.0),
        power: Some(90.0),
        ..busy(0.5)
    };
    fold(&mut gpus, 1, vec![card.clone()]);
    fold(&mut gpus, 2, vec![Gpu { state: CardState::Asleep, ..card }]);
    let row = &gpus.rows[0];
    for (series, value) in [
        (&row.busy_history, 0.5),
        (&row.memory_busy_history, 0.25),
        (&row.memory_history, 0.375),
        (&row.temperature_history, 50.0),
        (&row.power_history, 90.0),
    ] {
        assert_eq!(series.iter().collect::<Vec<_>>(), [Some(value), None]);
    }
    assert_eq!((row.power, row.busy), (None, None), "of one that sleeps");
}

#[test]
fn energy_is_paid_by_the_kilowatt_hour() {
    let used = |energy_joules| GpuRow { energy_joules, ..GpuRow::default() }.kilowatt_hours();
    assert_eq!((used(Some(7.2e6)), used(None)), (Some(2.0), None));
}

#[test]
fn several_lost_cards_are_one_cause() {
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![named("A", 0), named("B", 1), named("C", 2)]);
    assert_eq!(gpus.cause(), None);
    let lost = |id, index| Gpu { state: CardState::Lost("off the bus".into()), ..named(id, index) };
    fold(&mut gpus, 2, vec![named("A", 0), lost("B", 1), lost("C", 2)]);
    assert_eq!(gpus.cause().as_deref(), Some("1:B and 1 more: off the bus"));
    gpus.drivers = vec![Driver { maker: Maker::Amd, fault: Some("does not load".into()), ..Driver::default() }];
    assert_eq!(gpus.cause(), Some(format!("{}: does not load", Maker::Amd.word())));
    assert_eq!(gpus.is_well(), Some(false));
}

#[test]
fn a_lost_card_keeps_the_error_that_it_was_lost_with() {
    use super::super::Xid;
    let xid = |code| vec![Xid { unix_ms: 1, code }];
    let lost = |xids| Gpu { state: CardState::Lost("x".into()), xids, ..named("A", 0) };
    let mut gpus = Gpus::default();
    fold(&mut gpus, 1, vec![Gpu { xids: xid(31), ..named("A", 0) }]);
    fold(&mut gpus, 2, vec![lost(Vec::new())]);
    assert_eq!((&gpus.rows[0].raw.xids, gpus.rows[0].lost()), (&xid(31), Some("x")));
    fold(&mut gpus, 3, vec![lost(xid(79))]);
    assert_eq!(gpus.rows[0].raw.xids, xid(79));
}

#[test]
fn power_and_energy_are_of_the_time_that_passed() {
    let over = |gpus: &mut Gpus, second: u64, since: Option<u64>, gpu: Gpu| {
        let since = since.map(Duration::from_secs);
        let span = Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since };
        gpus.apply(span, GpuSample { gpus: vec![gpu], ..GpuSample::default() });
    };
    let counted = |joules: u64| Gpu { energy_uj: Some(joules * 1_000_000), ..busy(0.0) };
    let mut gpus = Gpus::default();
    over(&mut gpus, 1, None, counted(100));
    over(&mut gpus, 5, Some(4), counted(400));
    assert_eq!((gpus.rows[0].power, gpus.rows[0].energy_joules), (Some(75.0), Some(300.0)));
    over(&mut gpus, 5, Some(0), counted(400));
    assert_eq!(gpus.rows[0].power, None, "no time has passed");
    let mut gpus = Gpus::default();
    over(&mut gpus, 1, None, Gpu { power: Some(80.0), ..busy(0.0) });
    assert_eq!(gpus.rows[0].energy_joules, None);
    over(&mut gpus, 5, Some(4), Gpu { power: Some(80.0), ..busy(0.0) });
    assert_eq!((gpus.rows[0].power, gpus.rows[0].energy_joules), (Some(80.0), Some(320.0)));
}

#[test]
fn a_card_is_known_by_its_place_where_its_name_is_another() {
    let mut gpus = Gpus::default();
    let card = |id: &str, bus: &str| Gpu { id: id.into(), bus: bus.into(), ..Gpu::default() };
    fold(&mut gpus, 1, vec![card("a", "0000:01:00.0"), card("b", "")]);
    fold(&mut gpus, 2, vec![card("other", "0000:01:00.0"), card("c", "")]);
    let rows: Vec<_> = gpus.rows.iter().map(|row| (row.raw.id.as_str(), row.lost().is_some())).collect();
    assert_eq!(rows, [("other", false), ("b", true), ("c", false)]);
}
