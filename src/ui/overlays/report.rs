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
