//! What a user says of an alert: silenced for how long, and how much.

use std::time::Duration;

use crate::{
    alert::Level,
    model::alert::{AlertSays, Scope},
    request::Command,
    state::State,
    ui::{overlays::menu::Menu, view::Effect},
    units::span,
};

use super::{list::Id, words::moment};

const HOUR: Duration = Duration::from_secs(3600);

/// Opens the list of silences for what is selected.
#[must_use]
pub fn silence(id: Option<&Id>, state: &State) -> Vec<Effect> {
    let now = state.host.now;
    let mut menu = Menu::new("silence");
    for silence in state.alerts.silences(now).filter(|silence| silence.by.is_none()) {
        let what = words(&silence.scope);
        let until = format!("until {}", moment(silence.until_unix_ms, now.unix_ms));
        let scope = silence.scope.clone();
        menu.add(format!("end: {what}"), until, false, move |_| say(AlertSays::Unsilence(scope.clone())));
    }
    let one = match id {
        Some(Id::Alert(key) | Id::Episode(key, _)) => Some(key.clone()),
        _ => None,
    };
    let mut add = |scope: Scope, hours: &[u32], what: &str| {
        for hours in hours {
            let (scope, length) = (scope.clone(), HOUR * *hours);
            menu.add(format!("{what} for {}", span(length)), "", false, move |state: &State| {
                let mark = State::silence(scope.clone(), length, String::new(), state.host.now);
                say(mark.says)
            });
        }
    };
    if let Some(key) = one {
        let rule = format!("all of rule {}", key.rule);
        add(Scope::One(key.clone()), &[1, 4, 24, 168], "this alert");
        add(Scope::Rule(key.rule), &[1, 24, 168], &rule);
    }
    add(Scope::All, &[1, 8], "everything");
    vec![Effect::Open(Box::new(menu))]
}

/// Ends the silence of this scope, where it was made here.
#[must_use]
pub fn end(scope: &Scope, state: &State) -> Vec<Effect> {
    let of: Vec<_> = state.alerts.silences(state.host.now).filter(|silence| silence.scope == *scope).collect();
    let elsewhere = of.iter().find_map(|silence| silence.by.as_deref());
    match elsewhere {
        Some(by) if of.iter().all(|silence| silence.by.is_some()) => {
            vec![Effect::Say(Level::Advice, format!("{by} silenced this in Alertmanager: it can be ended there"))]
        }
        _ => say(AlertSays::Unsilence(scope.clone())),
    }
}

/// What a silence covers.
fn words(scope: &Scope) -> String {
    match scope {
        Scope::One(key) => {
            let of: Vec<&str> = key.identity.iter().map(|(_, value)| value.as_str()).collect();
            format!("{} {}", key.rule, of.join(" ")).trim_end().to_owned()
        }
        Scope::Rule(rule) => format!("all of rule {rule}"),
        Scope::All => "everything".to_owned(),
    }
}

fn say(says: AlertSays) -> Vec<Effect> {
    vec![Effect::Do(Command::Mark(says))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{alert::Silence, event::Event},
        ui::{
            action::Action,
            alerts::testing::{DAY, NOW, key, now, state},
            canvas::testing::drawn,
        },
    };

    fn silenced(state: &mut State, scope: Scope, by: Option<&str>) {
        let mut mark = State::silence(scope, Duration::from_secs(86_400), String::new(), now());
        if let AlertSays::Silence(Silence { by: from, .. }) = &mut mark.says {
            *from = by.map(str::to_owned);
        }
        state.apply(Event::Alert(mark));
    }

    fn says(effects: Vec<Effect>) -> Option<AlertSays> {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Do(Command::Mark(says)) => Some(says),
            _ => None,
        })
    }

    /// The lines of the menu, and what the one at this place says.
    fn menu(state: &State, id: Option<&Id>, at: usize) -> (Vec<String>, Option<AlertSays>) {
        let Some(Effect::Open(mut menu)) = silence(id, state).pop() else { panic!("a menu") };
        let lines = drawn(state, (60, 12), |cx, area, canvas| menu.draw(cx, area, canvas)).lines();
        (0..at).for_each(|_| drop(menu.act(Action::Down, state)));
        let lines = lines.into_iter().filter(|line| !line.is_empty()).collect();
        (lines, says(menu.act(Action::Open, state).unwrap()))
    }

    #[test]
    fn an_alert_its_rule_or_everything_is_silenced_for_a_time() {
        let state = state(&[]);
        let id = Id::Alert(key("busy"));
        let (lines, first) = menu(&state, Some(&id), 0);
        assert_eq!(
            lines,
            [
                "this alert for 1h 0m",
                "this alert for 4h 0m",
                "this alert for 1d 0h",
                "this alert for 7d 0h",
                "all of rule busy for 1h 0m",
                "all of rule busy for 1d 0h",
                "all of rule busy for 7d 0h",
                "everything for 1h 0m",
                "everything for 8h 0m",
            ]
        );
        let until = |hours: i64, scope: Scope| {
            let until_unix_ms = NOW + hours * 3_600_000;
            Some(AlertSays::Silence(Silence { scope, until_unix_ms, comment: String::new(), by: None }))
        };
        assert_eq!(first, until(1, Scope::One(key("busy"))));
        assert_eq!(menu(&state, Some(&id), 3).1, until(168, Scope::One(key("busy"))));
        assert_eq!(menu(&state, Some(&id), 5).1, until(24, Scope::Rule("busy".into())));
        assert_eq!(menu(&state, Some(&id), 8).1, until(8, Scope::All));
        assert_eq!(menu(&state, Some(&Id::Episode(key("busy"), 0)), 0).0.len(), 9);
        assert_eq!(menu(&state, None, 0).0, ["everything for 1h 0m", "everything for 8h 0m"]);
    }

    #[test]
    fn silences_made_here_can_be_ended() {
        let mut state = state(&[]);
        silenced(&mut state, Scope::All, None);
        silenced(&mut state, Scope::Rule("slow".into()), Some("karma"));
        let until = moment(NOW + DAY, NOW);
        let (lines, first) = menu(&state, None, 0);
        assert_eq!(lines[0], format!("end: everything        until {until}"));
        assert_eq!((lines.len(), first), (3, Some(AlertSays::Unsilence(Scope::All))));
        assert_eq!(says(end(&Scope::All, &state)), Some(AlertSays::Unsilence(Scope::All)));
        let elsewhere = end(&Scope::Rule("slow".into()), &state);
        let words = "karma silenced this in Alertmanager: it can be ended there";
        assert!(matches!(&elsewhere[..], [Effect::Say(Level::Advice, said)] if said == words));
        silenced(&mut state, Scope::Rule("slow".into()), None);
        assert!(says(end(&Scope::Rule("slow".into()), &state)).is_some(), "that of here ends");
    }

    #[test]
    fn a_scope_is_named_by_what_it_covers() {
        let mut of = key("busy");
        assert_eq!(words(&Scope::One(of.clone())), "busy");
        of.identity = [("host".to_owned(), "atlas".to_owned()), ("disk".to_owned(), "sda".to_owned())].into();
        assert_eq!(words(&Scope::One(of)), "busy atlas sda");
        assert_eq!(
            (words(&Scope::Rule("busy".into())), words(&Scope::All)),
            ("all of rule busy".into(), "everything".to_owned())
        );
    }
}
