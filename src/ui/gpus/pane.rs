//! The GPU pane: one card large, with its past; several as rows of gauges. A card that fell off the bus, or a driver that
//! failed, keeps its place and says so.

use ratatui::layout::Rect;

use crate::{
    config::Settings,
    model::{gpu::GpuRow, metrics, source::SourceId, subject::Subject},
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        gpus::{draw, essentials, measure},
        ids::PaneId,
        theme::Role,
        view::{Effect, Pane, PaneDef, Room, Rows, Shown},
        widgets::{
            line::{Line, line},
            notice::{dim_when_stale, notice, words},
            sheet::wrap,
            text::{put, tint},
        },
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Gpus,
    name: "gpus",
    title: "gpu",
    feeds: &[SourceId::Gpus],
    min_width: 34,
    worth: 30,
    past: 6,
    make: |_| Box::<GpusPane>::default(),
};

/// Keeps which card is chosen, and the normal range of a single one.
#[derive(Default)]
pub struct GpusPane {
    chosen: usize,
    moved: bool,
    normals: measure::Normals,
}

impl GpusPane {
    fn rows_of(state: &State) -> &[GpuRow] {
        &state.host.gpus.rows
    }

    fn open(&self, state: &State) -> Vec<Effect> {
        let row = Self::rows_of(state).get(self.chosen.min(Self::rows_of(state).len().saturating_sub(1)));
        row.map(|row| Effect::OpenDetail(Subject::Gpu(row.raw.id.clone()))).into_iter().collect()
    }
}

impl Pane for GpusPane {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        let rows = Self::rows_of(state);
        self.chosen = self.chosen.min(rows.len().saturating_sub(1));
        if let [one] = rows {
            self.normals.update(one);
        }
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        match (Self::rows_of(state).len(), state.host.gpus.is_well()) {
            (0, Some(false)) => Some(Rows { min: 3, want: 4 }),
            (0, _) => None,
            (1, _) => Some(Rows { min: 7, want: 7 }),
            (n, _) => {
                let cards = u16::try_from(n).unwrap_or(u16::MAX);
                // A driver's fault takes two lines at most widths.
                let faults = state.host.gpus.drivers.iter().filter(|d| d.fault.is_some()).count();
                let frame = u16::try_from(2 * faults.min(3) + 2).unwrap_or(2);
                Some(Rows { min: cards.min(6) + frame, want: cards.saturating_mul(2).saturating_add(frame).min(34) })
            }
        }
    }

    fn opens(&self, state: &State) -> bool {
        !Self::rows_of(state).is_empty()
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let gpus = &cx.state.host.gpus;
        let mut parts = Vec::new();
        match gpus.rows.as_slice() {
            [] => {}
            [one] => parts.push(one.raw.short_name().to_owned()),
            many => parts.push(format!("{} cards", many.len())),
        }
        for driver in &gpus.drivers {
            parts.extend(driver.version.as_ref().map(|v| v.split('.').take(2).collect::<Vec<_>>().join(".")));
            parts.extend(driver.cuda.as_ref().map(|v| format!("CUDA {v}")));
        }
        parts.join(" · ")
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.is_empty() || notice(cx, area, canvas, SourceId::Gpus) {
            return;
        }
        let rows = Self::rows_of(cx.state);
        // A driver's fault appears once: above the cards, which are all lost with it, or with the only one.
        let faults = cx.state.host.gpus.drivers.iter().filter_map(|d| Some((d, d.fault.as_ref()?)));
        let mut y = area.y;
        for (driver, fault) in faults.filter(|(_, fault)| !matches!(rows, [one] if one.lost() == Some(fault.as_str())))
        {
            let style = cx.theme.level(cx.state.level(metrics::GPU_DRIVER_OK, &[], 0.0));
            for text in wrap(&format!("{}: {fault}", driver.maker.word()), usize::from(area.width)) {
                if y < area.bottom() {
                    put(canvas.buf, area.x, y, area.width, &text, style);
                    y += 1;
                }
            }
        }
        let area = Rect { y, height: area.bottom() - y, ..area };
        match rows {
            [] => {}
            [one] => {
                draw::large(cx, area, canvas, one, Some(&self.normals));
                canvas.hit(area, Target::Row(PaneId::Gpus, 0));
            }
            many => self.several(cx, area, canvas, many),
        }
        dim_when_stale(cx, area, canvas, SourceId::Gpus);
    }

    fn lines(&self, state: &State) -> Option<Rows> {
        let rows = u16::try_from(essentials::rows(state).len()).unwrap_or(u16::MAX);
        (rows > 0).then_some(Rows { min: rows, want: rows })
    }

    fn shown(&self, state: &State, room: Room) -> Shown {
        let of = Self::rows_of(state).len();
        let fit = if room.boxed { usize::from(room.height) } else { essentials::cards(state) };
        Shown { items: fit.min(of), of, columns: 0 }
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some((words, _)) = words(cx.state, SourceId::Gpus) {
            line(cx, area, canvas, &Line { style: cx.theme.style(Role::Dim), right: &words, ..Line::of("gpu") });
            return;
        }
        for (what, y) in essentials::rows(cx.state).iter().zip(area.y..area.bottom()) {
            essentials::draw(cx, Rect { y, height: 1, ..area }, canvas, what);
        }
        dim_when_stale(cx, area, canvas, SourceId::Gpus);
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        match action {
            Action::Open | Action::Zoom => Some(self.open(state)),
            Action::Up => {
                self.chosen = self.chosen.saturating_sub(1);
                self.moved = true;
                Some(Vec::new())
            }
            Action::Down => {
                self.chosen = (self.chosen + 1).min(Self::rows_of(state).len().saturating_sub(1));
                self.moved = true;
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        let Target::Row(_, index) = target else { return Vec::new() };
        let again = self.moved && self.chosen == *index;
        (self.chosen, self.moved) = (*index, true);
        if again { self.open(state) } else { Vec::new() }
    }
}

impl GpusPane {
    /// As many lines a card as there is room for.
    fn several(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rows: &[GpuRow]) {
        let each = (area.height / u16::try_from(rows.len()).unwrap_or(u16::MAX)).clamp(1, 8);
        let fit = usize::from((area.height / each).max(1));
        let top = self.chosen.saturating_sub(fit.saturating_sub(1)).min(rows.len().saturating_sub(fit));
        for (at, (index, row)) in rows.iter().enumerate().skip(top).take(fit).enumerate() {
            let y = area.y + u16::try_from(at).unwrap_or(0) * each;
            let place = Rect { y, height: each.min(area.bottom().saturating_sub(y)), ..area };
            draw::one_of_several(cx, place, canvas, row);
            // Before it was moved the cursor is seen too: the first key moves it from there.
            if index == self.chosen && cx.focused {
                let role = if self.moved { Role::Selected } else { Role::SelectedUnfocused };
                tint(canvas.buf, place, cx.theme.style(role));
            }
            canvas.hit(place, Target::Row(PaneId::Gpus, index));
        }
    }
}

#[cfg(test)]
mod tests;
