//! The page of one alert, and its rule in the last 30 days.

use super::*;
use crate::{
    clock::Stamp,
    model::{
        event::{Envelope, Event, Sample},
        load::LoadSample,
        metrics,
        source::SourceId,
    },
};

fn load(state: &mut State, second: u64, load1: f64) {
    let outcome = Ok(Sample::Load(LoadSample { load1, ..LoadSample::default() }));
    let (at, took, every) = (Stamp::at_seconds(second), Duration::ZERO, Duration::from_secs(1));
    state.apply(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
    state.judge();
}

#[test]
fn the_page_says_how_often_an_alert_cleared() {
    let mut rule = Rule::new("busy", metrics::LOAD1);
    (rule.limits.warn, rule.clear_hold) = (Some(4.0), Some(Duration::ZERO));
    let mut state = State::new(vec![rule].into());
    let said: Vec<Option<String>> = (0..4)
        .map(|round| {
            load(&mut state, round * 2 + 1, 5.0);
            let lines = facts(&state, &state.watches[0], 80);
            load(&mut state, round * 2 + 2, 1.0);
            let texts = lines.into_iter().map(|line| line.into_iter().map(|(text, _)| text).collect::<String>());
            texts.into_iter().find_map(|text| text.strip_prefix("cleared").map(|words| words.trim().to_owned()))
        })
        .collect();
    let flapping = "3× lately, flapping: only a rise to critical is sent";
    assert_eq!(said, [None, Some("1× lately"), Some("2× lately"), Some(flapping)].map(|w| w.map(str::to_owned)));
}

#[test]
fn the_page_names_what_changed_shortly_before() {
    use crate::model::run::Change;
    let mut rule = Rule::new("busy", metrics::LOAD1);
    rule.limits.warn = Some(4.0);
    let mut state = State::new(vec![rule].into());
    load(&mut state, 5000, 5.0);
    let since = state.watches[0].since.unix_ms;
    let change = |ago: i64, of: &str, before: Option<&str>| Change {
        at_unix_ms: since - ago,
        kind: "limits".into(),
        of: of.into(),
        property: "cpus".into(),
        before: before.map(str::to_owned),
        after: Some("2".into()),
    };
    state.runs.changes = vec![
        change(600_000, "too early", Some("1")),
        change(599_000, "first", Some("1")),
        change(0, "last", Some("1")),
        change(0, "seen first", None),
        change(-1, "too late", Some("1")),
    ];
    let lines = facts(&state, &state.watches[0], 80);
    let texts = lines.into_iter().map(|line| line.into_iter().map(|(text, _)| text).collect::<String>());
    let said: Vec<String> = texts.filter(|text| text.starts_with("before it")).collect();
    assert!(said.len() == 2 && said[0].contains("last") && said[1].contains("first"), "{said:?}");
}
use crate::ui::{
    alerts::testing::{DAY, MINUTE, NOW, episode, fires, follows, key, pends, state},
    canvas::testing::{Drawn, Look, drawn},
    theme::ASCII,
};

fn words(lines: &[SheetLine]) -> Vec<String> {
    lines
        .iter()
        .map(|line| line.iter().map(|(text, _)| text.as_str()).collect::<String>().trim_end().to_owned())
        .collect()
}

#[test]
fn the_selected_row_is_looked_up_among_all_alerts() {
    let mut state = state(&[fires("busy", Level::Warn)]);
    state.alarms.gone.push(fires("slow", Level::Warn));
    state.alarms.episodes = vec![
        episode("busy", Level::Warn, 90, Some(30)),
        episode("late", Level::Crit, 60, Some(30)),
        episode("late", Level::Warn, 50, Some(30)),
    ];
    let title = |id: Option<Id>| title(&chosen(&state, id.as_ref()));
    let is = |head: &str, rule: &str| (head.to_owned(), rule.to_owned());
    assert_eq!(title(Some(Id::Alert(key("busy")))), is("warning", "rule busy"));
    assert_eq!(title(Some(Id::Alert(key("slow")))), is("warning", "rule slow"));
    assert_eq!(title(Some(Id::Alert(key("late")))), is("alert", ""));
    assert_eq!(title(None), is("alert", ""));
    let of = |rule: &str, minutes: i64| match chosen(&state, Some(&Id::Episode(key(rule), NOW - minutes * MINUTE))) {
        Chosen::Episode(episode) => episode.level.clone(),
        _ => String::new(),
    };
    assert_eq!([of("late", 60), of("late", 50), of("busy", 60)], ["crit", "warn", ""]);
    assert_eq!(title(Some(Id::Episode(key("late"), NOW - 60 * MINUTE))), is("over", "rule late"));
    assert_eq!(rule(&chosen(&state, Some(&Id::Alert(key("busy"))))), Some("busy"));
    assert_eq!(rule(&chosen(&state, Some(&Id::Episode(key("busy"), NOW - 90 * MINUTE)))), Some("busy"));
    assert_eq!(rule(&Chosen::None), None);
}

const RULE: [&str; 2] = ["fires above 4 for 5m, critical above 8", "clears at 4 or less for 1m40s"];

fn rule_of_load() -> Vec<String> {
    let def = metrics::LOAD1.def();
    vec![format!("{}: {}", def.id, def.help), RULE[0].to_owned(), RULE[1].to_owned()]
}

#[test]
fn an_alert_says_since_when_and_by_which_rule() {
    let state = state(&[]);
    let lines = |watch: &Watch| words(&standing(&state, watch, 80));
    let since = second(NOW - 5 * MINUTE, NOW);
    let head =
        |first: String| [vec![first, String::new(), "it is busy".to_owned(), String::new()], rule_of_load()].concat();
    assert_eq!(lines(&fires("busy", Level::Crit)), head(format!("critical since {since}, 5m")));
    let began = Watch { began_unix_ms: Some(NOW - 20 * MINUTE), ..fires("busy", Level::Warn) };
    assert_eq!(lines(&began)[0], format!("warning since {}, 20m", second(NOW - 20 * MINUTE, NOW)));
    assert_eq!(lines(&pends("busy", Level::Warn)), head("pending: fires in 4m00s".to_owned()));
    let counted = Watch { counted: Some((2, 3)), ..pends("busy", Level::Warn) };
    assert_eq!(lines(&counted)[0], "pending: 2 of 3");
    let unknown = fires("unknown", Level::Warn);
    assert_eq!(lines(&unknown).len(), 4, "its rule is not there");
    assert_eq!(standing(&state, &fires("busy", Level::Crit), 80)[0][0].1, Role::Crit);
}

#[test]
fn what_is_over_says_from_when_to_when() {
    let state = state(&[]);
    let lines = |episode: &Episode| over(&state, episode, 80);
    let (from, to) = (second(NOW - 90 * MINUTE, NOW), second(NOW - 60 * MINUTE, NOW));
    let head =
        |first: String| [vec![first, String::new(), "it was busy".to_owned(), String::new()], rule_of_load()].concat();
    let ended = episode("busy", Level::Warn, 90, Some(30));
    assert_eq!((words(&lines(&ended)), lines(&ended)[0][0].1), (head(format!("{from} to {to}, 30m")), Role::Warn));
    let lasts = episode("busy", Level::Advice, 90, None);
    let to = second(NOW, NOW);
    assert_eq!(
        (words(&lines(&lasts))[0].clone(), lines(&lasts)[0][0].1),
        (format!("{from} to {to}, 1h 30m"), Role::Advice)
    );
}

#[test]
fn causes_and_what_the_user_said_are_named() {
    let mut watches = vec![follows("slow", "busy"), fires("busy", Level::Crit), follows("late", "slow")];
    watches[0].acknowledged = true;
    let mut state = state(&watches);
    let of = |state: &State, at: usize| words(&facts(state, &state.watches[at], 60));
    assert_eq!(of(&state, 1), ["affects    it is slow"]);
    assert_eq!(of(&state, 2), ["because    it is slow", "           it is busy"]);
    assert_eq!(of(&state, 0), ["because    it is busy", "affects    it is late", "known      acknowledged"]);
    state.watches[0].comment = "a new disk is ordered, it comes on Monday and is put in then".into();
    state.watches[0].acknowledged_unix_ms = Some(NOW);
    let at = moment(NOW, NOW);
    assert_eq!(
        of(&state, 0)[2..],
        [
            format!("known      acknowledged {at}: a new disk is ordered, it"),
            "           comes on Monday and is put in then".to_owned()
        ]
    );
    state.watches[1].muted = Some(crate::alert::Muted::Silenced { until_unix_ms: NOW + MINUTE });
    state.watches[1].normal = Some(2.5);
    assert_eq!(
        of(&state, 1),
        [
            "normal     2.5".to_owned(),
            "affects    it is slow".to_owned(),
            format!("silenced   until {}", moment(NOW + MINUTE, NOW))
        ]
    );
    let missing = self::state(&[follows("slow", "busy")]);
    assert_eq!(of(&missing, 0), ["because    busy"], "an alert that is not there is named by its rule");
}

#[test]
fn a_chain_of_causes_ends() {
    let round = state(&[follows("slow", "late"), follows("late", "slow")]);
    let names = |state: &State| {
        chain(state, &state.watches[0]).into_iter().map(|(name, key)| (name, key.rule)).collect::<Vec<_>>()
    };
    assert_eq!(names(&round), [("because", "late".to_owned()), ("", "slow".to_owned())]);
    let rules = ["a", "b", "c", "d", "e", "f", "g"];
    let long: Vec<Watch> = rules.windows(2).map(|pair| follows(pair[0], pair[1])).collect();
    let found: Vec<String> = names(&state(&long)).into_iter().map(|(_, rule)| rule).collect();
    assert_eq!(found, ["b", "c", "d", "e"]);
}

fn traced() -> State {
    let mut state = state(&[Watch { value: 6.0, ..fires("busy", Level::Warn) }]);
    let mut series = crate::model::series::Series::new(60);
    (1..=60).for_each(|second| series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(6.0)));
    state.alarms.traces.insert(key("busy"), series);
    state
}

fn shown(state: &State, size: (u16, u16)) -> Drawn {
    let chosen = chosen(state, Some(&Id::Alert(key("busy"))));
    drawn(state, size, |cx, area, canvas| draw(cx, area, canvas, &chosen))
}

#[test]
fn an_alert_has_the_past_of_its_value_below_its_words() {
    let mut state = traced();
    state.watches[0].acknowledged = true;
    let all = shown(&state, (50, 20));
    let lines = all.lines();
    let head = 4 + wrap(&rule_of_load()[0], 50).len() + 2;
    assert_eq!(lines[head], "", "a row is left free");
    assert_eq!(lines[head + 1 + 6], format!("{:47}now", "6 now, limit 4"));
    assert_eq!(lines[head + 1 + 2].chars().next(), Some('─'), "the limit is at 4.0 of 6.6");
    assert!(lines[head + 1 + 5].ends_with('⣿'));
    assert_eq!(lines[head + 9], "known      acknowledged");
    assert_eq!(all.role_at(49, head as u16 + 6), Some(Role::Warn));
    let tall = head as u16 + 1 + 6 + 1;
    assert!(shown(&state, (50, tall)).lines().concat().contains("limit 4"));
    let low = shown(&state, (50, tall - 1)).lines();
    assert_eq!(low[head + 1], "known      acknowledged", "without room for it the facts follow at once");
    let none = drawn(&state, (30, 2), |cx, area, canvas| draw(cx, area, canvas, &Chosen::None));
    assert_eq!(none.line(), "nothing is selected");
}

#[test]
fn the_scale_of_a_past_holds_its_peak_and_its_limit() {
    let limit_row = |change: &dyn Fn(&mut State)| {
        let mut state = traced();
        change(&mut state);
        let mut used = None;
        let drawn = drawn(&state, (40, 11), |cx, area, canvas| used = trace(cx, area, canvas, &state.watches[0]));
        let lines = drawn.lines();
        (used, lines.iter().position(|line| line.starts_with('─')), lines[10].clone())
    };
    let (used, row, words) = limit_row(&|_| ());
    assert_eq!((used, row), (Some(11), Some(3)));
    assert!(words.starts_with("6 now, limit"), "{words}");
    let of_normal = |state: &mut State| {
        let mut rules = state.rules.to_vec();
        (rules[0].normal_floor, rules[0].limits.warn) = (Some(1.0), Some(1.5));
        state.rules = rules.into();
        state.watches[0].normal = Some(4.0);
    };
    assert_eq!(limit_row(&of_normal).1, Some(0), "half more than is normal is six");
    assert_eq!(
        limit_row(&|state| state.watches[0].level = Level::Crit).1,
        Some(0),
        "the critical limit is at 8 of 8.8"
    );
    assert_eq!(limit_row(&|state| state.alarms.traces.clear()).0, None);
    assert_eq!(limit_row(&|state| state.rules = Vec::new().into()).0, None);
}

fn monthly(episodes: Vec<Episode>, size: (u16, u16)) -> Vec<String> {
    let mut state = state(&[]);
    state.alarms.episodes = episodes;
    drawn(&state, size, |cx, area, canvas| month(cx, area, canvas, "busy")).lines()
}

#[test]
fn a_month_of_a_rule_says_how_often_it_fired() {
    assert_eq!(monthly(vec![episode("slow", Level::Warn, 90, Some(30))], (40, 4))[0], "it has not fired");
    let (first, second) = (moment(NOW - 90 * MINUTE, NOW), moment(NOW - 50 * MINUTE, NOW));
    let two = vec![
        episode("busy", Level::Warn, 90, Some(30)),
        episode("busy", Level::Crit, 50, Some(4)),
        episode("busy", Level::Warn, 3, None),
    ];
    let lines = monthly(two.clone(), (60, 9));
    assert_eq!(
        lines[..3],
        [format!("fired 3×: 3m (now), 4m at {second}, 30m at {first}"), "longest 30m".to_owned(), String::new()]
    );
    assert_eq!(lines[3], format!("{}█", "▁".repeat(59)));
    assert_eq!(lines[4], format!("{:<55}today", moment(NOW - 30 * DAY, NOW)));
    assert_eq!(lines[6], "with a hold of 10m it would have fired 1×");
    assert!(!monthly(two.clone(), (60, 6)).concat().contains("would have"), "there is no room for it");
    assert!(!monthly(two.clone(), (60, 4)).concat().contains('█'));
    assert!(!monthly(two[..1].to_vec(), (60, 9)).concat().contains("would have"), "it would have fired all the same");
    let five = vec![episode("busy", Level::Warn, 90, Some(30)); 5];
    assert_eq!(monthly(five, (90, 9))[0].matches(" at ").count(), 4, "the newest four");
}

#[test]
fn a_longer_hold_would_have_spared_what_was_short() {
    let spared = |lasted: i64| {
        let lines = monthly(
            vec![episode("busy", Level::Warn, 90, Some(lasted)), episode("busy", Level::Warn, 90, Some(80))],
            (60, 9),
        );
        lines[6].clone()
    };
    // It would have to be crossed for five minutes more; of what an alert lasted 100 s went by before it ended.
    assert_eq!(spared(6), "with a hold of 10m it would have fired 1×");
    assert_eq!(spared(7), "");
}

#[test]
fn the_strip_shows_the_days_on_which_it_fired() {
    let state = state(&[]);
    let strip_of = |look: &Look, fired: &[Episode]| {
        look.draw(&state, (30, 2), |cx, area, canvas| strip(cx, area, canvas, &fired.iter().collect::<Vec<_>>()))
    };
    let day = |days: i64, level| episode("busy", level, days * 24 * 60 + 60, Some(10));
    let drawn = strip_of(&Look::default(), &[day(29, Level::Warn), day(1, Level::Warn), day(1, Level::Crit)]);
    assert_eq!(drawn.line(), format!("█{}█▁", "▁".repeat(27)));
    assert_eq!([0, 1, 28].map(|x| drawn.role_at(x, 0)), [Role::Warn, Role::Faint, Role::Crit].map(Some));
    let long = strip_of(&Look::default(), &[episode("busy", Level::Warn, 3 * 24 * 60 - 60, None)]);
    assert_eq!(long.line(), format!("{}███", "▁".repeat(27)));
    let ascii = strip_of(&Look::with(ASCII), &[day(1, Level::Warn)]);
    assert_eq!(ascii.line(), format!("{}#_", "_".repeat(28)));
}

#[test]
fn a_few_lines_say_it_where_there_is_no_room_beside() {
    let state = state(&[fires("busy", Level::Warn), follows("slow", "busy"), follows("late", "slow")]);
    assert!(brief(&state, &Chosen::None, 60).is_empty());
    let since = second(NOW - 5 * MINUTE, NOW);
    assert_eq!(
        words(&brief(&state, &Chosen::Watch(&state.watches[0]), 60)),
        [
            format!("warning since {since}, 5m"),
            "affects    it is slow".to_owned(),
            RULE[0].to_owned(),
            RULE[1].to_owned()
        ]
    );
    let ended = episode("busy", Level::Warn, 90, Some(30));
    let lines = words(&brief(&state, &Chosen::Episode(&ended), 60));
    assert!(lines.len() > 3 && lines.iter().all(|line| !line.is_empty()), "{lines:?}");
}
