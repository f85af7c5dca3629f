//! Keys, clicks and the wheel become actions; actions change the screen or become commands.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{
    Opened, Ui,
    action::{Action, Context},
    canvas::Target,
    ids::Key,
    overlays::{OVERLAYS, advice, confirm::Confirm, details},
    theme::Theme,
    view::{Effect, Message, Overlay, To},
};
use crate::{
    alert::Level,
    config::save::Save,
    request::{Command, Job},
    state::State,
};

/// Steps of the refresh rate.
const PACES_MS: [u64; 11] = [100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 30_000, 60_000];

/// Overlays that are kept to go back to; links may lead round and round.
const MOST_OPEN: usize = 32;

impl Ui {
    /// A key, a click, pasted text: what the outside world is to do about it.
    pub fn input(&mut self, input: &Input, state: &State) -> Vec<Command> {
        let mut out = Vec::new();
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => {
                self.said = None;
                self.key(*key, state, &mut out);
            }
            Input::Mouse(mouse) if self.settings.mouse => self.mouse(*mouse, state, &mut out),
            Input::Paste(text) if self.takes_text() => match self.overlays.last_mut() {
                Some(top) => top.overlay.paste(text, state),
                None => self.slots[self.focus].pane.paste(text, state),
            },
            _ => {}
        }
        out
    }

    /// True while typed characters are text, not keys of the map.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        match self.overlays.last() {
            Some(top) => top.overlay.takes_text(),
            None => self.slots.get(self.focus).is_some_and(|s| s.pane.takes_text()),
        }
    }

    /// True while the question on top was not on the screen yet: what is typed was not typed for it.
    fn is_question_unseen(&self) -> bool {
        self.unseen && self.overlays.last().is_some_and(|top| top.overlay.is_question())
    }

    fn key(&mut self, key: Key, state: &State, out: &mut Vec<Command>) {
        // Ways out stay open: they do nothing to the machine.
        let leaves = key.code == KeyCode::Esc || key.modifiers.contains(KeyModifiers::CONTROL);
        if self.is_question_unseen() && !leaves {
            return;
        }
        if self.takes_text() {
            let effects = match self.overlays.last_mut() {
                Some(top) => top.overlay.key(key, state),
                None => self.slots.get_mut(self.focus).and_then(|s| s.pane.key(key, state)),
            };
            if let Some(effects) = effects {
                self.apply(effects, state, out);
                return;
            }
        }
        if let Some(action) = self.keymap.action(&key, self.context()) {
            self.act(action, state, out);
        }
    }

    /// Where keys mean something now.
    fn context(&self) -> Context {
        match self.overlays.last() {
            Some(top) => top.overlay.context(),
            None => self.slots.get(self.focus).map_or(Context::List, |s| s.pane.context()),
        }
    }

    fn act(&mut self, action: Action, state: &State, out: &mut Vec<Command>) {
        if let Some(top) = self.overlays.last_mut() {
            if let Some(effects) = top.overlay.act(action, state) {
                self.apply(effects, state, out);
            } else if action == Action::Back || top.by == Some(action) {
                self.overlays.pop();
            } else if action.def().is_some_and(|def| def.global) {
                self.global_action(action, state, out);
            }
            return;
        }
        if action == Action::Back && self.zoomed {
            self.zoomed = false;
            return;
        }
        if let Some(slot) = self.slots.get_mut(self.focus)
            && let Some(effects) = slot.pane.act(action, state, &self.settings)
        {
            self.apply(effects, state, out);
            return;
        }
        self.global_action(action, state, out);
    }

    /// What an action means when neither overlay nor pane answered.
    fn global_action(&mut self, action: Action, state: &State, out: &mut Vec<Command>) {
        match action {
            Action::Quit => out.push(Command::Quit),
            Action::Suspend => out.push(Command::Suspend),
            Action::Redraw => out.push(Command::Redraw),
            Action::Undo => match &self.undo {
                Some(job) => {
                    let question = Effect::Open(Box::new(Confirm::undo(job.clone())));
                    self.apply(vec![question], state, out);
                }
                None => self.say(Level::Advice, "nothing to undo"),
            },
            Action::Focus(digit) => self.focus_digit(digit),
            Action::FocusNext => self.focus_by(1),
            Action::FocusPrevious => self.focus_by(-1),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Pause => {
                self.paused = !self.paused;
                let text = if self.paused { "paused" } else { "resumed" };
                self.say(Level::Ok, text);
            }
            Action::Faster => self.pace(false),
            Action::Slower => self.pace(true),
            Action::Save => self.save(None, out),
            action => {
                if let Some(def) = OVERLAYS.iter().find(|def| def.action == action) {
                    let overlay = (def.open)(&self.theme, &self.themes);
                    self.open(overlay, Some(action), state, out);
                }
            }
        }
    }

    /// Asks for settings to be saved: a file is written, so not here.
    fn save(&mut self, paths: Option<&[&'static str]>, out: &mut Vec<Command>) {
        let changes = self.changes(paths);
        if changes.is_empty() {
            return self.say(Level::Ok, "nothing was changed on the screen: nothing to save");
        }
        out.push(Command::Job(Job::Save(Save { saving: self.settings.saving.clone(), changes })));
    }

    fn apply_theme(&mut self, theme: Theme) {
        self.settings.theme.clone_from(&theme.name);
        self.theme = theme;
    }

    fn pace(&mut self, slower: bool) {
        let now = u64::try_from(self.settings.refresh.as_millis()).unwrap_or(u64::MAX);
        let next = if slower {
            PACES_MS.into_iter().find(|p| *p > now)
        } else {
            PACES_MS.into_iter().rev().find(|p| *p < now)
        };
        if let Some(ms) = next {
            self.settings.refresh = Duration::from_millis(ms);
        }
        let shown = self.settings.refresh;
        let text = if shown < Duration::from_secs(1) {
            format!("{} ms", shown.as_millis())
        } else {
            format!("{} s", shown.as_secs())
        };
        self.say(Level::Ok, format!("refresh every {text}"));
    }

    fn focus_digit(&mut self, digit: u8) {
        match usize::from(digit).checked_sub(1).and_then(|at| self.numbered.get(at)) {
            Some(slot) => {
                self.focus = *slot;
                // What the screen has no room for fills it.
                self.zoomed |= !self.shown.contains(slot);
            }
            None => self.say(Level::Advice, format!("no pane {digit}")),
        }
    }

    /// The next pane in reading order; those that the screen has no room for are passed over unless zoomed.
    fn focus_by(&mut self, by: isize) {
        let order: Vec<usize> = self
            .rows
            .iter()
            .flatten()
            .map(|(slot, _)| *slot)
            .filter(|slot| self.zoomed || self.shown.contains(slot))
            .collect();
        let Some(count) = isize::try_from(order.len()).ok().filter(|c| *c > 0) else { return };
        let at = order.iter().position(|s| *s == self.focus).and_then(|p| isize::try_from(p).ok()).unwrap_or(0);
        self.focus = order[(at + by).rem_euclid(count) as usize];
    }

    fn mouse(&mut self, mouse: MouseEvent, state: &State, out: &mut Vec<Command>) {
        let wheel = match mouse.kind {
            MouseEventKind::ScrollUp => Some(Action::Up),
            MouseEventKind::ScrollDown => Some(Action::Down),
            MouseEventKind::Down(MouseButton::Left) => None,
            _ => return,
        };
        let at = Position::new(mouse.column, mouse.row);
        match wheel {
            Some(action) => self.wheel(action, at, state, out),
            None => self.click(at, state, out),
        }
    }

    fn wheel(&mut self, action: Action, at: Position, state: &State, out: &mut Vec<Command>) {
        const STEPS: u8 = 3;
        for _ in 0..STEPS {
            if !self.overlays.is_empty() {
                self.act(action, state, out);
                continue;
            }
            let pane = self.hits.iter().rev().find_map(|(area, target)| match target {
                Target::Pane(pane) if area.contains(at) => Some(*pane),
                _ => None,
            });
            let effects = self
                .slots
                .iter_mut()
                .find(|s| Some(s.def.id) == pane)
                .and_then(|s| s.pane.act(action, state, &self.settings));
            self.apply(effects.unwrap_or_default(), state, out);
        }
    }

    fn click(&mut self, at: Position, state: &State, out: &mut Vec<Command>) {
        self.said = None;
        let from = self.overlay_hits.min(self.hits.len());
        let Some((_, target)) = self.hits[from..].iter().rev().find(|(area, _)| area.contains(at)) else { return };
        let target = target.clone();
        if let Target::Act(action) = target {
            self.act(action, state, out);
            return;
        }
        if self.is_question_unseen() {
            return;
        }
        if let Target::Link(subject) = target {
            self.apply(vec![Effect::OpenDetail(subject)], state, out);
            return;
        }
        if let Some(top) = self.overlays.last_mut() {
            let effects = top.overlay.click(&target, state);
            self.apply(effects, state, out);
            return;
        }
        let (Target::Pane(pane) | Target::Row(pane, _) | Target::Column(pane, _)) = target else { return };
        let Some(slot) = self.slots.iter().position(|s| s.def.id == pane) else { return };
        self.focus = slot;
        if !matches!(target, Target::Pane(_)) {
            let effects = self.slots[slot].pane.click(&target, state);
            self.apply(effects, state, out);
        }
    }

    fn receive(&mut self, to: To, message: Message) {
        match to {
            To::Pane(pane) => {
                if let Some(slot) = self.slots.iter_mut().find(|s| s.def.id == pane) {
                    slot.pane.receive(message);
                }
            }
            To::Top => {
                if let Some(top) = self.overlays.last_mut() {
                    top.overlay.receive(message);
                }
            }
        }
    }

    fn open(&mut self, mut overlay: Box<dyn Overlay>, by: Option<Action>, state: &State, out: &mut Vec<Command>) {
        if self.overlays.len() == MOST_OPEN {
            self.overlays.remove(0);
        }
        out.extend(overlay.begin(state, &self.settings, self.body));
        overlay.refresh(state);
        self.unseen |= overlay.is_question();
        self.overlays.push(Opened { overlay, by });
    }

    fn apply(&mut self, effects: Vec<Effect>, state: &State, out: &mut Vec<Command>) {
        for effect in effects {
            match effect {
                Effect::Do(command) => out.push(command),
                Effect::Open(overlay) => self.open(overlay, None, state, out),
                Effect::OpenDetail(subject) => match details::open(&subject, state) {
                    Some(overlay) => self.open(overlay, None, state, out),
                    None => self.say(Level::Advice, "there is no view of this, or it is gone"),
                },
                Effect::Advise(metric, labels) => {
                    let effects = advice::offer(metric, &labels, state);
                    self.apply(effects, state, out);
                }
                Effect::Close => drop(self.overlays.pop()),
                Effect::Say(level, text) => self.say(level, text),
                Effect::Theme(theme) => self.apply_theme(*theme),
                Effect::Save(paths) => self.save(Some(&paths), out),
                Effect::Send(to, message) => self.receive(to, message),
            }
        }
    }
}

#[cfg(test)]
mod tests;
