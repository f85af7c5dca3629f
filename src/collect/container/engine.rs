//! One engine followed by its stream of events: what changed is inspected anew, nothing is polled. The thread reconnects
//! by itself and keeps what it knew meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    error::Error as _,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bollard::{
    Docker,
    errors::Error,
    models::EventMessage,
    query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions},
};
use futures_util::StreamExt;
use tokio::{sync::Notify, time::sleep};

use super::{describe::describe, find::Found};
use crate::{
    collect::lane::THREAD_PREFIX,
    model::{
        container::{Container, Engine, RESTARTS_WITHIN_MS},
        event::Fault,
    },
    text::clean,
};

/// An engine that takes longer to answer a question counts as silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events come in bursts (die, start, health): a container is inspected once for all of them.
const BURST: Duration = Duration::from_millis(50);
/// The whole list is asked for again this often, lest a lost event be missed for ever.
const RELIST: Duration = Duration::from_secs(120);
/// First and longest wait before a lost engine is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What is known of one engine now.
#[derive(Default)]
struct Known {
    kind: Option<String>,
    version: Option<String>,
    fault: Option<Fault>,
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

    /// Goes up whenever a container changed.
    pub(super) fn generation(&self) -> u64 {
        lock(&self.known).generation
    }

    /// Its containers as last told.
    pub(super) fn containers(&self) -> Vec<Arc<Container>> {
        lock(&self.known).containers.values().cloned().collect()
    }

    /// The engine itself.
    pub(super) fn describe(&self) -> Engine {
        let known = lock(&self.known);
        Engine {
            kind: known.kind.clone().unwrap_or_else(|| self.found.kind.to_owned()),
            address: self.found.address.clone(),
            version: known.version.clone(),
            fault: known.fault.clone(),
            local: self.found.local,
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    fn fail(&mut self, fault: Fault) {
        self.fault = Some(fault);
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
        let (first, longest) = RETRY;
        let mut wait = first;
        let mut lives = Lives::default();
        loop {
            let began = Instant::now();
            let fault = match self.session(&mut lives).await {
                Ok(()) => Fault::Broken("the engine closed its stream of events".to_owned()),
                Err(error) => fault(&self.found.address, &error),
            };
            lock(&self.known).fail(fault);
            if began.elapsed() > longest {
                wait = first;
            }
            sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    async fn session(&self, lives: &mut Lives) -> Result<(), Error> {
        let docker = Docker::connect_with_host(&self.found.address)?.with_timeout(PATIENCE);
        let docker = docker.negotiate_version().await?;
        let version = docker.version().await?;
        {
            let parts = version.components.unwrap_or_default();
            let podman = parts.iter().any(|part| part.name.to_lowercase().contains("podman"));
            let mut known = lock(&self.known);
            known.kind = Some(if podman { "podman" } else { "docker" }.to_owned());
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
        self.list(&docker, lives, from * 1000).await?;
        lock(&self.known).fault = None;
        let mut changed: BTreeSet<String> = BTreeSet::new();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => changed.extend(lives.note(&event?)),
                    None => return Ok(()),
                },
                () = sleep(BURST), if !changed.is_empty() => {
                    for id in std::mem::take(&mut changed) {
                        self.inspect(&docker, &id, lives).await?;
                    }
                }
                () = sleep(RELIST), if changed.is_empty() => self.list(&docker, lives, unix_ms()).await?,
            }
        }
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
    async fn inspect(&self, docker: &Docker, id: &str, lives: &Lives) -> Result<(), Error> {
        match docker.inspect_container(id, None::<InspectContainerOptions>).await {
            Ok(answer) => {
                let restarted = lives.restarts(id, unix_ms());
                if let Some(container) = describe(self.number, restarted, answer) {
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

fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// What events tell of each container's life beyond what it is now: who asked for its end, and when it came up again
/// unasked.
#[derive(Default)]
struct Lives {
    lives: HashMap<String, Life>,
    /// Events from here on are in no list that the engine's own count was taken from.
    counted_from_ms: i64,
}

#[derive(Default)]
struct Life {
    /// Somebody sent it a signal or stopped it since it last started.
    asked: bool,
    died: bool,
    restarts: Vec<i64>,
    /// Restarts of `restarts` that the engine's own count has been compared with.
    counted: u32,
}

impl Lives {
    /// Takes an event in; gives the container that is to be inspected.
    fn note(&mut self, event: &EventMessage) -> Option<String> {
        let (action, id) = (event.action.as_deref()?, event.actor.as_ref()?.id.clone()?);
        if action == "destroy" {
            self.lives.remove(&id);
            return Some(id);
        }
        let life = self.lives.entry(id.clone()).or_default();
        match action {
            "kill" | "stop" => life.asked = true,
            "die" => life.died = true,
            "start" => {
                if life.died && !life.asked {
                    let at = event.time_nano.map_or_else(unix_ms, |nanoseconds| nanoseconds / 1_000_000);
                    life.restarts.push(at);
                    life.counted += u32::from(at >= self.counted_from_ms);
                }
                (life.died, life.asked) = (false, false);
            }
            // What happens inside of it changes nothing that is shown.
            _ if action.starts_with("exec_") || matches!(action, "top" | "resize" | "attach" | "detach" | "copy") => {
                return None;
            }
            _ => {}
        }
        Some(id)
    }

    /// Books restarts that the engine counted and no event told; true when there were some.
    fn note_missed(&mut self, id: &str, more: u32, at: i64) -> bool {
        let life = self.lives.entry(id.to_owned()).or_default();
        let missed = more.saturating_sub(std::mem::take(&mut life.counted));
        life.restarts.extend((0..missed).map(|_| at));
        missed > 0
    }

    /// Restarts of the last ten minutes.
    fn restarts(&self, id: &str, now: i64) -> Vec<i64> {
        let recent = |at: &&i64| now.saturating_sub(**at) <= RESTARTS_WITHIN_MS;
        self.lives.get(id).map(|life| life.restarts.iter().filter(recent).copied().collect()).unwrap_or_default()
    }
}

/// What an error of the client means. Its own words hide the cause, which stands at the end of the chain.
fn fault(address: &str, error: &Error) -> Fault {
    if matches!(error, Error::RequestTimeoutError) {
        return Fault::Timeout;
    }
    if let Error::DockerResponseServerError { message, .. } = error {
        return Fault::Broken(clean(message).into_owned());
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    let lower = words.to_lowercase();
    if lower.contains("permission denied") {
        let hint = "run as root, or as a member of the group that owns the socket".to_owned();
        return Fault::Denied { what: format!("{address} may not be opened"), hint };
    }
    if lower.contains("connection refused") || lower.contains("no such file") {
        return Fault::Broken(format!("nobody listens on {address}"));
    }
    Fault::Broken(clean(&words).into_owned())
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;

    fn lived(actions: &[&str]) -> usize {
        let mut lives = Lives::default();
        for action in actions {
            let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
            lives.note(&EventMessage {
                action: Some((*action).into()),
                actor: Some(actor),
                time_nano: Some(5_000_000_000),
                ..EventMessage::default()
            });
        }
        lives.restarts("ab", 6000).len()
    }

    #[test]
    fn only_a_start_that_nobody_asked_for_is_a_restart() {
        assert_eq!(lived(&["create", "start", "die", "start", "oom", "die", "start"]), 2, "a loop");
        assert_eq!(lived(&["start", "kill", "die", "stop", "start"]), 0, "stopped and started by hand");
        assert_eq!(lived(&["start", "kill", "die", "stop", "start", "restart"]), 0, "docker restart");
        assert_eq!(lived(&["start", "kill", "die", "stop", "start", "die", "start"]), 1);
        assert_eq!(lived(&["start", "die"]), 0, "it ended and stays so");
    }

    #[test]
    fn restarts_while_nobody_listened_are_told_by_the_engines_count() {
        let mut lives = Lives::default();
        assert!(lives.note_missed("ab", 2, 5000));
        assert_eq!(lives.restarts("ab", 6000), [5000, 5000]);
        assert_eq!(lives.restarts("ab", 5000 + RESTARTS_WITHIN_MS + 1), [0i64; 0]);
    }

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
