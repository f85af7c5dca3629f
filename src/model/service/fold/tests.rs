//! Services on an invented clock: what counts as a failure, and what does not.

use std::sync::Arc;

use super::*;
use crate::model::service::{
    Probe, Standing,
    round::{Cause, Failure, FailureKind, Found, Outcome, Round},
};

const EVERY: Duration = Duration::from_secs(10);

/// Services by name, and what each round finds.
struct Bench {
    services: Services,
    names: Vec<&'static str>,
    second: u64,
    booted: Option<Duration>,
}

#[derive(Clone, Copy)]
enum Finds {
    Up(f64),
    Refused,
    Silent,
    NoRoute,
    Starved,
}
use Finds::{NoRoute, Refused, Silent, Starved, Up};

impl Bench {
    fn new(names: &[&'static str]) -> Self {
        Bench { services: Services::default(), names: names.to_vec(), second: 1000, booted: None }
    }

    /// One round of each.
    fn round(&mut self, finds: &[Finds]) {
        let began = Stamp::at_seconds(self.second);
        self.second += 10;
        let probed = |(name, finds): (&&'static str, &Finds)| {
            let down = |kind, words: &str| Outcome::Down(Failure { kind, words: words.to_owned() });
            let unjudged = |cause| Outcome::Unjudged { cause, words: "no".to_owned() };
            let outcome = match *finds {
                Up(seconds) => Outcome::Up { seconds: Some(seconds) },
                Refused => down(FailureKind::Wrong, "connection refused"),
                Silent => down(FailureKind::Unanswered, "no answer"),
                NoRoute => unjudged(Cause::Network),
                Starved => unjudged(Cause::Starved),
            };
            // Names that begin with `in` are on this machine.
            let inside = name.starts_with("in");
            let address = |last| Some(IpAddr::from([192, 168, 1, last]));
            let local = (!matches!(finds, NoRoute)).then(|| address(if inside { 9 } else { 2 })).flatten();
            let found = Found { address: address(9), local, ..Found::default() };
            let (number, ended) = (1, began.plus(Duration::from_secs(1)));
            Probed {
                probe: Arc::new(Probe {
                    name: (*name).to_owned(),
                    host: (*name).to_owned(),
                    every: EVERY,
                    ..Probe::default()
                }),
                round: Some(Arc::new(Round { number, began, ended, outcome, retried: None, found })),
                stuck: None,
            }
        };
        let sample = ServiceSample { services: self.names.iter().zip(finds).map(probed).collect() };
        let around = Around { booted: self.booted, is_inner: &|_| false };
        // Readings repeat what they said.
        for _ in 0..3 {
            self.services.apply(began.plus(Duration::from_secs(2)), &sample, &around);
        }
    }

    fn of(&self, name: &str) -> (Standing, u32) {
        let row = self.services.find(name).expect("it is there");
        (row.standing, row.failures)
    }
}

#[test]
fn failures_in_a_row_are_counted_by_rounds() {
    let mut bench = Bench::new(&["web"]);
    for (finds, stands) in [
        (Up(0.1), (Standing::Up, 0)),
        (Refused, (Standing::Down, 1)),
        (Refused, (Standing::Down, 2)),
        (Up(0.1), (Standing::Up, 0)),
        (Refused, (Standing::Down, 1)),
        (Starved, (Standing::Unjudged, 1)),
        (Silent, (Standing::Down, 2)),
        (Refused, (Standing::Down, 3)),
    ] {
        bench.round(&[finds]);
        assert_eq!(bench.of("web"), stands);
    }
    let words: Vec<&str> = bench.services.rows[0].log.iter().map(|line| line.words.as_str()).collect();
    assert_eq!(words, ["connection refused", "", "connection refused", "no", "no answer", "connection refused"]);
}

#[test]
fn all_outside_silent_together_is_this_host() {
    let mut bench = Bench::new(&["nas", "cloud", "in-web"]);
    bench.round(&[Up(0.1), Up(0.1), Up(0.1)]);
    bench.round(&[Silent, Silent, Refused]);
    assert_eq!(bench.of("nas"), (Standing::Unjudged, 0), "it does not count");
    assert_eq!(bench.of("in-web"), (Standing::Down, 1), "what is here is judged all the same");
    assert_eq!(bench.services.cut_off.as_ref().map(|cut| cut.services), Some(2));
    for _ in 0..5 {
        bench.round(&[Silent, NoRoute, Refused]);
    }
    assert_eq!((bench.of("nas"), bench.of("cloud").0), ((Standing::Unjudged, 0), Standing::Unjudged));
    assert_eq!(bench.of("in-web").1, 6);
    bench.round(&[Silent, Up(0.1), Up(0.1)]);
    assert!(bench.services.cut_off.is_none(), "one answers");
    bench.round(&[Silent, Up(0.1), Up(0.1)]);
    assert_eq!(bench.of("nas"), (Standing::Down, 1), "now it is the service");
}

#[test]
fn a_refusal_proves_that_there_is_a_network() {
    let mut bench = Bench::new(&["nas", "cloud"]);
    for _ in 0..3 {
        bench.round(&[Silent, Refused]);
    }
    assert_eq!((bench.of("nas").1, bench.services.cut_off.is_none()), (3, true));
    let mut alone = Bench::new(&["nas"]);
    for _ in 0..3 {
        alone.round(&[Silent]);
    }
    assert_eq!(alone.of("nas").1, 3, "one service proves nothing of the network");
}

#[test]
fn a_host_that_boots_is_still_starting_its_services() {
    let mut bench = Bench::new(&["web"]);
    bench.booted = Some(Duration::from_secs(40));
    bench.round(&[Refused]);
    assert_eq!(bench.of("web"), (Standing::Unjudged, 0));
    assert_eq!(bench.services.rows[0].why, "connection refused; this host booted 40s ago");
    bench.booted = Some(Duration::from_secs(301));
    bench.round(&[Refused]);
    assert_eq!(bench.of("web"), (Standing::Down, 1));
}

#[test]
fn two_milliseconds_that_become_five_are_no_trouble() {
    let mut bench = Bench::new(&["web", "far"]);
    for _ in 0..50 {
        bench.round(&[Up(0.002), Up(0.1)]);
    }
    let ratio = |bench: &Bench, name| bench.services.find(name).and_then(ServiceRow::against_normal).expect("a ratio");
    bench.round(&[Up(0.005), Up(0.5)]);
    assert!(ratio(&bench, "far") < 1.01, "one slow answer");
    bench.round(&[Up(0.005), Up(0.5)]);
    assert!(ratio(&bench, "web") < 0.3 && ratio(&bench, "far") > 4.9, "{}", ratio(&bench, "far"));
}

#[test]
fn three_answers_are_compared_and_none_while_it_is_down() {
    let mut bench = Bench::new(&["web"]);
    let compared = |bench: &Bench| bench.services.rows[0].against_normal().is_some();
    for _ in 0..40 {
        bench.round(&[Up(0.1)]);
    }
    assert!(compared(&bench));
    bench.round(&[Refused]);
    assert!(!compared(&bench), "a refusal takes no time");
    let mut new = Bench::new(&["web"]);
    for answers in 1..=40 {
        new.round(&[Up(0.1)]);
        assert!(answers >= 3 || !compared(&new), "after {answers}");
    }
}

#[test]
fn errors_are_a_share_of_enough_rounds() {
    let mut bench = Bench::new(&["web"]);
    let share = |bench: &Bench| bench.services.rows[0].error_ratio();
    for n in 0..19 {
        bench.round(&[if n == 3 { Refused } else { Up(0.1) }]);
    }
    assert_eq!(share(&bench), None);
    bench.round(&[Up(0.1)]);
    assert_eq!(share(&bench), Some(0.05));
    bench.round(&[Refused]);
    assert_eq!(share(&bench), Some(2.0 / 21.0));
    for _ in 0..60 {
        bench.round(&[Up(0.1)]);
    }
    assert_eq!(share(&bench), Some(0.0), "those of ten minutes count");
}

#[test]
fn failures_before_the_start_are_not_ruled_out() {
    let mut bench = Bench::new(&["in"]);
    let mut counted = |finds| {
        bench.round(&[finds]);
        bench.services.rows[0].failures_in_row()
    };
    assert_eq!([counted(Refused), counted(Refused), counted(Refused)], [None, None, Some(3)]);
    assert_eq!([counted(Up(0.1)), counted(Refused)], [Some(0), Some(1)]);
}

#[test]
fn rounds_are_kept_for_the_graph() {
    let mut bench = Bench::new(&["web"]);
    for n in 1..=3 {
        bench.round(&[Up(f64::from(n))]);
    }
    let kept: Vec<_> = bench.services.rows[0].past.iter().map(|past| past.seconds).collect();
    assert_eq!(kept, [Some(1.0), Some(2.0), Some(3.0)]);
}
