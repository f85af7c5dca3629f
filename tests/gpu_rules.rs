//! Each rule about GPUs fires through the fold when it should, and stays silent when it should.

use std::time::Duration;

use benchtop::{
    alert::{Level, shipped},
    clock::Stamp,
    model::{
        event::{Envelope, Event, Sample},
        gpu::{CardState, Driver, Gpu, GpuSample, Link, Maker, MemoryErrors, RemappedRows, Throttle, Xid},
        source::SourceId,
    },
    state::State,
};

/// A card that is well.
fn card() -> Gpu {
    Gpu {
        id: "GPU-1".into(),
        name: "NVIDIA T4".into(),
        busy: Some(0.9),
        temperature: Some(60.0),
        memory_total: Some(100),
        memory_used: Some(50),
        link: Link { generation: Some((4, 4)), width: Some((16, 16)), ..Link::default() },
        ecc: Some(MemoryErrors { corrected: 0, uncorrected: 0 }),
        remapped: Some(RemappedRows { corrected: 0, uncorrected: 0, pending: false, failed: false }),
        ..Gpu::default()
    }
}

/// What is held after so many seconds of this sample: level and words.
fn held(seconds: u64, sample: &GpuSample) -> Vec<(Level, String)> {
    let mut state = State::new(shipped().into());
    for second in 1..=seconds + 1 {
        let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
        let outcome = Ok(Sample::Gpus(sample.clone()));
        let at = Stamp::at_seconds(second);
        state.apply(Event::Reading(Envelope { source: SourceId::Gpus, at, took, every, outcome }));
        state.judge();
    }
    state.watches.iter().filter(|w| w.held).map(|w| (w.level, w.say.clone())).collect()
}

fn after(seconds: u64, gpu: Gpu) -> Vec<(Level, String)> {
    held(seconds, &GpuSample { gpus: vec![gpu], ..GpuSample::default() })
}

fn says(level: Level, words: &str) -> Vec<(Level, String)> {
    vec![(level, words.to_owned())]
}

#[test]
fn a_card_that_is_well_is_left_in_peace() {
    assert_eq!(after(120, card()), []);
    let capped = Gpu { throttles: vec![Throttle::PowerCap], power_limit: Some(200.0), ..card() };
    assert_eq!(after(120, Gpu { power: Some(200.0), power_default: Some(350.0), ..capped }), [], "the owner's cap");
    assert_eq!(after(120, Gpu { state: CardState::Asleep, ..card() }), []);
    assert_eq!(after(120, Gpu { state: CardState::Unreadable("vfio-pci".into()), ..card() }), []);
}

#[test]
fn heat_is_warned_of_after_ten_seconds_and_twice_at_95() {
    let hot = |celsius| Gpu { temperature: Some(celsius), ..card() };
    assert_eq!(after(9, hot(86.0)), []);
    assert_eq!(after(10, hot(86.0)), says(Level::Warn, "GPU 0:T4 is at 86 °C"));
    assert_eq!(after(10, hot(96.0)), says(Level::Crit, "GPU 0:T4 is at 96 °C"));
    assert_eq!(after(60, hot(85.0)), [], "over, not at");
}

#[test]
fn memory_above_nine_tenths_counts_with_what_the_driver_keeps() {
    let full = Gpu { memory_used: Some(85), memory_reserved: Some(7), ..card() };
    assert_eq!(after(30, full), says(Level::Warn, "GPU 0:T4 has 92% of its memory in use"));
    assert_eq!(after(60, Gpu { memory_used: Some(85), ..card() }), []);
}

#[test]
fn failed_driver_and_lost_card_alert_at_once_and_stay() {
    let fault = Some("the kernel module is not loaded".to_owned());
    let driver = Driver { maker: Maker::Nvidia, fault, ..Driver::default() };
    let failed = GpuSample { drivers: vec![driver], ..GpuSample::default() };
    assert_eq!(held(0, &failed), says(Level::Crit, "GPU failed: NVIDIA: the kernel module is not loaded"));
    let lost = Gpu { state: CardState::Lost("it has fallen off the bus".into()), ..card() };
    assert_eq!(after(0, lost), says(Level::Crit, "GPU failed: 0:T4: it has fallen off the bus"));

    let mut state = State::new(shipped().into());
    for (second, gpus) in [(1, vec![card()]), (2, Vec::new()), (600, Vec::new())] {
        let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
        let outcome = Ok(Sample::Gpus(GpuSample { gpus, ..GpuSample::default() }));
        let at = Stamp::at_seconds(second);
        state.apply(Event::Reading(Envelope { source: SourceId::Gpus, at, took, every, outcome }));
        state.judge();
    }
    let worst = state.verdict().worst.unwrap();
    assert_eq!((worst.level, worst.since), (Level::Crit, Stamp::at_seconds(2)));
    assert!(worst.say.starts_with("GPU failed: 0:T4: it is gone from the bus"), "{}", worst.say);
}

#[test]
fn a_card_slowed_by_heat_or_by_its_supply_is_warned_of() {
    let slowed = |throttle| Gpu { throttles: vec![throttle], ..card() };
    assert_eq!(after(30, slowed(Throttle::SoftwareThermal)), says(Level::Warn, "GPU 0:T4 is slowed: too hot (driver)"));
    assert_eq!(after(30, slowed(Throttle::PowerBrake)), says(Level::Warn, "GPU 0:T4 is slowed: power brake"));
    assert_eq!(after(29, slowed(Throttle::PowerBrake)), []);
}

#[test]
fn a_link_below_its_best_is_advice_after_a_minute_of_load() {
    let link = Link { generation: Some((1, 4)), width: Some((16, 16)), ..Link::default() };
    let words = "GPU 0:T4: PCIe link below its maximum: generation 1 of 4, lanes 16 of 16";
    assert_eq!(after(60, Gpu { link, ..card() }), says(Level::Advice, words));
    assert_eq!(after(59, Gpu { link, ..card() }), []);
    assert_eq!(after(120, Gpu { link, busy: Some(0.1), ..card() }), [], "links rest when idle");
}

#[test]
fn memory_errors_and_row_remapping_alert() {
    let ecc = Gpu { ecc: Some(MemoryErrors { corrected: 9, uncorrected: 2 }), ..card() };
    assert_eq!(after(0, ecc), says(Level::Warn, "GPU 0:T4 has uncorrected memory errors: 2"));
    let rows = |pending, failed| Gpu {
        remapped: Some(RemappedRows { corrected: 1, uncorrected: 1, pending, failed }),
        ..card()
    };
    let words = "GPU 0:T4: memory row remapping pending, reset the GPU";
    assert_eq!(after(0, rows(true, false)), says(Level::Advice, words));
    let words = "GPU 0:T4: memory row remapping failed, replace the card";
    assert_eq!(after(0, rows(false, true)), says(Level::Warn, words));
}

#[test]
fn an_error_of_the_driver_is_named_for_ten_minutes() {
    let at = |second: u64| Stamp::at_seconds(second).unix_ms;
    let xids = vec![Xid { code: 48, unix_ms: at(0) }, Xid { code: 79, unix_ms: at(1) }];
    let reported = Gpu { xids, ..card() };
    let words = "GPU 0:T4: driver error: Xid 79, the card has fallen off the bus, and 1 more in ten minutes";
    assert_eq!(after(0, reported.clone()), says(Level::Warn, words));
    assert_eq!(after(601, reported), []);
}
