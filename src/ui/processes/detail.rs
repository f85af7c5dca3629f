//! One process: who it is, what it uses and used, what it has open, whom it talks to, who descends from it.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::{renice, signal};
use crate::{
    alert::Level,
    interest::Interest,
    model::{
        fault::Fault,
        join,
        process::{ProcKey, Process, ProcessDetail as Detail, ProcessDetailSample},
        socket::Protocol,
        source::SourceId,
        subject::Subject,
    },
    state::State,
    text::width,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        figures::bytes,
        overlays::seen::Seen,
        parts::{process::user, reader::Reader},
        processes::columns::{Row, RowCx},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::nice_top,
            page::{LinkedLine, Page},
            past::{Past, pasts},
            sheet::{flow, heading, pair, wrap},
        },
    },
    units::{ABSENT, bytes_long, bytes_short},
};

/// Columns of a name before its value.
const NAME: usize = 10;
/// Rows of the graphs, their heads included.
const PAST: u16 = 7;

pub struct ProcessDetail {
    key: ProcKey,
    seen: Seen<Process>,
    reader: Reader,
}

impl ProcessDetail {
    /// Of the process that `key` names, and of no other that gets its pid.
    #[must_use]
    pub fn new(key: ProcKey) -> Self {
        ProcessDetail { key, seen: Seen::default(), reader: Reader::default() }
    }
}

/// The view of a process.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::Process(key) = subject else { return None };
    state.host.processes.find(*key)?;
    Some(Box::new(ProcessDetail::new(*key)))
}

impl Overlay for ProcessDetail {
    fn title(&self, _state: &State) -> String {
        let name = self.seen.last().map_or("", |p| &*p.name);
        format!("process {} {name}", self.key.pid)
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Processes]
    }

    fn gone(&self) -> Option<&'static str> {
        self.seen.gone("ended")
    }

    fn refresh(&mut self, state: &State) {
        self.seen.look(state.host.processes.round, state.host.processes.find(self.key));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(process) = self.seen.shown(cx, area, canvas) else { return };
        let detail = cx.state.host.process_detail.as_ref().filter(|d| d.raw.key == self.key);
        // What ended before it was read, or may not be read, has no past and gets none.
        let has_past = detail.is_some() || !self.seen.is_gone() && fault(cx.state).is_none();
        let past = if area.height >= PAST * 2 && has_past { PAST } else { 0 };
        if let Some(detail) = detail.filter(|_| past > 0) {
            pasts(cx, area, canvas, PAST, &past_of(cx, process, detail));
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let mut lines = facts(cx, process);
        where_it_runs(cx.state, process, detail.map(|d| &d.raw), usize::from(area.width), &mut lines);
        match detail {
            Some(detail) => read(cx, &detail.raw, usize::from(area.width), &mut lines),
            None if !self.seen.is_gone() => lines.push(vec![(waiting(cx.state), Role::Dim)]),
            None => {}
        }
        children(cx.state, self.key, &mut lines);
        self.reader.draw(cx, rest, canvas, &lines);
    }

    fn context(&self) -> Context {
        Context::Processes
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        let renice = |by| renice::ask(vec![self.key], by, state);
        match action {
            Action::Signal | Action::NiceUp | Action::NiceDown if self.seen.is_gone() => {
                Some(vec![Effect::Say(Level::Advice, "it has exited".to_owned())])
            }
            Action::Signal => Some(signal::choose(vec![self.key], state)),
            Action::NiceUp => Some(renice(1)),
            Action::NiceDown => Some(renice(-1)),
            _ => self.reader.act(action),
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [(Action::Signal, "signal"), (Action::NiceUp, "nice +1"), (Action::NiceDown, "nice −1")];
        let own = own.into_iter().filter(|_| !self.seen.is_gone());
        own.chain(self.reader.hints()).collect()
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.detail = Some(self.key);
        // Its storage rates are among the facts.
        want.visible.push(self.key);
    }
}

fn fault(state: &State) -> Option<&Fault> {
    state.host.health.get(SourceId::ProcessDetail).and_then(|h| h.fault.as_ref())
}

fn waiting(state: &State) -> String {
    match fault(state) {
        Some(Fault::Absent(what) | Fault::Broken(what)) => what.clone(),
        Some(Fault::Denied { what, hint }) => format!("{what}: permission denied ({hint})"),
        Some(Fault::Timeout) => "no answer".to_owned(),
        None => "waiting…".to_owned(),
    }
}

/// CPU and memory.
fn past_of<'a>(cx: &DrawCx<'_>, process: &Process, detail: &'a Detail) -> [Past<'a>; 2] {
    let shown = Row { process, cx: RowCx::new(&cx.state.host, false, true) }.cpu_text();
    // A clock tick too many does not make it a second core.
    let cores = (detail.cpu_history.max().unwrap_or(0.0) - 0.1).ceil().max(1.0);
    let top = nice_top(detail.memory_history.max().unwrap_or(0.0));
    let memory = bytes_long(process.memory_bytes as f64);
    [
        Past {
            head: format!("cpu {shown} %   top {:.0} %", cores * 100.0),
            series: &detail.cpu_history,
            top: cores,
            role: Role::CpuUser,
            level: Level::Ok,
            limit: None,
            band: None,
        },
        Past {
            head: format!("memory {memory}   top {}", bytes(Some(top)).trim_start()),
            series: &detail.memory_history,
            top,
            role: Role::MemoryUsed,
            level: Level::Ok,
            limit: None,
            band: None,
        },
    ]
}

/// What the table knows.
fn facts(cx: &DrawCx<'_>, p: &Process) -> Page {
    let host = &cx.state.host;
    let row = Row { process: p, cx: RowCx::new(host, false, true) };
    let parent = host.processes.rows.iter().find(|o| o.key.pid == p.parent && !o.is_thread());
    let leads = parent.map(|o| Subject::Process(o.key));
    let parent = parent.map_or_else(|| p.parent.to_string(), |o| format!("{} {}", o.key.pid, o.name));
    let state = match p.state {
        b'R' => "running",
        b'S' => "sleeping",
        b'D' => "uninterruptible sleep (waiting in the kernel)",
        b'I' => "idle kernel thread",
        b'T' => "stopped",
        b't' => "stopped by a tracer",
        b'Z' => "zombie, not reaped by its parent",
        _ => "",
    };
    let rate = |rate: Option<f32>| rate.map_or_else(|| ABSENT.to_owned(), |rate| bytes_short(f64::from(rate)));
    let mut lines = Page::from_iter([
        pair("user", NAME, format!("{} ({})", user(&host.facts.users, p.uid), p.uid)),
        pair("state", NAME, format!("{} {state}", char::from(p.state))),
    ]);
    lines.push(LinkedLine::from(pair("parent", NAME, parent)).link(1, leads));
    lines.extend([
        pair("started", NAME, row.began().unwrap_or_else(|| ABSENT.to_owned())),
        pair("priority", NAME, format!("{}   nice {}   last core {}", p.priority, p.nice, p.core)),
        pair("cpu time", NAME, format!("{}   threads {}", row.cpu_time(), p.threads)),
        pair(
            "memory",
            NAME,
            format!("{} resident   {} virtual", bytes_long(p.memory_bytes as f64), bytes_long(p.virtual_bytes as f64)),
        ),
        pair(
            "storage",
            NAME,
            format!("{}/s read   {}/s written", rate(p.read_per_second()), rate(p.write_per_second())),
        ),
    ]);
    lines.extend(p.info.iter().filter(|i| !i.cgroup.is_empty()).map(|info| pair("cgroup", NAME, &*info.cgroup)));
    lines
}

/// Its owner, and the GPUs, datasets and ports that it uses.
fn where_it_runs(state: &State, p: &Process, detail: Option<&ProcessDetailSample>, columns: usize, lines: &mut Page) {
    let host = &state.host;
    let mut note = |name: &str, role: Role, value: &str, leads: Option<Subject>| {
        for (at, line) in wrap(value, columns.saturating_sub(NAME + 1)).into_iter().enumerate() {
            let line = vec![(format!("{:<NAME$} ", if at == 0 { name } else { "" }), Role::Dim), (line, role)];
            lines.push(LinkedLine::from(line).link(1, leads.clone().filter(|_| at == 0)));
        }
    };
    match (join::container_of_process(host, p), p.container()) {
        (Some(c), _) => {
            let words = format!("{} ({}) {}", c.meta.name, c.short_id(), c.meta.image);
            note("container", Role::Container, &words, Some(join::subject_of_container(host, c)));
        }
        (None, Some(id)) => note("container", Role::Container, id, None),
        _ => {}
    }
    let (pod, guest) = (p.pod(), p.guest());
    note_some(&mut note, "pod", pod.as_deref());
    note_some(&mut note, "guest", guest.as_deref());
    note_some(&mut note, "unit", p.unit());
    for row in &host.gpus.rows {
        for on in row.raw.processes.iter().filter(|on| on.pid == p.tgid) {
            let memory = on.memory.map_or_else(|| ABSENT.to_owned(), |b| bytes_long(b as f64));
            let busy = row.busy_of(on.pid).map_or_else(String::new, |b| format!(", {:.0} % busy", b * 100.0));
            let words = format!("{} holds {memory}{busy}", row.raw.label());
            note("gpu", Role::Text, &words, Some(Subject::Gpu(row.raw.id.clone())));
        }
    }
    let Some(detail) = detail else { return };
    for (dataset, whys) in join::datasets_of_process(host, p, detail) {
        let leads = Subject::Dataset(dataset.to_owned());
        note("dataset", Role::Text, &format!("{dataset}: {}", whys.join(", ")), Some(leads));
    }
    let mut ports: Vec<String> = detail
        .sockets
        .iter()
        .filter(|s| s.state == "listen" || (s.protocol == Protocol::Udp && s.remote.port() == 0))
        .map(|s| format!("{} {}", protocol(s.protocol), s.local))
        .collect();
    ports.sort();
    ports.dedup();
    note_some(&mut note, "listens", (!ports.is_empty()).then(|| ports.join(", ")).as_deref());
}

fn note_some(note: &mut impl FnMut(&str, Role, &str, Option<Subject>), name: &str, value: Option<&str>) {
    if let Some(value) = value {
        note(name, Role::Text, value, None);
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Tcp { "tcp" } else { "udp" }
}

/// What was read for this view alone.
fn read(cx: &DrawCx<'_>, raw: &ProcessDetailSample, columns: usize, lines: &mut Page) {
    let mut known = |name: &str, value: Option<String>| lines.extend(value.map(|v| pair(name, NAME, v)));
    known("exe", raw.executable.clone());
    known("cwd", raw.folder.clone());
    let swap = raw.swap_bytes.filter(|s| *s > 0).map(|s| format!("   {} swapped", bytes_long(s as f64)));
    known("PSS", raw.pss_bytes.map(|b| format!("{}{}", bytes_long(b as f64), swap.unwrap_or_default())));
    known("switches", raw.switches.map(|(own, forced)| format!("{own} voluntary   {forced} involuntary")));
    known("OOM score", raw.oom_score.map(|s| s.to_string()));
    known("wchan", raw.waits_in.clone());
    for denied in &raw.denied {
        lines.push(vec![(format!("{} ", cx.theme.glyphs.unknown), Role::Unknown), (denied.clone(), Role::Dim)]);
    }
    if raw.arguments.len() > 1 {
        section(lines, "Command line");
        let quoted: Vec<Cow<'_, str>> = raw.arguments.iter().map(|argument| quoted(argument)).collect();
        let flowed = flow(quoted.iter().map(|argument| &**argument), columns.saturating_sub(2));
        lines.extend(flowed.into_iter().map(|line| vec![(line, Role::Text)]));
    }
    if !raw.sockets.is_empty() {
        section(lines, "Sockets");
        for socket in &raw.sockets {
            let protocol = protocol(socket.protocol);
            let remote = if socket.remote.port() == 0 { String::new() } else { format!(" to {}", socket.remote) };
            lines.push(vec![
                (format!("{protocol} {:<12}", socket.state), Role::Dim),
                (format!("{}{remote}", socket.local), Role::Text),
            ]);
        }
    }
    if raw.files_total > 0 {
        let limit = raw.files_limit.map(|l| format!(" of {l} allowed")).unwrap_or_default();
        section(lines, &format!("Open files: {}{limit}", raw.files_total));
        for (fd, target) in &raw.files {
            lines.push(vec![(format!("{fd:>5} "), Role::Dim), (target.clone(), Role::Text)]);
        }
        let more = raw.files_total as usize - raw.files.len().min(raw.files_total as usize);
        if more > 0 {
            lines.push(vec![(format!("and {more} more"), Role::Dim)]);
        }
    }
    if !raw.environment_names.is_empty() {
        section(lines, "Environment (names only: values may be secret)");
        let names = raw.environment_names.join(" ");
        lines.extend(wrap(&names, columns.saturating_sub(2)).into_iter().map(|l| vec![(l, Role::Text)]));
    }
}

/// An argument as a shell would take it.
fn quoted(argument: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => Cow::Borrowed(argument),
        false => Cow::Owned(format!("'{}'", argument.replace('\'', "'\\''"))),
    }
}

fn children(state: &State, key: ProcKey, lines: &mut Page) {
    let rows = &state.host.processes.rows;
    let children: Vec<&Process> =
        rows.iter().filter(|p| p.parent == key.pid && !p.is_thread() && p.key != key).collect();
    if children.is_empty() {
        return;
    }
    section(lines, &format!("Children: {}", children.len()));
    for child in children {
        let cpu = child.cpu.map_or_else(|| ABSENT.to_owned(), |c| format!("{:.1} %", c * 100.0));
        let line = vec![
            (format!("{:>7} ", child.key.pid), Role::Text),
            (format!("{cpu:>8} {} ", bytes(Some(child.memory_bytes as f64))), Role::Dim),
            (child.command().to_owned(), Role::Text),
        ];
        lines.push(LinkedLine::from(line).link(0, Some(Subject::Process(child.key))));
    }
}

fn section(lines: &mut Page, title: &str) {
    if lines.lines().last().is_some_and(|l| l.pieces.iter().any(|(text, _)| width(text) > 0)) {
        lines.push(Vec::new());
    }
    lines.push(heading(title));
}

#[cfg(test)]
mod tests;
