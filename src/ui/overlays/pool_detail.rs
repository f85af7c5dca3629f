//! One pool: what it says of itself, its tree of devices with errors and rates, its datasets, and who uses it.

use ratatui::layout::Rect;

use super::{Overlay, pool_acts};
use crate::{
    alert::Level,
    model::{
        container::RunState,
        join,
        pool::{Class, DatasetRow, PoolRow, Scan, ScanState, Vdev, scan_words},
    },
    state::State,
    text::{elide, width},
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        effect::Effect,
        figures::{bytes, latency, percent},
        panes::pools::level,
        theme::Role,
        widgets::{
            graph::{Graph, graph, nice_top},
            sheet::{Sheet, SheetLine, heading, pair, wrap},
            text::put,
        },
    },
    units::{ABSENT, bytes_long, bytes_short, span, span_short},
};

/// Columns of a name before its value.
const NAME: usize = 11;
/// Rows of the graphs, their heads included.
const PAST: u16 = 7;
/// Processes listed at most.
const PROCESSES: usize = 15;

/// The view.
pub struct PoolDetail {
    name: String,
    /// As it was when last seen, so that it can still be read when it is gone.
    last: Option<PoolRow>,
    gone: bool,
    sheet: Sheet,
}

impl PoolDetail {
    /// Of the pool of this name.
    #[must_use]
    pub fn new(name: String) -> Self {
        PoolDetail { name, last: None, gone: false, sheet: Sheet::default() }
    }
}

impl Overlay for PoolDetail {
    fn title(&self, _state: &State) -> String {
        format!("pool {}{}", self.name, if self.gone { " · exported" } else { "" })
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        match state.host.pools.find(&self.name) {
            Some(row) => {
                self.last = Some(row.clone());
                self.gone = false;
            }
            None => self.gone = true,
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = &self.last else {
            put(canvas.buf, area.x, area.y, area.width, "it is gone", cx.theme.style(Role::Dim));
            return;
        };
        let past = if area.height >= PAST * 3 { PAST } else { 0 };
        if past > 0 {
            graphs(cx, Rect { height: past, ..area }, canvas, row);
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let room = usize::from(area.width);
        let mut lines = facts(cx.state, row, room);
        devices(row, room, &mut lines);
        datasets(cx.state, row, room, &mut lines);
        users(cx.state, row, &mut lines);
        self.sheet.draw(cx, rest, canvas, &lines);
    }

    fn context(&self) -> Context {
        Context::Things
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Acts => Some(pool_acts::choose(&self.name, state)),
            action => self.sheet.act(action).then(Vec::new),
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Acts, "acts")]
    }
}

fn graphs(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &PoolRow) {
    let half = area.width / 2;
    let rate = |value: Option<f64>| format!("{}/s", bytes(value).trim_start());
    let heads = [
        format!("read {}", rate(row.io.map(|io| io.read_bytes))),
        format!("written {}", rate(row.io.map(|io| io.write_bytes))),
    ];
    let pasts = [(&row.read_history, Role::DiskRead), (&row.write_history, Role::DiskWrite)];
    for ((head, (series, role)), x) in heads.iter().zip(pasts).zip([area.x, area.x + half]) {
        let room = half.saturating_sub(2);
        put(canvas.buf, x, area.y, room, head, cx.theme.style(Role::Dim));
        let place = Rect { x, y: area.y + 1, width: room, height: area.height.saturating_sub(2) };
        let top = nice_top(series.max().unwrap_or(0.0), 1024.0);
        graph(
            canvas.buf,
            place,
            cx.theme,
            &Graph { series, top, style: cx.theme.style(role), band: None, flip: false },
        );
    }
}

fn role_of(level: Level) -> Role {
    match level {
        Level::Crit => Role::Crit,
        Level::Warn => Role::Warn,
        _ => Role::Text,
    }
}

fn facts(state: &State, row: &PoolRow, room: usize) -> Vec<SheetLine> {
    let cause = row.cause().map_or_else(String::new, |cause| format!(": {cause}"));
    let words = format!("{}{cause}", row.state.to_lowercase());
    let mut lines = vec![vec![(format!("{:<NAME$} ", "state"), Role::Dim), (words, role_of(level(state, row)))]];
    let Some(told) = &row.told else {
        lines.push(pair("zpool", NAME, "has not answered yet"));
        return lines;
    };
    for (name, text) in [("what", &told.status), ("cure", &told.action)] {
        for (number, line) in wrap(text, room.saturating_sub(NAME + 1)).into_iter().enumerate() {
            lines.push(pair(if number == 0 { name } else { "" }, NAME, line));
        }
    }
    let size = |n: u64| bytes_long(n as f64);
    let used = percent(row.used_ratio());
    lines.push(pair(
        "space",
        NAME,
        format!("{} of {} ({}), {} free", size(told.allocated), size(told.size), used.trim_start(), size(told.free)),
    ));
    let ratio = |r: Option<f64>| r.map_or_else(|| ABSENT.to_owned(), |r| format!("{r:.2}x"));
    let fragmentation = told.fragmentation.map_or_else(|| ABSENT.to_owned(), |f| format!("{:.0}%", f * 100.0));
    lines.push(pair(
        "ratios",
        NAME,
        format!(
            "compression {}   deduplication {}   fragmentation {fragmentation}",
            ratio(told.compress),
            ratio(told.dedup)
        ),
    ));
    lines.push(pair("scan", NAME, scan(told.scan.as_ref(), state)));
    if told.data_errors > 0 {
        let words = format!("{} files or blocks are lost for good: zpool status -v {}", told.data_errors, row.name);
        lines.push(vec![(format!("{:<NAME$} ", "lost"), Role::Dim), (words, Role::Crit)]);
    }
    if row.errors_grown > 0 {
        let words = format!("{} more since benchtop began", row.errors_grown);
        lines.push(vec![(format!("{:<NAME$} ", "errors"), Role::Dim), (words, Role::Warn)]);
    }
    let mut others = Vec::new();
    others.extend(told.checkpoint.map(|held| format!("a checkpoint holds {}", size(held))));
    others.extend(told.autotrim.map(|on| format!("autotrim {}", if on { "on" } else { "off" })));
    if told.readonly {
        others.push("read-only".to_owned());
    }
    if !others.is_empty() {
        lines.push(pair("more", NAME, others.join(" · ")));
    }
    lines
}

/// The last scan in full.
fn scan(scan: Option<&Scan>, state: &State) -> String {
    let words = scan_words(scan, state.host.now);
    let Some(scan) = scan else { return "never scrubbed".to_owned() };
    let mut parts = vec![words];
    if let (ScanState::Running, Some(left)) = (scan.state, scan.remaining) {
        parts.push(format!("{} left", span(left)));
    }
    parts.extend(scan.repaired_bytes.filter(|b| *b > 0).map(|b| format!("{} repaired", bytes_long(b as f64))));
    if scan.errors > 0 {
        parts.push(format!("{} errors", scan.errors));
    }
    if let (Some(from), Some(to)) = (scan.started_unix, scan.ended_unix) {
        let took = u64::try_from(to - from).unwrap_or(0);
        parts.push(format!("took {}", span(std::time::Duration::from_secs(took))));
    }
    parts.join(" · ")
}

/// The tree of devices, as `zpool status` draws it, with what each does now.
fn devices(row: &PoolRow, room: usize, lines: &mut Vec<SheetLine>) {
    let Some(told) = &row.told else { return };
    let name = told.vdevs.iter().map(|v| width(&v.name) + 2 * usize::from(v.depth)).max().unwrap_or(0).clamp(10, 40);
    lines.push(Vec::new());
    let heads = format!(
        "{:<name$}  {:<9} {:>5} {:>5} {:>5} {:>4}  {:>6} {:>6} {:>7} {:>7}",
        "DEVICE", "STATE", "READ", "WRITE", "CKSUM", "SLOW", "READ/s", "WRIT/s", "R LAT", "W LAT"
    );
    lines.push(vec![(elide(&heads, room).into_owned(), Role::Dim)]);
    let mut class = Class::Normal;
    for vdev in &told.vdevs {
        if vdev.class != class && vdev.depth == 0 {
            class = vdev.class;
            lines.push(vec![(class.word().to_owned(), Role::Dim)]);
        }
        lines.push(device(row, vdev, name));
    }
}

fn device(row: &PoolRow, vdev: &Vdev, name: usize) -> SheetLine {
    let indent = "  ".repeat(usize::from(vdev.depth) + usize::from(vdev.class != Class::Normal));
    let shown = if vdev.note.starts_with("was ") { vdev.short_name() } else { &vdev.name };
    let label = elide(&format!("{indent}{shown}"), name).into_owned();
    let padding = " ".repeat(name.saturating_sub(width(&label)));
    let state_role = match vdev.state.as_str() {
        "ONLINE" | "AVAIL" | "INUSE" => Role::Dim,
        "OFFLINE" => Role::Warn,
        _ => Role::Crit,
    };
    let mut line =
        vec![(format!("{label}{padding}  "), Role::Text), (format!("{:<9} ", vdev.state.to_lowercase()), state_role)];
    for errors in vdev.errors {
        line.push((format!("{errors:>5} "), if errors > 0 { Role::Warn } else { Role::Faint }));
    }
    line.push((format!("{:>4}  ", vdev.slow), if vdev.slow > 0 { Role::Warn } else { Role::Faint }));
    if let Some((_, io)) = row.vdev_io.iter().find(|(name, _)| *name == vdev.name) {
        let rates = format!("{:>6} {:>6} ", bytes_short(io.read_bytes), bytes_short(io.write_bytes));
        line.push((rates, Role::Text));
        line.push((format!("{} {} ", latency(io.read_wait), latency(io.write_wait)), Role::Dim));
    }
    if !vdev.note.is_empty() {
        line.push((format!(" {}", vdev.note), Role::Dim));
    }
    line
}

/// Its datasets, those that hold most first.
fn datasets(state: &State, row: &PoolRow, room: usize, lines: &mut Vec<SheetLine>) {
    let mut own: Vec<&DatasetRow> = state.host.pools.datasets.iter().filter(|d| d.told.pool() == row.name).collect();
    if own.is_empty() {
        return;
    }
    own.sort_by(|a, b| b.told.used.cmp(&a.told.used).then_with(|| a.told.name.cmp(&b.told.name)));
    let name = own.iter().map(|d| width(&d.told.name)).max().unwrap_or(0).clamp(10, 40);
    lines.push(Vec::new());
    let heads = format!(
        "{:<name$} {:>5} {:>5} {:>6} {:>6} {:<8} {:>5} {:>6} {:>6} {:>5}  {}",
        "DATASET", "USED", "AVAIL", "RATIO", "RECORD", "COMPRESS", "QUOTA", "READ/s", "WRIT/s", "SNAPS", "NEWEST"
    );
    lines.push(vec![(elide(&heads, room).into_owned(), Role::Dim)]);
    let absent = || ABSENT.to_owned();
    for dataset in own {
        let told = &dataset.told;
        let label = elide(&told.name, name).into_owned();
        let padding = " ".repeat(name.saturating_sub(width(&label)));
        let size = |n: u64| bytes_short(n as f64);
        let newest = told.newest_snapshot_unix.map_or_else(String::new, |at| {
            let seconds = u64::try_from(state.host.now.unix_ms / 1000 - at).unwrap_or(0);
            span_short(std::time::Duration::from_secs(seconds))
        });
        let figures = format!(
            " {:>5} {:>5} {:>6} {:>6} {:<8} {:>5} {:>6} {:>6} {:>5}  {newest}",
            size(told.used),
            size(told.available),
            told.ratio.map_or_else(absent, |r| format!("{r:.2}x")),
            told.record.map_or_else(absent, size),
            elide(&told.compression, 8),
            told.quota.map_or_else(absent, size),
            dataset.read_per_second.map_or_else(absent, bytes_short),
            dataset.write_per_second.map_or_else(absent, bytes_short),
            told.snapshots,
        );
        lines.push(vec![(format!("{label}{padding}"), Role::Text), (figures, Role::Dim)]);
    }
}

/// Containers that mount something of it, and their busiest processes.
fn users(state: &State, row: &PoolRow, lines: &mut Vec<SheetLine>) {
    let users = join::containers_of_pool(&state.host, &row.name);
    if users.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(heading(&format!("Containers on it, {}", users.len())));
    for (container, dataset) in &users {
        let running = container.meta.state == RunState::Running;
        lines.push(vec![
            (format!("{:<20} ", elide(&container.meta.name, 20)), if running { Role::Text } else { Role::Dim }),
            (format!("{:<11} {dataset}", container.meta.state.word()), Role::Dim),
        ]);
    }
    let ids: Vec<&str> = users.iter().map(|(container, _)| container.short_id()).collect();
    let mut processes: Vec<_> = state
        .host
        .processes
        .rows
        .iter()
        .filter(|p| !p.is_thread() && p.container().is_some_and(|id| ids.contains(&id)))
        .collect();
    processes.sort_by(|a, b| b.cpu.unwrap_or(0.0).total_cmp(&a.cpu.unwrap_or(0.0)));
    if !processes.is_empty() {
        lines.push(Vec::new());
        lines.push(heading("Their busiest processes"));
        lines.extend(processes.into_iter().take(PROCESSES).map(super::process_line));
    }
}
