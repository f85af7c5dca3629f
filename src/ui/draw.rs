//! A frame: the form that the size allows, panes in their places, overlays above them, and the map of clicks.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Ui,
    action::Action,
    canvas::{Canvas, DrawCx, Target},
    footer, header,
    layout::{self, Form, Wish},
    overlays::Overlay,
    pane::{PaneDef, Rows},
    theme::Role,
    widgets::{
        ascii, console,
        frame::{Frame, frame},
        notice,
        text::blank,
    },
};
use crate::{state::State, units::span_short};

impl Ui {
    /// Draws everything into `buf` and remembers what each cell answers to a click. Any size will do.
    pub fn draw(&mut self, state: &State, buf: &mut Buffer) {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let area = buf.area;
        let mut numbered = std::mem::take(&mut self.numbered);
        numbered.clear();
        match layout::form(area.width, area.height) {
            Form::Boxes => numbered.extend(self.wishes(state, area).iter().flatten().map(|wish| wish.pane)),
            _ => {
                let there = |slot: &usize| self.slots[*slot].pane.rows(state, area.width).is_some();
                numbered.extend(self.rows.iter().flatten().map(|(slot, _)| *slot).filter(there));
            }
        }
        self.numbered = numbered;
        blank(buf, area, self.theme().style(Role::Surface));
        let cx = self.cx(state, false);
        let mut canvas = Canvas { buf, hits: &mut hits };
        let body = match layout::form(area.width, area.height) {
            Form::OneLine => {
                header::one_line(&cx, area, &mut canvas);
                shown.clear();
                None
            }
            Form::Compact => {
                let head = header::compact(&cx, area, &mut canvas);
                let body = between(area, head, 1);
                if self.is_zoomed() {
                    self.zoomed(state, body, &mut canvas, &mut shown);
                } else {
                    self.column(state, body, &mut canvas, &mut shown);
                }
                Some(body)
            }
            Form::Boxes => {
                header::wide(&cx, Rect { height: 1, ..area }, &mut canvas);
                let body = between(area, 1, 1);
                if self.is_zoomed() {
                    self.zoomed(state, body, &mut canvas, &mut shown);
                } else {
                    self.boxes(state, body, &mut canvas, &mut shown);
                }
                Some(body)
            }
        };
        self.overlay_hits = 0;
        if let Some(body) = body {
            let last = Rect { y: area.bottom() - 1, height: 1, ..area };
            let overlays = self.overlays.iter().filter(|_| body.height > 0);
            self.unseen &= body.height == 0;
            for overlay in overlays {
                self.overlay_hits = canvas.hits.len();
                self.overlay(state, overlay.as_ref(), body, &mut canvas);
            }
            self.footer(state, last, &mut canvas);
        }
        if self.theme.glyphs.ascii {
            ascii::reduce(buf);
        } else if self.theme.glyphs.console {
            console::reduce(buf);
        }
        self.hits = hits;
        self.shown = shown;
    }

    fn cx<'a>(&'a self, state: &'a State, focused: bool) -> DrawCx<'a> {
        DrawCx { state, theme: &self.theme, settings: &self.settings, keys: &self.keymap, focused, paused: self.paused }
    }

    /// What the panes that this machine has something for would like, row by row.
    fn wishes(&self, state: &State, body: Rect) -> Vec<Vec<Wish>> {
        let wishes: Vec<Vec<Wish>> = self
            .rows
            .iter()
            .map(|row| {
                let shares: u16 = row.iter().map(|(_, s)| *s).sum();
                row.iter()
                    .filter_map(|(slot, share)| {
                        let width = (u32::from(body.width) * u32::from(*share) / u32::from(shares.max(1))) as u16;
                        let def = self.slots[*slot].def;
                        let rows = self.slots[*slot].pane.rows(state, width.saturating_sub(4))?;
                        Some(Wish { pane: *slot, share: *share, min_width: def.min_width, rows })
                    })
                    .collect()
            })
            .filter(|row: &Vec<Wish>| !row.is_empty())
            .collect();
        match self.settings.layout {
            Some(_) => wishes,
            None => layout::spill(wishes, layout::abreast(body.width).max(3)),
        }
    }

    fn boxes(&self, state: &State, body: Rect, canvas: &mut Canvas<'_>, shown: &mut Vec<usize>) {
        let wishes = self.wishes(state, body);
        for (slot, area) in layout::place(body, &wishes) {
            let (cx, inside) = self.pane_box(state, slot, area, canvas);
            self.slots[slot].pane.draw(&cx, inside, canvas);
            shown.push(slot);
        }
    }

    /// True while the focused pane has the whole screen: one that would show no more there stays in its box.
    fn is_zoomed(&self) -> bool {
        self.zoomed && self.slots.get(self.focus).is_some_and(|slot| slot.pane.zooms())
    }

    fn zoomed(&self, state: &State, body: Rect, canvas: &mut Canvas<'_>, shown: &mut Vec<usize>) {
        let Some(slot) = self.slots.get(self.focus) else { return };
        let (cx, inside) = self.pane_box(state, self.focus, body, canvas);
        slot.pane.draw_zoomed(&cx, inside, canvas);
        shown.push(self.focus);
    }

    /// The border of a pane with its title, its age and its quiet words.
    fn pane_box<'a>(
        &'a self,
        state: &'a State,
        slot: usize,
        area: Rect,
        canvas: &mut Canvas<'_>,
    ) -> (DrawCx<'a>, Rect) {
        let PaneDef { title, feeds, .. } = self.slots[slot].def;
        let digit = self.numbered.iter().position(|s| *s == slot).and_then(|at| u8::try_from(at + 1).ok());
        canvas.hit(area, Target::Pane(self.slots[slot].def.id));
        let cx = self.cx(state, slot == self.focus && self.overlays.is_empty());
        let info = self.slots[slot].pane.info(&cx);
        let age = feeds.iter().filter_map(|f| notice::stale(state, *f)).max();
        let badge = age.map(|a| format!("{} stale {}", cx.theme.glyphs.unknown, span_short(a))).unwrap_or_default();
        let inside = frame(
            canvas.buf,
            area,
            cx.theme,
            &Frame { digit: digit.filter(|d| *d < 10), title, info: &info, badge: &badge, focused: cx.focused },
        );
        (cx, inside)
    }

    /// One column without boxes. The pane that fills the screen gets what the essentials of the others leave.
    fn column(&self, state: &State, body: Rect, canvas: &mut Canvas<'_>, shown: &mut Vec<usize>) {
        let panes: Vec<usize> = self.rows.iter().flatten().map(|(slot, _)| *slot).collect();
        let fills =
            |slot: usize| self.slots[slot].pane.rows(state, body.width).is_some_and(|r: Rows| r.want == u16::MAX);
        let filling = panes.iter().filter(|s| fills(**s)).count() as u16;
        // A table is of use from its header and four rows on.
        let mut left = body.height.saturating_sub(if filling > 0 { 5 } else { 0 });
        let heights: Vec<u16> = panes
            .iter()
            .map(|slot| {
                if fills(*slot) {
                    return u16::MAX;
                }
                let height = self.slots[*slot].pane.compact_rows(state, body.height).min(left);
                left -= height;
                height
            })
            .collect();
        let used: u16 = heights.iter().filter(|h| **h < u16::MAX).sum();
        let each = body.height.saturating_sub(used) / filling.max(1);
        let mut y = body.y;
        for (slot, height) in panes.into_iter().zip(heights) {
            let height = if height == u16::MAX { each } else { height }.min(body.bottom().saturating_sub(y));
            if height == 0 {
                continue;
            }
            let margin = 1.min(body.width / 2);
            let area = Rect { x: body.x + margin, y, width: body.width - 2 * margin, height };
            canvas.hit(area, Target::Pane(self.slots[slot].def.id));
            let cx = self.cx(state, slot == self.focus && self.overlays.is_empty());
            self.slots[slot].pane.draw_compact(&cx, area, canvas);
            shown.push(slot);
            y += height;
        }
    }

    fn overlay(&self, state: &State, overlay: &dyn Overlay, body: Rect, canvas: &mut Canvas<'_>) {
        let area = if overlay.full_screen() {
            body
        } else {
            let (columns, rows) = overlay.size(state);
            let width = columns.saturating_add(4).min(body.width);
            let height = rows.saturating_add(2).min(body.height);
            Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height }
        };
        let cx = self.cx(state, true);
        blank(canvas.buf, area, cx.theme.style(Role::Surface).patch(cx.theme.style(Role::SurfaceRaised)));
        let title = overlay.title(state);
        let inside = frame(
            canvas.buf,
            area,
            cx.theme,
            &Frame { digit: None, title: &title, info: "", badge: "", focused: true },
        );
        overlay.draw(&cx, inside, canvas);
    }

    fn footer(&self, state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        let cx = self.cx(state, false);
        let typed = match self.overlays.last() {
            Some(overlay) => overlay.footer(&cx, area, canvas),
            None => self.slots.get(self.focus).is_some_and(|s| s.pane.footer(&cx, area, canvas)),
        };
        if typed {
            return;
        }
        match (&self.said, self.overlays.last()) {
            (Some(said), _) => footer::say(&cx, area, canvas, said.level, &said.text),
            (None, Some(overlay)) => footer::overlay(&cx, area, canvas, &overlay.hints()),
            (None, None) => {
                let Some(pane) = self.slots.get(self.focus).map(|slot| &slot.pane) else { return };
                // Only keys that do something.
                let alive = |action: Action| match action {
                    Action::Open => pane.opens(state),
                    Action::Zoom => pane.zooms(),
                    _ => true,
                };
                footer::overview(&cx, area, canvas, &pane.hints(), alive, self.is_zoomed());
            }
        }
    }
}

/// `area` without `top` rows above and `bottom` rows below.
fn between(area: Rect, top: u16, bottom: u16) -> Rect {
    Rect { y: area.y + top.min(area.height), height: area.height.saturating_sub(top + bottom), ..area }
}
