//! The machine read once, without a screen: the same lanes, the same fold, then a sink. What does not answer in time is
//! reported as late, never waited for.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use super::{
    history::{History, Keeps, News},
    output,
    session::{Session, Start},
    terminal::Terminal,
};
use crate::{
    alert::Level,
    clock::Stamp,
    collect::{Pace, SOURCES, SourceDef},
    config::Settings,
    interest::Interest,
    model::{
        event::{Envelope, Event},
        fault::{Fault, OFF},
        run::{Keeping, RunEvent},
        source::SourceId,
    },
    sink::{self, Sink, doctor::Check, json::Json, text::Text},
    state::State,
    sys::exec,
    ui::theme::Theme,
};

/// A report is there within this time, unless asked to wait longer. What has not answered by then is reported as such.
pub const WAIT: Duration = Duration::from_secs(2);
/// What of it the start and the writing take.
const AROUND: Duration = Duration::from_millis(200);
/// Between the two readings that rates need.
const APART: Duration = Duration::from_millis(500);

/// How many more readings each source owes.
struct Owed(BTreeMap<SourceId, u32>);

impl Owed {
    fn new(sources: &[&SourceDef], rates: bool) -> Self {
        let needed = |pace: Pace| if rates && !matches!(pace, Pace::AtLeast(_)) { 2 } else { 1 };
        let mut left: BTreeMap<SourceId, u32> = sources.iter().map(|s| (s.id, needed(s.pace))).collect();
        // Watts, and the share of a limit, come from a pair too.
        for source in [SourceId::Power, SourceId::Limits] {
            left.entry(source).and_modify(|n| *n = if rates { 2 } else { 1 });
        }
        Owed(left)
    }

    fn note(&mut self, envelope: &Envelope) {
        let done = match (&envelope.outcome, self.0.get_mut(&envelope.source)) {
            (Ok(sample), Some(n)) if sample.is_settled() => {
                *n -= 1;
                *n == 0
            }
            // Late is not the last word: the answer may still come.
            (Err(Fault::Timeout), _) => false,
            (Err(_), _) => true,
            _ => false,
        };
        if done {
            self.0.remove(&envelope.source);
        }
    }
}

/// Reads every source, twice where rates need it, and judges. With `history` the book of alerts that a screen or the
/// service keeps has its say: what fires still, since when, and what was acknowledged. It is read meanwhile, and one that
/// is slow is waited for until then.
pub(super) fn read(
    settings: &Settings,
    rates: bool,
    wait: Duration,
    history: Option<(Keeps, Instant)>,
    sinks: Vec<Box<dyn Sink>>,
) -> Session {
    let mut session = Session::on(settings, sinks);
    if let Some((keeps, _)) = history {
        session.remember(settings, keeps, || {});
    }
    // Readers of a report want every figure: no process's command line or storage rates are left out. Nobody looks at one
    // process, one log: such a source would never answer.
    let want = Interest { io_of_all: true, commands_of_all: true, sockets: true, pairs: rates, ..Interest::default() };
    let sources = session.start(settings, Start { want, every: APART, once: true }, || {});
    let mut owed = Owed::new(&sources, rates);
    let end = Instant::now() + wait.saturating_sub(AROUND);
    while !owed.0.is_empty() && session.wait(end, |envelope| owed.note(envelope)) {}
    session.take(|_, _| {});
    // Some may take longer than there was time.
    for source in owed.0.into_keys() {
        if session.state().host.health.get(source).is_none() {
            let (at, took, outcome) = (session.clock().now(), wait, Err(Fault::Timeout));
            session.fold(Event::Reading(Envelope { source, at, took, every: APART, outcome }));
        }
    }
    if let Some((_, end)) = history {
        session.await_history(end, |words| output::say(&words));
    }
    session.tick();
    session.judge_at_once();
    session
}

/// `benchtop once [--json]`.
#[must_use]
pub fn once(settings: &Settings, json: bool, wait: Duration) -> ExitCode {
    let out = io::stdout();
    let columns = if out.is_terminal() { usize::from(Terminal::size().0) } else { usize::MAX };
    let out = io::BufWriter::new(out.lock());
    let sink: Box<dyn Sink> =
        if json { Box::new(Json(out)) } else { Box::new(Text { out, ascii: settings.ascii, columns }) };
    // The report of a moment leaves nothing behind.
    let end = Instant::now() + wait.saturating_sub(AROUND);
    let session = read(settings, true, wait, Some((Keeps::Nothing, end)), vec![sink]);
    // A machine of which nothing could be read is no report.
    let nothing = !session.state().host.health.any_figures();
    match output::written(session.finish().map(drop)) {
        Some(code) => code,
        None if nothing => output::fail("no source could be read: `benchtop doctor` shows why"),
        None => ExitCode::SUCCESS,
    }
}

/// `benchtop doctor [--json]`: `own` are the checks that only the command line can make.
#[must_use]
pub fn doctor(settings: &Settings, theme: &Theme, json: bool, mut own: Vec<Check>) -> ExitCode {
    // It is read beside the sources.
    let history = History::start(settings, None, Keeps::Nothing, || {});
    own.push(terminal_check());
    own.extend(SourceId::ALL.into_iter().filter(|id| settings.is_off(id.name())).map(|id| Check {
        id: id.name().into(),
        state: "off".into(),
        message: OFF.into(),
        hint: None,
    }));
    let session = read(settings, false, WAIT, None, Vec::new());
    let state = session.state();
    let on = |id: SourceId| {
        SOURCES
            .iter()
            .find(|s| s.id == id && !settings.is_off(id.name()) && sink::report::is_asked(state, id))
            .map(|s| s.reads)
    };
    own.extend(tool_checks(state));
    own.push(history_check(&history));
    let checks = sink::doctor::checks(state, &on, own);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if json {
        sink::doctor::write_json(&checks, &mut out)
    } else {
        let paint = |level: Level, text: &str| output::painted(theme, level, text);
        let style = sink::doctor::Style { ascii: settings.ascii, columns: output::columns(), paint: &paint };
        sink::doctor::write_text(&checks, &style, &mut out)
    };
    output::written(written.and_then(|()| out.flush()))
        .unwrap_or_else(|| ExitCode::from(sink::doctor::exit_code(&checks)))
}

/// The programs that a source of this machine asks: without them it knows less.
fn tool_checks(state: &State) -> Vec<Check> {
    let zfs = state.host.health.get(SourceId::Pools).is_some_and(|h| h.good_at.is_some());
    let tools: &[(&str, &str)] = if zfs {
        &[("zpool", "devices, errors, scrubs and latencies of pools"), ("zfs", "datasets and their properties")]
    } else {
        &[]
    };
    let check = |(tool, gives): &(&str, &str)| match exec::find(tool) {
        Some(path) => {
            Check { id: (*tool).into(), state: "live".into(), message: path.display().to_string(), hint: None }
        }
        None => Check {
            id: (*tool).into(),
            state: "broken".into(),
            message: format!("not found in PATH and the system directories: it reports {gives}"),
            hint: Some("install zfsutils-linux, or your distribution's package of the OpenZFS tools".into()),
        },
    };
    tools.iter().map(check).collect()
}

/// Whether results of benchmarks are kept, and where.
fn history_check(history: &History) -> Check {
    let check = |state: &str, message: String| Check { id: "history".into(), state: state.into(), message, hint: None };
    let (mut file, mut said) = (None, Vec::new());
    let end = Instant::now() + AROUND;
    let news = std::iter::from_fn(|| history.wait(Stamp::default(), end)).flatten();
    for news in news {
        let event = match news {
            News::Message(words) => {
                said.push(words);
                continue;
            }
            News::Event(event) => *event,
        };
        let Event::Run(event) = event else { continue };
        match event {
            RunEvent::Keeping { keeping: Keeping::In(place), .. } => file = Some(place),
            RunEvent::Keeping { keeping: Keeping::Off(why), .. } => return check("off", why),
            RunEvent::Keeping { keeping: Keeping::Failing(why), .. } => return check("broken", why),
            RunEvent::History { runs, .. } => {
                let kept = match runs.len() {
                    0 => "nothing is kept yet".to_owned(),
                    1 => "1 result".to_owned(),
                    n => format!("{n} results"),
                };
                said.insert(0, format!("{}: {kept}", file.unwrap_or_default()));
                return check("live", said.join("; "));
            }
            _ => {}
        }
    }
    check("timeout", "the history could not be read in time: its file system is slow, or hangs".to_owned())
}

fn terminal_check() -> Check {
    let check = |state: &str, message: String, hint: Option<&str>| Check {
        id: "terminal".into(),
        state: state.into(),
        message,
        hint: hint.map(str::to_owned),
    };
    if let Some(why) = Terminal::refusal() {
        return check(
            "absent",
            format!("{why}: the live screen cannot run here"),
            Some("`benchtop once` works without one"),
        );
    }
    let (columns, rows) = Terminal::size();
    let term = std::env::var("TERM").unwrap_or_else(|_| "not set".into());
    check("live", format!("{columns}x{rows}, TERM {term}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::{Limits, Rule},
        model::{event::Sample, load::LoadSample, metrics::LOAD1},
        sys::root::Root,
    };

    fn load(session: &mut Session, load1: f64, second: u64) {
        let at = session.clock().now().plus(Duration::from_secs(second));
        let (took, every, outcome) =
            (Duration::ZERO, Duration::from_secs(1), Ok(Sample::Load(LoadSample { load1, ..LoadSample::default() })));
        session.fold(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
        session.fold(Event::Tick(at));
    }

    #[test]
    fn what_still_clears_on_a_screen_is_not_all_quiet() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits { warn: Some(4.0), ..Limits::default() };
        let clear_hold = Some(Duration::from_secs(600));
        let rules = vec![Rule { limits, clear_hold, say: "load is {value}".into(), ..Rule::new("load_high", LOAD1) }];
        let mut settings = Settings { root: Root::fixture("homelab"), rules, ..Settings::default() };
        settings.history.path = Some(folder.path().join("history.db"));
        let quiet =
            read(&settings, true, WAIT, Some((Keeps::Nothing, Instant::now() + Duration::from_secs(60))), Vec::new());
        assert_eq!(quiet.state().calm().0, "all quiet", "the load of this machine is low");
        drop(quiet.finish());
        assert!(!folder.path().join("history.db").exists(), "it is only read");

        let mut screen = Session::on(&settings, Vec::new());
        screen.remember(&settings, Keeps::Alerts, || {});
        screen.await_history(Instant::now() + Duration::from_secs(60), |said| panic!("{said}"));
        // Alerts are judged at whole seconds.
        (0..2).for_each(|second| load(&mut screen, 9.0, second));
        assert_eq!(screen.state().verdict().warn, 1);
        screen.finish().expect("written");
        let report =
            read(&settings, true, WAIT, Some((Keeps::Nothing, Instant::now() + Duration::from_secs(60))), Vec::new());
        let worst = report.state().verdict().worst.map(|watch| (watch.say.clone(), watch.clears_in.is_some()));
        assert_eq!(worst, Some(("load is 2.4".to_owned(), true)), "with the load of now");
    }
}
