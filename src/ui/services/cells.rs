//! Cells of services that words cannot fill, and the words in the border.

use ratatui::layout::Rect;

use super::row::Row;
use crate::{
    alert::Level,
    model::service::Standing,
    state::{State, levels},
    ui::{
        canvas::Canvas,
        table::column::CellCx,
        theme::Role,
        widgets::{
            spark::spark,
            text::{put, put_char},
        },
    },
};

/// `● 200`, `✖ down 3×`.
pub(super) fn state(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, glyphs) = (cell.cx.theme, &cell.cx.theme.glyphs);
    let standing = levels::service_standing(row.state, row.service).max(levels::service_time(row.state, row.service));
    let (glyph, style) = match (standing, row.service.standing) {
        (Level::Crit, _) => (glyphs.crit, theme.level(Level::Crit)),
        (Level::Warn, _) => (glyphs.warn, theme.level(Level::Warn)),
        (_, Standing::Up) => (glyphs.ok, theme.style(Role::Ok)),
        (_, Standing::Paused) => (glyphs.paused, theme.style(Role::Faint)),
        _ => (glyphs.unknown, theme.style(Role::Unknown)),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    put(canvas.buf, x, place.y, place.right().saturating_sub(x), &row.words(), style);
}

/// Its answers lately.
pub(super) fn past(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let theme = cell.cx.theme;
    let history = &row.service.history;
    // Twice the usual time is where an answer is slow: what is below that looks low.
    let usual = row.service.usual().map_or(0.0, |usual| usual.median * 2.0);
    let top = history.max().unwrap_or(0.0).max(usual).max(0.001);
    spark(canvas.buf, place.x, place.y, place.width, theme, history, top, theme.style(Role::NetReceive));
}

/// `4 up · 1 slow · 1 down`.
pub(super) fn summary(state: &State) -> String {
    let rows = &state.host.services.rows;
    let is_slow = |row: &&crate::model::service::ServiceRow| levels::service_is_slow(state, row);
    let stands = |standing| move |row: &&crate::model::service::ServiceRow| row.standing == standing;
    let slow = rows.iter().filter(is_slow).count();
    let counts = [
        (rows.iter().filter(stands(Standing::Up)).count() - slow, "up"),
        (slow, "slow"),
        (rows.iter().filter(stands(Standing::Down)).count(), "down"),
        (rows.iter().filter(stands(Standing::Unjudged)).count(), "not judged"),
        (rows.iter().filter(stands(Standing::Paused)).count(), "paused"),
    ];
    let words = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    words.collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::service::{Probe, ServiceRow},
        ui::{
            services::row::Services,
            table::column::testing::{cell, column},
        },
    };

    fn service(name: &str, standing: Standing) -> ServiceRow {
        let probe = Probe { name: name.into(), url: format!("https://{name}/"), ..Probe::default() };
        let mut row = ServiceRow::new(Arc::new(probe), Stamp::at_seconds(1));
        row.standing = standing;
        row
    }

    fn machine(rows: Vec<ServiceRow>) -> State {
        let mut state = State::new(shipped().into());
        state.host.services.rows = rows;
        state
    }

    #[test]
    fn a_service_has_the_sign_of_how_it_stands() {
        let state = machine(vec![]);
        for (standing, sign, role, needs) in [
            (Standing::Down, '▲', Role::Warn, 1),
            (Standing::Unjudged, '◌', Role::Unknown, 2),
            (Standing::Up, '●', Role::Ok, 4),
            (Standing::Waiting, '◌', Role::Unknown, 4),
            (Standing::Paused, '‖', Role::Faint, 5),
        ] {
            let of = service("web", standing);
            let row = Row::new(&of, &state);
            let (words, colour) = cell::<Services>(&state, "state", &row);
            assert_eq!((words.chars().next(), colour, row.need()), (Some(sign), Some(role), needs), "{standing:?}");
        }
    }

    #[test]
    fn what_was_not_measured_is_no_zero() {
        let (state, of) = (machine(vec![]), service("web", Standing::Up));
        for id in ["now", "normal", "p95", "errors", "certificate"] {
            assert_eq!(cell::<Services>(&state, id, &Row::new(&of, &state)).0, "–", "{id}");
        }
    }

    #[test]
    fn the_reason_takes_the_place_of_the_address() {
        let state = machine(vec![]);
        let shown = |of: &ServiceRow| cell::<Services>(&state, "address", &Row::new(of, &state));
        assert_eq!(shown(&service("web", Standing::Up)), ("https://web/".to_owned(), Some(Role::Dim)));
        let mut refused = service("web", Standing::Down);
        refused.why = "connection refused".into();
        assert_eq!(shown(&refused), ("connection refused".to_owned(), Some(Role::Text)));
    }

    #[test]
    fn the_name_column_is_as_wide_as_the_longest_name() {
        let longest = column::<Services>("service").longest.expect("it is measured");
        assert_eq!(longest(&machine(vec![])), None);
        let both = machine(vec![service("web", Standing::Up), service("größer", Standing::Up)]);
        assert_eq!(longest(&both), Some(6));
        let empty = column::<Services>("certificate").empty.expect("it gives way");
        assert!(empty(&both), "none has a certificate");
    }

    #[test]
    fn the_border_counts_what_there_is() {
        let all = [Standing::Up, Standing::Up, Standing::Down, Standing::Unjudged, Standing::Paused, Standing::Waiting];
        let state = machine(all.map(|standing| service("web", standing)).into());
        assert_eq!(summary(&state), "2 up · 1 down · 1 not judged · 1 paused");
        assert_eq!(summary(&machine(vec![])), "");
    }

    #[test]
    fn one_that_is_down_for_long_comes_before_all() {
        let state = machine(vec![]);
        let mut of = service("web", Standing::Down);
        of.failures = 3;
        let row = Row::new(&of, &state);
        assert_eq!(cell::<Services>(&state, "state", &row), ("✖ down 3×".to_owned(), Some(Role::Crit)));
        assert_eq!(row.need(), 0);
    }
}
