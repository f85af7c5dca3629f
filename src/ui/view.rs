//! What the screen is made of: panes, overlays above them, and the effects of a key. An overlay returns effects and an
//! effect opens an overlay, so that these types name one another: they stay in one file.

use ratatui::layout::Rect;

use super::{
    action::{Action, Context},
    canvas::{Canvas, DrawCx, Target},
    ids::{Key, PaneId},
    theme::Theme,
};
use crate::{
    alert::Level,
    config::Settings,
    interest::Interest,
    model::{alert::Labels, metrics::MetricId, source::SourceId, subject::Subject},
    request::Command,
    state::State,
};

/// How tall a pane would like to be, borders included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Below this it is not shown.
    pub min: u16,
    /// With this it hides nothing; `u16::MAX` takes all that is left.
    pub want: u16,
}

/// Room for a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Columns, inside its border when it has a box.
    pub width: u16,
    /// Rows, likewise.
    pub height: u16,
    /// It has a box.
    pub boxed: bool,
}

/// How much of what it lists a pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Items with a place on the screen.
    pub items: usize,
    /// Items in all.
    pub of: usize,
    /// Columns of a table.
    pub columns: usize,
}

/// A pane on the screen: keeps its own cursor and scroll, reads the state, never changes it.
pub trait Pane {
    /// The state changed: recompute what is listed. Called once a frame, before [`Pane::draw`].
    fn refresh(&mut self, _state: &State, _settings: &Settings) {}

    /// The rows it would like at this width; `None` when its sources are absent and the room should go elsewhere.
    fn rows(&self, state: &State, width: u16) -> Option<Rows>;

    /// Draws the inside of its box (the border and the title are drawn by the screen).
    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>);

    /// The quiet text at the right of the title.
    fn info(&self, _cx: &DrawCx<'_>) -> String {
        String::new()
    }

    /// The rows that it would like without a box; `None` when it has no place there.
    fn lines(&self, _state: &State) -> Option<Rows> {
        Some(Rows { min: 1, want: 1 })
    }

    /// How much of its list it shows in so much room.
    fn shown(&self, _state: &State, _room: Room) -> Shown {
        Shown { items: 1, of: 1, columns: 0 }
    }

    /// The narrowest box that shows all its columns, where that depends on what they hold.
    fn least_width(&self, _state: &State) -> Option<u16> {
        None
    }

    /// The title while it differs from that of the table.
    fn title(&self) -> Option<&'static str> {
        None
    }

    /// It lists the filesystems too, or no longer.
    fn take_in(&mut self, _filesystems: bool) {}

    /// Draws the essentials without a box.
    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>);

    /// True when the details key opens something here: else the footer does not offer it.
    fn opens(&self, _state: &State) -> bool {
        true
    }

    /// True when the whole screen shows more of it than its box: lists with hidden rows and columns.
    /// A pane that fits its box opens its details on that key.
    fn zooms(&self) -> bool {
        false
    }

    /// The whole screen for this pane (`z`); by default the same as the box.
    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.draw(cx, area, canvas);
    }

    /// Which keys of the keymap mean something on it.
    fn context(&self) -> Context {
        Context::List
    }

    /// A key while it has the focus. `None`: not mine.
    fn act(&mut self, _action: Action, _state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        None
    }

    /// True while it takes text (a search, a filter): keys come to [`Pane::key`] before the keymap is asked.
    fn takes_text(&self) -> bool {
        false
    }

    /// A key as typed, while [`Pane::takes_text`]. `None`: not mine, ask the keymap.
    fn key(&mut self, _key: Key, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// Pasted text, while [`Pane::takes_text`].
    fn paste(&mut self, _text: &str, _state: &State) {}

    /// Draws the footer in place of the key hints (the line being typed). False: nothing to say there.
    fn footer(&self, _cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) -> bool {
        false
    }

    /// What was chosen for it in a menu.
    fn receive(&mut self, _message: Message) {}

    /// A click on its row or column header.
    fn click(&mut self, _target: &Target, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    /// Writes into `settings` what keys have changed here, as the settings would say it.
    fn settle(&self, _settings: &mut Settings) {}

    /// Keys for the footer while it has the focus: key and what it does.
    fn hints(&self) -> Vec<(Action, &'static str)> {
        Vec::new()
    }

    /// Adds what it needs of the sources while on screen.
    fn want(&self, _want: &mut Interest, _state: &State) {}
}

/// One pane.
pub struct PaneDef {
    pub id: PaneId,
    /// As the config spells it.
    pub name: &'static str,
    /// As its border shows it.
    pub title: &'static str,
    /// Sources with their health in the title.
    pub feeds: &'static [SourceId],
    /// Narrowest useful box.
    pub min_width: u16,
    /// What a row of it is worth beside one of another pane that overflows.
    pub worth: u16,
    /// Rows beyond what it wants that make its graphs larger.
    pub past: u16,
    /// Makes it.
    pub make: fn(&Settings) -> Box<dyn Pane>,
}

/// One overlay.
pub trait Overlay {
    /// The title of its frame.
    fn title(&self, state: &State) -> String;

    /// True: the whole screen but header and footer; false: a box of [`Overlay::size`] in the middle.
    fn full_screen(&self) -> bool {
        false
    }

    /// False: it covers the screen and draws boxes of its own.
    fn framed(&self) -> bool {
        true
    }

    /// Size wanted for its inside: columns, rows.
    fn size(&self, _state: &State) -> (u16, u16) {
        (60, 12)
    }

    /// Sources of its figures, with their age in the title when they are old.
    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[]
    }

    /// What became of its subject that is no longer there: `ended`, `removed`. Its figures are of before.
    fn gone(&self) -> Option<&'static str> {
        None
    }

    /// It was opened over a screen with so much room: what it asks of the outside world.
    fn begin(&mut self, _state: &State, _settings: &Settings, _room: Rect) -> Vec<Command> {
        Vec::new()
    }

    /// The state changed.
    fn refresh(&mut self, _state: &State) {}

    /// Draws its inside.
    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>);

    /// True while it takes text: keys come to [`Overlay::key`] before the keymap is asked.
    fn takes_text(&self) -> bool {
        false
    }

    /// A key as typed, while [`Overlay::takes_text`]. `None`: not mine, ask the keymap.
    fn key(&mut self, _key: Key, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// Pasted text, while [`Overlay::takes_text`]. Only a line being typed wants any: a paste answers no question.
    fn paste(&mut self, _text: &str, _state: &State) {}

    /// True for a question: keys that were typed before it was drawn do not answer it.
    fn is_question(&self) -> bool {
        false
    }

    /// Which keys of the keymap mean something on it.
    fn context(&self) -> Context {
        Context::List
    }

    /// An action of the keymap. `Back` closes it unless it answers. `None`: not mine (and nothing below gets it).
    fn act(&mut self, _action: Action, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// A click on it.
    fn click(&mut self, _target: &Target, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    /// What was chosen for it in a menu that lay above it.
    fn receive(&mut self, _message: Message) {}

    /// Draws the footer in place of the key hints (the line being typed). False: nothing to say there.
    fn footer(&self, _cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) -> bool {
        false
    }

    /// Keys for the footer: key and what it does.
    fn hints(&self) -> Vec<(Action, &'static str)> {
        Vec::new()
    }

    /// Adds what it needs of the sources while open.
    fn want(&self, _want: &mut Interest, _state: &State) {}
}

/// What came of a key or a click.
pub enum Effect {
    /// Ask the outside world.
    Do(Command),
    /// Lay this over the screen.
    Open(Box<dyn Overlay>),
    /// Lay the view of this over the screen.
    OpenDetail(Subject),
    /// Offer what can be done about an alert of this metric and these labels.
    Advise(MetricId, Labels),
    /// Take the top overlay away.
    Close,
    /// Show one line in the footer for some seconds.
    Say(Level, String),
    /// Put this theme on.
    Theme(Box<Theme>),
    /// Save these settings as they are on the screen.
    Save(Vec<&'static str>),
    /// Send what was chosen to a pane, or to the overlay that is now on top.
    Send(To, Message),
}

/// Where it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A pane.
    Pane(PaneId),
    /// The topmost overlay, after the effects before this one.
    Top,
}

/// What was chosen in a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Sort by this column; the same column again turns the order around.
    Sort(&'static str),
    /// Show these columns, left to right.
    Columns(Vec<&'static str>),
    /// Show the processes of this user alone; `None` shows all.
    User(Option<u32>),
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use ratatui::style::Style;

    use super::*;
    use crate::ui::canvas::testing::drawn;

    /// It draws a word, and that is all.
    struct Bare;

    impl Pane for Bare {
        fn rows(&self, _state: &State, _width: u16) -> Option<Rows> {
            None
        }

        fn draw(&self, _cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
            canvas.buf.set_string(area.x, area.y, "bare", Style::new());
        }

        fn draw_compact(&self, _cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) {}
    }

    impl Overlay for Bare {
        fn title(&self, _state: &State) -> String {
            "bare".to_owned()
        }

        fn draw(&self, _cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) {}
    }

    #[test]
    fn a_pane_has_no_keys_and_no_words_of_its_own_by_default() {
        let (mut bare, state, key) = (Bare, State::default(), Key::new(KeyCode::Char('x'), KeyModifiers::NONE));
        let pane: &mut dyn Pane = &mut bare;
        let zoomed = drawn(&state, (9, 1), |cx, area, canvas| {
            assert_eq!(pane.info(cx), "");
            pane.draw_zoomed(cx, area, canvas);
            assert!(!pane.footer(cx, area, canvas));
        });
        assert_eq!(zoomed.line(), "bare");
        assert!(pane.act(Action::Open, &state, &Settings::default()).is_none() && pane.key(key, &state).is_none());
        assert!(pane.click(&Target::Act(Action::Open), &state).is_empty() && pane.hints().is_empty());
        assert!(!pane.takes_text() && !pane.zooms() && pane.opens(&state));
        assert_eq!(
            (pane.lines(&state), pane.title(), pane.least_width(&state)),
            (Some(Rows { min: 1, want: 1 }), None, None)
        );
    }

    #[test]
    fn an_overlay_is_a_box_without_keys_by_default() {
        let (mut bare, state, key) = (Bare, State::default(), Key::new(KeyCode::Char('x'), KeyModifiers::NONE));
        let overlay: &mut dyn Overlay = &mut bare;
        assert_eq!((overlay.size(&state), overlay.full_screen(), overlay.framed()), ((60, 12), false, true));
        assert!(overlay.act(Action::Open, &state).is_none() && overlay.key(key, &state).is_none());
        assert!(overlay.click(&Target::OverlayRow(0), &state).is_empty() && overlay.hints().is_empty());
        assert!(!overlay.takes_text() && !overlay.is_question() && overlay.gone().is_none());
        assert!(
            overlay.begin(&state, &Settings::default(), Rect::new(0, 0, 9, 9)).is_empty()
                && overlay.feeds(&state).is_empty()
        );
    }
}
