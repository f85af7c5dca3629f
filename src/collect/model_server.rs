//! Model servers: each has a worker of its own, with its pace, health and age, so that one that hangs or is slow costs
//! itself alone. They are configured, or found where they run.

mod argv;
mod find;
mod target;

use std::time::Duration;

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        model_server::{ModelServerSample, ModelServerTarget, Origin, ProbeSettings},
        service::target::ServiceUrl,
    },
    sys::root::Root,
};
use find::{Finder, Found};
use target::Target;

/// Between two looks for servers that run here.
const FIND: Duration = Duration::from_secs(10);
/// One that was found and is gone is listed for so long.
const GONE: Duration = Duration::from_secs(600);
/// Answers of this round are waited for so long: most are there in a few milliseconds.
const SOON: Duration = Duration::from_millis(60);
/// Servers in all.
const MOST: usize = 64;

/// # Errors
/// None; the reading says what there is.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let probe = cx.settings.model_probe;
    let configured = cx.settings.model_servers.iter().take(MOST).map(|of| Target::configured(of, probe));
    Ok(Box::new(ModelServers {
        root: cx.root.clone(),
        targets: configured.collect(),
        probe,
        finder: Finder::default(),
        found: None,
        had: false,
    }))
}

struct ModelServers {
    root: Root,
    targets: Vec<Target>,
    probe: ProbeSettings,
    finder: Finder,
    found: Option<Stamp>,
    /// There was one.
    had: bool,
}

impl ModelServers {
    /// Takes in what runs here now.
    fn find(&mut self, at: Stamp) {
        // A recording cannot be asked, and a part of it may run here by chance.
        if !self.root.is_live() || self.found.is_some_and(|found| at.since(found) < FIND) {
            return;
        }
        self.found = Some(at);
        if let Some(found) = self.finder.scan(&self.root) {
            self.take(&found, at);
        }
    }

    /// Takes in what was found now.
    fn take(&mut self, found: &[Found], at: Stamp) {
        for target in &mut self.targets {
            let now = found.iter().find(|found| target.is(found));
            target.seen(now, at);
        }
        for found in found {
            if self.targets.len() < MOST && !self.targets.iter().any(|target| target.is(found)) {
                self.add(found);
            }
        }
        self.targets.retain(|target| target.gone_for(at).is_none_or(|gone| gone < GONE));
    }

    fn add(&mut self, found: &Found) {
        let Ok(url) = ServiceUrl::parse(&format!("http://{}", found.at)) else { return };
        let name = format!("{}:{}", found.kind.name(), found.at.port());
        let free = |name: &String| !self.targets.iter().any(|target| target.name() == name);
        let names = std::iter::once(name.clone()).chain((2..).map(|more| format!("{name}-{more}")));
        let Some(name) = names.take(MOST + 1).find(free) else { return };
        let origin = if found.process.is_some() { Origin::Process } else { Origin::Port };
        self.targets.push(Target::found(&ModelServerTarget::new(name, url), found, origin, self.probe));
    }
}

impl Collector for ModelServers {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        self.find(cx.at);
        let root = &self.root;
        self.targets.iter_mut().for_each(|target| target.round(root, cx.at));
        let end = std::time::Instant::now() + SOON;
        for target in &mut self.targets {
            target.take(end.saturating_duration_since(std::time::Instant::now()), cx.at);
        }
        self.had |= !self.targets.is_empty();
        if !self.had {
            let looked = "no [[model_server]] in the config, none of their processes, nothing on ports 11434 and 1234";
            return Err(Fault::Absent(looked.to_owned()));
        }
        let settled = self.targets.iter().all(Target::is_settled);
        let servers = self.targets.iter().map(Target::server).collect();
        Ok(Sample::ModelServers(ModelServerSample { servers, settled }))
    }
}

#[cfg(test)]
mod tests;
