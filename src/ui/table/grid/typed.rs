//! The line that is typed below a table: a search that goes to a row letter by letter, a filter that leaves rows out.

use ratatui::layout::Rect;

use super::{Asked, Grid, Holds};
use crate::{
    alert::Level,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        ids::Key,
        table::{
            filter::Filter,
            needle::{Found, Needle},
            prompt::{Typed, remember},
        },
        view::Effect,
    },
};

impl<K: Copy + Eq> Grid<K> {
    /// True while a line is being typed.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        self.asked.is_some()
    }

    /// Draws the line being typed into `area`; false when there is none. `left`: how much a filter leaves.
    pub fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, left: &str) -> bool {
        let Some((asked, prompt)) = &self.asked else { return false };
        let filters = matches!(asked, Asked::Filter { .. });
        prompt.draw(cx, area, canvas, if filters { left } else { "enter keeps it, esc cancels" });
        true
    }

    /// The list was rebuilt: a search that found nothing looks again.
    pub fn seek(&mut self, holds: Holds<'_>) {
        let Some(needle) = self.needle.as_ref().filter(|_| self.seeks) else { return };
        if let Some(index) = self.first(self.cursor.position(), needle, holds) {
            self.cursor.hold(index);
            self.seeks = false;
        }
    }

    /// The first row from `from` on, round the end, that holds the word in its name; else in its other columns.
    fn first(&self, from: usize, needle: &Needle, holds: Holds<'_>) -> Option<usize> {
        let columns = self.searched();
        let found = |wanted: Found| self.cursor.find(from, false, |i| holds(i, needle, &columns) == Some(wanted));
        found(Found::Name).or_else(|| found(Found::Beside))
    }

    /// The columns that a search looks at: the visible ones, before the first frame all that were chosen.
    fn searched(&self) -> Vec<usize> {
        let in_sight = self.in_sight.borrow();
        if in_sight.is_empty() { self.chosen.clone() } else { in_sight.clone() }
    }

    /// True while words are searched for or filtered by: every row should be known then.
    #[must_use]
    pub fn reads_words(&self) -> bool {
        self.asked.is_some() || self.needle.is_some() || self.filter.is_some()
    }

    /// A key of the line being typed; `None`: not for it.
    pub fn key(&mut self, key: Key, holds: Holds<'_>) -> Option<Vec<Effect>> {
        let (_, prompt) = self.asked.as_mut()?;
        match prompt.key(key) {
            Typed::NotMine => return None,
            Typed::Same => {}
            Typed::Changed => self.typed(holds),
            Typed::Accepted => return Some(self.accept()),
            Typed::Cancelled => self.cancel(),
        }
        Some(Vec::new())
    }

    /// Pasted text, for the line being typed.
    pub fn paste(&mut self, text: &str, holds: Holds<'_>) {
        if self.asked.as_mut().is_some_and(|(_, prompt)| prompt.paste(text) == Typed::Changed) {
            self.typed(holds);
        }
    }

    /// The text changed: searches and filters follow each letter.
    fn typed(&mut self, holds: Holds<'_>) {
        let Some((asked, prompt)) = &mut self.asked else { return };
        match asked {
            Asked::Search { from, .. } => {
                let (needle, from) = (Needle::new(prompt.text()), *from);
                let found = match needle.is_empty() {
                    true => Some(from),
                    false => self.first(from, &needle, holds),
                };
                self.seeks = found.is_none();
                if let Some(index) = found {
                    self.cursor.hold(index);
                }
                self.needle = Some(needle);
            }
            Asked::Filter { before } => match Filter::new(prompt.text(), &self.columns) {
                Ok(filter) => {
                    prompt.error = None;
                    self.filter_text = if filter.is_some() { prompt.text().to_owned() } else { String::new() };
                    self.filter = filter;
                    self.revision += 1;
                }
                Err(error) => {
                    prompt.error = Some(error);
                    // What was in force before stays so; half a filter is none.
                    let before = before.clone();
                    self.set_filter(&before);
                }
            },
        }
    }

    fn accept(&mut self) -> Vec<Effect> {
        let Some((asked, prompt)) = self.asked.take() else { return Vec::new() };
        match asked {
            Asked::Search { .. } => {
                remember(&mut self.searches, prompt.text());
                self.needle = Some(Needle::new(prompt.text())).filter(|n| !n.is_empty());
                if let Some(needle) = self.needle.as_ref().filter(|_| self.seeks) {
                    return vec![Effect::Say(Level::Advice, no_row(needle))];
                }
            }
            Asked::Filter { .. } => {
                if let Some(error) = &prompt.error {
                    let what = format!("filter at {}: {error}", error.column(prompt.text()));
                    self.asked = Some((asked, prompt));
                    return vec![Effect::Say(Level::Warn, what)];
                }
                remember(&mut self.filters, prompt.text());
            }
        }
        Vec::new()
    }

    fn cancel(&mut self) {
        match self.asked.take() {
            Some((Asked::Search { from, held }, _)) => {
                (self.needle, self.seeks) = (None, false);
                if held {
                    self.cursor.hold(from);
                } else {
                    self.cursor.act(Action::Top);
                }
            }
            Some((Asked::Filter { before }, _)) => self.set_filter(&before),
            None => {}
        }
    }

    pub(super) fn set_filter(&mut self, text: &str) {
        self.filter = Filter::new(text, &self.columns).unwrap_or(None);
        self.filter_text = if self.filter.is_some() { text.to_owned() } else { String::new() };
        self.revision += 1;
    }

    pub(super) fn next_match(&mut self, action: Action, holds: Holds<'_>) -> Vec<Effect> {
        let Some(needle) = self.needle.clone().filter(|n| !n.is_empty()) else {
            return vec![Effect::Say(Level::Advice, "no search yet".to_owned())];
        };
        // Rows that hold it in their names come first, then the others, each from top to bottom.
        let (columns, here) = (self.searched(), self.cursor.position());
        let place = |index: usize| Some((holds(index, &needle, &columns)?, index));
        let mut matches: Vec<(Found, usize)> = (0..self.cursor.keys().len()).filter_map(place).collect();
        matches.sort_unstable();
        let here = place(here).unwrap_or((Found::Name, here));
        let at = match action {
            Action::PreviousMatch => matches.iter().rev().find(|m| **m < here).or(matches.last()),
            _ => matches.iter().find(|m| **m > here).or(matches.first()),
        };
        match at.map(|(_, index)| *index) {
            Some(index) => {
                self.cursor.hold(index);
                Vec::new()
            }
            None => vec![Effect::Say(Level::Advice, no_row(&needle))],
        }
    }
}

fn no_row(needle: &Needle) -> String {
    format!("no match for `{}`", needle.text())
}
