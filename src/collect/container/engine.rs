//! Follows one engine by its event stream: containers that changed are inspected again, nothing is polled. The thread
//! reconnects by itself and keeps its data meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::sleep};

use super::{
    ask::Numbered,
    event::{self, EventStream},
    find::Found,
    known::Known,
    recent_events::Histories,
    watch::Watch,
};
use crate::{
    clock::Clock,
    collect::lane::THREAD_PREFIX,
    model::{
        container::{Container, Engine, RESTARTS_WITHIN_MS, Usage},
        engine_address::EngineAddress,
        fault::Fault,
    },
    sys::{
        engine::{EngineClient, EngineError, Limits, ONE, encoded},
        json::{Field, Unread},
    },
};

/// Shortest and longest wait before reconnecting; a local engine is cheap to retry.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_HERE: Duration = Duration::from_secs(2);
const RETRY_ELSEWHERE: Duration = Duration::from_secs(30);
/// Past events arrive at once, or the containers are listed without them: `once` with its two seconds still shows them.
const LATELY: Limits = Limits { patience: Duration::from_secs(1), whole: Duration::from_secs(1), cap: 4 << 20 };
/// Characters stored of the engine's name for itself.
const NAMES: usize = 512;

/// The reader's end of one engine's thread. Dropping it ends the thread. Not a [`Worker`](crate::collect::worker): the
/// engine pushes events, and a reading takes the current state.
pub(super) struct Follower {
    found: Found,
    known: Arc<Mutex<Known>>,
    stop: Arc<Notify>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

impl Follower {
    /// Starts following an engine; `number` is its index among all.
    pub(super) fn start(number: u16, found: Found, clock: Clock) -> Self {
        let known = Arc::new(Mutex::new(Known::read_by(thread::current())));
        let stop = Arc::new(Notify::new());
        let thread = Thread { number, found: found.clone(), known: known.clone(), clock };
        let stopped = stop.clone();
        let spawned = thread::Builder::new().name(format!("{THREAD_PREFIX}engine")).spawn(move || {
            let known = thread.known.clone();
            if catch_unwind(AssertUnwindSafe(|| thread.run(&stopped))).is_err() {
                let fault = Fault::Broken("following this engine ended in a panic".to_owned());
                lock(&known).fail(fault, clock.now().unix_ms);
            }
        });
        if let Err(error) = spawned {
            lock(&known).fail(Fault::Broken(format!("no thread could be started: {error}")), clock.now().unix_ms);
        }
        Follower { found, known, stop }
    }

    /// Its address.
    pub(super) fn address(&self) -> &EngineAddress {
        &self.found.address
    }

    /// Whether the control groups of its containers can be read here.
    pub(super) fn is_local(&self) -> bool {
        self.found.local
    }

    /// Increases whenever a container changed.
    pub(super) fn generation(&self) -> u64 {
        lock(&self.known).generation
    }

    /// Increases with every other change.
    pub(super) fn changes(&self) -> u64 {
        lock(&self.known).changes
    }

    /// Its containers, as last reported.
    pub(super) fn containers(&self) -> Vec<Arc<Container>> {
        lock(&self.known).containers.values().cloned().collect()
    }

    /// The engine's own counters by container id: empty where control groups can be read here.
    pub(super) fn usages(&self) -> BTreeMap<String, Usage> {
        lock(&self.known).usages.clone()
    }

    /// Has the engine count these local containers, which have no readable group here.
    pub(super) fn count_these(&self, ids: BTreeSet<String>) {
        lock(&self.known).count_these(ids);
    }

    /// The engine's name for itself.
    pub(super) fn id(&self) -> Option<String> {
        lock(&self.known).id.clone()
    }

    /// The engine itself.
    pub(super) fn describe(&self) -> Engine {
        let known = lock(&self.known);
        let (fault, fault_unix_ms) = known.why();
        Engine {
            kind: known.kind.clone().unwrap_or_else(|| self.found.kind.to_owned()),
            address: self.found.address.clone(),
            version: known.version.clone(),
            fault,
            fault_unix_ms,
            local: self.found.local,
            twin: false,
            listed: known.listed,
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Thread {
    number: u16,
    found: Found,
    known: Arc<Mutex<Known>>,
    /// Stamps the answers, as no reading runs while it listens.
    clock: Clock,
}

impl Thread {
    fn fail(&self, fault: Fault) {
        lock(&self.known).fail(fault, self.clock.now().unix_ms);
    }

    fn run(self, stop: &Notify) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return self.fail(Fault::Broken(format!("no runtime: {error}"))),
        };
        runtime.block_on(async {
            tokio::select! {
                () = stop.notified() => {}
                () = self.follow() => {}
            }
        });
    }

    /// Runs forever: a session, then a wait before reconnecting.
    async fn follow(&self) {
        let longest = if self.found.local { RETRY_HERE } else { RETRY_ELSEWHERE };
        let mut wait = RETRY;
        let mut histories = Histories::default();
        loop {
            let began = Instant::now();
            let fault = match self.session(&mut histories).await {
                Ok(()) => Fault::Broken("the engine closed its stream of events".to_owned()),
                Err(fault) => fault,
            };
            self.fail(fault);
            if began.elapsed() > longest {
                wait = RETRY;
            }
            sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    async fn session(&self, histories: &mut Histories) -> Result<(), Fault> {
        self.watch(histories).await.map_err(|error| error.fault())
    }

    async fn watch(&self, histories: &mut Histories) -> Result<(), EngineError> {
        let client = EngineClient::connect(&self.found.address).await?;
        let id = identity(&client).await;
        {
            let mut known = lock(&self.known);
            known.kind = Some(if client.podman { "podman" } else { "docker" }.to_owned());
            known.version = Some(client.version.clone().unwrap_or_default());
            known.id = id;
        }
        // From before the list, so that changes during it arrive as events.
        let from = self.clock.now().unix_ms / 1000 - 1;
        histories.counted_from_ms = from * 1000;
        remember(&client, histories, from, self.clock).await;
        let filters = encoded(r#"{"type":["container"]}"#);
        let mut events = EventStream::new(&client, format!("/events?since={from}&filters={filters}"));
        let ask = Numbered { number: self.number, client: &client };
        let mut watch = Watch { ask, known: &self.known, histories, local: self.found.local, clock: self.clock };
        watch.list(from * 1000).await?;
        lock(&self.known).answered();
        watch.listen(&mut events).await
    }
}

/// On the first connection, asks for the past events of the restart window before listing the containers: whether an
/// end was requested is part of their state. All event types, as they share one buffer in the engine.
async fn remember(client: &EngineClient, histories: &mut Histories, until: i64, clock: Clock) {
    if histories.has_asked() {
        return;
    }
    let since = until - RESTARTS_WITHIN_MS / 1000;
    let path = format!("/events?since={since}&until={until}");
    let Ok(answer) = client.get("what happened lately", &path, LATELY).await else {
        histories.remembered(clock.now().unix_ms, usize::MAX, None);
        return;
    };
    let (events, count) = event::all(&answer);
    let oldest = events.iter().filter_map(|e| e.time_nano).min().map(|nanoseconds| nanoseconds / 1_000_000);
    let now = clock.now().unix_ms;
    events.iter().for_each(|event| drop(histories.note(event, now)));
    histories.remembered(now, count, oldest);
}

/// What an engine calls itself. Engines share an id on cloned machines, and when two of them run on one machine.
async fn identity(client: &EngineClient) -> Option<String> {
    let answer = client.json("what it says of itself", "/info", ONE).await.ok()?;
    let unread = Unread::default();
    let fields = Field::new(&answer, &unread);
    let text = |name: &str| fields.text(name).unwrap_or_default();
    let id = fields.text("ID").filter(|id| !id.is_empty())?;
    Some(format!("{id} {} {}", text("Name"), text("DockerRootDir")).chars().take(NAMES).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::engine::testing::{FakeEngine, VERSION, gives};

    #[tokio::test]
    async fn past_events_are_asked_for_once() {
        let clock = Clock::start();
        let now = clock.now().unix_ms;
        let event = format!(r#"{{"Action":"create","id":"ab","timeNano":{}}}"#, (now - 60_000) * 1_000_000);
        for (count, from) in [(255, None), (256, Some(now - 60_000))] {
            let events = vec![event.clone(); count].join("\n");
            let engine = FakeEngine::new([("/version", gives(VERSION)), ("/events", gives(events))]);
            let client = EngineClient::connect(&engine.address()).await.expect("an engine");
            let mut histories = Histories::default();
            for _ in 0..2 {
                remember(&client, &mut histories, now / 1000, clock).await;
            }
            let mut container = Container { id: "ab".into(), ..Container::default() };
            histories.fill(&mut container, clock.now().unix_ms);
            assert_eq!(container.restarts_from_unix_ms, from, "{count} events");
            assert_eq!(container.happenings.len(), 50);
            let asked = engine.asked.lock().expect("the log").iter().filter(|path| path.ends_with("/events")).count();
            assert_eq!(asked, 1);
        }
        let silent = FakeEngine::new([("/version", gives(VERSION))]);
        let client = EngineClient::connect(&silent.address()).await.expect("an engine");
        let mut histories = Histories::default();
        remember(&client, &mut histories, now / 1000, clock).await;
        assert!(histories.has_asked(), "what it does not know it is not asked again");
    }

    #[tokio::test]
    async fn an_engine_has_a_name_for_itself() {
        for (info, name) in [
            (r#"{"ID":"x","Name":"nas","DockerRootDir":"/var/lib/docker"}"#, Some("x nas /var/lib/docker".to_owned())),
            (r#"{"ID":"x"}"#, Some("x  ".to_owned())),
            (r#"{"ID":"","Name":"nas"}"#, None),
            (r#"{"Name":"nas"}"#, None),
            ("<html>", None),
        ] {
            let engine = FakeEngine::new([("/version", gives(VERSION)), ("/info", gives(info))]);
            let client = EngineClient::connect(&engine.address()).await.expect("an engine");
            assert_eq!(identity(&client).await, name, "{info}");
        }
    }

    #[test]
    fn a_follower_describes_what_it_found_before_an_answer() {
        let engine = FakeEngine::new([]);
        let found = Found { kind: "podman", address: engine.address(), local: true };
        let follower = Follower::start(3, found, Clock::start());
        let described = follower.describe();
        assert_eq!((described.kind.as_str(), described.local, described.twin), ("podman", true, false));
        assert_eq!((described.address, follower.is_local()), (engine.address(), true));
        let deadline = Instant::now() + Duration::from_secs(30);
        while follower.changes() == 0 {
            assert!(Instant::now() < deadline, "its fault is a change");
            thread::yield_now();
        }
        let described = follower.describe();
        let since = described.fault_unix_ms.expect("since when");
        assert!(described.fault.is_some() && (clock_ms() - since).abs() < 60_000, "{described:?}");
        assert_eq!((described.listed, follower.generation(), follower.id()), (false, 0, None));
    }

    fn clock_ms() -> i64 {
        Clock::start().now().unix_ms
    }
}
