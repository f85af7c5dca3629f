//! The panel: the suite at the left, the selected figure at the right, the one under way at the bottom; on a narrow screen
//! the list first, and the rest in a view of its own.

use std::cell::{Cell, RefCell};

use ratatui::layout::Rect;

use super::{
    detail,
    known::{Goals, Known, goals},
    list, operations,
    rows::{Item, Line, Listing, item_key, lines},
    running,
    scorecard::Scorecard,
    standing::Standing,
    strip,
};
use crate::{
    alert::Level,
    config::Settings,
    interest::Interest,
    model::{figure::SeriesKey, subject::Subject},
    request::{BenchAct, Command},
    state::{State, way_back::AGAIN},
    target::Targets,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::Key,
        parts::reader::Reader,
        table::{
            cursor::Cursor,
            prompt::{Prompt, Typed, remember},
        },
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            frame::{Frame, frame},
            text::put,
        },
    },
};

/// From this size on list and detail are side by side.
const WIDE: (u16, u16) = (116, 24);

fn is_wide(room: Rect) -> bool {
    room.width >= WIDE.0 && room.height >= WIDE.1
}

/// What a narrow screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    List,
    Detail,
}

pub struct Benchmarks {
    lines: Vec<Line>,
    listing: Listing,
    /// The targets of this machine, and what they are for the figures here.
    targets: Targets,
    goals: Goals,
    cursor: Cursor<u64>,
    /// The figure to select once it is listed: an alert led here.
    sought: Option<SeriesKey>,
    prompt: Option<Prompt>,
    /// Filters typed before.
    past: Vec<String>,
    view: View,
    /// As the last frame was.
    wide: Cell<bool>,
    read_only: Cell<bool>,
    reader: RefCell<Reader>,
    /// What the reader reads: another figure begins at the top.
    read: RefCell<Option<u64>>,
}

impl Default for Benchmarks {
    fn default() -> Self {
        Benchmarks {
            lines: Vec::new(),
            listing: Listing::default(),
            targets: Targets::default(),
            goals: Goals::new(),
            cursor: Cursor::default(),
            sought: None,
            prompt: None,
            past: Vec::new(),
            view: View::List,
            wide: Cell::new(true),
            read_only: Cell::new(false),
            reader: RefCell::default(),
            read: RefCell::default(),
        }
    }
}

/// The panel at one series of runs.
#[must_use]
pub fn open(subject: &Subject, _state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::Benchmark(series) = subject else { return None };
    Some(Box::new(Benchmarks { sought: Some(series.clone()), view: View::Detail, ..Benchmarks::default() }))
}

impl Benchmarks {
    fn known<'a>(&'a self, state: &'a State) -> Known<'a> {
        Known { state, goals: &self.goals }
    }

    fn line(&self) -> Option<&Line> {
        let key = self.cursor.selected()?;
        self.lines.iter().find(|line| line.key() == Some(key))
    }

    fn item(&self) -> Option<&Item> {
        match self.line()? {
            Line::Item(item) => Some(item),
            _ => None,
        }
    }

    /// What `then` makes of the selected figure.
    fn of_item(&self, then: impl FnOnce(&Item) -> Vec<Effect>) -> Vec<Effect> {
        match self.line() {
            Some(Line::Item(item)) => then(item),
            Some(Line::Missing { why, .. }) => vec![Effect::Say(Level::Advice, why.clone())],
            _ => vec![Effect::Say(Level::Advice, "no benchmark is selected".to_owned())],
        }
    }

    /// Enter: the link in the page, the view of the figure on a narrow screen, or a run.
    fn enter(&mut self, state: &State) -> Vec<Effect> {
        if let Some(effects) = self.reader.borrow().act(Action::Open) {
            return effects;
        }
        if !self.wide.get() && self.view == View::List {
            self.view = View::Detail;
            return Vec::new();
        }
        if self.read_only.get() {
            return vec![Effect::Say(
                Level::Advice,
                "nothing is run: benchtop was started with --read-only".to_owned(),
            )];
        }
        self.of_item(|item| operations::run_item(item, 1, state))
    }

    /// Lists all figures of the selected benchmark, or no longer.
    fn fold(&mut self, unfold: bool, state: &State) {
        let Some(bench) = self.item().map(|item| item.bench.clone()) else { return };
        let main = self.lines.iter().find_map(|line| match line {
            Line::Item(item) if item.bench == bench && item.main => line.key(),
            _ => None,
        });
        match unfold {
            true => drop(self.listing.unfolded.insert(bench)),
            false => drop(self.listing.unfolded.remove(&bench)),
        }
        self.relist(state);
        if !unfold && let Some(main) = main {
            self.cursor.hold_key(main);
        }
    }

    fn relist(&mut self, state: &State) {
        self.lines = lines(self.known(state), &self.listing);
        if !self.wide.get() {
            // Few rows: the headings alone keep the groups apart.
            self.lines.retain(|line| *line != Line::Blank);
        }
        self.cursor.settle(self.lines.iter().filter_map(Line::key));
        if let Some(series) = &self.sought {
            let key = item_key(series);
            if self.cursor.keys().contains(&key) {
                self.cursor.hold_key(key);
                self.sought = None;
            } else if let Some(bench) = state.runs.catalog.as_ref().and_then(|catalog| catalog.bench_of(series)) {
                // It is one that is listed only with all figures of its benchmark.
                if self.listing.unfolded.insert(bench) {
                    self.relist(state);
                }
            }
        }
    }

    fn draw_wide(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let columns = (area.width * 42 / 100).clamp(56, 76);
        let left = Rect { width: columns, ..area };
        let right = Rect { x: left.right() + 1, width: area.width - columns - 1, ..area };
        let info = self.info(cx);
        let list = frame(
            canvas.buf,
            left,
            cx.theme,
            &Frame { digit: None, title: "benchmarks", info: &info, badge: "", focused: true },
        );
        self.draw_list(cx, list, canvas);
        let Some(line) = self.line() else {
            let inside = frame(canvas.buf, right, cx.theme, &plain("benchmark", ""));
            put(canvas.buf, inside.x, inside.y, inside.width, "nothing is selected", cx.theme.style(Role::Dim));
            return;
        };
        self.draw_line(cx, right, canvas, line);
    }

    /// Both boxes of the selected line.
    fn draw_line(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, line: &Line) {
        let item = match line {
            Line::Item(item) => item,
            line => {
                let inside = frame(canvas.buf, area, cx.theme, &plain("cannot be measured here", ""));
                strip::missing(cx, inside, canvas, line);
                return;
            }
        };
        let upper = Rect { height: (area.height * 55 / 100).max(10).min(area.height), ..area };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
        let standing = Standing::of(self.known(cx.state), &item.bench, &item.series());
        let method = strip::method(&standing);
        let inside = frame(canvas.buf, upper, cx.theme, &plain(&item.name(), &method));
        detail::draw(cx, inside, canvas, self.known(cx.state), item);
        let (title, page) = detail::below(cx, self.known(cx.state), item, usize::from(lower.width.saturating_sub(4)));
        let inside = frame(canvas.buf, lower, cx.theme, &plain(title, ""));
        self.read(item);
        self.reader.borrow().draw(cx, detail::airy(inside, detail::AIRY), canvas, &page);
    }

    /// A page of another figure begins at its top, with no link selected.
    fn read(&self, item: &Item) {
        let key = item_key(&item.series());
        if self.read.replace(Some(key)) != Some(key) {
            self.reader.replace(Reader::default());
        }
    }

    /// The list, and below it what is under way.
    fn draw_list(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let runs = &cx.state.runs;
        let foot = match () {
            () if runs.under_way() && area.height >= 24 => running::ROWS,
            () if runs.under_way() => running::ROWS_SMALL,
            () if runs.report.is_some() => 1,
            () => 0,
        };
        let apart = u16::from(foot > 0);
        let rows = Rect { height: area.height.saturating_sub(foot + apart), ..area };
        if self.lines.is_empty() {
            let words = match (&runs.catalog, self.listing.filter.is_empty()) {
                (None, _) => "looking at what can be measured here…",
                (_, false) => "no benchmark matches the filter",
                _ => "nothing can be measured here",
            };
            put(canvas.buf, area.x, area.y, area.width, words, cx.theme.style(Role::Dim));
        } else {
            list::draw(cx, rows, canvas, self.known(cx.state), (&self.lines, &self.cursor));
        }
        let place = Rect { y: area.bottom() - foot.min(area.height), height: foot.min(area.height), ..area };
        if runs.under_way() {
            running::draw(cx, place, canvas, foot, true);
        } else if let Some(report) = &runs.report {
            put(canvas.buf, place.x, place.y, place.width, report, cx.theme.style(Role::Dim));
        }
    }

    fn draw_narrow(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        match (self.view, self.line()) {
            (View::Detail, Some(line)) => self.draw_line(cx, area, canvas, line),
            _ => {
                let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
                // The list keeps the greater part.
                let about = if area.height >= 18 { 4 } else { 0 };
                let list = Rect { height: area.height - about, ..area };
                let under_way = cx.state.runs.under_way();
                let foot = if under_way { running::ROWS_SMALL + 1 } else { u16::from(cx.state.runs.report.is_some()) };
                let split = list.height.saturating_sub(foot);
                let rows = Rect { height: split, ..list };
                if self.lines.is_empty() {
                    self.draw_list(cx, list, canvas);
                    return;
                }
                list::draw(cx, rows, canvas, self.known(cx.state), (&self.lines, &self.cursor));
                let summary = Rect { y: rows.bottom(), height: about, ..area };
                strip::summary(cx, summary, canvas, self.known(cx.state), self.line());
                let place = Rect { y: summary.bottom(), height: foot, ..area };
                if under_way {
                    running::draw(cx, place, canvas, running::ROWS_SMALL, false);
                } else if let Some(report) = &cx.state.runs.report {
                    put(canvas.buf, place.x, place.y, place.width, report, cx.theme.style(Role::Dim));
                }
            }
        }
    }

    /// What the title of the list says at the right.
    fn info(&self, cx: &DrawCx<'_>) -> String {
        let filter = &self.listing.filter;
        let filter = if filter.is_empty() { String::new() } else { format!("filter {filter}") };
        [filter, running::suite(cx.state)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }
}

fn plain<'a>(title: &'a str, info: &'a str) -> Frame<'a> {
    Frame { digit: None, title, info, badge: "", focused: false }
}

impl Overlay for Benchmarks {
    fn title(&self, _state: &State) -> String {
        "benchmarks".to_owned()
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn framed(&self) -> bool {
        false
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.runs = true;
    }

    fn begin(&mut self, _state: &State, settings: &Settings, room: Rect) -> Vec<Command> {
        self.targets = settings.targets.clone();
        self.read_only.set(settings.read_only);
        self.wide.set(is_wide(room));
        vec![Command::Bench(BenchAct::Survey)]
    }

    fn refresh(&mut self, state: &State) {
        self.goals = goals(state, &self.targets);
        self.relist(state);
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let wide = is_wide(area);
        self.wide.set(wide);
        self.read_only.set(cx.settings.read_only);
        match wide {
            true => self.draw_wide(cx, area, canvas),
            false => self.draw_narrow(cx, area, canvas),
        }
    }

    fn takes_text(&self) -> bool {
        self.prompt.is_some()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        let prompt = self.prompt.as_mut()?;
        match prompt.key(key) {
            Typed::Changed => self.listing.filter = prompt.text().to_owned(),
            Typed::Same => return Some(Vec::new()),
            Typed::Accepted => {
                remember(&mut self.past, &self.listing.filter);
                self.prompt = None;
            }
            Typed::Cancelled => {
                self.listing.filter.clear();
                self.prompt = None;
            }
            Typed::NotMine => return None,
        }
        self.relist(state);
        Some(Vec::new())
    }

    fn paste(&mut self, text: &str, state: &State) {
        if let Some(prompt) = &mut self.prompt {
            prompt.paste(text);
            self.listing.filter = prompt.text().to_owned();
            self.relist(state);
        }
    }

    fn context(&self) -> Context {
        Context::Benchmarks
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        let detail = !self.wide.get() && self.view == View::Detail;
        let effects = match action {
            Action::Open => self.enter(state),
            Action::BenchRun => self.of_item(|item| operations::run_item(item, AGAIN, state)),
            Action::BenchSuite => operations::suites(self.known(state), self.item().map(|item| item.group)),
            Action::BenchStop => operations::stop(state),
            Action::BenchUndo => self.of_item(|item| operations::undo(item, self.known(state))),
            Action::BenchAccept => self.of_item(|item| operations::accept(item, self.known(state))),
            Action::BenchPin => self.of_item(|item| operations::pin(item, self.known(state))),
            Action::BenchForget => self.of_item(|item| operations::forget(item, self.known(state))),
            Action::BenchSave => operations::save(state),
            Action::Scorecard => vec![Effect::Open(Box::<Scorecard>::default())],
            Action::Search | Action::Filter => {
                self.prompt = Some(Prompt::new("filter", &self.listing.filter, self.past.clone()));
                self.view = View::List;
                Vec::new()
            }
            Action::Back if detail => {
                self.view = View::List;
                Vec::new()
            }
            Action::Back if !self.listing.filter.is_empty() => {
                self.listing.filter.clear();
                self.relist(state);
                Vec::new()
            }
            Action::Left if detail => {
                self.view = View::List;
                Vec::new()
            }
            Action::Right if !self.wide.get() => {
                self.view = View::Detail;
                Vec::new()
            }
            Action::Left | Action::Right if self.wide.get() => {
                self.fold(action == Action::Right, state);
                Vec::new()
            }
            Action::FocusNext | Action::FocusPrevious => self.reader.borrow().act(action).unwrap_or_default(),
            action if detail => return self.reader.borrow().act(action),
            action => return self.cursor.act(action).then(Vec::new),
        };
        Some(effects)
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        let Target::OverlayRow(at) = target else { return Vec::new() };
        let again = self.cursor.is_held() && self.cursor.position() == *at;
        self.cursor.hold(*at);
        if again { self.enter(state) } else { Vec::new() }
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let Some(prompt) = &self.prompt else { return false };
        prompt.draw(cx, area, canvas, "words of a name, a group or a verdict");
        true
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let list = !self.wide.get() && self.view == View::List;
        let enter = match (list, self.read_only.get() || self.item().is_none_or(|item| item.missing.is_some())) {
            (true, _) => Some((Action::Open, "details")),
            (false, false) => Some((Action::Open, "run")),
            (false, true) => None,
        };
        let own = [
            (Action::BenchRun, "run 3×"),
            (Action::BenchSuite, "run suite"),
            (Action::BenchStop, "stop"),
            (Action::BenchAccept, "new normal"),
            (Action::BenchUndo, "undo"),
            (Action::Scorecard, "scorecard"),
            (Action::BenchSave, "save"),
            (Action::Search, "filter"),
        ];
        enter.into_iter().chain(own).collect()
    }
}

#[cfg(test)]
mod tests;
