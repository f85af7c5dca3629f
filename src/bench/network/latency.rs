//! How far away the gateway and named machines outside are: bursts of pings, or connections where ICMP is refused here. The
//! same prober that watches services measures them.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::subnet;
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, StopFlag, Survey, Work},
    clock::Clock,
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        service::{
            round::{Outcome, Round},
            target::{Scheme, ServiceTarget, ServiceUrl},
        },
        unit::Unit,
    },
    sys::probe::{Prober, Stage},
};

/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);
/// Rounds that say nothing because this machine was too busy; after so many in a row it is given up.
const IDLE: usize = 20;

pub const GATEWAY: BenchDef = BenchDef {
    id: "gateway-latency",
    group: Group::Network,
    doc: "Round trip to the default gateway",
    figures: &[FigureDef {
        id: "gateway_latency_seconds",
        title: "gateway latency",
        unit: Unit::Seconds,
        better: Better::Lower,
    }],
    bench: &Gateway,
};

pub const OUTSIDE: BenchDef = BenchDef {
    id: "network-outside-latency",
    group: Group::Network,
    doc: "Round trip to the machines that [bench] hosts names",
    figures: &[FigureDef {
        id: "network_external_latency_seconds",
        title: "outside latency",
        unit: Unit::Seconds,
        better: Better::Lower,
    }],
    bench: &Outside,
};

struct Gateway;

impl Benchmark for Gateway {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let none = || "there is no default route of IPv4 (ip route): nothing outside is reached".to_owned();
        let missing = of_gateway(survey).is_none().then(none);
        vec![Offer { of: String::new(), missing }]
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (gateway, interface) = of_gateway(survey).ok_or("there is no default route of IPv4")?;
        let mut plan = plan(of, &format!("{gateway} over {interface}"));
        plan.fingerprint.insert("gateway".to_owned(), format!("{gateway} over {interface}"));
        Ok((plan, Box::new(Run { target: target(&gateway.to_string())? })))
    }
}

fn of_gateway(survey: &Survey<'_>) -> Option<(std::net::Ipv4Addr, String)> {
    subnet::gateway(&String::from_utf8_lossy(&survey.root.read("proc/net/route").ok()?))
}

struct Outside;

impl Benchmark for Outside {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let hosts = &survey.settings.bench.hosts;
        if hosts.is_empty() {
            let missing = "no machine outside is named: [bench] hosts = [\"1.1.1.1\", \"example.org:443\"]".to_owned();
            return vec![Offer { of: String::new(), missing: Some(missing) }];
        }
        hosts.iter().map(|host| Offer { of: host.clone(), missing: target(host).err() }).collect()
    }

    fn plan(&self, _survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        Ok((plan(of, of), Box::new(Run { target: target(of)? })))
    }
}

fn plan(of: &str, whom: &str) -> Plan {
    let steps = vec![format!(
        "up to 30 times, {whom}: 5 pings of which the first is not counted, or one TCP connection where a port is named or \
         ICMP is refused here"
    )];
    Plan { of: of.to_owned(), steps, time: Duration::from_secs(90), ..Plan::default() }
}

/// `1.1.1.1` is pinged, `example.org:443` connected to.
fn target(host: &str) -> Result<ServiceTarget, String> {
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(name, port)| port.parse::<u16>().is_ok() && (!name.contains(':') || name.ends_with(']')));
    let scheme = if has_port { Scheme::Tcp } else { Scheme::Ping };
    // An address of version 6 is written in brackets.
    let host =
        if !has_port && host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let url = ServiceUrl::parse(&format!("{}://{host}", scheme.name()));
    let url = url.map_err(|error| format!("`{host}` in [bench] hosts {error}"))?;
    Ok(ServiceTarget::new(host, url))
}

struct Run {
    target: ServiceTarget,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        let rounds = rounds(self.target.clone(), cx.stop())?;
        // The first one waits for name servers, ARP and caches.
        next(&rounds, cx.stop())?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        let (mut lost, mut counted, mut idle) = (0.0, 0.0, 0);
        let method = loop {
            let round = next(&rounds, cx.stop())?;
            match &round.outcome {
                Outcome::Up { seconds: Some(seconds) } => {
                    idle = 0;
                    lost += round.found.loss.unwrap_or_default();
                    counted += 1.0;
                    cx.progress(RunPhase::Measuring, Some(*seconds), loss(lost / counted));
                    if !cx.sample(0, *seconds) {
                        break method(&round);
                    }
                }
                // This program was not woken in time: that says nothing of the network.
                Outcome::Up { seconds: None } if idle < IDLE => idle += 1,
                Outcome::Up { seconds: None } => {
                    return Err(Stop::failed("this machine is too busy to measure latency"));
                }
                Outcome::Down(_) | Outcome::Unjudged { .. } => {
                    return Err(Stop::failed(round.words().unwrap_or("no answer")));
                }
            }
        };
        Ok(Measured { fingerprint: [("method".to_owned(), method)].into(), notes: loss(lost / counted) })
    }
}

fn method(round: &Round) -> String {
    match (round.found.instead_of_ping, round.found.loss) {
        (Some(port), _) => format!("TCP connection to port {port} (ICMP is refused here)"),
        (None, Some(_)) => "ICMP".to_owned(),
        (None, None) => "TCP connection".to_owned(),
    }
}

fn loss(share: f64) -> Vec<String> {
    if share > 0.0 { vec![format!("{} lost", Unit::Ratio.show(share))] } else { Vec::new() }
}

/// Rounds, one after the other, on a thread of their own: one that hangs keeps nobody from stopping.
fn rounds(target: ServiceTarget, stop: &StopFlag) -> Result<mpsc::Receiver<Round>, Stop> {
    let (sender, receiver) = mpsc::sync_channel(0);
    let stop = stop.clone();
    let work = move || {
        let clock = Clock::start();
        let mut prober = Prober::new(Arc::new(target), Stage::default());
        while !stop.is_set() && sender.send(prober.round(clock.now())).is_ok() {}
    };
    thread::Builder::new().name("bench-ping".to_owned()).spawn(work).map_err(Stop::failed)?;
    Ok(receiver)
}

fn next(rounds: &mpsc::Receiver<Round>, stop: &StopFlag) -> Result<Round, Stop> {
    loop {
        stop.check()?;
        match rounds.recv_timeout(LOOK) {
            Ok(round) => return Ok(round),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Stop::failed("the prober has ended")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::{
        bench::{engine::testing::Surveyed, testing::TestCx},
        state::State,
    };

    #[test]
    fn hosts_are_pinged_and_ports_connected_to() {
        let url = |host: &str| target(host).map(|target| target.url.to_string());
        assert_eq!(url("1.1.1.1").as_deref(), Ok("ping://1.1.1.1"));
        assert_eq!(url("example.org:443").as_deref(), Ok("tcp://example.org:443"));
        assert_eq!(url("fd00::1").as_deref(), Ok("ping://[fd00::1]"));
        assert_eq!(url("[fd00::1]:22").as_deref(), Ok("tcp://[fd00::1]:22"));
        assert!(url("a b").is_err_and(|why| why.starts_with("`a b` in [bench] hosts ")));
    }

    #[test]
    fn a_named_port_is_measured_by_connecting() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("its address").to_string();
        let mut surveyed = Surveyed::new(State::default());
        surveyed.settings.bench.hosts = vec![host.clone()];
        let (_, mut work) = OUTSIDE.bench.plan(&surveyed.survey(), &host).expect("a plan");
        let mut cx = TestCx::new(1, 3);
        let measured = work.run(&mut cx).expect("measured");
        assert_eq!(cx.samples[0].len(), 3);
        assert_eq!(measured.fingerprint.get("method").map(String::as_str), Some("TCP connection"));
    }

    #[test]
    fn without_a_host_or_a_gateway_one_line_says_so() {
        let folder = tempfile::tempdir().expect("folder");
        let mut surveyed = Surveyed::new(State::default());
        surveyed.root = crate::sys::root::Root::new(folder.path());
        for bench in [&GATEWAY, &OUTSIDE] {
            let missing = bench.bench.offers(&surveyed.survey())[0].missing.clone().expect("a reason");
            assert!(!missing.contains('\n'), "{missing}");
        }
        assert!(GATEWAY.bench.plan(&surveyed.survey(), "").is_err());
    }

    #[test]
    fn a_closed_port_is_a_failure_with_its_reason() {
        let host = TcpListener::bind("127.0.0.1:0").and_then(|closed| closed.local_addr()).expect("a port").to_string();
        let mut work = Run { target: target(&host).expect("a target") };
        let Err(Stop::Failed(why)) = work.run(&mut TestCx::new(1, 3)) else { panic!("it was measured") };
        assert!(why.contains("refused"), "{why}");
    }
}
