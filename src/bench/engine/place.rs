//! Which engines a benchmark can be run on: those that the containers' source found and that answer. What a plan needs to
//! know of one is asked here, without changing anything.

use std::time::Duration;

use tokio::{runtime::Builder, time::timeout};

use crate::{
    bench::{Offer, Survey},
    model::{container::Engine, engine_address::EngineAddress, figure::Fingerprint},
    sys::{
        engine::{EngineClient, EngineError, ONE},
        json::{Field, Unread},
    },
};

/// An engine that answers a plan's questions does so within this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Said where there is none.
const NONE: &str = "no container engine was found: start Docker or Podman, or name one in [containers] engines";

/// An engine that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As figures name it: `docker`, or its address where there are several of that kind.
    pub of: String,
    pub address: EngineAddress,
    /// It is on this machine.
    pub local: bool,
}

/// Engines, each with why it cannot be measured.
pub fn offers(survey: &Survey<'_>) -> Vec<Offer> {
    let all = engines(survey);
    if all.is_empty() {
        return vec![Offer { of: String::new(), missing: Some(NONE.to_owned()) }];
    }
    all.iter().map(|engine| Offer { of: name(engine, &all), missing: engine.complaint() }).collect()
}

/// The same for what can be measured only on an engine of this machine.
pub fn local_offers(survey: &Survey<'_>) -> Vec<Offer> {
    let mut offers = offers(survey);
    for (offer, engine) in offers.iter_mut().zip(engines(survey)) {
        if !engine.local && offer.missing.is_none() {
            offer.missing = Some(format!("{} is on another machine: run benchtop there", engine.address));
        }
    }
    offers
}

/// The engine that figures call `of`.
///
/// # Errors
/// Why it cannot be measured.
pub fn find(survey: &Survey<'_>, of: &str) -> Result<Place, String> {
    let all = engines(survey);
    let engine = all.iter().find(|engine| name(engine, &all) == of).ok_or_else(|| match all.is_empty() {
        true => NONE.to_owned(),
        false => {
            let names: Vec<String> = all.iter().map(|engine| name(engine, &all)).collect();
            format!("no container engine here is called {of}: there is {}", names.join(", "))
        }
    })?;
    if let Some(why) = engine.complaint() {
        return Err(why);
    }
    Ok(Place { of: of.to_owned(), address: engine.address.clone(), local: engine.local })
}

fn engines<'a>(survey: &Survey<'a>) -> Vec<&'a Engine> {
    survey.state.host.containers.engines.iter().filter(|engine| !engine.twin).collect()
}

fn name(engine: &Engine, all: &[&Engine]) -> String {
    let of_its_kind = all.iter().filter(|other| other.kind == engine.kind).count();
    if of_its_kind == 1 { engine.kind.clone() } else { engine.address.to_string() }
}

/// What an engine says of itself that results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// `docker 20.10.24`.
    pub version: String,
    /// How it stores images: `overlay2`.
    pub driver: Option<String>,
    /// What it starts containers with: `runc`.
    pub runtime: Option<String>,
    pub cgroups: Option<String>,
    /// `x86_64`.
    pub architecture: Option<String>,
}

impl Facts {
    /// As a part of a fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        let parts = [
            ("engine", Some(&self.version)),
            ("storage driver", self.driver.as_ref()),
            ("runtime", self.runtime.as_ref()),
            ("cgroup version", self.cgroups.as_ref()),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect()
    }
}

impl Place {
    /// Asks the engine, within a deadline.
    ///
    /// # Errors
    /// Why it does not answer, behind its address.
    pub fn ask<T, F>(&self, question: impl FnOnce(EngineClient) -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let asked = async { question(EngineClient::connect(&self.address).await?).await };
        let answer = runtime.block_on(async { timeout(PATIENCE, asked).await.unwrap_or(Err(EngineError::Silent)) });
        answer.map_err(|error| format!("{}: {error}", self.address))
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// Why it does not answer.
    pub fn facts(&self) -> Result<Facts, String> {
        self.ask(async |client| {
            let info = client.json("its description", "/info", ONE).await?;
            let unread = Unread::default();
            let info = Field::new(&info, &unread);
            let kind = if client.podman { "podman" } else { "docker" };
            let version = client.version.as_deref().unwrap_or("of unknown version");
            Ok(Facts {
                version: format!("{kind} {version}"),
                driver: info.text("Driver"),
                runtime: info.text("DefaultRuntime"),
                cgroups: info.text("CgroupVersion"),
                architecture: info.text("Architecture"),
            })
        })
    }
}
