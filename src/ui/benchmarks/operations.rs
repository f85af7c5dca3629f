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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::run::RunMark,
        ui::{
            action::Action,
            benchmarks::{
                known::Goals,
                testing::{NOW, compressed, effects, item, key, measured, series, since, state, under_way},
            },
            canvas::testing::drawn,
        },
    };

    fn words(of: Vec<Effect>, state: &State) -> Vec<String> {
        effects(&of, state)
    }

    fn with<R>(state: &State, then: impl FnOnce(Known<'_>) -> R) -> R {
        let goals = Goals::new();
        then(Known { state, goals: &goals })
    }

    /// The lines of the menu that opens, and what comes of its first choices.
    fn menu(of: Vec<Effect>, state: &State, choices: usize) -> (Vec<String>, Vec<Vec<String>>) {
        let Some(Effect::Open(mut menu)) = of.into_iter().next() else { panic!("a menu") };
        let lines = drawn(state, (70, 8), |cx, area, canvas| menu.draw(cx, area, canvas)).lines();
        menu.act(Action::Top, state);
        let mut chosen = Vec::new();
        for _ in 0..choices {
            chosen.push(words(menu.act(Action::Open, state).unwrap(), state));
            menu.act(Action::Down, state);
        }
        (lines.into_iter().filter(|line| !line.is_empty()).collect(), chosen)
    }

    #[test]
    fn a_run_is_planned_and_asked_about_unless_one_is_under_way() {
        let mut state = state();
        let (tank, srv) = (series("storage_random_iops", "tank"), series("storage_random_iops", "/srv"));
        let asked = words(run_item(&item(&state, &tank), 2, &state), &state);
        assert_eq!(asked, ["opens run tank random 4k, 2 times?", "plans random of tank, random of tank"]);
        assert_eq!(words(run(Vec::new(), &state), &state), ["nothing of this can be measured here: the list says why"]);
        measured(&mut state, &srv, &[(1, 9.0, Verdict::Same, 1.0)]);
        assert_eq!(words(run_item(&item(&state, &srv), 1, &state), &state), ["/srv · random 4k: no space"]);
        under_way(&mut state, &key("start", ""), &[]);
        let refused = "a run is under way: one at a time, so that they do not disturb each other";
        assert_eq!(words(run_item(&item(&state, &tank), 1, &state), &state), [refused]);
        assert_eq!(words(with(&state, |known| suites(known, None)), &state), [refused]);
    }

    #[test]
    fn a_suite_runs_a_group_all_or_what_is_bad() {
        let mut state = state();
        let (lines, chosen) = menu(with(&state, |known| suites(known, Some(Group::Storage))), &state, 6);
        assert_eq!(
            lines,
            [
                "containers   1 benchmark",
                "storage      1 benchmark",
                "network      nothing of it can be measured here",
                "models       nothing of it can be measured here",
                "machine      nothing of it can be measured here",
                "all          2 benchmarks",
            ]
        );
        assert_eq!(chosen[1], ["closes", "opens run tank random 4k?", "plans random of tank"]);
        assert_eq!(chosen[3], ["closes", "nothing of this can be measured here: the list says why"]);
        assert_eq!(chosen[5], ["closes", "opens run 2 benchmarks?", "plans start, random of tank"]);
        measured(&mut state, &series("storage_random_iops", "tank"), &[(1, 9.0, Verdict::Suspect, 0.8)]);
        measured(&mut state, &series("storage_latency_seconds", "tank"), &[(1, 9.0, Verdict::Regressed, 0.8)]);
        measured(&mut state, &series("storage_random_iops", "/srv"), &[(1, 9.0, Verdict::Suspect, 0.8)]);
        measured(&mut state, &series("container_start_seconds", ""), &[(1, 9.0, Verdict::Drift, 0.8)]);
        let (lines, chosen) = menu(with(&state, |known| suites(known, None)), &state, 7);
        assert_eq!(lines[6], "bad ones     1 that are suspect, regressed or miss their target");
        assert_eq!(chosen[6], ["closes", "opens run tank random 4k?", "plans random of tank"]);
    }

    #[test]
    fn the_menu_of_suites_begins_where_one_is() {
        let state = state();
        let chosen = |here| {
            let Some(Effect::Open(mut menu)) = with(&state, |known| suites(known, here)).into_iter().next() else {
                panic!("a menu")
            };
            words(menu.act(Action::Open, &state).unwrap(), &state).pop().unwrap()
        };
        assert_eq!(chosen(Some(Group::Storage)), "plans random of tank");
        assert_eq!(chosen(None), "plans start, random of tank");
    }

    #[test]
    fn what_runs_is_stopped_by_name() {
        let mut state = state();
        assert_eq!(words(stop(&state), &state), ["nothing runs"]);
        under_way(&mut state, &key("random", "tank"), &[]);
        assert_eq!(words(stop(&state), &state), ["stopping tank random 4k, and cleaning up…", "Stop"]);
        state.runs.progress = None;
        assert_eq!(words(stop(&state), &state), ["Stop"]);
    }

    #[test]
    fn what_changed_before_it_is_undone_after_a_question() {
        let mut state = state();
        let of = series("storage_random_iops", "tank");
        let undone = |state: &State| with(state, |known| undo(&item(state, &of), known));
        assert_eq!(words(undone(&state), &state), ["it did not get worse: there is nothing to undo"]);
        measured(&mut state, &of, &[(9, 200.0, Verdict::Same, 1.0), (1, 150.0, Verdict::Regressed, 0.75)]);
        assert_eq!(words(undone(&state), &state), ["it did not get worse: there is nothing to undo"]);
        since(&mut state, &of, 9);
        assert_eq!(words(undone(&state), &state), ["no way back is known from what changed before it"]);
        let mut by_hand = state.clone();
        by_hand.host.facts.kernel = Some("6.2".into());
        by_hand.runs.changes.push(crate::model::run::Change {
            at_unix_ms: NOW - 5 * crate::ui::benchmarks::testing::HOUR,
            kind: "kernel".into(),
            of: String::new(),
            property: "release".into(),
            before: Some("6.1".into()),
            after: Some("6.2".into()),
        });
        assert_eq!(words(undone(&by_hand), &by_hand), ["by hand: start the kernel 6.1 from the boot menu"]);
        compressed(&mut state, 4);
        let mut effects = undone(&state);
        assert_eq!(words(undone(&state), &state), ["opens undo what changed before tank · random 4k?"]);
        let Some(Effect::Open(question)) = effects.first_mut() else { panic!("a question") };
        let lines = drawn(&state, (70, 8), |cx, area, canvas| question.draw(cx, area, canvas)).lines();
        let when = super::words::moment(NOW - 4 * crate::ui::benchmarks::testing::HOUR, NOW);
        assert_eq!(
            lines[..4],
            [
                "set compression of tank to lz4".to_owned(),
                format!("because of compression of tank: lz4 → gzip, {when}"),
                "now gzip; affects new writes only".to_owned(),
                "then it is measured again, after another question".to_owned(),
            ]
        );
        let yes = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('y'));
        let done = words(question.key(yes, &state).unwrap(), &state);
        assert_eq!(done[2..4], ["does set compression of tank to lz4", "opens run tank random 4k, 3 times?"]);
        assert_eq!(done[4], "plans random of tank, random of tank, random of tank");
    }

    #[test]
    fn only_what_differs_can_be_accepted() {
        let mut state = state();
        let of = series("storage_random_iops", "tank");
        let accepted = |state: &State| words(with(state, |known| accept(&item(state, &of), known)), state);
        assert_eq!(accepted(&state), ["it was not measured yet"]);
        measured(&mut state, &of, &[(2, 200.0, Verdict::Same, 1.0)]);
        assert_eq!(accepted(&state), ["it is as normal: there is nothing to accept"]);
        measured(&mut state, &of, &[(1, 150.0, Verdict::Regressed, 0.75)]);
        assert_eq!(
            accepted(&state),
            ["Accept of storage_random_iops tank", "tank · random 4k: the runs since then are the new normal"]
        );
    }

    #[test]
    fn a_run_is_pinned_or_forgotten_from_the_newest_on() {
        let mut state = state();
        let of = series("storage_random_iops", "tank");
        let pinned = |state: &State| with(state, |known| pin(&item(state, &of), known));
        let forgotten = |state: &State| with(state, |known| forget(&item(state, &of), known));
        assert_eq!(words(pinned(&state), &state), ["it was not measured yet"]);
        assert_eq!(words(forgotten(&state), &state), ["it was not measured yet"]);
        measured(&mut state, &of, &[(2, 200.0, Verdict::Same, 1.0), (1, 150.0, Verdict::Suspect, 0.75)]);
        state.runs.history.get_mut(&of).unwrap().remove(0);
        let when = super::words::moment(NOW - crate::ui::benchmarks::testing::HOUR, NOW);
        let line = format!("{when}   150 IOPS  suspect");
        let (lines, chosen) = menu(pinned(&state), &state, 1);
        assert_eq!(
            (lines, chosen),
            (
                vec![line.clone()],
                vec![vec![
                    "closes".to_owned(),
                    "Pin(\"storage_random_iops 1\") of storage_random_iops tank".to_owned()
                ]]
            )
        );
        let (lines, chosen) = menu(forgotten(&state), &state, 1);
        assert_eq!(
            (lines, chosen[0][1].as_str()),
            (vec![line], "Forget(\"storage_random_iops 1\") of storage_random_iops tank")
        );
        assert_eq!(words(pinned(&state), &state), ["opens tank · random 4k: pin which run to compare with?"]);
        assert_eq!(words(forgotten(&state), &state), ["opens tank · random 4k: which run does not count?"]);
        let says = RunSays::Pin("storage_random_iops 1".to_owned());
        state.runs.marks.push(RunMark { at_unix_ms: NOW, series: of.clone(), says });
        assert_eq!(
            words(pinned(&state), &state),
            ["Unpin of storage_random_iops tank", "tank · random 4k: no run is pinned"]
        );
    }

    #[test]
    fn results_are_saved_in_order_of_time() {
        let mut state = state();
        assert_eq!(words(save(&state), &state), ["nothing was measured yet: there is nothing to save"]);
        measured(&mut state, &series("storage_random_iops", "tank"), &[(1, 150.0, Verdict::Same, 1.0)]);
        measured(
            &mut state,
            &series("container_start_seconds", ""),
            &[(2, 0.6, Verdict::Same, 1.0), (0, 0.5, Verdict::Same, 1.0)],
        );
        let Some(Effect::Do(Command::Save { name, text })) = save(&state).pop() else { panic!("a file") };
        let runs: Vec<Run> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (name.as_str(), runs.iter().map(|run| run.samples[0]).collect::<Vec<_>>()),
            ("benchmarks.jsonl", vec![0.6, 150.0, 0.5])
        );
        assert!(text.ends_with("}\n"));
    }
}
