//! Which columns fit a width, where each begins and how wide it is.

use super::column::ColumnDef;

/// A column at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index into the table's columns.
    pub column: usize,
    /// From the left edge of the table.
    pub x: u16,
    /// Room.
    pub width: u16,
}

/// What the rows of a table say about its columns.
pub struct Need<'a> {
    /// The longest text in a column of words, where the table knows it: the column is as wide as that, within its limits.
    pub longest: &'a dyn Fn(usize) -> Option<u16>,
    /// A column that may not give way now: a scrub that runs, errors that were counted.
    pub keep: &'a dyn Fn(usize) -> bool,
}

impl Need<'_> {
    /// Nothing is known of the rows.
    pub const NONE: Need<'static> = Need { longest: &|_| None, keep: &|_| false };

    /// The least width, and the one from which on more room shows no more.
    fn limits(&self, index: usize, column: &ColumnDef) -> (u16, u16) {
        match (self.longest)(index) {
            // A title is never cut for the sake of short words.
            Some(longest) => {
                let whole = longest.max(u16::try_from(column.title.len()).unwrap_or(0)).min(column.most);
                (whole.min(column.width).max(column.least), whole.max(column.least))
            }
            None => (column.least, column.width),
        }
    }
}

/// The width from which on all of the `chosen` columns have a place.
#[must_use]
pub fn least(columns: &[ColumnDef], chosen: &[usize], need: &Need<'_>) -> u16 {
    let gaps = u16::try_from(chosen.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let chosen = chosen.iter().filter_map(|c| Some(need.limits(*c, columns.get(*c)?).0));
    chosen.fold(gaps, u16::saturating_add)
}

/// Places the `chosen` columns (indices into `columns`) in `width`: those of the greatest rank give way until the others
/// fit at their least widths, then each grows to what it needs, the most worthy first, then to what it can use.
#[must_use]
pub fn place(columns: &[ColumnDef], chosen: &[usize], width: u16, need: &Need<'_>) -> Vec<Placed> {
    let mut kept: Vec<usize> = chosen.iter().copied().filter(|c| *c < columns.len()).collect();
    let limits = |c: usize| need.limits(c, &columns[c]);
    let rank = |c: usize| if (need.keep)(c) { 0 } else { columns[c].rank };
    let gaps = |count: usize, gap: u16| gap * u16::try_from(count.saturating_sub(1)).unwrap_or(u16::MAX);
    while kept.len() > 1 && kept.iter().map(|c| limits(*c).0).fold(gaps(kept.len(), 1), u16::saturating_add) > width {
        // Of equal ranks the rightmost goes: columns further left were put there by the user as more important.
        let Some(loser) = (0..kept.len()).filter(|i| rank(kept[*i]) > 0).max_by_key(|i| rank(kept[*i])) else { break };
        kept.remove(loser);
    }
    let mut rooms: Vec<u16> = kept.iter().map(|c| limits(*c).0).collect();
    let mut spare = width.saturating_sub(rooms.iter().copied().fold(gaps(kept.len(), 1), u16::saturating_add));
    let mut by_worth: Vec<usize> = (0..kept.len()).collect();
    by_worth.sort_by_key(|i| rank(kept[*i]));
    let grow = |rooms: &mut [u16], spare: &mut u16, to: &dyn Fn(usize) -> u16| {
        for i in &by_worth {
            let more = to(kept[*i]).saturating_sub(rooms[*i]).min(*spare);
            rooms[*i] += more;
            *spare -= more;
        }
    };
    grow(&mut rooms, &mut spare, &|c| limits(c).1);
    let wide = gaps(kept.len(), 1);
    let gap = if spare >= wide.saturating_add(24) { 2 } else { 1 };
    spare -= gaps(kept.len(), gap) - wide;
    if kept.iter().any(|c| columns[*c].stretch) {
        grow(&mut rooms, &mut spare, &|c| if columns[c].stretch { u16::MAX } else { 0 });
    } else {
        grow(&mut rooms, &mut spare, &|c| if (need.longest)(c).is_none() { columns[c].most } else { 0 });
    }
    let mut placed = Vec::with_capacity(kept.len());
    let mut x = 0u16;
    for (column, room) in kept.into_iter().zip(rooms) {
        let room = room.min(width.saturating_sub(x));
        if room == 0 {
            break;
        }
        placed.push(Placed { column, x, width: room });
        x = x.saturating_add(room + gap);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::{super::column::Kind, *};

    static COLUMNS: [ColumnDef; 4] = [
        ColumnDef::figure("pid", "PID", Kind::Count, 7, 0),
        ColumnDef::words("user", "USER", 8, 2),
        ColumnDef::figure("cpu", "CPU", Kind::Share, 5, 1),
        ColumnDef::words("command", "COMMAND", 12, 0).stretching(),
    ];

    fn ids(width: u16) -> Vec<&'static str> {
        place(&COLUMNS, &[0, 1, 2, 3], width, &Need::NONE).iter().map(|p| COLUMNS[p.column].id).collect()
    }

    #[test]
    fn columns_give_way_by_rank_and_the_rank_of_zero_stays() {
        assert_eq!(ids(80), ["pid", "user", "cpu", "command"]);
        assert_eq!(ids(35), ["pid", "user", "cpu", "command"]);
        assert_eq!(ids(34), ["pid", "cpu", "command"]);
        assert_eq!(ids(25), ["pid", "command"]);
        assert_eq!(ids(9), ["pid", "command"], "what may not give way is cut, not dropped");
    }

    #[test]
    fn stretching_column_takes_the_rest_without_overlap() {
        for width in 0..200 {
            let placed = place(&COLUMNS, &[0, 1, 2, 3], width, &Need::NONE);
            for pair in placed.windows(2) {
                assert!(pair[0].x + pair[0].width < pair[1].x, "a blank between columns at {width}");
            }
            assert!(placed.last().is_none_or(|p| p.x + p.width <= width), "inside {width}");
            if width >= 35 {
                assert_eq!(placed.last().map(|p| p.x + p.width), Some(width));
            }
        }
    }

    static SERVICES: [ColumnDef; 5] = [
        ColumnDef::words("name", "NAME", 24, 0).between(6, 24),
        ColumnDef::figure("gauge", "", Kind::Share, 8, 3).between(8, 20),
        ColumnDef::words("scan", "SCAN", 12, 2).between(4, 20),
        ColumnDef::words("image", "IMAGE", 10, 4).between(8, 40),
        ColumnDef::figure("errors", "ERRS", Kind::Count, 5, 5),
    ];

    fn widths(width: u16, longest: [u16; 5], keep: &str) -> Vec<(&'static str, u16)> {
        let longest = |c: usize| (SERVICES[c].kind == Kind::Text).then_some(longest[c]);
        let need = Need { longest: &longest, keep: &|c| SERVICES[c].id == keep };
        place(&SERVICES, &[0, 1, 2, 3, 4], width, &need).iter().map(|p| (SERVICES[p.column].id, p.width)).collect()
    }

    #[test]
    fn a_whole_name_is_worth_more_than_a_wide_gauge_or_image() {
        let long = [22, 0, 12, 30, 0];
        assert_eq!(
            widths(80, long, ""),
            [("name", 22), ("gauge", 8), ("scan", 12), ("image", 29), ("errors", 5)],
            "the image gets what is left"
        );
        assert_eq!(widths(61, long, ""), [("name", 22), ("gauge", 8), ("scan", 12), ("image", 10), ("errors", 5)]);
        assert_eq!(widths(60, long, ""), [("name", 22), ("gauge", 8), ("scan", 12), ("image", 15)]);
        assert_eq!(widths(45, long, ""), [("name", 22), ("gauge", 9), ("scan", 12)]);
    }

    #[test]
    fn room_left_by_short_words_goes_to_the_gauge() {
        let short = [5, 0, 5, 6, 0];
        let wide = widths(120, short, "");
        assert_eq!(wide, [("name", 6), ("gauge", 20), ("scan", 5), ("image", 8), ("errors", 5)]);
    }

    #[test]
    fn a_column_that_is_needed_now_stays() {
        let long = [22, 0, 12, 30, 0];
        assert!(widths(41, long, "").iter().all(|(id, _)| *id != "errors"));
        assert_eq!(widths(41, long, "errors"), [("name", 22), ("scan", 12), ("errors", 5)]);
        assert_eq!(widths(36, long, "scan"), [("name", 22), ("scan", 12)]);
    }

    #[test]
    fn a_wider_table_shows_every_column_that_a_narrower_one_does() {
        for longest in [[22, 0, 12, 30, 0], [5, 0, 5, 6, 0], [24, 0, 20, 40, 0]] {
            for keep in ["", "errors"] {
                for width in 1..160 {
                    let (narrow, wide) = (widths(width, longest, keep), widths(width + 1, longest, keep));
                    let missing = narrow.iter().find(|(id, _)| wide.iter().all(|(other, _)| other != id));
                    assert_eq!(missing, None, "at {}", width + 1);
                }
            }
        }
    }
}
