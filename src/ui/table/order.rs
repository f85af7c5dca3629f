//! The order of a table's rows by one of its columns.

use super::{
    column::{Column, Kind},
    filter::Fields,
    grid::Sort,
};
use crate::text::natural;

/// Puts `rows` into the order that `sort` asks for: words as people order names, figures by their size, and what has
/// neither last in either direction. Equal rows stay as they stood. `row` gives a row by its index.
pub fn by_column<R: Fields>(rows: &mut [usize], columns: &[Column], sort: Sort, row: impl Fn(usize) -> R) {
    let Sort { column, greatest_first } = sort;
    let words = columns.get(column).is_some_and(|c| c.kind == Kind::Text);
    if words && rows.first().is_some_and(|first| row(*first).number(column).is_none()) {
        let key = |index: &usize| {
            let text = row(*index).text(column).into_owned();
            (text.is_empty() != greatest_first, natural(&text))
        };
        // Turned around before and after, so that equals keep their places.
        let turn = |rows: &mut [usize]| {
            if greatest_first {
                rows.reverse()
            }
        };
        turn(rows);
        rows.sort_by_cached_key(key);
        turn(rows);
        return;
    }
    rows.sort_by(|a, b| match (row(*a).number(column), row(*b).number(column)) {
        (Some(a), Some(b)) if greatest_first => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::ui::table::needle::Needle;

    static COLUMNS: [Column; 2] =
        [Column::words("name", "NAME", 4, 0), Column::figure("size", "SIZE", Kind::Bytes, 5, 0)];

    struct Row(&'static str, Option<f64>);

    impl Fields for Row {
        fn text(&self, _column: usize) -> Cow<'_, str> {
            Cow::Borrowed(self.0)
        }

        fn number(&self, column: usize) -> Option<f64> {
            self.1.filter(|_| column == 1)
        }

        fn word(&self, needle: &Needle) -> bool {
            needle.is_in(self.0)
        }
    }

    fn sorted(rows: &[(&'static str, Option<f64>)], column: usize, greatest_first: bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let row = |index: usize| Row(rows[index].0, rows[index].1);
        by_column(&mut order, &COLUMNS, Sort { column, greatest_first }, row);
        order
    }

    #[test]
    fn words_go_by_the_alphabet_and_their_numbers_by_size_whatever_their_case() {
        let rows = ["c10", "A", "c2", "", "b", "B"].map(|name| (name, None));
        assert_eq!(sorted(&rows, 0, false), [1, 4, 5, 2, 0, 3]);
        assert_eq!(sorted(&rows, 0, true), [0, 2, 4, 5, 1, 3], "equals stay, what is empty stays last");
    }

    #[test]
    fn what_has_no_figure_stands_last_in_either_direction() {
        let rows = [("", Some(2.0)), ("", None), ("", Some(3.0)), ("", Some(1.0))];
        assert_eq!(sorted(&rows, 1, false), [3, 0, 2, 1]);
        assert_eq!(sorted(&rows, 1, true), [2, 0, 3, 1]);
    }
}
