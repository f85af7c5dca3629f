//! The row under the cursor and the visible rows. The cursor holds an item, not a place: rows that come and go do not
//! move it to another. Until the user moves it, it is on the first row and the view stays at the top.

use std::{cell::Cell, ops::Range};

use crate::ui::action::Action;

/// Cursor and scroll of one list; `K` names a row for good.
#[derive(Debug)]
pub struct Cursor<K> {
    keys: Vec<K>,
    /// What the user chose; `None` until then.
    held: Option<K>,
    at: usize,
    top: Cell<usize>,
    page: Cell<usize>,
    /// The held row is kept in the middle of the view.
    follow: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Cursor { keys: Vec::new(), held: None, at: 0, top: Cell::new(0), page: Cell::new(1), follow: false }
    }
}

impl<K: Copy + Eq> Cursor<K> {
    /// The list is now this. A held row that is gone gives its place to the row there now.
    pub fn settle(&mut self, keys: impl IntoIterator<Item = K>) {
        self.keys.clear();
        self.keys.extend(keys);
        match self.held {
            None => self.at = 0,
            Some(key) => match self.keys.iter().position(|k| *k == key) {
                Some(at) => self.at = at,
                None => {
                    self.follow = false;
                    self.at = self.at.min(self.keys.len().saturating_sub(1));
                    self.held = self.keys.get(self.at).copied();
                }
            },
        }
    }

    /// The rows, first to last.
    #[must_use]
    pub fn keys(&self) -> &[K] {
        &self.keys
    }

    /// The row under the cursor.
    #[must_use]
    pub fn selected(&self) -> Option<K> {
        self.keys.get(self.at).copied()
    }

    /// Its index.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// True once the user moved the cursor.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The row that is being followed.
    #[must_use]
    pub fn followed(&self) -> Option<K> {
        self.held.filter(|_| self.follow)
    }

    /// Follows the row under the cursor, or no longer; gives the row that is followed now.
    pub fn toggle_follow(&mut self) -> Option<K> {
        self.follow = !self.follow;
        self.held = self.selected();
        self.followed()
    }

    /// Puts the cursor on the row at `index` and holds it.
    pub fn hold(&mut self, index: usize) {
        self.follow = false;
        self.at = index.min(self.keys.len().saturating_sub(1));
        self.held = self.selected();
    }

    /// Puts the cursor on `key` where it is listed.
    pub fn hold_key(&mut self, key: K) {
        if let Some(at) = self.keys.iter().position(|k| *k == key) {
            self.hold(at);
        }
    }

    /// Moves; false when `action` is no movement. To the first row, or up from there, means to let go.
    pub fn act(&mut self, action: Action) -> bool {
        let page = self.page.get().max(2) - 1;
        let to = match action {
            Action::Up | Action::PageUp if self.at == 0 => return self.act(Action::Top),
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at.saturating_add(1),
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at.saturating_add(page),
            Action::Bottom => usize::MAX,
            Action::Top => {
                (self.held, self.at, self.follow) = (None, 0, false);
                return true;
            }
            _ => return false,
        };
        self.hold(to);
        true
    }

    /// The visible rows when there is space for `rows`: the view moves no further than the cursor asks for.
    pub fn window(&self, rows: usize) -> Range<usize> {
        self.page.set(rows);
        let count = self.keys.len();
        let mut top = self.top.get().min(count.saturating_sub(rows));
        if self.held.is_none() {
            top = 0;
        } else if self.follow {
            top = self.at.saturating_sub(rows / 2).min(count.saturating_sub(rows));
        } else if self.at < top {
            top = self.at;
        } else if rows > 0 && self.at >= top + rows {
            top = self.at + 1 - rows;
        }
        self.top.set(top);
        top..(top + rows).min(count)
    }

    /// The rows that the last frame showed.
    #[must_use]
    pub fn in_sight(&self) -> &[K] {
        let top = self.top.get().min(self.keys.len());
        &self.keys[top..(top + self.page.get()).min(self.keys.len())]
    }

    /// The first row from `from` on that `fits`, round the end; backwards when `back`.
    pub fn find(&self, from: usize, back: bool, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let count = self.keys.len();
        (0..count)
            .map(|step| if back { (from + count - step) % count.max(1) } else { (from + step) % count.max(1) })
            .find(|index| fits(*index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(keys: &[u32]) -> Cursor<u32> {
        let mut cursor = Cursor::default();
        cursor.settle(keys.iter().copied());
        cursor
    }

    #[test]
    fn until_the_user_moves_the_view_stays_at_the_top() {
        let mut cursor = of(&[1, 2, 3, 4]);
        assert_eq!((cursor.selected(), cursor.window(2)), (Some(1), 0..2));
        cursor.settle([4, 3, 2, 1]);
        assert_eq!((cursor.selected(), cursor.window(2)), (Some(4), 0..2));
    }

    #[test]
    fn a_chosen_row_keeps_the_cursor_wherever_it_goes() {
        let mut cursor = of(&[1, 2, 3, 4, 5]);
        cursor.act(Action::Down);
        assert_eq!(cursor.selected(), Some(2));
        cursor.settle([9, 8, 1, 3, 2, 4]);
        assert_eq!((cursor.selected(), cursor.position(), cursor.window(3)), (Some(2), 4, 2..5));
        assert_eq!(cursor.in_sight(), [1, 3, 2]);
        cursor.act(Action::Top);
        cursor.settle([7, 9, 8]);
        assert_eq!((cursor.selected(), cursor.window(3)), (Some(7), 0..3), "the first row again lets go");
    }

    #[test]
    fn a_row_that_is_gone_gives_its_place_to_its_neighbour() {
        let mut cursor = of(&[1, 2, 3]);
        cursor.act(Action::Bottom);
        cursor.settle([1, 2]);
        assert_eq!(cursor.selected(), Some(2));
        cursor.settle([]);
        assert_eq!((cursor.selected(), cursor.window(5)), (None, 0..0));
        cursor.settle([5, 6]);
        assert_eq!(cursor.selected(), Some(5));
    }

    #[test]
    fn followed_row_stays_in_the_middle() {
        let mut cursor = of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        cursor.hold(5);
        assert_eq!(cursor.toggle_follow(), Some(5));
        assert_eq!(cursor.window(4), 3..7);
        cursor.settle([5, 0, 1, 2, 3, 4, 6, 7]);
        assert_eq!(cursor.window(4), 0..4);
        cursor.settle([0, 1, 2]);
        assert_eq!(cursor.followed(), None);
    }

    #[test]
    fn movements_are_taken_and_nothing_else() {
        let mut cursor = of(&[1, 2, 3]);
        cursor.window(2);
        let moves = [Action::Down, Action::Up, Action::PageDown, Action::PageUp, Action::Bottom, Action::Top];
        assert!(moves.into_iter().all(|action| cursor.act(action)));
        assert!(!cursor.act(Action::Open));
        assert!(cursor.act(Action::Up) && cursor.selected() == Some(1), "up from the first row lets go");
        assert!(!cursor.is_held());
    }

    #[test]
    fn pages_and_searches_go_round_the_list_in_both_directions() {
        let mut cursor = of(&[10, 11, 12, 13, 14, 15]);
        cursor.window(3);
        cursor.act(Action::PageDown);
        assert_eq!(cursor.selected(), Some(12));
        let even = |i: usize| i.is_multiple_of(2);
        assert_eq!(cursor.find(5, false, even), Some(0));
        assert_eq!(cursor.find(1, true, even), Some(0));
        assert_eq!(cursor.find(0, true, |i| i == 5), Some(5));
        assert_eq!(of(&[]).find(0, false, |_| true), None);
    }
}
