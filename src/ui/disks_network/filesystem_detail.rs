//! One filesystem: what it is, how full it is and how fast that grows, and who writes.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::{
    interest::Interest,
    model::{
        fault::Fault,
        filesystem::{Filesystem, Space},
        join, metrics,
        source::SourceId,
    },
    state::{State, levels},
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{percent, signed_bytes, tick},
        parts::{reader::Reader, top_users},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            page::{LinkedLine, Page},
            past::{Past, pasts},
            sheet::{SheetLine, flow, pair},
        },
    },
    units::{ABSENT, bytes_long, count_short, span_short},
};

/// Columns of a name.
const NAME: usize = 9;
/// From this width on there are two columns.
const WIDE: u16 = 130;
/// Rows of the graph with its head and its axis.
const GRAPH: u16 = 9;

/// The view.
pub struct FilesystemDetail {
    mount: String,
    reader: Reader,
}

impl FilesystemDetail {
    /// Of the filesystem that is mounted here.
    #[must_use]
    pub fn new(mount: String) -> Self {
        FilesystemDetail { mount, reader: Reader::default() }
    }
}

fn space(space: &Space) -> Vec<SheetLine> {
    let long = |bytes: u64| bytes_long(bytes as f64);
    let reserved = space.free.saturating_sub(space.available);
    let mut left = format!("{} available to users", long(space.available));
    if reserved > 0 {
        left.push_str(&format!("   {} reserved", long(reserved)));
    }
    let inodes = match space.inodes_ratio() {
        Some(ratio) => format!(
            "{} of {} used, {}",
            count_short(space.inodes.saturating_sub(space.inodes_free) as f64),
            count_short(space.inodes as f64),
            percent(Some(ratio)).trim_start()
        ),
        None => "not counted by this filesystem".to_owned(),
    };
    vec![
        pair("size", NAME, long(space.size)),
        pair("used", NAME, format!("{}   {}", long(space.used()), percent(space.used_ratio()).trim_start())),
        pair("free", NAME, left),
        pair("inodes", NAME, inodes),
    ]
}

/// `+1.2G an hour, full in 3d`.
fn growth(state: &State, fs: &Filesystem) -> Option<String> {
    let growth = state.host.filesystems.growth(&fs.mount)?;
    let mut words = format!("{} an hour", signed_bytes(growth * 3600.0));
    let left = fs.space.as_ref().ok().map(|space| space.available as f64 / growth);
    // A year away it says nothing.
    if let Some(left) = left.filter(|left| growth > 0.0 && *left < 365.0 * 86_400.0) {
        words.push_str(&format!(", full in {}", span_short(Duration::from_secs_f64(left))));
    }
    Some(words)
}

impl Overlay for FilesystemDetail {
    fn title(&self, state: &State) -> String {
        let found = state.host.filesystems.filesystems.iter().find(|fs| fs.mount == self.mount);
        found.map_or_else(|| self.mount.clone(), |fs| format!("{} · {}", self.mount, fs.kind))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Filesystems]
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(fs) = cx.state.host.filesystems.filesystems.iter().find(|fs| fs.mount == self.mount) else {
            self.reader.draw(cx, area, canvas, &Page::from_iter([vec![("no longer mounted".to_owned(), Role::Dim)]]));
            return;
        };
        let device =
            LinkedLine::from(pair("device", NAME, &*fs.device)).link(1, join::subject_of_device(&cx.state.host, fs));
        let mut facts: Vec<LinkedLine> = vec![device, pair("type", NAME, &*fs.kind).into()];
        let room = usize::from(area.width).saturating_sub(NAME + 1).max(20);
        for (number, line) in flow(fs.options.split(','), room).into_iter().enumerate() {
            facts.push(pair(if number == 0 { "options" } else { "" }, NAME, line).into());
        }
        match &fs.space {
            Ok(known) => facts.extend(space(known).into_iter().map(LinkedLine::from)),
            Err(Fault::Timeout) => facts.push(pair("space", NAME, "not responding").into()),
            Err(Fault::Absent(what) | Fault::Broken(what) | Fault::Denied { what, .. }) => {
                facts.push(pair("space", NAME, &**what).into());
            }
        }
        facts.push(pair("growth", NAME, growth(cx.state, fs).unwrap_or_else(|| ABSENT.to_owned())).into());
        let used = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(1);
        let rest = Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area };
        let wide = rest.width >= WIDE;
        let graph = if wide || rest.height >= GRAPH + 6 { GRAPH.min(rest.height) } else { 0 };
        if graph > 0
            && let (Some(series), Ok(known)) = (cx.state.host.filesystems.used_history(&fs.mount), &fs.space)
        {
            let limits = cx.state.limits(metrics::FILESYSTEM_USED_RATIO, &[&fs.mount]);
            let past = Past {
                head: format!("used {}   top {}", bytes_long(known.used() as f64), bytes_long(known.size as f64)),
                series,
                top: known.size as f64,
                role: Role::DiskWrite,
                level: levels::filesystem(cx.state, fs),
                limit: tick(limits).filter(|_| !fs.read_only).map(|share| share * known.size as f64),
                band: None,
            };
            pasts(cx, Rect { height: graph, ..rest }, canvas, graph, &[past]);
        }
        // Beside the graph where there is room, else below it.
        let place = if wide {
            let half = rest.width / 2;
            Rect { x: rest.x + half, width: rest.width - half, ..rest }
        } else {
            Rect { y: rest.y + graph, height: rest.height - graph, ..rest }
        };
        let room = usize::from(place.height);
        let page = top_users::storage(&cx.state.host, room / 2, room / 3);
        self.reader.draw_below(cx, (area, &facts), place, canvas, &page);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            container::{Container, ContainerRow},
            event::{Envelope, Event, Sample},
            filesystem::FilesystemSample,
            process::{Moved, ProcKey, Process},
            subject::Subject,
        },
        ui::canvas::testing::{Drawn, drawn},
    };

    const GIB: u64 = 1 << 30;

    /// 100 GiB of which `used` are used, in each of these minutes.
    fn machine(used: impl IntoIterator<Item = u64>) -> State {
        let mut state = State::new(shipped().into());
        for (used, minute) in used.into_iter().zip(1..) {
            let (free, available) = ((100 - used) * GIB, (100 - used) * GIB);
            let space = Space { size: 100 * GIB, free, available, inodes: 1000, inodes_free: 750 };
            let fs = Filesystem {
                mount: "/srv".into(),
                device: "/dev/sda1".into(),
                kind: "ext4".into(),
                options: "rw,relatime,errors=remount-ro".into(),
                read_only: false,
                space: Ok(space),
            };
            let sample = Sample::Filesystems(FilesystemSample { filesystems: vec![fs] });
            let (at, took) = (Stamp::at_seconds(minute * 60), Duration::ZERO);
            let (source, every) = (SourceId::Filesystems, Duration::from_secs(60));
            state.apply(Event::Reading(Envelope { source, at, took, every, outcome: Ok(sample) }));
        }
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

    fn change(state: &mut State) -> &mut Filesystem {
        &mut state.host.filesystems.filesystems[0]
    }

    fn srv() -> FilesystemDetail {
        FilesystemDetail::new("/srv".into())
    }

    fn view(state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| srv().draw(cx, area, canvas))
    }

    #[test]
    fn what_it_is_and_how_full_it_is_has_a_line_each() {
        let mut state = machine([40]);
        assert_eq!(
            view(&state, (80, 8)).lines(),
            [
                "device    /dev/sda1",
                "type      ext4",
                "options   rw relatime errors=remount-ro",
                "size      100.0 GiB",
                "used      40.0 GiB   40%",
                "free      60.0 GiB available to users",
                "inodes    250 of 1.0k used, 25%",
                "growth    –",
            ]
        );
        // Options go on below.
        let lines = view(&state, (34, 9)).lines();
        assert_eq!(lines[2..4], ["options   rw relatime", "          errors=remount-ro"]);
        change(&mut state).space = Ok(Space { size: GIB, free: GIB, available: GIB, inodes: 0, inodes_free: 0 });
        assert_eq!(view(&state, (80, 8)).lines()[6], "inodes    not counted by this filesystem");
        for (fault, words) in [
            (Fault::Timeout, "not responding"),
            (Fault::Broken("stale handle".into()), "stale handle"),
            (Fault::Denied { what: "/srv".into(), hint: String::new() }, "/srv"),
        ] {
            change(&mut state).space = Err(fault);
            assert_eq!(view(&state, (80, 8)).lines()[3..5], [format!("space     {words}"), "growth    –".to_owned()]);
        }
        assert_eq!((srv().title(&state).as_str(), srv().full_screen()), ("/srv · ext4", true));
        assert_eq!(srv().feeds(&state), [SourceId::Filesystems]);
        let mut want = Interest::default();
        srv().want(&mut want, &state);
        assert!(want.io_of_all);
        assert_eq!(srv().title(&State::default()), "/srv");
        assert_eq!(view(&State::default(), (40, 2)).lines(), ["no longer mounted", ""]);
    }

    #[test]
    fn growth_says_when_it_is_full_within_a_year() {
        let growth = |used: &[u64]| {
            let state = machine(used.iter().copied());
            view(&state, (80, 8)).lines()[7].trim_start_matches("growth").trim().to_owned()
        };
        // A GiB a minute: 60 an hour, and 30 are left.
        let minutes: Vec<u64> = (40..=70).collect();
        assert_eq!(growth(&minutes), "+60.0G an hour, full in 30m");
        let emptied: Vec<u64> = (40..=70).rev().collect();
        assert_eq!(growth(&emptied), "-60.0G an hour");
        assert_eq!(growth(&[40; 31]), "0 an hour");
    }

    #[test]
    fn graph_is_beside_the_processes_or_above_them() {
        let state = machine([50; 300]);
        // Eight lines and a blank one, then nine of the graph: its head, seven rows, the axis.
        let wide = view(&state, (130, 30)).lines();
        let left: Vec<String> =
            wide[9..].iter().map(|line| line.chars().take(63).collect::<String>().trim_end().to_owned()).collect();
        assert_eq!(left[0], "used 50.0 GiB   top 100.0 GiB");
        assert_eq!((left[4].as_str(), left[7].as_str()), ("⣤".repeat(63).as_str(), "⣿".repeat(63).as_str()));
        assert_eq!(left[8], format!("2h ago{}now", " ".repeat(54)));
        let right = |line: &str| line.chars().skip(65).collect::<String>();
        assert_eq!(right(&wide[9]), "Processes by storage I/O (all disks)");
        // Half of its 21 rows for processes, a third for containers.
        assert_eq!(wide.iter().filter(|line| right(line).contains("M       – p")).count(), 10);
        let mut idle = state.clone();
        idle.host.processes.rows.truncate(3);
        let page = view(&idle, (130, 30)).lines();
        assert_eq!(page.iter().filter(|line| right(line).starts_with("box-")).count(), 7);
        let narrow = view(&state, (129, 30)).lines();
        assert_eq!(
            (narrow[9].as_str(), narrow[18].as_str()),
            ("used 50.0 GiB   top 100.0 GiB", "Processes by storage I/O (all disks)")
        );
        assert_eq!(narrow.iter().filter(|line| line.contains("M       – p")).count(), 6);
        // Fifteen rows below the lines are the least for both.
        assert!(view(&state, (80, 24)).lines()[9].starts_with("used"));
        assert!(view(&state, (80, 23)).lines()[9].starts_with("Processes"));
    }

    #[test]
    fn graph_has_the_level_and_a_limit_unless_it_is_read_only() {
        let mut state = machine([50; 300]);
        let roles = |state: &State| {
            let screen = view(state, (130, 30));
            // A row of dots, and the row of 90% at the top.
            [screen.role_at(0, 16), screen.role_at(0, 10)]
        };
        assert_eq!(roles(&state), [Some(Role::DiskWrite), Some(Role::Limit)]);
        change(&mut state).read_only = true;
        assert_eq!(roles(&state), [Some(Role::DiskWrite), None]);
        assert_eq!(roles(&machine([95; 300]))[0], Some(Role::Warn));
        change(&mut state).space = Err(Fault::Timeout);
        assert!(!view(&state, (130, 30)).lines().iter().any(|line| line.contains("top ")));
    }

    #[test]
    fn its_links_open() {
        let state = machine([50]);
        let mut detail = srv();
        drawn(&state, (80, 15), |cx, area, canvas| detail.draw(cx, area, canvas));
        assert_eq!(detail.hints().len(), 2);
        assert!(detail.act(Action::FocusNext, &state).is_some());
        let effects = detail.act(Action::Open, &state).unwrap();
        assert!(matches!(&effects[..], [Effect::OpenDetail(Subject::Process(_))]));
    }

    #[test]
    fn space_for_root_is_said_where_there_is_some() {
        const MIB: u64 = 1 << 20;
        let free = |available: u64| {
            let known =
                Space { size: 1024 * MIB, free: 300 * MIB, available: available * MIB, inodes: 0, inodes_free: 0 };
            let lines: Vec<String> =
                space(&known).into_iter().map(|line| line.into_iter().map(|(text, _)| text).collect()).collect();
            lines[2].trim_start_matches("free").trim().to_owned()
        };
        assert_eq!(free(300), "300.0 MiB available to users");
        assert_eq!(free(250), "250.0 MiB available to users   50.0 MiB reserved");
    }
}
