//! One pool: what it says of itself, its tree of devices with errors and rates, its datasets, who uses it, and the cache
//! that all pools share.

mod facts;
mod trees;

use ratatui::layout::Rect;

use super::operations;
use crate::{
    alert::Level,
    model::{container::RunState, join, pool::PoolRow, source::SourceId, subject::Subject},
    state::State,
    text::elide,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        figures::bytes,
        overlays::seen::Seen,
        parts::{arc, process, reader::Reader},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::nice_top,
            page::{LinkedLine, Page},
            past::{Past, pasts},
            sheet::heading,
        },
    },
};

/// Rows of the graphs, their heads included.
const PAST: u16 = 7;
/// Processes listed at most.
const PROCESSES: usize = 15;

pub struct PoolDetail {
    name: String,
    seen: Seen<PoolRow>,
    reader: Reader,
}

impl PoolDetail {
    /// Of the pool of this name.
    #[must_use]
    pub fn new(name: String) -> Self {
        PoolDetail { name, seen: Seen::default(), reader: Reader::default() }
    }
}

/// The view of a pool; its devices and datasets are shown there.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let pool = join::pool_of_subject(subject)?;
    state.host.pools.find(pool)?;
    Some(Box::new(PoolDetail::new(pool.to_owned())))
}

impl Overlay for PoolDetail {
    fn title(&self, _state: &State) -> String {
        format!("pool {}", self.name)
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Pools]
    }

    fn gone(&self) -> Option<&'static str> {
        self.seen.gone("exported")
    }

    fn refresh(&mut self, state: &State) {
        self.seen.look(state.host.health.round(SourceId::Pools), state.host.pools.find(&self.name));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = self.seen.shown(cx, area, canvas) else { return };
        let past = if area.height >= PAST * 3 { PAST } else { 0 };
        if past > 0 {
            pasts(cx, area, canvas, PAST, &past_of(row));
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let room = usize::from(area.width);
        let mut lines = Page::from_iter(facts::standing(cx.state, row));
        let first = lines.lines().len();
        lines.extend(facts::reported(cx.state, row, room));
        trees::devices(cx.state, row, room, &mut lines);
        trees::datasets(cx.state, row, room, &mut lines);
        // The state is the module's own word now; what follows was said before.
        if row.stands_still() || self.seen.is_gone() {
            let old = lines.lines_mut().iter_mut().skip(first).flat_map(|line| &mut line.pieces);
            old.for_each(|(_, role)| *role = Role::Faint);
        }
        users(cx.state, row, &mut lines);
        lines.extend(arc::lines(&cx.state.host.memory));
        self.reader.draw(cx, rest, canvas, &lines);
    }

    fn context(&self) -> Context {
        Context::Objects
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Acts => Some(operations::choose(&self.name, state)),
            action => self.reader.act(action),
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [(Action::Acts, "acts")].into_iter().filter(|_| !self.seen.is_gone());
        own.chain(self.reader.hints()).collect()
    }
}

/// What was read and written.
fn past_of(row: &PoolRow) -> [Past<'_>; 2] {
    let rate = |value: Option<f64>| format!("{}/s", bytes(value).trim_start());
    let [read, written] = [row.io.map(|io| io.read_bytes), row.io.map(|io| io.write_bytes)];
    let figures =
        [("read", read, &row.read_history, Role::DiskRead), ("written", written, &row.write_history, Role::DiskWrite)];
    figures.map(|(name, value, series, role)| Past {
        head: format!("{name} {}", rate(value)),
        series,
        top: nice_top(series.max().unwrap_or(0.0)),
        role,
        level: Level::Ok,
        limit: None,
        band: None,
    })
}

/// Containers that mount something of it, and their busiest processes.
fn users(state: &State, row: &PoolRow, lines: &mut Page) {
    let users = join::containers_of_pool(&state.host, &row.name);
    if users.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(heading(&format!("Containers on it, {}", users.len())));
    for (container, datasets) in &users {
        let running = container.meta.state == RunState::Running;
        let line = vec![
            (format!("{:<20} ", elide(&container.meta.name, 20)), if running { Role::Text } else { Role::Dim }),
            (format!("{:<11} {}", container.meta.word(), datasets.join(", ")), Role::Dim),
        ];
        lines.push(LinkedLine::from(line).link(0, Some(join::subject_of_container(&state.host, container))));
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
        lines.extend(processes.into_iter().take(PROCESSES).map(process::line));
    }
}
