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
