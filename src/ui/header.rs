//! The first line: who, what is wrong and since when, how loaded, what time.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    action::Action,
    canvas::{Canvas, DrawCx, Target},
    figures::percent,
    theme::Role,
    widgets::text::{put, put_right},
};
use crate::{
    alert::{Level, Watch},
    clock::local_zone,
    state::State,
    text::width,
    units::{self, ABSENT},
};

/// The header of a screen with boxes, in one row: `benchtop atlas Debian 12 · 6.1 · up 41d   ✖ 1 ▲ 2 …   load  14:02:11`.
pub fn wide(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, tells_runs: bool) {
    let facts = &cx.state.host.facts;
    let mut x = area.x + 1;
    x += put(canvas.buf, x, area.y, area.right().saturating_sub(x), "benchtop", cx.theme.style(Role::Accent)) + 2;
    let end = right(cx, area, canvas).saturating_sub(2);
    if let Some(name) = &facts.hostname {
        x += put(canvas.buf, x, area.y, end.saturating_sub(x), name, cx.theme.style(Role::Strong)) + 2;
    }
    let end = if tells_runs { bench(cx, area, end, 30, canvas) } else { end };
    let worst = words(cx);
    // The verdict keeps its room before the machine's names do.
    let wanted = u16::try_from(worst.width()).unwrap_or(u16::MAX).saturating_add(14).min(end.saturating_sub(x));
    let mut names: Vec<String> = facts.os.iter().map(|os| short_os(os)).collect();
    names.extend(facts.kernel.clone());
    names.extend(uptime(cx).map(|up| format!("up {up}")));
    while !names.is_empty() {
        let text = names.join(" · ");
        if width(&text) + 3 <= usize::from(end.saturating_sub(x).saturating_sub(wanted)) {
            x += put(canvas.buf, x, area.y, end.saturating_sub(x), &text, cx.theme.style(Role::Dim)) + 3;
            break;
        }
        // The uptime is worth more than the kernel, this more than the system.
        names.remove(if names.len() > 2 { 1 } else { 0 });
    }
    // At the middle where there is room, so that it does not move with the names.
    let middle = (area.x + area.width * 36 / 100).max(x);
    let start = if middle + wanted <= end { middle } else { x };
    verdict(cx, Rect { x: start, width: end.saturating_sub(start), height: 1, ..area }, canvas, &worst);
}

/// Header and verdict of a narrow screen; gives the rows used.
pub fn compact(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, tells_runs: bool) -> u16 {
    let state = cx.state;
    let name = state.host.facts.hostname.as_deref().unwrap_or("benchtop");
    let load = state.host.load.raw;
    let mut x = area.x + 1;
    let clock = put_right(canvas.buf, area.right().saturating_sub(1), area.y, 12, &time(cx), cx.theme.style(Role::Dim));
    x += put(canvas.buf, x, area.y, clock.saturating_sub(x + 1), name, cx.theme.style(Role::Strong)) + 2;
    if let Some(up) = uptime(cx) {
        x +=
            put(canvas.buf, x, area.y, clock.saturating_sub(x + 1), &format!("up {up}"), cx.theme.style(Role::Dim)) + 2;
    }
    if state.host.load.raw.threads > 0 {
        // Alerts are counted before the load is shown in full.
        let room =
            usize::from(clock.saturating_sub(x + 1)).saturating_sub(counts(cx).map(|(c, _)| width(&c) + 1).sum());
        let all = format!("{} {:.1} {:.1} {:.1}", load_words(state), load.load1, load.load5, load.load15);
        let one = format!("{} {:.1}", load_words(state), load.load1);
        if let Some(text) = [all, one].into_iter().find(|text| width(text) <= room) {
            x += put(canvas.buf, x, area.y, clock.saturating_sub(x + 1), &text, cx.theme.style(Role::Dim)) + 2;
        }
    }
    chips(cx, x, area.y, clock.saturating_sub(x + 1), canvas);
    if area.height > 1 {
        let line = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: 1 };
        let end = if tells_runs { bench(cx, line, line.right(), 24, canvas) } else { line.right() };
        let line = Rect { width: end.saturating_sub(line.x), ..line };
        sentence(cx, line, canvas, &words(cx));
    }
    2
}

/// All in one row, for a pane that is hardly one.
pub fn one_line(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let host = &cx.state.host;
    let mut x = area.x;
    let mut piece = |text: &str, role: Role, canvas: &mut Canvas<'_>| {
        x += put(canvas.buf, x, area.y, area.right().saturating_sub(x), text, cx.theme.style(role)) + 1;
    };
    let words = words(cx);
    let (sign, role) = sign(cx, words.level);
    piece(&sign.to_string(), role, canvas);
    piece(host.facts.hostname.as_deref().unwrap_or("benchtop"), Role::Strong, canvas);
    piece("cpu", Role::Dim, canvas);
    piece(percent(host.cpu.shares.map(|s| s.busy)).trim_start(), Role::Text, canvas);
    piece("mem", Role::Dim, canvas);
    piece(percent(host.memory.used_ratio).trim_start(), Role::Text, canvas);
    piece(&format!("load {:.1}", host.load.raw.load1), Role::Dim, canvas);
    piece(&words.text, Role::Text, canvas);
}

/// What is measured, before column `end`, beside the verdict, which keeps `least` columns; gives the first column used.
fn bench(cx: &DrawCx<'_>, row: Rect, end: u16, least: u16, canvas: &mut Canvas<'_>) -> u16 {
    let room = end.saturating_sub(row.x + least).min(row.width / 2);
    let fits = |text: &String| width(text) <= usize::from(room);
    let Some(text) = measured(cx.state).into_iter().find(fits) else { return end };
    let from = put_right(canvas.buf, end, row.y, room, &text, cx.theme.style(Role::Accent));
    canvas.hit(Rect { x: from, y: row.y, width: end - from, height: 1 }, Target::Act(Action::Benchmarks));
    from.saturating_sub(2)
}

/// `bench: tank random 64k 62 %, 1m10s left`, then shorter forms; none while nothing runs.
fn measured(state: &State) -> Vec<String> {
    let runs = &state.runs;
    if !runs.under_way() {
        return Vec::new();
    }
    let left = runs.left().map_or_else(String::new, |left| format!(", {} left", units::countdown(left)));
    let place = format!("{} of {}", (runs.over + 1).min(runs.queue.len()), runs.queue.len());
    match &runs.progress {
        Some(progress) => {
            let (name, done) = (runs.name(&progress.key), format!("{:.0} %", progress.done * 100.0));
            vec![
                format!("bench: {name} {done}{left}"),
                format!("bench: {name} {done}"),
                format!("bench {done}{left}"),
                format!("bench {done}"),
            ]
        }
        None => vec![format!("bench: {place}{left}"), format!("bench {place}")],
    }
}

/// Load and clock at the right edge; gives the first column used.
fn right(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let mut end = area.right().saturating_sub(1);
    end = put_right(canvas.buf, end, area.y, 12, &time(cx), cx.theme.style(Role::Text));
    let load = cx.state.host.load.raw;
    if load.threads > 0 && area.width >= 80 {
        let words = load_words(cx.state);
        let text = format!("{words} {:.1} {:.1} {:.1}  ", load.load1, load.load5, load.load15);
        end = put_right(canvas.buf, end, area.y, 35, &text, cx.theme.style(Role::Dim));
    }
    if cx.paused {
        // Amber would mean a limit that was crossed.
        let style = cx.theme.style(Role::Accent).add_modifier(Modifier::REVERSED);
        end = put_right(canvas.buf, end.saturating_sub(2), area.y, 8, " PAUSED ", style);
    }
    end
}

/// A container sees the load of its host.
fn load_words(state: &State) -> &'static str {
    if state.host.facts.load_of_host { "host load" } else { "load" }
}

/// The moment that the figures show, in local time.
fn time(cx: &DrawCx<'_>) -> String {
    let now = cx.state.host.now;
    if now.unix_ms == 0 {
        return ABSENT.to_owned();
    }
    match Timestamp::from_millisecond(now.unix_ms) {
        Ok(at) => {
            let local = at.to_zoned_datetime(local_zone());
            format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())
        }
        Err(_) => ABSENT.to_owned(),
    }
}

fn uptime(cx: &DrawCx<'_>) -> Option<String> {
    let seconds = cx.state.host.load.raw.uptime_seconds;
    (seconds > 0.0).then(|| units::span(Duration::from_secs_f64(seconds)))
}

/// `Debian GNU/Linux 12 (bookworm)` is `Debian 12` to its owner.
fn short_os(os: &str) -> String {
    os.replace(" GNU/Linux", "").split(" (").next().unwrap_or(os).to_owned()
}

/// What the verdict says: the sentence with its level, and what is to come.
struct Words {
    text: String,
    level: Level,
    /// It does not fire yet: its colour is dim.
    pending: bool,
    /// `+1 in 4m10s`, beside what fires.
    more: String,
}

impl Words {
    fn width(&self) -> usize {
        width(&self.text) + if self.more.is_empty() { 0 } else { width(&self.more) + 2 }
    }
}

/// What fires comes first, then what is about to, then quiet.
fn words(cx: &DrawCx<'_>) -> Words {
    let verdict = cx.state.verdict();
    match (verdict.worst, verdict.next) {
        (Some(worst), next) if worst.level >= Level::Warn || next.is_none() => {
            let age = match worst.clears_in {
                Some(left) => format!("clears in {}", units::countdown(left)),
                None => worst.age(cx.state.host.now, units::span_short),
            };
            let more = next.map_or_else(String::new, |next| format!("+{} {}", verdict.pending, due(next)));
            Words { text: format!("{}, {age}", worst.say), level: worst.level, pending: false, more }
        }
        (_, Some(next)) => {
            let text = format!("{}, alert {}", next.say, due(next));
            let more = if verdict.pending > 1 { format!("+{}", verdict.pending - 1) } else { String::new() };
            Words { text, level: next.level, pending: true, more }
        }
        _ => {
            let (text, level) = cx.state.calm();
            Words { text, level, pending: false, more: String::new() }
        }
    }
}

/// When a pending alert fires: `in 4m10s`, `at 3 of 3`.
fn due(watch: &Watch) -> String {
    match watch.counted {
        Some((so_far, of)) => format!("at {of} in a row ({so_far})"),
        None => format!("in {}", units::countdown(watch.left)),
    }
}

/// The glyph of a level in the verdict.
pub fn sign(cx: &DrawCx<'_>, level: Level) -> (char, Role) {
    let g = &cx.theme.glyphs;
    match level {
        Level::Crit => (g.crit, Role::Crit),
        Level::Warn => (g.warn, Role::Warn),
        Level::Advice => (g.ok, Role::Advice),
        Level::Ok => (g.ok, Role::Ok),
        Level::Unknown => (g.unknown, Role::Unknown),
    }
}

/// Counts of what is wrong: ` ✖ 1 `, ` ▲ 2 `.
fn counts(cx: &DrawCx<'_>) -> impl Iterator<Item = (String, Role)> {
    let (verdict, glyphs) = (cx.state.verdict(), &cx.theme.glyphs);
    [(verdict.crit, glyphs.crit, Role::VerdictCrit), (verdict.warn, glyphs.warn, Role::VerdictWarn)]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, glyph, role)| (format!(" {glyph} {count} "), role))
}

/// The counts on coloured ground; gives the columns used.
fn chips(cx: &DrawCx<'_>, x: u16, y: u16, room: u16, canvas: &mut Canvas<'_>) -> u16 {
    let mut used = 0;
    for (text, role) in counts(cx) {
        used += put(canvas.buf, x + used, y, room.saturating_sub(used), &text, cx.theme.style(role));
    }
    used
}

fn verdict(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, words: &Words) {
    let used = chips(cx, area.x, area.y, area.width, canvas);
    if used > 0 {
        let rest = Rect { x: area.x + used + 1, width: area.width.saturating_sub(used + 1), ..area };
        said(cx, rest, canvas, words, cx.theme.level(words.level));
    } else {
        sentence(cx, area, canvas, words);
    }
    canvas.hit(area, Target::Act(Action::Alerts));
}

/// The sentence, and behind it what is to come.
fn said(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, words: &Words, style: Style) {
    let style = if words.pending { style.add_modifier(Modifier::DIM) } else { style };
    let used = put(canvas.buf, area.x, area.y, area.width, &words.text, style) + 2;
    put(canvas.buf, area.x + used, area.y, area.width.saturating_sub(used), &words.more, cx.theme.style(Role::Dim));
}

/// `● all quiet`.
fn sentence(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, words: &Words) {
    let (glyph, role) = sign(cx, words.level);
    let style = cx.theme.style(role);
    let style = if words.pending { style.add_modifier(Modifier::DIM) } else { style };
    let used = put(canvas.buf, area.x, area.y, area.width, &format!("{glyph} "), style);
    let level = words.level;
    let style = if level > Level::Ok { cx.theme.level(level) } else { cx.theme.style(Role::Dim) };
    let rest = Rect { x: area.x + used, width: area.width.saturating_sub(used), ..area };
    said(cx, rest, canvas, words, style);
    canvas.hit(area, Target::Act(Action::Alerts));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Stamp,
        model::{bench::BenchKey, event::Event, run::RunEvent},
        ui::canvas::testing::drawn,
    };

    fn machine() -> State {
        let mut state = State::new(Vec::new().into());
        let facts = &mut state.host.facts;
        facts.hostname = Some("atlas".into());
        facts.os = Some("Debian GNU/Linux 12 (bookworm)".into());
        facts.kernel = Some("6.1.0".into());
        let load = &mut state.host.load.raw;
        (load.load1, load.load5, load.load15, load.threads) = (1.0, 2.0, 3.0, 100);
        load.uptime_seconds = 3_600.0;
        state
    }

    #[test]
    fn a_system_is_called_as_its_owner_calls_it() {
        for (os, name) in [
            ("Debian GNU/Linux 12 (bookworm)", "Debian 12"),
            ("Arch Linux", "Arch Linux"),
            ("Ubuntu 24.04.1 LTS", "Ubuntu 24.04.1 LTS"),
            ("", ""),
        ] {
            assert_eq!(short_os(os), name);
        }
    }

    #[test]
    fn the_kernel_gives_way_first_and_the_uptime_last() {
        let mut state = machine();
        // The load takes its room from them.
        state.host.load.raw.threads = 0;
        let shown = |width| {
            let line = drawn(&state, (width, 1), |cx, area, canvas| wide(cx, area, canvas, false)).line();
            ["Debian 12", "6.1.0", "up 1h 0m"].map(|name| line.contains(name))
        };
        let mut steps: Vec<[bool; 3]> = (20..200).map(shown).collect();
        steps.dedup();
        assert_eq!(
            steps,
            [[false; 3], [false, false, true], [true, false, true], [true; 3]],
            "what a wider screen shows, one after the other"
        );
    }

    #[test]
    fn the_load_needs_eighty_columns_and_something_that_runs() {
        let shown = |state: &State, width| {
            let shown = drawn(state, (width, 1), |cx, area, canvas| {
                right(cx, area, canvas);
            });
            shown.line()
        };
        let has = |state: &State, width| shown(state, width).contains("load 1.0 2.0 3.0");
        let mut state = machine();
        assert_eq!([has(&state, 80), has(&state, 79)], [true, false]);
        state.host.facts.load_of_host = true;
        assert!(shown(&state, 80).contains("host load 1.0"));
        state.host.load.raw.threads = 0;
        assert!(!has(&state, 80), "it was not read yet");
    }

    #[test]
    fn before_the_first_reading_there_is_no_time_and_no_uptime() {
        let mut state = machine();
        state.host.load.raw.uptime_seconds = 0.0;
        drawn(&state, (1, 1), |cx, _, _| assert_eq!((time(cx).as_str(), uptime(cx)), ("–", None)));
        state.host.now = Stamp::at_seconds(1_000);
        drawn(&state, (1, 1), |cx, _, _| assert_eq!(time(cx).len(), "14:02:11".len()));
    }

    #[test]
    fn a_level_has_its_sign() {
        drawn(&machine(), (1, 1), |cx, _, _| {
            let glyphs = &cx.theme.glyphs;
            for (level, wanted) in [
                (Level::Crit, (glyphs.crit, Role::Crit)),
                (Level::Warn, (glyphs.warn, Role::Warn)),
                (Level::Advice, (glyphs.ok, Role::Advice)),
                (Level::Ok, (glyphs.ok, Role::Ok)),
                (Level::Unknown, (glyphs.unknown, Role::Unknown)),
            ] {
                assert_eq!(sign(cx, level), wanted, "{level:?}");
            }
        });
    }

    #[test]
    fn what_is_measured_is_said_while_it_is() {
        let mut state = machine();
        assert!(measured(&state).is_empty());
        let key = |of: &str| BenchKey { bench: "disk".into(), of: of.into() };
        let at = Stamp::at_seconds(1);
        state.apply(Event::Run(RunEvent::Began { at, batch: String::new(), queue: vec![key("a"), key("b")] }));
        let forms = measured(&state);
        assert_eq!(forms.last().map(String::as_str), Some("bench 1 of 2"));
        let shown = |end, least| {
            let mut from = 0;
            let line = drawn(&state, (40, 1), |cx, area, canvas| from = bench(cx, area, end, least, canvas)).line();
            (line.trim().to_owned(), from)
        };
        assert_eq!(shown(40, 28), ("bench 1 of 2".to_owned(), 26));
        assert_eq!(shown(40, 29), (String::new(), 40), "the verdict keeps its room");
    }
    #[test]
    fn what_is_about_to_fire_comes_before_mere_advice() {
        let watch = |level, held, seconds| Watch {
            level,
            held,
            left: Duration::from_secs(seconds),
            say: "the disk is full".to_owned(),
            since: Stamp::at_seconds(40),
            ..Watch::default()
        };
        let said = |watches: &[Watch]| {
            let mut state = machine();
            state.host.now = Stamp::at_seconds(100);
            state.watches = watches.to_vec();
            let mut said = (String::new(), String::new(), false);
            drawn(&state, (1, 1), |cx, _, _| {
                let words = words(cx);
                said = (words.text, words.more, words.pending);
            });
            said
        };
        let is = |text: &str, more: &str, pending| (text.to_owned(), more.to_owned(), pending);
        let (advice, pending, later) =
            (watch(Level::Advice, true, 0), watch(Level::Warn, false, 240), watch(Level::Warn, false, 300));
        assert_eq!(said(std::slice::from_ref(&advice)), is("the disk is full, 1m", "", false));
        assert_eq!(said(&[advice.clone(), pending.clone()]), is("the disk is full, alert in 4m00s", "", true));
        assert_eq!(said(&[advice, later.clone(), pending.clone()]), is("the disk is full, alert in 4m00s", "+1", true));
        assert_eq!(
            said(&[watch(Level::Warn, true, 0), later, pending.clone()]),
            is("the disk is full, 1m", "+2 in 4m00s", false)
        );
        let counted = Watch { counted: Some((2, 3)), ..pending };
        assert_eq!(said(&[counted]), is("the disk is full, alert at 3 in a row (2)", "", true));
        let clears = Watch { clears_in: Some(Duration::from_secs(70)), ..watch(Level::Crit, true, 0) };
        assert_eq!(said(&[clears]), is("the disk is full, clears in 1m10s", "", false));
    }
    #[test]
    fn the_verdict_keeps_within_its_place() {
        let mut state = machine();
        let long = || Words {
            text: "the disk is full of old backups".into(),
            level: Level::Warn,
            pending: false,
            more: "+1".into(),
        };
        let line = |state: &State, width| {
            let drawn = drawn(state, (40, 2), |cx, area, canvas| {
                verdict(cx, Rect { width, height: 1, ..area }, canvas, &long())
            });
            (drawn.line(), drawn.hits.last().map(|(area, _)| (area.width, area.height)))
        };
        assert_eq!(line(&state, 20), ("▲ the disk is full …".to_owned(), Some((20, 1))));
        let warn = Watch { level: Level::Warn, held: true, ..Watch::default() };
        state.watches = vec![Watch { level: Level::Crit, ..warn.clone() }, warn.clone(), warn];
        assert_eq!(line(&state, 20), (" ✖ 1  ▲ 2  the disk…".to_owned(), Some((20, 1))));
        let all = drawn(&state, (160, 3), |cx, area, canvas| wide(cx, area, canvas, false));
        let alerts = all.hits.iter().filter(|(_, target)| *target == Target::Act(Action::Alerts));
        assert!(alerts.into_iter().all(|(area, _)| area.height == 1), "the rows below are not its own");
    }
}
