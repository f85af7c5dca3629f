//! Help: the ten keys that one needs first, then every other key as it is bound now, then what the signs mean. In two
//! columns where there is room, else one below the other.

use std::cell::Cell;

use ratatui::layout::Rect;

use crate::{
    state::State,
    text::{elide, width},
    ui::{
        action::{ACTIONS, Action, ActionDef, Context},
        canvas::{Canvas, DrawCx},
        theme::Role,
        view::{Effect, Overlay},
        widgets::sheet::{Sheet, SheetLine, heading, wrap},
    },
};

/// From this width on there are two columns.
const TWO: u16 = 130;
/// Columns before the words.
const KEYS: usize = 19;

/// The ten keys, each with its actions.
const FIRST: [(&[Action], &str); 10] = [
    (&[Action::Up, Action::Down], "choose a row; a click does too"),
    (&[Action::Open], "details of the row, pane, alert or link"),
    (&[Action::Back], "back: closes what is open, then zoom, then filter"),
    (&[Action::FocusNext, Action::Focus(1)], "the next pane, in a view the next link; the pane with this number"),
    (&[Action::Search], "search as you type"),
    (&[Action::Filter], "show only rows that match: words, or cpu>50 user=root"),
    (&[Action::SortMenu], "sort by another column"),
    (&[Action::Acts, Action::Signal], "operations: signal, stop, limits, scrub … (asks first)"),
    (&[Action::Logs], "log of the selected container"),
    (&[Action::Alerts], "alerts: what is wrong now"),
];

/// Two actions on one line.
const PAIRS: [(Action, Action, &str); 17] = [
    (Action::Left, Action::Right, "scroll sideways; in a tree fold, unfold"),
    (Action::PageUp, Action::PageDown, "page up, page down"),
    (Action::Top, Action::Bottom, "first row, last row"),
    (Action::NextMatch, Action::PreviousMatch, "next match, previous match"),
    (Action::SortPrevious, Action::SortNext, "sort by the previous, the next column"),
    (Action::SortCpu, Action::SortMemory, "sort by CPU, by memory"),
    (Action::SortTime, Action::SortPid, "sort by CPU time, by process id"),
    (Action::Tag, Action::Untag, "tag: operations apply to all tagged; untag all"),
    (Action::Fold, Action::FoldAll, "fold or unfold a branch, all branches"),
    (Action::NiceDown, Action::NiceUp, "nice −1 (more CPU), nice +1 (less CPU)"),
    (Action::Faster, Action::Slower, "refresh more often, less often"),
    (Action::Sockets, Action::Stores, "sockets with their processes; images, volumes, networks"),
    (Action::Redraw, Action::Suspend, "redraw the screen; suspend, fg resumes"),
    (Action::BenchRun, Action::BenchSuite, "run the selected one three times; its group, or all"),
    (Action::BenchStop, Action::BenchUndo, "stop what runs; undo what changed before the first bad run"),
    (Action::BenchPin, Action::BenchForget, "pin a run to compare with; forget a run"),
    (Action::BenchSave, Action::Scorecard, "save the results to a file; scorecard of all targets"),
];

/// The signs and their meaning.
const SIGNS: [(&str, &str); 7] = [
    ("━━┼━━┃──", "a gauge: ┃ alert limit, ┼ ten-minute median; thin: cache"),
    ("shaded", "behind a graph: the 10th to 90th percentile of its history"),
    ("–", "no value; a measured zero is 0"),
    ("◌ stale 12s", "no answer for that long; the last values are dimmed"),
    ("3m+", "since before benchtop started, at least three minutes ago"),
    ("CPU 100", "of a process or container: 100 is one core"),
    ("filter", "cpu>50 user=root name~^ollama memory>1G; and, or, not, ( )"),
];

/// The help.
#[derive(Default)]
pub struct Help {
    sheet: Sheet,
    /// Not all of it fitted into the last frame.
    more: Cell<bool>,
}

impl Overlay for Help {
    fn title(&self, _state: &State) -> String {
        format!("help · benchtop {}", env!("CARGO_PKG_VERSION"))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let columns = if area.width >= TWO { usize::from(area.width / 2) } else { usize::from(area.width) };
        let blocks: Vec<Vec<SheetLine>> = std::iter::once(first(cx))
            .chain(Context::ALL.into_iter().map(|context| keys(cx, context)))
            // All keys of a context may be among the first ten.
            .filter(|block| block.len() > 1)
            .chain([signs(cx, columns)])
            .collect();
        let lines = if area.width >= TWO { beside(&blocks, columns) } else { below(&blocks) };
        self.more.set(lines.len() > usize::from(area.height));
        self.sheet.draw(cx, area, canvas, &lines);
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.sheet.act(action).then(Vec::new)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let page = self.more.get().then_some((Action::PageDown, "next page"));
        page.into_iter().chain([(Action::Help, "close")]).collect()
    }
}

fn first(cx: &DrawCx<'_>) -> Vec<SheetLine> {
    let mut title = heading("The ten keys you need");
    let key = |action| cx.keys.key_of(action).unwrap_or("no key").to_owned();
    title.push((format!("  {} closes this, {} quits", key(Action::Back), key(Action::Quit)), Role::Dim));
    let line = |(actions, words): &(&[Action], &str)| {
        let mut bound: Vec<String> = Vec::new();
        for action in *actions {
            let label = match action {
                Action::Focus(_) => "1 … 9".to_owned(),
                action => key(*action),
            };
            // One key may trigger two actions: on a process, and on a container.
            if !bound.contains(&label) && label != "no key" {
                bound.push(label);
            }
        }
        line(cx, &bound.join(" "), words, actions.iter().any(|a| changes(*a)))
    };
    std::iter::once(title).chain(FIRST.iter().map(line)).collect()
}

/// The keys of a context that the first block has not named yet.
fn keys(cx: &DrawCx<'_>, context: Context) -> Vec<SheetLine> {
    let named = |def: &&ActionDef| {
        let second = PAIRS.iter().any(|(_, second, _)| *second == def.action);
        let first = FIRST.iter().any(|(actions, _)| actions.contains(&def.action));
        // What goes through matches belongs to lists, as far as one looks for it here.
        let shown = if def.context == Context::Matches { Context::List } else { def.context };
        shown == context && !second && !first && !matches!(def.action, Action::Focus(_))
    };
    let words = |def: &ActionDef| match PAIRS.iter().find(|(first, ..)| *first == def.action) {
        Some((first, second, doc)) => {
            let (first, second) = (cx.keys.keys_of(*first), cx.keys.keys_of(*second));
            let pairs = first.iter().zip(second).map(|(a, b)| format!("{a} {b}"));
            line(cx, &fitting(pairs, ", "), doc, def.changes)
        }
        None => line(cx, &fitting(cx.keys.keys_of(def.action).iter().cloned(), " "), def.doc, def.changes),
    };
    std::iter::once(heading(context.title())).chain(ACTIONS.iter().filter(named).map(words)).collect()
}

/// As many as the column has room for, the first in any case.
fn fitting(keys: impl Iterator<Item = String>, between: &str) -> String {
    let mut out = String::new();
    for key in keys {
        if out.is_empty() {
            out = key;
        } else if width(&out) + width(between) + width(&key) < KEYS {
            out.push_str(between);
            out.push_str(&key);
        }
    }
    out
}

fn changes(action: Action) -> bool {
    ACTIONS.iter().any(|def| def.action == action && def.changes)
}

fn line(cx: &DrawCx<'_>, bound: &str, words: &str, changes: bool) -> SheetLine {
    let bound = match bound {
        "" if changes && cx.settings.read_only => "read-only",
        "" => "no key",
        bound => bound,
    };
    let gap = " ".repeat(KEYS.saturating_sub(width(bound)).max(1));
    vec![(bound.to_owned(), Role::Key), (gap, Role::Text), (words.to_owned(), Role::Text)]
}

fn signs(cx: &DrawCx<'_>, columns: usize) -> Vec<SheetLine> {
    let mut lines = vec![heading("Signs")];
    let g = &cx.theme.glyphs;
    let levels = format!("{} {} {} {}", g.ok, g.warn, g.crit, g.unknown);
    let states = format!("{} {} {} {}", g.restarting, g.paused, g.exited, g.created);
    let own = [
        (&*levels, "fine, warning, critical, unknown; amber and red mean a crossed limit and nothing else"),
        (&*states, "a container that is restarting, paused, exited, created"),
    ];
    for (sign, doc) in own.into_iter().chain(SIGNS) {
        // The ASCII form has other signs.
        if cx.theme.glyphs.ascii && !sign.is_ascii() {
            continue;
        }
        for (at, words) in wrap(doc, columns.saturating_sub(KEYS + 1)).into_iter().enumerate() {
            let sign = if at == 0 { sign } else { "" };
            let gap = " ".repeat(KEYS.saturating_sub(width(sign)));
            lines.push(vec![(sign.to_owned(), Role::Key), (gap, Role::Text), (words, Role::Text)]);
        }
    }
    lines
}

/// One block below the other.
fn below(blocks: &[Vec<SheetLine>]) -> Vec<SheetLine> {
    blocks.join(&Vec::new())
}

/// Two columns, as even as whole blocks allow.
fn beside(blocks: &[Vec<SheetLine>], columns: usize) -> Vec<SheetLine> {
    let split = |at: usize| (below(&blocks[..at]), below(&blocks[at..]));
    let best = (1..blocks.len()).min_by_key(|at| {
        let (left, right) = split(*at);
        left.len().max(right.len())
    });
    let (left, right) = split(best.unwrap_or(blocks.len()));
    let empty = Vec::new();
    (0..left.len().max(right.len()))
        .map(|i| {
            let mut line = left.get(i).unwrap_or(&empty).clone();
            let mut room = columns.saturating_sub(2);
            for (words, _) in &mut line {
                *words = elide(words, room).into_owned();
                room -= width(words).min(room);
            }
            line.push((" ".repeat(room + 2), Role::Text));
            line.extend(right.get(i).unwrap_or(&empty).iter().cloned());
            line
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_far_as_their_column_goes() {
        let of = |keys: &[usize], between: &str| {
            let keys = keys.iter().map(|columns| "x".repeat(*columns));
            fitting(keys, between).split(between).map(str::len).collect::<Vec<_>>()
        };
        assert_eq!(of(&[9, 8], " "), [9, 8]);
        assert_eq!(of(&[9, 9], " "), [9], "a blank is left before the words");
        assert_eq!(of(&[9, 9, 3], ", "), [9, 3], "a shorter one may find room");
        assert_eq!(of(&[30, 1], " "), [30], "the first in any case");
        assert_eq!(fitting(std::iter::empty(), " "), "");
    }

    #[test]
    fn two_columns_are_as_even_as_whole_blocks_allow() {
        let block = |name: &str, lines: usize| {
            (0..lines).map(|at| vec![(format!("{name}{at}"), Role::Text)]).collect::<Vec<SheetLine>>()
        };
        let words = |lines: Vec<SheetLine>| {
            let line =
                |line: &SheetLine| line.iter().map(|(text, _)| text.as_str()).collect::<String>().trim_end().to_owned();
            lines.iter().map(line).collect::<Vec<_>>()
        };
        let blocks = [block("a", 1), block("b", 1), block("c", 3)];
        assert_eq!(words(below(&blocks)), ["a0", "", "b0", "", "c0", "c1", "c2"]);
        assert_eq!(words(beside(&blocks, 6)), ["a0    c0", "      c1", "b0    c2"]);
        assert_eq!(words(beside(&[block("long", 1), block("b", 1)], 6)), ["lon…  b0"]);
    }
}
