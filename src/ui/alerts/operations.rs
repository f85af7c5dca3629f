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
