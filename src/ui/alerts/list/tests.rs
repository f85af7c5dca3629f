//! Sections and rows of the list.

use std::time::Duration;

use super::*;
use crate::{
    alert::Rule,
    model::{
        event::{Envelope, Event, Sample},
        load::LoadSample,
        metrics,
    },
};

#[test]
fn a_silence_is_listed_where_nothing_fires_under_it() {
    let rule = |id: &str| {
        let mut rule = Rule::new(id, metrics::LOAD1);
        rule.limits.warn = Some(4.0);
        rule
    };
    let mut state = State::new(vec![rule("busy"), rule("busier")].into());
    let read = |state: &mut State, second: u64| {
        let outcome = Ok(Sample::Load(LoadSample { load1: 5.0, ..LoadSample::default() }));
        let (at, took, every) = (Stamp::at_seconds(second), Duration::ZERO, Duration::from_secs(1));
        state.apply(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
        state.judge();
    };
    read(&mut state, 1);
    let busy = state.watches.iter().find(|watch| watch.rule == "busy").expect("it fires").key();
    for scope in [Scope::One(busy.clone()), Scope::Rule("disk_full".into())] {
        let silence = State::silence(scope, Duration::from_secs(3600), String::new(), state.host.now);
        state.apply(Event::Alert(silence));
    }
    read(&mut state, 2);
    let view = View { children: true, seen_unix_ms: 0 };
    let listed: Vec<(&str, Vec<Option<Id>>)> = sections(&state, view)
        .into_iter()
        .map(|section| (section.title, section.items.iter().map(|item| item.id(&state)).collect()))
        .filter(|(_, items): &(&str, Vec<Option<Id>>)| !items.is_empty())
        .collect();
    let busier = state.watches.iter().find(|watch| watch.rule == "busier").expect("it fires").key();
    let silenced = vec![Some(Id::Alert(busy)), Some(Id::Silence(Scope::Rule("disk_full".into())))];
    assert_eq!(listed, [("Firing", vec![Some(Id::Alert(busier))]), ("Silenced", silenced)]);
}
use crate::{
    model::alert::EpisodeEnd,
    ui::{
        alerts::testing::{DAY, MINUTE, NOW, ago, episode, fires, follows, key, now, pends, state},
        canvas::testing::drawn,
    },
};

const ALL: View = View { children: true, seen_unix_ms: NOW };

/// Each row as it is drawn, and the role of its glyph or first words.
fn listed(state: &State, view: View) -> Vec<(String, Role)> {
    let mut found = Vec::new();
    drawn(state, (1, 1), |cx, _, _| {
        let words = |row: &Row| row.words.iter().map(|(text, _)| text.as_str()).collect::<String>();
        let line = |row: &Row| match row.right.as_str() {
            "" => words(row),
            right => format!("{} | {right}", words(row)),
        };
        let role = |row: &Row| row.words.get(1).or(row.words.first()).map_or(Role::Text, |(_, role)| *role);
        found = rows(cx, view).iter().map(|row| (line(row), role(row))).collect();
    });
    found
}

fn lines(state: &State, view: View) -> Vec<String> {
    listed(state, view).into_iter().map(|(line, _)| line).collect()
}

/// Every source was read.
fn read(mut state: State) -> State {
    for source in SourceId::ALL {
        let outcome = Ok(Sample::Load(LoadSample::default()));
        let (at, took, every) = (now(), Duration::ZERO, Duration::from_secs(1));
        state.host.health.note(&Envelope { source, at, took, every, outcome });
    }
    state
}

#[test]
fn each_alert_is_in_the_section_of_what_became_of_it() {
    let seen = Watch {
        acknowledged: true,
        comment: "ordered".into(),
        acknowledged_unix_ms: Some(NOW - 3 * MINUTE),
        ..fires("late", Level::Warn)
    };
    let muted = Some(Muted::Silenced { until_unix_ms: NOW + DAY });
    let silenced = Watch { muted, ..fires("slow", Level::Crit) };
    let mut state = read(state(&[
        fires("busy", Level::Crit),
        pends("slow", Level::Warn),
        fires("late", Level::Advice),
        seen,
        silenced,
    ]));
    state.alarms.gone.push(Watch { gone_since: Some(ago(2)), ..fires("busy", Level::Warn) });
    state.alarms.episodes = vec![episode("busy", Level::Warn, 90, Some(30)), episode("slow", Level::Crit, 10, None)];
    let until = moment(NOW + DAY, NOW);
    let at = moment(NOW - 90 * MINUTE, NOW);
    assert_eq!(
        lines(&state, ALL),
        [
            "Firing".to_owned(),
            "       5m ✖ it is busy | busy".to_owned(),
            String::new(),
            "Pending".to_owned(),
            " in 4m00s ▲ it is slow | slow".to_owned(),
            String::new(),
            "Advice".to_owned(),
            "       5m · it is late | late".to_owned(),
            String::new(),
            "Acknowledged".to_owned(),
            "       5m ▲ it is late | \"ordered\", 3m".to_owned(),
            String::new(),
            "Silenced".to_owned(),
            format!("       5m ✖ it is slow | until {until}"),
            String::new(),
            "Gone".to_owned(),
            "       5m ▲ it is busy | gone for 2m".to_owned(),
            String::new(),
            "Recent".to_owned(),
            format!("{at:>9} ▲ it was busy | for 30m"),
            String::new(),
        ]
    );
    let roles: Vec<Role> = listed(&state, ALL).into_iter().map(|(_, role)| role).collect();
    assert_eq!(
        [1, 4, 7, 10, 13, 19].map(|at| roles[at]),
        [Role::Crit, Role::Warn, Role::Advice, Role::Dim, Role::Dim, Role::Dim]
    );
}

#[test]
fn without_an_alert_the_list_says_how_quiet_it_is() {
    let first = |state: &State| listed(state, ALL).remove(0);
    assert_eq!(first(&state(&[])), ("◌ reading…".to_owned(), Role::Text));
    assert_eq!(first(&read(state(&[]))).0, "● all quiet");
    assert_eq!(first(&read(state(&[pends("slow", Level::Warn)]))).0, "● no alert is firing");
    assert_eq!(first(&read(state(&[pends("slow", Level::Advice)]))).0, "● all quiet", "it is no more than advice");
    assert_eq!(lines(&read(state(&[])), ALL), ["● all quiet", ""]);
}

#[test]
fn what_follows_from_an_alert_is_below_it_or_counted() {
    let mut watches = vec![fires("busy", Level::Crit), follows("slow", "busy"), follows("late", "slow")];
    watches[0].labels = [("host".to_owned(), "atlas".to_owned())].into();
    let state = read(state(&watches));
    let blank = " ".repeat(AGE);
    assert_eq!(
        lines(&state, ALL)[1..4],
        [
            "       5m ✖ it is busy | busy".to_owned(),
            format!("{blank} └ it is slow | because of atlas"),
            format!("{blank} └ it is late | because of slow"),
        ]
    );
    let folded = View { children: false, ..ALL };
    assert_eq!(
        lines(&state, folded)[1..4],
        ["       5m ✖ it is busy | busy".to_owned(), format!("{blank} 2 alerts because of it"), String::new()]
    );
    assert_eq!((ids(&state, ALL).len(), ids(&state, folded)), (3, vec![Id::Alert(key("busy"))]));
    let alone = read(self::state(&[fires("busy", Level::Crit)]));
    assert_eq!(lines(&alone, folded).len(), 3, "nothing is hidden");
    let lost = read(self::state(&[follows("slow", "busy")]));
    assert_eq!(ids(&lost, ALL), [] as [Id; 0], "its cause is not known yet");
}

#[test]
fn alerts_that_name_one_another_are_listed_once() {
    let state =
        state(&[fires("busy", Level::Crit), follows("slow", "busy"), follows("late", "slow"), follows("slow", "late")]);
    assert_eq!(ids(&state, ALL), [key("busy"), key("slow"), key("late")].map(Id::Alert));
}

#[test]
fn what_is_known_of_an_alert_stands_at_the_right() {
    let of = |watch: Watch| standing(&watch, now());
    let plain = || fires("busy", Level::Warn);
    let seen = |comment: &str, at: Option<i64>| Watch {
        acknowledged: true,
        comment: comment.into(),
        acknowledged_unix_ms: at,
        ..plain()
    };
    for (watch, words) in [
        (plain(), "busy"),
        (Watch { gone_since: Some(ago(2)), unknown_since: Some(ago(3)), ..plain() }, "gone for 2m"),
        (Watch { unknown_since: Some(ago(3)), clears_in: Some(Duration::from_secs(70)), ..plain() }, "no data for 3m"),
        (Watch { clears_in: Some(Duration::from_secs(70)), ..plain() }, "clears in 1m10s"),
        (seen("", None), "acknowledged"),
        (seen("", Some(NOW - 3 * MINUTE)), "acknowledged, 3m"),
        (seen("ordered", None), "\"ordered\""),
        (Watch { muted: Some(Muted::Maintenance("nightly".into())), ..plain() }, "maintenance: nightly"),
        (Watch { muted: Some(Muted::Flapping), ..plain() }, "flapping"),
    ] {
        assert_eq!(of(watch), words);
    }
    let counted = Watch { counted: Some((2, 3)), ..pends("busy", Level::Warn) };
    assert_eq!((age(&counted, now()), age(&plain(), now())), ("2 of 3".into(), "5m".to_owned()));
}

#[test]
fn what_is_over_is_new_until_it_was_looked_at() {
    let mut state = read(state(&[]));
    state.alarms.episodes = vec![
        episode("busy", Level::Warn, 90, Some(30)),
        Episode { end: Some(EpisodeEnd::Removed), ..episode("slow", Level::Crit, 50, Some(30)) },
        episode("late", Level::Advice, 40, Some(30)),
    ];
    let seen = |minutes: i64| {
        let view = View { seen_unix_ms: NOW - minutes * MINUTE, ..ALL };
        let rows = listed(&state, view).split_off(3);
        rows.into_iter()
            .filter(|(line, _)| !line.is_empty())
            .map(|(line, role)| (line.split(" | ").nth(1).unwrap().to_owned(), role))
            .collect::<Vec<_>>()
    };
    let is = |rows: [(&str, Role); 3]| rows.map(|(right, role)| (right.to_owned(), role)).to_vec();
    assert_eq!(seen(0), is([("for 30m", Role::Dim), ("removed, for 30m", Role::Dim), ("for 30m", Role::Dim)]));
    assert_eq!(seen(20), is([("for 30m", Role::Dim), ("removed, for 30m", Role::Dim), ("for 30m", Role::Dim)]));
    assert_eq!(seen(21), is([("for 30m", Role::Dim), ("new, removed, for 30m", Role::Crit), ("for 30m", Role::Dim)]));
    assert_eq!(
        seen(61),
        is([("for 30m", Role::Dim), ("new, removed, for 30m", Role::Crit), ("new, for 30m", Role::Warn)])
    );
}

#[test]
fn a_silence_of_nothing_is_listed_with_its_comment() {
    let mut state = read(state(&[]));
    for (scope, comment) in [(Scope::One(key("slow")), "night"), (Scope::Rule("late".into()), ""), (Scope::All, "")] {
        let silence = State::silence(scope, Duration::from_secs(86_400), comment.into(), now());
        state.apply(Event::Alert(silence));
    }
    let until = moment(NOW + DAY, NOW);
    let blank = " ".repeat(AGE);
    let of = |what: &str| format!("{blank}   {what} | until {until}");
    assert_eq!(
        lines(&state, ALL)[2..6],
        ["Silenced".to_owned(), of("slow: night"), of("all of rule late"), of("everything")]
    );
}

#[test]
fn sources_without_data_say_why() {
    use crate::model::fault::Fault;
    let mut state = read(state(&[]));
    state.host.health = Default::default();
    let denied = Fault::Denied { what: "/dev/nvidia0".into(), hint: "join the group".into() };
    for (source, fault) in [(SourceId::Load, Fault::Absent("/proc/loadavg".into())), (SourceId::Gpus, denied)] {
        let (at, took, every) = (now(), Duration::ZERO, Duration::from_secs(1));
        state.host.health.note(&Envelope { source, at, took, every, outcome: Err(fault) });
    }
    let mut expected = vec!["Sources without data".to_owned()];
    for source in SourceId::ALL {
        match source {
            SourceId::Load => expected.push(format!("{:<NAME$}/proc/loadavg", "load")),
            SourceId::Gpus => {
                expected.push(format!("{:<NAME$}/dev/nvidia0: permission denied", source.name()));
                expected.push(format!("{:<NAME$}join the group", ""));
            }
            _ => {}
        }
    }
    assert_eq!(lines(&state, ALL)[2..], expected);
}
