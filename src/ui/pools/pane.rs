//! The pools pane: ZFS pools with their health, room, rates and scans. A machine without the module gives its room away.

use std::borrow::Cow;

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    model::{
        event::{Fault, SourceId},
        pool::{ERROR_KINDS, PoolRow, ScanState, Vdev},
    },
    state::State,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{hue, tick},
        ids::{PaneId, RowKey},
        panes::tabled::{TableGrid, TablePane, Tabled, key_of},
        pools::{
            columns::{COLUMNS, Row, at},
            detail::PoolDetail,
            operations,
        },
        table::{column::Column, filter::Fields, grid::cell},
        theme::Role,
        view::{Effect, Overlay, PaneDef, Rows},
        widgets::{
            gauge::{Gauge, gauge},
            graph::{mirrored, nice_top},
            text::{put, put_all, put_char, tint},
        },
    },
    units::{ABSENT, bytes_long, bytes_short, percent, span_short},
};

/// Its row in the table.
pub const DEF: PaneDef = PaneDef {
    id: PaneId::Pools,
    name: "pools",
    title: "zfs",
    feeds: &[SourceId::Pools],
    min_width: 82,
    worth: 40,
    past: 8,
    make: |settings| Box::new(TablePane::<Pools>::new(&settings.pools, false)),
};

/// The table of pools.
pub struct Pools;

/// How a pool fares by the rules: its state, files that are lost, and devices that it lacks though it is online. The one
/// place that every view of its health asks.
#[must_use]
pub fn level(state: &State, row: &PoolRow) -> Level {
    let word = row.state.to_lowercase();
    let of = |metric: &str, value: f64| state.level(metric, &[&row.name, &word], value);
    let healthy = of("pool_healthy", if row.is_healthy() { 1.0 } else { 0.0 });
    let missing = row.told.as_ref().map_or(Level::Ok, |told| of("pool_missing_devices", told.missing().count() as f64));
    healthy.max(missing).max(lost_level(state, row))
}

/// How the files fare that a pool has lost.
#[must_use]
pub fn lost_level(state: &State, row: &PoolRow) -> Level {
    row.data_errors().map_or(Level::Ok, |lost| state.level("pool_data_errors", &[&row.name], lost as f64))
}

/// How a device fares by the rules on its errors.
#[must_use]
pub fn device_level(state: &State, pool: &str, vdev: &Vdev) -> Level {
    let of = |(kind, errors): (&str, u64)| state.level("vdev_errors", &[pool, &vdev.name, kind], errors as f64);
    ERROR_KINDS.into_iter().zip(vdev.errors).map(of).max().unwrap_or(Level::Ok)
}

/// How the errors of a pool fare by the rules: those that its devices counted, and what is lost for good.
fn errors_level(state: &State, row: &PoolRow) -> Level {
    let Some(told) = &row.told else { return Level::Unknown };
    let lost = lost_level(state, row);
    told.leaves().map(|vdev| device_level(state, &row.name, vdev)).fold(lost, Level::max)
}

/// The worst of all that the rules say of a pool.
fn worst(state: &State, row: &PoolRow) -> Level {
    let full = row.used_ratio().map_or(Level::Ok, |r| state.level("pool_used_ratio", &[&row.name], r));
    level(state, row).max(errors_level(state, row)).max(full)
}

/// Tools that say nothing now, each with why and how old its last answer is; that of the pools first.
#[must_use]
pub fn silences(state: &State) -> Vec<String> {
    let raw = &state.host.pools.raw;
    let age = |at_us: u64| match at_us {
        0 => String::new(),
        at => {
            let ago = std::time::Duration::from_micros(state.host.now.mono_us.saturating_sub(at));
            format!(", its last answer is {} old", span_short(ago))
        }
    };
    let words = |tool: &str, fault: &Option<Fault>, at_us: u64| {
        let why = match fault.as_ref()? {
            Fault::Timeout => "does not answer".to_owned(),
            Fault::Denied { what, hint } => format!("is denied: {what} ({hint})"),
            Fault::Absent(what) | Fault::Broken(what) => what.clone(),
        };
        Some(format!("{tool}: {why}{}", age(at_us)))
    };
    let lines = [
        words("zpool", &raw.pools.fault, raw.pools.at_us),
        words("zfs", &raw.datasets.fault, raw.datasets.at_us),
        words("zpool iostat", &raw.io.fault, raw.io.at_us),
    ];
    lines.into_iter().flatten().collect()
}

impl Tabled for Pools {
    type Row<'a> = Row<'a>;
    const PANE: PaneId = PaneId::Pools;
    const SOURCE: SourceId = SourceId::Pools;
    const COLUMNS: &'static [Column] = &COLUMNS;
    const THING: &'static str = "pool";
    const ESSENTIAL: &'static [usize] =
        &[at::NAME, at::HEALTH, at::USED, at::GAUGE, at::READ, at::WRITE, at::LATENCY, at::ERRORS, at::SCRUB];

    fn settings(settings: &mut Settings) -> Option<(&mut TableSettings, Option<&mut bool>)> {
        Some((&mut settings.pools, None))
    }

    fn count(state: &State) -> usize {
        state.host.pools.rows.len()
    }

    fn row(state: &State, index: usize) -> Row<'_> {
        Row::new(&state.host.pools.rows[index], state)
    }

    fn key(state: &State, index: usize) -> RowKey {
        key_of(&state.host.pools.rows[index].name)
    }

    fn cell(cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>, column: usize, row: &Row<'_>, grid: &TableGrid) {
        let (theme, pool) = (cx.theme, row.pool);
        let name = pool.name.as_str();
        let used = pool.used_ratio();
        let fullness = used.map_or(Level::Unknown, |r| cx.state.level("pool_used_ratio", &[name], r));
        match column {
            at::HEALTH => health(cx, place, canvas, row),
            at::GAUGE => {
                let g = Gauge {
                    parts: &[(used.unwrap_or(0.0).min(1.0), hue(cx, fullness, Role::DiskRead))],
                    limit: tick(cx.state.limits("pool_used_ratio", &[name])),
                    ..Gauge::default()
                };
                gauge(canvas.buf, place.x, place.y, place.width, theme, &g);
            }
            column => {
                let text = row.shown(column);
                let level = match column {
                    at::USED => fullness,
                    at::ERRORS => errors_level(cx.state, pool),
                    _ => Level::Ok,
                };
                let scans =
                    pool.told.as_ref().and_then(|t| t.scan.as_ref()).is_some_and(|s| s.state == ScanState::Running);
                let role = match column {
                    at::NAME => Role::Strong,
                    at::SCRUB if scans => Role::Advice,
                    _ if matches!(text.as_str(), "0" | ABSENT) => Role::Faint,
                    at::USED | at::READ | at::WRITE | at::LATENCY => Role::Text,
                    _ => Role::Dim,
                };
                let style = if level > Level::Ok { theme.level(level) } else { theme.style(role) };
                cell(canvas, place, COLUMNS[column].align, &text, style);
                grid.mark(cx, place, canvas, column, &text);
            }
        }
        if pool.stands_still() && !matches!(column, at::NAME | at::HEALTH) {
            tint(canvas.buf, place, theme.style(Role::Faint));
        }
    }

    fn detail(state: &State, index: usize) -> Box<dyn Overlay> {
        Box::new(PoolDetail::new(state.host.pools.rows[index].name.clone()))
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        silences(state).into_iter().take(1).map(|words| (Level::Warn, words)).collect()
    }

    fn nothing(_state: &State) -> &'static str {
        "the ZFS module is loaded and no pool is imported"
    }

    fn summary(state: &State) -> String {
        let memory = &state.host.memory;
        let mut words = Vec::new();
        if let Some(arc) = memory.raw.arc {
            words.push(format!("arc {} of {}", bytes_long(arc.size as f64), bytes_long(arc.max as f64)));
            words.extend(memory.arc_rates.hit_ratio.map(|r| format!("hit {}", percent(r).trim_start())));
        }
        words.extend(state.host.pools.raw.version.as_ref().map(|v| v.split('-').next().unwrap_or(v).to_owned()));
        words.join(" · ")
    }

    fn rank(row: &Row<'_>, column: usize) -> Option<u8> {
        (column == at::HEALTH).then(|| match worst(row.state, row.pool) {
            Level::Crit => 0,
            Level::Warn => 1,
            _ if scans(row.pool) => 2,
            Level::Advice => 3,
            Level::Ok | Level::Unknown => 4,
        })
    }

    fn is_empty(state: &State, id: &str) -> bool {
        let rows = &state.host.pools.rows;
        match id {
            "errors" => rows.iter().all(|p| Row::new(p, state).errors().unwrap_or(0) == 0),
            _ => false,
        }
    }

    fn keeps(state: &State, id: &str) -> bool {
        match id {
            "errors" => !Self::is_empty(state, id),
            "scrub" => state.host.pools.rows.iter().any(scans),
            _ => false,
        }
    }

    fn words<'a>(row: &'a Row<'_>, column: usize) -> Cow<'a, str> {
        match column {
            // Behind its sign.
            at::HEALTH => Cow::Owned(format!("  {}", row.text(column))),
            _ => row.text(column),
        }
    }

    fn act(action: Action, state: &State, _settings: &Settings, chosen: &[usize]) -> Option<Vec<Effect>> {
        let chosen = chosen.first().and_then(|index| state.host.pools.rows.get(*index));
        (action == Action::Acts).then(|| operations::choose(chosen.map_or("", |row| row.name.as_str()), state))
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Acts, "acts")]
    }

    fn rows(state: &State) -> Option<Rows> {
        let all = &state.host.pools.rows;
        if all.is_empty() {
            return None;
        }
        let notes = u16::try_from(Self::notes(state).len()).unwrap_or(0);
        let want = u16::try_from(all.len()).unwrap_or(u16::MAX).saturating_add(3 + notes);
        Some(Rows { min: want.min(5), want })
    }

    fn below(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        past(cx, area, canvas);
    }

    fn weight(state: &State, index: usize) -> Option<(Level, f64)> {
        let row = &state.host.pools.rows[index];
        Some((worst(state, row), row.used_ratio().unwrap_or(0.0)))
    }
}

/// What the busiest pool read and wrote lately.
fn past(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let most = |row: &PoolRow| row.read_history.max().unwrap_or(0.0).max(row.write_history.max().unwrap_or(0.0));
    let busiest = cx.state.host.pools.rows.iter().max_by(|a, b| most(a).total_cmp(&most(b)));
    let Some(row) = busiest.filter(|row| area.height >= 3 && most(row) > 0.0) else { return };
    let top = nice_top(most(row), 1024.0);
    let words = [
        (row.name.as_str(), cx.theme.style(Role::Dim)),
        (" read", cx.theme.style(Role::DiskRead)),
        (" over ", cx.theme.style(Role::Faint)),
        ("write", cx.theme.style(Role::DiskWrite)),
        (&format!("   scale {}/s", bytes_short(top)), cx.theme.style(Role::Faint)),
    ];
    put_all(canvas.buf, area.x, area.y, area.width, &words);
    let graph = Rect { y: area.y + 1, height: area.height - 1, ..area };
    mirrored(cx, graph, canvas, top, (&row.read_history, Role::DiskRead), (&row.write_history, Role::DiskWrite));
}

/// A scrub or a resilver is under way.
fn scans(pool: &PoolRow) -> bool {
    let scan = pool.told.as_ref().and_then(|told| told.scan.as_ref());
    scan.is_some_and(|scan| matches!(scan.state, ScanState::Running | ScanState::Paused))
}

/// `✖ degraded`.
fn health(cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let glyphs = &cx.theme.glyphs;
    let level = level(cx.state, row.pool);
    let (glyph, style) = match level {
        Level::Crit => (glyphs.crit, cx.theme.level(level)),
        Level::Warn => (glyphs.warn, cx.theme.level(level)),
        _ if row.pool.is_healthy() => (glyphs.ok, cx.theme.style(Role::Ok)),
        _ => (glyphs.unknown, cx.theme.style(Role::Advice)),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    let room = place.right().saturating_sub(x);
    let whole = row.pool.state_words();
    let words = if width(&whole) <= usize::from(room) { whole } else { row.pool.state.to_lowercase() };
    put(canvas.buf, x, place.y, room, &words, style);
}
