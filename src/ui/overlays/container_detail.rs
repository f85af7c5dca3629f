//! One container: what it is, what it uses against what it may, what it mounts and whom it talks to, how its checks went,
//! how it last ended, and which processes it runs.

use ratatui::layout::Rect;

use super::{Overlay, container_acts, log};
use crate::{
    model::{
        container::{Container, ContainerRow, RunState},
        host::Host,
        join,
    },
    state::State,
    text::width,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        effect::Effect,
        figures::bytes,
        panes::containers::columns::Row,
        theme::Role,
        widgets::{
            graph::{Graph, graph, nice_top},
            sheet::{Sheet, SheetLine, heading, pair, wrap},
            text::put,
        },
    },
    units::{ABSENT, bytes_long, percent, span, span_short},
};

/// Columns of a name before its value.
const NAME: usize = 11;
/// Rows of the graphs, their heads included.
const PAST: u16 = 7;
/// Events that are listed.
const HAPPENINGS: usize = 12;
/// Processes listed at most.
const PROCESSES: usize = 40;

/// The view.
pub struct ContainerDetail {
    id: String,
    /// As it was when last seen, so that it can still be read when it is gone.
    last: Option<ContainerRow>,
    gone: bool,
    sheet: Sheet,
}

impl ContainerDetail {
    /// Of the container with this id.
    #[must_use]
    pub fn new(id: String) -> Self {
        ContainerDetail { id, last: None, gone: false, sheet: Sheet::default() }
    }
}

impl Overlay for ContainerDetail {
    fn title(&self, _state: &State) -> String {
        let name = self.last.as_ref().map_or(self.id.as_str(), |row| row.meta.name.as_str());
        format!("container {name}{}", if self.gone { " · removed" } else { "" })
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        match state.host.containers.find(&self.id) {
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
        let past = if area.height >= PAST * 2 { PAST } else { 0 };
        if past > 0 {
            graphs(cx, Rect { height: past, ..area }, canvas, row);
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let mut lines = facts(cx, row);
        rooms(&cx.state.host, &row.meta, usize::from(area.width), &mut lines);
        happenings(cx.state, &row.meta, &mut lines);
        processes(cx.state, row, &mut lines);
        self.sheet.draw(cx, rest, canvas, &lines);
    }

    fn context(&self) -> Context {
        Context::Things
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Acts => Some(container_acts::choose(std::slice::from_ref(&self.id), state)),
            Action::Logs => Some(log::open(&self.id, state)),
            action => self.sheet.act(action).then(Vec::new),
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Logs, "log"), (Action::Acts, "acts")]
    }
}

fn graphs(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &ContainerRow) {
    let half = area.width / 2;
    let of = |limit: Option<String>| limit.map_or_else(String::new, |l| format!(" of {l}"));
    let cpu = row.cpu_cores.map_or_else(|| ABSENT.to_owned(), |c| format!("{:.1} %", c * 100.0));
    let cpu_limit = row.meta.cpu_limit.map(|cores| format!("{:.0} %", cores * 100.0));
    let memory = row.memory_bytes().map_or_else(|| ABSENT.to_owned(), |b| bytes_long(b as f64));
    let limit = row.memory_limit(cx.state.host.memory.raw.total);
    let heads =
        [format!("cpu {cpu}{}", of(cpu_limit)), format!("memory {memory}{}", of(limit.map(|l| bytes_long(l as f64))))];
    let cpu_top = row.meta.cpu_limit.unwrap_or_else(|| row.cpu_history.max().unwrap_or(0.0).max(1.0).ceil());
    let memory_top =
        limit.map_or_else(|| nice_top(row.memory_history.max().unwrap_or(0.0), 1024.0), |limit| limit as f64);
    let pasts = [(&row.cpu_history, cpu_top, Role::CpuUser), (&row.memory_history, memory_top, Role::MemoryUsed)];
    for ((head, (series, top, role)), x) in heads.iter().zip(pasts).zip([area.x, area.x + half]) {
        let room = half.saturating_sub(2);
        put(canvas.buf, x, area.y, room, head, cx.theme.style(Role::Dim));
        let place = Rect { x, y: area.y + 1, width: room, height: area.height.saturating_sub(2) };
        let g = Graph { series, top, style: cx.theme.style(role), band: None, flip: false };
        graph(canvas.buf, place, cx.theme, &g);
    }
}

fn facts(cx: &DrawCx<'_>, row: &ContainerRow) -> Vec<SheetLine> {
    let meta = &row.meta;
    let view = Row::new(row, cx.state);
    let age = view.age().map_or_else(String::new, |age| format!(" for {}", span(age)));
    let mut lines = vec![
        pair("state", NAME, format!("{}{age}", view.state_word())),
        pair("image", NAME, meta.image.clone()),
        pair("runs", NAME, meta.command.clone()),
        pair("id", NAME, meta.id.clone()),
    ];
    if let Some(engine) = cx.state.host.containers.engines.get(usize::from(meta.engine)) {
        let version = engine.version.as_deref().unwrap_or_default();
        lines.push(pair("engine", NAME, format!("{} {version} at {}", engine.kind, engine.address)));
    }
    if let Some(project) = &meta.project {
        let service = meta.service.as_ref().map_or_else(String::new, |s| format!(", service {s}"));
        lines.push(pair("compose", NAME, format!("{project}{service}")));
    }
    let lately = match view.restarts() {
        0 => String::new(),
        n => format!(" · {n} in the last ten minutes"),
    };
    lines.push(pair("restarts", NAME, format!("{}{lately} · policy {}", meta.restarts, meta.restart_policy)));
    lines.extend(last_end(meta).map(|words| pair("last end", NAME, words)));
    lines.extend(meta.layer_dataset.as_ref().map(|name| pair("layer", NAME, format!("dataset {name}"))));
    lines.extend(meta.error.as_ref().map(|error| pair("error", NAME, error.clone())));
    let figure = |value: Option<f64>| format!("{}/s", bytes(value).trim_start());
    lines.push(pair(
        "network",
        NAME,
        format!("{} received   {} sent", figure(row.rx_per_second), figure(row.tx_per_second)),
    ));
    lines.push(pair(
        "storage",
        NAME,
        format!("{} read   {} written", figure(row.read_per_second), figure(row.write_per_second)),
    ));
    if let Some(pids) = row.usage.as_ref().and_then(|u| u.pids) {
        lines.push(pair("processes", NAME, format!("{pids} with their threads")));
    }
    if let Some(held) = row.throttled_ratio.filter(|held| *held > 0.0) {
        lines.push(pair("throttled", NAME, format!("{} of its periods", percent(held).trim_start())));
    }
    lines
}

/// How it last ended, in words.
fn last_end(meta: &Container) -> Option<String> {
    let code = meta.exit_code.filter(|_| meta.finished_unix_ms.is_some())?;
    let why = match code {
        _ if meta.oom_killed => "the kernel ended it: out of memory",
        0 => "it ended by itself, without error",
        125 => "the engine could not start it",
        126 => "its command could not be run",
        127 => "its command was not found",
        137 => "it was killed (signal 9)",
        139 => "it crashed (signal 11)",
        143 => "it was asked to end (signal 15)",
        129..=192 => return Some(format!("code {code}: ended by signal {}", code - 128)),
        _ => "it ended with an error of its own",
    };
    let when = if meta.state == RunState::Running { "before this run " } else { "" };
    Some(format!("{when}code {code}: {why}"))
}

/// Mounts, networks, ports, names of the environment, outputs of the health check.
fn rooms(host: &Host, meta: &Container, room: usize, lines: &mut Vec<SheetLine>) {
    let mut section = |title: &str, rows: Vec<SheetLine>| {
        if !rows.is_empty() {
            lines.push(Vec::new());
            lines.push(heading(title));
            lines.extend(rows);
        }
    };
    let longest = meta.mounts.iter().map(|m| width(&m.destination)).max().unwrap_or(0).min(40);
    let mounts = meta.mounts.iter().map(|m| {
        let how = if m.writable { "" } else { " read-only" };
        let dataset = join::dataset_of(host, m).map_or_else(String::new, |name| format!("  on dataset {name}"));
        pair(&m.destination, longest, format!("{} {}{how}{dataset}", m.kind, m.source))
    });
    section("Mounts", mounts.collect());
    let networks = meta.networks.iter().map(|(name, address)| pair(name, NAME, address.clone()));
    let ports = meta.ports.iter().map(|port| pair("port", NAME, port.clone()));
    section("Networks", networks.chain(ports).collect());
    let words =
        |text: &str| wrap(text, room).into_iter().map(|line| vec![(line, Role::Text)]).collect::<Vec<SheetLine>>();
    if !meta.environment_names.is_empty() {
        section("Environment, names alone", words(&meta.environment_names.join(" ")));
    }
    let checks = meta.health_log.iter().flat_map(|output| words(output));
    section("Health checks, the newest last", checks.collect());
}

/// What happened to it lately, the newest first.
fn happenings(state: &State, meta: &Container, lines: &mut Vec<SheetLine>) {
    if meta.happenings.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(heading("What happened, the newest first"));
    for happening in meta.happenings.iter().rev().take(HAPPENINGS) {
        let ago = u64::try_from(state.host.now.unix_ms.saturating_sub(happening.unix_ms)).unwrap_or(0);
        let ago = format!("{} ago", span_short(std::time::Duration::from_millis(ago)));
        lines.push(pair(&ago, NAME, happening.what.clone()));
    }
}

/// Its processes, the busiest first.
fn processes(state: &State, row: &ContainerRow, lines: &mut Vec<SheetLine>) {
    let short = row.short_id();
    let mut own: Vec<_> =
        state.host.processes.rows.iter().filter(|p| !p.is_thread() && p.container() == Some(short)).collect();
    if own.is_empty() {
        return;
    }
    own.sort_by(|a, b| b.cpu.unwrap_or(0.0).total_cmp(&a.cpu.unwrap_or(0.0)));
    lines.push(Vec::new());
    lines.push(heading(&format!("Processes, {}", own.len())));
    lines.extend(own.into_iter().take(PROCESSES).map(super::process_line));
}
