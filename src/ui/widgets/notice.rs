//! What is shown in place of missing values: waiting, absent, denied, no answer. And how stale values look.

use std::time::Duration;

use ratatui::layout::Rect;

use super::text::{put, tint};
use crate::{
    model::{fault::Fault, health::Freshness, source::SourceId},
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
    },
    units::span_short,
};

/// How much to believe of `source` at the moment that the state shows.
#[must_use]
pub fn freshness(state: &State, source: SourceId) -> Freshness {
    state.host.health.freshness(source, state.host.now)
}

/// True when `source` has brought figures, old ones too.
#[must_use]
pub fn has_figures(state: &State, source: SourceId) -> bool {
    state.host.health.get(source).is_some_and(|h| h.good_at.is_some())
}

/// The age of old figures; `None` when they are live or were never there.
#[must_use]
pub fn stale(state: &State, source: SourceId) -> Option<Duration> {
    match freshness(state, source) {
        Freshness::Stale(age) if has_figures(state, source) => Some(age),
        _ => None,
    }
}

/// No answer of it has come yet.
#[must_use]
pub fn is_waiting(state: &State, source: SourceId) -> bool {
    freshness(state, source) == Freshness::Waiting
}

/// The words for a source without data, and a hint; `None` when it has data.
#[must_use]
pub fn words(state: &State, source: SourceId) -> Option<(String, Option<String>)> {
    let Some(health) = state.host.health.get(source) else { return Some(("waiting…".to_owned(), None)) };
    if health.good_at.is_some() {
        return None;
    }
    let silent = health.fault_since.map_or(Duration::ZERO, |since| state.host.now.since(since));
    Some(match &health.fault {
        None => ("waiting…".to_owned(), None),
        Some(Fault::Absent(where_looked)) => (format!("no {}: {where_looked}", source.name()), None),
        Some(Fault::Denied { what, hint }) => (format!("{what}: permission denied"), Some(hint.clone())),
        Some(Fault::Timeout) => (format!("no answer for {}", span_short(silent)), None),
        Some(Fault::Broken(what)) => (format!("{}: {what}", source.name()), None),
    })
}

/// Draws the words when `source` has no figures: true then, and nothing else is to be drawn.
pub fn notice(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, source: SourceId) -> bool {
    let Some((text, hint)) = words(cx.state, source) else { return false };
    if area.is_empty() {
        return true;
    }
    put(canvas.buf, area.x, area.y, area.width, &text, cx.theme.style(Role::Dim));
    if let Some(hint) = hint
        && area.height > 1
    {
        put(canvas.buf, area.x, area.y + 1, area.width, &hint, cx.theme.style(Role::Text));
    }
    true
}

/// Dims `area` when the figures of `source` are old.
pub fn dim_when_stale(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, source: SourceId) {
    if stale(cx.state, source).is_some() {
        tint(canvas.buf, area, cx.theme.style(Role::Faint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            event::{Envelope, Sample},
            load::LoadSample,
        },
        ui::canvas::testing::{Drawn, drawn},
    };

    const LOAD: SourceId = SourceId::Load;

    /// At second 100, with these answers of the source before.
    fn after(answers: &[(u64, Result<(), Fault>)]) -> State {
        let mut state = State::default();
        state.host.now = Stamp::at_seconds(100);
        for (second, outcome) in answers {
            let outcome = outcome.clone().map(|()| Sample::Load(LoadSample::default()));
            let (at, took, every) = (Stamp::at_seconds(*second), Duration::ZERO, Duration::from_secs(1));
            state.host.health.note(&Envelope { source: LOAD, at, took, every, outcome });
        }
        state
    }

    fn denied() -> Fault {
        Fault::Denied { what: "/proc/loadavg".into(), hint: "add yourself to a group".into() }
    }

    #[test]
    fn each_fault_has_its_words() {
        let words = |answers: &[_]| words(&after(answers), LOAD).map(|(words, _)| words);
        let some = |words: &str| Some(words.to_owned());
        assert_eq!(words(&[]), some("waiting…"));
        assert_eq!(words(&[(40, Err(Fault::Absent("/proc/loadavg".into())))]), some("no load: /proc/loadavg"));
        assert_eq!(words(&[(40, Err(denied()))]), some("/proc/loadavg: permission denied"));
        assert_eq!(words(&[(40, Err(Fault::Timeout)), (90, Err(Fault::Timeout))]), some("no answer for 1m"));
        assert_eq!(words(&[(40, Err(Fault::Broken("line 1: x".into())))]), some("load: line 1: x"));
        assert_eq!(words(&[(40, Ok(())), (90, Err(Fault::Timeout))]), None, "it has old figures");
    }

    #[test]
    fn old_figures_have_an_age() {
        let stale = |answers: &[_]| stale(&after(answers), LOAD).map(|age| age.as_secs());
        assert_eq!((stale(&[(97, Ok(()))]), stale(&[(96, Ok(()))])), (None, Some(4)));
        assert_eq!(stale(&[(99, Ok(())), (100, Err(Fault::Timeout))]), Some(1), "at once when it failed");
        assert_eq!(stale(&[(40, Err(Fault::Timeout))]), None, "it never had any");
        let is = |answers: &[_]| (is_waiting(&after(answers), LOAD), has_figures(&after(answers), LOAD));
        assert_eq!(is(&[]), (true, false));
        assert_eq!(is(&[(40, Err(Fault::Timeout))]), (false, false));
        assert_eq!(is(&[(99, Ok(()))]), (false, true));
    }

    fn noticed(answers: &[(u64, Result<(), Fault>)], size: (u16, u16)) -> (bool, Drawn) {
        let mut is_noticed = false;
        let drawn = drawn(&after(answers), size, |cx, area, canvas| is_noticed = notice(cx, area, canvas, LOAD));
        (is_noticed, drawn)
    }

    #[test]
    fn a_notice_stands_in_place_of_figures() {
        let (is, both) = noticed(&[(40, Err(denied()))], (40, 2));
        assert_eq!(
            (is, both.lines()),
            (true, vec!["/proc/loadavg: permission denied".into(), "add yourself to a group".to_owned()])
        );
        assert_eq!((both.role_at(0, 0), both.role_at(0, 1)), (Some(Role::Dim), Some(Role::Text)));
        assert_eq!(noticed(&[(40, Err(denied()))], (40, 1)).1.lines(), ["/proc/loadavg: permission denied"]);
        assert!(noticed(&[(40, Err(denied()))], (40, 0)).0);
        let (is, none) = noticed(&[(99, Ok(()))], (40, 2));
        assert_eq!((is, none.line()), (false, String::new()));
    }

    #[test]
    fn old_figures_are_dimmed() {
        let role = |second| {
            let drawn = drawn(&after(&[(second, Ok(()))]), (4, 1), |cx, area, canvas| {
                put(canvas.buf, 0, 0, 4, "1.25", cx.theme.style(Role::Text));
                dim_when_stale(cx, area, canvas, LOAD);
            });
            drawn.role_at(3, 0)
        };
        assert_eq!((role(99), role(50)), (Some(Role::Text), Some(Role::Faint)));
    }
}
