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
