//! One disk: what it is, what it moves, how long that takes, and how it was.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    interest::Interest,
    model::{disk::Disk, host::Host, join, metrics, source::SourceId, subject::Subject},
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{bytes, fixed, hue, latency, percent, tick},
        parts::{reader::Reader, top_users},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::{Graph, axis, graph, mirrored, nice_top},
            page::{LinkedLine, Page},
            sheet::pair,
            text::put,
        },
    },
    units::{ABSENT, bytes_long, count_short},
};

/// From this width on the processes are beside the graphs.
const WIDE: u16 = 130;

pub struct DiskDetail {
    name: String,
    reader: Reader,
}

impl DiskDetail {
    /// Of the disk with this kernel name.
    #[must_use]
    pub fn new(name: String) -> Self {
        DiskDetail { name, reader: Reader::default() }
    }
}

impl Overlay for DiskDetail {
    fn title(&self, state: &State) -> String {
        let model = state.host.disks.find(&self.name).and_then(|d| d.raw.model.clone());
        model.map_or_else(|| self.name.clone(), |m| format!("{} · {m}", self.name))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Disks]
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(d) = cx.state.host.disks.find(&self.name) else {
            self.reader.draw(cx, area, canvas, &Page::from_iter([vec![("the disk is gone".to_owned(), Role::Dim)]]));
            return;
        };
        let per_second = |v: Option<f64>| fixed(v, 6, count_short);
        let kind = match d.raw.rotational {
            Some(true) => " · turning",
            Some(false) => " · solid state",
            None => "",
        };
        let facts: Vec<LinkedLine> = [
            pair("size", 9, format!("{}{kind}", d.raw.size_bytes.map_or("–".to_owned(), |b| bytes_long(b as f64)))),
            pair(
                "read",
                9,
                format!(
                    "{}/s {} requests/s {}",
                    bytes(d.read_per_second),
                    per_second(d.read_iops),
                    latency(d.read_latency_seconds)
                ),
            ),
            pair(
                "write",
                9,
                format!(
                    "{}/s {} requests/s {}",
                    bytes(d.write_per_second),
                    per_second(d.write_iops),
                    latency(d.write_latency_seconds)
                ),
            ),
            pair("busy", 9, format!("{}   queue {}", percent(d.busy_ratio), fixed(d.queue, 5, |q| format!("{q:.1}")))),
        ]
        .into_iter()
        .map(LinkedLine::from)
        .chain([holds(&cx.state.host, &self.name)])
        .collect();
        let rest = Rect { y: area.y + 6, height: area.height.saturating_sub(6), ..area };
        if area.width >= WIDE {
            let half = rest.width / 2;
            past(cx, Rect { width: half - 2, ..rest }, canvas, d);
            let right = Rect { x: rest.x + half, width: rest.width - half, ..rest };
            let room = usize::from(right.height);
            let page = top_users::storage(&cx.state.host, room / 2, room / 3);
            self.reader.draw_below(cx, (area, &facts), right, canvas, &page);
            return;
        }
        let graphs = if rest.height >= 13 { rest.height / 2 } else { 0 };
        past(cx, Rect { height: graphs, ..rest }, canvas, d);
        let below = Rect { y: rest.y + graphs, height: rest.height - graphs, ..rest };
        self.reader.draw_below(cx, (area, &facts), below, canvas, &top_users::storage(&cx.state.host, 10, 6));
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.reader.act(action)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        self.reader.hints()
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.io_of_all = true;
    }
}

/// The filesystems and pools on it, each a link.
fn holds(host: &Host, disk: &str) -> LinkedLine {
    let users = join::users_of_disk(host, disk);
    let mut line = LinkedLine::from(pair("holds", 9, if users.is_empty() { ABSENT } else { "" }));
    for (name, subject) in users {
        let kind = if matches!(subject, Subject::Pool(_)) { "pool " } else { "" };
        line.pieces.extend([(kind.to_owned(), Role::Dim), (name, Role::Text), ("   ".to_owned(), Role::Text)]);
        let at = line.pieces.len() - 2;
        line = line.link(at, Some(subject));
    }
    line
}

/// What it moved, and how busy it was.
fn past(cx: &DrawCx<'_>, rest: Rect, canvas: &mut Canvas<'_>, d: &Disk) {
    if rest.height < 6 {
        return;
    }
    let top = nice_top(d.read_history.max().unwrap_or(0.0).max(d.write_history.max().unwrap_or(0.0)));
    let words = format!("read ↑ / write ↓, scale {}/s", bytes(Some(top)).trim_start());
    put(canvas.buf, rest.x, rest.y, rest.width, &words, cx.theme.style(Role::Faint));
    let moved = Rect { y: rest.y + 1, height: (rest.height - 2) * 2 / 3, ..rest };
    mirrored(cx, moved, canvas, top, (&d.read_history, Role::DiskRead), (&d.write_history, Role::DiskWrite));
    put(canvas.buf, rest.x, moved.bottom(), rest.width, "busy", cx.theme.style(Role::Faint));
    let busy = Rect { y: moved.bottom() + 1, height: rest.bottom().saturating_sub(moved.bottom() + 2), ..rest };
    let level = d.busy_ratio.map_or(Level::Unknown, |b| cx.state.level(metrics::DISK_BUSY_RATIO, &[&d.raw.name], b));
    let g = Graph {
        limit: tick(cx.state.limits(metrics::DISK_BUSY_RATIO, &[&d.raw.name])),
        ..Graph::of(&d.busy_history, 1.0, hue(cx, level, Role::DiskRead))
    };
    graph(cx, busy, canvas, &g);
    axis(cx, Rect { y: busy.bottom(), height: 1, ..rest }, canvas, &d.busy_history);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        model::{
            container::{Container, ContainerRow},
            disk::DiskCounters,
            fault::Fault,
            filesystem::Filesystem,
            process::{Moved, ProcKey, Process},
        },
        ui::canvas::testing::{Drawn, answered, drawn, series},
    };

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Disks, 100);
        let raw = DiskCounters {
            name: "sda".into(),
            size_bytes: Some(4 << 40),
            model: Some("WD40".into()),
            rotational: Some(true),
            ..DiskCounters::default()
        };
        state.host.disks.disks = vec![Disk {
            raw,
            read_per_second: Some(2048.0),
            write_per_second: Some(1024.0),
            read_iops: Some(12.0),
            write_iops: Some(3.0),
            busy_ratio: Some(0.34),
            read_latency_seconds: Some(0.0021),
            write_latency_seconds: None,
            queue: Some(1.25),
            read_history: series([2048.0; 400]),
            write_history: series([1024.0; 400]),
            busy_history: series([1.0; 400]),
        }];
        let process = |pid: u32| Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: format!("p{pid}").as_str().into(),
            moved: Some(Box::new(Moved { read_per_second: Some(pid as f32 * 1e6), ..Moved::default() })),
            ..Process::default()
        };
        state.host.processes.rows = (1..=30).map(process).collect();
        let container = |at: u32| {
            let meta = Container { name: format!("box-{at}"), ..Container::default() };
            ContainerRow { meta: Arc::new(meta), read_per_second: Some(f64::from(at) * 1e6), ..ContainerRow::default() }
        };
        state.host.containers.rows = (1..=30).map(container).collect();
        state
    }

    fn view(detail: &DiskDetail, state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| detail.draw(cx, area, canvas))
    }

    fn sda() -> DiskDetail {
        DiskDetail::new("sda".into())
    }

    fn filesystem(mount: &str) -> Filesystem {
        Filesystem {
            mount: mount.into(),
            device: "/dev/sda1".into(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space: Err(Fault::Timeout),
        }
    }

    #[test]
    fn what_it_is_and_does_has_a_line_each() {
        let mut state = machine();
        let lines = |state: &State| view(&sda(), state, (80, 5)).lines();
        assert_eq!(
            lines(&state),
            [
                "size      4.0 TiB · turning",
                "read       2.0K/s     12 requests/s  2.1 ms",
                "write      1.0K/s      3 requests/s       –",
                "busy       34%   queue   1.2",
                "holds     –",
            ]
        );
        state.host.disks.disks[0].raw.rotational = Some(false);
        state.host.filesystems.filesystems = vec![filesystem("/srv"), filesystem("/boot")];
        assert_eq!(lines(&state)[0], "size      4.0 TiB · solid state");
        assert_eq!(lines(&state)[4], "holds     /srv   /boot");
        let raw = &mut state.host.disks.disks[0].raw;
        (raw.rotational, raw.size_bytes) = (None, None);
        assert_eq!(lines(&state)[0], "size      –");
        assert_eq!((sda().title(&state).as_str(), sda().full_screen()), ("sda · WD40", true));
        state.host.disks.disks[0].raw.model = None;
        assert_eq!(sda().title(&state), "sda");
        assert_eq!(sda().feeds(&state), [SourceId::Disks]);
        let mut want = Interest::default();
        sda().want(&mut want, &state);
        assert!(want.io_of_all);
    }

    #[test]
    fn what_it_holds_is_linked() {
        let mut state = machine();
        state.host.filesystems.filesystems = vec![filesystem("/srv")];
        let mut detail = sda();
        view(&detail, &state, (80, 20));
        assert_eq!(detail.hints(), [(Action::FocusNext, "next link"), (Action::Open, "open")]);
        assert!(detail.act(Action::FocusNext, &state).is_some_and(|effects| effects.is_empty()));
        let effects = detail.act(Action::Open, &state).unwrap();
        assert!(matches!(&effects[..], [Effect::OpenDetail(Subject::Filesystem(mount))] if mount == "/srv"));
    }

    #[test]
    fn graphs_are_beside_the_processes_or_above_them() {
        let state = machine();
        // 24 rows below the facts: a line of words, 14 of what moved, a line, six of how busy, the axis.
        let wide = view(&sda(), &state, (130, 30)).lines();
        let left: Vec<String> =
            wide[6..].iter().map(|line| line.chars().take(63).collect::<String>().trim_end().to_owned()).collect();
        let full = "⣿".repeat(63);
        assert_eq!(left[0], "read ↑ / write ↓, scale 2.0K/s");
        assert!(left[1..8].iter().all(|line| *line == full), "{left:?}");
        assert_eq!(left[8..11], [full.clone(), full.clone(), full.clone()], "half of the seven rows below");
        assert_eq!((left[11].as_str(), left[12].as_str()), ("⠛".repeat(63).as_str(), ""));
        assert_eq!(left[15], "busy");
        assert!(left[16..23].iter().all(|line| line.chars().filter(|c| *c == '⣿').count() == 63), "{left:?}");
        assert_eq!(left[23], format!("2m ago{}now", " ".repeat(54)));
        let right = |line: &str| line.chars().skip(65).collect::<String>();
        assert_eq!(right(&wide[6]), "Processes by storage I/O (all disks)");
        // Half of the rows for processes, a third for containers.
        assert_eq!(wide.iter().filter(|line| right(line).contains("M       – p")).count(), 12);
        let mut idle = state.clone();
        idle.host.processes.rows.truncate(3);
        let page = view(&sda(), &idle, (130, 30)).lines();
        assert_eq!(page.iter().filter(|line| right(line).starts_with("box-")).count(), 8);
        // Too narrow for both: the upper half is the graphs'.
        let narrow = view(&sda(), &state, (129, 30)).lines();
        assert_eq!(
            (narrow[6].as_str(), narrow[18].as_str()),
            ("read ↑ / write ↓, scale 2.0K/s", "Processes by storage I/O (all disks)")
        );
        assert_eq!(narrow.iter().filter(|line| line.contains("M       – p")).count(), 10);
        // 13 rows are the least for graphs.
        assert_eq!(view(&sda(), &state, (80, 19)).lines()[6], "read ↑ / write ↓, scale 2.0K/s");
        assert_eq!(view(&sda(), &state, (80, 18)).lines()[6], "Processes by storage I/O (all disks)");
    }

    #[test]
    fn graphs_have_their_hues_and_the_level_of_how_busy_it_is() {
        let mut state = machine();
        let roles = |state: &State| {
            let screen = view(&sda(), state, (130, 30));
            [7, 14, 22].map(|y| screen.role_at(0, y))
        };
        assert_eq!(roles(&state), [Some(Role::DiskRead), Some(Role::DiskWrite), Some(Role::DiskRead)]);
        state.host.disks.disks[0].busy_ratio = Some(0.96);
        assert_eq!(roles(&state)[2], Some(Role::DiskRead), "advice has no colour in a graph");
        // Without rows to spare no graph: five would hold only words.
        let short = view(&sda(), &state, (130, 11)).lines();
        assert!(!short[6].starts_with("read ↑"), "{short:?}");
        assert!(view(&sda(), &state, (130, 12)).lines()[6].starts_with("read ↑"));
    }

    #[test]
    fn a_disk_that_went_away_is_gone() {
        assert_eq!(view(&sda(), &State::default(), (40, 2)).lines(), ["the disk is gone", ""]);
    }
}
