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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{state::State, ui::canvas::testing::drawn};

    fn shown(seen: &Seen<&'static str>) -> (Option<&'static str>, String) {
        let mut shown = None;
        let drawn = drawn(&State::default(), (20, 1), |cx, area, canvas| shown = seen.shown(cx, area, canvas).copied());
        (shown, drawn.line())
    }

    #[test]
    fn an_object_that_is_gone_can_still_be_read() {
        let mut seen = Seen::default();
        assert_eq!((seen.last(), seen.is_gone(), shown(&seen)), (None, false, (None, "it is gone".to_owned())));
        seen.look(1, Some(&"first"));
        assert_eq!((shown(&seen), seen.gone("ended")), ((Some("first"), String::new()), None));
        seen.look(1, Some(&"later in the same round"));
        assert_eq!(seen.last(), Some(&"first"), "it is copied once a round");
        seen.look(2, Some(&"second"));
        assert_eq!(seen.last(), Some(&"second"));
        seen.look(3, None);
        assert_eq!((seen.last(), seen.is_gone(), seen.gone("ended")), (Some(&"second"), true, Some("ended")));
        seen.look(2, Some(&"back"));
        assert_eq!((seen.last(), seen.is_gone()), (Some(&"back"), false), "at once when it was gone");
    }
}
