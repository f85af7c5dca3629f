//! What a drawing function may touch: cells, and the map from cells back to what a click on them means.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{action::Action, ids::PaneId, keymap::Keymap, theme::Theme};
use crate::{config::Settings, model::subject::Subject, state::State};

/// All that drawing reads.
#[derive(Clone, Copy)]
pub struct DrawCx<'a> {
    pub state: &'a State,
    /// Styles by role, and glyphs.
    pub theme: &'a Theme,
    /// The user's settings.
    pub settings: &'a Settings,
    /// The keys in force, for hints.
    pub keys: &'a Keymap,
    /// The pane has the focus.
    pub focused: bool,
    /// Paused: values do not change; the title says so.
    pub paused: bool,
}

/// What a click means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Focus this pane.
    Pane(PaneId),
    /// Move this pane's cursor to its row (index into the visible list); a second click opens it.
    Row(PaneId, usize),
    /// Sort by this column.
    Column(PaneId, &'static str),
    /// As if the key of this action had been pressed.
    Act(Action),
    /// Open the details of this.
    Link(Subject),
    /// A row of the overlay on top.
    OverlayRow(usize),
    /// A column header of the overlay on top.
    OverlayColumn(&'static str),
}

/// Cells and hits. Later hits lie above earlier ones.
pub struct Canvas<'a> {
    /// The cells.
    pub buf: &'a mut Buffer,
    /// The map.
    pub hits: &'a mut Vec<(Rect, Target)>,
}

impl Canvas<'_> {
    /// Makes `area` answer clicks.
    pub fn hit(&mut self, area: Rect, target: Target) {
        self.hits.push((area, target));
    }
}

/// Draws on a small screen and says what is on it.
#[cfg(test)]
pub mod testing {
    use std::{collections::BTreeMap, time::Duration};

    use ratatui::style::{Color, Style};

    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            event::{Envelope, Sample},
            fault::Fault,
            series::Series,
            source::SourceId,
        },
        ui::theme::{Glyphs, ROLES, Role},
    };

    /// This source answered at this second, as it does every second.
    pub fn answered(state: &mut State, source: SourceId, second: u64) {
        note(state, source, second, Ok(Sample::Memory(Box::default())));
    }

    /// This source failed at this second.
    pub fn failed(state: &mut State, source: SourceId, second: u64, fault: Fault) {
        note(state, source, second, Err(fault));
    }

    fn note(state: &mut State, source: SourceId, second: u64, outcome: Result<Sample, Fault>) {
        let (at, took, every) = (Stamp::at_seconds(second), Duration::from_millis(1), Duration::from_secs(1));
        state.host.health.note(&Envelope { source, at, took, every, outcome });
        state.host.now = at;
    }

    /// These values from second 1 on, one a second.
    pub fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::default();
        for (value, second) in values.into_iter().zip(1..) {
            series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(value));
        }
        series
    }

    /// What was drawn.
    pub struct Drawn {
        buf: Buffer,
        pub hits: Vec<(Rect, Target)>,
    }

    /// What a small screen is drawn with.
    pub struct Look {
        pub theme: Theme,
        pub settings: Settings,
        pub keys: Keymap,
        pub focused: bool,
    }

    impl Default for Look {
        /// A theme in which each role has a colour of its own, and the built-in settings; no key is bound.
        fn default() -> Self {
            let mut theme = Theme::plain();
            for (style, number) in theme.styles.iter_mut().zip(0..) {
                *style = Style::new().fg(Color::Indexed(number));
            }
            Look { theme, settings: Settings::default(), keys: Keymap::default(), focused: true }
        }
    }

    impl Look {
        /// With these glyphs.
        pub fn with(glyphs: Glyphs) -> Self {
            let look = Look::default();
            Look { theme: Theme { glyphs, ..look.theme }, ..look }
        }

        /// With the built-in keys.
        pub fn keyed() -> Self {
            let keys = Keymap::new(&BTreeMap::new(), false, false).expect("the built-in keys");
            Look { keys, ..Look::default() }
        }

        /// Without the focus.
        pub fn unfocused() -> Self {
            Look { focused: false, ..Look::default() }
        }

        /// Draws into a screen of this size.
        pub fn draw(
            &self,
            state: &State,
            size: (u16, u16),
            draw: impl FnOnce(&DrawCx<'_>, Rect, &mut Canvas<'_>),
        ) -> Drawn {
            let Look { theme, settings, keys, focused } = self;
            let cx = DrawCx { state, theme, settings, keys, focused: *focused, paused: false };
            let area = Rect::new(0, 0, size.0, size.1);
            let (mut buf, mut hits) = (Buffer::empty(area), Vec::new());
            draw(&cx, area, &mut Canvas { buf: &mut buf, hits: &mut hits });
            Drawn { buf, hits }
        }
    }

    /// Draws into a screen of this size, with a theme in which each role has a colour of its own.
    pub fn drawn(state: &State, size: (u16, u16), draw: impl FnOnce(&DrawCx<'_>, Rect, &mut Canvas<'_>)) -> Drawn {
        Look::default().draw(state, size, draw)
    }

    /// The same with these settings.
    pub fn drawn_with(
        settings: &Settings,
        state: &State,
        size: (u16, u16),
        draw: impl FnOnce(&DrawCx<'_>, Rect, &mut Canvas<'_>),
    ) -> Drawn {
        Look { settings: settings.clone(), ..Look::default() }.draw(state, size, draw)
    }

    impl Drawn {
        /// The rows, without the blanks at their ends.
        pub fn lines(&self) -> Vec<String> {
            let width = usize::from(self.buf.area.width).max(1);
            let rows = self.buf.content().chunks(width);
            rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()).collect()
        }

        /// The first row.
        pub fn line(&self) -> String {
            self.lines().remove(0)
        }

        /// The role that colours the cell at this place.
        pub fn role_at(&self, x: u16, y: u16) -> Option<Role> {
            match self.buf[(x, y)].fg {
                Color::Indexed(number) => ROLES.get(usize::from(number)).map(|def| def.role),
                _ => None,
            }
        }

        /// The words of a row and what colours them: cells of one role that stand together, blanks at their ends left out.
        pub fn pieces(&self, y: u16) -> Vec<(String, Role)> {
            let mut pieces: Vec<(String, Option<Role>)> = Vec::new();
            for x in 0..self.buf.area.width {
                let (symbol, role) = (self.buf[(x, y)].symbol(), self.role_at(x, y));
                match pieces.last_mut() {
                    Some((words, last)) if *last == role => words.push_str(symbol),
                    _ => pieces.push((symbol.to_owned(), role)),
                }
            }
            let pieces = pieces.into_iter().filter_map(|(words, role)| Some((words.trim().to_owned(), role?)));
            pieces.filter(|(words, _)| !words.is_empty()).collect()
        }

        /// The role of the first cell of these words in the first row that has them.
        pub fn role_of(&self, words: &str) -> Option<Role> {
            let found = self.lines().iter().zip(0..).find_map(|(line, y)| Some((line.find(words)?, y, line.clone())));
            let (at, y, line) = found?;
            self.role_at(u16::try_from(line[..at].chars().count()).ok()?, y)
        }
    }
}
