//! The last line: keys that mean something here, or what was just said.

use ratatui::layout::Rect;

use super::{
    action::Action,
    canvas::{Canvas, DrawCx, Target},
    theme::Role,
    widgets::text::put,
};
use crate::{alert::Level, text::width};

/// Keys of the overview.
static OVERVIEW: &[(Action, &str)] = &[
    (Action::Help, "help"),
    (Action::Open, "details"),
    (Action::Zoom, "zoom"),
    (Action::Alerts, "alerts"),
    (Action::Sockets, "sockets"),
    (Action::Pause, "pause"),
    (Action::Quit, "quit"),
];

/// What was just said.
pub fn say(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, level: Level, text: &str) {
    put(canvas.buf, area.x + 1, area.y, area.width.saturating_sub(2), text, cx.theme.level(level));
}

/// The keys of an overlay and how to leave it.
pub fn overlay(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, hints: &[(Action, &'static str)]) {
    keys(cx, area, canvas, hints.iter().copied().chain([(Action::Back, "back")]));
}

/// The keys of the overview that are `alive`: those of the focused pane in front.
pub fn overview(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    pane: &[(Action, &'static str)],
    alive: impl Fn(Action) -> bool,
    zoomed: bool,
) {
    let back = zoomed.then_some((Action::Back, "back"));
    let general = OVERVIEW.iter().copied().filter(|(a, _)| pane.iter().all(|(p, _)| p != a) && alive(*a));
    let (first, rest): (Vec<_>, Vec<_>) = general.partition(|(a, _)| *a == Action::Help);
    keys(cx, area, canvas, first.into_iter().chain(back).chain(pane.iter().copied()).chain(rest));
}

/// As many keys as fit; the last of them, the way out, keeps its place.
fn keys(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, hints: impl Iterator<Item = (Action, &'static str)>) {
    const APART: u16 = 3;
    let mut hints: Vec<(Action, &str, &str, u16)> = hints
        .filter_map(|(action, words)| {
            let key = cx.keys.key_of(action)?;
            Some((action, key, words, (width(key) + 1 + width(words)) as u16))
        })
        .collect();
    let Some(last) = hints.pop() else { return };
    let mut room = area.width.saturating_sub(1 + last.3);
    hints.retain(|hint| {
        // What follows one that did not fit is left out too: the order is that of worth.
        room = room.saturating_sub(hint.3 + APART);
        room > 0
    });
    let mut x = area.x + 1;
    for (action, key, words, columns) in hints.into_iter().chain([last]) {
        let used = put(canvas.buf, x, area.y, area.right().saturating_sub(x), key, cx.theme.style(Role::Key));
        let after = x + used + 1;
        put(canvas.buf, after, area.y, area.right().saturating_sub(after), words, cx.theme.style(Role::KeyText));
        canvas.hit(Rect { x, y: area.y, width: columns, height: 1 }, Target::Act(action));
        x += columns + APART;
    }
}
