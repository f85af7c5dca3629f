//! Where the steps of a past are among the columns of a graph: two steps a column of cells, the newest in the last.

use crate::model::series::Series;

/// Steps in one column of cells.
pub const BLOCK: u64 = 2;

/// The step that dot column `column` of `columns` shows, counted back from the newest; `None` right of the newest.
#[must_use]
pub fn step_back(series: &Series, column: usize, columns: usize) -> Option<usize> {
    if series.is_empty() {
        return None;
    }
    // A column of cells is begun by its left half: the right one is free until the next step.
    let free = (BLOCK - 1 - (series.total() - 1) % BLOCK) as usize;
    (columns - 1).checked_sub(column)?.checked_sub(free)
}
