//! A frame: the form that the size allows, panes in their places, overlays above them, and the map of clicks.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Slot, Ui,
    action::Action,
    canvas::{Canvas, DrawCx, Target},
    footer, header,
    ids::PaneId,
    layout::{self, Need, Needs, Place, Plan},
    theme::Role,
    view::{Overlay, PaneDef, Room, Rows, Shown},
    widgets::{
        ascii, console,
        frame::{Frame, frame, inside},
        notice,
        text::{blank, tint},
    },
};
use crate::{model::source::SourceId, state::State, units::span_short};

impl Ui {
    /// Draws everything into `buf` and remembers what each cell answers to a click. Any size will do.
    pub fn draw(&mut self, state: &State, buf: &mut Buffer) {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let area = buf.area;
        let one_line = area.width < layout::ONE_LINE.0 || area.height < layout::ONE_LINE.1;
        let head = if area.width < layout::ONE_HEAD { 2 } else { 1 };
        let body = between(area, head, 1);
        self.body = body;
        let plan = if one_line { Plan::default() } else { self.plan(state, body) };
        // The panes on the screen in reading order, then those that it has no room for: their digit zooms them.
        self.numbered = plan.places.iter().map(|place| place.pane).collect();
        let there = |slot: &usize| self.slots[*slot].pane.rows(state, area.width).is_some();
        let rest: Vec<usize> = self.rows.iter().flatten().map(|(slot, _)| *slot).filter(there).collect();
        self.numbered.extend(rest.into_iter().filter(|slot| !plan.places.iter().any(|place| place.pane == *slot)));
        for slot in &mut self.slots {
            slot.pane.take_in(plan.merged);
        }
        blank(buf, area, self.theme().style(Role::Surface));
        let cx = self.cx(state, false);
        let mut canvas = Canvas { buf, hits: &mut hits };
        if one_line {
            header::one_line(&cx, area, &mut canvas);
        } else {
            // The panel itself says what runs.
            let elsewhere = !self.overlays.iter().any(|opened| opened.by == Some(Action::Benchmarks));
            match head {
                1 => header::wide(&cx, Rect { height: 1, ..area }, &mut canvas, elsewhere),
                _ => drop(header::compact(&cx, area, &mut canvas, elsewhere)),
            }
            match self.is_zoomed() {
                true => self.zoomed(state, body, &mut canvas, &mut shown),
                false => self.panes(state, &plan, &mut canvas, &mut shown),
            }
        }
        self.overlay_hits = 0;
        if !one_line {
            let last = Rect { y: area.bottom() - 1, height: 1, ..area };
            // What a full screen hides is not drawn.
            let first = self.overlays.iter().rposition(|o| o.overlay.full_screen()).unwrap_or(0);
            let overlays = self.overlays.iter().skip(first).filter(|_| body.height > 0);
            self.unseen &= body.height == 0;
            for opened in overlays {
                self.overlay_hits = canvas.hits.len();
                self.overlay(state, opened.overlay.as_ref(), body, &mut canvas);
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

    /// Places in `body` of the panes that have data on this machine.
    fn plan(&self, state: &State, body: Rect) -> Plan {
        let need = |slot: usize, share: u16, rows: Rows| {
            let Slot { def, pane } = &self.slots[slot];
            Need {
                pane: slot,
                share,
                min_width: pane.least_width(state).unwrap_or(def.min_width),
                rows,
                worth: def.worth,
                essential: layout::essential(def.name),
                past: def.past,
                table: matches!(
                    def.id,
                    PaneId::Pools | PaneId::Containers | PaneId::Services | PaneId::Models | PaneId::Processes
                ),
                alone: matches!(def.id, PaneId::Containers | PaneId::Processes),
            }
        };
        let boxed = |(slot, share): &(usize, u16)| {
            // Without boxes side by side a pane has half of the screen at least.
            let rows = self.slots[*slot].pane.rows(state, body.width.saturating_sub(4) / 2)?;
            Some(need(*slot, *share, rows))
        };
        let rows: Vec<Vec<Need>> = self.rows.iter().map(|row| row.iter().filter_map(boxed).collect()).collect();
        let lines = self.rows.iter().flatten();
        let lines: Vec<Need> =
            lines.filter_map(|(slot, share)| Some(need(*slot, *share, self.slots[*slot].pane.lines(state)?))).collect();
        let at = |id: PaneId| self.slots.iter().position(|s| s.def.id == id);
        layout::plan(
            body,
            &Needs {
                rows: &rows,
                built_in: self.settings.layout.is_none(),
                guest: at(PaneId::Filesystems).zip(at(PaneId::DiskNet)),
                lines: &lines,
            },
        )
    }

    /// How much each pane would show on a screen of this size, and in which area, borders left out.
    pub fn inventory(&mut self, state: &State, area: Rect) -> Vec<(&'static str, Rect, Shown)> {
        let head = if area.width < layout::ONE_HEAD { 2 } else { 1 };
        let plan = self.plan(state, between(area, head, 1));
        let before: Vec<bool> = self.slots.iter().map(|s| s.pane.title().is_some()).collect();
        let shown = plan.places.iter().map(|place| {
            let slot = &mut self.slots[place.pane];
            slot.pane.take_in(plan.merged);
            let inside = if plan.boxes { inside(place.area) } else { margin(place.area) };
            let room = Room { width: inside.width, height: inside.height, boxed: plan.boxes };
            (slot.def.name, inside, slot.pane.shown(state, room))
        });
        let shown = shown.collect();
        for (slot, before) in self.slots.iter_mut().zip(before) {
            slot.pane.take_in(before);
        }
        shown
    }

    fn panes(&self, state: &State, plan: &Plan, canvas: &mut Canvas<'_>, shown: &mut Vec<usize>) {
        for Place { pane: slot, area } in &plan.places {
            if plan.boxes {
                let (cx, inside) = self.pane_box(state, *slot, *area, canvas);
                self.slots[*slot].pane.draw(&cx, inside, canvas);
            } else {
                canvas.hit(*area, Target::Pane(self.slots[*slot].def.id));
                let cx = self.cx(state, *slot == self.focus && self.overlays.is_empty());
                self.slots[*slot].pane.draw_compact(&cx, margin(*area), canvas);
            }
            shown.push(*slot);
        }
    }

    /// True while the focused pane has the whole screen: one that would show no more there stays in its box.
    pub(super) fn is_zoomed(&self) -> bool {
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
        let pane = &self.slots[slot].pane;
        let title = pane.title().unwrap_or(title);
        let room = Room { width: inside(area).width, height: inside(area).height, boxed: true };
        let Shown { items, of, .. } = pane.shown(state, room);
        // That not all processes are shown goes without saying.
        let endless = pane.rows(state, room.width).is_some_and(|rows| rows.want == u16::MAX);
        let hides = items < of && !endless && !self.is_zoomed();
        let parts = [if hides { format!("{items} of {of}") } else { String::new() }, pane.info(&cx)];
        let info = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        let badge = badge(&cx, feeds);
        let inside = frame(
            canvas.buf,
            area,
            cx.theme,
            &Frame { digit: digit.filter(|d| *d < 10), title, info: &info, badge: &badge, focused: cx.focused },
        );
        (cx, inside)
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
        let surface = cx.theme.style(Role::Surface);
        if !overlay.framed() {
            blank(canvas.buf, area, surface);
            return overlay.draw(&cx, area, canvas);
        }
        blank(canvas.buf, area, surface.patch(cx.theme.style(Role::SurfaceRaised)));
        let title = overlay.title(state);
        let feeds = overlay.feeds(state);
        let gone = overlay.gone();
        let badge = match gone {
            Some(word) => format!("{} {word}", cx.theme.glyphs.unknown),
            None => badge(&cx, feeds),
        };
        let inside = frame(
            canvas.buf,
            area,
            cx.theme,
            &Frame { digit: None, title: &title, info: "", badge: &badge, focused: true },
        );
        overlay.draw(&cx, inside, canvas);
        match gone {
            Some(_) => tint(canvas.buf, inside, cx.theme.style(Role::Faint)),
            None => feeds.iter().for_each(|feed| notice::dim_when_stale(&cx, inside, canvas, *feed)),
        }
    }

    fn footer(&self, state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        let cx = self.cx(state, false);
        let typed = match self.overlays.last() {
            Some(top) => top.overlay.footer(&cx, area, canvas),
            None => self.slots.get(self.focus).is_some_and(|s| s.pane.footer(&cx, area, canvas)),
        };
        if typed {
            return;
        }
        match (&self.said, self.overlays.last()) {
            (Some(said), _) => footer::say(&cx, area, canvas, said.level, &said.text),
            (None, Some(top)) => footer::overlay(&cx, area, canvas, &top.overlay.hints()),
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

/// The age of figures of these sources, where they are old.
fn badge(cx: &DrawCx<'_>, feeds: &[SourceId]) -> String {
    let age = feeds.iter().filter_map(|feed| notice::stale(cx.state, *feed)).max();
    age.map(|age| format!("{} stale {}", cx.theme.glyphs.unknown, span_short(age))).unwrap_or_default()
}

/// A pane without a box keeps a column free on each side.
fn margin(area: Rect) -> Rect {
    let margin = 1.min(area.width / 2);
    Rect { x: area.x + margin, width: area.width - 2 * margin, ..area }
}

/// `area` without `top` rows above and `bottom` rows below.
fn between(area: Rect, top: u16, bottom: u16) -> Rect {
    Rect { y: area.y + top.min(area.height), height: area.height.saturating_sub(top + bottom), ..area }
}
