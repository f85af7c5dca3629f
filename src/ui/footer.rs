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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        state::State,
        ui::canvas::testing::{Drawn, Look},
    };

    fn of_overlay(width: u16, hints: &[(Action, &'static str)]) -> Drawn {
        Look::keyed().draw(&State::default(), (width, 1), |cx, area, canvas| overlay(cx, area, canvas, hints))
    }

    const HINTS: [(Action, &str); 3] = [(Action::Search, "search"), (Action::Filter, "filter"), (Action::Down, "next")];

    #[test]
    fn keys_that_do_not_fit_are_left_out_but_the_way_out_stays() {
        for (width, line) in [
            (41, " / search   f filter   ↓ next   esc back"),
            (40, " / search   f filter   esc back"),
            (32, " / search   f filter   esc back"),
            (31, " / search   esc back"),
            (21, " / search   esc back"),
            (20, " esc back"),
            (6, " esc …"),
            (1, ""),
        ] {
            assert_eq!(of_overlay(width, &HINTS).line(), line, "{width} columns");
        }
        assert_eq!(of_overlay(9, &[]).line(), " esc back");
        let drawn = of_overlay(41, &HINTS);
        assert_eq!((drawn.role_of("f filter"), drawn.role_of("filter")), (Some(Role::Key), Some(Role::KeyText)));
    }

    #[test]
    fn a_key_in_the_footer_answers_to_a_click() {
        let hits: Vec<_> =
            of_overlay(21, &HINTS).hits.into_iter().map(|(area, target)| (area.x, area.width, target)).collect();
        assert_eq!(hits, [(1, 8, Target::Act(Action::Search)), (12, 8, Target::Act(Action::Back))]);
    }

    #[test]
    fn keys_of_the_pane_come_before_those_of_the_overview() {
        let line = |pane: &[_], alive: fn(Action) -> bool, zoomed| {
            let drawn = Look::keyed()
                .draw(&State::default(), (100, 1), |cx, area, canvas| overview(cx, area, canvas, pane, alive, zoomed));
            drawn.line()
        };
        assert_eq!(
            line(&[], |_| true, false),
            " ? help   ↵ details   z zoom   a alerts   S sockets   p pause   q quit"
        );
        assert_eq!(
            line(&[(Action::Tree, "tree"), (Action::Open, "view")], |action| action != Action::Zoom, true),
            " ? help   esc back   t tree   ↵ view   a alerts   S sockets   p pause   q quit"
        );
    }

    #[test]
    fn what_is_said_keeps_a_column_free_on_each_side() {
        for (level, role) in [(Level::Ok, Role::Text), (Level::Warn, Role::Warn)] {
            let drawn = Look::keyed()
                .draw(&State::default(), (10, 1), |cx, area, canvas| say(cx, area, canvas, level, "refresh every"));
            assert_eq!((drawn.line(), drawn.role_of("refresh")), (" refresh…".to_owned(), Some(role)));
        }
    }
}
