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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            gpu::{Gpu, GpuProcess, GpuRow},
            model_server::{Figures, Model, ModelRow, ModelState, Reading, Runner, Server, Work},
            process::{ProcKey, Process},
        },
        state::State,
        ui::canvas::testing::drawn,
    };

    fn loaded(work: Work, figures: Figures) -> ModelRow {
        let mut row = ModelRow::default();
        row.raw = Model { name: "gemma".into(), state: ModelState::Loaded, work, ..Model::default() };
        row.flow.figures = figures;
        row
    }

    fn server(state: ServerState) -> ServerRow {
        let raw = Server {
            name: "box".into(),
            url: "http://box".into(),
            state,
            every: Duration::from_secs(1),
            ..Server::default()
        };
        ServerRow { raw, ..ServerRow::default() }
    }

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        state.host.now = Stamp::at_seconds(1000);
        state
    }

    fn page(state: &State, row: &ServerRow, room: usize) -> Page {
        let mut page = Page::default();
        drawn(state, (1, 1), |cx, _, _| lines(cx, row, room, &mut page));
        page
    }

    fn texts(page: &Page) -> Vec<String> {
        let text = |line: &LinkedLine| line.pieces.iter().map(|(words, _)| words.as_str()).collect::<String>();
        page.lines().iter().map(|line| text(line).trim_end().to_owned()).collect()
    }

    fn said(row: &ServerRow) -> Vec<String> {
        texts(&page(&machine(), row, 60))
    }

    #[test]
    fn state_says_for_how_long_and_why() {
        let mut row = server(ServerState::Up);
        row.since = Some(Stamp::at_seconds(940));
        assert_eq!(
            said(&row),
            [
                "state        up, for 1m",
                "address      http://box   configured, asked every 1s",
                "program      Ollama –".replace("Ollama", row.raw.kind.title()).as_str(),
            ]
        );
        row.raw.state = ServerState::Unreachable("connection refused by the other side".into());
        let shown = page(&machine(), &row, 50);
        assert_eq!(
            texts(&shown)[..2],
            ["state        unreachable, for 1m: connection", "             refused by the other side"]
        );
        assert_eq!(shown.lines()[0].pieces[1].1, Role::Warn);
        row.raw.state = ServerState::Asleep;
        assert!(said(&row)[1].starts_with("             Its model is out of memory until the next"));
    }

    #[test]
    fn what_a_server_does_not_report_is_named_while_it_is_up() {
        let mut row = server(ServerState::Up);
        row.raw.reading = Arc::new(Reading {
            missing: Some("start it with --metrics".into()),
            version: Some("b6700".into()),
            ..Reading::default()
        });
        assert_eq!(said(&row)[1], "missing      start it with --metrics");
        assert!(said(&row).last().is_some_and(|line| line.ends_with(" b6700")));
        row.raw.state = ServerState::Loading;
        assert!(said(&row).iter().all(|line| !line.starts_with("missing")));
    }

    #[test]
    fn address_says_how_it_was_found_and_how_old_its_answer_is() {
        let mut row = server(ServerState::Up);
        let line = |row: &ServerRow| said(row)[1].clone();
        for (origin, words) in [
            (Origin::Configured, "configured"),
            (Origin::Process, "found as a process"),
            (Origin::Port, "found by its port"),
        ] {
            row.raw.origin = origin;
            assert_eq!(line(&row), format!("address      http://box   {words}, asked every 1s"));
        }
        row.raw.took = Some(0.002);
        // An interval and two seconds are no delay yet.
        row.raw.at = Some(Stamp::at_seconds(997));
        assert!(line(&row).ends_with("asked every 1s, in 2.0 ms"));
        row.raw.at = Some(Stamp::at_seconds(996));
        assert!(line(&row).ends_with("in 2.0 ms, answered 4s ago"));
    }

    #[test]
    fn work_of_all_loaded_models_is_one_line() {
        let mut row = server(ServerState::Up);
        let work = |running, waiting| Work { running: Some(running), waiting: Some(waiting), ..Work::default() };
        let figures = Figures {
            tokens: Some(30.0),
            prompt: Some(100.0),
            cached: Some(0.25),
            preemptions: Some(0.0),
            failed: Some(0.0),
            ..Figures::default()
        };
        let line = |row: &ServerRow| said(row).into_iter().find(|line| line.starts_with("work "));
        assert_eq!(line(&row), None);
        row.models = vec![loaded(work(1.0, 0.0), figures.clone())];
        let words = "work         1 running   0 waiting   30 tok/s   prompts 100 tok/s   25% of them cached";
        assert_eq!(line(&row).as_deref(), Some(words));
        let other = Figures {
            tokens: Some(12.0),
            prompt: Some(20.0),
            cached: Some(0.5),
            preemptions: Some(0.5),
            failed: Some(0.06),
            ..Figures::default()
        };
        row.models.push(loaded(work(2.0, 3.0), other));
        let words = "work         3 running   3 waiting   42 tok/s   prompts 120 tok/s   50% of them cached   0.5 preemptions/s   6% failed";
        assert_eq!(line(&row).as_deref(), Some(words));
    }

    #[test]
    fn its_process_and_its_card_are_links() {
        let mut state = machine();
        let mut row = server(ServerState::Up);
        let key = ProcKey { pid: 7, start_ticks: 5 };
        state.host.processes.rows = vec![Process { key, tgid: 7, name: "vllm".into(), ..Process::default() }];
        row.raw.process = Some(Runner { pid: 7, started: 5 });
        let used = GpuProcess { pid: 7, memory: Some(2 << 30), ..GpuProcess::default() };
        let raw = Gpu { id: "GPU-1".into(), processes: vec![used], ..Gpu::default() };
        state.host.gpus.rows = vec![GpuRow { raw, busy: Some(0.5), ..GpuRow::default() }];
        let shown = page(&state, &row, 60);
        let label = state.host.gpus.rows[0].raw.label();
        let lines = texts(&shown);
        assert!(lines.contains(&"process      7 vllm".to_owned()), "{lines:?}");
        assert!(lines.contains(&format!("card         {label}   2.0 GiB held   50% busy")), "{lines:?}");
        let links: Vec<Subject> = shown.links().map(|(_, to)| to.clone()).collect();
        assert_eq!(links, [Subject::Process(key), Subject::Gpu("GPU-1".into())]);
    }
}
