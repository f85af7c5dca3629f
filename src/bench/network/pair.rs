//! Two containers on one network, and what is measured between them: on a network that the config names, on a temporary
//! one, or on the engine's default bridge.

use std::{sync::Arc, time::Duration};

use super::{
    iperf::{self, Iperf},
    path::{Ends, Side},
    subnet::{self, Subnet},
    tcp,
};
use crate::{
    bench::{
        Offer, Plan, RunCx, Stop, Survey,
        engine::{self, Made, Network, On, Place, Program, Ready, Session, Spec},
        sampling::repeat,
    },
    model::figure::{Fingerprint, TOOL},
    sys::{
        engine::{LIST, ONE, encoded},
        exec::Exec,
        json::{Field, Unread},
    },
};

/// Networks that are looked through.
const NETWORKS: usize = 10_000;
/// A container has its address by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The user's own.
    Named(String),
    /// Made for the run, and removed.
    Temporary(Subnet),
    /// The engine's default bridge.
    Bridge,
}

/// What all benchmarks between containers need to know.
pub struct Setting {
    pub on: On,
    pub which: Which,
}

/// Two containers that run.
pub struct Pair {
    made: Vec<Made>,
    network: Option<Network>,
    pub ends: Ends,
}

/// Engines with a temporary network each, and the network that the config names.
pub fn offers(survey: &Survey<'_>) -> Vec<Offer> {
    let mut offers = engine::local_offers(survey);
    if let Some(name) = &survey.settings.bench.network {
        let usable = offers.iter().find(|offer| offer.missing.is_none());
        let missing = if usable.is_none() { offers[0].missing.clone() } else { None };
        offers.insert(0, Offer { of: name.clone(), missing });
    }
    if !rustix::process::geteuid().is_root() {
        let why = "only root may enter the networks of containers: run benchtop as root";
        offers.iter_mut().for_each(|offer| _ = offer.missing.get_or_insert_with(|| why.to_owned()));
    }
    offers
}

/// The beginning of a plan.
///
/// # Errors
/// Why it cannot be run.
pub fn plan(survey: &Survey<'_>, of: &str) -> Result<(Plan, Setting), String> {
    if let Some(offer) = offers(survey).into_iter().find(|offer| offer.of == of)
        && let Some(missing) = offer.missing
    {
        return Err(missing);
    }
    let named = survey.settings.bench.network.as_deref() == Some(of);
    let place = if named {
        let usable = engine::local_offers(survey).into_iter().find(|offer| offer.missing.is_none());
        engine::find(survey, &usable.map(|offer| offer.of).unwrap_or_default())?
    } else {
        engine::find(survey, of)?
    };
    let (mut plan, on) = engine::plan_at(survey, place, of)?;
    let which = if named { named_network(&on.place, of)? } else { temporary(survey, &on.place)? };
    plan.fingerprint.insert(
        "network".to_owned(),
        match &which {
            Which::Named(name) => name.clone(),
            Which::Temporary(_) | Which::Bridge => "a bridge network of its own".to_owned(),
        },
    );
    plan.steps.push(which.step(&on.place));
    Ok((plan, Setting { on, which }))
}

impl Setting {
    /// Starts the two containers, has `measure` measure between them, and removes them.
    ///
    /// # Errors
    /// As the engine gives them, and whatever ends the measuring.
    pub fn between<T>(
        &self,
        cx: &mut dyn RunCx,
        measure: impl FnOnce(&mut dyn RunCx, &Pair, (&Session, &Ready)) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let (session, image) = self.on.open(cx)?;
        let pair = Pair::start(&session, cx, &image, &self.which)?;
        let measured = measure(cx, &pair, (&session, &image))?;
        pair.remove(&session, cx)?;
        Ok(measured)
    }
}

impl Which {
    pub fn step(&self, place: &Place) -> String {
        let on = &place.address;
        match self {
            Which::Named(name) => format!("on {on}: two containers on the network {name}; removed afterwards"),
            Which::Temporary(subnet) => {
                let wanted = Some(*subnet) == subnet::free(&[]);
                let why = if wanted {
                    ""
                } else {
                    " (172.20.0.0/24 is in use; name its network in [bench] network to measure that)"
                };
                format!("on {on}: make the network {subnet}{why} with two containers; removed afterwards")
            }
            Which::Bridge => format!("on {on}: two containers on the default bridge; removed afterwards"),
        }
    }
}

/// The addresses of the network that the config names.
///
/// # Errors
/// Why it cannot be asked for.
pub fn addresses_of(survey: &Survey<'_>, name: &str) -> Result<Vec<Subnet>, String> {
    let usable = engine::local_offers(survey).into_iter().find(|offer| offer.missing.is_none());
    let place = engine::find(survey, &usable.map(|offer| offer.of).unwrap_or_default())?;
    named_network(&place, name)?;
    let answer =
        place.ask(async |client| client.json("the network", &format!("/networks/{}", encoded(name)), ONE).await)?;
    let unread = Unread::default();
    let configs = Field::new(&answer, &unread).object("IPAM").list("Config", 64);
    Ok(configs.filter_map(|config| Subnet::parse(&config.text("Subnet")?)).collect())
}

fn named_network(place: &Place, name: &str) -> Result<Which, String> {
    let path = format!("/networks/{}", encoded(name));
    let found = place.ask(async |client| match client.json("the network", &path, ONE).await {
        Err(error) if error.is_not_found() => Ok(false),
        answer => answer.map(|_| true),
    })?;
    if found {
        return Ok(Which::Named(name.to_owned()));
    }
    Err(format!("{} has no network {name}: make it (docker network create), or correct [bench] network", place.address))
}

fn temporary(survey: &Survey<'_>, place: &Place) -> Result<Which, String> {
    let mut used = networks(place)?;
    used.extend(subnet::routes(&String::from_utf8_lossy(&survey.root.read("proc/net/route").unwrap_or_default())));
    let free = subnet::free(&used)
        .ok_or("no /24 is free in 172.20.0.0/14 and 10.213.0.0/16: name a network in [bench] network")?;
    Ok(Which::Temporary(free))
}

/// The addresses of the engine's networks.
fn networks(place: &Place) -> Result<Vec<Subnet>, String> {
    let answer = place.ask(async |client| client.json("the list of networks", "/networks", LIST).await)?;
    let unread = Unread::default();
    let networks = Field::new(&answer, &unread).entries(NETWORKS);
    let configs = networks.flat_map(|network| network.object("IPAM").list("Config", 64).collect::<Vec<_>>());
    Ok(configs.filter_map(|config| Subnet::parse(&config.text("Subnet")?)).collect())
}

impl Pair {
    /// Starts two containers on that network.
    ///
    /// # Errors
    /// As the engine gives them.
    pub fn start(session: &Session, cx: &mut dyn RunCx, image: &Ready, which: &Which) -> Result<Self, Stop> {
        let network = match which {
            Which::Temporary(subnet) => Some(session.network(cx, &subnet.to_string())?),
            Which::Named(_) | Which::Bridge => None,
        };
        let name = match (which, &network) {
            (Which::Named(name), _) => Some(name.as_str()),
            (_, Some(network)) => Some(network.name.as_str()),
            _ => None,
        };
        let spec = Spec { network: name, ..Spec::new(&image.name, Program::Stays) };
        let made = (0..2).map(|_| session.run(cx, "end", &spec)).collect::<Result<Vec<_>, Stop>>()?;
        let mut seen = Vec::new();
        for made in &made {
            seen.push(session.until(cx.stop(), made, ("on its network", PATIENCE), |seen| {
                Ok(seen.pid > 0 && !seen.addresses.is_empty())
            })?);
        }
        let [server, client] = seen.as_slice() else { return Err(Stop::failed("two containers are needed")) };
        let (_, address) = server.addresses[0];
        let ends = Ends { server: Side::of(server.pid)?, client: Side::of(client.pid)?, address };
        Ok(Pair { made, network, ends })
    }

    /// Removes them, and their network.
    ///
    /// # Errors
    /// As the engine gives them.
    pub fn remove(self, session: &Session, cx: &mut dyn RunCx) -> Result<(), Stop> {
        let Pair { made, network, ends } = self;
        // The engine cannot take a network away that somebody holds.
        drop(ends);
        for made in &made {
            session.remove(cx, made)?;
        }
        network.map_or(Ok(()), |network| session.remove_network(cx, &network))
    }
}

/// How throughput is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    Iperf(Iperf),
    BuiltIn,
}

impl Method {
    pub fn choose(exec: &Arc<dyn Exec>) -> Self {
        Iperf::find(exec).map_or(Method::BuiltIn, Method::Iperf)
    }

    /// What results depend on.
    pub fn fingerprint(&self) -> Fingerprint {
        let method = |words: &str| ("method".to_owned(), words.to_owned());
        match self {
            Method::Iperf(iperf) => [method("one TCP stream"), (TOOL.to_owned(), iperf.version.clone())].into(),
            Method::BuiltIn => [method("built-in TCP stream")].into(),
        }
    }

    /// What is done, for the plan.
    pub fn step(&self) -> String {
        match self {
            Method::Iperf(_) => {
                let line = |arguments: Vec<String>| arguments.join(" ");
                let (server, client) = (line(iperf::server(0)), line(iperf::client("SERVER", 0, false)));
                let [server, client] = [server, client].map(|line| line.replace("-p 0", "-p PORT"));
                format!("nsenter --net=/proc/PID/ns/net iperf3 {server}; the same … iperf3 {client}")
            }
            Method::BuiltIn => {
                "a TCP stream of benchtop's own for 2 s (iperf3 is not installed), its sockets in the containers' networks"
                    .to_owned()
            }
        }
    }

    /// Bytes a second, and what else was seen.
    ///
    /// # Errors
    /// When it cannot be measured, or the run is stopped.
    pub fn throughput(&self, cx: &dyn RunCx, ends: &Ends) -> Result<(f64, Vec<String>), Stop> {
        match self {
            Method::Iperf(iperf) => {
                let flow = iperf.measure(cx.exec(), cx.stop(), ends)?;
                Ok((flow.bytes_per_second, vec![format!("{} retransmits", flow.retransmits)]))
            }
            Method::BuiltIn => {
                let span = Duration::from_secs(u64::from(iperf::SECONDS));
                Ok((tcp::stream(ends, span, cx.stop())?, Vec::new()))
            }
        }
    }

    /// The same until there are enough samples of the first figure.
    ///
    /// # Errors
    /// When it cannot be measured, or the run is stopped.
    pub fn repeated(&self, cx: &mut dyn RunCx, ends: &Ends) -> Result<(), Stop> {
        repeat(cx, |cx| {
            let (rate, beside) = self.throughput(cx, ends)?;
            Ok((vec![rate], beside))
        })
    }
}
