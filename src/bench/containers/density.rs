//! How many containers the machine carries: up to 12, then up to 50 are started, while a small web server in one more is
//! asked again and again. What starts, how long each start takes, and whether the server still answers as before.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::common::measured;
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, StopFlag, Survey, Work,
        engine::{self, Made, On, PORT, Program, Session, Spec},
        figures,
    },
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        unit::Unit,
    },
};

/// Containers at which the server's answers are looked at.
const STEPS: [usize; 2] = [12, 50];
/// The server is asked alone for so long before, and for so long after each step.
const BEFORE: Duration = Duration::from_secs(4);
const HELD: Duration = Duration::from_secs(3);
/// Between two questions.
const EVERY: Duration = Duration::from_millis(20);
/// An answer that takes longer has not come.
const ANSWER: Duration = Duration::from_secs(2);
/// The server is up by then, or the image has none.
const UP: Duration = Duration::from_secs(5);
/// The service is as before while its p95 is at most so many times what it was alone; less than so many seconds more are
/// never felt.
const SLOWER: f64 = 1.2;
const UNFELT: f64 = 0.001;
/// Starts that fail in a row before it is given up.
const FAILURES: usize = 3;

pub const DENSITY: BenchDef = BenchDef {
    id: "container-density",
    group: Group::Containers,
    doc: "Containers that run at once, up to 50, while a running service answers as before (p95 within a fifth)",
    figures: &[
        FigureDef { id: "container_density", title: "density", unit: Unit::Count, better: Better::Higher },
        FigureDef {
            id: "container_density_start_seconds",
            title: "start beside others",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "container_density_p95_ratio",
            title: "p95 of a service meanwhile",
            unit: Unit::Ratio,
            better: Better::Lower,
        },
    ],
    bench: &Density,
};

struct Density;

impl Benchmark for Density {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        engine::local_offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, on) = engine::plan(survey, of)?;
        let [some, all] = STEPS;
        plan.steps.push(format!(
            "on {}: start one container with a web server and ask it every {} ms",
            on.place.address,
            EVERY.as_millis()
        ));
        plan.steps.push(format!(
            "start {some} containers of an idle process, one after the other, then up to {all} (about 12 MB of memory each); \
             remove all"
        ));
        plan.time = Duration::from_secs(400);
        Ok((plan, Box::new(Run { on })))
    }
}

struct Run {
    on: On,
}

/// What was found at one step.
struct Step {
    wanted: usize,
    running: usize,
    /// The server's p95 meanwhile, and that share of its answers which did not come.
    p95: Option<f64>,
    lost: f64,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let (session, image) = self.on.open(cx)?;
        let server = session.run(cx, "server", &Spec::new(&image.name, Program::Serves))?;
        let asking = up(&session, cx, &server)?.map(|address| Asking::begin(address, cx.stop().clone()));
        cx.progress(RunPhase::WarmingUp, None, vec!["a service alone".to_owned()]);
        let before = match &asking {
            Some(asking) => {
                cx.stop().sleep(BEFORE)?;
                Some(asking.since_last())
            }
            None => None,
        };
        let mut made: Vec<Made> = Vec::new();
        let (mut steps, mut failures) = (Vec::new(), Vec::new());
        for wanted in STEPS {
            fill(&session, cx, &image.name, wanted, &mut made, &mut failures)?;
            cx.stop().sleep(HELD)?;
            let meanwhile = asking.as_ref().map(Asking::since_last);
            let running = running(&session, cx.stop(), &made)?;
            let lost = meanwhile.as_ref().map_or(0.0, Answers::lost);
            steps.push(Step { wanted, running, p95: meanwhile.and_then(|answers| answers.p95()), lost });
        }
        drop(asking);
        cx.progress(RunPhase::CleaningUp, None, vec![format!("removing {} containers", made.len() + 1)]);
        for made in made.iter().chain([&server]) {
            session.remove(cx, made)?;
        }
        let before = before.and_then(|answers| answers.p95());
        if let Some((before, meanwhile)) = before.zip(steps.last().and_then(|step| step.p95)) {
            cx.sample(2, meanwhile / before);
        }
        cx.sample(0, density(before, &steps) as f64);
        Ok(Measured { notes: notes(before, &steps, &failures), ..measured(image, "engine API") })
    }
}

/// Where the server answers; `None` when it never does.
fn up(session: &Session, cx: &dyn RunCx, server: &Made) -> Result<Option<SocketAddr>, Stop> {
    let end = Instant::now() + UP;
    while Instant::now() < end {
        let seen = session.inspect(cx.stop(), server)?;
        if !seen.running {
            break;
        }
        let address =
            seen.addresses.first().map(|(_, address): &(String, Ipv4Addr)| SocketAddr::from((*address, PORT)));
        if let Some(address) = address.filter(|address| ask(*address).is_some()) {
            return Ok(Some(address));
        }
        cx.stop().sleep(EVERY)?;
    }
    Ok(None)
}

/// Starts containers until `made` has so many, or too many fail.
fn fill(
    session: &Session,
    cx: &mut dyn RunCx,
    image: &str,
    wanted: usize,
    made: &mut Vec<Made>,
    failures: &mut Vec<String>,
) -> Result<(), Stop> {
    let mut in_row = 0;
    for _ in made.len() + failures.len()..wanted {
        let one = session.reserve(cx, "one")?;
        let began = Instant::now();
        let spec = Spec::new(image, Program::Stays);
        let started = session.create(cx, &one, &spec).and_then(|()| session.start(cx.stop(), &one));
        match started {
            Ok(()) => {
                in_row = 0;
                cx.sample(1, began.elapsed().as_secs_f64());
                made.push(one);
            }
            Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            Err(Stop::Failed(why)) => {
                in_row += 1;
                failures.push(why);
                if in_row == FAILURES {
                    // Is it the engine itself?
                    session
                        .inspect(cx.stop(), &one)
                        .map_or_else(|stop| if made.is_empty() { Err(stop) } else { Ok(()) }, |_| Ok(()))?;
                    return Ok(());
                }
            }
        }
        let failed = if failures.is_empty() { Vec::new() } else { vec![format!("{} failed", failures.len())] };
        cx.progress(RunPhase::Measuring, Some(made.len() as f64), failed);
    }
    Ok(())
}

/// How many of them run.
fn running(session: &Session, stop: &StopFlag, made: &[Made]) -> Result<usize, Stop> {
    made.iter().try_fold(0, |count, made| Ok(count + usize::from(session.inspect(stop, made)?.running)))
}

/// The most that run while the service answers as before: all that run, where none was measured.
fn density(before: Option<f64>, steps: &[Step]) -> usize {
    let serves = |step: &&Step| {
        before.is_none_or(|before| {
            step.lost <= 0.0 && step.p95.is_some_and(|p95| p95 <= (before * SLOWER).max(before + UNFELT))
        })
    };
    steps.iter().take_while(serves).map(|step| step.running).max().unwrap_or(0)
}

fn notes(before: Option<f64>, steps: &[Step], failures: &[String]) -> Vec<String> {
    let mut notes: Vec<String> = steps
        .iter()
        .map(|step| {
            let service = match (before, step.p95) {
                (Some(before), Some(p95)) => {
                    let lost = if step.lost > 0.0 {
                        format!(", {} without an answer", Unit::Ratio.show(step.lost))
                    } else {
                        String::new()
                    };
                    format!("p95 of a service {} (alone {}){lost}", Unit::Seconds.show(p95), Unit::Seconds.show(before))
                }
                (Some(_), None) => "the service did not answer".to_owned(),
                (None, _) => "no service was measured: the image has no httpd that answers".to_owned(),
            };
            format!("{} of {} run, {service}", step.running, step.wanted)
        })
        .collect();
    if let Some(first) = failures.first() {
        notes.push(format!("{} did not start: {first}", failures.len()));
    }
    notes
}

/// Answers of the server in a span of time.
#[derive(Default)]
struct Answers {
    /// Seconds, in order of time.
    times: Vec<f64>,
    /// Questions without an answer.
    unanswered: usize,
}

impl Answers {
    fn p95(&self) -> Option<f64> {
        (!self.times.is_empty()).then(|| figures::quantile(&self.times, 0.95))
    }

    fn lost(&self) -> f64 {
        let asked = self.times.len() + self.unanswered;
        if asked == 0 { 0.0 } else { self.unanswered as f64 / asked as f64 }
    }
}

/// A thread that asks the server until this is dropped.
struct Asking {
    answers: Arc<Mutex<Answers>>,
    over: Arc<AtomicBool>,
}

impl Asking {
    fn begin(address: SocketAddr, stop: StopFlag) -> Self {
        let (answers, over) = (Arc::new(Mutex::new(Answers::default())), Arc::new(AtomicBool::new(false)));
        let (kept, ends) = (answers.clone(), over.clone());
        thread::spawn(move || {
            while !ends.load(Ordering::Acquire) && !stop.is_set() {
                let took = ask(address);
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                match took {
                    Some(took) => kept.times.push(took.as_secs_f64()),
                    None => kept.unanswered += 1,
                }
                drop(kept);
                thread::sleep(EVERY);
            }
        });
        Asking { answers, over }
    }

    /// Those since it was asked for last.
    fn since_last(&self) -> Answers {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

/// How long the server takes to answer over a fresh connection; `None` without an answer.
fn ask(address: SocketAddr) -> Option<Duration> {
    let began = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, ANSWER).ok()?;
    stream.set_read_timeout(Some(ANSWER)).and_then(|()| stream.set_write_timeout(Some(ANSWER))).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    Read::take(&mut stream, 64 << 10).read_to_end(&mut answer).ok()?;
    answer.starts_with(b"HTTP/1.").then(|| began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{
        engine::testing::{Behaviour, Fails, FakeDocker},
        testing::TestCx,
    };

    #[test]
    fn what_runs_counts_while_the_service_answers_as_before() {
        let step = |running, p95, lost| Step { wanted: 50, running, p95, lost };
        let all = |steps: &[(usize, Option<f64>, f64)], before: Option<f64>| {
            let steps: Vec<Step> = steps.iter().map(|(running, p95, lost)| step(*running, *p95, *lost)).collect();
            density(before, &steps)
        };
        let (some, many) = ((12, Some(0.011), 0.0), (50, Some(0.012), 0.0));
        assert_eq!(all(&[some, many], Some(0.010)), 50);
        assert_eq!(all(&[some, (50, Some(0.0121), 0.0)], Some(0.010)), 12, "slower by more than a fifth");
        assert_eq!(all(&[some, (50, Some(0.011), 0.02)], Some(0.010)), 12, "some did not come");
        assert_eq!(all(&[some, (50, None, 0.0)], Some(0.010)), 12, "none came");
        assert_eq!(all(&[(12, Some(0.5), 0.0), many], Some(0.010)), 0);
        assert_eq!(all(&[(12, Some(0.0012), 0.0)], Some(0.0003)), 12, "less than a millisecond more is not felt");
        assert_eq!(all(&[(12, None, 0.0), (48, None, 0.0)], None), 48, "no service was measured");
    }

    #[test]
    fn answers_have_a_p95_and_a_share_that_did_not_come() {
        let answers = Answers { times: (1..=100).map(f64::from).collect(), unanswered: 25 };
        assert!(answers.p95().is_some_and(|p95| (95.0..=96.0).contains(&p95)));
        assert_eq!(answers.lost(), 0.2);
        assert_eq!((Answers::default().p95(), Answers::default().lost()), (None, 0.0));
    }

    #[test]
    fn each_step_says_what_the_service_felt() {
        let step = |p95, lost| Step { wanted: 12, running: 11, p95, lost };
        let said = |before, p95, lost| notes(before, &[step(p95, lost)], &[])[0].clone();
        assert_eq!(said(Some(0.01), Some(0.02), 0.0), "11 of 12 run, p95 of a service 20 ms (alone 10 ms)");
        let lost = "11 of 12 run, p95 of a service 20 ms (alone 10 ms), 25% without an answer";
        assert_eq!(said(Some(0.01), Some(0.02), 0.25), lost);
        assert_eq!(said(Some(0.01), None, 1.0), "11 of 12 run, the service did not answer");
        assert!(said(None, None, 0.0).ends_with("no service was measured: the image has no httpd that answers"));
        let failures = ["no space".to_owned(), "late".to_owned()];
        assert_eq!(notes(None, &[], &failures), ["2 did not start: no space"]);
    }

    #[test]
    fn a_web_server_is_asked_over_a_fresh_connection() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        thread::spawn(move || {
            for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(if number == 1 { b"SSH-2.0" } else { b"HTTP/1.0 404 X\r\n\r\n" });
            }
        });
        assert!(ask(address).is_some_and(|took| took > Duration::ZERO));
        assert_eq!(ask(address), None, "that was no web server");
        let asking = Asking::begin(address, StopFlag::new(Arc::default()));
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut answers = Answers::default();
        while answers.times.len() < 2 {
            assert!(Instant::now() < deadline, "it asks again and again");
            thread::yield_now();
            answers.times.extend(asking.since_last().times);
        }
        let over = asking.over.clone();
        drop(asking);
        assert!(over.load(Ordering::Acquire), "and ends with whoever wants it");
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|closed| closed.local_addr()).expect("a port");
        assert_eq!(ask(closed), None);
    }

    /// What comes of starting so many on an engine of that behaviour: the outcome, how many were made and how many of them
    /// run, and why others are not there.
    struct Filled {
        outcome: Result<(), Stop>,
        made: usize,
        running: Result<usize, Stop>,
        failures: Vec<String>,
        times: Vec<f64>,
    }

    fn filled(fails: Option<(usize, Fails)>, wanted: usize) -> Filled {
        let fails = fails.map(|fails| ("create", fails)).into_iter().collect();
        let docker = FakeDocker::new(Behaviour { fails, ..Behaviour::default() });
        let mut cx = TestCx::new(3, 1);
        let session = Session::open(&docker.fake.address(), &cx).expect("it answers");
        let (mut made, mut failures) = (Vec::new(), Vec::new());
        let outcome = fill(&session, &mut cx, "busybox:1", wanted, &mut made, &mut failures);
        let running = running(&session, cx.stop(), &made);
        Filled { outcome, made: made.len(), running, failures, times: cx.samples.swap_remove(1) }
    }

    #[test]
    fn containers_are_started_until_there_are_enough() {
        let all = filled(None, 4);
        assert_eq!((all.outcome, all.made, all.running, all.failures.len()), (Ok(()), 4, Ok(4), 0));
        assert!(all.times.len() == 4 && all.times.iter().all(|took| *took > 0.0), "{:?}", all.times);
        let some = filled(Some((2, Fails::Refuses(500, "no space"))), 4);
        assert_eq!((some.outcome, some.made, some.running, some.times.len()), (Ok(()), 3, Ok(3), 3));
        assert!(matches!(&some.failures[..], [why] if why.contains("no space")), "{:?}", some.failures);
    }

    #[test]
    fn an_engine_that_has_died_ends_it() {
        let none = filled(Some((1, Fails::Dies)), 12);
        assert!(matches!(none.outcome, Err(Stop::Failed(_))), "{:?}", none.outcome);
        assert_eq!((none.made, none.failures.len()), (0, FAILURES));
        let some = filled(Some((3, Fails::Dies)), 12);
        assert_eq!((some.outcome, some.made, some.failures.len()), (Ok(()), 2, FAILURES), "what runs counts");
        assert!(some.running.is_err());
    }

    #[test]
    fn a_service_that_ends_at_once_is_none() {
        let docker = FakeDocker::new(Behaviour::default());
        let mut cx = TestCx::new(3, 1);
        let session = Session::open(&docker.fake.address(), &cx).expect("it answers");
        let made = session.reserve(&mut cx, "server").expect("reserved");
        session.create(&cx, &made, &Spec::new("busybox:1", Program::Serves)).expect("made");
        // It was never started.
        assert_eq!(up(&session, &cx, &made), Ok(None));
    }
}
