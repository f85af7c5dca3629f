//! Where each pane stands. The arrangement is data: rows of pane names, the user's or the built-in ones.

use ratatui::layout::Rect;

use super::pane::Rows;
use crate::config::Settings;

/// The built-in rows: pane and its share of the width.
static BUILT_IN: &[&[(&str, u16)]] = &[
    &[("cpu", 44), ("memory", 31), ("gpus", 40), ("disk_net", 40)],
    &[("pools", 100), ("filesystems", 57), ("sensors", 38)],
    &[("containers", 100)],
    &[("processes", 100)],
];

/// From this size on panes have boxes.
pub const BOXES: (u16, u16) = (96, 26);
/// Below this size there is one line.
pub const ONE_LINE: (u16, u16) = (40, 10);

/// The kind of screen that a size allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Header, verdict and load in one line.
    OneLine,
    /// No boxes: a line or few for each pane, one column.
    Compact,
    /// Boxes in rows.
    Boxes,
}

/// The form for a screen of `width` and `height`.
#[must_use]
pub fn form(width: u16, height: u16) -> Form {
    if width < ONE_LINE.0 || height < ONE_LINE.1 {
        Form::OneLine
    } else if width < BOXES.0 || height < BOXES.1 {
        Form::Compact
    } else {
        Form::Boxes
    }
}

/// The names of all panes, in the order of the built-in layout.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().copied().flatten().map(|(name, _)| *name)
}

/// Rows of pane names with their shares: the user's layout without the hidden panes. Panes that `layout` does not name
/// are left out.
#[must_use]
pub fn rows(settings: &Settings) -> Vec<Vec<(String, u16)>> {
    let share = |name: &str| BUILT_IN.iter().copied().flatten().find(|(n, _)| *n == name).map_or(40, |(_, w)| *w);
    let rows: Vec<Vec<(String, u16)>> = match &settings.layout {
        Some(rows) => rows.iter().map(|r| r.iter().map(|n| (n.clone(), share(n))).collect()).collect(),
        None => BUILT_IN.iter().map(|r| r.iter().map(|(n, w)| ((*n).to_owned(), *w)).collect()).collect(),
    };
    let hidden = |name: &String| settings.hidden_panes.contains(name);
    rows.into_iter()
        .map(|r| r.into_iter().filter(|(n, _)| !hidden(n)).collect::<Vec<_>>())
        .filter(|r| !r.is_empty())
        .collect()
}

/// So many boxes stand side by side in a row of the built-in layout, on a screen of this width.
#[must_use]
pub fn abreast(width: u16) -> usize {
    usize::from(width / 53).max(1)
}

/// Moves the last panes of rows that hold more than `most` to the row below, behind its first; the row of what fills the
/// screen is left alone.
#[must_use]
pub fn spill(rows: Vec<Vec<Wish>>, most: usize) -> Vec<Vec<Wish>> {
    let mut out: Vec<Vec<Wish>> = Vec::new();
    let mut spilt: Vec<Wish> = Vec::new();
    for mut row in rows {
        let fills = row.iter().any(|w| w.rows.want == u16::MAX);
        if fills && !spilt.is_empty() {
            out.push(std::mem::take(&mut spilt));
        }
        let at = row.len().min(1);
        row.splice(at..at, spilt.drain(..));
        if row.len() > most && !fills {
            spilt = row.split_off(most);
        }
        out.push(row);
    }
    if !spilt.is_empty() {
        out.push(spilt);
    }
    out.retain(|row| !row.is_empty());
    out
}

/// One pane that wants room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Which, for the caller.
    pub pane: usize,
    /// Its share of the row's width.
    pub share: u16,
    /// Narrowest useful box.
    pub min_width: u16,
    /// Rows that it would like.
    pub rows: Rows,
}

/// Places rows of boxes in `area`; what does not fit is left out, from the lowest row that can be missed upward.
#[must_use]
pub fn place(area: Rect, rows: &[Vec<Wish>]) -> Vec<(usize, Rect)> {
    let mut rows: Vec<Vec<Wish>> = rows.iter().flat_map(|r| wrap(r, area.width)).collect();
    let min = |row: &[Wish]| row.iter().map(|w| w.rows.min).max().unwrap_or(0);
    let fills = |row: &[Wish]| row.iter().any(|w| w.rows.want == u16::MAX);
    while rows.iter().map(|r| u32::from(min(r))).sum::<u32>() > u32::from(area.height) {
        // What fills the screen is missed most; of the others the last goes first.
        let Some(victim) = rows.iter().rposition(|r| !fills(r)) else {
            if rows.len() > 1 {
                rows.pop();
                continue;
            }
            break;
        };
        rows.remove(victim);
    }
    let heights = heights(area.height, &rows.iter().map(|r| (min(r), want(r))).collect::<Vec<_>>());
    let mut placed = Vec::new();
    let mut y = area.y;
    for (row, height) in rows.iter().zip(heights) {
        for (wish, (x, width)) in row.iter().zip(widths(area, row)) {
            if width > 0 && height > 0 {
                placed.push((wish.pane, Rect { x, y, width, height }));
            }
        }
        y += height;
    }
    placed
}

fn want(row: &[Wish]) -> u16 {
    row.iter().map(|w| w.rows.want).max().unwrap_or(0)
}

/// Every row its minimum; then those that know what they want in turn, up to a quarter of the screen each; the rest to
/// those that take all they can get, or to the last.
fn heights(total: u16, rows: &[(u16, u16)]) -> Vec<u16> {
    let mut heights: Vec<u16> = rows.iter().map(|(min, _)| *min).collect();
    if let [only] = heights.as_mut_slice() {
        *only = total;
        return heights;
    }
    let filling: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].1 == u16::MAX).collect();
    let spare = total.saturating_sub(heights.iter().sum());
    // The filling rows keep three tenths of the screen before others grow.
    let kept = if filling.is_empty() { 0 } else { total * 3 / 10 };
    let held: u16 = filling.iter().map(|i| heights[*i]).sum();
    let mut growth = spare.saturating_sub(kept.saturating_sub(held));
    let mut left = spare;
    loop {
        let grown_from = growth;
        for (height, (min, want)) in heights.iter_mut().zip(rows) {
            let most = (*want).min((total / 4).max(*min));
            if *want < u16::MAX && *height < most && growth > 0 {
                *height += 1;
                growth -= 1;
                left -= 1;
            }
        }
        if growth == grown_from {
            break;
        }
    }
    match filling.len() {
        0 => {
            if let Some(last) = heights.last_mut() {
                *last += left;
            }
        }
        count => {
            let each = left / u16::try_from(count).unwrap_or(1);
            for i in &filling {
                heights[*i] += each;
            }
            heights[filling[0]] += left - each * u16::try_from(count).unwrap_or(1);
        }
    }
    heights
}

/// Columns of a row by share, none under its minimum as long as that can be.
fn widths(area: Rect, row: &[Wish]) -> Vec<(u16, u16)> {
    let shares: u32 = row.iter().map(|w| u32::from(w.share.max(1))).sum();
    let mut widths: Vec<u16> = row
        .iter()
        .map(|w| u16::try_from(u32::from(area.width) * u32::from(w.share.max(1)) / shares.max(1)).unwrap_or(0))
        .collect();
    for i in 0..row.len() {
        let short = row[i].min_width.saturating_sub(widths[i]);
        let giver = (0..row.len()).max_by_key(|j| widths[*j].saturating_sub(row[*j].min_width));
        if let Some(giver) = giver
            && giver != i
        {
            let given = short.min(widths[giver].saturating_sub(row[giver].min_width));
            widths[giver] -= given;
            widths[i] += given;
        }
    }
    let used: u16 = widths.iter().sum();
    if let Some(last) = widths.last_mut() {
        *last += area.width.saturating_sub(used);
    }
    let mut x = area.x;
    widths
        .into_iter()
        .map(|w| {
            let at = x;
            x += w;
            (at, w)
        })
        .collect()
}

/// Splits a row whose panes cannot stand side by side in `width`.
fn wrap(row: &[Wish], width: u16) -> Vec<Vec<Wish>> {
    let mut out: Vec<Vec<Wish>> = Vec::new();
    let mut used = 0u16;
    for wish in row {
        match out.last_mut() {
            Some(last) if used.saturating_add(wish.min_width) <= width => {
                last.push(*wish);
                used += wish.min_width;
            }
            _ => {
                out.push(vec![*wish]);
                used = wish.min_width;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(pane: usize, share: u16, min_width: u16, min: u16, want: u16) -> Wish {
        Wish { pane, share, min_width, rows: Rows { min, want } }
    }

    fn usual() -> Vec<Vec<Wish>> {
        vec![
            vec![wish(0, 44, 36, 8, 16), wish(1, 31, 30, 8, 11), wish(2, 40, 34, 8, 12)],
            vec![wish(3, 60, 40, 4, 6), wish(4, 40, 30, 4, 8)],
            vec![wish(5, 100, 40, 6, u16::MAX)],
        ]
    }

    #[test]
    fn boxes_never_overlap_and_never_leave_the_screen() {
        for width in 1..200 {
            for height in 1..70 {
                let area = Rect::new(0, 1, width, height);
                let placed = place(area, &usual());
                for (i, (_, a)) in placed.iter().enumerate() {
                    assert_eq!(area.intersection(*a), *a, "{width}x{height}");
                    assert!(placed[i + 1..].iter().all(|(_, b)| !a.intersects(*b)), "{width}x{height}");
                }
            }
        }
    }

    #[test]
    fn the_filling_pane_stays_and_gets_what_others_leave() {
        let placed = place(Rect::new(0, 0, 160, 43), &usual());
        let heights: Vec<u16> = placed.iter().map(|(_, r)| r.height).collect();
        assert_eq!(heights, [10, 10, 10, 8, 8, 25]);
        let short = place(Rect::new(0, 0, 160, 16), &usual());
        assert_eq!(short.iter().map(|(p, _)| *p).collect::<Vec<_>>(), [0, 1, 2, 5]);
        assert_eq!(place(Rect::new(0, 0, 160, 5), &usual()).iter().map(|(p, _)| *p).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn panes_that_cannot_stand_side_by_side_stand_below_each_other() {
        let placed = place(Rect::new(0, 0, 70, 60), &usual());
        assert!(placed.iter().all(|(_, r)| r.width >= 30));
        assert_eq!(placed.len(), 6);
    }

    #[test]
    fn a_row_that_is_too_full_gives_its_last_panes_to_the_row_below() {
        let row = |panes: &[usize]| panes.iter().map(|p| wish(*p, 40, 30, 4, 8)).collect::<Vec<_>>();
        let fills = vec![wish(9, 100, 40, 5, u16::MAX)];
        let panes = |rows: Vec<Vec<Wish>>, most| {
            spill(rows, most).iter().map(|r| r.iter().map(|w| w.pane).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let rows = vec![row(&[0, 1, 2, 3]), row(&[4, 5, 6]), row(&[7]), fills.clone()];
        assert_eq!(panes(rows.clone(), 3), [vec![0, 1, 2], vec![4, 3, 5], vec![7, 6], vec![9]]);
        assert_eq!(panes(rows, 4), [vec![0, 1, 2, 3], vec![4, 5, 6], vec![7], vec![9]]);
        assert_eq!(panes(vec![row(&[0, 1]), fills], 1), [vec![0], vec![1], vec![9]]);
    }

    #[test]
    fn hidden_panes_take_no_room() {
        let settings =
            Settings { hidden_panes: vec!["sensors".to_owned(), "processes".to_owned()], ..Settings::default() };
        let names: Vec<Vec<String>> =
            rows(&settings).into_iter().map(|r| r.into_iter().map(|(n, _)| n).collect()).collect();
        assert_eq!(
            names,
            [vec!["cpu", "memory", "gpus", "disk_net"], vec!["pools", "filesystems"], vec!["containers"]]
        );
    }
}
