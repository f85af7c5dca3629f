//! The view of alerts: the list, and what is selected beside it, or below it on a small screen.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::{
        alert::{AlertSays, Scope},
        join,
    },
    request::Command,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::Key,
        table::{
            cursor::Cursor,
            prompt::{Prompt, Typed},
        },
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            frame::{Frame, frame},
            sheet::put_lines,
            text::{put_right, tint},
        },
    },
};

use super::{
    list::{self, Id, Row, View},
    operations,
    page::{self, Chosen},
};

/// From so many columns on, what is selected has a box beside the list.
const WIDE: u16 = 120;
/// Rows of what is selected below the list, and from how many rows on it has them.
const BELOW: u16 = 6;
const TALL: u16 = 16;
/// Columns of the quiet words at the right, at most.
const RIGHT: u16 = 34;

pub struct Alerts {
    ids: Vec<Id>,
    cursor: Cursor<usize>,
    /// The row under the cursor: others come and go above it.
    held: Option<Id>,
    view: View,
    /// The comment being typed, of an alert to be acknowledged.
    prompt: Option<(Prompt, Id)>,
}

impl Default for Alerts {
    fn default() -> Self {
        let view = View { children: true, seen_unix_ms: i64::MAX };
        Alerts { ids: Vec::new(), cursor: Cursor::default(), held: None, view, prompt: None }
    }
}

impl Alerts {
    fn selected(&self) -> Option<&Id> {
        self.cursor.selected().and_then(|at| self.ids.get(at))
    }

    /// Opens the view of what the selected alert is about.
    fn open(&mut self, state: &State) -> Vec<Effect> {
        let (rule, labels) = match page::chosen(state, self.selected()) {
            Chosen::Watch(watch) => (&watch.rule, &watch.labels),
            Chosen::Episode(episode) => (&episode.key.rule, &episode.labels),
            Chosen::None => return Vec::new(),
        };
        let rule = state.rules.iter().find(|other| other.id == *rule);
        match rule.and_then(|rule| join::subject_of_metric(&state.host, rule.metric, labels)) {
            Some(subject) => vec![Effect::OpenDetail(subject)],
            None => say("there is no view of what this is about"),
        }
    }

    /// Asks for a comment, or takes an acknowledgement back.
    fn acknowledge(&mut self, state: &State) -> Vec<Effect> {
        let Some(id) = self.selected().cloned() else { return say("no alert is selected") };
        let Chosen::Watch(watch) = page::chosen(state, Some(&id)) else {
            return say("only an alert that fires can be acknowledged");
        };
        self.held = Some(id.clone());
        if watch.acknowledged {
            return vec![Effect::Do(Command::Mark(AlertSays::Unacknowledge(watch.key())))];
        }
        self.prompt = Some((Prompt::new("acknowledge, with a comment:", "", Vec::new()), id));
        Vec::new()
    }

    fn silence(&mut self, state: &State) -> Vec<Effect> {
        self.held = self.selected().cloned();
        if let Some(Id::Silence(scope)) = self.selected() {
            return operations::end(scope, state);
        }
        if let Chosen::Watch(watch) = page::chosen(state, self.selected())
            && watch.silenced_until().is_some()
            && state.alerts.silences(state.host.now).any(|silence| silence.scope == Scope::One(watch.key()))
        {
            return operations::end(&Scope::One(watch.key()), state);
        }
        operations::silence(self.selected(), state)
    }

    /// What the advice offers.
    fn apply(&self, state: &State) -> Vec<Effect> {
        let Chosen::Watch(watch) = page::chosen(state, self.selected()) else { return say("no alert is selected") };
        let rule = state.rules.iter().find(|rule| rule.id == watch.rule);
        match rule {
            Some(rule) => vec![Effect::Advise(rule.metric, watch.labels.clone())],
            None => Vec::new(),
        }
    }

    fn hold(&mut self) {
        self.held = self.selected().filter(|_| self.cursor.is_held()).cloned();
    }

    fn info(&self, state: &State) -> String {
        let verdict = state.verdict();
        let grouped = state.watches.iter().filter(|watch| watch.because().is_some()).count();
        let parts = [
            (verdict.crit + verdict.warn, "firing"),
            (verdict.pending, "pending"),
            (grouped, "grouped"),
            (state.rules.iter().filter(|rule| rule.enabled).count(), "rules"),
        ];
        let words = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        words.collect::<Vec<_>>().join(" · ")
    }

    fn draw_list(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let rows = list::rows(cx, self.view);
        let height = usize::from(area.height);
        // The page moves with the cursor; what is below the last alert becomes visible with that one.
        let selected = self.selected();
        let at = rows.iter().position(|row| row.id.is_some() && row.id.as_ref() == selected).unwrap_or(0);
        let last = rows.iter().rposition(|row| row.id.is_some()).unwrap_or(0);
        let wanted = if at >= last { rows.len() } else { at + 1 };
        let top = wanted.saturating_sub(height).min(at.max(last.saturating_sub(at)));
        self.cursor.window(height.max(1));
        let mut before = rows.iter().take(top).filter(|row| row.id.is_some()).count();
        for (row, y) in rows.iter().skip(top).zip(area.y..area.bottom()) {
            let place = Rect { y, height: 1, ..area };
            draw_row(cx, place, canvas, row);
            if row.id.is_none() {
                continue;
            }
            if row.id.as_ref() == selected {
                tint(canvas.buf, place, cx.theme.style(Role::Selected));
            }
            canvas.hit(place, Target::OverlayRow(before));
            before += 1;
        }
    }
}

fn draw_row(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &Row) {
    let right = if row.right.is_empty() {
        area.right()
    } else {
        let most = RIGHT.min(area.width / 3);
        put_right(canvas.buf, area.right(), area.y, most, &row.right, cx.theme.style(Role::Faint)).saturating_sub(2)
    };
    let words = Rect { width: right.saturating_sub(area.x), ..area };
    put_lines(cx, words, canvas, std::slice::from_ref(&row.words));
}

fn say(words: &str) -> Vec<Effect> {
    vec![Effect::Say(Level::Advice, words.to_owned())]
}

impl Overlay for Alerts {
    fn title(&self, state: &State) -> String {
        format!("alerts · {}", self.info(state))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn framed(&self) -> bool {
        false
    }

    fn begin(&mut self, state: &State, _settings: &crate::config::Settings, _room: Rect) -> Vec<Command> {
        // What is new stays marked while this view is open.
        self.view.seen_unix_ms = state.alerts.seen_unix_ms;
        let until_unix_ms = state.host.now.unix_ms;
        let unseen = state.unseen().next().is_some();
        unseen.then_some(Command::Mark(AlertSays::Seen { until_unix_ms })).into_iter().collect()
    }

    fn refresh(&mut self, state: &State) {
        self.ids = list::ids(state, self.view);
        self.cursor.settle(0..self.ids.len());
        if let Some(at) = self.held.as_ref().and_then(|held| self.ids.iter().position(|id| id == held)) {
            self.cursor.hold(at);
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let chosen = page::chosen(cx.state, self.selected());
        let info = self.info(cx.state);
        let of = |title, info, focused| Frame { digit: None, title, info, badge: "", focused };
        if area.width < WIDE {
            let below = if area.height >= TALL { BELOW } else { 0 };
            let upper = Rect { height: area.height - below, ..area };
            let inside = frame(canvas.buf, upper, cx.theme, &of("alerts", &info, true));
            self.draw_list(cx, inside, canvas);
            let lower = Rect { y: upper.bottom(), height: below, ..area };
            let lines = page::brief(cx.state, &chosen, usize::from(area.width.saturating_sub(4)));
            let (title, rule) = page::title(&chosen);
            let inside = frame(canvas.buf, lower, cx.theme, &of(&title, &rule, false));
            put_lines(cx, inside, canvas, &lines);
            return;
        }
        let columns = area.width * 62 / 100;
        let left = Rect { width: columns, ..area };
        let inside = frame(canvas.buf, left, cx.theme, &of("alerts", &info, true));
        self.draw_list(cx, inside, canvas);
        let right = Rect { x: left.right() + 1, width: area.width - columns - 1, ..area };
        let upper = Rect { height: (area.height * 65 / 100).max(10).min(area.height), ..right };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..right };
        let (title, rule) = page::title(&chosen);
        let inside = frame(canvas.buf, upper, cx.theme, &of(&title, &rule, false));
        page::draw(cx, inside, canvas, &chosen);
        let inside = frame(canvas.buf, lower, cx.theme, &of("this rule in the last 30 days", "", false));
        if let Some(rule) = page::rule(&chosen) {
            page::month(cx, inside, canvas, rule);
        }
    }

    fn takes_text(&self) -> bool {
        self.prompt.is_some()
    }

    fn key(&mut self, key: Key, _state: &State) -> Option<Vec<Effect>> {
        let (prompt, id) = self.prompt.as_mut()?;
        match prompt.key(key) {
            Typed::Accepted => {
                let (comment, id) = (prompt.text().trim().to_owned(), id.clone());
                self.prompt = None;
                let Id::Alert(key) = id else { return Some(Vec::new()) };
                Some(vec![Effect::Do(Command::Mark(AlertSays::Acknowledge { key, comment }))])
            }
            Typed::Cancelled => {
                self.prompt = None;
                Some(Vec::new())
            }
            Typed::Changed | Typed::Same => Some(Vec::new()),
            Typed::NotMine => Some(Vec::new()),
        }
    }

    fn paste(&mut self, text: &str, _state: &State) {
        if let Some((prompt, _)) = &mut self.prompt {
            prompt.paste(text);
        }
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let Some((prompt, _)) = &self.prompt else { return false };
        prompt.draw(cx, area, canvas, "Enter acknowledges, Esc does not");
        true
    }

    fn context(&self) -> Context {
        Context::Alerts
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Open => return Some(self.open(state)),
            Action::Acknowledge => return Some(self.acknowledge(state)),
            Action::Silence => return Some(self.silence(state)),
            Action::Advice => return Some(self.apply(state)),
            Action::Children => {
                self.held = self.selected().cloned();
                self.view.children = !self.view.children;
                return Some(Vec::new());
            }
            _ => {}
        }
        let moved = self.cursor.act(action);
        self.hold();
        moved.then(Vec::new)
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        if let Target::OverlayRow(at) = target {
            let again = self.cursor.is_held() && self.cursor.position() == *at;
            self.cursor.hold(*at);
            self.hold();
            if again {
                return self.open(state);
            }
        }
        Vec::new()
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Open, "open"),
            (Action::Acknowledge, "acknowledge"),
            (Action::Silence, "silence"),
            (Action::Advice, "apply"),
            (Action::Children, "grouped"),
        ]
    }
}

#[cfg(test)]
mod tests;
