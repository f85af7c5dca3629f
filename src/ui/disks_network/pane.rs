//! Disks and network interfaces: what each moves, how long it takes, how busy it is.

use ratatui::layout::Rect;

use crate::{
    config::Settings,
    model::source::SourceId,
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        disks_network::{
            devices::{Devices, Row},
            disk_detail::DiskDetail,
            filesystems::FilesystemsPane,
            network_detail::NetworkDetail,
            rows,
        },
        figures::bytes,
        ids::PaneId,
        theme::Role,
        view::{Effect, Pane, PaneDef, Room, Rows, Shown},
        widgets::{
            graph::{axis, mirrored, nice_top},
            notice::{dim_when_stale, words},
            text::{put, put_all, tint},
        },
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::DiskNet,
    name: "disk_net",
    title: "disk · net",
    feeds: &[SourceId::Disks, SourceId::Network],
    min_width: 34,
    worth: 20,
    past: 0,
    make: |_| Box::new(DiskNetPane::default()),
};

/// A device by its name, so that the cursor stays on it when others come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Device {
    Disk(String),
    Interface(String),
    Ports,
}

/// Keeps which devices are worth a row, and the cursor.
#[derive(Default)]
pub struct DiskNetPane {
    devices: Devices,
    cursor: Option<Device>,
    /// Listed below the devices while they have no pane of their own.
    filesystems: FilesystemsPane,
    with_filesystems: bool,
}

impl Pane for DiskNetPane {
    fn refresh(&mut self, state: &State, settings: &Settings) {
        self.devices.refresh(state, settings);
        self.filesystems.refresh(state, settings);
    }

    fn rows(&self, _state: &State, _width: u16) -> Option<Rows> {
        let (disks, interfaces) = self.devices.up();
        // What is not there says so in a row.
        let want = u16::try_from(disks.max(1) + interfaces.max(1) + 2).unwrap_or(u16::MAX);
        Some(Rows { min: want.min(5), want })
    }

    fn shown(&self, _state: &State, room: Room) -> Shown {
        let (disks, interfaces) = self.devices.up();
        let guests = self.guests();
        let things = if room.boxed { (disks + interfaces + guests).min(usize::from(room.height)) } else { 0 };
        Shown { things, of: disks + interfaces + guests, columns: 0 }
    }

    fn title(&self) -> Option<&'static str> {
        self.with_filesystems.then_some("disk · net · fs")
    }

    fn take_in(&mut self, filesystems: bool) {
        self.with_filesystems = filesystems;
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let host = &cx.state.host;
        let figure = |v: Option<f64>| bytes(v).trim_start().to_owned();
        format!(
            "r {} w {} · ↓ {} ↑ {}",
            figure(host.disks.read_per_second),
            figure(host.disks.write_per_second),
            figure(host.network.rx_per_second),
            figure(host.network.tx_per_second)
        )
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.list(cx, area, canvas, false);
    }

    fn opens(&self, _state: &State) -> bool {
        !self.devices.rows().is_empty()
    }

    fn zooms(&self) -> bool {
        true
    }

    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lists = (self.devices.rows().len() + self.guests()).max(2) as u16;
        // Graphs take what the lists leave, at most half.
        let graphs = area.height.saturating_sub(lists + 3).min(area.height / 2) / 2 * 2;
        let (list, graphs) =
            (Rect { height: area.height - graphs, ..area }, Rect { y: area.bottom() - graphs, height: graphs, ..area });
        self.list(cx, list, canvas, true);
        self.totals(cx, graphs, canvas);
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        rows::totals_line(cx, area, canvas, self.devices.busiest_disk().and_then(|i| cx.state.host.disks.disks.get(i)));
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        match action {
            Action::Up => self.step(state, -1),
            Action::Down => self.step(state, 1),
            Action::Top => self.cursor = self.named(state).into_iter().next(),
            Action::Bottom => self.cursor = self.named(state).into_iter().next_back(),
            Action::Open => return Some(self.open(state)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        let Target::Row(_, row) = target else { return Vec::new() };
        let Some(device) = self.named(state).into_iter().nth(*row) else { return Vec::new() };
        if self.cursor.as_ref() == Some(&device) {
            return self.open(state);
        }
        self.cursor = Some(device);
        Vec::new()
    }
}

impl DiskNetPane {
    /// How many filesystems are listed below the devices.
    fn guests(&self) -> usize {
        if self.with_filesystems { self.filesystems.count() } else { 0 }
    }

    /// Disks, interfaces, and the filesystems while they are listed here: each half of the rows as far as it needs them.
    fn list(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, all: bool) {
        let (up, guests) = (self.devices.up(), u16::try_from(self.guests()).unwrap_or(u16::MAX));
        let listed = if all { self.devices.rows().len() } else { up.0.max(1) + up.1.max(1) };
        let listed = u16::try_from(listed).unwrap_or(u16::MAX);
        let guests = guests.min(area.height.saturating_sub(listed.min(area.height.div_ceil(2))));
        let own = Rect { height: area.height - guests, ..area };
        let (disks, interfaces) = self.in_sight(cx, own.height, all);
        let split = Rect { height: disks.len().max(1) as u16, ..own }.intersection(own);
        if !instead(cx, split, canvas, SourceId::Disks, disks.is_empty(), "no disks") {
            self.lines(cx, split, canvas, &disks);
            dim_when_stale(cx, split, canvas, SourceId::Disks);
        }
        let rest = Rect { y: split.bottom(), height: own.bottom().saturating_sub(split.bottom()), ..own };
        let rest = Rect { height: rest.height.min(interfaces.len().max(1) as u16), ..rest };
        if !instead(cx, rest, canvas, SourceId::Network, interfaces.is_empty(), "no network interface is up") {
            self.lines(cx, rest, canvas, &interfaces);
            dim_when_stale(cx, rest, canvas, SourceId::Network);
        }
        let below = Rect { y: rest.bottom(), height: area.bottom().saturating_sub(rest.bottom()), ..area };
        self.filesystems.list(cx, Rect { height: guests.min(below.height), ..below }, canvas);
        let end = below.y + guests;
        if !all && end < area.bottom() {
            self.quiet_line(cx, Rect { y: end, height: 1, ..area }, canvas);
        }
    }

    /// `eth1 down`: the interfaces that have no row.
    fn quiet_line(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let all = &cx.state.host.network.interfaces;
        let names: Vec<&str> = self.devices.down().filter_map(|i| all.get(i)).map(|n| n.raw.name.as_str()).collect();
        let text = match names.len() {
            0 => return,
            1..=3 => format!("{} down", names.join(", ")),
            n => format!("{}, {} and {} more down", names[0], names[1], n - 2),
        };
        put(canvas.buf, area.x, area.y, area.width, &text, cx.theme.style(Role::Dim));
    }

    /// The rows that are drawn: those that move most, or those around the cursor once it left them.
    fn in_sight(&self, cx: &DrawCx<'_>, height: u16, all: bool) -> (Vec<Row>, Vec<Row>) {
        let chosen = self.devices.chosen(height, all);
        let Some(cursor) = self.cursor.as_ref().filter(|_| cx.focused) else { return chosen };
        let is_cursor = |row: &Row| self.name(cx.state, *row).as_ref() == Some(cursor);
        if chosen.0.iter().chain(&chosen.1).any(is_cursor) {
            return chosen;
        }
        let every = self.devices.rows();
        let Some(at) = every.iter().position(is_cursor) else { return chosen };
        let height = usize::from(height).min(every.len());
        let from = at.saturating_sub(height / 2).min(every.len() - height);
        every[from..from + height].iter().partition(|row| matches!(row, Row::Disk(_)))
    }

    /// What a row stands for.
    fn name(&self, state: &State, row: Row) -> Option<Device> {
        Some(match row {
            Row::Disk(i) => Device::Disk(state.host.disks.disks.get(i)?.raw.name.clone()),
            Row::Interface(i) => Device::Interface(state.host.network.interfaces.get(i)?.raw.name.clone()),
            Row::Ports => Device::Ports,
        })
    }

    /// Every device, in the order of the rows.
    fn named(&self, state: &State) -> Vec<Device> {
        self.devices.rows().into_iter().filter_map(|row| self.name(state, row)).collect()
    }

    fn step(&mut self, state: &State, by: isize) {
        let devices = self.named(state);
        let Some(last) = devices.len().checked_sub(1) else { return };
        let at = self.cursor.as_ref().and_then(|c| devices.iter().position(|d| d == c)).unwrap_or(0);
        let next = at.saturating_add_signed(by).min(last);
        self.cursor = devices.into_iter().nth(next);
    }

    fn open(&mut self, state: &State) -> Vec<Effect> {
        let device = self.cursor.clone().or_else(|| self.named(state).into_iter().next());
        match device {
            Some(Device::Disk(name)) => vec![Effect::Open(Box::new(DiskDetail::new(name)))],
            Some(Device::Interface(name)) => vec![Effect::Open(Box::new(NetworkDetail::new(name)))],
            Some(Device::Ports) => {
                self.devices.fold();
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn lines(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, lines: &[Row]) {
        let host = &cx.state.host;
        let every = self.devices.rows();
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            let place = Rect { y, height: 1, ..area };
            match *line {
                Row::Disk(i) => {
                    let Some(disk) = host.disks.disks.get(i) else { continue };
                    rows::disk(cx, place, canvas, disk);
                }
                Row::Interface(i) => {
                    let Some(interface) = host.network.interfaces.get(i) else { continue };
                    rows::interface(cx, place, canvas, interface);
                }
                Row::Ports => {
                    let ports = self.devices.ports().iter().filter_map(|i| host.network.interfaces.get(*i));
                    rows::ports(cx, place, canvas, ports);
                }
            }
            self.mark(cx, place, canvas, *line);
            if let Some(position) = every.iter().position(|e| e == line) {
                canvas.hit(place, Target::Row(PaneId::DiskNet, position));
            }
        }
    }

    /// The cursor is shown only while the pane has the focus.
    fn mark(&self, cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, line: Row) {
        if !cx.focused {
            return;
        }
        // Before it was moved it stands on the first row, faintly: the first key moves it from there.
        let (role, on_it) = match &self.cursor {
            Some(cursor) => (Role::Selected, self.name(cx.state, line).as_ref() == Some(cursor)),
            None => (Role::SelectedUnfocused, self.devices.rows().first() == Some(&line)),
        };
        if on_it {
            let wide = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
            tint(canvas.buf, wide, cx.theme.style(role));
        }
    }

    /// Four graphs: read over write at the left, received over sent at the right, mirrored.
    fn totals(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.height < 4 {
            return;
        }
        let host = &cx.state.host;
        let half = Rect { width: area.width.saturating_sub(3) / 2, ..area };
        let other = Rect { x: area.right() - half.width, ..half };
        for (place, words, (up, up_role), (down, down_role)) in [
            (
                half,
                ("read", "written"),
                (&host.disks.read_history, Role::DiskRead),
                (&host.disks.write_history, Role::DiskWrite),
            ),
            (
                other,
                ("received", "sent"),
                (&host.network.rx_history, Role::NetReceive),
                (&host.network.tx_history, Role::NetTransmit),
            ),
        ] {
            let top = nice_top(up.max().unwrap_or(0.0).max(down.max().unwrap_or(0.0)));
            let scale = format!("   top {}/s", bytes(Some(top)).trim_start());
            put_all(
                canvas.buf,
                place.x,
                place.y,
                place.width,
                &[
                    (words.0, cx.theme.style(up_role)),
                    (" over ", cx.theme.style(Role::Faint)),
                    (words.1, cx.theme.style(down_role)),
                    (&scale, cx.theme.style(Role::Faint)),
                ],
            );
            mirrored(
                cx,
                Rect { y: place.y + 1, height: place.height - 2, ..place },
                canvas,
                top,
                (up, up_role),
                (down, down_role),
            );
            axis(canvas.buf, Rect { y: place.bottom() - 1, height: 1, ..place }, cx.theme, up);
        }
    }
}

/// Draws why there are no rows: true then.
fn instead(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, source: SourceId, empty: bool, none: &str) -> bool {
    let text = match words(cx.state, source) {
        Some((text, _)) if text.starts_with("waiting") => format!("{}: {text}", source.name()),
        Some((text, _)) => text,
        None if empty => none.to_owned(),
        None => return false,
    };
    if !area.is_empty() {
        put(canvas.buf, area.x, area.y, area.width, &text, cx.theme.style(Role::Dim));
    }
    true
}
