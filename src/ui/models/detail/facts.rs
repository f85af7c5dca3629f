//! What a server is and does, a line a subject.

use std::time::Duration;

use crate::{
    model::{
        join,
        model_server::{Origin, ServerRow, ServerState},
        subject::Subject,
    },
    state::levels,
    ui::{
        canvas::DrawCx,
        figures::role_of,
        theme::Role,
        widgets::{
            page::{LinkedLine, Page},
            sheet::{SheetLine, wrap},
        },
    },
    units::{self, ABSENT},
};

/// Columns of a name before its value.
pub(super) const NAME: usize = 12;

/// A name and its value.
pub(super) fn line(name: &str, role: Role, text: impl Into<String>) -> SheetLine {
    vec![(format!("{name:<NAME$} "), Role::Dim), (text.into(), role)]
}

/// Words that are wrapped.
pub(super) fn words(page: &mut Page, name: &str, role: Role, text: &str, room: usize) {
    for (at, piece) in wrap(text, room.saturating_sub(NAME + 1)).into_iter().enumerate() {
        page.push(line(if at == 0 { name } else { "" }, role, piece));
    }
}

pub(super) fn lines(cx: &DrawCx<'_>, row: &ServerRow, room: usize, page: &mut Page) {
    let (raw, host) = (&row.raw, &cx.state.host);
    let level = levels::model_server(cx.state, row);
    let since = row.since.map_or_else(String::new, |since| format!(", for {}", units::span(host.now.since(since))));
    match raw.state.why() {
        Some(why) => {
            words(page, "state", role_of(level, Role::Text), &format!("{}{since}: {why}", raw.state.word()), room)
        }
        None => page.push(line("state", Role::Text, format!("{}{since}", raw.state.word()))),
    }
    if let Some(slow) = row.slow(&join::around_model_server(host, row), host.now) {
        words(page, "held back by", Role::Advice, &slow.words(), room);
    }
    if let Some(missing) = raw.reading.missing.as_ref().filter(|_| row.is_up()) {
        words(page, "missing", Role::Dim, missing, room);
    }
    if raw.state == ServerState::Asleep {
        words(
            page,
            "",
            Role::Dim,
            "Its model is out of memory until the next request; it is not asked for figures, as that would wake it.",
            room,
        );
    }
    work(row, page);
    let age = raw.at.map(|at| host.now.since(at)).filter(|age| *age > raw.every + Duration::from_secs(2));
    let age = age.map_or_else(String::new, |age| format!(", answered {} ago", units::span_short(age)));
    let found = match raw.origin {
        Origin::Configured => "configured",
        Origin::Process => "found as a process",
        Origin::Port => "found by its port",
    };
    let took = raw.took.map_or_else(String::new, |took| format!(", in {}", units::latency(took)));
    let every = units::span_short(raw.every);
    page.push(line("address", Role::Text, format!("{}   {found}, asked every {every}{took}{age}", raw.url)));
    let version = raw.reading.version.as_deref().unwrap_or(ABSENT);
    page.push(line("program", Role::Text, format!("{} {version}", raw.kind.title())));
    owners(cx, row, page);
}

fn work(row: &ServerRow, page: &mut Page) {
    let figures: Vec<_> = row.loaded().map(|model| &model.flow.figures).collect();
    let prompt = figures.iter().filter_map(|f| f.prompt).reduce(|a, b| a + b);
    let cached = figures.iter().filter_map(|f| f.cached).reduce(f64::max);
    let preempted = figures.iter().filter_map(|f| f.preemptions).reduce(|a, b| a + b).filter(|rate| *rate > 0.0);
    let failed = figures.iter().filter_map(|f| f.failed).reduce(f64::max).filter(|share| *share > 0.0);
    let count = |value: Option<f64>, what: &str| value.map(|value| format!("{value:.0} {what}"));
    let pieces = [
        count(row.running(), "running"),
        count(row.waiting(), "waiting"),
        row.tokens().map(|rate| format!("{} tok/s", units::count_short(rate))),
        prompt.map(|rate| format!("prompts {} tok/s", units::count_short(rate))),
        cached.map(|share| format!("{} of them cached", units::percent(share))),
        preempted.map(|rate| format!("{rate:.1} preemptions/s")),
        failed.map(|share| format!("{} failed", units::percent(share))),
    ];
    let pieces: Vec<String> = pieces.into_iter().flatten().collect();
    if !pieces.is_empty() {
        page.push(line("work", Role::Text, pieces.join("   ")));
    }
}

/// Its process, container and cards, which have views of their own.
fn owners(cx: &DrawCx<'_>, row: &ServerRow, page: &mut Page) {
    let host = &cx.state.host;
    if let Some(process) = join::process_of_model_server(host, row) {
        let text = format!("{} {}", process.key.pid, process.name);
        page.push(LinkedLine::from(line("process", Role::Text, text)).link(1, Some(Subject::Process(process.key))));
    }
    if let Some(container) = join::container_of_model_server(host, row) {
        let subject = join::subject_of_container(host, container);
        page.push(LinkedLine::from(line("container", Role::Text, container.meta.name.clone())).link(1, Some(subject)));
    }
    for (gpu, memory) in join::cards_of_model_server(host, row) {
        let held = memory.map_or_else(String::new, |bytes| format!("   {} held", units::bytes_long(bytes as f64)));
        let busy = gpu.busy.map_or_else(String::new, |busy| format!("   {} busy", units::percent(busy)));
        let text = format!("{}{held}{busy}", gpu.raw.label());
        page.push(LinkedLine::from(line("card", Role::Text, text)).link(1, Some(Subject::Gpu(gpu.raw.id.clone()))));
    }
    if let Some(tokens) = join::tokens_per_joule(host, row) {
        page.push(line("efficiency", Role::Text, format!("{tokens:.2} tokens per joule (tok/s by watts)")));
    }
}
