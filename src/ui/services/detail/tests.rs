//! The detail of a service: its phases, its facts, and its certificates.

use std::sync::Arc;

use super::*;
use crate::{
    alert::shipped,
    clock::Stamp,
    model::{
        container::Container,
        event::{Envelope, Event, Sample},
        service::{
            Probe, Probed, ServiceSample,
            round::{Chain, Failure, Found, Outcome, Phase, Round},
        },
    },
    ui::canvas::testing::{Drawn, drawn},
};

#[test]
fn a_certificate_says_how_long_it_is_valid() {
    const DAY: i64 = 86_400;
    let valid = |from: i64, to: i64| {
        let certificate = Certificate { not_before_unix: from, not_after_unix: to, ..Certificate::default() };
        left(&certificate, 100 * DAY)
    };
    for (from, to, words) in [
        (0, 171 * DAY, "71 days left"),
        (0, 101 * DAY, "1 day left"),
        (0, 101 * DAY - 1, "23h left"),
        (100 * DAY, 100 * DAY, "0s left"),
        (0, 97 * DAY, "expired 3 days ago"),
        (0, 99 * DAY, "expired 1 day ago"),
        (0, 99 * DAY + 1, "expired 23h ago"),
        (0, 100 * DAY - 1, "expired 1s ago"),
        (102 * DAY, 200 * DAY, "valid in 2 days"),
        (100 * DAY + 90, 200 * DAY, "valid in 1m"),
    ] {
        assert_eq!(valid(from, to), words);
    }
    let signed = |self_signed| by(&Certificate { self_signed, issuer: "R3".into(), ..Certificate::default() });
    assert_eq!((signed(true), signed(false)), ("self-signed".to_owned(), "issued by R3".to_owned()));
}

const ROUND: u64 = 10;

fn probe() -> Arc<Probe> {
    let (name, url) = ("web".to_owned(), "https://web/".to_owned());
    Arc::new(Probe { name, url, every: Duration::from_secs(ROUND), ..Probe::default() })
}

/// An answer: a fifth of the time to connect, the rest to the first byte.
fn up(seconds: f64) -> (Outcome, Found) {
    let mut found = Found { status: Some(200), ..Found::default() };
    found.phases.add(Phase::Connect, seconds / 5.0);
    found.phases.add(Phase::FirstByte, seconds * 4.0 / 5.0);
    (Outcome::Up { seconds: Some(seconds) }, found)
}

fn down(words: &str) -> (Outcome, Found) {
    let kind = crate::model::service::round::FailureKind::Wrong;
    (Outcome::Down(Failure { kind, words: words.to_owned() }), Found::default())
}

/// A round every ten seconds, the last of them now.
fn lived(rounds: impl IntoIterator<Item = (Outcome, Found)>) -> State {
    let mut state = State::new(shipped().into());
    for ((outcome, found), number) in rounds.into_iter().zip(1..) {
        let (began, ended) = (Stamp::at_seconds(number * ROUND - 1), Stamp::at_seconds(number * ROUND));
        let round = Arc::new(Round { number, began, ended, outcome, retried: None, found });
        let services = vec![Probed { probe: probe(), round: Some(round), stuck: None }];
        let sample = Sample::Services(ServiceSample { services });
        let (took, every) = (Duration::ZERO, Duration::from_secs(ROUND));
        let (source, outcome) = (SourceId::Services, Ok(sample));
        state.apply(Event::Reading(Envelope { source, at: ended, took, every, outcome }));
    }
    state
}

fn steady(count: usize) -> impl Iterator<Item = (Outcome, Found)> {
    std::iter::repeat_with(|| up(0.1)).take(count)
}

fn opened(state: &State) -> Box<dyn Overlay> {
    let mut view = open(&Subject::Service("web".into()), state).expect("it is there");
    view.refresh(state);
    view
}

fn view(state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| opened(state).draw(cx, area, canvas))
}

/// The lines below the graphs, which small screens do without.
fn page(state: &State) -> Vec<String> {
    view(state, (120, 17)).lines()
}

fn newest(state: &mut State, change: impl FnOnce(&mut Found)) {
    let row = &mut state.host.services.rows[0];
    let mut round = (**row.round.as_ref().expect("it was asked")).clone();
    change(&mut round.found);
    row.round = Some(Arc::new(round));
}

#[test]
fn its_facts_have_a_line_each() {
    let mut state = lived(steady(100));
    assert_eq!(
        page(&state)[..7],
        [
            "state       200 for 16m",
            "probes      https://web/ every 10s",
            "newest      0s ago · status 200",
            "time        100 ms · p95 100 ms",
            "normal      100 ms · 80% of a day's minutes within 100 ms to 100 ms · now 100% of it",
            "errors      0% of the probes lately · 0 failures in a row",
            "",
        ]
    );
    newest(&mut state, |found| {
        found.address = Some([10, 0, 0, 9].into());
        (found.bytes, found.redirects) = (Some(2048), 2);
    });
    assert_eq!(page(&state)[2], "newest      0s ago · from 10.0.0.9 · status 200 · 2.0 KiB · 2 redirects");
    newest(&mut state, |found| {
        (found.address, found.status, found.redirects) = (None, None, 0);
        (found.bytes, found.cut, found.loss, found.instead_of_ping) = (Some(2048), true, Some(0.25), Some(80));
    });
    assert_eq!(
        page(&state)[2],
        "newest      0s ago · 2.0 KiB read of a longer body · 25% of the pings lost · TCP port 80, as ICMP is refused here: sysc…"
    );
    // Nothing is usual in the first minutes, and a few probes are no share.
    assert_eq!(
        page(&lived(steady(10)))[3..6],
        [
            "time        100 ms · p95 –",
            "normal      not known yet: it takes five minutes",
            "errors      – of the probes lately · 0 failures in a row",
        ]
    );
}

#[test]
fn throughput_has_a_line_where_the_body_is_large() {
    let large = |seconds: f64| {
        let (outcome, mut found) = up(0.1);
        found.bytes = Some(10 << 20);
        found.phases.add(Phase::Body, seconds);
        (outcome, found)
    };
    let state = lived((0..100).map(|_| large(1.0)));
    assert_eq!(page(&state)[5], "throughput  10.0 MiB/s · normal 10.0 MiB/s");
    let young = lived((0..10).map(|_| large(1.0)));
    assert_eq!(page(&young)[5], "throughput  10.0 MiB/s");
}

#[test]
fn a_slow_answer_and_a_failure_have_the_colour_of_their_level() {
    let slow = lived(steady(100).chain([up(0.25), up(0.25), up(0.25)]));
    let drawn = view(&slow, (120, 17));
    assert_eq!(drawn.line(), "state       slow 200 · up for 17m");
    assert_eq!((drawn.role_of("slow"), drawn.role_of("· up")), (Some(Role::Warn), Some(Role::Text)));
    assert_eq!(drawn.lines()[4].split(" · ").last(), Some("now 250% of it"));
    let failed = lived(steady(100).chain([down("status 502"), down("status 502"), down("status 503")]));
    let drawn = view(&failed, (120, 17));
    assert_eq!(drawn.line(), "state       down 3× for 20s: status 503");
    assert_eq!(drawn.role_of("down"), Some(Role::Crit));
    assert_eq!(
        drawn.lines()[3..6],
        [
            "time        – · p95 100 ms",
            "normal      100 ms · 80% of a day's minutes within 100 ms to 100 ms",
            "errors      5% of the probes lately · 3 failures in a row"
        ]
    );
    assert_eq!(
        drawn.lines()[6..10],
        [
            "",
            "Events, newest first",
            "0s ago      failed               status 503",
            "10s ago     failed 2×            status 502"
        ]
    );
    assert_eq!((drawn.role_of("failed"), drawn.role_of("0s ago      failed")), (Some(Role::Text), Some(Role::Dim)));
}

#[test]
fn each_kind_of_event_has_its_words() {
    let mut state = lived(steady(3));
    let at = |second| Stamp::at_seconds(second);
    let event = |what, words: &str| Occurrence { first: at(1), last: at(10), count: 1, what, words: words.into() };
    state.host.services.rows[0].log = [
        event(What::Answered, ""),
        event(What::Unjudged, "CPU starved"),
        event(What::Retried, "timed out"),
        event(What::Failed, &"x".repeat(200)),
    ]
    .into();
    let drawn = view(&state, (80, 17));
    assert_eq!(
        drawn.lines()[8..12],
        [
            // What has no room is elided where the line ends.
            format!("20s ago     failed               {}…", "x".repeat(46)),
            "20s ago     second attempt       timed out".to_owned(),
            "20s ago     not judged           CPU starved".to_owned(),
            "20s ago     answered again".to_owned(),
        ]
    );
    assert_eq!((drawn.role_of("failed"), drawn.role_of("second")), (Some(Role::Text), Some(Role::Dim)));
}

#[test]
fn certificates_are_listed_with_what_is_wrong() {
    const DAY: i64 = 86_400;
    let mut state = lived(steady(3));
    let now = state.host.now.unix_ms / 1000;
    let signed = |subject: &str, days: i64| Certificate {
        subject: subject.into(),
        issuer: "R3".into(),
        not_before_unix: now - 100 * DAY,
        not_after_unix: now + days * DAY + 60,
        ..Certificate::default()
    };
    let show = |state: &mut State, refused: Option<&str>, certificates: Vec<Certificate>| {
        let chain = Arc::new(Chain { certificates, refused: refused.map(str::to_owned) });
        newest(state, |found| found.chain = Some(chain));
        view(state, (120, 17))
    };
    let drawn = show(&mut state, None, vec![signed("web.lan", 10), signed("R3", 900)]);
    assert_eq!(
        drawn.lines()[6..10],
        [
            "",
            "Certificates",
            "web.lan                        10 days left           issued by R3",
            "R3                             900 days left          issued by R3"
        ]
    );
    // Only the one that expires first has the level.
    assert_eq!((drawn.role_of("10 days"), drawn.role_of("900 days")), (Some(Role::Advice), Some(Role::Text)));
    let drawn = show(&mut state, Some("it is self-signed"), vec![signed(&"w".repeat(40), 2)]);
    assert_eq!(drawn.lines()[8], "not trusted: it is self-signed");
    assert_eq!(drawn.lines()[9], format!("{}… 2 days left            issued by R3", "w".repeat(29)));
    assert_eq!(drawn.role_of("2 days"), Some(Role::Warn));
}

#[test]
fn graphs_are_beside_one_another_where_there_is_room() {
    let state = lived(steady(200));
    let wide = view(&state, (120, 18));
    let lines = wide.lines();
    let half = |y: usize, from: usize| lines[y].chars().skip(from).take(59).collect::<String>().trim_end().to_owned();
    // Twice the usual 100 ms is slow, and a little more is the top: 100 of 210 ms are 2.9 of six rows.
    let left: Vec<String> = (0..8).map(|y| half(y, 0)).collect();
    assert_eq!(
        left,
        [
            "phases of each round, full at 210 ms".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            "▇".repeat(59),
            "█".repeat(59),
            "█".repeat(59),
            "connect 20 ms  first byte 80 ms".to_owned(),
        ]
    );
    assert_eq!(
        [4, 5, 6].map(|y| wide.role_at(0, y)),
        [Role::NetReceive, Role::NetReceive, Role::MemoryCache].map(Some)
    );
    assert_eq!(
        (wide.role_of("connect"), wide.role_of("first byte")),
        (Some(Role::MemoryCache), Some(Role::NetReceive))
    );
    let right: Vec<String> = (0..8).map(|y| half(y, 61)).collect();
    assert_eq!(
        right,
        [
            "time, normal 100 ms to 100 ms, slow from 200 ms".to_owned(),
            "─".repeat(59),
            String::new(),
            String::new(),
            "⣶".repeat(59),
            "⣿".repeat(59),
            "⣿".repeat(59),
            format!("19m ago{}now", " ".repeat(49)),
        ]
    );
    assert_eq!((wide.role_at(61, 1), wide.role_at(61, 5)), (Some(Role::Limit), Some(Role::NetReceive)));
    assert_eq!((lines[8].as_str(), &lines[9][..5]), ("", "state"));
    assert!(view(&state, (100, 18)).line().contains("time, normal"));
    let narrow = view(&state, (99, 18)).lines();
    assert_eq!(
        (narrow[0].as_str(), narrow[5].as_str()),
        ("phases of each round, full at 210 ms", "█".repeat(99).as_str())
    );
    assert_eq!(&view(&state, (120, 17)).line()[..5], "state", "too low for graphs");
}

#[test]
fn without_what_is_usual_the_slowest_is_the_top() {
    let state = lived([up(0.1), up(0.2), down("status 502")]);
    let lines = view(&state, (120, 18)).lines();
    assert!(lines[0].starts_with("phases of each round, full at 210 ms"), "{}", lines[0]);
    assert_eq!(lines[0].chars().skip(61).collect::<String>(), "time");
    // The legend is that of the newest answer.
    assert!(lines[7].starts_with("connect 40 ms  first byte 160 ms"), "{}", lines[7]);
    // A limit far above the slowest does not flatten the graph: 20 ms count as usual at least.
    let fast = lived(std::iter::repeat_with(|| up(0.01)).take(100));
    assert!(view(&fast, (120, 18)).line().starts_with("phases of each round, full at 10 ms"));
    assert!(view(&fast, (120, 18)).line().ends_with("slow from 40 ms"));
}

#[test]
fn what_answers_on_this_machine_is_linked() {
    let mut state = lived(steady(3));
    newest(&mut state, |found| found.address = Some([172, 17, 0, 2].into()));
    let meta = Container {
        name: "nginx".into(),
        networks: vec![("bridge".into(), "172.17.0.2".into())],
        ..Container::default()
    };
    state.host.containers.rows =
        vec![crate::model::container::ContainerRow { meta: Arc::new(meta), ..Default::default() }];
    assert_eq!(page(&state)[6], "container   nginx");
    let mut view = opened(&state);
    drawn(&state, (80, 17), |cx, area, canvas| view.draw(cx, area, canvas));
    assert_eq!(view.hints().len(), 2);
    assert!(view.act(Action::FocusNext, &state).is_some());
    let effects = view.act(Action::Open, &state).expect("it follows the link");
    assert!(matches!(&effects[..], [Effect::OpenDetail(Subject::Container { .. })]));
    let mut want = Interest::default();
    view.want(&mut want, &state);
    assert!(!want.sockets, "it is not a port of this machine");
    newest(&mut state, |found| {
        found.address = Some([127, 0, 0, 1].into());
        found.local = Some([127, 0, 0, 1].into());
    });
    opened(&state).want(&mut want, &state);
    assert!(want.sockets);
}

#[test]
fn a_service_that_is_removed_stays_readable() {
    let mut state = lived(steady(3));
    let mut view = opened(&state);
    assert_eq!((view.title(&state).as_str(), view.gone(), view.full_screen()), ("service web", None, true));
    assert_eq!(view.feeds(&state), [SourceId::Services]);
    state.host.services.rows.clear();
    view.refresh(&state);
    assert_eq!(view.gone(), Some("removed"));
    let drawn = drawn(&state, (80, 17), |cx, area, canvas| view.draw(cx, area, canvas));
    assert_eq!(drawn.line(), "state       200 for 20s");
    assert!(open(&Subject::Service("db".into()), &state).is_none() && open(&Subject::Cpu, &state).is_none());
}
