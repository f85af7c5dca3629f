//! Disks and network interfaces: what each moves, how long it takes, how busy it is.

mod rows;

use ratatui::layout::Rect;

use crate::{
    config::Settings,
    model::{disk::Disk, event::SourceId, network::Interface},
    state::State,
    text::like,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        effect::Effect,
        figures::bytes,
        overlays::{disk_detail::DiskDetail, network_detail::NetworkDetail},
        pane::{Pane, PaneDef, PaneId, Rows},
        theme::Role,
        widgets::{
            graph::{Graph, graph, nice_top},
            notice::{dim_when_stale, words},
            text::{put, put_all, tint},
        },
    },
};

/// Its row in the table.
pub const DEF: PaneDef = PaneDef {
    id: PaneId::DiskNet,
    name: "disk_net",
    title: "disk · net",
    feeds: &[SourceId::Disks, SourceId::Network],
    min_width: 34,
    make: |_| Box::new(DiskNetPane::default()),
};

/// Steps of the past by which devices are chosen when not all fit.
const RECENT: usize = 60;

/// A device by its name, so that the cursor stays on it when others come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Device {
    Disk(String),
    Interface(String),
}

/// Keeps which devices are worth a row, and the cursor.
#[derive(Default)]
pub struct DiskNetPane {
    /// Indices into the host's disks, most active first, layers last.
    disks: Vec<usize>,
    /// Indices into the host's interfaces, most active first, loopback last.
    interfaces: Vec<usize>,
    /// Of the host's interfaces, which are down.
    down: Vec<bool>,
    cursor: Option<Device>,
}

impl Pane for DiskNetPane {
    fn refresh(&mut self, state: &State, settings: &Settings) {
        let disks = &state.host.disks.disks;
        self.disks.clear();
        self.disks.extend((0..disks.len()).filter(|i| !hidden(&settings.hidden_disks, &disks[*i].raw.name)));
        self.disks.sort_by_cached_key(|i| {
            let d = &disks[*i];
            let idle = recent(&d.read_history) + recent(&d.write_history) <= 0.0;
            (d.is_layer(), idle, std::cmp::Reverse(step(recent(&d.busy_history) * 1000.0)))
        });
        let interfaces = &state.host.network.interfaces;
        self.down.clear();
        self.down.extend(interfaces.iter().map(is_down));
        self.interfaces.clear();
        self.interfaces
            .extend((0..interfaces.len()).filter(|i| !hidden(&settings.hidden_interfaces, &interfaces[*i].raw.name)));
        self.interfaces.sort_by_cached_key(|i| {
            let n = &interfaces[*i];
            let moved = recent(&n.rx_history) + recent(&n.tx_history);
            (n.raw.loopback, !n.raw.physical, is_down(n), std::cmp::Reverse(step(moved)))
        });
    }

    fn rows(&self, _state: &State, _width: u16) -> Option<Rows> {
        let devices = self.disks.len() + self.interfaces.len();
        Some(Rows { min: 8, want: (devices as u16 + 2).clamp(8, 15) })
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
        let (disks, interfaces) = self.chosen(area.height);
        let split = Rect { height: disks.len().max(1) as u16, ..area }.intersection(area);
        self.disk_rows(cx, split, canvas, &disks);
        let rest = Rect { y: split.bottom(), height: area.bottom().saturating_sub(split.bottom()), ..area };
        self.interface_rows(cx, rest, canvas, &interfaces);
    }

    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lists = (self.disks.len().max(1) + self.interfaces.len().max(1)) as u16;
        // Graphs take what the lists leave, at most half.
        let graphs = area.height.saturating_sub(lists + 3).min(area.height / 2) / 2 * 2;
        let (list, graphs) =
            (Rect { height: area.height - graphs, ..area }, Rect { y: area.bottom() - graphs, height: graphs, ..area });
        self.draw(cx, list, canvas);
        self.totals(cx, graphs, canvas);
    }

    fn compact_rows(&self, _state: &State, _body: u16) -> u16 {
        1
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        rows::totals_line(cx, area, canvas, self.disks.first().and_then(|i| cx.state.host.disks.disks.get(*i)));
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        match action {
            Action::Up => self.step(state, -1),
            Action::Down => self.step(state, 1),
            Action::Top => self.cursor = self.devices(state).into_iter().next(),
            Action::Bottom => self.cursor = self.devices(state).into_iter().next_back(),
            Action::Open => return Some(self.open(state)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        let Target::Row(_, row) = target else { return Vec::new() };
        let Some(device) = self.devices(state).into_iter().nth(*row) else { return Vec::new() };
        if self.cursor.as_ref() == Some(&device) {
            return self.open(state);
        }
        self.cursor = Some(device);
        Vec::new()
    }
}

impl DiskNetPane {
    /// The devices that fit into `rows`, in the order of the machine so that rows do not swap places, interfaces that are
    /// down behind the others.
    fn chosen(&self, rows: u16) -> (Vec<usize>, Vec<usize>) {
        let rows = usize::from(rows);
        let (d, n) = (self.disks.len(), self.interfaces.len());
        let for_disks = d.min((rows / 2).max(rows.saturating_sub(n.max(1))));
        let for_interfaces = n.min(rows.saturating_sub(for_disks.max(1)));
        let take = |list: &[usize], count: usize| list.iter().copied().take(count).collect::<Vec<usize>>();
        let (mut disks, mut interfaces) = (take(&self.disks, for_disks), take(&self.interfaces, for_interfaces));
        disks.sort_unstable();
        interfaces.sort_unstable_by_key(|i| (self.down.get(*i), *i));
        (disks, interfaces)
    }

    /// Every device, in the order of the machine.
    fn devices(&self, state: &State) -> Vec<Device> {
        let (disks, interfaces) = self.chosen(u16::MAX);
        let host = &state.host;
        let disks = disks.into_iter().filter_map(|i| host.disks.disks.get(i));
        let interfaces = interfaces.into_iter().filter_map(|i| host.network.interfaces.get(i));
        disks
            .map(|d| Device::Disk(d.raw.name.clone()))
            .chain(interfaces.map(|n| Device::Interface(n.raw.name.clone())))
            .collect()
    }

    fn step(&mut self, state: &State, by: isize) {
        let devices = self.devices(state);
        let Some(last) = devices.len().checked_sub(1) else { return };
        let at = self.cursor.as_ref().and_then(|c| devices.iter().position(|d| d == c));
        let next = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        self.cursor = devices.into_iter().nth(next);
    }

    fn open(&self, state: &State) -> Vec<Effect> {
        let device = self.cursor.clone().or_else(|| self.devices(state).into_iter().next());
        match device {
            Some(Device::Disk(name)) => vec![Effect::Open(Box::new(DiskDetail::new(name)))],
            Some(Device::Interface(name)) => vec![Effect::Open(Box::new(NetworkDetail::new(name)))],
            None => Vec::new(),
        }
    }

    fn disk_rows(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, disks: &[usize]) {
        if instead(cx, area, canvas, SourceId::Disks, disks.is_empty(), "no disks") {
            return;
        }
        let all = &cx.state.host.disks.disks;
        let (every, _) = self.chosen(u16::MAX);
        for (i, y) in disks.iter().zip(area.y..area.bottom()) {
            let Some(disk) = all.get(*i) else { continue };
            let row = Rect { y, height: 1, ..area };
            rows::disk(cx, row, canvas, disk);
            self.mark(cx, row, canvas, &Device::Disk(disk.raw.name.clone()));
            if let Some(position) = every.iter().position(|e| e == i) {
                canvas.hit(row, Target::Row(PaneId::DiskNet, position));
            }
        }
        dim_when_stale(cx, area, canvas, SourceId::Disks);
    }

    fn interface_rows(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, interfaces: &[usize]) {
        if instead(cx, area, canvas, SourceId::Network, interfaces.is_empty(), "no network interfaces") {
            return;
        }
        let all = &cx.state.host.network.interfaces;
        let (disks, every) = self.chosen(u16::MAX);
        for (i, y) in interfaces.iter().zip(area.y..area.bottom()) {
            let Some(interface) = all.get(*i) else { continue };
            let row = Rect { y, height: 1, ..area };
            rows::interface(cx, row, canvas, interface);
            self.mark(cx, row, canvas, &Device::Interface(interface.raw.name.clone()));
            if let Some(position) = every.iter().position(|e| e == i) {
                canvas.hit(row, Target::Row(PaneId::DiskNet, disks.len() + position));
            }
        }
        dim_when_stale(cx, area, canvas, SourceId::Network);
    }

    /// The cursor is shown only while the pane has the focus.
    fn mark(&self, cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, device: &Device) {
        if cx.focused && self.cursor.as_ref() == Some(device) {
            let wide = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
            tint(canvas.buf, wide, cx.theme.style(Role::Selected));
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
            let top = nice_top(up.max().unwrap_or(0.0).max(down.max().unwrap_or(0.0)), 1024.0);
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
                Rect { y: place.y + 1, height: place.height - 1, ..place },
                canvas,
                top,
                (up, up_role),
                (down, down_role),
            );
        }
    }
}

/// One figure upward and its twin downward from the middle.
pub fn mirrored(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    top: f64,
    (up, up_role): (&crate::model::series::Series, Role),
    (down, down_role): (&crate::model::series::Series, Role),
) {
    let upper = Rect { height: area.height / 2, ..area };
    let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
    let g = Graph { series: up, top, style: cx.theme.style(up_role), band: None, flip: false };
    graph(canvas.buf, upper, cx.theme, &g);
    graph(canvas.buf, lower, cx.theme, &Graph { series: down, style: cx.theme.style(down_role), flip: true, ..g });
}

fn hidden(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|p| like(p, name))
}

fn is_down(interface: &Interface) -> bool {
    interface.raw.state.as_deref() == Some("down")
}

/// The mean of the last steps, gaps left out.
fn recent(series: &crate::model::series::Series) -> f64 {
    let (sum, count) =
        (0..RECENT.min(series.len())).filter_map(|b| series.back(b)).fold((0.0, 0u32), |(s, c), v| (s + v, c + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// Powers of two apart, so that neighbours do not swap places all the time.
fn step(value: f64) -> u32 {
    (value + 1.0).log2().floor() as u32
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

/// Disks by the order of the machine, for overlays.
#[must_use]
pub fn disk<'a>(state: &'a State, name: &str) -> Option<&'a Disk> {
    state.host.disks.disks.iter().find(|d| d.raw.name == name)
}
