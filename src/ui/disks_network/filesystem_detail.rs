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
    use super::*;

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
