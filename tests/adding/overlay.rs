//! An overlay about dummies.

use ratatui::layout::Rect;

use crate::{
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
        view::Overlay,
        widgets::text::put,
    },
};

#[derive(Default)]
pub struct Dummies;

impl Overlay for Dummies {
    fn title(&self, _state: &State) -> String {
        "dummies".to_owned()
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        put(canvas.buf, area.x, area.y, area.width, "nothing but dummies", cx.theme.style(Role::Text));
    }
}
