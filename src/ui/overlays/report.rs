//! A report of several lines, which stays until it is read: what could not be done, and the lines to do it by hand.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    state::State,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        theme::Role,
        view::{Effect, Overlay},
        widgets::sheet::{Sheet, SheetLine, wrap},
    },
};

/// No line is longer, so that what is to be copied is not broken by the border of a usual terminal.
const MOST: usize = 140;

/// The report.
pub struct Report {
    level: Level,
    lines: Vec<String>,
    sheet: Sheet,
}

impl Report {
    /// Over `text`.
    #[must_use]
    pub fn new(level: Level, text: &str) -> Self {
        Report { level, lines: text.lines().map(str::to_owned).collect(), sheet: Sheet::default() }
    }

    /// Lines to copy are indented and wrapped like the others, since a cut one is useless.
    fn wrapped(&self, columns: usize) -> Vec<(usize, String)> {
        let broken = self.lines.iter().enumerate().flat_map(|(at, line)| {
            let indent = line.len() - line.trim_start().len();
            let pieces = wrap(line, columns.saturating_sub(indent)).into_iter();
            pieces.map(move |piece| (at, format!("{}{piece}", " ".repeat(indent))))
        });
        broken.collect()
    }
}

impl Overlay for Report {
    fn title(&self, _state: &State) -> String {
        if self.level == Level::Ok { "done".to_owned() } else { "not all was done".to_owned() }
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        let columns = self.lines.iter().map(|l| width(l)).max().unwrap_or(0).clamp(30, MOST);
        (columns as u16, u16::try_from(self.wrapped(columns.min(76)).len()).unwrap_or(u16::MAX))
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lines = self.wrapped(usize::from(area.width));
        let styled = |(at, line): (usize, String)| -> SheetLine {
            let indented = line.starts_with(' ');
            vec![(line, if at == 0 && !indented { Role::Strong } else { Role::Text })]
        };
        self.sheet.draw(cx, area, canvas, &lines.into_iter().map(styled).collect::<Vec<_>>());
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Open => Some(vec![Effect::Close]),
            _ => self.sheet.act(action).then(Vec::new),
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "close")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::canvas::testing::drawn;

    const TEXT: &str = "one of two was not done\n\n    zpool clear tank and a device\nby hand";

    #[test]
    fn lines_to_copy_stay_indented_where_they_are_broken() {
        let report = Report::new(Level::Warn, TEXT);
        let drawn = drawn(&State::default(), (24, 7), |cx, area, canvas| report.draw(cx, area, canvas));
        assert_eq!(
            drawn.lines(),
            ["one of two was not done", "", "    zpool clear tank and", "    a device", "by hand", "", ""]
        );
        assert_eq!([drawn.role_of("one"), drawn.role_of("by hand")], [Some(Role::Strong), Some(Role::Text)]);
        let indented = Report::new(Level::Ok, "  only this");
        let drawn = super::tests::drawn(&State::default(), (24, 1), |cx, area, canvas| indented.draw(cx, area, canvas));
        assert_eq!((drawn.line(), drawn.role_of("only")), ("  only this".to_owned(), Some(Role::Text)));
    }

    #[test]
    fn a_report_is_as_large_as_its_lines() {
        let state = State::default();
        let size = |columns: usize| Report::new(Level::Ok, &"x".repeat(columns)).size(&state);
        assert_eq!((size(0), size(30), size(31), size(76)), ((30, 0), (30, 1), (31, 1), (76, 1)));
        assert_eq!((size(140), size(141)), ((140, 2), (140, 2)));
        let titles = [Level::Ok, Level::Warn].map(|level| Report::new(level, "x").title(&state));
        assert_eq!(titles, ["done", "not all was done"]);
    }

    #[test]
    fn a_report_scrolls_and_closes() {
        let (mut report, state) = (Report::new(Level::Warn, TEXT), State::default());
        let first = |report: &Report| drawn(&state, (24, 2), |cx, area, canvas| report.draw(cx, area, canvas)).line();
        first(&report);
        assert!(report.act(Action::Bottom, &state).is_some_and(|effects| effects.is_empty()));
        assert_eq!(first(&report), "    a device           ↑");
        assert!(matches!(report.act(Action::Open, &state).as_deref(), Some([Effect::Close])));
        assert!(report.act(Action::Tree, &state).is_none());
        assert_eq!(report.hints(), [(Action::Open, "close")]);
    }
}
