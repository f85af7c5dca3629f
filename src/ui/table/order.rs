//! The order of a table's rows by one of its columns.

use std::cmp::Reverse;

use super::{column::Columns, grid::Sort};
use crate::text::natural;

/// Puts `rows` into the order that `sort` asks for, by keys that are computed once a row: words as people order names,
/// figures by their size, and what has neither last in either direction. Equal rows keep their order. `row` gives a row by
/// its index, `class` its class among those of one rank.
pub fn sort_rows<'s, C: Columns, I: Copy>(
    rows: &mut [I],
    sort: Sort,
    row: impl Fn(I) -> C::Row<'s>,
    mut class: impl FnMut(I, f64) -> u8,
) {
    let Some(column) = C::COLUMNS.get(sort.column) else { return };
    let greatest_first = sort.greatest_first;
    if let Some(order) = column.order {
        sort_by_keys(rows, |index| {
            let row = row(index);
            (order(&row), Reverse(column.load.and_then(|load| load(&row)).map(|load| class(index, load))))
        });
        if greatest_first {
            rows.reverse();
        }
    } else if column.is_figure() {
        sort_by_keys(rows, |index| {
            let row = row(index);
            let figure = column.number(&row).map(|figure| if greatest_first { -figure } else { figure });
            let tie = column.tie.filter(|_| greatest_first).map_or(0, |tie| tie(&row));
            (figure.is_none(), figure.map(ascending), tie)
        });
    } else {
        // Reversed before and after, so that equals keep their order.
        let reverse = |rows: &mut [I]| {
            if greatest_first {
                rows.reverse();
            }
        };
        reverse(rows);
        sort_by_keys(rows, |index| {
            let row = row(index);
            let text = column.text(&row);
            (text.is_empty() != greatest_first, natural(&text))
        });
        reverse(rows);
    }
}

/// As `sort_by_cached_key`, with the sort itself compiled once a kind of key instead of once a table and size of index.
fn sort_by_keys<I: Copy, K: Ord>(rows: &mut [I], mut key: impl FnMut(I) -> K) {
    let order = sorted(rows.iter().zip(0..).map(|(row, at)| (key(*row), at)).collect());
    let before = rows.to_vec();
    rows.iter_mut().zip(order).for_each(|(row, at)| *row = before[at as usize]);
}

/// Where each came from. Equal keys keep their order.
fn sorted<K: Ord>(mut keys: Vec<(K, u32)>) -> Vec<u32> {
    keys.sort_unstable();
    keys.into_iter().map(|(_, at)| at).collect()
}

/// A whole number that compares as `figure` does.
fn ascending(figure: f64) -> i64 {
    // Zero has one sign.
    let bits = (figure + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::ui::table::column::{Column, Kind};

    struct Files;

    impl Columns for Files {
        type Row<'a> = (&'static str, Option<f64>);
        const COLUMNS: &'static [Column<Self>] = &COLUMNS;
        const NAME: &'static str = "name";
    }

    type Col = Column<Files>;

    static COLUMNS: [Col; 3] = [
        Col::words("name", "NAME", 4, 0, |row| Cow::Borrowed(row.0)),
        Col::figure("size", "SIZE", Kind::Bytes, 5, 0, |row| row.1).tie(|row| u8::from(row.0 == "late")),
        Col::words("kind", "KIND", 4, 0, |row| Cow::Borrowed(row.0))
            .ordered(|row| u32::from(row.0 != "folder"))
            .busy_first(|row| row.1),
    ];

    fn sorted(rows: &[(&'static str, Option<f64>)], column: usize, greatest_first: bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        sort_rows::<Files, _>(&mut order, Sort { column, greatest_first }, |index| rows[index], |_, load| load as u8);
        order
    }

    #[test]
    fn words_sort_by_the_alphabet_and_their_numbers() {
        let rows = ["c10", "A", "c2", "", "b", "B"].map(|name| (name, None));
        assert_eq!(sorted(&rows, 0, false), [1, 4, 5, 2, 0, 3]);
        assert_eq!(sorted(&rows, 0, true), [0, 2, 4, 5, 1, 3], "equals stay, what is empty stays last");
    }

    #[test]
    fn absent_figures_come_last_in_either_direction() {
        let rows = [("", Some(2.0)), ("", None), ("", Some(3.0)), ("", Some(1.0))];
        assert_eq!(sorted(&rows, 1, false), [3, 0, 2, 1]);
        assert_eq!(sorted(&rows, 1, true), [2, 0, 3, 1]);
    }

    #[test]
    fn equal_figures_keep_their_order_or_that_of_the_tie() {
        let rows = [("late", Some(0.0)), ("a", Some(-0.0)), ("b", Some(0.0)), ("c", Some(1.0))];
        assert_eq!(sorted(&rows, 1, true), [3, 1, 2, 0]);
        assert_eq!(sorted(&rows, 1, false), [0, 1, 2, 3]);
    }

    #[test]
    fn an_order_comes_before_the_class_of_the_load() {
        let rows = [("a", Some(1.0)), ("folder", Some(0.0)), ("b", Some(9.0)), ("folder", Some(3.0))];
        assert_eq!(sorted(&rows, 2, false), [3, 1, 2, 0]);
        assert_eq!(sorted(&rows, 2, true), [0, 2, 1, 3]);
    }

    #[test]
    fn figures_of_any_sign_and_size_compare_by_their_keys() {
        let figures = [f64::NEG_INFINITY, -1e300, -1.0, -1e-300, 0.0, 1e-300, 1.0, 1e300, f64::INFINITY];
        assert!(figures.windows(2).all(|pair| ascending(pair[0]) < ascending(pair[1])));
        assert_eq!(ascending(0.0), ascending(-0.0));
    }
}
