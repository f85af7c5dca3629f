//! One engine followed by its stream of events: what changed is inspected anew, nothing is polled. The thread reconnects
//! by itself and keeps what it knew meanwhile.

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
    lives::Lives,
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

/// First and longest wait before a lost engine is tried again; one on this machine costs nothing to try.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_HERE: Duration = Duration::from_secs(2);
const RETRY_ELSEWHERE: Duration = Duration::from_secs(30);
/// What an engine remembers comes at once, or its containers are not kept waiting for it: a report of two seconds has
/// them still.
const LATELY: Limits = Limits { patience: Duration::from_secs(1), whole: Duration::from_secs(1), cap: 4 << 20 };
/// Letters kept of what an engine calls itself.
const NAMES: usize = 512;

/// The reader's end of one engine's thread. Dropping it ends the thread. No worker: the engine sends events when
/// something happens, and a reading takes what is known by then.
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
    /// Starts to follow an engine; `number` is its index among all.
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

    /// Where it is.
    pub(super) fn address(&self) -> &EngineAddress {
        &self.found.address
    }

    /// Its containers' control groups can be read here.
    pub(super) fn is_local(&self) -> bool {
        self.found.local
    }

    /// Goes up whenever a container changed.
    pub(super) fn generation(&self) -> u64 {
        lock(&self.known).generation
    }

    /// Goes up with whatever is told of it.
    pub(super) fn changes(&self) -> u64 {
        lock(&self.known).changes
    }

    /// Its containers as last told.
    pub(super) fn containers(&self) -> Vec<Arc<Container>> {
        lock(&self.known).containers.values().cloned().collect()
    }

    /// What the engine counts itself, by id of the container: nothing where control groups can be read here.
    pub(super) fn usages(&self) -> BTreeMap<String, Usage> {
        lock(&self.known).usages.clone()
    }

    /// Has the engine count these containers of this machine, which stand in no group that can be read here.
    pub(super) fn count_these(&self, ids: BTreeSet<String>) {
        lock(&self.known).to_count = ids;
    }

    /// What the engine calls itself.
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
    /// Stamps what it learns: nobody reads while it listens.
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

    /// For ever: a session, and when it ends a wait.
    async fn follow(&self) {
        let longest = if self.found.local { RETRY_HERE } else { RETRY_ELSEWHERE };
        let mut wait = RETRY;
        let mut lives = Lives::default();
        loop {
            let began = Instant::now();
            let fault = match self.session(&mut lives).await {
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

    async fn session(&self, lives: &mut Lives) -> Result<(), Fault> {
        self.watch(lives).await.map_err(|error| error.fault())
    }

    async fn watch(&self, lives: &mut Lives) -> Result<(), EngineError> {
        let client = EngineClient::connect(&self.found.address).await?;
        let id = identity(&client).await;
        {
            let mut known = lock(&self.known);
            known.kind = Some(if client.podman { "podman" } else { "docker" }.to_owned());
            known.version = Some(client.version.clone().unwrap_or_default());
            known.id = id;
        }
        // From before the list on, so that what happens while it is read comes as events.
        let from = self.clock.now().unix_ms / 1000 - 1;
        lives.counted_from_ms = from * 1000;
        remember(&client, lives, from, self.clock).await;
        let filters = encoded(r#"{"type":["container"]}"#);
        let mut events = EventStream::new(&client, format!("/events?since={from}&filters={filters}"));
        let ask = Numbered { number: self.number, client: &client };
        let mut watch = Watch { ask, known: &self.known, lives, local: self.found.local, clock: self.clock };
        watch.list(from * 1000).await?;
        lock(&self.known).answered();
        watch.listen(&mut events).await
    }
}

/// The first time the engine is asked for all that restarts are counted over, and before its containers are: what became
/// of one is judged by who asked for it. Events of all kinds, as they push each other out of its memory.
async fn remember(client: &EngineClient, lives: &mut Lives, until: i64, clock: Clock) {
    if lives.has_asked() {
        return;
    }
    let since = until - RESTARTS_WITHIN_MS / 1000;
    let path = format!("/events?since={since}&until={until}");
    let Ok(answer) = client.get("what happened lately", &path, LATELY).await else {
        lives.remembered(clock.now().unix_ms, usize::MAX, None);
        return;
    };
    let (events, count) = event::all(&answer);
    let oldest = events.iter().filter_map(|e| e.time_nano).min().map(|nanoseconds| nanoseconds / 1_000_000);
    let now = clock.now().unix_ms;
    events.iter().for_each(|event| drop(lives.note(event, now)));
    lives.remembered(now, count, oldest);
}

/// What an engine calls itself. Engines share an id where machines are copies of one another, and where two are at work
/// on one machine.
async fn identity(client: &EngineClient) -> Option<String> {
    let answer = client.json("what it says of itself", "/info", ONE).await.ok()?;
    let unread = Unread::default();
    let told = Field::new(&answer, &unread);
    let text = |name: &str| told.text(name).unwrap_or_default();
    let id = told.text("ID").filter(|id| !id.is_empty())?;
    Some(format!("{id} {} {}", text("Name"), text("DockerRootDir")).chars().take(NAMES).collect())
}
