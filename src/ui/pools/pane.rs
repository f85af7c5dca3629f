//! The pools pane: ZFS pools with their health, room, rates and scans. A machine without the module gives its room away.

use std::borrow::Cow;

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    model::{pool::PoolRow, source::SourceId, subject::Subject},
    state::{State, levels},
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        ids::PaneId,
        pools::{
            cells, operations,
            row::{Pools, Row},
        },
        table::{
            core::Table,
            def::ListDef,
            pane::{PaneTable, TablePane},
        },
        view::{Effect, PaneDef, Rows},
    },
    units::{bytes_long, percent},
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Pools,
    name: "pools",
    title: "zfs",
    feeds: &[SourceId::Pools],
    min_width: 82,
    worth: 40,
    past: 8,
    make: |settings| Box::new(TablePane::<Pools>::new(&settings.pools, false, ())),
};

impl ListDef for Pools {
    type Item = PoolRow;
    const SOURCES: &'static [SourceId] = &[SourceId::Pools];
    const NOUN: &'static str = "pool";

    fn items(state: &State) -> &[PoolRow] {
        &state.host.pools.rows
    }

    fn row<'a>(pool: &'a PoolRow, state: &'a State) -> Row<'a> {
        Row::new(pool, state)
    }

    fn id(pool: &PoolRow) -> Cow<'_, str> {
        Cow::Borrowed(&pool.name)
    }

    fn subject(pool: &PoolRow, _state: &State) -> Option<Subject> {
        Some(Subject::Pool(pool.name.clone()))
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        levels::silent_tools(state).into_iter().take(1).collect()
    }

    fn nothing(_state: &State) -> &'static str {
        "the ZFS module is loaded and no pool is imported"
    }
}

impl PaneTable for Pools {
    const PANE: PaneId = PaneId::Pools;
    const CONTEXT: Context = Context::Objects;
    const HINTS: &'static [(Action, &'static str)] = &[(Action::Acts, "acts")];

    fn act(table: &mut Table<Self>, action: Action, state: &State) -> Option<Vec<Effect>> {
        let pool = table.selected().and_then(|index| state.host.pools.rows.get(index));
        (action == Action::Acts).then(|| operations::choose(pool.map_or("", |row| row.name.as_str()), state))
    }

    fn settings(settings: &mut Settings) -> Option<&mut TableSettings> {
        Some(&mut settings.pools)
    }

    fn rows(_table: &Table<Self>, state: &State) -> Option<Rows> {
        let all = &state.host.pools.rows;
        if all.is_empty() {
            return None;
        }
        let notes = u16::try_from(Self::notes(state).len()).unwrap_or(0);
        let want = u16::try_from(all.len()).unwrap_or(u16::MAX).saturating_add(3 + notes);
        Some(Rows { min: want.min(5), want })
    }

    fn summary(_table: &Table<Self>, cx: &DrawCx<'_>) -> String {
        let memory = &cx.state.host.memory;
        let mut words = Vec::new();
        if let Some(arc) = memory.raw.arc {
            words.push(format!("arc {} of {}", bytes_long(arc.size as f64), bytes_long(arc.max as f64)));
            words.extend(memory.arc_rates.hit_ratio.map(|r| format!("hit {}", percent(r).trim_start())));
        }
        words.extend(cx.state.host.pools.raw.version.as_ref().map(|v| v.split('-').next().unwrap_or(v).to_owned()));
        words.join(" · ")
    }

    fn weight(state: &State, index: usize) -> Option<(Level, f64)> {
        let row = &state.host.pools.rows[index];
        Some((levels::pool_worst(state, row), row.used_ratio().unwrap_or(0.0)))
    }

    fn below(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        cells::past(cx, area, canvas);
    }
}
