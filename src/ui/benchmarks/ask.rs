//! The question before a run: exactly what will be done, and what speaks against it. `y` alone is a yes, and only to a plan
//! that was on the screen.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::bench::{BenchKey, CheckOutcome, Plan, RunPlan},
    request::{BenchAct, Command},
    state::{State, levels},
    text::flow,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        confirm_keys::answer,
        figures::role_of,
        ids::Key,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            sheet::{Sheet, SheetLine},
            text::put_all,
        },
    },
    units::{bytes_long, countdown},
};

/// Its width, at most.
const COLUMNS: u16 = 110;
/// Before the words of a line.
const NAME: usize = 9;

/// The question.
pub struct Ask {
    keys: Vec<BenchKey>,
    /// The plan that was there before: it is not the answer.
    before: Option<String>,
    /// The plan that the last frame showed: the yes is for this one.
    shown: RefCell<Option<String>>,
    /// As wide as the last frame made it.
    columns: Cell<u16>,
    sheet: Sheet,
}

impl Ask {
    /// Waits for the plan of these.
    #[must_use]
    pub fn new(keys: Vec<BenchKey>, before: Option<String>) -> Self {
        Ask { keys, before, shown: RefCell::default(), columns: Cell::new(COLUMNS), sheet: Sheet::default() }
    }

    /// The plan that was asked for, once it is there.
    fn plan<'a>(&self, state: &'a State) -> Option<&'a RunPlan> {
        let plan = state.runs.plan.as_ref()?;
        // The runner has an order of its own.
        let (mut asked, mut planned): (Vec<_>, Vec<_>) =
            (self.keys.iter().collect(), plan.parts.iter().map(|part| &part.key).collect());
        asked.sort();
        planned.sort();
        let is_ours = asked == planned;
        (self.before.as_ref() != Some(&plan.id) && is_ours).then_some(plan)
    }

    fn yes(&self, state: &State) -> Vec<Effect> {
        let Some(plan) = self.plan(state).filter(|plan| Some(&plan.id) == self.shown.borrow().as_ref()) else {
            return Vec::new();
        };
        if plan.is_stopped() {
            let why = "nothing is run: see what stops it".to_owned();
            return vec![Effect::Say(Level::Advice, why)];
        }
        vec![Effect::Close, Effect::Do(Command::Bench(BenchAct::Start(plan.id.clone())))]
    }

    fn lines(&self, state: &State, columns: usize) -> Vec<SheetLine> {
        match self.plan(state) {
            Some(plan) => lines(plan, state, columns),
            None => {
                vec![vec![("looking at what it will do, and whether this is a good moment…".to_owned(), Role::Dim)]]
            }
        }
    }
}

/// How often each is run, in the order of the plan.
fn parts(plan: &RunPlan) -> Vec<(&BenchKey, usize, &Result<Plan, String>)> {
    let mut parts: Vec<(&BenchKey, usize, &Result<Plan, String>)> = Vec::new();
    for part in &plan.parts {
        match parts.iter_mut().find(|(key, ..)| **key == part.key) {
            Some((_, times, _)) => *times += 1,
            None => parts.push((&part.key, 1, &part.plan)),
        }
    }
    parts
}

/// Checks first, for they decide; then each benchmark with its steps.
fn lines(plan: &RunPlan, state: &State, columns: usize) -> Vec<SheetLine> {
    let mut lines = Vec::new();
    for check in &plan.checks {
        let (word, role) = match check.outcome {
            outcome @ CheckOutcome::Stops => ("stops", role_of(levels::check(outcome), Role::Text)),
            outcome @ CheckOutcome::Warns => ("warning", role_of(levels::check(outcome), Role::Text)),
            CheckOutcome::Passed => ("ok", Role::Ok),
        };
        let text = if check.outcome == CheckOutcome::Passed { Role::Dim } else { Role::Text };
        push(&mut lines, word, role, &check.text, text, columns);
    }
    if !plan.checks.is_empty() {
        lines.push(Vec::new());
    }
    for (key, times, part) in parts(plan) {
        let again = if times > 1 { format!(", {times} times") } else { String::new() };
        match part {
            Ok(part) => {
                let time = duration(part.time);
                let title = format!("{}{again}", state.runs.name(key));
                lines.push(vec![(title, Role::Strong), (format!("  up to {time}{}", costs(part)), Role::Dim)]);
                for step in &part.steps {
                    push(&mut lines, "", Role::Dim, step, Role::Text, columns);
                }
            }
            Err(why) => {
                lines.push(vec![(state.runs.name(key), Role::Strong), ("  is left out".to_owned(), Role::Dim)]);
                push(&mut lines, "", Role::Dim, why, Role::Dim, columns);
            }
        }
    }
    lines
}

/// What a step or a check says, wrapped beside its word.
fn push(lines: &mut Vec<SheetLine>, word: &str, role: Role, text: &str, text_role: Role, columns: usize) {
    let indent = if word.is_empty() { 2 } else { NAME };
    for (at, piece) in flow(text.split(' '), columns.saturating_sub(indent)).into_iter().enumerate() {
        let word = if at == 0 { word } else { "" };
        lines.push(vec![(format!("{word:<indent$}"), role), (piece, text_role)]);
    }
}

/// ` · writes 4.0 GiB to /srv/bench`.
fn costs(plan: &Plan) -> String {
    if plan.writes == 0 {
        return String::new();
    }
    let place = plan.place.as_ref().map_or_else(String::new, |place| format!(" to {place}"));
    format!(" · writes up to {}{place}", bytes_long(plan.writes as f64))
}

fn duration(time: Duration) -> String {
    countdown(time)
}

impl Overlay for Ask {
    fn title(&self, state: &State) -> String {
        let what = match self.keys.as_slice() {
            [one] => state.runs.name(one),
            [one, rest @ ..] if rest.iter().all(|key| key == one) => {
                format!("{}, {} times", state.runs.name(one), self.keys.len())
            }
            keys => format!("{} benchmarks", keys.len()),
        };
        format!("run {what}?")
    }

    fn size(&self, state: &State) -> (u16, u16) {
        let lines = self.lines(state, usize::from(self.columns.get()));
        (COLUMNS, u16::try_from(lines.len() + 3).unwrap_or(u16::MAX))
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let plan = self.plan(cx.state);
        self.columns.set(area.width);
        self.shown.replace(plan.map(|plan| plan.id.clone()));
        let lines = self.lines(cx.state, usize::from(area.width));
        let list = Rect { height: area.height.saturating_sub(3), ..area };
        self.sheet.draw(cx, list, canvas, &lines);
        let Some(plan) = plan.filter(|_| area.height > 2) else { return };
        let (key, text, dim) = (cx.theme.style(Role::Key), cx.theme.style(Role::Text), cx.theme.style(Role::Dim));
        let writes = match plan.writes() {
            0 => String::new(),
            bytes => format!(", {} written", bytes_long(bytes as f64)),
        };
        let sum = format!("at most {}{writes} in all; x stops it within a second", duration(plan.time()));
        put_all(canvas.buf, area.x, area.bottom() - 2, area.width, &[(sum.as_str(), dim)]);
        let pieces: &[(&str, _)] = match plan.is_stopped() {
            true => &[("esc", key), (" back", text)],
            false => &[("y", key), (" yes   ", text), ("n", key), (" no", text)],
        };
        put_all(canvas.buf, area.x, area.bottom() - 1, area.width, pieces);
    }

    fn is_question(&self) -> bool {
        true
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        Some(if answer(key)? { self.yes(state) } else { vec![Effect::Close] })
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        // One question at a time.
        if action == Action::Undo {
            return Some(Vec::new());
        }
        self.sheet.act(action).then(Vec::new)
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let (key, text) = (cx.theme.style(Role::Key), cx.theme.style(Role::KeyText));
        let yes = [("y", key), (" yes   ", text)];
        let no = [("n", key), (" ", text), ("enter", key), (" ", text), ("esc", key), (" no", text)];
        let pieces: Vec<_> = match self.plan(cx.state).is_some_and(|plan| !plan.is_stopped()) {
            true => yes.into_iter().chain(no).collect(),
            false => no.to_vec(),
        };
        put_all(canvas.buf, area.x + 1, area.y, area.width.saturating_sub(2), &pieces);
        true
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;
    use crate::{
        model::bench::Check,
        ui::{
            benchmarks::testing::{effects, key, plan, state},
            canvas::testing::{Drawn, drawn},
        },
    };

    fn asked() -> (State, Ask) {
        let keys = vec![key("random", "tank"), key("start", ""), key("random", "tank")];
        (state(), Ask::new(keys, Some("plan-0".to_owned())))
    }

    fn planned() -> (State, Ask) {
        let (mut state, ask) = asked();
        state.runs.plan = Some(plan(&[key("start", ""), key("random", "tank"), key("random", "tank")], 1 << 30));
        (state, ask)
    }

    fn shown(ask: &Ask, state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| ask.draw(cx, area, canvas))
    }

    fn press(ask: &mut Ask, state: &State, code: KeyCode) -> Option<Vec<String>> {
        ask.key(Key::new(code, KeyModifiers::NONE), state).map(|done| effects(&done, state))
    }

    #[test]
    fn a_question_waits_for_its_own_plan() {
        let (mut state, ask) = asked();
        let waits = "looking at what it will do, and whether this is a good moment…";
        let line = |state: &State| shown(&ask, state, (70, 9)).line();
        assert_eq!(line(&state), waits);
        state.runs.plan = Some(RunPlan { id: "plan-0".to_owned(), ..planned().0.runs.plan.unwrap() });
        assert_eq!(line(&state), waits, "the plan that was there before");
        state.runs.plan = Some(plan(&[key("start", "")], 0));
        assert_eq!(line(&state), waits, "one of something else");
        assert_eq!(line(&planned().0), "start  up to 1m00s · writes up to 1.0 GiB");
    }

    #[test]
    fn a_plan_is_shown_with_its_steps_and_its_sum() {
        let (mut state, ask) = planned();
        let all = shown(&ask, &state, (60, 9));
        assert_eq!(
            all.lines(),
            [
                "start  up to 1m00s · writes up to 1.0 GiB",
                "  measures start",
                "tank random 4k, 2 times  up to 1m00s · writes up to 1.0 GiB",
                "  measures random",
                "",
                "",
                "",
                "at most 3m00s, 3.0 GiB written in all; x stops it within a …",
                "y yes   n no",
            ]
        );
        assert_eq!(
            [
                all.role_of("start"),
                all.role_of("  up to"),
                all.role_of("measures"),
                all.role_of("at most"),
                all.role_of("y yes"),
                all.role_of("yes")
            ],
            [Role::Strong, Role::Dim, Role::Text, Role::Dim, Role::Key, Role::Text].map(Some)
        );
        assert_eq!(shown(&ask, &state, (60, 3)).lines()[2], "y yes   n no");
        assert_eq!(shown(&ask, &state, (60, 2)).lines(), ["", ""], "there is no room for an answer");
        state.runs.plan.as_mut().unwrap().parts.iter_mut().for_each(|part| part.plan.as_mut().unwrap().writes = 0);
        let dry = shown(&ask, &state, (70, 9)).lines();
        assert_eq!(
            (dry[0].as_str(), dry[7].as_str()),
            ("start  up to 1m00s", "at most 3m00s in all; x stops it within a second")
        );
        state.runs.plan.as_mut().unwrap().parts[0].plan = Err("no engine".to_owned());
        let less = shown(&ask, &state, (70, 9));
        assert_eq!(less.lines()[..2], ["start  is left out", "  no engine"]);
        assert_eq!((less.role_of("no engine"), less.lines()[7].starts_with("at most 2m00s")), (Some(Role::Dim), true));
    }

    #[test]
    fn a_cost_names_its_place() {
        let of =
            |writes, place: Option<&str>| costs(&Plan { writes, place: place.map(str::to_owned), ..Plan::default() });
        assert_eq!(of(0, Some("/srv")), "");
        assert_eq!(of(1 << 30, None), " · writes up to 1.0 GiB");
        assert_eq!(of(1 << 30, Some("/srv")), " · writes up to 1.0 GiB to /srv");
    }

    #[test]
    fn checks_come_first_and_one_may_stop_it() {
        let (mut state, mut ask) = planned();
        let check = |outcome, text: &str| Check { outcome, text: text.to_owned() };
        state.runs.plan.as_mut().unwrap().checks = vec![
            check(CheckOutcome::Passed, "room enough"),
            check(CheckOutcome::Warns, "it is busy now, more than it is at other times"),
        ];
        let warned = shown(&ask, &state, (40, 12));
        assert_eq!(
            warned.lines()[..4],
            ["ok       room enough", "warning  it is busy now, more than it is", "         at other times", ""]
        );
        assert_eq!(
            [warned.role_of("ok"), warned.role_of("room"), warned.role_of("warning"), warned.role_of("it is busy")],
            [Role::Ok, Role::Dim, Role::Warn, Role::Text].map(Some)
        );
        state.runs.plan.as_mut().unwrap().checks.push(check(CheckOutcome::Stops, "a scrub runs"));
        let stopped = shown(&ask, &state, (40, 12));
        assert_eq!((stopped.role_of("stops"), stopped.lines()[11].as_str()), (Some(Role::Crit), "esc back"));
        assert_eq!(press(&mut ask, &state, KeyCode::Char('y')), Some(vec!["nothing is run: see what stops it".into()]));
        let footer = drawn(&state, (40, 1), |cx, area, canvas| assert!(ask.footer(cx, area, canvas)));
        assert_eq!(footer.line(), " n enter esc no");
    }

    #[test]
    fn a_yes_is_for_the_plan_that_was_seen() {
        let (state, mut ask) = planned();
        assert!(ask.is_question() && ask.takes_text());
        assert_eq!(press(&mut ask, &state, KeyCode::Char('y')), Some(vec![]), "it was not drawn");
        shown(&ask, &state, (60, 9));
        let mut later = state.clone();
        later.runs.plan.as_mut().unwrap().id = "plan-2".to_owned();
        assert_eq!(press(&mut ask, &later, KeyCode::Char('y')), Some(vec![]), "it is another one now");
        assert_eq!(
            press(&mut ask, &state, KeyCode::Char('y')),
            Some(vec!["closes".into(), "Start(\"plan-1\")".into()])
        );
        assert_eq!(press(&mut ask, &state, KeyCode::Char('n')), Some(vec!["closes".into()]));
        assert_eq!(press(&mut ask, &state, KeyCode::Char('x')), None);
        let footer = drawn(&state, (40, 1), |cx, area, canvas| assert!(ask.footer(cx, area, canvas)));
        assert_eq!(
            (footer.line(), footer.role_of("enter"), footer.role_of("esc no")),
            (" y yes   n enter esc no".to_owned(), Some(Role::Key), Some(Role::Key))
        );
    }

    #[test]
    fn a_long_plan_is_scrolled() {
        let (state, mut ask) = planned();
        shown(&ask, &state, (60, 5));
        assert!(ask.act(Action::Down, &state).is_some_and(|effects| effects.is_empty()));
        assert_eq!(shown(&ask, &state, (60, 5)).lines()[0].trim_end_matches(['↑', ' ']), "  measures start");
        assert!(ask.act(Action::Undo, &state).is_some_and(|effects| effects.is_empty()), "one question at a time");
        assert!(ask.act(Action::Tree, &state).is_none());
    }

    #[test]
    fn the_title_says_what_and_how_often() {
        let (state, ask) = planned();
        let title = |keys: &[BenchKey]| Ask::new(keys.to_vec(), None).title(&state);
        let (start, random) = (key("start", ""), key("random", "tank"));
        assert_eq!(title(std::slice::from_ref(&start)), "run start?");
        assert_eq!(title(&[random.clone(), random.clone()]), "run tank random 4k, 2 times?");
        assert_eq!(title(&[start, random]), "run 2 benchmarks?");
        assert_eq!(title(&[]), "run 0 benchmarks?");
        assert_eq!(ask.size(&state), (110, 4 + 3));
        shown(&ask, &state, (12, 20));
        assert_eq!(ask.size(&state), (110, 6 + 3), "steps are broken at the width of the last frame");
    }
}
