//! What a destination is sent, on an invented clock.

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn alert(name: &str, level: Level, fired: i64) -> Firing {
    Firing {
        key: AlertKey { rule: name.into(), identity: vec![] },
        labels: vec![],
        level,
        value: 1.0,
        say: format!("{name} is bad"),
        since_unix_ms: fired - 1000,
        fired_unix_ms: fired,
        muted: false,
        acknowledged: false,
        flapping: false,
        dismissal: None,
    }
}

fn ended(alert: &Firing, at: i64) -> Ended {
    Ended { alert: alert.clone(), at_unix_ms: at, removed: false }
}

/// Sends all that is due.
fn sent(ledger: &mut Ledger, now: i64) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    while let Some(notice) = ledger.next(now).cloned() {
        out.push((notice.what.name(), notice.alert.key.rule.clone()));
        ledger.arrived(&notice, now);
    }
    out
}

fn said(what: &'static str, name: &str) -> (&'static str, String) {
    (what, name.to_owned())
}

#[test]
fn fired_and_resolved_alternate_and_each_is_said_once() {
    let (mut ledger, disk) = (Ledger::default(), alert("disk", Level::Warn, 1000));
    for second in 1..5 {
        ledger.update(second * 1000, std::slice::from_ref(&disk), &[], Level::Warn);
        assert_eq!(sent(&mut ledger, second * 1000).len(), usize::from(second == 1));
    }
    ledger.update(6000, &[], &[ended(&disk, 6000)], Level::Warn);
    ledger.update(7000, &[], &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 7000), [said("resolved", "disk")]);
    let again = alert("disk", Level::Warn, 9000);
    ledger.update(9000, &[again], &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 9000), [said("fired", "disk")]);
}

#[test]
fn what_gets_worse_is_said_at_once_and_what_gets_milder_is_not() {
    let mut ledger = Ledger::default();
    for (second, level, expected) in [
        (1, Level::Warn, Some("fired")),
        (2, Level::Crit, Some("escalated")),
        (3, Level::Warn, None),
        (4, Level::Crit, None),
    ] {
        ledger.update(second * 1000, &[alert("cpu", level, 1000)], &[], Level::Warn);
        let all = sent(&mut ledger, second * 1000);
        assert_eq!(all.first().map(|(what, _)| *what), expected, "{second}");
    }
}

#[test]
fn a_receiver_that_is_down_gets_the_newest_state() {
    let (mut ledger, disk) = (Ledger::default(), alert("disk", Level::Warn, 1000));
    ledger.update(1000, std::slice::from_ref(&disk), &[], Level::Warn);
    ledger.health.failed("refused".into(), 1000, 0.0);
    assert!(ledger.next(1500).is_none(), "it is waited for");
    let worse = alert("disk", Level::Crit, 1000);
    ledger.update(2000, &[worse], &[], Level::Warn);
    assert_eq!(ledger.next(4000).map(|notice| notice.alert.level), Some(Level::Crit), "one notice, as it is now");
    ledger.update(40_000, &[], &[ended(&disk, 40_000)], Level::Warn);
    assert_eq!(sent(&mut ledger, 50_000), [said("brief", "disk")], "one line for what was and is no more");
    ledger.update(100_000, &[], &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 100_000), []);
}

#[test]
fn what_is_refused_for_good_makes_room_for_what_waits_behind_it() {
    let (mut ledger, disk, cpu) = (Ledger::default(), alert("disk", Level::Warn, 1), alert("cpu", Level::Warn, 2));
    let both = [disk.clone(), cpu];
    ledger.update(10, &both, &[], Level::Warn);
    for _ in 1..REFUSALS {
        assert_eq!(ledger.refused(10), None);
    }
    assert_eq!(ledger.refused(10).map(|notice| notice.alert), Some(disk));
    assert_eq!(ledger.next(10).map(|notice| notice.alert.key.rule.as_str()), Some("cpu"));
    ledger.update(20, &both, &[], Level::Warn);
    assert_eq!(
        sent(&mut ledger, 20),
        [said("fired", "cpu"), said("fired", "disk")],
        "it still fires: once more, later"
    );
}

#[test]
fn a_restart_in_any_phase_loses_nothing_and_repeats_nothing() {
    let disk = alert("disk", Level::Warn, 1000);
    let restart = |ledger: &Ledger| -> Ledger {
        serde_json::from_str(&serde_json::to_string(ledger).expect("it is data")).expect("the same")
    };
    // Before anything was written: the alert still fires.
    let mut ledger = Ledger::default();
    ledger.update(2000, std::slice::from_ref(&disk), &[], Level::Warn);
    // Written and not sent.
    let mut ledger = restart(&ledger);
    ledger.update(3000, std::slice::from_ref(&disk), &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 3000), [said("fired", "disk")]);
    // Sent and written.
    let mut ledger = restart(&ledger);
    ledger.update(4000, std::slice::from_ref(&disk), &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 4000), []);
    // It ended while nothing ran: sent once the book has had time to be read.
    let mut ledger = restart(&ledger);
    for second in 10..40 {
        ledger.update(second * 1000, &[], &[], Level::Warn);
        assert_eq!(ledger.waits(), 0, "{second}");
    }
    ledger.update(40_000, &[], &[], Level::Warn);
    assert_eq!(sent(&mut restart(&ledger), 41_000), [said("resolved", "disk")]);
    // It ended and fired again meanwhile.
    let again = alert("disk", Level::Warn, 50_000);
    ledger.queue.clear();
    ledger.update(50_000, &[again], &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 50_000), [said("resolved", "disk"), said("fired", "disk")]);
}

#[test]
fn what_is_muted_is_not_sent_and_its_end_is_where_its_beginning_was() {
    let mut ledger = Ledger::default();
    let quiet = Firing { muted: true, ..alert("web", Level::Crit, 1000) };
    ledger.update(1000, std::slice::from_ref(&quiet), &[], Level::Warn);
    ledger.update(2000, &[], &[ended(&quiet, 2000)], Level::Warn);
    assert_eq!(sent(&mut ledger, 2000), []);
    let loud = alert("web", Level::Crit, 3000);
    ledger.update(3000, std::slice::from_ref(&loud), &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 3000), [said("fired", "web")]);
    let quiet = Firing { muted: true, ..loud };
    ledger.update(4000, std::slice::from_ref(&quiet), &[], Level::Warn);
    ledger.update(5000, &[], &[ended(&quiet, 5000)], Level::Warn);
    assert_eq!(sent(&mut ledger, 5000), [said("resolved", "web")]);
    ledger.update(6000, &[alert("tip", Level::Advice, 6000)], &[], Level::Warn);
    assert_eq!(sent(&mut ledger, 6000), [], "milder than what is asked for");
}

#[test]
fn reminders_come_after_an_hour_four_and_a_day_for_what_is_critical_and_not_acknowledged() {
    let mut ledger = Ledger::default();
    let (pool, cpu) = (alert("pool", Level::Crit, 0), alert("cpu", Level::Warn, 0));
    let mut at = Vec::new();
    for minute in 0..60 * 60 {
        let now = minute * MINUTE;
        ledger.update(now, &[pool.clone(), cpu.clone()], &[], Level::Warn);
        at.extend(
            sent(&mut ledger, now)
                .into_iter()
                .filter(|(what, _)| *what == "reminder")
                .map(|(_, name)| (now / HOUR, name)),
        );
    }
    let pool_at = |hour| (hour, "pool".to_owned());
    assert_eq!(at, [pool_at(1), pool_at(5), pool_at(29), pool_at(53)]);
    let mut quiet = Ledger::default();
    let pool = Firing { acknowledged: true, ..pool };
    for hour in 0..48 {
        quiet.update(hour * HOUR, std::slice::from_ref(&pool), &[], Level::Warn);
        assert_eq!(sent(&mut quiet, hour * HOUR).len(), usize::from(hour == 0));
    }
}

#[test]
fn what_flaps_is_said_once_and_then_as_it_settles() {
    for settles in ["fires", "clear"] {
        let mut ledger = Ledger::default();
        ledger.update(1000, &[alert("net", Level::Warn, 1000)], &[], Level::Warn);
        assert_eq!(sent(&mut ledger, 1000), [said("fired", "net")]);
        for n in 2..20 {
            let flaps = Firing { muted: true, flapping: true, ..alert("net", Level::Warn, n * 100_000) };
            ledger.update(n * 100_000, std::slice::from_ref(&flaps), &[], Level::Warn);
            ledger.update(n * 100_000 + 50_000, &[], &[ended(&flaps, n * 100_000)], Level::Warn);
            let expected = if n == 2 { vec![said("flapping", "net")] } else { vec![] };
            assert_eq!(sent(&mut ledger, n * 100_000 + 50_000), expected);
        }
        let last = alert("net", Level::Warn, 5_000_000);
        match settles {
            "fires" => {
                ledger.update(6_000_000, std::slice::from_ref(&last), &[], Level::Warn);
                assert_eq!(sent(&mut ledger, 6_000_000), [], "they know");
                ledger.update(7_000_000, &[], &[ended(&last, 7_000_000)], Level::Warn);
            }
            _ => drop(ledger.update(7_000_000, &[], &[ended(&last, 7_000_000)], Level::Warn)),
        }
        assert_eq!(sent(&mut ledger, 7_000_000), [said("resolved", "net")]);
    }
}

#[test]
fn what_settled_without_a_notice_is_not_mentioned() {
    let mut ledger = Ledger::default();
    let settled = Firing { muted: true, ..alert("net", Level::Crit, 1000) };
    ledger.update(2000, &[], &[ended(&settled, 2000)], Level::Warn);
    assert_eq!(sent(&mut ledger, 2000), []);
}

#[test]
fn the_queue_is_bounded_and_the_mildest_gives_way() {
    let mut ledger = Ledger::default();
    let many: Vec<Firing> = (0..MOST as i64 + 50)
        .map(|n| alert(&format!("a{n}"), if n % 2 == 0 { Level::Crit } else { Level::Warn }, n))
        .collect();
    ledger.update(1000, &many, &[], Level::Warn);
    assert_eq!(ledger.waits(), MOST);
    assert_eq!(ledger.queue.iter().filter(|notice| notice.alert.level == Level::Crit).count(), 125);
    let first = sent(&mut ledger, 2000).len();
    ledger.update(3000, &many, &[], Level::Warn);
    assert_eq!((first, sent(&mut ledger, 3000).len()), (MOST, 50), "the rest comes later");
}

proptest::proptest! {
    /// Whatever fires, ends, is muted, fails or is restarted: of one alert fired and what ends it alternate.
    #[test]
    fn fired_and_its_end_alternate(steps in proptest::collection::vec((0u8..8, 0u8..2), 1..200)) {
        let mut ledger = Ledger::default();
        let (mut now, mut fires, mut muted, mut reports) = (0i64, [None::<i64>; 2], [false; 2], [false; 2]);
        for (step, which) in steps {
            now += 1000;
            let at = usize::from(which);
            let name = format!("a{which}");
            let mut over = Vec::new();
            match step {
                0 | 1 => { fires[at].get_or_insert(now); }
                2 => if let Some(fired) = fires[at].take() {
                    over.push(ended(&Firing { muted: muted[at], ..alert(&name, Level::Warn, fired) }, now));
                },
                3 => muted[at] = !muted[at],
                4 => ledger.health.failed("no".into(), now, 0.5),
                // It ended, and this program was killed before it knew.
                5 => fires[at] = None,
                6 => ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap(),
                _ => now += 40_000,
            }
            let firing: Vec<Firing> = fires.iter().enumerate().filter_map(|(n, fired)| {
                Some(Firing { muted: muted[n], ..alert(&format!("a{n}"), Level::Warn, (*fired)?) })
            }).collect();
            ledger.update(now, &firing, &over, Level::Warn);
            if step != 4 {
                for (what, name) in sent(&mut ledger, now) {
                    let at = usize::from(name == "a1");
                    match what {
                        "fired" => { proptest::prop_assert!(!reports[at], "twice"); reports[at] = true; }
                        "resolved" => { proptest::prop_assert!(reports[at], "never said"); reports[at] = false; }
                        "brief" => proptest::prop_assert!(!reports[at]),
                        _ => {}
                    }
                }
            }
        }
    }
}
