//! Every core: a number, a small past, a share; a strip of heat when there are more than that has room for.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::metrics,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{hue, percent, plain},
        theme::Role,
        widgets::{
            spark::{block, spark},
            text::{put_char, put_right},
        },
    },
};

/// How the cores are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grid {
    /// Columns in all.
    pub width: u16,
    /// Rows in all.
    pub rows: u16,
    /// Columns of the number; 0 is the strip.
    label: u16,
    /// Columns of the past.
    spark: u16,
    /// With the share in figures.
    percent: bool,
}

impl Grid {
    /// Columns of one core, the gap behind it included.
    fn cell(&self) -> u16 {
        self.label + 1 + self.spark + if self.percent { 5 } else { 0 } + 2
    }
}

/// The richest layout of `count` cores that leaves the graph its room.
#[must_use]
pub fn fit(count: usize, width: u16, rows: u16) -> Grid {
    let Some(count) = u16::try_from(count).ok().filter(|c| *c > 0 && rows > 0) else { return Grid::default() };
    let budget = (width * 11 / 20).min(width.saturating_sub(18));
    let choices = [(true, 6), (true, 4), (true, 3), (false, 5), (false, 4), (false, 3), (false, 2), (false, 1)];
    let label = if count > 100 { 3 } else { 2 };
    let columns = count.div_ceil(rows);
    // Columns of the same length leave the rows below to the facts.
    let even = count.div_ceil(columns);
    for (percent, spark) in &choices {
        let grid = Grid { width: 0, rows: even, label, spark: *spark, percent: *percent };
        let width = columns * grid.cell() - 2;
        if width <= budget {
            return Grid { width, ..grid };
        }
    }
    if budget == 0 {
        return Grid::default();
    }
    // A strip of heat: one cell a core.
    let strip = count.div_ceil(rows).max(8).min(budget);
    Grid { width: strip, rows: count.div_ceil(strip).min(rows), label: 0, spark: 0, percent: false }
}

/// Draws the cores and gives the rows used.
pub fn draw(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, grid: &Grid) -> u16 {
    let cores = &cx.state.host.cpu.cores;
    let style = cx.theme.style(Role::CpuUser);
    if grid.width == 0 || grid.rows == 0 {
        return 0;
    }
    if grid.label == 0 {
        // More cores than cells: a cell shows the busiest of its few.
        let each = cores.len().div_ceil(usize::from(grid.width) * usize::from(grid.rows)).max(1);
        for (i, group) in (0u16..).zip(cores.chunks(each)) {
            let (x, y) = (area.x + i % grid.width, area.y + i / grid.width);
            let busiest = group.iter().filter_map(|c| c.shares).map(|s| s.busy).reduce(f64::max);
            let glyph = busiest.map_or(cx.theme.glyphs.absent, |b| block(b, cx.theme));
            put_char(canvas.buf, x, y, glyph, style);
        }
        return grid.rows;
    }
    for (i, core) in (0u16..).zip(cores) {
        let x = area.x + i / grid.rows * grid.cell();
        let y = area.y + i % grid.rows;
        if x + grid.cell() - 2 > area.right() || y >= area.bottom() {
            break;
        }
        let end = x + grid.label;
        let busy = core.shares.map(|s| s.busy);
        let number = core.number.to_string();
        let level = busy.map_or(Level::Unknown, |b| cx.state.level(metrics::CPU_CORE_BUSY_RATIO, &[&number], b));
        put_right(canvas.buf, end, y, grid.label, &number, cx.theme.style(Role::Faint));
        spark(canvas.buf, end + 1, y, grid.spark, cx.theme, &core.history, 1.0, hue(cx, level, Role::CpuUser));
        if grid.percent {
            put_right(canvas.buf, end + 1 + grid.spark + 5, y, 4, &percent(busy), plain(cx, level));
        }
    }
    grid.rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::cpu::{Core, CpuShares},
        state::State,
        ui::canvas::testing::drawn,
    };

    #[test]
    fn few_cores_show_figures_and_many_become_a_strip() {
        let two = fit(2, 57, 7);
        assert!(two.percent && two.rows == 2 && two.spark == 6);
        let many = fit(32, 57, 7);
        assert!(many.label > 0 && !many.percent && many.width <= 31, "{many:?}");
        let huge = fit(256, 57, 7);
        assert_eq!(huge.label, 0);
        assert!(huge.width <= 31 && huge.rows == 7, "{huge:?}");
    }

    #[test]
    fn the_graph_keeps_its_room_whatever_the_number_of_cores() {
        for count in 0..512 {
            for width in 1..120 {
                let grid = fit(count, width, 7);
                assert!(grid.width <= width.saturating_sub(18) || grid.width == 0, "{count} {width}");
            }
        }
    }

    #[test]
    fn cores_lose_their_graph_then_their_figures() {
        // Two cores below one another; 18 columns are the graph's.
        for (width, label, spark, percent) in [
            (32, 2, 6, true),
            (31, 2, 4, true),
            (30, 2, 4, true),
            (29, 2, 3, true),
            (28, 2, 5, false),
            (22, 2, 1, false),
        ] {
            let grid = fit(2, width, 7);
            assert_eq!((grid.label, grid.spark, grid.percent), (label, spark, percent), "{width} columns");
        }
        assert_eq!(fit(2, 21, 7), Grid { width: 3, rows: 1, label: 0, spark: 0, percent: false });
        assert_eq!(fit(2, 18, 7), Grid::default(), "all of it is the graph's");
        assert_eq!((fit(0, 57, 7), fit(2, 57, 0)), (Grid::default(), Grid::default()));
    }

    #[test]
    fn numbers_have_three_digits_from_core_100_on() {
        assert_eq!((fit(100, 200, 20).label, fit(101, 200, 20).label), (2, 3));
    }

    fn machine(busy: impl IntoIterator<Item = Option<f64>>) -> State {
        let mut state = State::new(shipped().into());
        let core = |(number, busy): (u16, Option<f64>)| Core {
            number,
            shares: busy.map(|busy| CpuShares { busy, ..CpuShares::default() }),
            ..Core::default()
        };
        state.host.cpu.cores = (0..).zip(busy).map(core).collect();
        state
    }

    #[test]
    fn cores_go_down_a_column_and_then_to_the_next() {
        let state = machine([Some(0.1), Some(0.2), Some(0.3), None]);
        let grid = fit(4, 57, 2);
        let of = |width| drawn(&state, (width, 2), |cx, area, canvas| assert_eq!(draw(cx, area, canvas, &grid), 2));
        let whole = of(grid.width);
        assert_eq!(whole.lines(), [" 0         10%   2         30%", " 1         20%   3           –"]);
        assert_eq!((whole.role_of("10%"), whole.role_of("–")), (Some(Role::Text), Some(Role::Unknown)));
        assert_eq!(of(grid.width - 1).lines(), [" 0         10%", " 1         20%"], "half a core is none");
    }

    #[test]
    fn a_cell_of_the_strip_shows_the_busiest_of_its_cores() {
        // Seven a cell in six cells.
        let busy = |core| match core {
            7 => Some(1.0),
            8 => Some(0.5),
            35.. => None,
            _ => Some(0.0),
        };
        let grid = fit(40, 21, 2);
        let lines = |state: &State, grid: &Grid| {
            let strip = drawn(state, (3, 2), |cx, area, canvas| {
                draw(cx, area, canvas, grid);
            });
            strip.lines()
        };
        assert_eq!(lines(&machine((0..40).map(busy)), &grid), [" █", "  –"]);
        assert_eq!(lines(&machine([1.0, 0.0, 0.0, 0.0, 1.0, 0.5].map(Some)), &fit(6, 21, 2)), ["█", " █▄"]);
    }
}
