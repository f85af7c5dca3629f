//! One model server: what holds it back, how it was, its models with their cost, its slots, and what went wrong.

mod facts;
mod lists;

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::{
        metrics::{self, MetricId},
        model_server::ServerRow,
        series::Series,
        source::SourceId,
        subject::Subject,
    },
    state::{State, levels},
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::tick,
        overlays::seen::Seen,
        parts::reader::Reader,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::round_top,
            normal::NormalOf,
            page::Page,
            past::{Past, pasts},
        },
    },
    units::{self, ABSENT},
};

/// Rows of a line of graphs, the heads included.
const PAST: u16 = 6;
/// Rows from which on there is room for one line of graphs, and for two.
const ROOM: (u16, u16) = (17, 28);

pub struct ModelDetail {
    name: String,
    seen: Seen<ServerRow>,
    reader: Reader,
    /// What is usual, in the order of the graphs.
    normals: [NormalOf; 4],
}

/// The view of a model server.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::ModelServer(name) = subject else { return None };
    state.host.model_servers.named(name)?;
    Some(Box::new(ModelDetail {
        name: name.clone(),
        seen: Seen::default(),
        reader: Reader::default(),
        normals: Default::default(),
    }))
}

impl Overlay for ModelDetail {
    fn title(&self, _state: &State) -> String {
        match self.seen.last() {
            Some(row) => format!("{} · {}", row.raw.name, row.raw.kind.title()),
            None => "model server".to_owned(),
        }
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::ModelServers]
    }

    fn gone(&self) -> Option<&'static str> {
        self.seen.gone("gone")
    }

    fn refresh(&mut self, state: &State) {
        self.seen.look(state.host.health.round(SourceId::ModelServers), state.host.model_servers.named(&self.name));
        if let Some(row) = self.seen.last() {
            let all = [&row.tokens_history, &row.queue_history, &row.first_token_history, &row.kv_history];
            self.normals.iter_mut().zip(all).for_each(|(normal, series)| normal.update(series));
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = self.seen.shown(cx, area, canvas) else { return };
        let lines = u16::from(area.height >= ROOM.0) + u16::from(area.height >= ROOM.1);
        let each = if area.height >= ROOM.1 { PAST } else { PAST - 2 };
        let bands = self.normals.each_ref().map(NormalOf::band);
        graphs(cx, area, canvas, row, bands, (lines, each));
        let past = lines * each;
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let room = usize::from(area.width);
        let mut page = Page::default();
        facts::lines(cx, row, room, &mut page);
        lists::models(cx, row, room, &mut page);
        lists::slots(row, &mut page);
        lists::settings(row, &mut page);
        lists::troubles(cx, row, room, &mut page);
        self.reader.draw(cx, rest, canvas, &page);
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.reader.act(action)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        self.reader.hints()
    }
}

/// Tokens a second and the queue; the first token and the KV cache: each with what is usual, and the limit of its rule where
/// there is one.
fn graphs(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    row: &ServerRow,
    bands: [Option<(f64, f64)>; 4],
    (lines, each): (u16, u16),
) {
    let known = |value: Option<f64>, show: &dyn Fn(f64) -> String| value.map_or_else(|| ABSENT.to_owned(), show);
    let tokens = known(row.tokens(), &|tokens| units::count_short(tokens));
    let waits = known(row.waiting(), &|waiting| format!("{waiting:.0}"));
    let first = known(row.first_token().map(|spread| spread.p50), &units::latency);
    let kv = known(row.kv_used(), &units::percent);
    let model = row.loaded().next().map_or("", |model| model.raw.name.as_str());
    let labels = [row.raw.name.as_str(), model];
    let past = |at: usize, head: String, series, role, metric: MetricId, value: Option<f64>| {
        let labels = &labels[..metric.def().labels.len()];
        let limit = tick(cx.state.limits(metric, labels));
        let level = value.map_or(Level::Ok, |value| cx.state.level(metric, labels, value));
        // Where a limit is not far above what was, its line is in the graph.
        let most = Series::max(series).unwrap_or(0.0).max(1e-9);
        let top = round_top(limit.filter(|limit| *limit <= most * 4.0).map_or(most, |limit| most.max(limit * 1.05)));
        Past { head, series, top, role, level, limit, band: bands[at] }
    };
    let all = [
        past(
            0,
            format!("tokens/s {tokens}"),
            &row.tokens_history,
            Role::Gpu,
            metrics::MODEL_TOKENS_PER_SECOND,
            row.tokens(),
        ),
        past(1, format!("waiting {waits}"), &row.queue_history, Role::Pressure, metrics::MODEL_QUEUE, row.waiting()),
        past(
            2,
            format!("first token {first}"),
            &row.first_token_history,
            Role::NetReceive,
            metrics::MODEL_FIRST_TOKEN_SECONDS,
            row.first_token().map(|spread| spread.p50),
        ),
        past(
            3,
            format!("KV cache {kv}"),
            &row.kv_history,
            Role::GpuMemory,
            metrics::MODEL_KV_CACHE_USED_RATIO,
            row.kv_used(),
        ),
    ];
    let [tokens, mut waiting, first, kv] = all;
    // A queue that is too long is one in which requests wait for too long.
    waiting.level = waiting.level.max(levels::model_queue(cx.state, row));
    let all = [tokens, waiting, first, Past { top: 1.0, ..kv }];
    pasts(cx, area, canvas, each, &all[..usize::from(lines * 2).min(all.len())]);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        alert::{Rule, shipped},
        model::model_server::{Figures, Kind, Model, ModelRow, ModelState, Server, ServerState, Setting, Spread, Work},
        ui::canvas::testing::{Drawn, answered, drawn, series},
    };

    fn machine() -> State {
        judged(shipped())
    }

    fn judged(rules: Vec<Rule>) -> State {
        let mut state = State::new(rules.into());
        answered(&mut state, SourceId::ModelServers, 400);
        let work = Work { running: Some(1.0), waiting: Some(2.0), kv_used: Some(0.5), ..Work::default() };
        let mut model = ModelRow::default();
        model.raw = Model { name: "gemma".into(), state: ModelState::Loaded, work, ..Model::default() };
        let first_token = Some(Spread { p50: 0.25, ..Spread::default() });
        model.flow.figures = Figures { tokens: Some(45.0), first_token, ..Figures::default() };
        let raw = Server {
            name: "box".into(),
            url: "http://box".into(),
            kind: Kind::Vllm,
            state: ServerState::Up,
            every: Duration::from_secs(1),
            settings: vec![Setting { name: "context".into(), set: "8192".into() }],
            ..Server::default()
        };
        state.host.model_servers.rows = vec![ServerRow {
            raw,
            models: vec![model],
            tokens_history: series([50.0; 400]),
            queue_history: series([2.0; 400]),
            first_token_history: series([0.25; 400]),
            kv_history: series([0.5; 400]),
            ..ServerRow::default()
        }];
        state
    }

    fn opened(state: &State) -> Box<dyn Overlay> {
        let mut view = open(&Subject::ModelServer("box".into()), state).expect("it is there");
        view.refresh(state);
        view
    }

    fn view(state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| opened(state).draw(cx, area, canvas))
    }

    #[test]
    fn four_graphs_are_above_the_facts_where_there_is_room() {
        let state = machine();
        let shown = view(&state, (80, 28));
        let half = |shown: &Drawn, y: usize, from: usize| {
            shown.lines()[y].chars().skip(from).take(38).collect::<String>().trim_end().to_owned()
        };
        let full = "⣿".repeat(38);
        assert_eq!((half(&shown, 0, 0), half(&shown, 0, 40)), ("tokens/s 45".to_owned(), "waiting 2".to_owned()));
        // Six rows: the head, four of graph, the axis. 50 fill a scale of 50, 2 one of 2, 250 ms half of 500.
        assert_eq!([1, 4].map(|y| half(&shown, y, 0)), [full.clone(), full.clone()]);
        assert_eq!([1, 4].map(|y| half(&shown, y, 40)), [full.clone(), full.clone()]);
        assert!(half(&shown, 5, 0).ends_with("now"));
        assert_eq!(
            (half(&shown, 6, 0), half(&shown, 6, 40)),
            ("first token 250 ms".to_owned(), "KV cache 50%".to_owned())
        );
        assert_eq!([8, 9, 10].map(|y| half(&shown, y, 0)), [String::new(), full.clone(), full.clone()]);
        assert_eq!([8, 9, 10].map(|y| half(&shown, y, 40)), [String::new(), full.clone(), full.clone()]);
        assert_eq!(
            [(0, 4), (40, 4), (0, 10), (40, 10)].map(|(x, y)| shown.role_at(x, y)),
            [Role::Gpu, Role::Pressure, Role::NetReceive, Role::GpuMemory].map(Some)
        );
        assert_eq!(shown.lines()[12], "state        up");
        // One line of lower graphs, then none.
        let lower = view(&state, (80, 27));
        assert_eq!([1, 2].map(|y| half(&lower, y, 0)), [full.clone(), full]);
        assert!(half(&lower, 3, 0).ends_with("now"));
        assert_eq!(lower.lines()[4], "state        up");
        assert_eq!(view(&state, (80, 17)).lines()[4], "state        up");
        assert_eq!(view(&state, (80, 16)).line(), "state        up");
    }

    #[test]
    fn what_is_usual_is_shaded() {
        let mut state = machine();
        let row = &mut state.host.model_servers.rows[0];
        // A tenth and more of the past, though not of what is visible, at 60%.
        row.kv_history = series((0..400).map(|at| if at < 80 { 0.6 } else { 0.1 }));
        let shown = view(&state, (80, 28));
        let roles = [7, 8, 9, 10].map(|y| shown.role_at(40, y));
        assert_eq!(roles, [None, Some(Role::Band), Some(Role::Band), Some(Role::GpuMemory)]);
    }

    #[test]
    fn a_limit_that_is_not_far_above_is_in_the_graph() {
        let queue = |limit: f64, most: f64| {
            let mut rule = Rule::new("queue", metrics::MODEL_QUEUE);
            rule.limits.warn = Some(limit);
            let mut state = judged(vec![rule]);
            state.host.model_servers.rows[0].queue_history = series([most; 400]);
            let shown = view(&state, (80, 28));
            let column = (1..5).map(|y| shown.lines()[y].chars().nth(50).unwrap_or(' ')).collect::<String>();
            (column, shown.role_at(50, 4))
        };
        // Half of one and of the scale of two; the line of the limit in the middle.
        assert_eq!(queue(1.0, 0.5), ("  ─⣿".to_owned(), Some(Role::Warn)), "two wait now");
        assert_eq!(queue(3.0, 2.0), (" ─⣤⣿".to_owned(), Some(Role::Pressure)));
        // Four times what was is the farthest: eight of ten, and two of two.
        assert_eq!(queue(8.0, 2.0).0, "─  ⣶");
        assert_eq!(queue(8.1, 2.0).0, "⣿⣿⣿⣿");
    }

    #[test]
    fn graphs_without_figures_say_so() {
        let mut state = machine();
        state.host.model_servers.rows[0].models.clear();
        let lines = view(&state, (80, 28)).lines();
        assert!(lines[0].starts_with("tokens/s –") && lines[0].ends_with("waiting –"), "{}", lines[0]);
        assert!(lines[6].starts_with("first token –") && lines[6].ends_with("KV cache –"), "{}", lines[6]);
    }

    #[test]
    fn a_server_that_is_gone_stays_readable() {
        let mut state = machine();
        assert!(open(&Subject::ModelServer("other".into()), &state).is_none());
        assert!(open(&Subject::Cpu, &state).is_none());
        let unseen = open(&Subject::ModelServer("box".into()), &state).expect("it is there");
        assert_eq!(unseen.title(&state), "model server");
        let mut view = opened(&state);
        assert_eq!((view.title(&state).as_str(), view.gone(), view.full_screen()), ("box · vLLM", None, true));
        assert_eq!(view.feeds(&state), [SourceId::ModelServers]);
        state.host.model_servers.rows.clear();
        view.refresh(&state);
        assert_eq!(view.gone(), Some("gone"));
        let top = |view: &dyn Overlay| drawn(&state, (80, 3), |cx, area, canvas| view.draw(cx, area, canvas)).line();
        assert_eq!(top(&*view), "state        up");
        assert!(view.act(Action::Down, &state).is_some_and(|effects| effects.is_empty()));
        assert_ne!(top(&*view), "state        up");
        assert!(view.act(Action::Search, &state).is_none() && view.hints().is_empty());
    }
}
