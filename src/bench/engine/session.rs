//! One benchmark's conversation with an engine: every request can be stopped and has a deadline, every container and
//! network is journalled before it is made and has the label of its run.

use std::{
    cell::Cell,
    collections::HashMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use bollard::{
    Docker,
    models::{ContainerCreateBody, HealthConfig, HostConfig, Ipam, IpamConfig, NetworkCreateRequest},
    query_parameters::{CreateContainerOptions, RemoveContainerOptions, StartContainerOptions, StopContainerOptions},
};
use futures_util::future::try_join_all;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

use super::Program;
use crate::{
    bench::{LABEL, RunCx, Scratch, Stop, StopFlag, scratch},
    model::engine_address::EngineAddress,
    sys::{
        engine::{EngineClient, EngineError, Limits, ONE, encoded},
        json::{Field, Unread},
    },
};

/// An engine that takes longer for one container has not done it.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// What is being made when the run is stopped may get this far: what is not there yet cannot be removed.
const GRACE: Duration = Duration::from_millis(600);
/// Between two looks at what a container does.
const LOOK: Duration = Duration::from_millis(20);
/// A process says that it is ready within this, or its log cannot be read.
const READY: Duration = Duration::from_secs(5);

pub struct Session {
    runtime: Runtime,
    client: EngineClient,
    docker: Docker,
    address: EngineAddress,
    batch: String,
    made: Cell<u32>,
}

/// A container of ours, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub name: String,
    scratch: Scratch,
}

/// A network of ours, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub name: String,
    scratch: Scratch,
}

/// What a container is made of.
#[derive(Debug, Clone)]
pub struct Spec<'a> {
    pub image: &'a str,
    pub program: Program,
    /// `None`: as the engine does it by itself.
    pub network: Option<&'a str>,
    /// `/host:/inside:ro`.
    pub binds: Vec<String>,
    /// Cores that it may use.
    pub cores: Option<f64>,
}

impl<'a> Spec<'a> {
    pub fn new(image: &'a str, program: Program) -> Self {
        Spec { image, program, network: None, binds: Vec::new(), cores: None }
    }
}

/// What a container is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    pub running: bool,
    pub pid: u32,
    pub exit_code: Option<i64>,
    pub finished: Option<jiff::Timestamp>,
    /// `starting`, `healthy`, `unhealthy`.
    pub health: Option<String>,
    /// Its addresses, with the names of the networks.
    pub addresses: Vec<(String, Ipv4Addr)>,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// When the engine does not answer, or the run is stopped.
    pub fn open(address: &EngineAddress, cx: &dyn RunCx) -> Result<Self, Stop> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Stop::failed)?;
        let client = wait(&runtime, address, cx.stop(), "connecting", Some(PATIENCE), EngineClient::connect(address))?;
        let docker = client.operator(PATIENCE).map_err(|error| Stop::Failed(format!("{address}: {error}")))?;
        Ok(Session {
            runtime,
            client,
            docker,
            address: address.clone(),
            batch: cx.batch().to_owned(),
            made: Cell::new(0),
        })
    }

    pub fn client(&self) -> &EngineClient {
        &self.client
    }

    pub fn address(&self) -> &EngineAddress {
        &self.address
    }

    /// The name of something that is made for this run, different from all others.
    pub fn name(&self, what: &str) -> String {
        let number = self.made.get() + 1;
        self.made.set(number);
        scratch::name(&self.batch, &format!("{what}-{number}"))
    }

    /// Waits for an answer of the engine; `None`: as long as it takes.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] once stopped; [`Stop::Failed`] with the engine's words, or when it takes too long.
    pub fn wait_with<T>(
        &self,
        stop: &StopFlag,
        doing: &str,
        patience: Option<Duration>,
        answer: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, Stop> {
        wait(&self.runtime, &self.address, stop, doing, patience, answer)
    }

    /// Waits for something to be made; stopped meanwhile, it waits a little longer.
    fn making<T>(
        &self,
        stop: &StopFlag,
        doing: &str,
        answer: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<(), Stop> {
        let mut answer = std::pin::pin!(answer);
        let made = async { (&mut answer).await.map_err(|error| EngineError::of_operation(&error)) };
        let outcome = self.wait_with(stop, doing, Some(PATIENCE), made);
        if outcome.as_ref().is_err_and(|stop| *stop == Stop::Cancelled) {
            let _ = self.runtime.block_on(async { tokio::time::timeout(GRACE, answer).await });
        }
        outcome.map(drop)
    }

    fn operate<T>(
        &self,
        stop: &StopFlag,
        doing: &str,
        answer: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Stop> {
        let answer = async { answer.await.map_err(|error| EngineError::of_operation(&error)) };
        self.wait_with(stop, doing, Some(PATIENCE), answer)
    }

    /// Something in JSON.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn json(&self, stop: &StopFlag, what: &str, path: &str, limits: Limits) -> Result<Value, Stop> {
        self.wait_with(stop, &format!("reading {what}"), Some(PATIENCE), self.client.json(what, path, limits))
    }

    /// The id of an image that is there.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn image_id(&self, name: &str, stop: &StopFlag) -> Result<String, Stop> {
        let answer = self.json(stop, "the image", &format!("/images/{}/json", encoded(name)), ONE)?;
        Ok(Field::new(&answer, &Unread::default()).text("Id").unwrap_or_default())
    }

    /// A name for a container, in the journal: what comes of it will be removed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn reserve(&self, cx: &mut dyn RunCx, what: &str) -> Result<Made, Stop> {
        let name = self.name(what);
        let scratch = Scratch::Container { engine: self.address.dialled().to_owned(), name: name.clone() };
        cx.will_make(scratch.clone())?;
        Ok(Made { name, scratch })
    }

    /// Makes a container of that name.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn create(&self, cx: &dyn RunCx, made: &Made, spec: &Spec<'_>) -> Result<(), Stop> {
        let options = CreateContainerOptions { name: Some(made.name.clone()), platform: String::new() };
        let created = self.docker.create_container(Some(options), body(spec, cx.batch()));
        self.making(cx.stop(), "making a container", created)
    }

    /// # Errors
    /// As [`Session::wait_with`].
    pub fn start(&self, stop: &StopFlag, made: &Made) -> Result<(), Stop> {
        let started = self.docker.start_container(&made.name, None::<StartContainerOptions>);
        self.operate(stop, "starting a container", started)
    }

    /// Makes a container and starts it.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn run(&self, cx: &mut dyn RunCx, what: &str, spec: &Spec<'_>) -> Result<Made, Stop> {
        let made = self.reserve(cx, what)?;
        self.create(cx, &made, spec)?;
        self.start(cx.stop(), &made)?;
        Ok(made)
    }

    /// Has it stopped with the default grace.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn stop(&self, stop: &StopFlag, made: &Made) -> Result<(), Stop> {
        let stopped = self.docker.stop_container(&made.name, None::<StopContainerOptions>);
        self.operate(stop, "stopping a container", stopped)
    }

    /// Has all of them stopped at the same time; how long each took.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn stop_all(&self, stop: &StopFlag, all: &[Made]) -> Result<Vec<Duration>, Stop> {
        let began = Instant::now();
        let stops = all.iter().map(async |made| {
            self.docker.stop_container(&made.name, None::<StopContainerOptions>).await?;
            Ok(began.elapsed())
        });
        self.operate(stop, "stopping containers", try_join_all(stops))
    }

    /// Removes it, whatever it does.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn remove(&self, cx: &mut dyn RunCx, made: &Made) -> Result<(), Stop> {
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        let removed = self.docker.remove_container(&made.name, Some(options));
        self.operate(cx.stop(), "removing a container", removed)?;
        cx.removed(&made.scratch);
        Ok(())
    }

    /// # Errors
    /// As [`Session::wait_with`].
    pub fn inspect(&self, stop: &StopFlag, made: &Made) -> Result<Seen, Stop> {
        let answer = self.json(stop, "a container", &format!("/containers/{}/json", encoded(&made.name)), ONE)?;
        Ok(seen(&answer))
    }

    /// Waits until `fits`.
    ///
    /// # Errors
    /// When that does not happen within `patience`; as [`Session::wait_with`].
    pub fn until(
        &self,
        stop: &StopFlag,
        made: &Made,
        (what, patience): (&str, Duration),
        fits: impl Fn(&Seen) -> Result<bool, Stop>,
    ) -> Result<Seen, Stop> {
        let end = Instant::now() + patience;
        loop {
            let seen = self.inspect(stop, made)?;
            if fits(&seen)? {
                return Ok(seen);
            }
            if Instant::now() >= end {
                return Err(Stop::Failed(format!("{}: not {what} within {} s", self.address, patience.as_secs())));
            }
            stop.sleep(LOOK)?;
        }
    }

    /// Waits until its process has ended.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn ended(&self, stop: &StopFlag, made: &Made) -> Result<(), Stop> {
        let path = format!("/containers/{}/wait", encoded(&made.name));
        let ended = async {
            let answer = self.client.make("the end of a container", &path, Bytes::new(), PATIENCE).await?;
            let read = answer.whole(64 << 10, PATIENCE).await;
            read.map_err(|error| EngineError::http("the end of a container", error))
        };
        self.wait_with(stop, "waiting for a container to end", Some(PATIENCE), ended).map(drop)
    }

    /// Waits until its process has written that it is ready. Of a log that cannot be read that is not known: then the time
    /// is waited out in which any process is.
    ///
    /// # Errors
    /// [`Stop::Cancelled`].
    pub fn ready(&self, stop: &StopFlag, made: &Made) -> Result<(), Stop> {
        let path = format!("/containers/{}/logs?stdout=1&tail=1", encoded(&made.name));
        let end = Instant::now() + READY;
        while Instant::now() < end {
            let log = self.client.get("its log", &path, Limits { patience: READY, whole: READY, cap: 64 << 10 });
            match self.wait_with(stop, "reading a log", Some(READY), log) {
                Ok(log) if log.windows(5).any(|word| word == b"ready") => return Ok(()),
                Err(Stop::Cancelled) => return Err(Stop::Cancelled),
                _ => stop.sleep(LOOK)?,
            }
        }
        Ok(())
    }

    /// Makes a network for this run.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn network(&self, cx: &mut dyn RunCx, subnet: &str) -> Result<Network, Stop> {
        let name = self.name("network");
        let scratch = Scratch::Network { engine: self.address.dialled().to_owned(), name: name.clone() };
        cx.will_make(scratch.clone())?;
        let config = IpamConfig { subnet: Some(subnet.to_owned()), ..IpamConfig::default() };
        let request = NetworkCreateRequest {
            name: name.clone(),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam { config: Some(vec![config]), ..Ipam::default() }),
            labels: Some(labels(cx.batch())),
            ..NetworkCreateRequest::default()
        };
        self.making(cx.stop(), "making a network", self.docker.create_network(request))?;
        Ok(Network { name, scratch })
    }

    /// Removes it. Its containers must be gone.
    ///
    /// # Errors
    /// As [`Session::wait_with`].
    pub fn remove_network(&self, cx: &mut dyn RunCx, network: &Network) -> Result<(), Stop> {
        self.operate(cx.stop(), "removing a network", self.docker.remove_network(&network.name))?;
        cx.removed(&network.scratch);
        Ok(())
    }
}

fn wait<T>(
    runtime: &Runtime,
    address: &EngineAddress,
    stop: &StopFlag,
    doing: &str,
    patience: Option<Duration>,
    answer: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, Stop> {
    let late = async {
        match patience {
            Some(patience) => sleep(patience).await,
            None => std::future::pending().await,
        }
    };
    runtime.block_on(async {
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|error| Stop::Failed(format!("{address}: {doing}: {error}"))),
            () = stop.stopped() => Err(Stop::Cancelled),
            () = late => {
                let seconds = patience.unwrap_or_default().as_secs();
                Err(Stop::Failed(format!("{address}: {doing}: no answer within {seconds} s")))
            }
        }
    })
}

fn labels(batch: &str) -> HashMap<String, String> {
    HashMap::from([(LABEL.to_owned(), batch.to_owned())])
}

fn body(spec: &Spec<'_>, batch: &str) -> ContainerCreateBody {
    let own = spec.program == Program::Own;
    // Of a process of ours the image's health check would know nothing.
    let none = HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() };
    ContainerCreateBody {
        image: Some(spec.image.to_owned()),
        // In place of the image's own entry point and command.
        entrypoint: spec.program.command(),
        healthcheck: (!own).then_some(none),
        stop_signal: (!own).then(|| "SIGTERM".to_owned()),
        labels: Some(labels(batch)),
        host_config: Some(HostConfig {
            network_mode: spec.network.map(str::to_owned),
            binds: (!spec.binds.is_empty()).then(|| spec.binds.clone()),
            nano_cpus: spec.cores.map(|cores| (cores * 1e9) as i64),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// An engine's description of a container ("ContainerInspect").
fn seen(answer: &Value) -> Seen {
    let unread = Unread::default();
    let container = Field::new(answer, &unread);
    let state = container.object("State");
    let networks = container.object("NetworkSettings").fields("Networks", 64);
    let addresses =
        networks.filter_map(|(name, network)| Some((name.to_owned(), network.text("IPAddress")?.parse().ok()?)));
    Seen {
        running: state.flag("Running").unwrap_or_default(),
        pid: state.count("Pid").and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default(),
        exit_code: state.int("ExitCode"),
        finished: state.text("FinishedAt").and_then(|at| at.parse().ok()),
        health: state.object("Health").text("Status").filter(|status| !status.is_empty() && status != "none"),
        addresses: addresses.collect(),
    }
}
