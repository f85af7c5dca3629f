//! The rows in sight, drawn: a cell a column, the tree's lines before the command.

use ratatui::{layout::Rect, style::Style};

use super::{
    ProcessesPane, columns_of,
    list::{Line, process_of},
    tree::guide,
};
use crate::{
    model::{
        event::SourceId,
        process::{MINI_HISTORY, Process},
    },
    state::State,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx, Target},
        ids::PaneId,
        processes::columns::{COLUMNS, GRAPH_WIDTH, Row, at},
        table::{
            column::{Need, Placed},
            grid::cell,
        },
        theme::Role,
        view::Room,
        widgets::{
            notice::{dim_when_stale, notice},
            spark::block,
            text::{put, put_char, put_right},
        },
    },
    units::ABSENT,
};

/// Eighths of a core that fill a cell of the small graph.
const FULL: f64 = 8.0;

impl ProcessesPane {
    /// Heads and rows. `right`: quiet words at the end of the heads, for a screen without boxes.
    pub(super) fn table(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, right: &str) {
        if area.is_empty() || notice(cx, area, canvas, SourceId::Processes) {
            self.placed.take();
            return;
        }
        // Words at the end of the heads: there is no box.
        let room = Room { width: area.width, height: area.height, boxed: right.is_empty() };
        let placed = self.columns(cx.state, columns_of(room));
        let head = Rect { height: 1, ..area };
        self.grid.header(cx, head, canvas, &placed, |id| Target::Column(PaneId::Processes, id));
        if !right.is_empty() {
            put_right(canvas.buf, area.right(), area.y, area.width / 3, right, cx.theme.style(Role::Dim));
        }
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        for (index, y) in self.grid.cursor.window(usize::from(body.height)).zip(body.y..body.bottom()) {
            let Some(line) = self.list.lines.get(index) else { continue };
            let Some(process) = process_of(&cx.state.host.processes, line) else { continue };
            let row = Rect { y, height: 1, ..area };
            self.row(cx, row, canvas, &placed, line, process);
            let whole = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
            self.grid.highlight(cx, canvas, whole, index);
            canvas.hit(row, Target::Row(PaneId::Processes, index));
        }
        if self.list.lines.is_empty() && body.height > 0 {
            let words = if self.grid.is_filtered() { "no process fits the filter" } else { "no process to show" };
            put(canvas.buf, body.x, body.y, body.width, words, cx.theme.style(Role::Dim));
        }
        dim_when_stale(cx, body, canvas, SourceId::Processes);
        self.placed.replace(placed);
    }

    /// The columns that there is room for: that of containers is as wide as the longest name of one.
    pub(super) fn columns(&self, state: &State, columns: u16) -> Vec<Placed> {
        let no_container = !self.list.containers;
        let no_gpu = state.host.gpus.rows.iter().all(|row| row.raw.processes.is_empty());
        let names = || state.host.containers.rows.iter().map(|row| width(&row.meta.name));
        let longest = |column: usize| match column {
            // One that no engine told of shows the front of its id.
            at::CONTAINER => names().max().and_then(|n| u16::try_from(n).ok()).map(|n| n.max(COLUMNS[column].width)),
            _ => None,
        };
        self.grid.placed(columns, &Need { longest: &longest, keep: &|_| false }, |c| {
            (no_container && c.id == COLUMNS[at::CONTAINER].id) || (no_gpu && c.id == COLUMNS[at::GPU].id)
        })
    }

    fn row(
        &self,
        cx: &DrawCx<'_>,
        area: Rect,
        canvas: &mut Canvas<'_>,
        placed: &[Placed],
        line: &Line,
        process: &Process,
    ) {
        let row = Row { process, cx: self.row_cx(cx.state) };
        let tagged = self.tags.contains(&process.key);
        let whole = match (tagged, line.leads) {
            (true, _) => Some(cx.theme.style(Role::Tagged)),
            (_, true) => Some(cx.theme.style(Role::Faint)),
            _ => None,
        };
        for p in placed {
            let place = Rect { x: area.x + p.x, width: p.width, ..area }.intersection(area);
            if place.is_empty() {
                continue;
            }
            match p.column {
                at::COMMAND => self.command(cx, place, canvas, line, &row, whole),
                at::GRAPH => graph(cx, place, canvas, process),
                column => {
                    let text = row.shown(column);
                    let style = whole.unwrap_or_else(|| cx.theme.style(role(column, &text, process)));
                    cell(canvas, place, COLUMNS[column].align, &text, style);
                    self.grid.mark(cx, place, canvas, column, &text);
                }
            }
        }
    }

    fn command(
        &self,
        cx: &DrawCx<'_>,
        place: Rect,
        canvas: &mut Canvas<'_>,
        line: &Line,
        row: &Row<'_>,
        whole: Option<Style>,
    ) {
        let theme = cx.theme;
        let mut x = place.x;
        let room = |x: u16| place.right().saturating_sub(x);
        if self.choice.tree {
            let branch = &line.branch;
            x += put(canvas.buf, x, place.y, room(x), &guide(branch, theme.glyphs.ascii), theme.style(Role::Faint));
            if branch.folded > 0 {
                let words = format!("+{} ", branch.folded);
                x += put(canvas.buf, x, place.y, room(x), &words, theme.style(Role::Accent));
            }
        }
        let (text, program) = row.command();
        let (program, rest) = text.split_at_checked(program).unwrap_or((&text, ""));
        let p = row.process;
        let quiet = p.kernel || p.is_thread();
        let style = whole.unwrap_or_else(|| theme.style(if quiet { Role::Dim } else { Role::Text }));
        let dim = whole.unwrap_or_else(|| theme.style(Role::Dim));
        let from = x;
        // Scrolled to the right, or to a match that would be out of sight, the command begins in its middle.
        let skip = match usize::from(self.shift) {
            0 => self.to_match(&text, room(x)),
            shift => shift,
        };
        let skipped = |text: &str, by: usize| text.chars().skip(by).collect::<String>();
        let shown = if skip == 0 { String::new() } else { skipped(&text, skip) };
        if skip > 0 {
            put(canvas.buf, x, place.y, room(x), &shown, dim);
        } else if width(&text) > usize::from(room(x)) && width(program) >= usize::from(room(x)) {
            put(canvas.buf, x, place.y, room(x), &text, style);
        } else {
            x += put(canvas.buf, x, place.y, room(x), program, style);
            put(canvas.buf, x, place.y, room(x), rest, dim);
        }
        let place = Rect { x: from, width: room(from), ..place };
        self.grid.mark(cx, place, canvas, at::COMMAND, if skip == 0 { &text } else { &shown });
    }

    /// Characters to leave out at the left so that what was found in the text stands in `room` columns.
    fn to_match(&self, text: &str, room: u16) -> usize {
        /// What stays in sight behind the match.
        const BEHIND: usize = 8;
        let Some(range) = self.grid.needle().and_then(|needle| needle.find(text)) else { return 0 };
        // The last column may be that of the dots.
        let over = (width(&text[..range.end]) + 1).saturating_sub(usize::from(room));
        let before = text[..range.start].chars().count();
        if over == 0 || width(text) <= usize::from(room) { 0 } else { (over + BEHIND).min(before) }
    }
}

/// Neutral; what is nothing is faint, what is worth a look is not.
fn role(column: usize, text: &str, process: &Process) -> Role {
    match column {
        at::STATE => match process.state {
            b'R' => Role::Ok,
            b'D' | b'Z' | b'T' | b't' => Role::Advice,
            _ => Role::Faint,
        },
        at::CPU | at::READ | at::WRITE | at::IO if matches!(text, "0" | "0.0" | ABSENT) => Role::Faint,
        at::NICE if process.nice == 0 => Role::Faint,
        at::CPU | at::MEMORY => Role::Text,
        at::PID | at::USER if process.is_thread() => Role::Dim,
        at::PID | at::USER | at::READ | at::WRITE | at::IO => Role::Text,
        at::CONTAINER => Role::Container,
        _ => Role::Dim,
    }
}

/// The newest of its past, the newest at the right. A process that never used CPU has none.
fn graph(cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>, process: &Process) {
    let Some(past) = &process.mini else { return };
    let columns = usize::from(place.width.min(GRAPH_WIDTH)).min(MINI_HISTORY);
    let style = cx.theme.style(Role::CpuUser);
    for (value, x) in past[MINI_HISTORY - columns..].iter().zip(place.x..place.right()) {
        put_char(canvas.buf, x, place.y, block(f64::from(*value) / FULL, cx.theme), style);
    }
}
