//! Rows of a screen, given out one by one: each goes where it is worth most. As every choice looks at what was given so
//! far and never at what is left, one row more gives what one row fewer gave, and a row.

use crate::ui::view::Rows;

/// What a row of a graph is worth.
const PAST: u32 = 6;
/// A pane of this worth may leave blank rows beside it.
const FIRST: u16 = 36;
/// Worth is counted in parts of this.
const WHOLE: u32 = 10_000;

/// One pane that wants room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Which, for the caller.
    pub pane: usize,
    /// Its share of the row's width.
    pub share: u16,
    /// Narrowest useful box.
    pub min_width: u16,
    /// Rows that it would like.
    pub rows: Rows,
    /// What a row of it is worth beside those of others.
    pub worth: u16,
    /// How much it is missed on a screen without boxes.
    pub essential: u16,
    /// Rows beyond those that only make a graph larger.
    pub past: u16,
    /// It is a table: each row without a box is one in a box too.
    pub table: bool,
    /// It gets a full row, once there is a spare one.
    pub alone: bool,
}

/// Panes side by side, and their height.
#[derive(Debug, Clone)]
pub struct Span {
    /// The panes.
    pub needs: Vec<Need>,
    /// Rows.
    pub height: u16,
    /// Rows that no pane can use: its borders.
    frame: u16,
}

impl Span {
    /// Boxes side by side.
    #[must_use]
    pub fn boxes(needs: Vec<Need>) -> Self {
        let height = needs.iter().map(|w| w.rows.min).max().unwrap_or(0);
        Span { needs, height, frame: 2 }
    }

    /// One pane without a box; without a row it gets none.
    #[must_use]
    pub fn lines(height: u16, need: Need) -> Self {
        Span { needs: if height > 0 { vec![need] } else { Vec::new() }, height, frame: 0 }
    }

    /// What one row more would be worth.
    fn worth(&self) -> u32 {
        // Without a graph it would have blank rows.
        let blank = |need: &Need| need.past == 0 && self.height > need.rows.want;
        let crowded = self.needs.iter().any(blank);
        let of = |need: &Need| {
            let items = u32::from(self.height.saturating_sub(self.frame)) + 1;
            match need.rows.want {
                want if self.height < want && (!crowded || need.worth >= FIRST) => {
                    u32::from(need.worth) * WHOLE / items
                }
                want if self.height < want.saturating_add(need.past) && !crowded => PAST * WHOLE / items,
                _ => 0,
            }
        };
        self.needs.iter().map(of).max().unwrap_or(0)
    }
}

/// Gives out `left` rows as long as one is worth more than `least`; gives the rows that are left.
pub fn grow(spans: &mut [Span], mut left: u16, least: u32) -> u16 {
    while left > 0 {
        // Of equals the first.
        let Some((worth, at)) = spans.iter().enumerate().map(|(at, s)| (s.worth(), at)).rev().max_by_key(|(w, _)| *w)
        else {
            break;
        };
        if worth <= least {
            break;
        }
        spans[at].height += 1;
        left -= 1;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(pane: usize, worth: u16, min: u16, want: u16, past: u16) -> Need {
        Need {
            pane,
            share: 40,
            min_width: 30,
            rows: Rows { min, want },
            worth,
            essential: worth,
            past,
            table: false,
            alone: false,
        }
    }

    fn heights(rows: &[&[Need]], extra: u16) -> Vec<u16> {
        let mut spans: Vec<Span> = rows.iter().map(|row| Span::boxes(row.to_vec())).collect();
        grow(&mut spans, extra, 0);
        spans.iter().map(|s| s.height).collect()
    }

    #[test]
    fn one_row_more_takes_none_away() {
        let rows: [&[Need]; 4] = [
            &[need(0, 20, 7, 8, 7), need(1, 20, 7, 13, 0)],
            &[need(2, 40, 5, 9, 0), need(3, 20, 5, 14, 0)],
            &[need(4, 41, 5, 18, 0)],
            &[need(5, 36, 5, u16::MAX, 0)],
        ];
        for extra in 0..80 {
            let (fewer, more) = (heights(&rows, extra), heights(&rows, extra + 1));
            assert!(fewer.iter().zip(&more).all(|(a, b)| a <= b), "{fewer:?} {more:?}");
            assert_eq!(more.iter().sum::<u16>(), fewer.iter().sum::<u16>() + 1);
        }
    }

    #[test]
    fn list_does_not_grow_beside_blank_rows_and_a_table_does() {
        let list = need(1, 20, 5, 30, 0);
        assert_eq!(heights(&[&[need(0, 20, 5, 6, 0), list]], 20), [7]);
        assert_eq!(heights(&[&[need(0, 20, 5, 6, 3), list]], 20), [25], "a graph fills its rows");
        assert_eq!(heights(&[&[need(0, 20, 5, 6, 0), need(1, 40, 5, 12, 0)]], 20), [12]);
    }

    #[test]
    fn rows_follow_worth() {
        let both = heights(&[&[need(0, 40, 3, u16::MAX, 0)], &[need(1, 20, 3, u16::MAX, 0)]], 30);
        assert_eq!(both, [24, 12]);
    }
}
