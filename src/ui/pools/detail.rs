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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        model::{
            arc::ArcSample,
            container::{Container, ContainerRow, Mounted},
            pool::{Dataset, DatasetRow, Pool, PoolIo, SUSPENDED},
            process::{ProcInfo, ProcKey, Process},
        },
        ui::canvas::testing::{Drawn, answered, drawn, series},
    };

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Pools, 200);
        let mut row = PoolRow::default();
        (row.name, row.state) = ("tank".into(), "ONLINE".into());
        row.reported = Some(Pool { name: "tank".into(), state: "ONLINE".into(), ..Pool::default() });
        row.io = Some(PoolIo { read_bytes: 2048.0, write_bytes: 512.0, ..PoolIo::default() });
        (row.read_history, row.write_history) = (series([1024.0; 200]), series([512.0; 200]));
        state.host.pools.rows = vec![row];
        state
    }

    fn opened(state: &State) -> Box<dyn Overlay> {
        let mut view = open(&Subject::Pool("tank".into()), state).expect("it is there");
        view.refresh(state);
        view
    }

    fn view(state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| opened(state).draw(cx, area, canvas))
    }

    #[test]
    fn what_it_read_and_wrote_is_above_what_it_says() {
        let state = machine();
        let shown = view(&state, (80, 21));
        let half = |y: usize, from: usize| {
            shown.lines()[y].chars().skip(from).take(38).collect::<String>().trim_end().to_owned()
        };
        assert_eq!((half(0, 0), half(0, 40)), ("read 2.0K/s".to_owned(), "written 512/s".to_owned()));
        // Five rows of graph: reads fill their scale of 1 KiB a second, writes half of it.
        let full = "⣿".repeat(38);
        assert_eq!([1, 5].map(|y| half(y, 0)), [full.clone(), full.clone()]);
        assert_eq!([2, 3, 5].map(|y| half(y, 40)), [String::new(), "⣤".repeat(38), full]);
        assert!(half(6, 0).ends_with("now") && half(6, 40).ends_with("now"));
        assert_eq!([1, 5].map(|y| shown.role_at(0, y)), [Some(Role::DiskRead); 2]);
        assert_eq!(shown.role_at(40, 5), Some(Role::DiskWrite));
        assert_eq!(shown.lines()[7], "state       online");
        // Three times the rows of the graphs are the least.
        assert_eq!(view(&state, (80, 20)).line(), "state       online");
    }

    #[test]
    fn what_was_said_before_is_faint_once_the_pool_stands_still() {
        let mut state = machine();
        let roles = |state: &State| {
            let shown = view(state, (80, 20));
            (shown.role_of("online"), shown.role_of("never scrubbed"), shown.role_of("suspended"))
        };
        assert_eq!(roles(&state), (Some(Role::Text), Some(Role::Text), None));
        state.host.pools.rows[0].state = SUSPENDED.into();
        assert_eq!(roles(&state), (None, Some(Role::Faint), Some(Role::Crit)));
        let mut state = machine();
        let mut view = opened(&state);
        assert_eq!(view.gone(), None);
        assert_eq!(view.hints()[0], (Action::Acts, "acts"));
        state.host.pools.rows.clear();
        view.refresh(&state);
        assert_eq!((view.gone(), view.hints().len()), (Some("exported"), 0));
        let shown = drawn(&state, (80, 20), |cx, area, canvas| view.draw(cx, area, canvas));
        assert_eq!(shown.role_of("never scrubbed"), Some(Role::Faint));
    }

    #[test]
    fn containers_on_it_are_listed_with_their_busiest_processes() {
        let mut state = machine();
        let ids = ["aa".repeat(32), "bb".repeat(32), "cc".repeat(32)];
        let dataset =
            |name: &str, at: &str| Dataset { name: name.into(), mountpoint: Some(at.into()), ..Dataset::default() };
        let datasets = [dataset("tank/srv", "/srv"), dataset("other", "/other")];
        state.host.pools.datasets = datasets.map(|reported| DatasetRow { reported, ..DatasetRow::default() }).into();
        let container = |id: &str, name: &str, at: &str, state| {
            let mount = Mounted { kind: "bind".into(), source: at.into(), ..Mounted::default() };
            let meta =
                Container { id: id.into(), name: name.into(), state, mounts: vec![mount], ..Container::default() };
            ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
        };
        state.host.containers.rows = vec![
            container(&ids[0], "postgres", "/srv/db", RunState::Running),
            container(&ids[1], "stopped", "/srv", RunState::Exited),
            container(&ids[2], "elsewhere", "/other", RunState::Running),
        ];
        let process = |(pid, id): (u32, usize)| Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: if pid == 99 { 1 } else { pid },
            name: format!("p{pid}").as_str().into(),
            cpu: Some(pid as f32 / 100.0),
            info: Some(Box::new(ProcInfo { cgroup: format!("/docker/{}", ids[id]).into(), ..ProcInfo::default() })),
            ..Process::default()
        };
        state.host.processes.rows = (1..=17).map(|pid| (pid, 0)).chain([(50, 2), (99, 0)]).map(process).collect();
        let shown = view(&state, (80, 20));
        let lines = shown.lines();
        let at = lines.iter().position(|line| line == "Containers on it, 2").expect("they are listed");
        assert_eq!(lines[at - 1], "");
        assert_eq!(lines[at + 1], "postgres             running     tank/srv");
        assert_eq!(lines[at + 2], "stopped              exited      tank/srv");
        assert_eq!((shown.role_of("postgres"), shown.role_of("stopped")), (Some(Role::Text), Some(Role::Dim)));
        assert_eq!(lines[at + 4], "Their busiest processes");
        // Those of them alone, no threads, the busiest first.
        assert_eq!(lines[at + 5].split_whitespace().collect::<Vec<_>>()[..4], ["17", "17.0", "0", "p17"]);
        let tall = view(&state, (80, 60)).lines();
        assert_eq!(tall.iter().filter(|line| line.contains(" 0 p")).count(), 15);
        state.host.processes.rows.clear();
        assert!(!view(&state, (80, 60)).lines().contains(&"Their busiest processes".to_owned()));
        state.host.containers.rows.clear();
        assert!(!view(&state, (80, 60)).lines().iter().any(|line| line.starts_with("Containers on it")));
    }

    #[test]
    fn the_cache_of_all_pools_comes_last() {
        let mut state = machine();
        state.host.memory.raw.arc = Some(ArcSample::default());
        assert!(view(&state, (80, 40)).lines().contains(&"ZFS cache (ARC), one for all pools".to_owned()));
    }

    #[test]
    fn its_devices_and_datasets_have_the_view_of_the_pool() {
        let state = machine();
        let is_there = |subject: &Subject| open(subject, &state).is_some();
        assert!(is_there(&Subject::Dataset("tank/srv".into())) && !is_there(&Subject::Pool("other".into())));
        assert!(!is_there(&Subject::Cpu));
        let mut view = opened(&state);
        assert_eq!(
            (view.title(&state).as_str(), view.full_screen(), view.context()),
            ("pool tank", true, Context::Objects)
        );
        assert_eq!(view.feeds(&state), [SourceId::Pools]);
        let effects = view.act(Action::Acts, &state).expect("it has acts");
        assert!(matches!(&effects[..], [Effect::Open(menu)] if menu.title(&state) == "pool tank"));
        let top = |view: &dyn Overlay| drawn(&state, (80, 4), |cx, area, canvas| view.draw(cx, area, canvas)).line();
        assert!(top(&*view).starts_with("state "));
        assert!(view.act(Action::Down, &state).is_some_and(|effects| effects.is_empty()));
        assert!(!top(&*view).starts_with("state "));
    }
}
