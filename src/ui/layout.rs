//! Where each pane goes. The arrangement is data: rows of pane names, the user's or the built-in ones.
//!
//! Two promises: room goes to what overflows, by worth, and a larger screen never shows less of anything than a smaller
//! one. The second is why lists without boxes stop growing at `LINES` rows (boxes begin when each of them shows at least
//! as much), and why rows of a screen are given out one by one in an order that does not depend on how many there are.

mod room;

use ratatui::layout::Rect;

pub use room::{Need, Span};

use super::view::Rows;
use crate::config::Settings;
use room::grow;

/// The built-in rows: pane and its share of the width.
static BUILT_IN: &[&[(&str, u16)]] = &[
    &[("cpu", 44), ("memory", 31), ("gpus", 40), ("disk_net", 40)],
    &[("pools", 100)],
    &[("filesystems", 57), ("sensors", 38)],
    &[("containers", 100)],
    &[("services", 58), ("models", 42)],
    &[("processes", 100)],
];
/// The built-in row that takes the last pane of a first row that is too full.
const BELOW: usize = 1;
/// The built-in row that is shown when there is room to spare.
const SPARE: usize = 2;
/// Columns that a list keeps beside a table.
const BESIDE: u16 = 46;

/// Narrower screens have no boxes, whatever their height.
pub const BOXES: u16 = 70;
/// Narrower screens have a second line in their head.
pub const ONE_HEAD: u16 = 96;
/// Below this size there is one line.
pub const ONE_LINE: (u16, u16) = (40, 10);
/// Rows within which lists without boxes grow.
const LINES: u16 = 24;
/// A row that would be worth less than this goes to the spare row.
const SPARE_WORTH: u32 = 18_000;

/// Panes by how much they are missed where not all have a line.
static ESSENTIAL: &[&str] =
    &["filesystems", "disk_net", "gpus", "models", "services", "pools", "containers", "memory", "cpu", "processes"];

/// How much a pane is missed where not all have a line.
#[must_use]
pub fn essential(name: &str) -> u16 {
    ESSENTIAL.iter().position(|n| *n == name).and_then(|at| u16::try_from(at + 1).ok()).unwrap_or(0)
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
    rows.into_iter().map(|r| r.into_iter().filter(|(n, _)| !hidden(n)).collect()).collect()
}

/// A pane in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which, as in [`Need`].
    pub pane: usize,
    pub area: Rect,
}

/// A screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Panes have boxes.
    pub boxes: bool,
    /// Where they are.
    pub places: Vec<Place>,
    /// The spare row is not shown, and another pane lists what is in its first.
    pub merged: bool,
}

/// What an arrangement is made of.
pub struct Needs<'a> {
    /// The rows in boxes, empty ones included so that the built-in rows keep their numbers.
    pub rows: &'a [Vec<Need>],
    /// The rows are the built-in ones.
    pub built_in: bool,
    /// Pane that another can list with its own, and the pane that can do so.
    pub guest: Option<(usize, usize)>,
    /// Every pane as lines without a box, in their order.
    pub lines: &'a [Need],
}

/// Plans the panes of a screen in `body`.
#[must_use]
pub fn plan(body: Rect, needs: &Needs<'_>) -> Plan {
    let wide = body.width >= BOXES;
    // What lines show at most while boxes may follow: boxes show no less.
    let most: Vec<Need> = heights_of_lines(LINES, needs.lines, needs.lines)
        .into_iter()
        .zip(needs.lines)
        .map(|(height, need)| Need { rows: Rows { min: height, want: height }, ..*need })
        .collect();
    if wide && let Some(plan) = boxes(body, needs, &most) {
        return plan;
    }
    let lines = if wide && body.height > LINES { &most } else { needs.lines };
    let heights = heights_of_lines(body.height, lines, needs.lines);
    let mut y = body.y;
    let mut places = Vec::new();
    for (need, height) in needs.lines.iter().zip(heights) {
        let height = height.min(body.bottom().saturating_sub(y));
        if height > 0 {
            places.push(Place { pane: need.pane, area: Rect { y, height, ..body } });
        }
        y += height;
    }
    Plan { boxes: false, places, merged: false }
}

/// Heights of panes without boxes in `height` rows: as many panes as fit, by worth, then row by row; what is left beyond
/// `lines` goes to what `more` says.
fn heights_of_lines(height: u16, lines: &[Need], more: &[Need]) -> Vec<u16> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(lines[*i].essential));
    let mut heights = vec![0; lines.len()];
    let mut left = height;
    for i in order {
        let min = lines[i].rows.min;
        if min <= left {
            heights[i] = min;
            left -= min;
        }
    }
    let mut spans: Vec<Span> = heights.iter().zip(lines).map(|(height, need)| Span::lines(*height, *need)).collect();
    let left = grow(&mut spans, left, 0);
    for (span, need) in spans.iter_mut().zip(more) {
        span.needs.iter_mut().for_each(|w| *w = *need);
    }
    grow(&mut spans, left, 0);
    spans.iter().map(|span| span.height).collect()
}

/// Boxes in `body`; `None` when they would show less than `lines`.
fn boxes(body: Rect, needs: &Needs<'_>, lines: &[Need]) -> Option<Plan> {
    let mut rows: Vec<Vec<Need>> = needs.rows.to_vec();
    for need in rows.iter_mut().flatten() {
        let shown = lines.iter().find(|l| l.pane == need.pane).map_or(0, |l| l.rows.min);
        if need.table {
            need.rows.min = need.rows.min.max(shown.saturating_add(2)).min(need.rows.want);
        }
    }
    let host = needs.guest.map(|(_, host)| host).filter(|host| rows.iter().flatten().any(|w| w.pane == *host));
    let mut spare = Vec::new();
    let mut guest = None;
    if needs.built_in && rows.len() > SPARE {
        guest = needs.guest.and_then(|(guest, _)| rows[SPARE].iter().find(|w| w.pane == guest).copied());
        if guest.is_none() || host.is_some() {
            spare = std::mem::take(&mut rows[SPARE]);
        }
        guest = guest.filter(|_| host.is_some());
        if let (Some(guest), Some(host)) = (guest, rows.iter_mut().flatten().find(|w| Some(w.pane) == host)) {
            host.rows.min = host.rows.min.max(6);
            host.rows.want = host.rows.want.saturating_add(guest.rows.want.saturating_sub(2));
        }
        // Alone, the guest is no worse off where it is.
        if spare.iter().all(|w| guest.is_some_and(|g| g.pane == w.pane)) {
            spare.clear();
        }
        rows = spill(rows, body.width);
    }
    let mut spans: Vec<Span> = rows.iter().flat_map(|row| wrap(row, body.width)).map(Span::boxes).collect();
    let used: u16 = spans.iter().map(|s| s.height).fold(0, u16::saturating_add);
    let mut left = body.height.checked_sub(used)?;
    let mut merged = guest.is_some();
    if spare.is_empty() {
        left = grow(&mut spans, left, 0);
    } else {
        left = grow(&mut spans, left, SPARE_WORTH);
        if left > 0 && open(&mut spans, &mut left, spare, guest, host) {
            merged = false;
            left = grow(&mut spans, left, 0);
        }
    }
    // What is left has no better use than larger graphs, or the last row.
    if let Some(span) = spans.iter_mut().max_by_key(|s| s.needs.iter().map(|w| w.past).max()) {
        span.height += left;
    }
    let mut places = Vec::new();
    let mut y = body.y;
    for span in &spans {
        let row = Rect { y, height: span.height, ..body };
        places.extend(
            span.needs
                .iter()
                .zip(widths(row, &span.needs))
                .map(|(need, (x, width))| Place { pane: need.pane, area: Rect { x, width, ..row } }),
        );
        y += span.height;
    }
    Some(Plan { boxes: true, places, merged })
}

/// Puts the spare row in front of the first table with a full row, when there is room for all that its first pane has;
/// the row that listed it meanwhile gives up what it then needs no more.
fn open(spans: &mut Vec<Span>, left: &mut u16, spare: Vec<Need>, guest: Option<Need>, host: Option<usize>) -> bool {
    let mut row = Span::boxes(spare);
    row.height = row.height.max(guest.map_or(0, |g| g.rows.want.min(12)));
    let mut freed = 0;
    let mut slim = None;
    if let (Some(guest), Some(host)) = (guest, host) {
        let at = spans.iter().position(|s| s.needs.iter().any(|w| w.pane == host));
        if let Some(at) = at {
            let mut span = spans[at].clone();
            for need in span.needs.iter_mut().filter(|w| w.pane == host) {
                need.rows.want = need.rows.want.saturating_sub(guest.rows.want.saturating_sub(2));
                need.rows.min = need.rows.min.min(need.rows.want);
            }
            let needed = span.needs.iter().map(|w| w.rows.want.max(w.rows.min)).max().unwrap_or(0);
            span.height = span.height.min(needed);
            freed = spans[at].height - span.height;
            slim = Some((at, span));
        }
    }
    if *left + freed < row.height {
        return false;
    }
    *left = *left + freed - row.height;
    if let Some((at, span)) = slim {
        spans[at] = span;
    }
    let at = spans.iter().position(|s| s.needs.iter().any(|w| w.alone)).unwrap_or(spans.len());
    spans.insert(at, row);
    true
}

/// Splits the first built-in row where it is too full: its last pane goes beside the table below if there is room, else it
/// becomes two or more rows of the same length.
fn spill(mut rows: Vec<Vec<Need>>, width: u16) -> Vec<Vec<Need>> {
    let need = |row: &[Need]| row.iter().map(|w| w.min_width).fold(0, u16::saturating_add);
    let fits = |row: &[Need], abreast: usize| row.len() <= abreast && need(row) <= width;
    let beside = rows.get(BELOW).filter(|row| !row.is_empty()).is_some_and(|row| need(row) + BESIDE <= width);
    let first = rows.first().cloned().unwrap_or_default();
    let roomy = if beside { 3 } else { usize::from(width / 53).max(3) };
    if fits(&first, roomy) {
        // As it is.
    } else if beside && fits(&first[..first.len().saturating_sub(1)], 3) {
        let last = rows[0].pop();
        rows[BELOW].extend(last);
    } else {
        let of = |chunk: usize| first.chunks(chunk).all(|row| fits(row, 3));
        let even = (2..=first.len()).map(|count| first.len().div_ceil(count)).find(|chunk| of(*chunk)).unwrap_or(1);
        rows.splice(..1, first.chunks(even).map(<[Need]>::to_vec));
    }
    rows.retain(|row| !row.is_empty());
    rows
}

/// Splits a row whose panes do not fit side by side in `width`.
fn wrap(row: &[Need], width: u16) -> Vec<Vec<Need>> {
    let mut out: Vec<Vec<Need>> = Vec::new();
    let mut used = 0u16;
    for need in row {
        match out.last_mut() {
            Some(last) if used.saturating_add(need.min_width) <= width => {
                last.push(*need);
                used += need.min_width;
            }
            _ => {
                out.push(vec![*need]);
                used = need.min_width;
            }
        }
    }
    out
}

/// Columns of a row by share, none under its minimum as long as that can be.
fn widths(area: Rect, row: &[Need]) -> Vec<(u16, u16)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn need(pane: usize, min_width: u16, min: u16, want: u16, worth: u16) -> Need {
        let table = want == u16::MAX || pane == 4;
        Need {
            pane,
            share: 40,
            min_width,
            rows: Rows { min, want },
            worth,
            essential: worth,
            past: if pane < 2 { 7 } else { 0 },
            table,
            alone: table,
        }
    }

    /// CPU, memory, a list, what it can list too, a table of 9 rows, one without end.
    fn usual(table_rows: u16) -> (Vec<Vec<Need>>, Vec<Need>) {
        let rows = vec![
            vec![need(0, 36, 7, 8, 20), need(1, 30, 7, 8, 20), need(2, 34, 5, 8, 20)],
            Vec::new(),
            vec![need(3, 40, 4, 6, 12), need(6, 30, 4, 12, 8)],
            vec![need(4, 60, 6, table_rows + 3, 41)],
            vec![need(5, 40, 6, u16::MAX, 36)],
        ];
        let line = |pane, want: u16| need(pane, 30, want.min(2), want, 20);
        let mut lines: Vec<Need> = (0..4).map(|pane| Need { worth: 0, past: 0, ..line(pane, 1) }).collect();
        lines[0].past = 7;
        lines.extend([line(4, table_rows + 1), line(5, u16::MAX)]);
        (rows, lines)
    }

    fn planned(width: u16, height: u16, table_rows: u16) -> Plan {
        let (rows, lines) = usual(table_rows);
        plan(Rect::new(0, 1, width, height), &Needs { rows: &rows, built_in: true, guest: Some((3, 2)), lines: &lines })
    }

    fn height(plan: &Plan, pane: usize) -> u16 {
        plan.places.iter().find(|p| p.pane == pane).map_or(0, |p| p.area.height)
    }

    #[test]
    fn panes_never_overlap_and_never_leave_the_screen() {
        for width in 1..200 {
            for height in 1..70 {
                let area = Rect::new(0, 1, width, height);
                let places = planned(width, height, 15).places;
                for (i, a) in places.iter().enumerate() {
                    assert_eq!(area.intersection(a.area), a.area, "{width}x{height}");
                    assert!(places[i + 1..].iter().all(|b| !a.area.intersects(b.area)), "{width}x{height}");
                }
            }
        }
    }

    #[test]
    fn boxes_begin_where_they_show_no_less_than_lines() {
        let first = (10..70).find(|height| planned(160, *height, 15).boxes).unwrap_or(0);
        let (lines, boxes) = (planned(160, first - 1, 15), planned(160, first, 15));
        for pane in [4, 5] {
            assert!(height(&boxes, pane) >= height(&lines, pane) + 2, "{pane} in {first} rows");
        }
        assert!(!planned(BOXES - 1, 69, 15).boxes);
    }

    #[test]
    fn the_spare_row_comes_when_the_tables_have_theirs() {
        let tight = planned(160, 43, 15);
        assert!(tight.boxes && tight.merged && height(&tight, 3) == 0 && height(&tight, 6) == 0);
        assert_eq!(height(&tight, 4), 18, "the table is whole");
        let roomy = planned(160, 68, 15);
        assert!(!roomy.merged && height(&roomy, 3) >= 6 && height(&roomy, 6) >= 6);
    }

    #[test]
    fn a_row_too_wide_is_split_evenly() {
        let (rows, _) = usual(15);
        let panes = |rows: Vec<Vec<Need>>, width| {
            spill(rows, width).iter().map(|r| r.iter().map(|w| w.pane).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(panes(rows[..2].to_vec(), 100), [vec![0, 1, 2]]);
        assert_eq!(panes(rows[..2].to_vec(), 90), [vec![0, 1], vec![2]]);
        let mut four = rows[..2].to_vec();
        four[0].push(need(7, 34, 5, 8, 20));
        assert_eq!(panes(four.clone(), 160), [vec![0, 1], vec![2, 7]]);
        assert_eq!(panes(four.clone(), 212), [vec![0, 1, 2, 7]]);
        four[1].push(need(8, 100, 5, 8, 40));
        assert_eq!(panes(four.clone(), 160), [vec![0, 1, 2], vec![8, 7]]);
        assert_eq!(panes(four, 140), [vec![0, 1], vec![2, 7], vec![8]]);
    }

    #[test]
    fn hidden_panes_take_no_room() {
        let hidden = ["sensors", "processes"];
        let names = |settings: &Settings| -> Vec<Vec<String>> {
            rows(settings).into_iter().map(|r| r.into_iter().map(|(n, _)| n).collect()).collect()
        };
        let hides = Settings { hidden_panes: hidden.map(str::to_owned).to_vec(), ..Settings::default() };
        let mut all = names(&Settings::default());
        assert!(hidden.iter().all(|pane| all.iter().flatten().any(|name| name == pane)));
        all.iter_mut().for_each(|row| row.retain(|name| !hidden.contains(&name.as_str())));
        assert_eq!(names(&hides), all, "the others stay where they are");
    }

    #[test]
    fn no_pane_of_a_row_is_under_its_minimum_while_another_has_more() {
        let share = |min_width, share| Need { share, ..need(0, min_width, 5, 8, 20) };
        let of = |width, row: &[Need]| -> Vec<u16> {
            let row = widths(Rect::new(3, 0, width, 5), row);
            let begins: Vec<u16> = row.iter().scan(3, |x, (_, w)| Some(std::mem::replace(x, *x + w))).collect();
            assert_eq!(row.iter().map(|(x, _)| *x).collect::<Vec<_>>(), begins, "one begins where another ends");
            row.into_iter().map(|(_, width)| width).collect()
        };
        assert_eq!(of(100, &[share(30, 50), share(30, 50)]), [50, 50]);
        assert_eq!(of(101, &[share(30, 50), share(30, 50)]), [50, 51], "what is left over is the last one's");
        assert_eq!(of(100, &[share(30, 80), share(30, 20)]), [70, 30]);
        assert_eq!(of(100, &[share(10, 90), share(40, 5), share(30, 5)]), [30, 40, 30]);
        assert_eq!(of(50, &[share(30, 0), share(30, 0)]), [25, 25], "not even that fits");
    }

    #[test]
    fn a_row_breaks_where_the_next_pane_does_not_fit() {
        let row = [need(0, 40, 5, 8, 20), need(1, 30, 5, 8, 20), need(2, 30, 5, 8, 20)];
        let panes =
            |width| wrap(&row, width).iter().map(|r| r.iter().map(|w| w.pane).collect()).collect::<Vec<Vec<_>>>();
        assert_eq!(panes(100), [vec![0, 1, 2]]);
        assert_eq!(panes(99), [vec![0, 1], vec![2]]);
        assert_eq!(panes(69), [vec![0], vec![1, 2]]);
        assert_eq!(panes(59), [vec![0], vec![1], vec![2]]);
        assert_eq!(panes(5), [vec![0], vec![1], vec![2]], "one is there at any width");
    }

    #[test]
    fn the_row_that_listed_a_guest_gives_up_what_it_needs_no_more() {
        // The host of 14 rows lists the guest's 8 with its own 8.
        let host = need(2, 34, 6, 14, 20);
        let table = need(4, 60, 6, 18, 41);
        let guest = need(3, 40, 4, 8, 12);
        let spans = || -> Vec<Span> {
            let mut spans = [vec![host], vec![table]].map(Span::boxes).to_vec();
            spans[0].height = 14;
            spans
        };
        let opened = |mut left: u16, host| {
            let mut spans = spans();
            let is_open = open(&mut spans, &mut left, vec![guest], Some(guest), host);
            (is_open, left, spans.iter().map(|s| (s.needs[0].pane, s.height)).collect::<Vec<_>>())
        };
        // Six are given up; eight are needed.
        assert_eq!(opened(2, Some(2)), (true, 0, vec![(2, 8), (3, 8), (4, 6)]));
        assert_eq!(opened(1, Some(2)), (false, 1, vec![(2, 14), (4, 6)]));
        assert_eq!(opened(8, None), (true, 0, vec![(2, 14), (3, 8), (4, 6)]));
        assert_eq!(opened(7, None), (false, 7, vec![(2, 14), (4, 6)]));
    }
    #[test]
    fn a_pane_keeps_its_share_in_an_own_layout() {
        let built_in: Vec<(String, u16)> = super::rows(&Settings::default()).concat();
        let names: Vec<String> = built_in.iter().map(|(name, _)| name.clone()).collect();
        let own = |rows: &[&[&str]], hidden: &[&str]| {
            let rows = rows.iter().map(|row| row.iter().map(|name| (*name).to_owned()).collect()).collect();
            let hidden_panes = hidden.iter().map(|name| (*name).to_owned()).collect();
            super::rows(&Settings { layout: Some(rows), hidden_panes, ..Settings::default() })
        };
        let each: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(own(&[&each], &[]), [built_in]);
        assert_eq!(own(&[&["unknown"], &["cpu", "memory"]], &["cpu"])[0], [("unknown".to_owned(), 40)]);
        assert_eq!(own(&[&["cpu", "memory"]], &["cpu"])[0].len(), 1);
    }
}
