//! Lines of which some words lead elsewhere: what the view of one subject is made of.

use super::sheet::SheetLine;
use crate::{
    model::subject::Subject,
    text::{elide, width},
    ui::theme::Role,
};

/// A line, and which of its pieces lead to what.
#[derive(Debug, Clone, Default)]
pub struct LinkedLine {
    /// The words with their roles.
    pub pieces: SheetLine,
    /// Index of a piece, and what it names.
    pub links: Vec<(usize, Subject)>,
}

impl From<SheetLine> for LinkedLine {
    fn from(pieces: SheetLine) -> Self {
        LinkedLine { pieces, links: Vec::new() }
    }
}

impl LinkedLine {
    /// The same line with its piece at `index` linked to `subject` where there is one.
    #[must_use]
    pub fn link(mut self, index: usize, subject: Option<Subject>) -> Self {
        self.links.extend(subject.map(|subject| (index, subject)));
        self.links.sort_by_key(|(piece, _)| *piece);
        self
    }
}

/// Lines one below the other.
#[derive(Debug, Default)]
pub struct Page {
    lines: Vec<LinkedLine>,
}

impl Page {
    /// Adds a line.
    pub fn push(&mut self, line: impl Into<LinkedLine>) {
        self.lines.push(line.into());
    }

    /// Adds lines.
    pub fn extend<L: Into<LinkedLine>>(&mut self, lines: impl IntoIterator<Item = L>) {
        self.lines.extend(lines.into_iter().map(Into::into));
    }

    /// All lines.
    #[must_use]
    pub fn lines(&self) -> &[LinkedLine] {
        &self.lines
    }

    /// All lines, to change how they look.
    pub fn lines_mut(&mut self) -> &mut [LinkedLine] {
        &mut self.lines
    }

    /// Every link with its line, top to bottom, left to right.
    pub fn links(&self) -> impl Iterator<Item = (usize, &Subject)> {
        self.lines.iter().enumerate().flat_map(|(at, line)| line.links.iter().map(move |(_, to)| (at, to)))
    }

    /// Two pages side by side, the right one from `columns` on.
    #[must_use]
    pub fn beside(left: Page, right: Page, columns: usize) -> Page {
        let rows = left.lines.len().max(right.lines.len());
        let (mut left, mut right) = (left.lines.into_iter(), right.lines.into_iter());
        let lines = (0..rows).map(|_| {
            let mut line = left.next().unwrap_or_default();
            let mut room = columns.saturating_sub(2);
            for (words, _) in &mut line.pieces {
                *words = elide(words, room).into_owned();
                room -= width(words).min(room);
            }
            line.pieces.push((" ".repeat(room + 2), Role::Text));
            let right = right.next().unwrap_or_default();
            let before = line.pieces.len();
            line.pieces.extend(right.pieces);
            line.links.extend(right.links.into_iter().map(|(piece, to)| (before + piece, to)));
            line
        });
        Page { lines: lines.collect() }
    }
}

impl<L: Into<LinkedLine>> FromIterator<L> for Page {
    fn from_iter<I: IntoIterator<Item = L>>(lines: I) -> Self {
        let mut page = Page::default();
        page.extend(lines);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str, to: Option<&str>) -> LinkedLine {
        LinkedLine::from(vec![(words.to_owned(), Role::Text)]).link(0, to.map(|name| Subject::Pool(name.into())))
    }

    #[test]
    fn links_keep_their_words_side_by_side() {
        let left = Page::from_iter([line("a", Some("tank")), line("b", None)]);
        let right = Page::from_iter([line("c", None), line("d", Some("backup")), line("e", Some("spare"))]);
        let both = Page::beside(left, right, 10);
        let named: Vec<(usize, &str, &Subject)> = both
            .lines()
            .iter()
            .enumerate()
            .flat_map(|(at, l)| l.links.iter().map(move |(piece, to)| (at, l.pieces[*piece].0.as_str(), to)))
            .collect();
        let pool = |name: &str| Subject::Pool(name.into());
        assert_eq!(named, [(0, "a", &pool("tank")), (1, "d", &pool("backup")), (2, "e", &pool("spare"))]);
    }
    #[test]
    fn pages_side_by_side_begin_at_their_columns() {
        let words = |page: &Page| -> Vec<String> {
            let of = |line: &LinkedLine| line.pieces.iter().map(|(words, _)| words.as_str()).collect();
            page.lines().iter().map(of).collect()
        };
        let left = || Page::from_iter([vec![("abcd".to_owned(), Role::Dim), ("efghijk".to_owned(), Role::Text)]]);
        let right = || Page::from_iter([line("one", None), line("two", None)]);
        assert_eq!(words(&Page::beside(left(), right(), 10)), ["abcdefg…  one", "          two"]);
        assert_eq!(words(&Page::beside(right(), left(), 6)), ["one   abcdefghijk", "two   "]);
    }

    #[test]
    fn links_of_a_line_come_from_left_to_right() {
        let pool = |name: &str| Some(Subject::Pool(name.into()));
        let mut page = Page::default();
        page.push(line("a", None));
        page.extend([line("b", None).link(2, pool("late")).link(1, None).link(0, pool("early"))]);
        page.lines_mut()[0].pieces.clear();
        assert!(page.lines()[0].pieces.is_empty());
        let links: Vec<_> = page.links().map(|(at, to)| (at, Some(to.clone()))).collect();
        assert_eq!(links, [(1, pool("early")), (1, pool("late"))]);
    }
}
