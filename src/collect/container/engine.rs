//! One engine followed by its stream of events: what changed is inspected anew, nothing is polled. The thread reconnects
//! by itself and keeps what it knew meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bollard::{
    Docker,
    errors::Error,
    models::EventMessage,
    query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions},
};
use futures_util::{Stream, StreamExt};
use tokio::{
    sync::Notify,
    time::{Instant as TokioInstant, sleep, sleep_until},
};

use super::{
    describe::describe,
    fault,
    find::Found,
    lives::{Lives, unix_ms},
    stats,
};
use crate::{
    collect::lane::THREAD_PREFIX,
    model::{
        container::{Container, Engine, RESTARTS_WITHIN_MS, RunState, Usage},
        engine_address::EngineAddress,
        event::Fault,
    },
    text::clean,
};

/// An engine says who it is at once.
const HELLO: Duration = Duration::from_secs(3);
/// An engine that takes longer to answer a question counts as silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events come in bursts (die, start, health): a container is inspected once for all of them.
const BURST: Duration = Duration::from_millis(50);
/// The whole list is asked for again this often, lest a lost event be missed for ever.
const RELIST: Duration = Duration::from_secs(120);
/// An engine elsewhere is asked for its own figures this often: each answer costs it about a millisecond.
const COUNT: Duration = Duration::from_secs(3);
/// First and longest wait before a lost engine is tried again; one on this machine costs nothing to try.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_HERE: Duration = Duration::from_secs(2);
const RETRY_ELSEWHERE: Duration = Duration::from_secs(30);

/// What is known of one engine now.
#[derive(Default)]
struct Known {
    kind: Option<String>,
    version: Option<String>,
    /// What the engine calls itself: the same one may be reached in two ways.
    id: Option<String>,
    fault: Option<Fault>,
    /// Since when: milliseconds since 1970.
    fault_unix_ms: Option<i64>,
    /// Its containers were listed once.
    listed: bool,
    /// What it counts itself, where its control groups cannot be read here.
    usages: BTreeMap<String, Usage>,
    containers: BTreeMap<String, Arc<Container>>,
    /// Goes up with every change.
    generation: u64,
}

/// The reader's end of one engine's thread. Dropping it ends the thread.
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
    pub(super) fn start(number: u16, found: Found) -> Self {
        let known = Arc::new(Mutex::new(Known::default()));
        let stop = Arc::new(Notify::new());
        let thread = Thread { number, found: found.clone(), known: known.clone() };
        let stopped = stop.clone();
        let spawned = thread::Builder::new().name(format!("{THREAD_PREFIX}engine")).spawn(move || {
            let known = thread.known.clone();
            if catch_unwind(AssertUnwindSafe(|| thread.run(&stopped))).is_err() {
                lock(&known).fail(Fault::Broken("following this engine ended in a panic".to_owned()));
            }
        });
        if let Err(error) = spawned {
            lock(&known).fail(Fault::Broken(format!("no thread could be started: {error}")));
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

    /// Its containers as last told.
    pub(super) fn containers(&self) -> Vec<Arc<Container>> {
        lock(&self.known).containers.values().cloned().collect()
    }

    /// What the engine counts itself, by id of the container: nothing where its control groups can be read here.
    pub(super) fn usages(&self) -> BTreeMap<String, Usage> {
        lock(&self.known).usages.clone()
    }

    /// What the engine calls itself.
    pub(super) fn id(&self) -> Option<String> {
        lock(&self.known).id.clone()
    }

    /// The engine itself.
    pub(super) fn describe(&self) -> Engine {
        let known = lock(&self.known);
        Engine {
            kind: known.kind.clone().unwrap_or_else(|| self.found.kind.to_owned()),
            address: self.found.address.clone(),
            version: known.version.clone(),
            fault: known.fault.clone(),
            fault_unix_ms: known.fault_unix_ms,
            local: self.found.local,
            twin: false,
            listed: known.listed,
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    fn fail(&mut self, fault: Fault) {
        self.fault_unix_ms = self.fault_unix_ms.or_else(|| Some(unix_ms()));
        self.fault = Some(fault);
    }

    /// Its containers were listed: whatever it suffered is over.
    fn answered(&mut self) {
        (self.fault, self.fault_unix_ms, self.listed) = (None, None, true);
    }

    /// Takes a container in; one that did not change stays the very same.
    fn put(&mut self, container: Container) {
        let same = self.containers.get(&container.id).is_some_and(|known| **known == container);
        if !same {
            self.containers.insert(container.id.clone(), Arc::new(container));
            self.generation += 1;
        }
    }

    fn remove(&mut self, id: &str) {
        if self.containers.remove(id).is_some() {
            self.generation += 1;
        }
    }
}

struct Thread {
    number: u16,
    found: Found,
    known: Arc<Mutex<Known>>,
}

impl Thread {
    fn run(self, stop: &Notify) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return lock(&self.known).fail(Fault::Broken(format!("no runtime: {error}"))),
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
            lock(&self.known).fail(fault);
            if began.elapsed() > longest {
                wait = RETRY;
            }
            sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    async fn session(&self, lives: &mut Lives) -> Result<(), Fault> {
        let docker =
            Docker::connect_with_host(self.found.address.dialled()).map_err(|e| fault::of(&e))?.with_timeout(HELLO);
        let newest = docker.client_version();
        let docker = docker.negotiate_version().await.map_err(|e| fault::of(&e))?;
        let version = docker.version().await.map_err(|e| fault::of(&e))?;
        fault::unspoken(&version, &newest)?;
        let docker = docker.with_timeout(PATIENCE);
        // Engines share an id where machines are copies of one another, and where two are at work on one machine.
        let id = docker.info().await.ok().and_then(|info| {
            let id = info.id.filter(|id| !id.is_empty())?;
            Some(format!("{id} {} {}", info.name.unwrap_or_default(), info.docker_root_dir.unwrap_or_default()))
        });
        {
            let parts = version.components.unwrap_or_default();
            let podman = parts.iter().any(|part| part.name.to_lowercase().contains("podman"));
            let mut known = lock(&self.known);
            known.kind = Some(if podman { "podman" } else { "docker" }.to_owned());
            known.id = id;
            known.version = version.version.map(|v| clean(&v).into_owned());
        }
        // From before the list on, so that what happens while it is read comes as events; the first time the engine is
        // asked for all that restarts are counted over.
        let from = unix_ms() / 1000 - 1;
        let since = if lives.lives.is_empty() { from - RESTARTS_WITHIN_MS / 1000 } else { from };
        lives.counted_from_ms = from * 1000;
        let options = EventsOptions {
            since: Some(since.to_string()),
            filters: Some(HashMap::from([("type".to_owned(), vec!["container".to_owned()])])),
            ..EventsOptions::default()
        };
        let mut events = pin!(docker.events(Some(options)));
        self.list(&docker, lives, from * 1000).await.map_err(|e| fault::of(&e))?;
        lock(&self.known).answered();
        let ended = self.listen(&docker, lives, &mut events).await;
        ended.map_err(|e| fault::of(&e))
    }

    /// Takes events in and looks at what they tell of, until the engine ends the stream.
    async fn listen(
        &self,
        docker: &Docker,
        lives: &mut Lives,
        events: &mut (impl Stream<Item = Result<EventMessage, Error>> + Unpin),
    ) -> Result<(), Error> {
        let mut changed: BTreeSet<String> = BTreeSet::new();
        let mut count_at = TokioInstant::now();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => changed.extend(lives.note(&event?)),
                    None => return Ok(()),
                },
                () = sleep(BURST), if !changed.is_empty() => {
                    for id in std::mem::take(&mut changed) {
                        self.inspect(docker, &id, lives).await?;
                    }
                }
                () = sleep_until(count_at), if !self.found.local && changed.is_empty() => {
                    self.count(docker).await?;
                    count_at = TokioInstant::now() + COUNT;
                }
                () = sleep(RELIST), if changed.is_empty() => self.list(docker, lives, unix_ms()).await?,
            }
        }
    }

    /// Asks an engine whose control groups cannot be read here for its own figures.
    async fn count(&self, docker: &Docker) -> Result<(), Error> {
        let runs = |container: &&Arc<Container>| container.state == RunState::Running;
        let ids: Vec<String> = lock(&self.known).containers.values().filter(runs).map(|c| c.id.clone()).collect();
        let usages = stats::of(docker, ids).await?;
        lock(&self.known).usages = usages;
        Ok(())
    }

    /// Asks for all containers; those that are gone are dropped.
    async fn list(&self, docker: &Docker, lives: &mut Lives, since_ms: i64) -> Result<(), Error> {
        let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
        let ids: BTreeSet<String> =
            docker.list_containers(Some(options)).await?.into_iter().filter_map(|summary| summary.id).collect();
        for id in &ids {
            let before = lock(&self.known).containers.get(id).map(|c| c.restarts);
            self.inspect(docker, id, lives).await?;
            let now = lock(&self.known).containers.get(id).map(|c| c.restarts);
            // Restarts that happened while nobody listened.
            if let (Some(before), Some(now)) = (before, now)
                && now > before
                && lives.note_missed(id, now - before, since_ms)
            {
                self.inspect(docker, id, lives).await?;
            }
        }
        let mut known = lock(&self.known);
        let gone: Vec<String> = known.containers.keys().filter(|id| !ids.contains(*id)).cloned().collect();
        gone.iter().for_each(|id| known.remove(id));
        Ok(())
    }

    /// Asks for one container. One that the engine cannot tell of drops out of the list alone.
    async fn inspect(&self, docker: &Docker, id: &str, lives: &mut Lives) -> Result<(), Error> {
        match docker.inspect_container(id, None::<InspectContainerOptions>).await {
            Ok(answer) => {
                if let Some(mut container) = describe(self.number, answer) {
                    lives.tell(&mut container, unix_ms());
                    lock(&self.known).put(container);
                }
                Ok(())
            }
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => {
                lock(&self.known).remove(id);
                Ok(())
            }
            Err(Error::JsonDataError { .. } | Error::DockerResponseServerError { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_did_not_change_stays_the_same_one() {
        let mut known = Known::default();
        known.put(Container { id: "ab".into(), ..Container::default() });
        let first = known.containers["ab"].clone();
        known.put(Container { id: "ab".into(), ..Container::default() });
        assert!(Arc::ptr_eq(&first, &known.containers["ab"]) && known.generation == 1);
        known.put(Container { id: "ab".into(), pid: 7, ..Container::default() });
        assert_eq!(known.generation, 2);
    }
}
