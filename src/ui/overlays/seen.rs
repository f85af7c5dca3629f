//! An object in a view, as it was when last seen: it can still be read when it is gone.

use ratatui::layout::Rect;

use crate::ui::{
    canvas::{Canvas, DrawCx},
    theme::Role,
    widgets::text::put,
};

/// The last known state of an object.
#[derive(Debug)]
pub struct Seen<T> {
    last: Option<T>,
    gone: bool,
    /// The round of its source that it was copied in.
    round: u64,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Seen { last: None, gone: false, round: 0 }
    }
}

impl<T: Clone> Seen<T> {
    /// What the state holds in this round of its source, if anything. It is copied once a round, not once a frame.
    pub fn look(&mut self, round: u64, found: Option<&T>) {
        let known = self.last.is_some() && !self.gone && self.round == round;
        self.gone = found.is_none();
        if let Some(found) = found.filter(|_| !known) {
            (self.last, self.round) = (Some(found.clone()), round);
        }
    }

    /// The object, gone or not; `None` when it never existed.
    pub fn last(&self) -> Option<&T> {
        self.last.as_ref()
    }

    /// True when it is no longer there.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// `word` when it is no longer there.
    pub fn gone(&self, word: &'static str) -> Option<&'static str> {
        self.gone.then_some(word)
    }

    /// The object to draw; says so when it never existed.
    pub fn shown(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> Option<&T> {
        if self.last.is_none() {
            put(canvas.buf, area.x, area.y, area.width, "it is gone", cx.theme.style(Role::Dim));
        }
        self.last.as_ref()
    }
}
