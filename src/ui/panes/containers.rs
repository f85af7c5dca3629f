//! The containers pane: one row each, whatever engine runs it. A machine without an engine gives its room away; an engine
//! that does not answer says so in a line, and what it said last stays.

pub mod columns;
mod draw;

use std::cell::RefCell;

use ratatui::layout::Rect;

use crate::{
    config::Settings,
    model::{container::ContainerRow, event::SourceId},
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        effect::{Effect, Message, To},
        overlays::{Key, container_detail::ContainerDetail},
        pane::{Pane, PaneDef, PaneId, Rows},
        table::{column::Placed, grid::Grid, needle::Needle},
    },
};
use columns::{COLUMNS, Row, order};

/// Its row in the table.
pub const DEF: PaneDef = PaneDef {
    id: PaneId::Containers,
    name: "containers",
    title: "containers",
    feeds: &[SourceId::Containers],
    min_width: 60,
    make: |_| Box::<ContainersPane>::default(),
};

/// What names a container as long as it exists: the front of its id.
pub type ContainerKey = u64;

/// The key of an id.
#[must_use]
pub fn key_of(id: &str) -> ContainerKey {
    let front = id.get(..16).unwrap_or(id);
    u64::from_str_radix(front, 16)
        .unwrap_or_else(|_| front.bytes().fold(7, |sum, b| sum << 5 ^ u64::from(b) ^ sum >> 59))
}

/// Columns shown unless the user chooses others.
const SHOWN: [&str; 14] = [
    "name", "state", "cpu", "graph", "memory", "limit", "receive", "send", "read", "write", "pids", "restarts", "up",
    "image",
];

/// Keeps the order and the cursor.
pub struct ContainersPane {
    grid: Grid<ContainerKey>,
    /// Indices into the state's containers.
    list: Vec<usize>,
    placed: RefCell<Vec<Placed>>,
}

impl Default for ContainersPane {
    fn default() -> Self {
        ContainersPane {
            grid: Grid::new(&COLUMNS, To::Pane(PaneId::Containers), &SHOWN, "name"),
            list: Vec::new(),
            placed: RefCell::default(),
        }
    }
}

impl ContainersPane {
    fn row<'a>(&self, state: &'a State, index: usize) -> Option<&'a ContainerRow> {
        self.list.get(index).and_then(|i| state.host.containers.rows.get(*i))
    }

    fn holds<'a>(list: &'a [usize], state: &'a State) -> impl Fn(usize, &Needle) -> bool + 'a {
        move |index, needle| {
            let row = list.get(index).and_then(|i| state.host.containers.rows.get(*i));
            row.is_some_and(|row| {
                needle.is_in(&row.meta.name) || needle.is_in(&row.meta.image) || needle.is_in(&row.meta.id)
            })
        }
    }

    fn open(&self, state: &State) -> Vec<Effect> {
        match self.row(state, self.grid.cursor.position()) {
            Some(row) => vec![Effect::Open(Box::new(ContainerDetail::new(row.meta.id.clone())))],
            None => Vec::new(),
        }
    }
}

impl Pane for ContainersPane {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        let rows = &state.host.containers.rows;
        self.list.clear();
        self.list.extend((0..rows.len()).filter(|i| self.grid.keeps(&Row::new(&rows[*i], state))));
        order(&mut self.list, self.grid.sort(), state);
        self.grid.cursor.settle(self.list.iter().map(|i| key_of(&rows[*i].meta.id)));
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        let all = &state.host.containers;
        if all.rows.is_empty() {
            // An engine without containers, or one that says nothing, is worth one line.
            return (!all.engines.is_empty()).then_some(Rows { min: 3, want: 3 });
        }
        let faults = all.engines.iter().filter(|e| e.fault.is_some()).count();
        let want = u16::try_from(all.rows.len() + faults).unwrap_or(u16::MAX).saturating_add(3).min(16);
        Some(Rows { min: want.min(6), want })
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        draw::summary(cx.state, &self.grid, self.list.len())
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.table(cx, area, canvas);
    }

    fn compact_rows(&self, state: &State) -> u16 {
        u16::from(!state.host.containers.engines.is_empty())
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        draw::essentials(cx, area, canvas);
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        if let Some(effects) = self.grid.act(action, &Self::holds(&self.list, state)) {
            return Some(effects);
        }
        (action == Action::Open).then(|| self.open(state))
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &Self::holds(&self.list, state))
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let left = format!("{} of {}", self.list.len(), cx.state.host.containers.rows.len());
        self.grid.footer(cx, area, canvas, &left)
    }

    fn tell(&mut self, message: Message, _state: &State) -> Vec<Effect> {
        self.grid.tell(&message);
        Vec::new()
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        match target {
            Target::Column(_, id) => self.grid.sort_by(id),
            Target::Row(_, index) => {
                let again = self.grid.cursor.is_held() && self.grid.cursor.position() == *index;
                self.grid.cursor.hold(*index);
                if again {
                    return self.open(state);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::SortMenu, "sort"),
            (Action::Columns, "columns"),
        ]
    }
}
