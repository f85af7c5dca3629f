//! Keys, clicks and layouts of the view of alerts.

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::{
    alert::{Muted, Watch},
    config::Settings,
    model::event::Event,
    ui::{
        alerts::testing::{MINUTE, NOW, episode, fires, follows, key, now, pends, state},
        canvas::testing::{Drawn, drawn},
    },
};

fn several() -> State {
    let mut state = state(&[fires("busy", Level::Crit), follows("slow", "busy"), pends("late", Level::Warn)]);
    state.alarms.episodes = vec![episode("busy", Level::Warn, 90, Some(30))];
    state
}

fn opened(state: &State) -> Alerts {
    let mut alerts = Alerts::default();
    alerts.begin(state, &Settings::default(), Rect::new(0, 0, 160, 40));
    alerts.refresh(state);
    alerts
}

/// What a key does, in words; the list is made again after it.
fn act(alerts: &mut Alerts, state: &State, action: Action) -> Option<Vec<String>> {
    let done = alerts.act(action, state).map(|effects| effects.iter().map(|effect| words(effect, state)).collect());
    alerts.refresh(state);
    done
}

fn words(effect: &Effect, state: &State) -> String {
    match effect {
        Effect::Open(overlay) => format!("opens {}", overlay.title(state)),
        Effect::OpenDetail(subject) => format!("shows {subject:?}"),
        Effect::Say(_, words) => words.clone(),
        Effect::Advise(metric, _) => format!("advice on {}", metric.def().id),
        Effect::Do(Command::Mark(says)) => format!("{says:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
        _ => "something else".to_owned(),
    }
}

fn selected(alerts: &Alerts) -> Option<String> {
    alerts.selected().map(|id| match id {
        Id::Alert(key) => key.rule.clone(),
        Id::Episode(key, _) => format!("{}, over", key.rule),
        Id::Silence(_) => "a silence".to_owned(),
    })
}

fn shown(alerts: &Alerts, state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| alerts.draw(cx, area, canvas))
}

#[test]
fn the_list_has_what_is_selected_beside_it_or_below() {
    let (state, alerts) = (several(), opened(&several()));
    let wide = shown(&alerts, &state, (120, 40)).lines();
    let split = |line: &String| line.chars().position(|c| c == '╮' || c == '╯').map(|at| at + 1);
    assert_eq!((split(&wide[0]), split(&wide[39])), (Some(74), Some(74)));
    let right = |y: usize| wide[y].chars().skip(75).collect::<String>();
    assert!(right(0).starts_with("╭─ critical ─") && right(0).contains(" rule busy "), "{}", wide[0]);
    assert!(right(26).starts_with("╭─ this rule in the last 30 days ─"), "{}", wide.join("\n"));
    assert!(wide[0].contains(" 1 firing · 1 pending · 1 grouped · 3 rules "), "{}", wide[0]);
    assert!(right(27).contains("fired 1×: 30m at"), "{}", right(27));
    let narrow = shown(&alerts, &state, (119, 16)).lines();
    assert!(narrow[0].ends_with('╮') && narrow[10].starts_with("╭─ critical ─"), "{}", narrow.join("\n"));
    let low = shown(&alerts, &state, (119, 15)).lines();
    assert!(low[14].starts_with('╰') && !low.concat().contains("critical since"), "{}", low.join("\n"));
    assert!(shown(&alerts, &state, (120, 12)).lines()[10].contains("╭─ this rule"), "ten rows at least");
    assert_eq!(alerts.title(&state), "alerts · 1 firing · 1 pending · 1 grouped · 3 rules");
    assert!(alerts.full_screen() && !alerts.framed() && alerts.context() == Context::Alerts);
    let quiet = self::state(&[]);
    assert_eq!(opened(&quiet).title(&quiet), "alerts · 3 rules");
}

#[test]
fn boxes_keep_within_the_room() {
    let (state, alerts) = (several(), opened(&several()));
    let drawn = drawn(&state, (130, 40), |cx, area, canvas| alerts.draw(cx, Rect { width: 120, ..area }, canvas));
    assert!(drawn.lines().iter().all(|line| line.chars().count() == 120), "{}", drawn.lines().join("\n"));
}

#[test]
fn rows_answer_to_clicks_and_the_selected_one_is_marked() {
    let (state, mut alerts) = (several(), opened(&several()));
    let drawn = shown(&alerts, &state, (119, 15));
    let hits: Vec<(u16, usize)> = drawn
        .hits
        .iter()
        .filter_map(|(area, target)| match target {
            Target::OverlayRow(at) => Some((area.y, *at)),
            _ => None,
        })
        .collect();
    assert_eq!(hits, [(2, 0), (3, 1), (6, 2), (9, 3)]);
    assert_eq!([2, 3].map(|y| drawn.role_at(2, y)), [Some(Role::Selected), Some(Role::Dim)]);
    let mut click = |at| {
        let done: Vec<String> =
            alerts.click(&Target::OverlayRow(at), &state).iter().map(|effect| words(effect, &state)).collect();
        alerts.refresh(&state);
        (selected(&alerts).unwrap(), done.concat())
    };
    assert_eq!(click(2), ("late".into(), String::new()));
    assert_eq!(click(1), ("slow".into(), String::new()), "it is another one");
    assert_eq!(click(1).1, "shows Cpu");
    assert!(alerts.click(&Target::OverlayColumn("x"), &state).is_empty());
    assert!(opened(&state).click(&Target::OverlayRow(0), &state).is_empty(), "it was not chosen yet");
}

#[test]
fn a_long_list_moves_with_the_cursor() {
    let mut state = several();
    state.alarms.episodes = (0..12).map(|at| episode("busy", Level::Warn, 90 - at, Some(30))).collect();
    let mut alerts = opened(&state);
    let rows = |alerts: &Alerts| {
        let drawn = shown(alerts, &state, (100, 10));
        let at = (1..9).find(|y| drawn.role_at(2, *y) == Some(Role::Selected));
        (drawn.lines()[1].trim_matches(['│', ' ']).to_owned(), at)
    };
    assert_eq!(rows(&alerts), ("Firing".to_owned(), Some(2)));
    act(&mut alerts, &state, Action::Down);
    act(&mut alerts, &state, Action::Down);
    assert_eq!(rows(&alerts), ("Firing".to_owned(), Some(6)));
    act(&mut alerts, &state, Action::Bottom);
    let (_, last) = rows(&alerts);
    assert_eq!(last, Some(7), "with the blank row after it");
    act(&mut alerts, &state, Action::Up);
    assert_eq!(rows(&alerts).1, Some(8));
    act(&mut alerts, &state, Action::Top);
    assert_eq!(rows(&alerts), ("Firing".to_owned(), Some(2)));
}

#[test]
fn the_cursor_stays_on_its_alert_while_others_come() {
    let mut state = several();
    let mut alerts = opened(&state);
    act(&mut alerts, &state, Action::Down);
    act(&mut alerts, &state, Action::Down);
    assert_eq!(selected(&alerts).as_deref(), Some("late"));
    assert_eq!(act(&mut alerts, &state, Action::Children), Some(vec![]));
    assert_eq!(
        (selected(&alerts).as_deref(), alerts.ids.len()),
        (Some("late"), 3),
        "what follows from others is hidden"
    );
    act(&mut alerts, &state, Action::Children);
    assert_eq!(alerts.ids.len(), 4);
    state.watches.insert(0, Watch { rule: "new".into(), ..fires("busy", Level::Crit) });
    alerts.refresh(&state);
    assert_eq!(selected(&alerts).as_deref(), Some("late"));
    act(&mut alerts, &state, Action::Top);
    assert_eq!((selected(&alerts).as_deref(), alerts.held.is_none()), (Some("new"), true));
    assert_eq!(act(&mut alerts, &state, Action::Tree), None);
}

#[test]
fn an_alert_opens_what_it_is_about() {
    let mut state = several();
    let mut alerts = opened(&state);
    assert_eq!(act(&mut alerts, &state, Action::Open), Some(vec!["shows Cpu".into()]));
    act(&mut alerts, &state, Action::Bottom);
    assert_eq!(selected(&alerts).as_deref(), Some("busy, over"));
    assert_eq!(act(&mut alerts, &state, Action::Open), Some(vec!["shows Cpu".into()]));
    state.rules = Vec::new().into();
    assert_eq!(act(&mut alerts, &state, Action::Open), Some(vec!["there is no view of what this is about".into()]));
    let none = self::state(&[]);
    let mut empty = opened(&none);
    for (action, said) in [
        (Action::Open, vec![]),
        (Action::Acknowledge, vec!["no alert is selected".to_owned()]),
        (Action::Silence, vec!["opens silence".to_owned()]),
        (Action::Advice, vec!["no alert is selected".to_owned()]),
    ] {
        assert_eq!(act(&mut empty, &none, action), Some(said), "{action:?}");
    }
}

#[test]
fn an_alert_is_acknowledged_with_a_comment() {
    let mut state = several();
    let mut alerts = opened(&state);
    let press = |alerts: &mut Alerts, code| alerts.key(Key::new(code, KeyModifiers::NONE), &State::default());
    assert!(press(&mut alerts, KeyCode::Enter).is_none() && !alerts.takes_text());
    assert_eq!(act(&mut alerts, &state, Action::Acknowledge), Some(vec![]));
    assert!(alerts.takes_text());
    alerts.paste(" disk ordered ", &state);
    for code in [KeyCode::F(5), KeyCode::Left, KeyCode::Char('!')] {
        assert!(press(&mut alerts, code).is_some_and(|effects| effects.is_empty()), "{code:?}");
    }
    let footer = drawn(&state, (90, 1), |cx, area, canvas| assert!(alerts.footer(cx, area, canvas))).line();
    assert!(footer.contains("disk ordered") && footer.ends_with("Enter acknowledges, Esc does not"), "{footer}");
    let done = press(&mut alerts, KeyCode::Enter).unwrap();
    let [Effect::Do(Command::Mark(says))] = &done[..] else { panic!("it is acknowledged") };
    assert_eq!(says, &AlertSays::Acknowledge { key: key("busy"), comment: "disk ordered!".to_owned() });
    assert!(!alerts.takes_text() && !drawn_footer(&alerts, &state));
    act(&mut alerts, &state, Action::Acknowledge);
    assert!(press(&mut alerts, KeyCode::Esc).is_some_and(|effects| effects.is_empty()) && !alerts.takes_text());
    state.watches[0].acknowledged = true;
    alerts.refresh(&state);
    alerts.held = None;
    act(&mut alerts, &state, Action::Top);
    while selected(&alerts).as_deref() != Some("busy") {
        act(&mut alerts, &state, Action::Down);
    }
    assert_eq!(act(&mut alerts, &state, Action::Acknowledge), Some(vec!["Unacknowledge".into()]));
    act(&mut alerts, &state, Action::Bottom);
    assert_eq!(
        act(&mut alerts, &state, Action::Acknowledge),
        Some(vec!["only an alert that fires can be acknowledged".into()])
    );
}

fn drawn_footer(alerts: &Alerts, state: &State) -> bool {
    let mut is_drawn = false;
    drawn(state, (40, 1), |cx, area, canvas| is_drawn = alerts.footer(cx, area, canvas));
    is_drawn
}

#[test]
fn the_key_that_silences_ends_a_silence_too() {
    let mut state = state(&[fires("busy", Level::Crit)]);
    let mut alerts = opened(&state);
    assert_eq!(act(&mut alerts, &state, Action::Silence), Some(vec!["opens silence".into()]));
    let silence = |scope| State::silence(scope, std::time::Duration::from_secs(3600), String::new(), now());
    state.apply(Event::Alert(silence(Scope::All)));
    state.watches =
        vec![Watch { muted: Some(Muted::Silenced { until_unix_ms: NOW + 60 * MINUTE }), ..fires("busy", Level::Crit) }];
    alerts.refresh(&state);
    assert_eq!(
        act(&mut alerts, &state, Action::Silence),
        Some(vec!["opens silence".into()]),
        "everything is silenced, not this one"
    );
    state.apply(Event::Alert(silence(Scope::One(key("busy")))));
    state.watches =
        vec![Watch { muted: Some(Muted::Silenced { until_unix_ms: NOW + 60 * MINUTE }), ..fires("busy", Level::Crit) }];
    assert_eq!(act(&mut alerts, &state, Action::Silence), Some(vec!["Unsilence".into()]));
    state.watches.clear();
    let mut alerts = opened(&state);
    assert_eq!(
        (selected(&alerts).as_deref(), act(&mut alerts, &state, Action::Silence)),
        (Some("a silence"), Some(vec!["Unsilence".into()]))
    );
}

#[test]
fn advice_is_for_the_metric_of_the_rule() {
    let mut state = several();
    let mut alerts = opened(&state);
    assert_eq!(act(&mut alerts, &state, Action::Advice), Some(vec!["advice on load1".into()]));
    state.rules = Vec::new().into();
    assert_eq!(act(&mut alerts, &state, Action::Advice), Some(vec![]));
}

#[test]
fn what_is_new_is_seen_once_the_list_was_opened() {
    let mut state = several();
    let begin = |state: &State| Alerts::default().begin(state, &Settings::default(), Rect::new(0, 0, 80, 24));
    assert_eq!(begin(&state), [Command::Mark(AlertSays::Seen { until_unix_ms: NOW })]);
    state.alerts.seen_unix_ms = NOW;
    assert_eq!(begin(&state), []);
}

#[test]
fn quiet_words_give_way_to_the_sentence() {
    let row = |width, right: &str| {
        let row = Row {
            words: vec![("it is busy and has been so for long".to_owned(), Role::Text)],
            right: right.into(),
            id: None,
        };
        drawn(&State::default(), (width, 1), |cx, area, canvas| draw_row(cx, area, canvas, &row)).line()
    };
    assert_eq!(row(40, ""), "it is busy and has been so for long");
    assert_eq!(row(48, "for 30m"), "it is busy and has been so for long      for 30m");
    assert_eq!(row(30, "because of the pool"), "it is busy and ha…  because o…");
    assert_eq!(row(130, &"x".repeat(50)).chars().filter(|c| *c == 'x').count(), 33, "34 columns with the ellipsis");
}
