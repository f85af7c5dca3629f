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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::{
            answer::Answer,
            arc::ArcSample,
            fault::Fault,
            pool::{Pool, PoolSample},
        },
        ui::{
            canvas::testing::{answered, drawn, series},
            view::Pane,
        },
    };

    fn machine(names: &[&str]) -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Pools, 1);
        let pool = |name: &&str| {
            let mut row = PoolRow::default();
            (row.name, row.state) = ((*name).into(), "ONLINE".into());
            row.reported = Some(Pool {
                name: (*name).into(),
                state: "ONLINE".into(),
                size: Some(100),
                allocated: Some(50),
                ..Pool::default()
            });
            row
        };
        state.host.pools.rows = names.iter().map(pool).collect();
        state
    }

    fn silence(state: &mut State) {
        let pools = Answer { fault: Some(Fault::Timeout), ..Answer::default() };
        state.host.pools.raw = PoolSample { pools, ..PoolSample::default() };
    }

    fn pane(state: &State) -> Box<dyn Pane> {
        let mut pane = (DEF.make)(&Settings::default());
        pane.refresh(state, &Settings::default());
        pane
    }

    #[test]
    fn it_asks_for_a_row_for_each_pool_and_one_for_silent_tools() {
        let rows = |state: &State| pane(state).rows(state, 100).map(|rows| (rows.min, rows.want));
        assert_eq!(rows(&machine(&[])), None);
        assert_eq!(rows(&machine(&["tank"])), Some((4, 4)));
        let mut state = machine(&["tank", "backup", "spare"]);
        assert_eq!(rows(&state), Some((5, 6)));
        silence(&mut state);
        assert_eq!(rows(&state), Some((5, 7)));
    }

    #[test]
    fn border_says_what_the_cache_holds_and_which_module_it_is() {
        let mut state = machine(&["tank"]);
        let info = |state: &State| {
            let mut words = String::new();
            drawn(state, (1, 1), |cx, _, _| words = pane(state).info(cx));
            words
        };
        assert_eq!(info(&state), "");
        state.host.pools.raw.version = Some("2.2.2-0ubuntu9".into());
        assert_eq!(info(&state), "2.2.2");
        state.host.memory.raw.arc = Some(ArcSample { size: 3 << 30, max: 8 << 30, ..ArcSample::default() });
        assert_eq!(info(&state), "arc 3.0 GiB of 8.0 GiB · 2.2.2");
        state.host.memory.arc_rates.hit_ratio = Some(0.98);
        assert_eq!(info(&state), "arc 3.0 GiB of 8.0 GiB · hit 98% · 2.2.2");
    }

    #[test]
    fn the_busiest_pool_has_its_past_below_the_list() {
        let mut state = machine(&["tank", "backup"]);
        let lines = |state: &State, rows: u16| {
            drawn(state, (90, rows), |cx, area, canvas| pane(state).draw(cx, area, canvas)).lines()
        };
        assert!(lines(&state, 9)[3..].iter().all(String::is_empty), "idle ones have none");
        let rows = &mut state.host.pools.rows;
        rows[0].write_history = series([1024.0; 200]);
        rows[1].read_history = series([2048.0; 200]);
        let shown = lines(&state, 9);
        assert_eq!(shown[3], "backup read over write   scale 2.0K/s");
        let full = "⣿".repeat(90);
        assert_eq!(shown[4..], [full.as_str(), full.as_str(), "", "", ""], "read is the upper half");
        assert_eq!(lines(&state, 6)[3..], ["backup read over write   scale 2.0K/s", full.as_str(), ""]);
        assert_eq!(lines(&state, 5)[3..], ["", ""], "three rows are the least");
        state.host.pools.rows[0].write_history = series([4096.0; 200]);
        let shown = lines(&state, 9);
        // Five KiB a second are the scale: 4 of 5 on three rows.
        assert_eq!(shown[3], "tank read over write   scale 5.0K/s");
        assert_eq!(shown[4..8], ["", "", full.as_str(), full.as_str()]);
    }

    #[test]
    fn acts_are_those_of_the_pool_under_the_cursor() {
        let state = machine(&["tank", "backup"]);
        let mut pane = pane(&state);
        let settings = Settings::default();
        let title = |effects: Option<Vec<Effect>>| match effects.unwrap_or_default().pop() {
            Some(Effect::Open(menu)) => menu.title(&state),
            Some(Effect::Say(_, words)) => words,
            _ => String::new(),
        };
        assert_eq!(pane.context(), Context::Objects);
        assert!(pane.hints().contains(&(Action::Acts, "acts")));
        let first = title(pane.act(Action::Acts, &state, &settings));
        pane.act(Action::Down, &state, &settings);
        let second = title(pane.act(Action::Acts, &state, &settings));
        let mut both = [first, second];
        both.sort();
        assert_eq!(both, ["pool backup", "pool tank"]);
        let none = machine(&[]);
        let mut pane = (DEF.make)(&settings);
        pane.refresh(&none, &settings);
        assert_eq!(title(pane.act(Action::Acts, &none, &settings)), "no pool is selected");
    }

    #[test]
    fn among_the_essentials_the_fullest_of_the_worst_comes_first() {
        let mut state = machine(&["tank", "backup"]);
        state.host.pools.rows[1].reported.as_mut().unwrap().allocated = Some(96);
        let weight = |at| Pools::weight(&state, at).unwrap();
        assert_eq!((weight(0), weight(1)), ((Level::Ok, 0.5), (Level::Crit, 0.96)));
        let id = |at: usize| Pools::id(&Pools::items(&state)[at]).into_owned();
        assert_eq!((id(0).as_str(), id(1).as_str()), ("tank", "backup"));
        assert_eq!(Pools::nothing(&state), "the ZFS module is loaded and no pool is imported");
        assert_eq!(Pools::subject(&state.host.pools.rows[0], &state), Some(Subject::Pool("tank".into())));
    }
}
