//! The log of a container: followed at its end until the reader scrolls up, searched, wrapped, with times, saved.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    interest::Interest,
    model::{
        engine_address::EngineAddress,
        log::{ContainerLog, LogLine},
    },
    request::Command,
    state::State,
    text::width,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        ids::Key,
        table::{
            needle::Needle,
            prompt::{Prompt, Typed},
        },
        theme::Role,
        view::{Effect, Overlay},
        widgets::text::{put, put_right, tint},
    },
};

/// Columns that Left and Right scroll.
const STEP: usize = 16;

pub struct LogView {
    engine: EngineAddress,
    id: String,
    name: String,
    /// Number of the line on top; `None` follows the end.
    top: Option<u64>,
    wrap: bool,
    times: bool,
    left: usize,
    needle: Option<Needle>,
    prompt: Option<Prompt>,
    /// Rows and columns of the last frame, and the number of the top line.
    seen: std::cell::Cell<(usize, usize, u64)>,
}

/// Opens the log of the container with this id.
#[must_use]
pub fn open(id: &str, state: &State) -> Vec<Effect> {
    let Some(row) = state.host.containers.find(id) else {
        let words = if id.is_empty() { "no container is selected" } else { "it no longer exists" };
        return vec![Effect::Say(Level::Advice, words.to_owned())];
    };
    let engines = &state.host.containers.engines;
    let engine = engines.get(usize::from(row.meta.engine)).map(|e| e.address.clone()).unwrap_or_default();
    vec![Effect::Open(Box::new(LogView {
        engine,
        id: row.meta.id.clone(),
        name: row.meta.name.clone(),
        top: None,
        wrap: false,
        times: false,
        left: 0,
        needle: None,
        prompt: None,
        seen: std::cell::Cell::default(),
    }))]
}

impl LogView {
    fn log<'a>(&self, state: &'a State) -> Option<&'a ContainerLog> {
        Some(&state.host.log).filter(|log| log.id == self.id)
    }

    /// What a line shows before its text.
    fn prefix(&self, line: &LogLine) -> String {
        let time = line.unix_ms.filter(|_| self.times).and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        time.map_or_else(String::new, |at| {
            at.to_zoned_datetime(crate::clock::local_zone()).strftime("%m-%d %H:%M:%S ").to_string()
        })
    }

    /// The rows of a line in `columns`.
    fn rows(&self, line: &LogLine, columns: usize) -> Vec<String> {
        let room = columns.saturating_sub(width(&self.prefix(line))).max(8);
        if self.wrap {
            return chop(&line.text, room);
        }
        vec![line.text.chars().skip(self.left).collect()]
    }

    /// The top line when the end is visible.
    fn top_at_end(&self, log: &ContainerLog, height: usize, columns: usize) -> u64 {
        let mut left = height;
        for (index, line) in log.lines.iter().enumerate().rev() {
            let rows = if self.wrap { self.rows(line, columns).len() } else { 1 };
            if rows > left {
                // A last line that is higher than the screen is shown from its beginning.
                return log.first + (index + 1).min(log.lines.len() - 1) as u64;
            }
            left -= rows;
        }
        log.first
    }

    /// Moves the line on top; at the end it follows again.
    fn scroll(&mut self, state: &State, by: i64) {
        let Some(log) = self.log(state) else { return };
        let (height, columns, shown) = self.seen.get();
        let end = self.top_at_end(log, height, columns);
        let to = shown.saturating_add_signed(by).max(log.first);
        self.top = (to < end).then_some(to);
    }

    /// The word being typed is another now.
    fn typed(&mut self, state: &State) {
        let Some(prompt) = &self.prompt else { return };
        self.needle = Some(Needle::new(prompt.text())).filter(|n| !n.is_empty());
        // While a word is typed, what is not found is not said.
        self.find(state, false, true);
    }

    fn find(&mut self, state: &State, back: bool, from_here: bool) -> Vec<Effect> {
        let (Some(needle), Some(log)) = (&self.needle, self.log(state)) else { return Vec::new() };
        let count = log.lines.len();
        let here =
            usize::try_from(self.seen.get().2.saturating_sub(log.first)).unwrap_or(0).min(count.saturating_sub(1));
        let fits = |index: &usize| log.lines.get(*index).is_some_and(|line| needle.is_in(&line.text));
        let step = usize::from(!from_here);
        let found = if back { (0..here).rev().find(fits) } else { (here + step..count).find(fits) };
        // Round the end, once.
        let found = found.or_else(|| if back { (0..count).rev().find(fits) } else { (0..count).find(fits) });
        match found {
            Some(index) => {
                self.top = Some(log.first + index as u64);
                Vec::new()
            }
            None => vec![Effect::Say(Level::Advice, format!("{} is not in the log", needle.text()))],
        }
    }

    fn save(&self, state: &State) -> Vec<Effect> {
        let Some(log) = self.log(state) else { return Vec::new() };
        let mut text = String::new();
        for line in &log.lines {
            if let Some(at) = line.unix_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
                text.push_str(&at.to_string());
                text.push(' ');
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        vec![Effect::Do(Command::Save { name: format!("{}.log", self.name), text })]
    }
}

/// `text` in pieces of at most `columns`; an empty one is one empty piece.
fn chop(text: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let wide = width(c.encode_utf8(&mut [0; 4]));
        if used + wide > columns {
            pieces.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
}

impl Overlay for LogView {
    fn title(&self, state: &State) -> String {
        let state = match self.log(state).and_then(|log| log.ended.as_ref()) {
            Some(why) => format!(" · {why}"),
            None if self.top.is_some() => " · held".to_owned(),
            None => " · following".to_owned(),
        };
        format!("log of {}{state}", self.name)
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(log) = self.log(cx.state) else {
            put(canvas.buf, area.x, area.y, area.width, "waiting…", cx.theme.style(Role::Dim));
            return;
        };
        if log.lines.is_empty() {
            let words = if log.ended.is_some() { "the log is empty" } else { "no lines yet" };
            put(canvas.buf, area.x, area.y, area.width, words, cx.theme.style(Role::Dim));
            return;
        }
        let (height, columns) = (usize::from(area.height), usize::from(area.width));
        let end = self.top_at_end(log, height, columns);
        let top = self.top.unwrap_or(end).clamp(log.first, end.max(log.first));
        self.seen.set((height, columns, top));
        let mut y = area.y;
        for line in log.lines.iter().skip(usize::try_from(top - log.first).unwrap_or(0)) {
            let prefix = self.prefix(line);
            let role = if line.error { Role::Advice } else { Role::Text };
            for (number, row) in self.rows(line, columns).iter().enumerate() {
                if y >= area.bottom() {
                    return;
                }
                let x = area.x
                    + put(
                        canvas.buf,
                        area.x,
                        y,
                        area.width,
                        if number == 0 { &prefix } else { "" },
                        cx.theme.style(Role::Dim),
                    );
                let x = if number == 0 { x } else { area.x + u16::try_from(width(&prefix)).unwrap_or(0) };
                put(canvas.buf, x, y, area.right().saturating_sub(x), row, cx.theme.style(role));
                if let Some(found) = self.needle.as_ref().filter(|n| !n.is_empty()).and_then(|n| n.find(row)) {
                    let at = x + u16::try_from(width(&row[..found.start])).unwrap_or(u16::MAX);
                    let wide = u16::try_from(width(&row[found])).unwrap_or(0);
                    let place = Rect { x: at, y, width: wide, height: 1 }.intersection(area);
                    tint(canvas.buf, place, cx.theme.style(Role::Match));
                }
                y += 1;
            }
        }
        if log.dropped > 0 {
            let words = format!("{} lines dropped: too many at once", log.dropped);
            put_right(canvas.buf, area.right(), area.y, 40, &words, cx.theme.style(Role::Advice));
        }
    }

    fn takes_text(&self) -> bool {
        self.prompt.is_some()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        let prompt = self.prompt.as_mut()?;
        match prompt.key(key) {
            Typed::Changed => {
                self.typed(state);
                Some(Vec::new())
            }
            Typed::Accepted => {
                self.prompt = None;
                Some(Vec::new())
            }
            Typed::Cancelled => {
                (self.prompt, self.needle) = (None, None);
                Some(Vec::new())
            }
            _ => Some(Vec::new()),
        }
    }

    fn paste(&mut self, text: &str, state: &State) {
        if self.prompt.as_mut().is_some_and(|prompt| prompt.paste(text) == Typed::Changed) {
            self.typed(state);
        }
    }

    fn context(&self) -> Context {
        Context::Logs
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        let page = i64::try_from(self.seen.get().0.saturating_sub(1).max(1)).unwrap_or(1);
        match action {
            Action::Up => self.scroll(state, -1),
            Action::Down => self.scroll(state, 1),
            Action::PageUp => self.scroll(state, -page),
            Action::PageDown => self.scroll(state, page),
            Action::Top => self.scroll(state, i64::MIN / 2),
            Action::Bottom => self.top = None,
            Action::Left => self.left = self.left.saturating_sub(STEP),
            Action::Right => self.left += STEP,
            Action::LogWrap => self.wrap = !self.wrap,
            Action::LogTimes => self.times = !self.times,
            Action::Search => self.prompt = Some(Prompt::new("search", "", Vec::new())),
            Action::NextMatch => return Some(self.find(state, false, false)),
            Action::PreviousMatch => return Some(self.find(state, true, false)),
            Action::LogSave => return Some(self.save(state)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let Some(prompt) = &self.prompt else { return false };
        prompt.draw(cx, area, canvas, "");
        true
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Search, "search"),
            (Action::LogWrap, "wrap"),
            (Action::LogTimes, "times"),
            (Action::LogSave, "save"),
            (Action::Bottom, "follow"),
        ]
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.log = Some((self.engine.clone(), self.id.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::canvas::testing::drawn;

    /// A view whose frame shows line 13 on top, of the lines 10 to 15; the odd ones have the word.
    fn searched() -> (LogView, State) {
        let mut state = State::new(Vec::new().into());
        (state.host.log.id, state.host.log.first) = ("ab".into(), 10);
        for number in 10..16 {
            let text = if number % 2 == 1 { "an error" } else { "a word" }.to_owned();
            state.host.log.lines.push_back(LogLine { text, ..LogLine::default() });
        }
        let view = LogView {
            engine: EngineAddress::default(),
            id: "ab".into(),
            name: "web".into(),
            top: None,
            wrap: false,
            times: false,
            left: 0,
            needle: Some(Needle::new("error")),
            prompt: None,
            seen: std::cell::Cell::new((2, 80, 13)),
        };
        (view, state)
    }

    #[test]
    fn matches_are_found_both_ways_and_round_the_ends() {
        let found = |action: Action, top: u64| {
            let (mut view, state) = searched();
            view.seen.set((2, 80, top));
            let effects = view.act(action, &state).expect("it is for a log");
            assert!(effects.is_empty());
            view.top
        };
        assert_eq!(found(Action::NextMatch, 11), Some(13));
        assert_eq!(found(Action::NextMatch, 15), Some(11));
        assert_eq!(found(Action::PreviousMatch, 15), Some(13));
        assert_eq!(found(Action::PreviousMatch, 12), Some(11));
        assert_eq!(found(Action::PreviousMatch, 11), Some(15));
        let (mut view, state) = searched();
        view.needle = Some(Needle::new("panic"));
        let effects = view.act(Action::PreviousMatch, &state).expect("it is for a log");
        assert!(matches!(&effects[..], [Effect::Say(_, words)] if words == "panic is not in the log"));
    }

    #[test]
    fn long_lines_are_cut_into_rows_by_their_columns() {
        assert_eq!(chop("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(chop("日本語", 4), ["日本", "語"]);
        assert_eq!(chop("", 4), [""]);
    }

    /// A view of so many lines, numbered from 10 on, as it opens.
    fn opened(count: u64) -> (LogView, State) {
        let (mut view, mut state) = searched();
        view.needle = None;
        view.seen = std::cell::Cell::default();
        let line = |number: u64| LogLine { text: format!("line {number}"), error: number == 11, ..LogLine::default() };
        state.host.log.lines = (10..10 + count).map(line).collect();
        (view, state)
    }

    fn shown(view: &LogView, state: &State, size: (u16, u16)) -> Vec<String> {
        drawn(state, size, |cx, area, canvas| view.draw(cx, area, canvas)).lines()
    }

    #[test]
    fn it_follows_until_it_is_scrolled() {
        let (mut view, mut state) = opened(9);
        let first = |view: &LogView, state: &State| shown(view, state, (40, 4))[0].clone();
        assert_eq!(shown(&view, &state, (40, 4)), ["line 15", "line 16", "line 17", "line 18"]);
        assert_eq!(view.title(&state), "log of web · following");
        for (action, line, held) in [
            (Action::Down, 15, false),
            (Action::Up, 14, true),
            (Action::PageUp, 11, true),
            (Action::PageUp, 10, true),
            (Action::Up, 10, true),
            (Action::PageDown, 13, true),
            (Action::PageDown, 15, false),
            (Action::Top, 10, true),
            (Action::Bottom, 15, false),
        ] {
            assert!(view.act(action, &state).is_some_and(|effects| effects.is_empty()));
            assert_eq!(first(&view, &state), format!("line {line}"), "{action:?}");
            assert_eq!(view.title(&state).ends_with("held"), held, "{action:?}");
        }
        state.host.log.lines.push_back(LogLine { text: "line 19".into(), ..LogLine::default() });
        assert_eq!(first(&view, &state), "line 16");
        view.act(Action::Up, &state);
        state.host.log.lines.push_back(LogLine { text: "line 20".into(), ..LogLine::default() });
        assert_eq!(first(&view, &state), "line 15", "what is held stays");
        state.host.log.ended = Some("it ended".into());
        assert_eq!(view.title(&state), "log of web · it ended");
    }

    #[test]
    fn wrapped_lines_take_the_rows_that_they_need() {
        let (mut view, mut state) = opened(3);
        view.act(Action::LogWrap, &state);
        state.host.log.lines[1].text = "abcdefghijklmnopqrst".into();
        assert_eq!(shown(&view, &state, (10, 4)), ["line 10", "abcdefghij", "klmnopqrst", "line 12"]);
        // What does not fit whole is left out above.
        assert_eq!(shown(&view, &state, (10, 3)), ["abcdefghij", "klmnopqrst", "line 12"]);
        assert_eq!(shown(&view, &state, (10, 2)), ["line 12", ""]);
        state.host.log.lines[2].text = "0123456789".repeat(5);
        assert_eq!(shown(&view, &state, (10, 2)), ["0123456789", "0123456789"], "a last line of five rows");
        view.act(Action::LogWrap, &state);
        assert_eq!(shown(&view, &state, (10, 2)), ["abcdefghi…", "012345678…"]);
        // Sideways by steps, and not beyond the beginning.
        view.act(Action::Right, &state);
        assert_eq!(shown(&view, &state, (80, 1)), ["0123456789".repeat(5)[STEP..].to_owned()]);
        view.act(Action::Left, &state);
        view.act(Action::Left, &state);
        assert_eq!(shown(&view, &state, (80, 1)), ["0123456789".repeat(5)]);
    }

    #[test]
    fn times_stand_before_the_lines() {
        let (mut view, mut state) = opened(2);
        state.host.log.lines[0].unix_ms = Some(1_700_000_000_000);
        view.act(Action::LogWrap, &state);
        state.host.log.lines[0].text = "abcdefghijkl".into();
        view.act(Action::LogTimes, &state);
        let lines = shown(&view, &state, (24, 3));
        assert!(lines[0].ends_with(" abcdefghi") && lines[0].starts_with("11-1"), "{lines:?}");
        assert_eq!(lines[1..], [format!("{}jkl", " ".repeat(15)), "line 11".to_owned()]);
        let Some(Effect::Do(Command::Save { name, text })) =
            view.act(Action::LogSave, &state).and_then(|mut all| all.pop())
        else {
            panic!("it is saved")
        };
        assert_eq!((name.as_str(), text.as_str()), ("web.log", "2023-11-14T22:13:20Z abcdefghijkl\nline 11\n"));
    }

    #[test]
    fn what_was_found_and_what_was_lost_is_marked() {
        let (mut view, mut state) = opened(2);
        view.needle = Some(Needle::new("11"));
        state.host.log.dropped = 7;
        let screen = drawn(&state, (60, 2), |cx, area, canvas| view.draw(cx, area, canvas));
        assert_eq!(screen.line(), format!("line 10{}7 lines dropped: too many at once", " ".repeat(20)));
        assert_eq!((screen.role_of("line 10"), screen.role_of("7 lines")), (Some(Role::Text), Some(Role::Advice)));
        assert_eq!((screen.role_of("line 11"), screen.role_at(5, 1)), (Some(Role::Advice), Some(Role::Match)));
        assert_eq!([4, 6, 7].map(|x| screen.role_at(x, 1)), [Some(Role::Advice), Some(Role::Match), None]);
    }

    #[test]
    fn a_log_without_lines_says_so() {
        let (view, mut state) = opened(0);
        assert_eq!(shown(&view, &state, (40, 1)), ["no lines yet"]);
        state.host.log.ended = Some("it ended".into());
        assert_eq!(shown(&view, &state, (40, 1)), ["the log is empty"]);
        state.host.log.id = "another".into();
        assert_eq!(shown(&view, &state, (40, 1)), ["waiting…"]);
        assert_eq!(view.title(&state), "log of web · following");
        let mut want = Interest::default();
        view.want(&mut want, &state);
        assert_eq!(want.log, Some((EngineAddress::default(), "ab".to_owned())));
    }
}
