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

/// The least of 1, 2, 5, 10 … in any decade that holds `greatest`: a scale that changes seldom.
fn round(greatest: f64) -> f64 {
    let decade = 10f64.powf(greatest.log10().floor());
    let tops = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    tops.into_iter().find(|top| *top >= greatest * 0.999_999).unwrap_or(greatest)
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
        let top = round(limit.filter(|limit| *limit <= most * 4.0).map_or(most, |limit| most.max(limit * 1.05)));
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
