//! The question before anything that changes the machine. It lists each target and says whether it
//! can be undone. `y` alone is a yes: a key that is pressed out of habit answers nothing.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    request::{Command, Job},
    state::State,
    text::width,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx},
        confirm_keys::answer,
        ids::Key,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            sheet::{Sheet, SheetLine},
            text::put_all,
        },
    },
};

/// Another question in place of this one, where a key asks for it.
type Turn = Box<dyn Fn(Action, &State) -> Option<Confirm>>;

/// What follows a yes.
type Then = Box<dyn Fn(&State) -> Vec<Effect>>;

/// The question.
pub struct Confirm {
    title: String,
    lines: Vec<SheetLine>,
    job: Job,
    /// It undoes an operation itself: only its report says how that is undone in turn.
    undoes: bool,
    turn: Option<Turn>,
    /// What follows the yes.
    then: Option<Then>,
    context: Context,
    sheet: Sheet,
}

impl Confirm {
    /// Asks whether `job` is to be carried out; `lines` name what it is done to.
    #[must_use]
    pub fn new(title: String, lines: Vec<SheetLine>, job: Job) -> Self {
        let (undoes, turn, context) = (false, None, Context::List);
        Confirm { title, lines, job, undoes, turn, then: None, context, sheet: Sheet::default() }
    }

    /// Asks whether the last operation is to be undone by `job`.
    #[must_use]
    pub fn undo(job: Job) -> Self {
        let each = match &job {
            Job::All(jobs) => jobs.iter().map(Job::phrase).collect(),
            one => vec![one.phrase()],
        };
        let lines = each.into_iter().map(|phrase| vec![(phrase, Role::Strong)]).collect();
        Confirm { undoes: true, ..Confirm::new("undo the last operation?".to_owned(), lines, job) }
    }

    /// The same question with actions of `context` that change it.
    #[must_use]
    pub fn turning(self, context: Context, turn: impl Fn(Action, &State) -> Option<Confirm> + 'static) -> Self {
        Confirm { turn: Some(Box::new(turn)), context, ..self }
    }

    /// The same question; `then` follows the operation once it has begun.
    #[must_use]
    pub fn followed(self, then: impl Fn(&State) -> Vec<Effect> + 'static) -> Self {
        Confirm { then: Some(Box::new(then)), ..self }
    }

    fn yes(&self, state: &State) -> Vec<Effect> {
        let said = Effect::Say(Level::Ok, format!("{}…", self.job.phrase()));
        let then = self.then.as_ref().map(|then| then(state)).unwrap_or_default();
        [Effect::Close, said, Effect::Do(Command::Job(self.job.clone()))].into_iter().chain(then).collect()
    }

    /// Whether there is a way back, in one line.
    fn way_back(&self, cx: &DrawCx<'_>) -> SheetLine {
        let text = match (self.undoes, self.job.is_undoable(), cx.keys.key_of(Action::Undo)) {
            (true, ..) => return Vec::new(),
            (_, true, Some(key)) => format!("{key} undoes it"),
            (_, true, None) => return Vec::new(),
            (_, false, _) => "this cannot be undone".to_owned(),
        };
        vec![(text, Role::Dim)]
    }
}

impl Overlay for Confirm {
    fn title(&self, _state: &State) -> String {
        self.title.clone()
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        let line = |l: &SheetLine| l.iter().map(|(text, _)| width(text)).sum::<usize>();
        let columns = self.lines.iter().map(line).max().unwrap_or(0).max(width(&self.title) + 4).clamp(40, 100);
        (columns as u16, u16::try_from(self.lines.len() + 3).unwrap_or(u16::MAX))
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let below = 2.min(area.height.saturating_sub(1));
        let list = Rect { height: area.height - below, ..area };
        let mut lines = self.lines.clone();
        lines.push(self.way_back(cx));
        self.sheet.draw(cx, list, canvas, &lines);
        if area.height > 1 {
            let (key, text) = (cx.theme.style(Role::Key), cx.theme.style(Role::Text));
            let pieces = [("y", key), (" yes   ", text), ("n", key), (" no", text)];
            put_all(canvas.buf, area.x, area.bottom() - 1, area.width, &pieces);
        }
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

    fn context(&self) -> Context {
        self.context
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        if let Some(next) = self.turn.as_ref().and_then(|turn| turn(action, state)) {
            *self = next;
            return Some(Vec::new());
        }
        // One question at a time.
        if action == Action::Undo {
            return Some(Vec::new());
        }
        self.sheet.act(action).then(Vec::new)
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let (key, text) = (cx.theme.style(Role::Key), cx.theme.style(Role::KeyText));
        let pieces = [
            ("y", key),
            (" yes", text),
            ("   n", key),
            (" ", text),
            ("enter", key),
            (" ", text),
            ("esc", key),
            (" no", text),
        ];
        put_all(canvas.buf, area.x + 1, area.y, area.width.saturating_sub(2), &pieces);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;
    use crate::{
        request::PoolAct,
        ui::{
            canvas::testing::{Drawn, Look, drawn},
            keymap::Keymap,
        },
    };

    fn scrub(pool: &str) -> Job {
        Job::Pool { pool: pool.into(), act: PoolAct::Scrub }
    }

    /// What cannot be undone.
    fn stop(pool: &str) -> Job {
        Job::Pool { pool: pool.into(), act: PoolAct::Clear }
    }

    fn ask(job: Job) -> Confirm {
        Confirm::new("scrub?".to_owned(), vec![vec![("pool tank".to_owned(), Role::Strong)]], job)
    }

    fn shown(confirm: &Confirm, size: (u16, u16)) -> Drawn {
        Look::keyed().draw(&State::default(), size, |cx, area, canvas| confirm.draw(cx, area, canvas))
    }

    fn press(confirm: &mut Confirm, code: KeyCode) -> Option<Vec<Effect>> {
        confirm.key(Key::new(code, KeyModifiers::NONE), &State::default())
    }

    #[test]
    fn a_question_says_whether_there_is_a_way_back() {
        let undo = shown(&ask(scrub("tank")), (40, 5));
        assert_eq!(undo.lines(), ["pool tank", "ctrl-u undoes it", "", "", "y yes   n no"]);
        assert_eq!(
            [undo.role_of("ctrl-u"), undo.role_of("y yes"), undo.role_of("yes")],
            [Role::Dim, Role::Key, Role::Text].map(Some)
        );
        assert_eq!(shown(&ask(stop("tank")), (40, 5)).lines()[1], "this cannot be undone");
        assert_eq!(shown(&Confirm::undo(stop("tank")), (40, 5)).lines()[1], "", "only its report says so");
        let keys = Keymap::new(&BTreeMap::from([("undo".to_owned(), Vec::new())]), false, false).unwrap();
        let look = Look { keys, ..Look::default() };
        let confirm = ask(scrub("tank"));
        let lines = look.draw(&State::default(), (40, 5), |cx, area, canvas| confirm.draw(cx, area, canvas)).lines();
        assert_eq!(lines[1], "", "no key undoes it");
    }

    #[test]
    fn answers_keep_their_row_and_targets_scroll() {
        let lines = (0..9).map(|at| vec![(format!("pool {at}"), Role::Strong)]).collect();
        let mut confirm = Confirm::new("scrub?".to_owned(), lines, scrub("tank"));
        assert_eq!(shown(&confirm, (10, 4)).lines(), ["pool 0", "pool 1   ↓", "", "y yes   n…"]);
        assert!(confirm.act(Action::Down, &State::default()).is_some());
        assert_eq!(shown(&confirm, (10, 4)).lines()[0], "pool 1   ↑");
        assert_eq!(shown(&confirm, (10, 2)).lines(), ["pool 1   ↓", "y yes   n…"]);
        assert_eq!(shown(&confirm, (10, 1)).lines(), ["pool 1   ↓"]);
        assert!(
            confirm.act(Action::Undo, &State::default()).is_some_and(|effects| effects.is_empty()),
            "one at a time"
        );
        assert!(confirm.act(Action::Tree, &State::default()).is_none());
    }

    #[test]
    fn a_yes_does_it_and_then_what_follows() {
        let mut confirm = ask(scrub("tank")).followed(|_| vec![Effect::Save(vec!["then"])]);
        assert!(confirm.is_question() && confirm.takes_text());
        let effects = press(&mut confirm, KeyCode::Char('y')).unwrap();
        let [Effect::Close, Effect::Say(Level::Ok, said), Effect::Do(Command::Job(job)), Effect::Save(_)] =
            &effects[..]
        else {
            panic!("closes, says it, does it, and what follows")
        };
        assert_eq!((said.as_str(), job), ("scrub tank…", &scrub("tank")));
        assert!(matches!(press(&mut confirm, KeyCode::Char('n')).as_deref(), Some([Effect::Close])));
        assert!(press(&mut confirm, KeyCode::Char('x')).is_none());
    }

    #[test]
    fn an_action_turns_one_question_into_another() {
        let mut confirm = ask(scrub("tank")).turning(Context::Processes, |action, _| {
            (action == Action::Signal).then(|| Confirm::new("another?".to_owned(), Vec::new(), stop("tank")))
        });
        assert_eq!((confirm.context(), confirm.title(&State::default())), (Context::Processes, "scrub?".to_owned()));
        assert!(confirm.act(Action::Signal, &State::default()).is_some());
        assert_eq!((confirm.context(), confirm.title(&State::default())), (Context::List, "another?".to_owned()));
    }

    #[test]
    fn each_operation_to_be_undone_has_a_line() {
        let all = Confirm::undo(Job::All(vec![scrub("tank"), scrub("backup")]));
        assert_eq!(shown(&all, (30, 5)).lines()[..3], ["scrub tank", "scrub backup", ""]);
        assert_eq!(
            (all.size(&State::default()), all.title(&State::default())),
            ((40, 5), "undo the last operation?".to_owned())
        );
        let wide = |columns: usize| {
            let line = vec![("a".repeat(columns), Role::Text), ("bcd".to_owned(), Role::Dim)];
            Confirm::new("t".repeat(50), vec![line], scrub("tank")).size(&State::default())
        };
        assert_eq!((wide(10), wide(80), wide(120)), ((54, 4), (83, 4), (100, 4)));
    }

    #[test]
    fn the_footer_names_every_key_that_is_a_no() {
        let confirm = ask(scrub("tank"));
        let drawn = drawn(&State::default(), (40, 1), |cx, area, canvas| assert!(confirm.footer(cx, area, canvas)));
        assert_eq!(drawn.line(), " y yes   n enter esc no");
        assert_eq!((drawn.role_of("enter"), drawn.role_of("yes")), (Some(Role::Key), Some(Role::KeyText)));
    }
}
