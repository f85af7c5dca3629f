//! The visible container rows, and the words in the border.

use std::time::Duration;

use ratatui::layout::Rect;

use super::row::Row;
use crate::{
    alert::Level,
    clock::Stamp,
    model::{
        container::{Engine, Health, RunState},
        metrics,
    },
    state::{State, levels},
    text::width,
    ui::{
        canvas::Canvas,
        figures::{hue, role_of, tick},
        table::column::{CellCx, unless_zero},
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            spark::spark,
            text::{put, put_char},
        },
    },
    units::span_short,
};

/// `12 running · 1 restarting · docker 28.2`.
pub(super) fn summary(state: &State) -> String {
    let all = &state.host.containers;
    let count = |wanted: RunState| all.rows.iter().filter(|r| r.meta.state == wanted).count();
    let mut words = Vec::new();
    for state in [RunState::Running, RunState::Restarting, RunState::Paused, RunState::Dead, RunState::Exited] {
        let n = count(state);
        if n > 0 {
            words.push(format!("{n} {}", state.word()));
        }
    }
    // Without what a distribution puts behind the version.
    let name = |engine: &Engine| {
        let version = engine.version.as_deref().and_then(|version| version.split(['+', '~']).next());
        format!("{} {}", engine.kind, version.unwrap_or_default()).trim_end().to_owned()
    };
    let mut engines: Vec<(String, usize)> = Vec::new();
    for name in all.engines.iter().filter(|e| e.fault.is_none() && !e.twin).map(name) {
        match engines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => engines.push((name, 1)),
        }
    }
    words.extend(engines.into_iter().map(|(name, count)| if count > 1 { format!("{count} × {name}") } else { name }));
    words.join(" · ")
}

/// Why an engine is silent and since when, in one line.
pub(super) fn silence(engine: &Engine, now: Stamp) -> Option<String> {
    let why = engine.why()?;
    let since = engine.fault_unix_ms.and_then(|since| u64::try_from(now.unix_ms - since).ok());
    // The age before the words: those may be cut.
    let age = since.map_or_else(String::new, |ms| format!(", {}", span_short(Duration::from_millis(ms))));
    Some(format!("{}{age}: {why}", engine.address))
}

/// What runs, or needs a look, is never dimmed.
pub(super) fn name_role(row: &Row<'_>, _text: &str) -> Role {
    let runs = row.container.meta.state == RunState::Running;
    if runs || levels::container(row.state, row.container) >= Level::Warn { Role::Strong } else { Role::Dim }
}

/// Its CPU lately.
pub(super) fn past(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, container) = (cell.cx.theme, row.container);
    let top = container.meta.cpu_limit.unwrap_or(1.0);
    let style = theme.style(Role::CpuUser);
    spark(canvas.buf, place.x, place.y, place.width, theme, &container.cpu_history, top, style);
}

/// Its memory against its limit.
pub(super) fn limit(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let Some(ratio) = row.memory_ratio() else { return };
    let labels = [&*row.container.label];
    let level = row.state.level(metrics::CONTAINER_MEMORY_LIMIT_RATIO, &labels, ratio);
    let g = Gauge {
        parts: &[(ratio.min(1.0), hue(cell.cx, level, Role::MemoryUsed))],
        limit: tick(row.state.limits(metrics::CONTAINER_MEMORY_LIMIT_RATIO, &labels)),
        ..Gauge::default()
    };
    gauge(canvas.buf, place.x, place.y, place.width, cell.cx.theme, &g);
}

pub(super) fn restarts_role(row: &Row<'_>, text: &str) -> Role {
    let restarts = f64::from(row.restarts());
    let level = row.state.level(metrics::CONTAINER_RESTARTS_10M, &[&row.container.label], restarts);
    role_of(level, unless_zero(text, Role::Text))
}

/// `● healthy`, `✖ restarting`.
pub(super) fn state(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, glyphs) = (cell.cx.theme, &cell.cx.theme.glyphs);
    let meta = &row.container.meta;
    let level = levels::container(row.state, row.container);
    let (glyph, style) = match (level, meta.state, meta.health) {
        (Level::Crit, ..) => (glyphs.crit, theme.level(Level::Crit)),
        (Level::Warn, ..) => (glyphs.warn, theme.level(Level::Warn)),
        (_, RunState::Running, Some(Health::Healthy)) => (glyphs.ok, theme.style(Role::Ok)),
        (_, RunState::Running, _) => (glyphs.ok, theme.style(Role::Text)),
        (_, RunState::Restarting, _) => (glyphs.restarting, theme.style(Role::Advice)),
        (_, RunState::Paused, _) => (glyphs.paused, theme.style(Role::Advice)),
        (_, RunState::Dead | RunState::Removing, _) => (glyphs.exited, theme.style(Role::Advice)),
        (_, RunState::Exited, _) => (glyphs.exited, theme.style(Role::Faint)),
        (_, RunState::Created, _) => (glyphs.created, theme.style(Role::Faint)),
        (_, RunState::Unknown, _) => (glyphs.unknown, theme.style(Role::Faint)),
    };
    // What an engine said before it fell silent may be so no longer.
    let style = if row.is_current() { style } else { theme.style(Role::Faint) };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    let room = place.right().saturating_sub(x);
    let used = put(canvas.buf, x, place.y, room, &row.state_words(), style);
    // The age is that of its own column too: it appears here only where all of it fits.
    let age = row.ended_words();
    if usize::from(room - used) >= width(&age) {
        put(canvas.buf, x + used, place.y, room - used, &age, style);
    }
}

/// How many containers of a project run, with the sign of the worst.
pub(super) fn states(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, rows: &[Row<'_>]) {
    let theme = cell.cx.theme;
    let up = rows.iter().filter(|row| row.container.meta.state == RunState::Running).count();
    let worst = rows.iter().map(|row| levels::container(row.state, row.container)).max().unwrap_or(Level::Ok);
    let (glyphs, text) = (&theme.glyphs, theme.style(Role::Dim));
    let (glyph, style) = match worst {
        Level::Crit => (glyphs.crit, theme.level(worst)),
        Level::Warn => (glyphs.warn, theme.level(worst)),
        _ if up == rows.len() => (glyphs.ok, text),
        _ => (glyphs.exited, text),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let room = place.width.saturating_sub(2);
    put(canvas.buf, place.x + 2, place.y, room, &format!("{up} of {} up", rows.len()), text);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        model::container::{Container, ContainerRow},
        ui::{
            containers::row::Containers,
            table::column::testing::{cell, column},
        },
    };

    fn machine(rows: Vec<ContainerRow>) -> State {
        let mut state = State::new(shipped().into());
        state.host.now = Stamp::at_seconds(1_000_000);
        state.host.containers.rows = rows;
        state
    }

    fn container(state: RunState, change: impl FnOnce(&mut Container)) -> ContainerRow {
        let mut meta = Container { name: "web".into(), state, ..Container::default() };
        change(&mut meta);
        ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
    }

    fn shown(row: &ContainerRow, id: &str) -> (String, Option<Role>) {
        let state = machine(vec![row.clone()]);
        cell::<Containers>(&state, id, &Row::new(row, &state))
    }

    #[test]
    fn a_state_has_its_sign_and_its_reason() {
        let healthy = |health| container(RunState::Running, |meta| meta.health = Some(health));
        let ended = |code| {
            container(RunState::Exited, |meta| {
                meta.exit_code = Some(code);
                meta.finished_unix_ms = Some(Stamp::at_seconds(1_000_000).unix_ms - 120_000);
            })
        };
        let plain = |state| container(state, |_| ());
        for (row, words, role) in [
            (plain(RunState::Running), "● running", Role::Text),
            (healthy(Health::Healthy), "● healthy", Role::Ok),
            (plain(RunState::Paused), "‖ paused", Role::Advice),
            (plain(RunState::Created), "◇ created", Role::Faint),
            (plain(RunState::Exited), "○ exited", Role::Faint),
            (ended(0), "○ exited 2m ago", Role::Faint),
        ] {
            assert_eq!(shown(&row, "state"), (words.to_owned(), Some(role)));
        }
        assert_eq!(
            shown(&ended(137), "state").0.trim_start_matches(|c: char| !c.is_alphabetic()),
            "exited (137) 2m ago"
        );
    }

    #[test]
    fn a_stopped_container_uses_nothing() {
        for id in ["cpu", "memory", "receive", "send", "read", "write", "pids", "io"] {
            assert_eq!(shown(&container(RunState::Exited, |_| ()), id).0, "", "{id}");
            assert_eq!(shown(&container(RunState::Running, |_| ()), id).0, "–", "{id}");
            assert_eq!(shown(&container(RunState::Paused, |_| ()), id).0, "–", "{id}");
        }
        assert_eq!(shown(&container(RunState::Exited, |_| ()), "name").1, Some(Role::Dim));
        assert_eq!(shown(&container(RunState::Running, |_| ()), "name").1, Some(Role::Strong));
    }

    #[test]
    fn columns_that_no_container_fills_take_no_room() {
        type Change = fn(&mut Container);
        let changes: [(&str, Change); 3] = [
            ("cpu_limit", |meta| meta.cpu_limit = Some(2.0)),
            ("ports", |meta| meta.ports = vec!["8080->80/tcp".into()]),
            ("project", |meta| meta.project = Some("shop".into())),
        ];
        for (id, change) in changes {
            let empty = column::<Containers>(id).empty.expect("it gives way");
            let plain = || container(RunState::Running, |_| ());
            assert!(empty(&machine(vec![plain(), plain()])), "{id}");
            assert!(!empty(&machine(vec![plain(), container(RunState::Running, change)])), "{id}");
        }
        let published = container(RunState::Running, |meta| meta.ports = vec!["80->80/tcp".into(), "53/udp".into()]);
        assert_eq!(shown(&published, "ports").0, "80->80 53/udp");
    }

    #[test]
    fn the_border_counts_states_and_names_engines() {
        let engine = |version: Option<&str>| Engine {
            kind: "docker".to_owned(),
            version: version.map(str::to_owned),
            ..Engine::default()
        };
        let mut state = machine(
            [RunState::Exited, RunState::Running, RunState::Running, RunState::Created]
                .map(|state| container(state, |_| ()))
                .into(),
        );
        assert_eq!(summary(&state), "2 running · 1 exited");
        state.host.containers.engines = vec![engine(Some("28.2+dfsg1")), engine(Some("28.2")), engine(None)];
        assert_eq!(summary(&state), "2 running · 1 exited · 2 × docker 28.2 · docker");
        state.host.containers.engines = vec![Engine { twin: true, ..engine(None) }];
        assert_eq!(summary(&state), "2 running · 1 exited", "another way to the same one does not count");
    }

    #[test]
    fn a_project_has_the_sign_of_its_worst_container() {
        let of = |rows: Vec<ContainerRow>| {
            let state = machine(rows);
            let drawn = crate::ui::canvas::testing::drawn(&state, (30, 1), |cx, place, canvas| {
                let cell = CellCx { cx, line: None, needle: None, branch: None, shift: 0 };
                let rows: Vec<_> = state.host.containers.rows.iter().map(|row| Row::new(row, &state)).collect();
                states(&cell, place, canvas, &rows);
            });
            (drawn.line(), drawn.role_at(0, 0), drawn.role_at(2, 0))
        };
        let now = Stamp::at_seconds(1_000_000).unix_ms;
        let running = || container(RunState::Running, |_| ());
        let restarted = |times| container(RunState::Running, |meta| meta.restarted_unix_ms = vec![now - 1000; times]);
        let dim = Some(Role::Dim);
        assert_eq!(of(vec![running(), running()]), ("● 2 of 2 up".to_owned(), dim, dim));
        assert_eq!(of(vec![running(), container(RunState::Exited, |_| ())]), ("○ 1 of 2 up".to_owned(), dim, dim));
        assert_eq!(of(vec![running(), restarted(3)]), ("▲ 2 of 2 up".to_owned(), Some(Role::Warn), dim));
        assert_eq!(of(vec![restarted(3), restarted(10)]), ("✖ 2 of 2 up".to_owned(), Some(Role::Crit), dim));
    }
}
