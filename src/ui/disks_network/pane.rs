//! Disks and network interfaces: what each moves, how long it takes, how busy it is.

use ratatui::layout::Rect;

use crate::{
    config::{Settings, settings::TableSettings},
    model::source::SourceId,
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        disks_network::{
            columns::{self, DevicesTable, Hidden},
            devices::{Devices, Row},
            filesystems::{self, Filesystems},
            rows,
        },
        figures::bytes,
        ids::{Key, PaneId},
        table::{core::Table, lines::LineKey},
        theme::Role,
        view::{Effect, Message, Pane, PaneDef, Room, Rows, Shown},
        widgets::{
            graph::{axis, mirrored, nice_top},
            notice::{dim_when_stale, is_waiting, words},
            text::{put, put_all},
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
    make: |settings| Box::new(DiskNetPane::new(settings)),
};

/// The table of devices, and which of them have a row while not all fit.
pub struct DiskNetPane {
    table: Table<DevicesTable>,
    devices: Devices,
    /// Listed below the devices while they have no pane of their own.
    filesystems: Table<Filesystems>,
    with_filesystems: bool,
    /// The rounds of disks and of interfaces that the rows were chosen in.
    made_from: Option<[u64; 2]>,
}

/// The column with the kernel's order.
const BY_MACHINE: &str = "kind";

impl DiskNetPane {
    fn new(settings: &Settings) -> Self {
        let begin = TableSettings { columns: Vec::new(), sort: BY_MACHINE.to_owned(), reverse: false };
        DiskNetPane {
            table: Table::in_pane(PaneId::DiskNet, &begin, true, Hidden::of(settings)),
            devices: Devices::default(),
            filesystems: filesystems::table(settings),
            with_filesystems: false,
            made_from: None,
        }
    }
}

impl Pane for DiskNetPane {
    fn refresh(&mut self, state: &State, settings: &Settings) {
        let from = [SourceId::Disks, SourceId::Network].map(|source| state.host.health.round(source));
        if self.made_from.replace(from) != Some(from) {
            self.devices.refresh(state, settings);
        }
        self.table.update(state);
        self.devices.unfolded = self.table.list.groups.iter().any(|ports| !ports.folded);
        self.filesystems.update(state);
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
        let items = if room.boxed { (disks + interfaces + guests).min(usize::from(room.height)) } else { 0 };
        Shown { items, of: disks + interfaces + guests, columns: 0 }
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
        self.list(cx, area, canvas);
    }

    fn opens(&self, _state: &State) -> bool {
        self.table.opens()
    }

    fn zooms(&self) -> bool {
        true
    }

    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let guests = u16::try_from(self.guests()).unwrap_or(u16::MAX);
        let lists = u16::try_from(self.table.list.lines.len()).unwrap_or(u16::MAX).saturating_add(guests).max(2) + 1;
        // Graphs take what the lists leave, at most half.
        let graphs = area.height.saturating_sub(lists + 3).min(area.height / 2) / 2 * 2;
        let guests = guests.min(area.height.saturating_sub(graphs) / 2);
        let list = Rect { height: area.height - graphs - guests, ..area };
        let below = self.table.draw(cx, list, canvas, "");
        filesystems::list(&self.filesystems, cx, Rect { height: guests, ..below }, canvas, false);
        self.totals(cx, Rect { y: area.bottom() - graphs, height: graphs, ..area }, canvas);
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        rows::totals_line(cx, area, canvas, self.devices.busiest_disk().and_then(|i| cx.state.host.disks.disks.get(i)));
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        self.table.act(action, state)
    }

    fn takes_text(&self) -> bool {
        self.table.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.table.key(key, state)
    }

    fn paste(&mut self, text: &str, state: &State) {
        self.table.paste(text, state);
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let left = format!("{} of {}", self.table.list.kept, self.table.list.listed);
        self.table.grid.footer(cx, area, canvas, &left)
    }

    fn receive(&mut self, message: Message) {
        self.table.receive(&message);
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Search, "search"), (Action::Filter, "filter"), (Action::SortMenu, "sort")]
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        self.table.click(target, state)
    }
}

impl DiskNetPane {
    /// How many filesystems are listed below the devices.
    fn guests(&self) -> usize {
        if self.with_filesystems { self.filesystems.list.listed } else { 0 }
    }

    /// Disks, interfaces, and the filesystems while they are listed here: each half of the rows as far as it needs them.
    fn list(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let (up, guests) = (self.devices.up(), u16::try_from(self.guests()).unwrap_or(u16::MAX));
        let listed = u16::try_from(up.0.max(1) + up.1.max(1)).unwrap_or(u16::MAX);
        let guests = guests.min(area.height.saturating_sub(listed.min(area.height.div_ceil(2))));
        let own = Rect { height: area.height - guests, ..area };
        let Some((disks, interfaces)) = self.in_sight(cx, own.height) else {
            self.window(cx, own, canvas);
            return;
        };
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
        let guests_area = Rect { height: guests.min(below.height), ..below };
        filesystems::list(&self.filesystems, cx, guests_area, canvas, false);
        let end = below.y + guests;
        if end < area.bottom() {
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

    /// The rows that are drawn: those that move most, while that is the order and the cursor is on one of them.
    fn in_sight(&self, cx: &DrawCx<'_>, height: u16) -> Option<(Vec<Row>, Vec<Row>)> {
        let chosen = self.devices.chosen(height, false);
        let cursor = self.table.grid.cursor.selected().filter(|_| cx.focused && self.table.grid.cursor.is_held());
        let here = |cursor| chosen.0.iter().chain(&chosen.1).any(|row| key(cx.state, *row) == Some(cursor));
        (self.table.is_plain(BY_MACHINE) && cursor.is_none_or(here)).then_some(chosen)
    }

    /// The lines around the cursor, in the order of the table.
    fn window(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let disks = cx.state.host.disks.disks.len();
        let row = |at: usize| match self.table.list.row(at) {
            Some(line) if line.index() < disks => Row::Disk(line.index()),
            Some(line) => Row::Interface(line.index() - disks),
            None => Row::Ports,
        };
        let lines: Vec<Row> = self.table.grid.cursor.window(usize::from(area.height)).map(row).collect();
        self.lines(cx, area, canvas, &lines);
        dim_when_stale(cx, area, canvas, SourceId::Disks);
    }

    fn lines(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, lines: &[Row]) {
        let host = &cx.state.host;
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
            let of_line = |key| self.table.grid.cursor.keys().iter().position(|other| *other == key);
            if let Some(at) = key(cx.state, *line).and_then(of_line) {
                self.table.mark(cx, place, canvas, at);
            }
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
            axis(cx, Rect { y: place.bottom() - 1, height: 1, ..place }, canvas, up);
        }
    }
}

/// What names a row in the table.
fn key(state: &State, row: Row) -> Option<LineKey<u64>> {
    match row {
        Row::Disk(index) => columns::disk_key(state, index),
        Row::Interface(index) => columns::interface_key(state, index),
        Row::Ports => Some(columns::ports_key()),
    }
}

/// Draws why there are no rows: true then.
fn instead(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, source: SourceId, empty: bool, none: &str) -> bool {
    let text = match words(cx.state, source) {
        Some((text, _)) if is_waiting(cx.state, source) => format!("{}: {text}", source.name()),
        Some((text, Some(hint))) => format!("{text} ({hint})"),
        Some((text, None)) => text,
        None if empty => none.to_owned(),
        None => return false,
    };
    if !area.is_empty() {
        put(canvas.buf, area.x, area.y, area.width, &text, cx.theme.style(Role::Dim));
    }
    true
}

#[cfg(test)]
mod tests;
