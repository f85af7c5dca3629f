//! One model server: what holds it back, how it was, its models with their cost, its slots, and what went wrong.

mod facts;
mod lists;

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::{model_server::ServerRow, series::Series, source::SourceId, subject::Subject},
    state::{State, levels},
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        overlays::seen::Seen,
        parts::reader::Reader,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::nice_top,
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
}

/// The view of a model server.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::ModelServer(name) = subject else { return None };
    state.host.model_servers.named(name)?;
    Some(Box::new(ModelDetail { name: name.clone(), seen: Seen::default(), reader: Reader::default() }))
}

impl Overlay for ModelDetail {
    fn title(&self, _state: &State) -> String {
        match self.seen.last() {
            Some(row) if self.seen.is_gone() => format!("{} · gone", row.raw.name),
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

    fn refresh(&mut self, state: &State) {
        self.seen.look(state.host.health.round(SourceId::ModelServers), state.host.model_servers.named(&self.name));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = self.seen.shown(cx, area, canvas) else { return };
        let lines = u16::from(area.height >= ROOM.0) + u16::from(area.height >= ROOM.1);
        let each = if area.height >= ROOM.1 { PAST } else { PAST - 2 };
        graphs(cx, area, canvas, row, lines, each);
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

/// Tokens a second and the queue; the first token and the KV cache.
fn graphs(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &ServerRow, lines: u16, each: u16) {
    let known = |value: Option<f64>, show: &dyn Fn(f64) -> String| value.map_or_else(|| ABSENT.to_owned(), show);
    let tokens = known(row.tokens(), &|tokens| units::count_short(tokens));
    let waits = known(row.waiting(), &|waiting| format!("{waiting:.0}"));
    let first = known(row.first_token().map(|spread| spread.p50), &units::latency);
    let kv = known(row.kv_used(), &units::percent);
    let top = |series: &Series| nice_top(series.max().unwrap_or(0.0).max(1e-9));
    let past = |head: String, series, top, role| Past { head, series, top, role, level: Level::Ok, limit: None };
    let queue_level = levels::model_queue(cx.state, row);
    let all = [
        past(format!("tokens/s {tokens}"), &row.tokens_history, top(&row.tokens_history), Role::Gpu),
        Past {
            level: queue_level,
            ..past(format!("waiting {waits}"), &row.queue_history, top(&row.queue_history), Role::Pressure)
        },
        past(format!("first token {first}"), &row.first_token_history, top(&row.first_token_history), Role::NetReceive),
        past(format!("KV cache {kv}"), &row.kv_history, 1.0, Role::GpuMemory),
    ];
    pasts(cx, area, canvas, each, &all[..usize::from(lines * 2).min(all.len())]);
}
