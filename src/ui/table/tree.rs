//! Parents and children as lines of a tree. Whatever the parents say, every row comes once: a circle of parents, as only
//! a recording can hold, begins at its first row.

/// One line: a row at its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Branch {
    /// The row.
    pub row: u32,
    /// Levels above it.
    pub depth: u16,
    /// Bit `n`: the branch at level `n` has no younger sibling; levels past 63 count as such.
    pub last: u64,
    /// It has children.
    pub parent: bool,
    /// Rows below it that are folded away.
    pub folded: u32,
}

/// Lines of the tree: `order` are the rows in the order of siblings, `parent_of` names a row's parent among them, and the
/// children of what is `folded` are counted only.
pub fn branches(
    order: &[u32],
    parent_of: impl Fn(u32) -> Option<u32>,
    folded: impl Fn(u32) -> bool,
    rows: usize,
    out: &mut Vec<Branch>,
) {
    const NONE: u32 = u32::MAX;
    out.clear();
    // Lists of children, built from the back so that they keep the order.
    let mut first = vec![NONE; rows];
    let mut next = vec![NONE; rows];
    let mut roots = NONE;
    let mut pending = vec![false; rows];
    for row in order.iter().rev().copied() {
        pending[row as usize] = true;
        let head = match parent_of(row).filter(|p| *p != row && (*p as usize) < rows) {
            Some(parent) => &mut first[parent as usize],
            None => &mut roots,
        };
        next[row as usize] = *head;
        *head = row;
    }
    let mut stack: Vec<(u32, u16, u64)> = Vec::new();
    let grow =
        |root: u32, only: bool, pending: &mut [bool], stack: &mut Vec<(u32, u16, u64)>, out: &mut Vec<Branch>| {
            stack.push((root, 0, 0));
            while let Some((row, depth, last)) = stack.pop() {
                let sibling = next[row as usize];
                let is_last = sibling == NONE || (only && depth == 0);
                if !is_last {
                    stack.push((sibling, depth, last));
                }
                if !std::mem::take(&mut pending[row as usize]) {
                    continue;
                }
                let bit = if depth < 64 && is_last { 1u64 << depth } else { 0 };
                let last = last | bit;
                let child = first[row as usize];
                let mut branch = Branch { row, depth, last, parent: child != NONE, folded: 0 };
                if child != NONE {
                    if folded(row) {
                        branch.folded = count(child, &first, &next, pending);
                    } else {
                        stack.push((child, depth.saturating_add(1), last));
                    }
                }
                out.push(branch);
            }
        };
    if roots != NONE {
        grow(roots, false, &mut pending, &mut stack, out);
    }
    for row in order.iter().copied() {
        if pending[row as usize] {
            grow(row, true, &mut pending, &mut stack, out);
        }
    }
}

/// Rows at and below `child` and its siblings; they are no longer pending.
fn count(child: u32, first: &[u32], next: &[u32], pending: &mut [bool]) -> u32 {
    let mut stack = vec![child];
    let mut counted = 0;
    while let Some(row) = stack.pop() {
        let Some(waits) = pending.get_mut(row as usize) else { continue };
        stack.push(next[row as usize]);
        if std::mem::take(waits) {
            counted += 1;
            stack.push(first[row as usize]);
        }
    }
    counted
}

/// The lines before a row: `│  ├─ `.
#[must_use]
pub fn guide(branch: &Branch, ascii: bool) -> String {
    let (pass, gap, fork, end) =
        if ascii { ("|  ", "   ", "|- ", "`- ") } else { ("│  ", "   ", "├─ ", "└─ ") };
    let is_last = |level: u16| level < 64 && branch.last & (1 << level) != 0;
    let mut out = String::new();
    for level in 1..branch.depth {
        out.push_str(if is_last(level) { gap } else { pass });
    }
    if branch.depth > 0 {
        out.push_str(if is_last(branch.depth) { end } else { fork });
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(parents: &[Option<u32>], folded: &[u32]) -> Vec<String> {
        let order: Vec<u32> = (0..parents.len() as u32).collect();
        let mut out = Vec::new();
        branches(&order, |r| parents[r as usize], |r| folded.contains(&r), parents.len(), &mut out);
        let more = |b: &Branch| if b.folded > 0 { format!(" +{}", b.folded) } else { String::new() };
        out.iter().map(|b| format!("{}{}{}", guide(b, false), b.row, more(b))).collect()
    }

    #[test]
    fn children_stand_below_their_parents_with_lines() {
        let parents = [None, Some(0), Some(0), Some(1), Some(1), None, Some(5)];
        let expected = ["0", "├─ 1", "│  ├─ 3", "│  └─ 4", "└─ 2", "5", "└─ 6"];
        assert_eq!(tree(&parents, &[]), expected);
    }

    #[test]
    fn a_folded_branch_counts_what_it_hides() {
        let parents = [None, Some(0), Some(0), Some(1), Some(1), None];
        assert_eq!(tree(&parents, &[1]), ["0", "├─ 1 +2", "└─ 2", "5"]);
        assert_eq!(tree(&parents, &[0]), ["0 +4", "5"]);
    }

    #[test]
    fn a_circle_of_parents_begins_somewhere_and_ends() {
        assert_eq!(tree(&[Some(1), Some(0), None], &[]), ["2", "0", "└─ 1"]);
        assert_eq!(tree(&[Some(0)], &[]), ["0"]);
        assert_eq!(tree(&[Some(1), Some(2), Some(0)], &[2]), ["0", "└─ 2 +1"]);
    }

    proptest! {
        #[test]
        fn every_row_comes_once_or_is_counted_whatever_the_parents_say(
            parents in prop::collection::vec(prop::option::of(0u32..40), 0..40),
            folded in prop::collection::vec(0u32..40, 0..6),
        ) {
            let order: Vec<u32> = (0..parents.len() as u32).collect();
            let mut out = Vec::new();
            branches(&order, |r| parents[r as usize], |r| folded.contains(&r), parents.len(), &mut out);
            let shown = out.len() as u32 + out.iter().map(|b| b.folded).sum::<u32>();
            prop_assert_eq!(shown, parents.len() as u32);
            let mut rows: Vec<u32> = out.iter().map(|b| b.row).collect();
            rows.sort_unstable();
            rows.dedup();
            prop_assert_eq!(rows.len(), out.len());
        }
    }
}
