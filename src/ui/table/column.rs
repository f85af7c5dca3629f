//! Columns: what they are called, how wide they stand, and in which order they give way as the width shrinks.

/// What a column's figures are: how they compare, and which units a filter may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Whole numbers: ids, threads.
    Count,
    /// A share of one, shown and typed as per cent.
    Share,
    /// Bytes, or bytes a second.
    Bytes,
    /// Seconds.
    Seconds,
}

/// On which side of its room a figure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "plain words")]
pub enum Align {
    Left,
    Right,
}

/// One column of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// As the config and the filter spell it.
    pub id: &'static str,
    /// Other spellings that the filter takes.
    pub aliases: &'static [&'static str],
    /// As the header shows it.
    pub title: &'static str,
    /// One line for the chooser.
    pub doc: &'static str,
    /// What its figures are.
    pub kind: Kind,
    /// Columns on the screen; the least when it stretches.
    pub width: u16,
    /// It takes the room that is left.
    pub stretch: bool,
    /// Side.
    pub align: Align,
    /// The order of giving way: the greatest goes first, 0 stays.
    pub rank: u8,
    /// The first click on its header puts the greatest on top.
    pub greatest_first: bool,
}

impl Column {
    /// A figure: right-aligned, the greatest first.
    #[must_use]
    pub const fn figure(id: &'static str, title: &'static str, kind: Kind, width: u16, rank: u8) -> Column {
        Column {
            id,
            aliases: &[],
            title,
            doc: "",
            kind,
            width,
            stretch: false,
            align: Align::Right,
            rank,
            greatest_first: true,
        }
    }

    /// Words: left-aligned, from A to Z.
    #[must_use]
    pub const fn words(id: &'static str, title: &'static str, width: u16, rank: u8) -> Column {
        Column {
            id,
            aliases: &[],
            title,
            doc: "",
            kind: Kind::Text,
            width,
            stretch: false,
            align: Align::Left,
            rank,
            greatest_first: false,
        }
    }

    /// The same column with its line for the chooser.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Column {
        self.doc = doc;
        self
    }

    /// The same column under more spellings.
    #[must_use]
    pub const fn also(mut self, aliases: &'static [&'static str]) -> Column {
        self.aliases = aliases;
        self
    }

    /// The same column, taking what room is left.
    #[must_use]
    pub const fn stretching(mut self) -> Column {
        self.stretch = true;
        self
    }

    /// The same column, the smallest first.
    #[must_use]
    pub const fn smallest_first(mut self) -> Column {
        self.greatest_first = false;
        self
    }

    /// True when `word` is one of its spellings.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        self.id.eq_ignore_ascii_case(word) || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(word))
    }
}

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

/// Places the `chosen` columns (indices into `columns`) in `width`: those of the greatest rank give way until the rest
/// fits, two blanks stand between columns where there is plenty of room, and the stretching one takes what is left.
#[must_use]
pub fn place(columns: &[Column], chosen: &[usize], width: u16) -> Vec<Placed> {
    let mut kept: Vec<usize> = chosen.iter().copied().filter(|c| *c < columns.len()).collect();
    let need = |kept: &[usize], gap: u16| -> u16 {
        let gaps = gap * u16::try_from(kept.len().saturating_sub(1)).unwrap_or(u16::MAX);
        kept.iter().map(|c| columns[*c].width).fold(gaps, u16::saturating_add)
    };
    while kept.len() > 1 && need(&kept, 1) > width {
        // Of equal ranks the rightmost goes: what stands further left was put there by the user as more important.
        let Some(loser) = (0..kept.len()).filter(|i| columns[kept[*i]].rank > 0).max_by_key(|i| columns[kept[*i]].rank)
        else {
            break;
        };
        kept.remove(loser);
    }
    let gap = if need(&kept, 2).saturating_add(24) <= width { 2 } else { 1 };
    let mut spare = width.saturating_sub(need(&kept, gap));
    let mut placed = Vec::with_capacity(kept.len());
    let mut x = 0u16;
    for column in kept {
        let mut room = columns[column].width;
        if columns[column].stretch {
            room = room.saturating_add(spare);
            spare = 0;
        }
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
    use super::*;

    static COLUMNS: [Column; 4] = [
        Column::figure("pid", "PID", Kind::Count, 7, 0),
        Column::words("user", "USER", 8, 2),
        Column::figure("cpu", "CPU", Kind::Share, 5, 1),
        Column::words("command", "COMMAND", 12, 0).stretching(),
    ];

    fn ids(width: u16) -> Vec<&'static str> {
        place(&COLUMNS, &[0, 1, 2, 3], width).iter().map(|p| COLUMNS[p.column].id).collect()
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
    fn the_stretching_column_takes_what_is_left_and_nothing_overlaps() {
        for width in 0..200 {
            let placed = place(&COLUMNS, &[0, 1, 2, 3], width);
            for pair in placed.windows(2) {
                assert!(pair[0].x + pair[0].width < pair[1].x, "a blank between columns at {width}");
            }
            assert!(placed.last().is_none_or(|p| p.x + p.width <= width), "inside {width}");
            if width >= 35 {
                assert_eq!(placed.last().map(|p| p.x + p.width), Some(width));
            }
        }
    }
}
