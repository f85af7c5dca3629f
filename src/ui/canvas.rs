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
