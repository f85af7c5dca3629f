//! Follows a fake engine on a paused clock.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use super::{
    super::event::{EventActor, EventMessage},
    *,
};
use crate::model::container::{Container, RunState, Usage};

/// A fake engine: which requests it got, and at which second.
#[derive(Default)]
struct Fake {
    began: Option<Instant>,
    asked: RefCell<Vec<(u64, String)>>,
    ids: RefCell<Vec<String>>,
    /// Inspecting this container fails so.
    broken: RefCell<Option<(String, EngineError)>>,
    dead: Cell<bool>,
    /// Restarts that an inspection shows.
    restarts: Cell<u32>,
    /// The state that the list shows.
    listed: Cell<RunState>,
}

impl Fake {
    fn new(ids: &[&str]) -> Self {
        let ids = RefCell::new(ids.iter().map(|id| (*id).to_owned()).collect());
        Fake { began: Some(Instant::now()), ids, ..Fake::default() }
    }

    fn note(&self, what: String) {
        let second = self.began.map_or(0, |began| began.elapsed().as_secs());
        self.asked.borrow_mut().push((second, what));
    }

    fn seconds(&self, what: &str) -> Vec<u64> {
        self.asked.borrow().iter().filter(|(_, asked)| asked == what).map(|(second, _)| *second).collect()
    }
}

impl Ask for &Fake {
    async fn list(&self) -> Result<(Vec<Container>, usize), EngineError> {
        self.note("list".to_owned());
        let state = self.listed.get();
        let listed =
            |id: &String| Container { id: id.clone(), name: "of the list".into(), state, ..Container::default() };
        let all: Vec<Container> = self.ids.borrow().iter().map(listed).collect();
        let count = all.len();
        Ok((all, count))
    }

    async fn inspect(&self, id: &str) -> Result<Option<Container>, EngineError> {
        self.note(format!("inspect {id}"));
        if let Some((_, error)) = self.broken.borrow().as_ref().filter(|(broken, _)| broken == id) {
            return Err(error.clone());
        }
        if !self.ids.borrow().iter().any(|known| known == id) {
            return Err(EngineError::Said { status: 404, message: String::new() });
        }
        let state = RunState::Running;
        let restarts = self.restarts.get();
        Ok(Some(Container { id: id.to_owned(), name: "inspected".into(), state, restarts, ..Container::default() }))
    }

    async fn count(&self, ids: Vec<String>) -> Result<BTreeMap<String, Usage>, EngineError> {
        self.note("count".to_owned());
        Ok(ids.into_iter().map(|id| (id, Usage::default())).collect())
    }

    async fn ping(&self) -> Result<(), EngineError> {
        self.note("ping".to_owned());
        if self.dead.get() { Err(EngineError::Silent) } else { Ok(()) }
    }
}

/// An event of the same container at this interval, forever; or none at all.
struct Every {
    pause: Option<Duration>,
    action: &'static str,
    id: &'static str,
    due: Option<Instant>,
}

fn every(pause: Option<Duration>, action: &'static str, id: &'static str) -> Every {
    Every { pause, action, id, due: None }
}

impl Events for Every {
    async fn next(&mut self) -> Result<Option<EventMessage>, EngineError> {
        let Some(pause) = self.pause else { return std::future::pending().await };
        // Cancelled while it waits, it keeps its deadline.
        sleep_until(*self.due.get_or_insert_with(|| Instant::now() + pause)).await;
        self.due = None;
        let actor = Some(EventActor { id: Some(self.id.to_owned()), attributes: None });
        Ok(Some(EventMessage { action: Some(self.action.to_owned()), actor, time_nano: None }))
    }

    fn had_to_wait(&mut self) -> bool {
        false
    }
}

/// Follows for some seconds of a paused clock.
async fn followed(fake: &Fake, local: bool, mut events: Every, seconds: u64) -> (Known, Result<(), EngineError>) {
    let known = Mutex::new(Known::default());
    let mut histories = Histories::default();
    let mut watch = Watch { ask: fake, known: &known, histories: &mut histories, local, clock: Clock::start() };
    watch.list(0).await.expect("a list");
    known.lock().expect("whole").answered();
    let listened = tokio::time::timeout(Duration::from_secs(seconds), watch.listen(&mut events)).await;
    (known.into_inner().expect("whole"), listened.unwrap_or(Ok(())))
}

#[tokio::test(start_paused = true)]
async fn events_do_not_put_off_the_list() {
    for pause in [None, Some(Duration::from_millis(10)), Some(Duration::from_secs(30))] {
        let fake = Fake::new(&["a"]);
        let events = every(pause, "exec_start: sh", "a");
        followed(&fake, true, events, 250).await.1.expect("it continues");
        assert_eq!(fake.seconds("list"), [0, 120, 240], "an event each {pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn counting_does_not_put_off_the_list() {
    let fake = Fake::new(&["a"]);
    followed(&fake, false, every(None, "", ""), 130).await.1.expect("it continues");
    assert_eq!(fake.seconds("list"), [0, 120]);
    assert_eq!(fake.seconds("ping"), [20, 40, 60, 80, 100, 120]);
}

#[tokio::test(start_paused = true)]
async fn counters_are_read_only_where_someone_needs_them() {
    let fake = Fake::new(&["a"]);
    let known = Mutex::new(Known::default());
    let mut histories = Histories::default();
    let mut watch = Watch { ask: &fake, known: &known, histories: &mut histories, local: true, clock: Clock::start() };
    watch.list(0).await.expect("a list");
    let asks = async {
        for ids in [&["a"][..], &[]] {
            tokio::time::sleep(Duration::from_secs(10)).await;
            known.lock().expect("whole").count_these(ids.iter().map(|id| (*id).to_owned()).collect());
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    };
    let mut silence = every(None, "", "");
    tokio::select! {
        _ = watch.listen(&mut silence) => panic!("it continues"),
        () = asks => {}
    }
    assert_eq!(fake.seconds("count"), [10, 13, 16, 19]);
    assert!(known.lock().expect("whole").usages.is_empty(), "old counters are dropped");
}

#[tokio::test(start_paused = true)]
async fn a_storm_does_not_put_off_a_look() {
    let fake = Fake::new(&["a"]);
    followed(&fake, true, every(Some(Duration::from_millis(20)), "health_status", "a"), 3)
        .await
        .1
        .expect("it continues");
    let inspections = fake.seconds("inspect a");
    assert!((1..=3).all(|second| inspections.iter().any(|at| *at + 1 == second)), "{inspections:?}");
    assert!(inspections.len() < 60, "once for each burst: {}", inspections.len());
}

/// New ids without end, far more than are listed.
struct Flood(u32);

impl Events for Flood {
    async fn next(&mut self) -> Result<Option<EventMessage>, EngineError> {
        self.0 += 1;
        if self.0.is_multiple_of(50) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let actor = Some(EventActor { id: Some(format!("{:x}", self.0)), attributes: None });
        Ok(Some(EventMessage { action: Some("start".to_owned()), actor, time_nano: None }))
    }

    fn had_to_wait(&mut self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_new_ids_is_answered_by_the_list() {
    let fake = Fake::new(&["a"]);
    let known = Mutex::new(Known::default());
    let mut histories = Histories::default();
    let mut watch = Watch { ask: &fake, known: &known, histories: &mut histories, local: true, clock: Clock::start() };
    let listened = tokio::time::timeout(Duration::from_secs(1), watch.listen(&mut Flood(0))).await;
    assert!(listened.is_err(), "it continues");
    let asked = fake.asked.borrow();
    let inspected = asked.iter().filter(|(_, what)| what.starts_with("inspect")).count();
    assert!(!fake.seconds("list").is_empty() && inspected < 2 * CHANGED, "{inspected} inspected");
    assert!(known.lock().expect("whole").containers.len() <= 1);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_inspected_stays_as_listed() {
    let fake = Fake::new(&["a", "b"]);
    *fake.broken.borrow_mut() = Some(("b".into(), EngineError::NotJson("GET /containers/b/json: not JSON".into())));
    let (known, listened) = followed(&fake, true, every(None, "", ""), 1).await;
    assert_eq!(listened, Ok(()));
    let names: Vec<&str> = known.containers.values().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["inspected", "of the list"]);
    let words = "1 of 2 containers could not be inspected: GET /containers/b/json: not JSON";
    assert_eq!(known.why().0, Some(crate::model::fault::Fault::Broken(words.into())));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_container_is_not_a_hanging_engine() {
    let fake = Fake::new(&["a", "b"]);
    *fake.broken.borrow_mut() = Some(("b".into(), EngineError::Silent));
    let (known, listened) = followed(&fake, true, every(None, "", ""), 1).await;
    assert_eq!((known.containers.len(), known.uninspected.len(), listened), (2, 1, Ok(())));
    fake.dead.set(true);
    let known = Mutex::new(Known::default());
    let mut histories = Histories::default();
    let mut watch = Watch { ask: &fake, known: &known, histories: &mut histories, local: true, clock: Clock::start() };
    assert_eq!(watch.list(0).await, Err(EngineError::Silent));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fell_silent_is_noticed() {
    let fake = Fake::new(&["a"]);
    fake.dead.set(true);
    let (_, listened) = followed(&fake, true, every(None, "", ""), 60).await;
    assert_eq!(listened, Err(EngineError::Silent));
    assert_eq!(fake.seconds("ping"), [20]);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_listed_is_not_counted_as_broken() {
    let fake = Fake::new(&["a"]);
    *fake.broken.borrow_mut() = Some(("zz".into(), EngineError::Said { status: 500, message: "no".into() }));
    let events = || every(Some(Duration::from_secs(100)), "start", "zz");
    let known = followed(&fake, true, events(), 110).await.0;
    assert_eq!(known.uninspected.keys().collect::<Vec<_>>(), ["zz"]);
    assert!(followed(&fake, true, events(), 130).await.0.why().0.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_container_about_to_go_is_inspected_again_first() {
    let fake = Fake::new(&["a"]);
    *fake.broken.borrow_mut() = Some(("zz".into(), EngineError::Said { status: 500, message: "no".into() }));
    let events = || every(Some(Duration::from_secs(10)), "die", "zz");
    assert!(followed(&fake, true, events(), 11).await.0.why().0.is_none());
    assert!(followed(&fake, true, events(), 13).await.0.why().0.is_some());
}

#[tokio::test(start_paused = true)]
async fn who_is_missing_in_the_next_list_is_gone() {
    let fake = Fake::new(&["a", "b"]);
    let removed = async {
        sleep_until(Instant::now() + Duration::from_secs(60)).await;
        fake.ids.borrow_mut().retain(|id| id == "a");
    };
    // The event of its end was lost.
    let ((known, _), ()) = tokio::join!(followed(&fake, true, every(None, "", ""), 125), removed);
    assert_eq!(known.containers.keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn counters_stay_as_long_as_there_is_something_to_count() {
    let fake = Fake::new(&["a"]);
    let (known, listened) = followed(&fake, false, every(None, "", ""), 2).await;
    listened.expect("it continues");
    assert_eq!(fake.seconds("count"), [0]);
    assert_eq!(known.usages.keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_entry_replaces_an_older_state_only() {
    for (state, name) in [(RunState::Running, "inspected"), (RunState::Exited, "of the list")] {
        let fake = Fake::new(&["a"]);
        fake.listed.set(state);
        let breaks = async {
            sleep_until(Instant::now() + Duration::from_secs(60)).await;
            *fake.broken.borrow_mut() = Some(("a".into(), EngineError::Said { status: 500, message: "no".into() }));
        };
        let ((known, _), ()) = tokio::join!(followed(&fake, true, every(None, "", ""), 125), breaks);
        assert_eq!((known.containers["a"].name.as_str(), known.containers["a"].state), (name, state));
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_that_had_no_event_are_seen_in_the_next_list() {
    let fake = Fake::new(&["a"]);
    fake.restarts.set(3);
    let restarts = async {
        sleep_until(Instant::now() + Duration::from_secs(60)).await;
        fake.restarts.set(5);
    };
    let ((known, _), ()) = tokio::join!(followed(&fake, true, every(None, "", ""), 125), restarts);
    assert_eq!(known.containers["a"].restarted_unix_ms.len(), 2);
    assert_eq!(fake.seconds("inspect a"), [0, 120, 120], "again with the restarts");
}
