//! The list of alerts in sections: what counts first, with what follows from it below; then what is pending, advised,
//! acknowledged, silenced, gone, over.

use crate::{
    alert::{AlertKey, Level, Muted, Watch},
    clock::Stamp,
    model::{
        alert::{Episode, Scope},
        source::SourceId,
    },
    state::State,
    ui::{
        canvas::DrawCx,
        header,
        theme::Role,
        widgets::{
            notice,
            sheet::{SheetLine, heading},
        },
    },
    units::{countdown, span},
};

use super::words::moment;

/// Columns of the age, and of a source's name.
pub const AGE: usize = 9;
const NAME: usize = 15;
/// Ended episodes that are listed.
const ENDED: usize = 40;

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    Alert(AlertKey),
    /// One that is over, by when it fired.
    Episode(AlertKey, i64),
    Silence(Scope),
}

/// One row: words at the left, quiet words at the right.
pub struct Row {
    pub words: SheetLine,
    pub right: String,
    pub id: Option<Id>,
}

impl Row {
    fn plain(words: SheetLine) -> Row {
        Row { words, right: String::new(), id: None }
    }
}

/// What the list shows beside the alerts themselves.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Alerts that have a cause are listed below it.
    pub children: bool,
    /// What ended after this moment is marked as new.
    pub seen_unix_ms: i64,
}

/// What can be selected, in the order of the list.
#[must_use]
pub fn ids(state: &State, view: View) -> Vec<Id> {
    sections(state, view).into_iter().flat_map(|section| section.items).filter_map(|item| item.id(state)).collect()
}

enum Item<'a> {
    Watch(&'a Watch),
    /// It has a cause, which is above it.
    Child(&'a Watch),
    /// So many of them are not listed.
    Hidden(usize),
    Episode(&'a Episode),
    Silence(Scope, i64, String),
}

impl Item<'_> {
    fn id(&self, _state: &State) -> Option<Id> {
        match self {
            Item::Watch(watch) | Item::Child(watch) => Some(Id::Alert(watch.key())),
            Item::Episode(episode) => Some(Id::Episode(episode.key.clone(), episode.fired_unix_ms)),
            Item::Silence(scope, ..) => Some(Id::Silence(scope.clone())),
            Item::Hidden(_) => None,
        }
    }
}

struct Section<'a> {
    title: &'static str,
    items: Vec<Item<'a>>,
}

fn sections(state: &State, view: View) -> Vec<Section<'_>> {
    let has_cause =
        |w: &Watch| w.because().is_some_and(|cause| state.watches.iter().any(|other| other.key() == *cause));
    let top = |wanted: fn(&Watch) -> bool| state.watches.iter().filter(move |w| !has_cause(w) && wanted(w));
    let silenced = |w: &Watch| w.silenced_until().is_some();
    type Wanted = fn(&Watch) -> bool;
    let all: [(&str, Wanted); 5] = [
        ("Firing", |w| w.held && w.is_open() && w.level >= Level::Warn),
        ("Pending", |w| !w.held && w.is_open()),
        ("Advice", |w| w.held && w.is_open() && w.level < Level::Warn),
        ("Acknowledged", |w| w.acknowledged && w.silenced_until().is_none()),
        ("Silenced", |w| w.silenced_until().is_some()),
    ];
    let mut sections: Vec<Section<'_>> = all
        .into_iter()
        .map(|(title, wanted)| {
            let items = top(wanted).flat_map(|watch| family(state, watch, view.children)).collect();
            Section { title, items }
        })
        .collect();
    // A silence of nothing that fires now.
    let now = state.host.now;
    for silence in state.alerts.silences(now) {
        if !state.watches.iter().any(|w| silenced(w) && silence.scope.covers(&w.key()))
            && let Some(section) = sections.last_mut()
        {
            let item = Item::Silence(silence.scope.clone(), silence.until_unix_ms, silence.comment.clone());
            section.items.push(item);
        }
    }
    sections.push(Section { title: "Gone", items: state.alarms.gone.iter().map(Item::Watch).collect() });
    let ended = state.alarms.episodes.iter().rev().filter(|episode| episode.ended_unix_ms.is_some());
    sections.push(Section { title: "Recent", items: ended.take(ENDED).map(Item::Episode).collect() });
    sections
}

/// An alert and what follows from it, or how many that are.
fn family<'a>(state: &'a State, watch: &'a Watch, children: bool) -> Vec<Item<'a>> {
    let mut found: Vec<&Watch> = Vec::new();
    follow(state, &watch.key(), &mut found);
    let mut items = vec![Item::Watch(watch)];
    if children {
        items.extend(found.into_iter().map(Item::Child));
    } else if !found.is_empty() {
        items.push(Item::Hidden(found.len()));
    }
    items
}

/// What follows from this alert, and from that, each once.
fn follow<'a>(state: &'a State, key: &AlertKey, found: &mut Vec<&'a Watch>) {
    for watch in state.watches.iter().filter(|watch| watch.because() == Some(key)) {
        let key = watch.key();
        if found.iter().all(|other| other.key() != key) {
            found.push(watch);
            follow(state, &key, found);
        }
    }
}

/// The whole list.
#[must_use]
pub fn rows(cx: &DrawCx<'_>, view: View) -> Vec<Row> {
    let state = cx.state;
    let mut rows: Vec<Row> = Vec::new();
    for section in sections(state, view) {
        if section.title == "Firing" && section.items.is_empty() {
            let (words, level) = state.calm();
            // Pending ones are below.
            let quiet = level == Level::Ok && state.verdict().pending > 0;
            let words = if quiet { "no alert is firing".to_owned() } else { words };
            let (glyph, role) = header::sign(cx, level);
            rows.push(Row::plain(vec![(format!("{glyph} "), role), (words, Role::Text)]));
            rows.push(Row::plain(Vec::new()));
        }
        if section.items.is_empty() {
            continue;
        }
        rows.push(Row::plain(heading(section.title)));
        rows.extend(section.items.iter().map(|item| row(cx, item, view)));
        rows.push(Row::plain(Vec::new()));
    }
    silent(state, &mut rows);
    rows
}

/// Sources without data, and why.
fn silent(state: &State, rows: &mut Vec<Row>) {
    let silent: Vec<(SourceId, (String, Option<String>))> =
        SourceId::ALL.into_iter().filter_map(|id| notice::words(state, id).map(|w| (id, w))).collect();
    let silent = silent.into_iter().filter(|(id, _)| !notice::is_waiting(state, *id));
    for (i, (id, (words, hint))) in silent.enumerate() {
        if i == 0 {
            rows.push(Row::plain(heading("Sources without data")));
        }
        // Its name is already in front.
        let words = words.strip_prefix(&format!("no {}: ", id.name())).unwrap_or(&words).to_owned();
        rows.push(Row::plain(vec![(format!("{:<NAME$}", id.name()), Role::Dim), (words, Role::Text)]));
        let blank = (format!("{:<NAME$}", ""), Role::Dim);
        rows.extend(hint.map(|hint| Row::plain(vec![blank, (hint, Role::Dim)])));
    }
}

/// The glyph of a level in the list.
fn sign(cx: &DrawCx<'_>, level: Level) -> (char, Role) {
    match level {
        Level::Advice => ('·', Role::Advice),
        level => header::sign(cx, level),
    }
}

fn row(cx: &DrawCx<'_>, item: &Item<'_>, view: View) -> Row {
    let (state, now) = (cx.state, cx.state.host.now);
    let id = item.id(state);
    match item {
        Item::Hidden(count) => {
            let words = format!("{:AGE$} {} alerts because of it", "", count);
            Row::plain(vec![(words, Role::Dim)])
        }
        Item::Child(watch) => {
            let branch = if cx.theme.glyphs.ascii { "`-" } else { "└ " };
            let cause = watch.because().and_then(|key| state.watches.iter().find(|w| w.key() == *key));
            let of = cause
                .and_then(|cause| cause.labels.first())
                .map_or_else(|| cause.map_or_else(String::new, |cause| cause.rule.clone()), |(_, value)| value.clone());
            let words = vec![(format!("{:>AGE$} {branch}", ""), Role::Dim), (watch.say.clone(), Role::Dim)];
            Row { words, right: format!("because of {of}"), id }
        }
        Item::Watch(watch) => {
            let (glyph, role) = sign(cx, watch.level);
            let counts = watch.is_open();
            let (role, text) = if counts { (role, Role::Text) } else { (Role::Dim, Role::Dim) };
            let words = vec![
                (format!("{:>AGE$} ", age(watch, now)), Role::Dim),
                (format!("{glyph} "), role),
                (watch.say.clone(), text),
            ];
            Row { words, right: standing(watch, now), id }
        }
        Item::Silence(scope, until, comment) => {
            let what = match scope {
                Scope::One(key) => key.rule.clone(),
                Scope::Rule(rule) => format!("all of rule {rule}"),
                Scope::All => "everything".to_owned(),
            };
            let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
            let words = vec![(format!("{:AGE$}   {what}{comment}", ""), Role::Dim)];
            Row { words, right: format!("until {}", moment(*until, now.unix_ms)), id }
        }
        Item::Episode(episode) => ended(cx, episode, view, id),
    }
}

/// An alert that is over: `09:12 ▲ memory is 93 % used   for 4m`.
fn ended(cx: &DrawCx<'_>, episode: &Episode, view: View, id: Option<Id>) -> Row {
    let now_ms = cx.state.host.now.unix_ms;
    let ended = episode.ended_unix_ms.unwrap_or(now_ms);
    let (glyph, role) = sign(cx, Level::of_word(&episode.level).unwrap_or_default());
    let new = ended > view.seen_unix_ms && episode.level != Level::Advice.word();
    let (role, text) = if new { (role, Role::Text) } else { (Role::Dim, Role::Dim) };
    let lasted = u64::try_from(ended - episode.fired_unix_ms).unwrap_or(0);
    let lasted = span(std::time::Duration::from_millis(lasted));
    let how = if episode.end == Some(crate::model::alert::EpisodeEnd::Removed) { "removed, " } else { "" };
    let flaps = cx.state.alerts.flaps(&episode.key).filter(|(flapping, _)| *flapping);
    let flaps = flaps.map_or_else(String::new, |(_, pairs)| format!("flapping {pairs}×, "));
    let new = if new { "new, " } else { "" };
    Row {
        words: vec![
            (format!("{:>AGE$} ", moment(episode.fired_unix_ms, now_ms)), Role::Dim),
            (format!("{glyph} "), role),
            (episode.say.clone(), text),
        ],
        right: format!("{new}{how}{flaps}for {lasted}"),
        id,
    }
}

fn age(watch: &Watch, now: Stamp) -> String {
    match (watch.held, watch.counted) {
        (true, _) => watch.age(now, span),
        (false, Some((so_far, of))) => format!("{so_far} of {of}"),
        (false, None) => format!("in {}", countdown(watch.left)),
    }
}

/// What is known beside its sentence.
fn standing(watch: &Watch, now: Stamp) -> String {
    let since = |stamp: Stamp| span(now.since(stamp));
    if let Some(gone) = watch.gone_since {
        return format!("gone for {}", since(gone));
    }
    if let Some(unknown) = watch.unknown_since {
        return format!("no data for {}", since(unknown));
    }
    if let Some(left) = watch.clears_in {
        return format!("clears in {}", countdown(left));
    }
    if let Some(until) = watch.silenced_until() {
        return format!("until {}", moment(until, now.unix_ms));
    }
    if watch.acknowledged {
        let ago = watch.acknowledged_unix_ms.and_then(|at| u64::try_from(now.unix_ms - at).ok());
        let ago = ago.map_or_else(String::new, |ms| format!(", {}", span(std::time::Duration::from_millis(ms))));
        return if watch.comment.is_empty() {
            format!("acknowledged{ago}")
        } else {
            format!("\"{}\"{ago}", watch.comment)
        };
    }
    match &watch.muted {
        Some(Muted::Maintenance(name)) => format!("maintenance: {name}"),
        Some(Muted::Flapping) => "flapping".to_owned(),
        _ => watch.rule.clone(),
    }
}

#[cfg(test)]
mod tests;
