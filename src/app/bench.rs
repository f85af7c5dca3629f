//! `benchtop bench`: benchmarks without a screen. The plan and what speaks against it go to standard error, as does the
//! progress; the results alone go to standard output.

mod choose;
mod progress;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use self::progress::Progress;
use super::{
    auto_undo as undo,
    benches::{cleaned, env},
    commands::operation,
    history::Keeps,
    once,
    output::{fail, say, stderr, written},
    session::Session,
};
use crate::{
    analysis::{
        regression::Verdict,
        stats::{half_width, median},
    },
    bench::{
        BENCHES, Env, Survey,
        auto_undo::{AutoUndo, Next},
        runner,
        scratch::clean_up,
        suite::{self, Suite},
    },
    clock::Clock,
    config::Settings,
    model::{
        bench::{BenchKey, Catalog, CheckOutcome, Offered, RunPlan},
        event::Event,
        run::{Keeping, Run, RunEvent},
        unit::Unit,
    },
    sink::runs::{self, Results, Shown},
    state::{
        runs::Runs,
        scorecard::{Row, scorecard},
    },
    target::Bound,
    text::clean_lines,
    units::{bytes_long, span},
};

/// Nothing could be run, or not all that was asked for.
const NOT_RUN: u8 = 2;
/// The history is there within this time, or the run goes on without.
const HISTORY: Duration = Duration::from_secs(3);
/// What was measured is on the disk within this time.
const KEEPING: Duration = Duration::from_secs(5);

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Ids of benchmarks and names of suites; none: what there is.
    pub what: Vec<String>,
    /// Only on these.
    pub on: Vec<String>,
    /// So many times in turn.
    pub runs: u32,
    pub json: bool,
    /// Without a question.
    pub yes: bool,
}

/// `benchtop bench [list | ID… | SUITE]`
#[must_use]
pub fn bench(settings: &Settings, asked: &Asked) -> ExitCode {
    let clock = Clock::start();
    let env = env(clock, &settings.root);
    let (removed, left) = clean_up(&env.journals, &env.exec);
    if let Some(words) = cleaned(&removed, &left) {
        say(&words);
    }
    let history = (Keeps::Results, Instant::now() + once::WAIT + HISTORY);
    let mut session = once::read(settings, true, once::WAIT, Some(history), Vec::new());
    // Nothing is read while something is measured.
    session.stop_reading();
    if let Some(Keeping::Failing(why)) = &session.state().runs.keeping {
        say(&format!("results are not kept: {why}"));
    }
    let state = session.state().clone();
    let survey = Survey { settings, state: &state, root: &env.root, exec: &env.exec };
    let catalog = suite::catalog(BENCHES, &survey);
    if asked.what.is_empty() {
        return list(&catalog);
    }
    let keys = match choose::keys(&catalog, &asked.what, &asked.on) {
        Ok(keys) => keys,
        Err(why) => return refuse(&why),
    };
    let at = clock.now();
    let suite = suite::plan(BENCHES, &survey, &keys, runner::batch(at), asked.runs);
    show(&suite.plan, settings.ascii);
    if suite.plan.plans().next().is_none() {
        return refuse("nothing can be run");
    }
    if suite.plan.is_stopped() {
        return refuse("nothing was run: the checks marked above forbid it");
    }
    match agreed(asked.yes) {
        Ok(true) => {}
        Ok(false) => return refuse("nothing was run"),
        Err(why) => return refuse(why),
    }
    execute(settings, asked, &env, session, suite, &catalog)
}

/// Runs it and writes what came of it.
fn execute(
    settings: &Settings,
    asked: &Asked,
    env: &Env,
    mut session: Session,
    suite: Suite,
    catalog: &Catalog,
) -> ExitCode {
    let plan = suite.plan.clone();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("could not start the event loop: {error}")),
    };
    let mut undoing = AutoUndo::new(BENCHES, if settings.read_only { &[] } else { &settings.bench.undo });
    let (mut ids, mut next, mut first) = (vec![suite.plan.id.clone()], Some(suite), None);
    while let Some(suite) = next.take() {
        let ended = runtime.block_on(run(suite, env, catalog, |event| {
            undoing.saw(&event);
            session.fold(Event::Run(event));
        }));
        let stopped = match ended {
            Ok(stopped) => stopped,
            Err(why) => {
                if let Err(why) = session.finish_within(KEEPING) {
                    say(&why.to_string());
                }
                return refuse(&why);
            }
        };
        say(session.state().runs.report.as_deref().unwrap_or("ended without a result"));
        first.get_or_insert(stopped);
        next = follow(&mut undoing, &mut session, settings, env, stopped);
        ids.extend(next.as_ref().map(|suite| suite.plan.id.clone()));
    }
    let stopped = first.unwrap_or_default();
    let state = session.state().clone();
    if let Err(why) = session.finish_within(KEEPING) {
        say(&why.to_string());
    }
    let failed = plan.plans().filter_map(|(key, _)| Some((key, state.runs.failed.get(key)?.as_str())));
    let targets = scorecard(&state, &settings.targets, env.clock.now());
    let found = ids.iter().flat_map(|id| runs::of_batch(&state.runs, id));
    let runs: Vec<Shown<'_>> = found.filter_map(|run| shown(run, &state.runs, &targets)).collect();
    // Of what was measured again the newest counts.
    let is_newest =
        |(at, shown): &(usize, &Shown<'_>)| !runs[at + 1..].iter().any(|later| later.run.key() == shown.run.key());
    let bad = runs.iter().enumerate().filter(is_newest).any(|(_, shown)| is_bad(shown));
    let mut failed: Vec<(&BenchKey, &str)> = failed.collect();
    failed.dedup();
    let results = Results { runs, failed, stopped };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = if asked.json {
        runs::write_json(&results, &mut out)
    } else {
        let figures: Vec<_> = catalog.benches.iter().flat_map(|bench| bench.figures.clone()).collect();
        runs::write_text(&results, &figures, settings.ascii, &mut out)
    };
    if let Some(code) = written(outcome.and_then(|()| out.flush())) {
        return code;
    }
    let planned = plan.parts.iter().all(|part| part.plan.is_ok());
    let complete = planned && results.failed.is_empty() && !results.runs.is_empty() && !stopped;
    match (complete, bad) {
        (false, _) => ExitCode::from(NOT_RUN),
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::SUCCESS,
    }
}

/// Does what `bench.undo` allows after a suite has ended; the suite that measures again.
fn follow(
    undoing: &mut AutoUndo,
    session: &mut Session,
    settings: &Settings,
    env: &Env,
    stopped: bool,
) -> Option<Suite> {
    let now = || env.clock.now();
    let mut step = undoing.over(session.state(), stopped, now().unix_ms);
    loop {
        for note in std::mem::take(&mut step.notes) {
            say(&undo::say(&note).1);
            session.fold(Event::Run(RunEvent::Undo { at: now(), note }));
        }
        if let Some(change) = step.changed.take() {
            session.fold(Event::Run(RunEvent::Changed { at: now(), change }));
        }
        match step.next? {
            Next::Act(job) => {
                let done = undo::carry_out(&job, &session.written(), &settings.root);
                session.fold(Event::Act(operation(&job, &done, now())));
                step = undoing.acted(&done, now().unix_ms);
            }
            Next::Measure(keys) => {
                let state = session.state().clone();
                let survey = Survey { settings, state: &state, root: &env.root, exec: &env.exec };
                let suite = suite::plan(BENCHES, &survey, &keys, runner::batch(now()), 1);
                if undoing.asked_for(&suite.plan) && undo::refusal(&suite.plan).is_none() {
                    return Some(suite);
                }
                let why = undo::refusal(&suite.plan).unwrap_or_default();
                step = undoing.unmeasured(&why, now().unix_ms);
            }
        }
    }
}

/// A figure with what is made of it: compared with earlier runs, and with what it should reach.
fn shown<'a>(run: &'a Run, runs: &Runs, targets: &[Row]) -> Option<Shown<'a>> {
    let (median, spread) = (median(&run.samples)?, half_width(&run.samples).filter(|half| half.is_finite()));
    let given = runs.verdicts(&run.key()).iter().find(|given| given.run == run.id);
    let aims = |row: &&Row| {
        let measured = row.measured.as_ref();
        row.target.measure.benchmark.as_deref() == Some(run.benchmark.as_str())
            && measured.is_some_and(|measured| measured.of == run.of && measured.at_unix_ms == run.at_unix_ms)
    };
    let target = targets.iter().find(aims).and_then(|row| {
        let limit = match row.target.bound {
            Bound::Below(limit) | Bound::AtMost(limit) | Bound::AtLeast(limit) | Bound::About(limit) => limit,
            Bound::Between(low, _) => low,
        };
        Some((limit, row.measured.as_ref()?.is_met))
    });
    let against = given.and_then(|given| Some(given.against.as_ref()?.median));
    Some(Shown { run, median, spread, target, verdict: given.map(|given| given.verdict.word()), against })
}

/// A run that is worse than before, or than it should be.
fn is_bad(shown: &Shown<'_>) -> bool {
    shown.verdict == Some(Verdict::Regressed.word()) || shown.target.is_some_and(|(_, met)| !met)
}

/// The signals that stop it.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        let [int, term, hup] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Signals([int?, term?, hup?]))
    }

    async fn next(&mut self) {
        let [int, term, hup] = &mut self.0;
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
    }
}

/// Runs a suite to its end; whether it was stopped, or why it did not begin.
async fn run(suite: Suite, env: &Env, catalog: &Catalog, mut fold: impl FnMut(RunEvent)) -> Result<bool, String> {
    // From here on no signal may end us with something left.
    let mut signals = Signals::new().map_err(|error| format!("could not receive signals: {error}"))?;
    let mut progress = Progress::new(suite.plan.plans().count(), units(catalog), io::stderr().is_terminal());
    let (tx, mut events): (_, UnboundedReceiver<RunEvent>) = unbounded_channel();
    let emit = Arc::new(move |event| _ = tx.send(event));
    let running =
        runner::start(suite, env.clone(), emit).map_err(|error| super::background::no_thread("benchmarks", &error))?;
    let mut asked = 0;
    loop {
        tokio::select! {
            () = signals.next() => {
                asked += 1;
                if asked > 1 {
                    return Err("left at once: the next start removes what is left".to_owned());
                }
                progress.line("stopping, and removing what was made");
                running.stop();
            }
            event = events.recv() => {
                let Some(event) = event else { return Err("it ended inside benchtop: --log says where".to_owned()) };
                progress.see(&event);
                let ended = if let RunEvent::Ended { stopped, .. } = &event { Some(*stopped) } else { None };
                fold(event);
                if let Some(stopped) = ended {
                    return Ok(stopped);
                }
            }
        }
    }
}

/// The unit of what each benchmark shows.
fn units(catalog: &Catalog) -> BTreeMap<String, Unit> {
    let first = |bench: &Offered| Some((bench.bench.clone(), bench.figures.first()?.unit));
    catalog.benches.iter().filter_map(first).collect()
}

/// What there is, and what of it can be run here.
fn list(catalog: &Catalog) -> ExitCode {
    let mut out = String::new();
    for bench in &catalog.benches {
        out += &format!("{:<20} {:<10} {}\n", bench.bench, bench.group.name(), bench.doc);
        for offer in &bench.offers {
            let of = if offer.of.is_empty() { "this machine" } else { &offer.of };
            match &offer.missing {
                None => out += &format!("    {of}\n"),
                Some(why) if offer.of.is_empty() => out += &format!("    not here: {why}\n"),
                Some(why) => out += &format!("    {of}: not here: {why}\n"),
            }
        }
    }
    let mut stdout = io::stdout().lock();
    let outcome = stdout.write_all(clean_lines(&out).as_bytes()).and_then(|()| stdout.flush());
    written(outcome).unwrap_or(ExitCode::SUCCESS)
}

/// The plan and the checks, on standard error.
fn show(plan: &RunPlan, ascii: bool) {
    let mut text = String::new();
    let (mut shown, runs): (Vec<&BenchKey>, _) =
        (Vec::new(), |key: &BenchKey| plan.parts.iter().filter(|p| p.key == *key).count());
    for part in &plan.parts {
        if shown.contains(&&part.key) {
            continue;
        }
        shown.push(&part.key);
        let times = match runs(&part.key) {
            0 | 1 => String::new(),
            many => format!("{many} times, each "),
        };
        match &part.plan {
            Ok(plan) => {
                let writes = if plan.writes > 0 {
                    format!(", writes at most {}", bytes_long(plan.writes as f64))
                } else {
                    String::new()
                };
                text += &format!("{}: {times}at most {}{writes}\n", part.key, span(plan.time));
                plan.steps.iter().for_each(|step| text += &format!("    {step}\n"));
            }
            Err(why) => text += &format!("{}: left out: {why}\n", part.key),
        }
    }
    for check in &plan.checks {
        let glyph = match (check.outcome, ascii) {
            (CheckOutcome::Passed, false) => "●",
            (CheckOutcome::Warns, false) => "▲",
            (CheckOutcome::Stops, false) => "✖",
            (CheckOutcome::Passed, true) => "o",
            (CheckOutcome::Warns, true) => "!",
            (CheckOutcome::Stops, true) => "X",
        };
        text += &format!("{glyph} {}\n", check.text);
    }
    let count = plan.plans().count();
    let many = if count == 1 { "one benchmark".to_owned() } else { format!("{count} benchmarks") };
    text += &format!("{many}, at most {}", span(plan.time()));
    if plan.writes() > 0 {
        text += &format!(", at most {} written", bytes_long(plan.writes() as f64));
    }
    stderr(&format!("{}\n", clean_lines(&text)));
}

/// The user's yes.
fn agreed(yes: bool) -> Result<bool, &'static str> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err("nothing was run: there is no terminal to ask on, --yes runs it without a question");
    }
    stderr("run this? [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn refuse(why: &str) -> ExitCode {
    say(why);
    ExitCode::from(NOT_RUN)
}
