//! The filesystems pane: how full each mount is, and which does not answer.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::Settings,
    model::{fault::Fault, filesystem::Filesystem, source::SourceId},
    state::State,
    text::{elide, like, width},
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{bytes, figure, hue, percent, plain, tick},
        ids::PaneId,
        theme::Role,
        view::{Pane, PaneDef, Room, Rows, Shown},
        widgets::{
            gauge::{Gauge, gauge},
            line::{Line, line},
            notice::{dim_when_stale, notice},
            text::{put, put_right},
        },
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Filesystems,
    name: "filesystems",
    title: "filesystems",
    feeds: &[SourceId::Filesystems],
    min_width: 40,
    worth: 12,
    past: 0,
    make: |_| Box::<FilesystemsPane>::default(),
};

/// Keeps which mounts are shown, the fullest first.
#[derive(Default)]
pub struct FilesystemsPane {
    order: Vec<usize>,
}

fn ratio(fs: &Filesystem) -> Option<f64> {
    fs.space.as_ref().ok().and_then(crate::model::filesystem::Space::used_ratio)
}

/// Columns that a row takes at most.
const WIDEST: u16 = 110;

impl Pane for FilesystemsPane {
    fn refresh(&mut self, state: &State, settings: &Settings) {
        let all = &state.host.filesystems.filesystems;
        self.order.clear();
        let hidden = |fs: &Filesystem| settings.hidden_mounts.iter().any(|p| like(p, &fs.mount));
        self.order.extend((0..all.len()).filter(|i| !hidden(&all[*i])));
        // The worst first; whole per cents, so that neighbours do not swap places; what does not answer before its equals.
        let key = |i: &usize| {
            let share = ratio(&all[*i]).map_or(i64::MIN, |r| -((r * 100.0) as i64));
            (std::cmp::Reverse(level(state, &all[*i])), share)
        };
        self.order.sort_by_key(key);
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        if self.order.is_empty() && state.host.health.get(SourceId::Filesystems).is_some() {
            return None;
        }
        let rows = u16::try_from(self.order.len()).unwrap_or(u16::MAX).max(1).saturating_add(2);
        Some(Rows { min: rows.min(4), want: rows })
    }

    fn opens(&self, _state: &State) -> bool {
        false
    }

    fn zooms(&self) -> bool {
        true
    }

    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        // A name and its figure stay near each other on a wide screen.
        self.draw(cx, Rect { width: area.width.min(WIDEST), ..area }, canvas);
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if !notice(cx, area, canvas, SourceId::Filesystems) {
            self.list(cx, area, canvas);
        }
    }

    fn lines(&self, state: &State) -> Option<Rows> {
        let there = !self.order.is_empty() && state.host.health.get(SourceId::Filesystems).is_some();
        there.then_some(Rows { min: 1, want: 1 })
    }

    fn shown(&self, _state: &State, room: Room) -> Shown {
        Shown { things: self.order.len().min(usize::from(room.height)), of: self.order.len(), columns: 0 }
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let all = &cx.state.host.filesystems.filesystems;
        let Some(fs) = self.order.first().and_then(|i| all.get(*i)) else { return };
        let share = ratio(fs);
        let level = level(cx.state, fs);
        let more = self.order.len() - 1;
        let words = match (more, share) {
            (_, None) => format!("{} does not answer", fs.mount),
            (0, _) => fs.mount.clone(),
            (n, _) => format!("{} +{n}", elide(&fs.mount, 20)),
        };
        line(
            cx,
            area,
            canvas,
            &Line {
                figure: &percent(share),
                style: figure(cx, level),
                gauge: Gauge {
                    parts: &[(share.unwrap_or(0.0), hue(cx, level, Role::DiskRead))],
                    limit: tick(cx.state.limits("filesystem_used_ratio", &[&fs.mount])),
                    ..Gauge::default()
                },
                right: &words,
                ..Line::of("files")
            },
        );
        dim_when_stale(cx, area, canvas, SourceId::Filesystems);
    }
}

impl FilesystemsPane {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Draws as many as fit, the fullest first.
    pub fn list(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let all = &cx.state.host.filesystems.filesystems;
        let shown = || self.order.iter().filter_map(|i| all.get(*i)).take(usize::from(area.height));
        let longest = shown().map(|fs| width(&fs.mount)).max().unwrap_or(0);
        let name = u16::try_from(longest).unwrap_or(u16::MAX).min(area.width / 3).max(6);
        for (fs, y) in shown().zip(area.y..area.bottom()) {
            row(cx, Rect { y, height: 1, ..area }, canvas, fs, name);
        }
        dim_when_stale(cx, area, canvas, SourceId::Filesystems);
    }
}

fn level(state: &State, fs: &Filesystem) -> Level {
    match ratio(fs) {
        // What cannot be written does not fill up.
        Some(_) if fs.read_only => Level::Ok,
        Some(r) => state.level("filesystem_used_ratio", &[&fs.mount], r),
        None if matches!(fs.space, Err(Fault::Timeout)) => Level::Warn,
        None => Level::Unknown,
    }
}

/// `/srv/media   86% ━━━━━━━━┃─  3.1T of  14T  ext4`.
fn row(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, fs: &Filesystem, name: u16) {
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let level = level(cx.state, fs);
    put(buf, area.x, area.y, name, &fs.mount, theme.style(Role::Text));
    let mut x = area.x + name + 1;
    let space = match &fs.space {
        Ok(space) => space,
        Err(fault) => {
            let words = match fault {
                Fault::Timeout => "does not answer".to_owned(),
                Fault::Absent(what) | Fault::Broken(what) | Fault::Denied { what, .. } => what.clone(),
            };
            let style = if level >= Level::Warn { theme.level(level) } else { theme.style(Role::Dim) };
            put(buf, x, area.y, area.right().saturating_sub(x), &words, style);
            return;
        }
    };
    let share = space.used_ratio();
    put(buf, x, area.y, 4, &percent(share), plain(cx, level));
    x += 5;
    let inodes = space.inodes_ratio();
    let inode_level = inodes
        .filter(|_| !fs.read_only)
        .map_or(Level::Ok, |r| cx.state.level("filesystem_inodes_used_ratio", &[&fs.mount], r));
    let mut kind = if fs.read_only { format!("{} ro", fs.kind) } else { fs.kind.clone() };
    if inode_level > Level::Ok {
        kind = format!("inodes {}", percent(inodes).trim_start());
    }
    let mut end = area.right();
    if area.width >= name + 5 + 30 {
        let style = if inode_level > Level::Ok { theme.level(inode_level) } else { theme.style(Role::Dim) };
        put(buf, end - 8, area.y, 8, &kind, style);
        end -= 9;
    }
    if end > x + 20 {
        let used = space.size.saturating_sub(space.free) as f64;
        let text = format!("{} of {}", bytes(Some(used)), bytes(Some(space.size as f64)));
        end = put_right(buf, end, area.y, 14, &text, theme.style(Role::Dim)).saturating_sub(1);
    }
    let g = Gauge {
        parts: &[(share.unwrap_or(0.0), hue(cx, level, Role::DiskRead))],
        limit: tick(cx.state.limits("filesystem_used_ratio", &[&fs.mount])),
        ..Gauge::default()
    };
    gauge(buf, x, area.y, end.saturating_sub(x), theme, &g);
}
