//! One container: what it is, what it uses against what it may, how it last ended; and its sections: GPUs, datasets, ports,
//! mounts, networks, checks, events, processes.

mod sections;

use ratatui::layout::Rect;

use super::{log, operations};
use crate::{
    alert::Level,
    interest::Interest,
    model::{
        container::{Container, ContainerRow, Health, RunState},
        metrics,
        series::Series,
        source::SourceId,
        subject::Subject,
    },
    state::{State, levels},
    text::elide,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        containers::row::Row,
        figures::bytes,
        overlays::seen::Seen,
        parts::reader::Reader,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::nice_top,
            page::Page,
            past::{Past, pasts},
            sheet::{SheetLine, heading, pair},
        },
    },
    units::{ABSENT, bytes_long, percent, span},
};

/// Columns of a name before its value.
const NAME: usize = 11;
/// Rows of the graphs, their heads included.
const PAST: u16 = 7;

/// Lines of its log that are shown.
const LAST: usize = 10;

pub struct ContainerDetail {
    id: String,
    seen: Seen<ContainerRow>,
    reader: Reader,
}

impl ContainerDetail {
    /// Of the container with this id.
    #[must_use]
    pub fn new(id: String) -> Self {
        ContainerDetail { id, seen: Seen::default(), reader: Reader::default() }
    }
}

/// The view of a container.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::Container { id, .. } = subject else { return None };
    state.host.containers.find(id)?;
    Some(Box::new(ContainerDetail::new(id.clone())))
}

impl Overlay for ContainerDetail {
    fn title(&self, _state: &State) -> String {
        let name = self.seen.last().map_or(self.id.as_str(), |row| row.meta.name.as_str());
        format!("container {name}")
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Containers]
    }

    fn gone(&self) -> Option<&'static str> {
        self.seen.gone("removed")
    }

    fn refresh(&mut self, state: &State) {
        self.seen.look(state.host.health.round(SourceId::Containers), state.host.containers.find(&self.id));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = self.seen.shown(cx, area, canvas) else { return };
        let past = if area.height >= PAST * 2 { PAST } else { 0 };
        if past > 0 {
            pasts(cx, area, canvas, PAST, &past_of(cx, row));
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let mut lines = Page::from_iter(facts(cx, row));
        // The last log lines of an unhealthy one say most: they come first.
        let sick = is_sick(cx.state, row);
        let log = last_lines(cx.state, row, usize::from(area.width));
        let (above, below) = if sick { (log, Vec::new()) } else { (Vec::new(), log) };
        lines.extend(above);
        sections::list(cx.state, row, usize::from(area.width), &mut lines);
        lines.extend(below);
        self.reader.draw(cx, rest, canvas, &lines);
    }

    fn context(&self) -> Context {
        Context::Objects
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Acts => Some(operations::choose(std::slice::from_ref(&self.id), state)),
            Action::Logs => Some(log::open(&self.id, state)),
            action => self.reader.act(action),
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [(Action::Logs, "log"), (Action::Acts, "acts")];
        own.into_iter().filter(|_| !self.seen.is_gone()).chain(self.reader.hints()).collect()
    }

    fn want(&self, want: &mut Interest, state: &State) {
        if let Some(row) = self.seen.last().filter(|_| !self.seen.is_gone()) {
            let engine = state.host.containers.engines.get(usize::from(row.meta.engine));
            want.log = engine.map(|engine| (engine.address.clone(), row.meta.id.clone()));
        }
        want.sockets_of = self.seen.last().map(|row| row.meta.pid).filter(|pid| *pid > 0 && !self.seen.is_gone());
    }
}

/// CPU and memory, each against its limit.
fn past_of<'a>(cx: &DrawCx<'_>, row: &'a ContainerRow) -> [Past<'a>; 2] {
    let of = |limit: Option<String>| limit.map_or_else(String::new, |l| format!(" of {l}"));
    let cpu = row.cpu_cores.map_or_else(|| ABSENT.to_owned(), |c| format!("{:.1} %", c * 100.0));
    let cpu_limit = row.meta.cpu_limit.map(|cores| format!("{:.0} %", cores * 100.0));
    let memory = row.memory_bytes().map_or_else(|| ABSENT.to_owned(), |b| bytes_long(b as f64));
    let limit = row.memory_limit(cx.state.host.memory.raw.total);
    let memory_limit = limit.map(|l| bytes_long(l as f64));
    let highest = |series: &Series| series.max().unwrap_or(0.0);
    let memory_level = row
        .memory_ratio(cx.state.host.memory.raw.total)
        .map_or(Level::Ok, |ratio| cx.state.level(metrics::CONTAINER_MEMORY_LIMIT_RATIO, &[&row.meta.name], ratio));
    [
        Past {
            head: format!("cpu {cpu}{}", of(cpu_limit)),
            series: &row.cpu_history,
            top: row.meta.cpu_limit.unwrap_or_else(|| highest(&row.cpu_history).max(1.0).ceil()),
            role: Role::CpuUser,
            level: Level::Ok,
            limit: row.meta.cpu_limit,
            band: None,
        },
        Past {
            head: format!("memory {memory}{}", of(memory_limit)),
            series: &row.memory_history,
            top: limit.map_or_else(|| nice_top(highest(&row.memory_history)), |limit| limit as f64),
            role: Role::MemoryUsed,
            level: memory_level,
            limit: limit.map(|limit| limit as f64),
            band: None,
        },
    ]
}

/// It does not run as it should, or a rule asks for a look.
fn is_sick(state: &State, row: &ContainerRow) -> bool {
    row.meta.state != RunState::Running
        || row.meta.health == Some(Health::Unhealthy)
        || levels::container_worst(state, row) >= Level::Warn
        || row.restarts_lately(state.host.now) > 0
}

/// The end of its log.
fn last_lines(state: &State, row: &ContainerRow, room: usize) -> Vec<SheetLine> {
    let log = &state.host.log;
    if log.id != row.meta.id || (log.lines.is_empty() && log.ended.is_none()) {
        return Vec::new();
    }
    let mut lines = vec![Vec::new(), heading("Last log lines")];
    for line in log.lines.iter().skip(log.lines.len().saturating_sub(LAST)) {
        let role = if line.error { Role::Advice } else { Role::Text };
        lines.push(vec![(elide(&line.text, room).into_owned(), role)]);
    }
    if log.lines.is_empty() {
        lines.push(vec![("no log lines".to_owned(), Role::Dim)]);
    }
    lines
}

fn facts(cx: &DrawCx<'_>, row: &ContainerRow) -> Vec<SheetLine> {
    let meta = &row.meta;
    let view = Row::new(row, cx.state);
    let age = view.age().map_or_else(String::new, |age| format!(" for {}", span(age)));
    let streak = match meta.failing_streak {
        0 => String::new(),
        n => format!(" · health check failed {n}× in a row"),
    };
    let mut lines = vec![
        pair("state", NAME, format!("{}{age}{streak}", view.state_words())),
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
        n => format!(" · {n} in the last 10 min"),
    };
    lines.push(pair("restarts", NAME, format!("{}{lately} · policy {}", meta.restarts, meta.restart_policy)));
    lines.extend(last_end(meta).map(|words| pair("last exit", NAME, words)));
    let ooms = row.ooms_lately(cx.state.host.now);
    if ooms > 0 {
        let times = if ooms == 1 { "once".to_owned() } else { format!("{ooms} times") };
        let words = format!("OOM-killed {times} in the last ten minutes");
        lines.push(pair("memory", NAME, words));
    }
    lines.push(pair("limits", NAME, limits(cx.state, row)));
    lines.extend(meta.layer_dataset.as_ref().map(|name| pair("layer", NAME, format!("dataset {name}"))));
    lines.extend(
        meta.not_understood.iter().map(|field| pair("unknown", NAME, format!("field {field} of the engine's answer"))),
    );
    lines.extend(meta.error.as_ref().map(|error| pair("error", NAME, error.clone())));
    if row.usage.is_some() {
        let figure = |value: Option<f64>| format!("{}/s", bytes(value).trim_start());
        let moved = |name: &str, words: [&str; 2], values: [Option<f64>; 2]| {
            pair(name, NAME, format!("{} {}   {} {}", figure(values[0]), words[0], figure(values[1]), words[1]))
        };
        let (network, storage) = ([row.rx_per_second, row.tx_per_second], [row.read_per_second, row.write_per_second]);
        lines.push(match view.network_words() {
            Some(words) => pair("network", NAME, format!("{words}: traffic is counted for all containers in it")),
            None => moved("network", ["received", "sent"], network),
        });
        lines.push(moved("storage", ["read", "written"], storage));
    }
    if let Some(pids) = row.usage.as_ref().and_then(|u| u.pids) {
        let noun = if pids == 1 { "task" } else { "tasks" };
        lines.push(pair("processes", NAME, format!("{pids} {noun} (processes and threads)")));
    }
    if let Some(held) = row.throttled_ratio.filter(|held| *held > 0.0) {
        lines.push(pair("throttled", NAME, format!("{} of its periods", percent(held).trim_start())));
    }
    lines
}

/// `0.5 cores · 64.0 MiB of memory`.
fn limits(state: &State, row: &ContainerRow) -> String {
    let cores = row.meta.cpu_limit.map(|cores| match cores.to_string() {
        one if one == "1" => "1 core".to_owned(),
        cores => format!("{cores} cores"),
    });
    let memory = row.memory_limit(state.host.memory.raw.total).map(|b| format!("{} of memory", bytes_long(b as f64)));
    match cores.into_iter().chain(memory).collect::<Vec<_>>() {
        none if none.is_empty() => "none".to_owned(),
        limits => limits.join(" · "),
    }
}

/// How it last ended, in words.
fn last_end(meta: &Container) -> Option<String> {
    let code = meta.exit_code.filter(|_| meta.finished_unix_ms.is_some())?;
    let why = match code {
        _ if meta.oom_killed => "OOM-killed",
        0 => "success",
        125 => "the engine could not start it",
        126 => "command not executable",
        127 => "command not found",
        137 => "killed (SIGKILL)",
        139 => "crashed (SIGSEGV)",
        143 => "terminated (SIGTERM)",
        129..=192 => return Some(format!("code {code}: killed by signal {}", code - 128)),
        _ => "application error",
    };
    let when = if meta.state == RunState::Running { "previous run, " } else { "" };
    Some(format!("{when}code {code}: {why}"))
}

#[cfg(test)]
mod tests;
