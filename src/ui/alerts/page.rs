//! One alert beside the list: its level and age, its rule in words, its value with the limit, its causes and
//! consequences; and its rule in the last 30 days.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::{
    alert::{AlertKey, Level, Rule, Watch, phase},
    model::alert::Episode,
    state::State,
    text::wrap,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
        widgets::{
            graph::{Graph, graph},
            sheet::{SheetLine, pair, put_lines},
            spark::block,
            text::{put, put_char, put_right},
        },
    },
    units::{countdown, span},
};

use super::{
    list::Id,
    words::{exact, level, moment, rule as in_words, second},
};

/// Columns of a name before its fact.
const NAME: usize = 10;
/// Rows of the graph.
const GRAPH: u16 = 6;
/// Days of the strip.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

/// What is selected, as it is known now.
pub enum Chosen<'a> {
    Watch(&'a Watch),
    Episode(&'a Episode),
    None,
}

/// Looks the selected row up.
#[must_use]
pub fn chosen<'a>(state: &'a State, id: Option<&Id>) -> Chosen<'a> {
    match id {
        Some(Id::Alert(key)) => {
            let all = state.watches.iter().chain(&state.alarms.gone);
            all.into_iter().find(|watch| watch.key() == *key).map_or(Chosen::None, Chosen::Watch)
        }
        Some(Id::Episode(key, fired)) => {
            let found = state.alarms.episodes.iter().find(|e| e.fired_unix_ms == *fired && e.key == *key);
            found.map_or(Chosen::None, Chosen::Episode)
        }
        _ => Chosen::None,
    }
}

/// The title of its box.
#[must_use]
pub fn title(chosen: &Chosen<'_>) -> (String, String) {
    match chosen {
        Chosen::Watch(watch) => (level(watch.level).to_owned(), format!("rule {}", watch.rule)),
        Chosen::Episode(episode) => ("over".to_owned(), format!("rule {}", episode.key.rule)),
        Chosen::None => ("alert".to_owned(), String::new()),
    }
}

fn role(level: Level) -> Role {
    match level {
        Level::Crit => Role::Crit,
        Level::Warn => Role::Warn,
        Level::Advice => Role::Advice,
        Level::Ok => Role::Ok,
        Level::Unknown => Role::Unknown,
    }
}

fn rule_of<'a>(state: &'a State, id: &str) -> Option<&'a Rule> {
    state.rules.iter().find(|rule| rule.id == id)
}

/// Draws all of it.
pub fn draw(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, chosen: &Chosen<'_>) {
    let columns = usize::from(area.width);
    let (head, tail) = match chosen {
        Chosen::None => {
            put(canvas.buf, area.x, area.y, area.width, "nothing is selected", cx.theme.style(Role::Dim));
            return;
        }
        Chosen::Watch(watch) => (standing(cx.state, watch, columns), facts(cx.state, watch, columns)),
        Chosen::Episode(episode) => (over(cx.state, episode, columns), Vec::new()),
    };
    put_lines(cx, area, canvas, &head);
    let mut y = area.y + u16::try_from(head.len()).unwrap_or(area.height) + 1;
    if let Chosen::Watch(watch) = chosen
        && y + GRAPH < area.bottom()
        && let Some(used) = trace(cx, Rect { y, height: GRAPH + 1, ..area }, canvas, watch)
    {
        y += used + 1;
    }
    let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    put_lines(cx, rest, canvas, &tail);
}

/// Level, age, sentence, rule.
fn standing(state: &State, watch: &Watch, columns: usize) -> Vec<SheetLine> {
    let now = state.host.now;
    let since = second(watch.since.unix_ms.min(watch.began_unix_ms.unwrap_or(i64::MAX)), now.unix_ms);
    let first = match watch.held {
        true => format!("{} since {since}, {}", level(watch.level), watch.age(now, span)),
        false => match watch.counted {
            Some((so_far, of)) => format!("pending: {so_far} of {of}"),
            None => format!("pending: fires in {}", countdown(watch.left)),
        },
    };
    let mut lines: Vec<SheetLine> = vec![vec![(first, role(watch.level))], Vec::new()];
    lines.extend(wrap(&watch.say, columns).into_iter().map(|line| vec![(line, Role::Strong)]));
    lines.push(Vec::new());
    lines.extend(rule_lines(state, &watch.rule, columns));
    lines
}

/// What the rule judges, and by which bounds.
fn rule_lines(state: &State, id: &str, columns: usize) -> Vec<SheetLine> {
    let Some(rule) = rule_of(state, id) else { return Vec::new() };
    let mut lines = wrapped(&format!("{}: {}", rule.metric.def().id, rule.metric.def().help), Role::Dim, columns);
    lines.extend(bounds(state, id, columns));
    lines
}

/// When it fires and when it clears.
fn bounds(state: &State, id: &str, columns: usize) -> Vec<SheetLine> {
    let Some(rule) = rule_of(state, id) else { return Vec::new() };
    let [fires, clears] = in_words(rule);
    let mut lines = wrapped(&fires, Role::Text, columns);
    lines.extend(wrapped(&clears, Role::Dim, columns));
    lines
}

fn wrapped(text: &str, role: Role, columns: usize) -> Vec<SheetLine> {
    wrap(text, columns).into_iter().map(|line| vec![(line, role)]).collect()
}

/// An alert that is over.
fn over(state: &State, episode: &Episode, columns: usize) -> Vec<SheetLine> {
    let now = state.host.now.unix_ms;
    let ended = episode.ended_unix_ms.unwrap_or(now);
    let lasted = Duration::from_millis(u64::try_from(ended - episode.fired_unix_ms).unwrap_or(0));
    let when = format!("{} to {}, {}", second(episode.fired_unix_ms, now), second(ended, now), span(lasted));
    let level = Level::of_word(&episode.level).unwrap_or_default();
    let mut lines: Vec<SheetLine> = vec![vec![(when, role(level))], Vec::new()];
    lines.extend(wrap(&episode.say, columns).into_iter().map(|line| vec![(line, Role::Strong)]));
    lines.push(Vec::new());
    lines.extend(rule_lines(state, &episode.key.rule, columns));
    lines
}

/// The value's newest past with the limit as a line; gives the rows used.
fn trace(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, watch: &Watch) -> Option<u16> {
    let series = cx.state.alarms.traces.get(&watch.key())?;
    let rule = rule_of(cx.state, &watch.rule)?;
    let unit = rule.metric.def().unit;
    let scale = watch.normal.filter(|_| rule.normal_floor.is_some()).unwrap_or(1.0);
    let limit = rule.limit(watch.level).or(rule.limits.mildest())? * scale;
    let peak = (0..usize::from(area.width) * 2).filter_map(|back| series.back(back)).fold(limit, f64::max);
    let top = if peak > 0.0 { peak * 1.1 } else { 1.0 };
    let place = Rect { height: area.height - 1, ..area };
    let style = cx.theme.style(role(watch.level));
    graph(cx, place, canvas, &Graph { limit: Some(limit), ..Graph::of(series, top, style) });
    let y = place.bottom();
    let words = format!("{} now, limit {}", unit.show(watch.value), unit.show(limit));
    put(canvas.buf, area.x, y, area.width, &words, cx.theme.style(Role::Dim));
    put_right(canvas.buf, area.right(), y, 4, "now", cx.theme.style(Role::Dim));
    Some(area.height)
}

/// Causes, consequences, and what the user said.
fn facts(state: &State, watch: &Watch, columns: usize) -> Vec<SheetLine> {
    let now = state.host.now;
    let mut lines: Vec<SheetLine> = Vec::new();
    let mut add = |name: &str, text: String| {
        for (at, line) in wrap(&text, columns.saturating_sub(NAME + 1).max(10)).into_iter().enumerate() {
            lines.push(pair(if at == 0 { name } else { "" }, NAME, line));
        }
    };
    if let Some(rule) = rule_of(state, &watch.rule)
        && let Some(normal) = watch.normal
    {
        add("normal", rule.metric.def().unit.show(normal));
    }
    for (name, key) in chain(state, watch) {
        let say = state.watches.iter().find(|w| w.key() == key).map_or(key.rule, |w| w.say.clone());
        add(name, say);
    }
    let key = watch.key();
    let affected: Vec<&str> =
        state.watches.iter().filter(|w| w.because() == Some(&key)).map(|w| w.say.as_str()).collect();
    if !affected.is_empty() {
        add("affects", affected.join(" · "));
    }
    for change in state.runs.changes.iter().rev().take(40) {
        // What changed shortly before is worth a look.
        let before = watch.since.unix_ms - change.at_unix_ms;
        if (0..600_000).contains(&before) && change.before.is_some() {
            let words = crate::analysis::machine_changes::words(change);
            add("before it", format!("{} {words}", moment(change.at_unix_ms, now.unix_ms)));
        }
    }
    if watch.acknowledged {
        let at = watch.acknowledged_unix_ms.map_or_else(String::new, |at| format!(" {}", moment(at, now.unix_ms)));
        let comment = if watch.comment.is_empty() { String::new() } else { format!(": {}", watch.comment) };
        add("known", format!("acknowledged{at}{comment}"));
    }
    if let Some(until) = watch.silenced_until() {
        add("silenced", format!("until {}", moment(until, now.unix_ms)));
    }
    if let Some((flapping, pairs)) = state.alerts.flaps(&key).filter(|(_, pairs)| *pairs > 0) {
        let words = if flapping { ", flapping: only a rise to critical is sent" } else { "" };
        add("cleared", format!("{pairs}× lately{words}"));
    }
    lines
}

/// What is the cause of it, and the cause of that.
fn chain(state: &State, watch: &Watch) -> Vec<(&'static str, AlertKey)> {
    let mut out: Vec<(&'static str, AlertKey)> = Vec::new();
    let mut at = watch.because().cloned();
    while let Some(key) = at.filter(|key| out.len() < 4 && out.iter().all(|(_, other)| other != key)) {
        at = state.watches.iter().find(|w| w.key() == key).and_then(|w| w.because().cloned());
        out.push((if out.is_empty() { "because" } else { "" }, key));
    }
    out
}

/// The rule in the last 30 days: how often it fired, when, and what a longer hold would have spared.
pub fn month(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rule: &str) {
    let state = cx.state;
    let now = state.host.now.unix_ms;
    let fired: Vec<&Episode> = state.alarms.episodes.iter().filter(|e| e.key.rule == rule).collect();
    let lasted = |e: &Episode| {
        let ended = e.ended_unix_ms.unwrap_or(now);
        Duration::from_millis(u64::try_from(ended - e.fired_unix_ms).unwrap_or(0))
    };
    let said = |e: &&Episode| match e.ended_unix_ms {
        None => format!("{} (now)", span(lasted(e))),
        Some(_) => format!("{} at {}", span(lasted(e)), moment(e.fired_unix_ms, now)),
    };
    let columns = usize::from(area.width);
    let mut lines: Vec<SheetLine> = Vec::new();
    if fired.is_empty() {
        lines.push(vec![("it has not fired".to_owned(), Role::Dim)]);
        return put_lines(cx, area, canvas, &lines);
    }
    let list: Vec<String> = fired.iter().rev().take(4).map(said).collect();
    let text = format!("fired {}×: {}", fired.len(), list.join(", "));
    lines.extend(wrap(&text, columns).into_iter().map(|line| vec![(line, Role::Text)]));
    let longest = fired.iter().map(|e| lasted(e)).max().unwrap_or_default();
    lines.push(vec![(format!("longest {}", span(longest)), Role::Dim)]);
    put_lines(cx, area, canvas, &lines);
    let y = area.y + u16::try_from(lines.len()).unwrap_or(area.height) + 1;
    if y + 1 < area.bottom() {
        strip(cx, Rect { y, height: 2, ..area }, canvas, &fired);
    }
    let Some(rule) = rule_of(state, rule).filter(|rule| rule.times.is_none()) else { return };
    let hold = (rule.hold * 2).max(Duration::from_secs(60));
    let more = hold - rule.hold;
    // It ended once it had been clear for long enough.
    let (clear, _) = phase::clear_hold(rule);
    let crossed = |e: &Episode| if e.ended_unix_ms.is_some() { lasted(e).saturating_sub(clear) } else { lasted(e) };
    let left = fired.iter().filter(|e| crossed(e) >= more).count();
    if left < fired.len() && y + 3 < area.bottom() {
        let words = format!("with a hold of {} it would have fired {left}×", exact(hold));
        put(canvas.buf, area.x, y + 3, area.width, &words, cx.theme.style(Role::Dim));
    }
}

/// A cell for each part of the last 30 days: full where it fired.
fn strip(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, fired: &[&Episode]) {
    let now = cx.state.host.now.unix_ms;
    let begin = now - DAYS * DAY_MS;
    let line = if cx.theme.glyphs.ascii { '_' } else { '▁' };
    for x in 0..area.width {
        let at = |x: u16| begin + DAYS * DAY_MS * i64::from(x) / i64::from(area.width.max(1));
        let (from, to) = (at(x), at(x + 1));
        let hit = fired.iter().filter(|e| e.fired_unix_ms <= to && e.ended_unix_ms.unwrap_or(now) >= from);
        let worst = hit.filter_map(|e| Level::of_word(&e.level)).max();
        let (glyph, style) = match worst {
            Some(level) => (block(1.0, cx.theme), cx.theme.style(role(level))),
            None => (line, cx.theme.style(Role::Faint)),
        };
        put_char(canvas.buf, area.x + x, area.y, glyph, style);
    }
    put(canvas.buf, area.x, area.y + 1, area.width, &moment(begin, now), cx.theme.style(Role::Dim));
    put_right(canvas.buf, area.right(), area.y + 1, 6, "today", cx.theme.style(Role::Dim));
}

/// A few lines below the list, where there is no room beside it.
#[must_use]
pub fn brief(state: &State, chosen: &Chosen<'_>, columns: usize) -> Vec<SheetLine> {
    match chosen {
        Chosen::None => Vec::new(),
        Chosen::Episode(episode) => {
            let mut lines = over(state, episode, columns);
            lines.retain(|line| !line.is_empty());
            lines
        }
        Chosen::Watch(watch) => {
            let mut lines = vec![standing(state, watch, columns).swap_remove(0)];
            lines.extend(facts(state, watch, columns).into_iter().take(2));
            lines.extend(bounds(state, &watch.rule, columns));
            lines
        }
    }
}

/// The rule of what is selected.
#[must_use]
pub fn rule<'a>(chosen: &Chosen<'a>) -> Option<&'a str> {
    match chosen {
        Chosen::Watch(watch) => Some(&watch.rule),
        Chosen::Episode(episode) => Some(&episode.key.rule),
        Chosen::None => None,
    }
}

#[cfg(test)]
mod tests;
