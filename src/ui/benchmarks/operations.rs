//! What can be asked of benchmarks: run, stop, undo what changed, what the user decides about runs, a file of results.

use super::{
    ask::Ask,
    known::Known,
    rows::{Item, Line, Listing, lines},
    sentence::pinned_run,
    standing::{Standing, is_acceptable},
    words,
};
use crate::{
    alert::Level,
    analysis::{self, regression::Verdict},
    model::{
        bench::{BenchKey, Group},
        run::{Run, RunSays},
    },
    request::{BenchAct, Command, Job, way_back::WayBack},
    state::{
        State,
        way_back::{self, AGAIN},
    },
    ui::{
        overlays::{confirm::Confirm, menu::Menu},
        theme::Role,
        view::Effect,
        widgets::sheet::SheetLine,
    },
};

/// Runs that a menu offers.
const RUNS: usize = 20;

fn advice(text: impl Into<String>) -> Vec<Effect> {
    vec![Effect::Say(Level::Advice, text.into())]
}

/// Asks for a plan of these, in this order, and lays the question over the screen.
#[must_use]
pub fn run(keys: Vec<BenchKey>, state: &State) -> Vec<Effect> {
    if state.runs.under_way() {
        return advice("a run is under way: one at a time, so that they do not disturb each other");
    }
    if keys.is_empty() {
        return advice("nothing of this can be measured here: the list says why");
    }
    let before = state.runs.plan.as_ref().map(|plan| plan.id.clone());
    vec![Effect::Open(Box::new(Ask::new(keys.clone(), before))), Effect::Do(Command::Bench(BenchAct::Plan(keys)))]
}

/// Runs the selected one so many times.
#[must_use]
pub fn run_item(item: &Item, times: usize, state: &State) -> Vec<Effect> {
    match &item.missing {
        Some(why) => advice(format!("{}: {why}", item.name())),
        None => run(vec![item.bench.clone(); times], state),
    }
}

/// What can be run of a group, or of all, in the order of the catalog.
fn keys_of(state: &State, group: Option<Group>) -> Vec<BenchKey> {
    let catalog = state.runs.catalog.iter().flat_map(|catalog| &catalog.benches);
    let of_group = catalog.filter(|offered| group.is_none_or(|group| offered.group == group));
    let keys = of_group.flat_map(|offered| {
        let able = offered.offers.iter().filter(|offer| offer.missing.is_none());
        able.map(|offer| BenchKey { bench: offered.bench.clone(), of: offer.of.clone() })
    });
    keys.collect()
}

/// The menu of groups.
#[must_use]
pub fn suites(known: Known<'_>, here: Option<Group>) -> Vec<Effect> {
    let state = known.state;
    if state.runs.under_way() {
        return run(Vec::new(), state);
    }
    let mut menu = Menu::new("run which benchmarks?");
    let mut add = |label: &str, group: Option<Group>, selected: bool| {
        let count = keys_of(state, group).len();
        let doc = match count {
            0 => "nothing of it can be measured here".to_owned(),
            1 => "1 benchmark".to_owned(),
            n => format!("{n} benchmarks"),
        };
        menu.add(label, doc, selected, move |state| run(keys_of(state, group), state));
    };
    for group in Group::ALL {
        add(group.name(), Some(group), here == Some(group));
    }
    add("all", None, here.is_none());
    let failing = bad(known);
    if !failing.is_empty() {
        let doc = format!("{} that are suspect, regressed or miss their target", failing.len());
        menu.add("bad ones", doc, false, move |state| run(failing.clone(), state));
    }
    vec![Effect::Open(Box::new(menu))]
}

/// Those with bad news.
fn bad(known: Known<'_>) -> Vec<BenchKey> {
    let lines = lines(known, &Listing::default());
    let mut keys: Vec<BenchKey> = Vec::new();
    for line in lines {
        let Line::Item(item) = line else { continue };
        let standing = Standing::of(known, &item.bench, &item.series());
        if standing.level() >= Level::Warn && item.missing.is_none() && !keys.contains(&item.bench) {
            keys.push(item.bench.clone());
        }
    }
    keys
}

/// Stops what runs.
#[must_use]
pub fn stop(state: &State) -> Vec<Effect> {
    match &state.runs.progress {
        _ if !state.runs.under_way() => advice("nothing runs"),
        Some(progress) => {
            let said = format!("stopping {}, and cleaning up…", state.runs.name(&progress.key));
            vec![Effect::Say(Level::Ok, said), Effect::Do(Command::Bench(BenchAct::Stop))]
        }
        None => vec![Effect::Do(Command::Bench(BenchAct::Stop))],
    }
}

/// Asks whether what changed before it is to be undone; then it is measured again.
#[must_use]
pub fn undo(item: &Item, known: Known<'_>) -> Vec<Effect> {
    let state = known.state;
    let standing = Standing::of(known, &item.bench, &item.series());
    let Some(verdict) = standing.verdicts.last().filter(|verdict| verdict.since.is_some()) else {
        return advice("it did not get worse: there is nothing to undo");
    };
    let (change, job) = match way_back::find(state, &item.series(), verdict) {
        Some((change, WayBack::Do(job))) => (change, job),
        Some((_, WayBack::Manual(words))) => return advice(format!("by hand: {words}")),
        None => return advice("no way back is known from what changed before it"),
    };
    let when = words::moment(change.at_unix_ms, state.host.now.unix_ms);
    let mut lines: Vec<SheetLine> = vec![
        vec![(job.phrase(), Role::Strong)],
        vec![(format!("because of {}, {when}", analysis::machine_changes::words(&change)), Role::Text)],
    ];
    if let Job::Pool { act, .. } = &job {
        lines.push(vec![(act.doc(), Role::Dim)]);
    }
    lines.push(vec![("then it is measured again, after another question".to_owned(), Role::Dim)]);
    let bench = item.bench.clone();
    let question = Confirm::new(format!("undo what changed before {}?", item.name()), lines, job)
        .followed(move |state| run(vec![bench.clone(); AGAIN], state));
    vec![Effect::Open(Box::new(question))]
}

/// Accepts the newest runs as the new normal.
#[must_use]
pub fn accept(item: &Item, known: Known<'_>) -> Vec<Effect> {
    let standing = Standing::of(known, &item.bench, &item.series());
    let Some((_, verdict)) = standing.last() else { return advice("it was not measured yet") };
    if !is_acceptable(verdict.verdict) {
        let is = if verdict.verdict == Verdict::Same { "as normal" } else { verdict.verdict.word() };
        return advice(format!("it is {is}: there is nothing to accept"));
    }
    let said = format!("{}: the runs since then are the new normal", item.name());
    vec![mark(item, RunSays::Accept), Effect::Say(Level::Ok, said)]
}

fn mark(item: &Item, says: RunSays) -> Effect {
    Effect::Do(Command::Bench(BenchAct::Mark { series: item.series(), says }))
}

/// The menu of runs, newest first, and what follows when one is chosen.
fn menu_of_runs(
    item: &Item,
    known: Known<'_>,
    title: String,
    then: impl Fn(&Run) -> Vec<Effect> + Copy + 'static,
) -> Option<Menu> {
    let standing = Standing::of(known, &item.bench, &item.series());
    let now = known.state.host.now.unix_ms;
    let mut menu = Menu::new(title);
    let mut any = false;
    for verdict in standing.verdicts.iter().rev().take(RUNS) {
        let Some(run) = standing.runs.iter().find(|run| run.id == verdict.run) else { continue };
        let label = words::moment(run.at_unix_ms, now);
        let doc = format!("{}  {}", words::value(&item.figure, verdict.median), verdict.verdict.word());
        let run = run.clone();
        menu.add(label, doc, false, move |_| then(&run));
        any = true;
    }
    any.then_some(menu)
}

/// Pins a run, or takes the pin away.
#[must_use]
pub fn pin(item: &Item, known: Known<'_>) -> Vec<Effect> {
    let standing = Standing::of(known, &item.bench, &item.series());
    if pinned_run(known.state, &standing).is_some() {
        return vec![mark(item, RunSays::Unpin), Effect::Say(Level::Ok, format!("{}: no run is pinned", item.name()))];
    }
    let title = format!("{}: pin which run to compare with?", item.name());
    let then = |run: &Run| {
        let (series, says) = (run.key(), RunSays::Pin(run.id.clone()));
        vec![Effect::Do(Command::Bench(BenchAct::Mark { series, says }))]
    };
    match menu_of_runs(item, known, title, then) {
        Some(menu) => vec![Effect::Open(Box::new(menu))],
        None => advice("it was not measured yet"),
    }
}

/// Forgets a run.
#[must_use]
pub fn forget(item: &Item, known: Known<'_>) -> Vec<Effect> {
    let title = format!("{}: which run does not count?", item.name());
    let then = |run: &Run| {
        let (series, says) = (run.key(), RunSays::Forget(run.id.clone()));
        vec![Effect::Do(Command::Bench(BenchAct::Mark { series, says }))]
    };
    match menu_of_runs(item, known, title, then) {
        Some(menu) => vec![Effect::Open(Box::new(menu))],
        None => advice("it was not measured yet"),
    }
}

/// All runs as JSON lines, which `bench judge` reads, into a file in the current folder.
#[must_use]
pub fn save(state: &State) -> Vec<Effect> {
    let mut runs: Vec<&Run> = state.runs.history.values().flatten().collect();
    if runs.is_empty() {
        return advice("nothing was measured yet: there is nothing to save");
    }
    runs.sort_by_key(|run| run.at_unix_ms);
    let lines = runs.into_iter().filter_map(|run| serde_json::to_string(run).ok());
    let text = lines.fold(String::new(), |text, line| text + &line + "\n");
    vec![Effect::Do(Command::Save { name: "benchmarks.jsonl".to_owned(), text })]
}
