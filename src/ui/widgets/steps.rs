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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    #[test]
    fn the_newest_step_is_in_the_last_column_of_cells() {
        let mut series = Series::new(60);
        assert_eq!(step_back(&series, 3, 4), None);
        let mut steps = Vec::new();
        for second in 1..=3 {
            series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(1.0));
            steps.push([0, 1, 2, 3, 4].map(|column| step_back(&series, column, 4)));
        }
        let half_free = [Some(2), Some(1), Some(0), None, None];
        assert_eq!(steps, [half_free, [Some(3), Some(2), Some(1), Some(0), None], half_free]);
    }
}
