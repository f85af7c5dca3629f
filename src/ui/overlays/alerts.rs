//! Alerts: those that fire with their age, then those that are pending, then sources without data. One can be acknowledged:
//! it stays in the list and leaves the verdict until it is over or gets worse.

use ratatui::layout::Rect;

use crate::{
    alert::{AlertKey, Level, Watch},
    model::{join, source::SourceId},
    request::Command,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        header,
        table::cursor::Cursor,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            notice,
            sheet::{SheetLine, heading, put_lines},
            text::tint,
        },
    },
    units::{countdown, span},
};

/// Columns of the age, and of a source's name.
const AGE: usize = 9;
const NAME: usize = 15;

#[derive(Default)]
pub struct Alerts {
    /// Alerts in the order of the list, by their place in it.
    keys: Vec<AlertKey>,
    cursor: Cursor<usize>,
    /// The alert under the cursor: others come and go above it.
    held: Option<AlertKey>,
}

/// One line of the list, and the alert that it is of.
struct Line {
    words: SheetLine,
    alert: Option<usize>,
}

impl Alerts {
    fn selected(&self) -> Option<&AlertKey> {
        self.cursor.selected().and_then(|at| self.keys.get(at))
    }

    /// Opens the view of what the selected alert is about.
    fn open(&mut self, state: &State) -> Vec<Effect> {
        let Some(key) = self.selected() else { return Vec::new() };
        let Some(watch) = state.watches.iter().find(|watch| watch.key() == *key) else { return Vec::new() };
        let rule = state.rules.iter().find(|rule| rule.id == watch.rule);
        match rule.and_then(|rule| join::subject_of_metric(&state.host, rule.metric, &watch.labels)) {
            Some(subject) => vec![Effect::OpenDetail(subject)],
            None => vec![Effect::Say(Level::Advice, "there is no view of what this is about".to_owned())],
        }
    }

    fn hold(&mut self) {
        self.held = self.selected().filter(|_| self.cursor.is_held()).cloned();
    }
}

impl Overlay for Alerts {
    fn title(&self, state: &State) -> String {
        format!("alerts · {} rules", state.rules.iter().filter(|r| r.enabled).count())
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        self.keys = state.watches.iter().map(Watch::key).collect();
        self.cursor.settle(0..self.keys.len());
        if let Some(at) = self.held.as_ref().and_then(|held| self.keys.iter().position(|key| key == held)) {
            self.cursor.hold(at);
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lines = lines(cx);
        let rows = usize::from(area.height);
        // The page moves with the cursor; what is below the last alert becomes visible with that one.
        let at = lines.iter().position(|line| line.alert == self.cursor.selected()).unwrap_or(0);
        let last = lines.iter().rposition(|line| line.alert.is_some()).unwrap_or(0);
        let wanted = if at >= last { lines.len() } else { at + 1 };
        let top = wanted.saturating_sub(rows).min(at.max(last.saturating_sub(at)));
        self.cursor.window(rows.max(1));
        for (line, y) in lines.iter().skip(top).zip(area.y..area.bottom()) {
            let row = Rect { y, height: 1, ..area };
            put_lines(cx, row, canvas, std::slice::from_ref(&line.words));
            let Some(alert) = line.alert else { continue };
            if self.cursor.selected() == Some(alert) {
                tint(canvas.buf, row, cx.theme.style(Role::Selected));
            }
            canvas.hit(row, Target::OverlayRow(alert));
        }
    }

    fn context(&self) -> Context {
        Context::Alerts
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        if action == Action::Open {
            return Some(self.open(state));
        }
        if action == Action::Acknowledge {
            let Some(key) = self.selected().cloned() else {
                return Some(vec![Effect::Say(Level::Advice, "no alert is selected".to_owned())]);
            };
            self.held = Some(key.clone());
            return Some(vec![Effect::Do(Command::Mark(state.answer(key, String::new(), state.host.now).says))]);
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
        vec![(Action::Open, "details"), (Action::Acknowledge, "acknowledge")]
    }
}

fn lines(cx: &DrawCx<'_>) -> Vec<Line> {
    let state = cx.state;
    let mut lines: Vec<Line> = Vec::new();
    let plain = |words: SheetLine| Line { words, alert: None };
    for held in [true, false] {
        let some: Vec<_> = state.watches.iter().enumerate().filter(|(_, w)| w.held == held).collect();
        if held && some.iter().all(|(_, w)| w.acknowledged) {
            let (words, level) = state.calm();
            // Pending ones are below.
            let quiet = level == Level::Ok && state.verdict().pending > 0;
            let words = if quiet { "no alert is firing".to_owned() } else { words };
            let (glyph, role) = header::sign(cx, level);
            lines.push(plain(vec![(format!("{glyph} "), role), (words, Role::Text)]));
        }
        if some.is_empty() {
            lines.extend(held.then(|| plain(Vec::new())));
            continue;
        }
        lines.push(plain(heading(if held { "Firing" } else { "Pending" })));
        lines.extend(some.into_iter().map(|(at, watch)| Line { words: line(cx, watch), alert: Some(at) }));
        lines.push(plain(Vec::new()));
    }
    let silent: Vec<(SourceId, (String, Option<String>))> =
        SourceId::ALL.into_iter().filter_map(|id| notice::words(state, id).map(|w| (id, w))).collect();
    let silent = silent.into_iter().filter(|(id, _)| !notice::is_waiting(state, *id));
    for (i, (id, (words, hint))) in silent.enumerate() {
        if i == 0 {
            lines.push(plain(heading("Sources without data")));
        }
        // Its name is already in front.
        let words = words.strip_prefix(&format!("no {}: ", id.name())).unwrap_or(&words).to_owned();
        lines.push(plain(vec![(format!("{:<NAME$}", id.name()), Role::Dim), (words, Role::Text)]));
        lines.extend(hint.map(|hint| plain(vec![(format!("{:<NAME$}", ""), Role::Dim), (hint, Role::Dim)])));
    }
    lines
}

/// `4m       ▲ plex restarted 4× in 10 min   container_restarts`.
fn line(cx: &DrawCx<'_>, watch: &Watch) -> SheetLine {
    let (sign, role) = match watch.level {
        Level::Crit => (cx.theme.glyphs.crit, Role::Crit),
        Level::Warn => (cx.theme.glyphs.warn, Role::Warn),
        Level::Advice => ('·', Role::Advice),
        Level::Ok | Level::Unknown => (cx.theme.glyphs.unknown, Role::Unknown),
    };
    let now = cx.state.host.now;
    let age = if watch.held { watch.age(now, span) } else { String::new() };
    let next = match (watch.unknown_since, watch.clears_in) {
        (Some(since), _) => format!("   no data for {}", span(now.since(since))),
        (None, Some(left)) => format!("   clears in {}", countdown(left)),
        (None, None) if watch.held => String::new(),
        (None, None) => format!("   alert in {}", countdown(watch.left)),
    };
    let seen = if watch.acknowledged { "   acknowledged" } else { "" };
    let (sign_role, text) = if watch.acknowledged { (Role::Dim, Role::Dim) } else { (role, Role::Text) };
    vec![
        (format!("{age:<AGE$}"), Role::Dim),
        (format!("{sign} "), sign_role),
        (watch.say.clone(), text),
        (format!("{next}{seen}"), Role::Dim),
        (format!("   {}", watch.rule), Role::Faint),
    ]
}
