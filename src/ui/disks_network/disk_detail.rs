//! One disk: what it is, what it moves, how long that takes, and how it was.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    interest::Interest,
    model::{disk::Disk, host::Host, join, metrics, source::SourceId, subject::Subject},
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{bytes, fixed, hue, latency, percent, tick},
        parts::{reader::Reader, top_users},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::{Graph, axis, graph, mirrored, nice_top},
            page::{LinkedLine, Page},
            sheet::pair,
            text::put,
        },
    },
    units::{ABSENT, bytes_long, count_short},
};

/// From this width on the processes are beside the graphs.
const WIDE: u16 = 130;

pub struct DiskDetail {
    name: String,
    reader: Reader,
}

impl DiskDetail {
    /// Of the disk with this kernel name.
    #[must_use]
    pub fn new(name: String) -> Self {
        DiskDetail { name, reader: Reader::default() }
    }
}

impl Overlay for DiskDetail {
    fn title(&self, state: &State) -> String {
        let model = state.host.disks.find(&self.name).and_then(|d| d.raw.model.clone());
        model.map_or_else(|| self.name.clone(), |m| format!("{} · {m}", self.name))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Disks]
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(d) = cx.state.host.disks.find(&self.name) else {
            self.reader.draw(cx, area, canvas, &Page::from_iter([vec![("the disk is gone".to_owned(), Role::Dim)]]));
            return;
        };
        let per_second = |v: Option<f64>| fixed(v, 6, count_short);
        let kind = match d.raw.rotational {
            Some(true) => " · turning",
            Some(false) => " · solid state",
            None => "",
        };
        let facts: Vec<LinkedLine> = [
            pair("size", 9, format!("{}{kind}", d.raw.size_bytes.map_or("–".to_owned(), |b| bytes_long(b as f64)))),
            pair(
                "read",
                9,
                format!(
                    "{}/s {} requests/s {}",
                    bytes(d.read_per_second),
                    per_second(d.read_iops),
                    latency(d.read_latency_seconds)
                ),
            ),
            pair(
                "write",
                9,
                format!(
                    "{}/s {} requests/s {}",
                    bytes(d.write_per_second),
                    per_second(d.write_iops),
                    latency(d.write_latency_seconds)
                ),
            ),
            pair("busy", 9, format!("{}   queue {}", percent(d.busy_ratio), fixed(d.queue, 5, |q| format!("{q:.1}")))),
        ]
        .into_iter()
        .map(LinkedLine::from)
        .chain([holds(&cx.state.host, &self.name)])
        .collect();
        let rest = Rect { y: area.y + 6, height: area.height.saturating_sub(6), ..area };
        if area.width >= WIDE {
            let half = rest.width / 2;
            past(cx, Rect { width: half - 2, ..rest }, canvas, d);
            let right = Rect { x: rest.x + half, width: rest.width - half, ..rest };
            let room = usize::from(right.height);
            let page = top_users::storage(&cx.state.host, room / 2, room / 3);
            self.reader.draw_below(cx, (area, &facts), right, canvas, &page);
            return;
        }
        let graphs = if rest.height >= 13 { rest.height / 2 } else { 0 };
        past(cx, Rect { height: graphs, ..rest }, canvas, d);
        let below = Rect { y: rest.y + graphs, height: rest.height - graphs, ..rest };
        self.reader.draw_below(cx, (area, &facts), below, canvas, &top_users::storage(&cx.state.host, 10, 6));
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.reader.act(action)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        self.reader.hints()
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.io_of_all = true;
    }
}

/// The filesystems and pools on it, each a link.
fn holds(host: &Host, disk: &str) -> LinkedLine {
    let users = join::users_of_disk(host, disk);
    let mut line = LinkedLine::from(pair("holds", 9, if users.is_empty() { ABSENT } else { "" }));
    for (name, subject) in users {
        let kind = if matches!(subject, Subject::Pool(_)) { "pool " } else { "" };
        line.pieces.extend([(kind.to_owned(), Role::Dim), (name, Role::Text), ("   ".to_owned(), Role::Text)]);
        let at = line.pieces.len() - 2;
        line = line.link(at, Some(subject));
    }
    line
}

/// What it moved, and how busy it was.
fn past(cx: &DrawCx<'_>, rest: Rect, canvas: &mut Canvas<'_>, d: &Disk) {
    if rest.height < 6 {
        return;
    }
    let top = nice_top(d.read_history.max().unwrap_or(0.0).max(d.write_history.max().unwrap_or(0.0)));
    let words = format!("read ↑ / write ↓, scale {}/s", bytes(Some(top)).trim_start());
    put(canvas.buf, rest.x, rest.y, rest.width, &words, cx.theme.style(Role::Faint));
    let moved = Rect { y: rest.y + 1, height: (rest.height - 2) * 2 / 3, ..rest };
    mirrored(cx, moved, canvas, top, (&d.read_history, Role::DiskRead), (&d.write_history, Role::DiskWrite));
    put(canvas.buf, rest.x, moved.bottom(), rest.width, "busy", cx.theme.style(Role::Faint));
    let busy = Rect { y: moved.bottom() + 1, height: rest.bottom().saturating_sub(moved.bottom() + 2), ..rest };
    let level = d.busy_ratio.map_or(Level::Unknown, |b| cx.state.level(metrics::DISK_BUSY_RATIO, &[&d.raw.name], b));
    let g = Graph {
        limit: tick(cx.state.limits(metrics::DISK_BUSY_RATIO, &[&d.raw.name])),
        ..Graph::of(&d.busy_history, 1.0, hue(cx, level, Role::DiskRead))
    };
    graph(cx, busy, canvas, &g);
    axis(cx, Rect { y: busy.bottom(), height: 1, ..rest }, canvas, &d.busy_history);
}
