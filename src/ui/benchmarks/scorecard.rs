//! The scorecard: every target with its last value, its age and its verdict; what was never measured says why, and how to
//! measure it.

use std::collections::BTreeMap;

use ratatui::{layout::Rect, style::Style};

use super::operations;
use crate::{
    alert::Level,
    config::Settings,
    interest::Interest,
    model::{bench::BenchKey, run::SeriesKey, subject::Subject},
    request::Command,
    state::{
        State, levels,
        roles::is_of,
        scorecard::{Row, TargetVerdict, counts, scorecard},
        way_back,
    },
    target::{Targets, show},
    text::{elide, wrap},
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        table::cursor::Cursor,
        table::def::key_of,
        theme::{Role, Theme},
        view::{Effect, Overlay},
        widgets::{
            sheet::{SheetLine, put_lines},
            text::{put, put_right, tint},
        },
    },
    units::{ABSENT, span_short},
};

/// Columns at the right of the name: target, value, age, verdict.
const COLUMNS: [(&str, u16); 4] = [("TARGET", 15), ("VALUE", 12), ("AGE", 6), ("VERDICT", 13)];
/// Columns of a name before its words.
const NAME: usize = 12;
/// Rows below the list about the selected one.
const ABOUT: u16 = 5;

/// The view.
#[derive(Default)]
pub struct Scorecard {
    targets: Targets,
    rows: Vec<Row>,
    cursor: Cursor<u64>,
}

impl Scorecard {
    fn selected(&self) -> Option<&Row> {
        self.rows.get(self.cursor.position())
    }

    /// What is run to measure the selected one, on what it is for.
    fn bench(&self, state: &State) -> Option<BenchKey> {
        let row = self.selected()?;
        let figure = row.target.measure.benchmark.as_ref()?;
        let catalog = state.runs.catalog.as_ref()?;
        let (bench, _) = catalog.figure(figure)?;
        let fits = |of: &str| match &row.assigned {
            Some(assigned) => is_of(state, of, &assigned.value),
            None => true,
        };
        let offer = bench.offers.iter().find(|offer| offer.missing.is_none() && fits(&offer.of))?;
        Some(BenchKey { bench: bench.bench.clone(), of: offer.of.clone() })
    }

    /// Leads to the figure that measures it.
    fn open(&self) -> Vec<Effect> {
        let Some(row) = self.selected() else { return Vec::new() };
        match (&row.target.measure.benchmark, &row.measured) {
            (Some(figure), Some(measured)) => {
                let series = SeriesKey { benchmark: figure.clone(), of: measured.of.clone() };
                vec![Effect::OpenDetail(Subject::Benchmark(series))]
            }
            _ => vec![Effect::Say(Level::Advice, "no result of a benchmark is behind it".to_owned())],
        }
    }
}

/// The sign of a verdict and its colour.
fn sign(theme: &Theme, verdict: TargetVerdict) -> (char, Style) {
    let glyphs = &theme.glyphs;
    match verdict {
        TargetVerdict::Met => (glyphs.passed, theme.style(Role::Ok)),
        TargetVerdict::Missed => (glyphs.warn, theme.level(levels::target(false))),
        TargetVerdict::Stale => (glyphs.unknown, theme.style(Role::Unknown)),
        TargetVerdict::Unmeasured | TargetVerdict::Off => ('·', theme.style(Role::Dim)),
    }
}

/// `models_pool (guessed: tank/models)`.
fn assigned(row: &Row) -> String {
    let Some(role) = row.target.role else { return String::new() };
    match &row.assigned {
        Some(assigned) if assigned.guessed => format!("{} is taken to be {}: a guess", role.name(), assigned.value),
        Some(assigned) => format!("{} is {}", role.name(), assigned.value),
        None => format!("{} is not known", role.name()),
    }
}

impl Overlay for Scorecard {
    fn title(&self, _state: &State) -> String {
        let mut by: BTreeMap<&str, usize> = BTreeMap::new();
        for (verdict, count) in counts(&self.rows) {
            by.insert(verdict.word(), count);
        }
        let counts =
            ["met", "missed", "stale", "unmeasured"].map(|word| format!("{} {word}", by.get(word).unwrap_or(&0)));
        format!("scorecard · {}", counts.join(" · "))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.runs = true;
    }

    fn begin(&mut self, _state: &State, settings: &Settings, _room: Rect) -> Vec<Command> {
        self.targets = settings.targets.clone();
        Vec::new()
    }

    fn refresh(&mut self, state: &State) {
        self.rows = scorecard(state, &self.targets, state.host.now);
        self.cursor.settle(self.rows.iter().map(|row| key_of(&row.target.name)));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.height < 2 {
            return;
        }
        let about = if area.height > ABOUT * 2 { ABOUT } else { 0 };
        let mut ends = Vec::new();
        let mut right = area.right();
        for (_, columns) in COLUMNS.iter().rev() {
            ends.push(right);
            right = right.saturating_sub(*columns);
        }
        ends.reverse();
        let head = cx.theme.style(Role::TableHeader);
        put(canvas.buf, area.x + 2, area.y, right.saturating_sub(area.x + 2), "NAME", head);
        for ((title, columns), end) in COLUMNS.iter().zip(&ends) {
            match *title {
                "VERDICT" => drop(put(canvas.buf, end - columns + 2, area.y, *columns, title, head)),
                _ => drop(put_right(canvas.buf, *end, area.y, *columns, title, head)),
            }
        }
        let list = Rect { y: area.y + 1, height: area.height - 1 - about, ..area };
        for (at, y) in self.cursor.window(usize::from(list.height)).zip(list.y..list.bottom()) {
            let Some(row) = self.rows.get(at) else { continue };
            let place = Rect { y, height: 1, ..list };
            draw_row(cx, place, canvas, row, right, &ends);
            if self.cursor.position() == at {
                tint(canvas.buf, place, cx.theme.style(Role::Selected));
            }
            canvas.hit(place, Target::OverlayRow(at));
        }
        if let Some(row) = self.selected().filter(|_| about > 0) {
            let place = Rect { y: list.bottom() + 1, height: about - 1, ..area };
            put_lines(cx, place, canvas, &about_row(row, usize::from(area.width)));
        }
    }

    fn context(&self) -> Context {
        Context::Benchmarks
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Open => Some(self.open()),
            Action::Scorecard => Some(vec![Effect::Close]),
            Action::BenchRun => Some(match self.bench(state) {
                Some(key) => operations::run(vec![key; way_back::AGAIN], state),
                None => {
                    let why = self.selected().and_then(|row| row.reason.clone());
                    let why = why.unwrap_or_else(|| "no benchmark here measures it".to_owned());
                    vec![Effect::Say(Level::Advice, why)]
                }
            }),
            action => self.cursor.act(action).then(Vec::new),
        }
    }

    fn click(&mut self, target: &Target, _state: &State) -> Vec<Effect> {
        let Target::OverlayRow(at) = target else { return Vec::new() };
        let again = self.cursor.is_held() && self.cursor.position() == *at;
        self.cursor.hold(*at);
        if again { self.open() } else { Vec::new() }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "its runs"), (Action::BenchRun, "run 3×")]
    }
}

fn draw_row(cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, target: &Row, names_end: u16, ends: &[u16]) {
    let (glyph, style_of_sign) = sign(cx.theme, target.verdict);
    let is_known = target.measured.is_some();
    let dim = cx.theme.style(Role::Dim);
    let text = cx.theme.style(if is_known { Role::Text } else { Role::Dim });
    put(canvas.buf, row.x, row.y, 1, &glyph.to_string(), style_of_sign);
    let room = names_end.saturating_sub(row.x + 3);
    let used = put(canvas.buf, row.x + 2, row.y, room, &target.target.name, text);
    if let Some(assigned) = &target.assigned {
        let of = if assigned.guessed { format!("{}?", assigned.value) } else { assigned.value.clone() };
        let left = room.saturating_sub(used + 2);
        put(canvas.buf, row.x + 2 + used + 2, row.y, left, &elide(&of, usize::from(left)), dim);
    }
    let unit = target.target.unit;
    let value = target.measured.as_ref().map_or_else(|| ABSENT.to_owned(), |measured| show(unit, measured.value));
    let age = target.measured.as_ref().map_or_else(String::new, |measured| span_short(measured.age));
    let missed = target.verdict == TargetVerdict::Missed;
    let style = if missed { cx.theme.level(levels::target(false)) } else { text };
    put_right(canvas.buf, ends[0], row.y, COLUMNS[0].1 - 1, &target.target.bound.show(unit), dim);
    put_right(canvas.buf, ends[1], row.y, COLUMNS[1].1 - 1, &value, style);
    put_right(canvas.buf, ends[2], row.y, COLUMNS[2].1 - 1, &age, dim);
    let said = if missed { cx.theme.level(levels::target(false)) } else { dim };
    put(canvas.buf, ends[3] - COLUMNS[3].1 + 2, row.y, COLUMNS[3].1 - 2, target.verdict.word(), said);
}

/// Why there is no value, how it is measured, and what it is of.
fn about_row(row: &Row, columns: usize) -> Vec<SheetLine> {
    let mut lines: Vec<SheetLine> = Vec::new();
    let mut say = |name: &str, text: &str, role: Role| {
        for (at, piece) in wrap(text, columns.saturating_sub(NAME)).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            lines.push(vec![(format!("{name:<NAME$}"), Role::Dim), (piece, role)]);
        }
    };
    if let Some(reason) = &row.reason {
        say(row.verdict.word(), reason, Role::Text);
    }
    let of = row.measured.as_ref().map(|measured| measured.of.as_str()).filter(|of| !of.is_empty());
    if let Some(of) = of {
        say("on", of, Role::Text);
    }
    say("how", &row.target.how, Role::Text);
    let assigned = assigned(row);
    if !assigned.is_empty() {
        say("role", &assigned, Role::Dim);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        state::roles::Assigned,
        ui::canvas::testing::{Drawn, drawn},
    };

    /// Of a machine that measured nothing.
    fn card() -> (Scorecard, State) {
        let (mut card, state) = (Scorecard::default(), State::default());
        card.refresh(&state);
        (card, state)
    }

    fn shown(card: &Scorecard, state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| card.draw(cx, area, canvas))
    }

    #[test]
    fn the_title_counts_each_verdict() {
        let (mut card, state) = card();
        let all = card.rows.len();
        assert_eq!(card.title(&state), format!("scorecard · 0 met · 0 missed · 0 stale · {all} unmeasured"));
        (card.rows[0].verdict, card.rows[1].verdict) = (TargetVerdict::Met, TargetVerdict::Missed);
        card.rows[2].verdict = TargetVerdict::Off;
        assert_eq!(card.title(&state), format!("scorecard · 1 met · 1 missed · 0 stale · {} unmeasured", all - 3));
    }

    #[test]
    fn the_selected_target_is_explained_where_rows_are_left() {
        let (card, state) = card();
        let rows = |height| shown(&card, &state, (100, height)).hits.len();
        assert!(card.rows.len() >= 9);
        assert_eq!([rows(11), rows(10), rows(2), rows(1)], [5, 9, 1, 0]);
        let text = |height| shown(&card, &state, (100, height)).lines().join("\n");
        assert!(text(11).contains("\nhow ") && !text(10).contains("\nhow "), "{}", text(11));
    }

    #[test]
    fn what_was_not_measured_has_no_value_and_a_quiet_sign() {
        let (card, state) = card();
        let drawn = shown(&card, &state, (100, 3));
        let line = drawn.lines().remove(1);
        assert!(line.starts_with("· ") && line.contains(" – ") && line.ends_with("  unmeasured"), "{line}");
        let theme = Theme::plain();
        for (verdict, glyph, role) in [
            (TargetVerdict::Met, theme.glyphs.passed, Role::Ok),
            (TargetVerdict::Missed, theme.glyphs.warn, Role::Warn),
            (TargetVerdict::Stale, theme.glyphs.unknown, Role::Unknown),
            (TargetVerdict::Off, '·', Role::Dim),
        ] {
            assert_eq!(sign(&theme, verdict), (glyph, theme.style(role)), "{verdict:?}");
        }
    }

    #[test]
    fn a_role_says_what_has_it_and_whether_that_is_a_guess() {
        let (card, _) = card();
        let mut row = card.rows.iter().find(|row| row.target.role.is_some()).expect("one is for a role").clone();
        let role = row.target.role.expect("it has one").name();
        row.assigned = None;
        assert_eq!(assigned(&row), format!("{role} is not known"));
        let of = |guessed| Some(Assigned { value: "tank".to_owned(), guessed });
        row.assigned = of(false);
        assert_eq!(assigned(&row), format!("{role} is tank"));
        row.assigned = of(true);
        assert_eq!(assigned(&row), format!("{role} is taken to be tank: a guess"));
        row.target.role = None;
        assert_eq!(assigned(&row), "");
    }

    #[test]
    fn a_second_click_opens_what_the_first_selected() {
        let (mut card, state) = card();
        let said = |effects: &[Effect]| matches!(effects, [Effect::Say(Level::Advice, _)]);
        assert!(card.click(&Target::OverlayRow(1), &state).is_empty());
        assert_eq!(card.cursor.position(), 1);
        assert!(card.click(&Target::OverlayRow(0), &state).is_empty(), "it is another one");
        assert!(said(&card.click(&Target::OverlayRow(0), &state)), "nothing measured it yet");
        assert!(card.click(&Target::Act(Action::Open), &state).is_empty());
    }

    #[test]
    fn keys_open_measure_and_close() {
        let (mut card, state) = card();
        let mut act = |action| card.act(action, &state);
        assert!(matches!(act(Action::Open).as_deref(), Some([Effect::Say(Level::Advice, _)])));
        assert!(matches!(act(Action::BenchRun).as_deref(), Some([Effect::Say(Level::Advice, _)])), "none is offered");
        assert!(matches!(act(Action::Scorecard).as_deref(), Some([Effect::Close])));
        assert!(matches!(act(Action::Down).as_deref(), Some([])));
        assert!(act(Action::SortMenu).is_none());
        assert_eq!(card.cursor.position(), 1);
    }
    #[test]
    fn what_it_was_measured_on_is_named() {
        use crate::state::scorecard::Measured;
        let (card, _) = card();
        let named = |of: &str| {
            let measured = Measured { value: 1.0, of: of.into(), at_unix_ms: 0, age: Default::default(), is_met: true };
            let row = Row { measured: Some(measured), reason: None, ..card.rows[0].clone() };
            about_row(&row, 60).iter().map(|line| format!("{}{}", line[0].0, line[1].0)).next().unwrap_or_default()
        };
        assert_eq!(named("tank"), "on          tank");
        assert!(named("").starts_with("how         "), "the machine needs no name");
    }
}
