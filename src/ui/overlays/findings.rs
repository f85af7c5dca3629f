//! What is wrong now: held findings with their age, then what has only just crossed a limit, then what gives no figures.

use ratatui::layout::Rect;

use super::Overlay;
use crate::{
    alert::Level,
    model::event::SourceId,
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        effect::Effect,
        header,
        theme::Role,
        widgets::{
            notice,
            sheet::{Sheet, SheetLine, heading},
        },
    },
    units::span,
};

/// The list.
#[derive(Default)]
pub struct Findings {
    sheet: Sheet,
}

impl Overlay for Findings {
    fn title(&self, state: &State) -> String {
        format!("findings · {} rules watch", state.rules.iter().filter(|r| r.enabled).count())
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.sheet.draw(cx, area, canvas, &lines(cx));
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        if action == Action::Findings {
            return Some(vec![Effect::Close]);
        }
        self.sheet.act(action).then(Vec::new)
    }
}

fn lines(cx: &DrawCx<'_>) -> Vec<SheetLine> {
    let state = cx.state;
    let now = state.host.now;
    let mut lines = Vec::new();
    for held in [true, false] {
        let some: Vec<_> = state.watches.iter().filter(|w| w.held == held).collect();
        if held && some.is_empty() {
            let (words, level) = state.calm();
            let (glyph, role) = header::sign(cx, level);
            lines.push(vec![(format!("{glyph} "), role), (words.to_owned(), Role::Text)]);
        } else if !some.is_empty() {
            lines.push(heading(if held { "Since" } else { "Crossed, not yet held" }));
        }
        for watch in some {
            let (sign, role) = match watch.level {
                Level::Crit => (cx.theme.glyphs.crit, Role::Crit),
                Level::Warn => (cx.theme.glyphs.warn, Role::Warn),
                Level::Advice => ('·', Role::Advice),
                Level::Ok | Level::Unknown => (cx.theme.glyphs.unknown, Role::Unknown),
            };
            let age = if held { watch.age(now, span) } else { format!("in {}", span(watch.left)) };
            lines.push(vec![
                (format!("{age:<9}"), Role::Dim),
                (format!("{sign} "), role),
                (watch.say.clone(), Role::Text),
                (format!("   {}", watch.rule), Role::Faint),
            ]);
        }
        if lines.last().is_some_and(|line: &SheetLine| !line.is_empty()) {
            lines.push(Vec::new());
        }
    }
    let silent: Vec<(SourceId, (String, Option<String>))> =
        SourceId::ALL.into_iter().filter_map(|id| notice::words(state, id).map(|w| (id, w))).collect();
    let silent = silent.into_iter().filter(|(_, (words, _))| !words.starts_with("waiting"));
    for (i, (id, (words, cure))) in silent.enumerate() {
        if i == 0 {
            lines.push(heading("Without figures"));
        }
        // Its name stands in front already.
        let words = words.strip_prefix(&format!("no {}: ", id.name())).unwrap_or(&words).to_owned();
        lines.push(vec![(format!("{:<15}", id.name()), Role::Dim), (words, Role::Text)]);
        lines.extend(cure.map(|cure| vec![(format!("{:<15}", ""), Role::Dim), (cure, Role::Dim)]));
    }
    lines
}
