//! Help: every action with its keys as they are bound now, and what the marks mean.

use ratatui::layout::Rect;

use super::Overlay;
use crate::{
    state::State,
    text::{elide, width},
    ui::{
        action::{ACTIONS, Action, ActionDef, Context},
        canvas::{Canvas, DrawCx},
        effect::Effect,
        theme::Role,
        widgets::sheet::{Sheet, SheetLine, heading},
    },
};

/// What stands for what.
const MARKS: [(&str, &str); 8] = [
    ("━━━┼──┃─", "a gauge: ┃ is where the alarm is, ┼ the median of the last ten minutes; a thin line is cache"),
    ("shade", "behind a graph: the range of four fifths of its past, once a minute is known"),
    ("● ▲ ✖ ◌", "fine, warning, critical, unknown; amber and red mean a crossed limit and nothing else"),
    ("3m+", "it was so already when benchtop began: for three minutes at least"),
    ("–", "there is no figure; a measured nothing is 0"),
    ("◌ stale", "the source has not answered for that long; its last figures are dimmed"),
    ("CPU", "of a process: 100 % is one core, unless cpu_of_machine is set"),
    ("filter", "words match anywhere; cpu>50 user=root name~^ollama; and, or, not, ( )"),
];

/// The help.
#[derive(Default)]
pub struct Help {
    sheet: Sheet,
}

impl Overlay for Help {
    fn title(&self, _state: &State) -> String {
        format!("help · benchtop {}", env!("CARGO_PKG_VERSION"))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lines = if area.width >= 130 {
            beside(
                &keys(cx, &[Context::Anywhere, Context::List]),
                &keys(cx, &[Context::Tables, Context::Processes, Context::Things, Context::Logs]),
                usize::from(area.width / 2),
            )
        } else {
            keys(
                cx,
                &[
                    Context::Anywhere,
                    Context::List,
                    Context::Tables,
                    Context::Processes,
                    Context::Things,
                    Context::Logs,
                ],
            )
        };
        let mut lines = lines;
        lines.push(Vec::new());
        lines.push(heading("Marks"));
        for (mark, doc) in MARKS {
            if cx.theme.glyphs.ascii && !mark.is_ascii() {
                continue;
            }
            let gap = " ".repeat(18usize.saturating_sub(width(mark)));
            lines.push(vec![(mark.to_owned(), Role::Key), (gap, Role::Text), (doc.to_owned(), Role::Text)]);
        }
        self.sheet.draw(cx, area, canvas, &lines);
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        if action == Action::Help {
            return Some(vec![Effect::Close]);
        }
        self.sheet.act(action).then(Vec::new)
    }
}

fn keys(cx: &DrawCx<'_>, contexts: &[Context]) -> Vec<SheetLine> {
    let mut lines = Vec::new();
    for context in contexts {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(heading(match context {
            Context::Anywhere => "Everywhere",
            Context::List => "In lists",
            Context::Tables => "In processes and containers",
            Context::Processes => "In the processes",
            Context::Things => "In containers and pools",
            Context::Logs => "In a log",
        }));
        // Nine digits for nine panes are one thing to know.
        let focus = |def: &&ActionDef| !matches!(def.action, Action::Focus(2..));
        for def in ACTIONS.iter().filter(|d| d.context == *context).filter(focus) {
            let bound = cx.keys.keys_of(def.action).join(" ");
            let (bound, doc) = match def.action {
                Action::Focus(_) => ("1 … 9".to_owned(), "focus a pane by its digit"),
                _ if bound.is_empty() && def.changes => ("read-only".to_owned(), def.doc),
                _ if bound.is_empty() => ("no key".to_owned(), def.doc),
                _ => (bound, def.doc),
            };
            let gap = " ".repeat(18usize.saturating_sub(width(&bound)).max(1));
            let name = format!("  {}", def.name);
            lines.push(vec![(bound, Role::Key), (gap, Role::Text), (doc.to_owned(), Role::Text), (name, Role::Faint)]);
        }
    }
    lines
}

/// Two columns.
fn beside(left: &[SheetLine], right: &[SheetLine], columns: usize) -> Vec<SheetLine> {
    let empty = Vec::new();
    (0..left.len().max(right.len()))
        .map(|i| {
            let mut line = left.get(i).unwrap_or(&empty).clone();
            let mut room = columns.saturating_sub(1);
            for (words, _) in &mut line {
                *words = elide(words, room).into_owned();
                room -= width(words).min(room);
            }
            line.push((" ".repeat(room + 1), Role::Text));
            line.extend(right.get(i).unwrap_or(&empty).iter().cloned());
            line
        })
        .collect()
}
