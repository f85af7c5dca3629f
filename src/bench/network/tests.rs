//! The benchmarks between containers, on an engine whose containers are this program: their network is its own. Only root
//! may enter one, so elsewhere they say that.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    bench::{
        BenchDef, Measured, Plan, Stop,
        engine::testing::{Behaviour, FakeDocker, Surveyed},
        testing::TestCx,
    },
    sys::{
        exec::fake::{FakeExec, Script},
        netns::NetworkNamespace,
        root::Root,
    },
};

/// What iperf3 counts within containers, and outside of them: bytes a second.
const INSIDE: f64 = GIB;
const HOST: f64 = 4.0 * GIB;
const GIB: f64 = (1 << 30) as f64;

struct Setup {
    docker: FakeDocker,
    surveyed: Surveyed,
    exec: Arc<FakeExec>,
    folder: tempfile::TempDir,
    cx: TestCx,
}

fn flow(bytes_per_second: f64) -> Script {
    let end = json!({"sum_received": {"bits_per_second": bytes_per_second * 8.0}, "sum_sent": {"retransmits": 3}});
    Script::says(&json!({"end": end}).to_string())
}

/// The beginning of a command in the containers' network.
fn within(arguments: &str) -> String {
    format!("nsenter --net=/proc/{}/ns/net /fake/iperf3 {arguments}", std::process::id())
}

impl Setup {
    fn new(figures: usize) -> Self {
        let docker = FakeDocker::new(Behaviour::default());
        let folder = tempfile::tempdir().expect("a folder");
        let (serve, ask) = (within("-s"), within("-c"));
        let exec = FakeExec::new([
            ("iperf3 --version", Script::says("iperf 3.18 (cJSON 1.7.15)")),
            ("iperf3 -s", Script::says("Server listening on 5201")),
            ("iperf3 -c", flow(HOST)),
            (&*serve, Script::says("Server listening on 5201")),
            (&*ask, flow(INSIDE)),
        ]);
        let mut surveyed = Surveyed::new(docker.state());
        (surveyed.root, surveyed.exec) = (Root::new(folder.path()), exec.clone());
        let mut cx = TestCx::new(figures, 3);
        cx.exec = exec.clone();
        Setup { docker, surveyed, exec, folder, cx }
    }

    fn routes(&self) -> &Self {
        let table = include_str!("../../../tests/fixtures/bench/proc-net-route");
        std::fs::create_dir_all(self.folder.path().join("proc/net")).expect("a folder");
        std::fs::write(self.folder.path().join("proc/net/route"), table).expect("a file");
        self
    }

    /// The engine has a network with this name and these addresses.
    fn network(&self, name: &str, subnet: &str) -> &Self {
        let network = json!({"Name": name, "IPAM": {"Config": [{"Subnet": subnet}]}});
        self.docker.behaviour().networks.insert(name.to_owned(), network);
        self
    }

    fn plan(&self, bench: &BenchDef, of: &str) -> Result<Plan, String> {
        bench.bench.plan(&self.surveyed.survey(), of).map(|(plan, _)| plan)
    }

    /// What is measured, and that nothing is left; `None` where networks cannot be entered, which is said.
    fn run(&mut self, bench: &BenchDef, of: &str) -> Option<Measured> {
        let planned = bench.bench.plan(&self.surveyed.survey(), of);
        let outcome = planned.map_err(Stop::Failed).and_then(|(_, mut work)| work.run(&mut self.cx));
        let own = NetworkNamespace::of(std::process::id()).expect("our own");
        if own.within(|| ()).is_err() {
            assert!(
                matches!(&outcome, Err(Stop::Failed(why)) if why.starts_with("only root may enter")),
                "{outcome:?}"
            );
            return None;
        }
        let measured = outcome.expect("measured");
        assert_eq!(self.cx.made, [], "all is removed");
        assert!(self.docker.behaviour().containers.is_empty());
        Some(measured)
    }
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_plan_names_the_network_that_is_made() {
    let setup = Setup::new(1);
    if !root() {
        assert!(setup.plan(&THROUGHPUT, "docker").is_err_and(|why| why.contains("only root")));
        return;
    }
    let plan = setup.plan(&THROUGHPUT, "docker").expect("a plan");
    assert!(plan.steps[1].contains("make the network 172.20.0.0/24 with two containers"), "{:?}", plan.steps);
    assert_eq!(plan.fingerprint.get("network").map(String::as_str), Some("a bridge network of its own"));
    let command = "iperf3 -s -1 -p PORT --forceflush; the same … iperf3 -c SERVER -p PORT -t 2 -O 1 -J";
    assert_eq!(plan.steps[2], format!("up to 30 times: nsenter --net=/proc/PID/ns/net {command}"));
    setup.network("lan", "172.20.0.0/25");
    let plan = setup.plan(&LATENCY, "docker").expect("a plan");
    assert!(plan.steps[1].contains("make the network 172.20.1.0/24 (172.20.0.0/24 is in use; "), "{:?}", plan.steps);
    let plan = setup.plan(&OVERHEAD, "docker").expect("a plan");
    assert!(plan.steps[2].ends_with("two containers on the default bridge; removed afterwards"), "{:?}", plan.steps);
    setup.network("vpn", "172.20.0.0/14").network("office", "10.0.0.0/8");
    assert!(setup.plan(&LATENCY, "docker").is_err_and(|why| why.starts_with("no /24 is free")));
}

#[test]
fn without_iperf_a_stream_of_our_own_is_planned() {
    let mut setup = Setup::new(1);
    setup.surveyed.exec = FakeExec::new([]);
    if let Ok(plan) = setup.plan(&THROUGHPUT, "docker") {
        assert!(plan.steps[2].contains("iperf3 is not installed"), "{:?}", plan.steps);
    } else {
        assert!(!root());
    }
    let fingerprint = pair::Method::BuiltIn.fingerprint();
    assert_eq!(fingerprint.get("method").map(String::as_str), Some("built-in TCP stream"));
}

#[test]
fn throughput_is_what_iperf_counts_between_two_containers() {
    let mut setup = Setup::new(1);
    let Some(measured) = setup.run(&THROUGHPUT, "docker") else { return };
    assert_eq!(setup.cx.samples, [[INSIDE; 3]]);
    assert_eq!(measured.fingerprint.get("method").map(String::as_str), Some("one TCP stream"));
    assert!(measured.fingerprint.values().any(|value| value == "iperf 3.18"), "{:?}", measured.fingerprint);
    let started = setup.exec.started();
    let of = |what: &str| started.iter().filter(|line| line.starts_with(&within(what))).count();
    assert_eq!((of("-s -1 -p "), of("-c 127.0.0.1 -p ")), (4, 4), "once to warm up: {started:?}");
    let behaviour = setup.docker.behaviour();
    assert_eq!((behaviour.asked["create"], behaviour.asked["network"], behaviour.asked["remove network"]), (2, 1, 1));
    assert!(behaviour.networks.is_empty());
}

#[test]
fn a_named_network_is_used_and_left_there() {
    let mut setup = Setup::new(1);
    setup.network("lan", "172.17.0.0/16");
    setup.surveyed.settings.bench.network = Some("lan".to_owned());
    let Some(_) = setup.run(&THROUGHPUT, "lan") else { return };
    let plan = setup.plan(&THROUGHPUT, "lan").expect("a plan");
    assert!(plan.steps[1].contains("two containers on the network lan; removed afterwards"), "{:?}", plan.steps);
    assert_eq!(plan.fingerprint.get("network").map(String::as_str), Some("lan"));
    let behaviour = setup.docker.behaviour();
    assert!(behaviour.networks.contains_key("lan") && !behaviour.asked.contains_key("network"));
    drop(behaviour);
    setup.docker.behaviour().networks.clear();
    assert!(setup.plan(&THROUGHPUT, "lan").is_err_and(|why| why.contains("has no network lan: make it")));
}

#[test]
fn latency_is_measured_between_the_containers() {
    let mut setup = Setup::new(2);
    let Some(measured) = setup.run(&LATENCY, "docker") else { return };
    let [medians, slow] = &setup.cx.samples[..] else { panic!("two figures") };
    assert_eq!((medians.len(), slow.len()), (3, 3));
    assert!(medians.iter().zip(slow).all(|(median, p99)| 0.0 < *median && median <= p99), "{medians:?} {slow:?}");
    assert_eq!(measured.fingerprint.get("method").map(String::as_str), Some("built-in TCP round trip"));
}

#[test]
fn overhead_is_the_share_that_is_lost() {
    let mut setup = Setup::new(2);
    let Some(measured) = setup.run(&OVERHEAD, "docker") else { return };
    assert_eq!(setup.cx.samples, [[0.0; 3], [1.0 - INSIDE / HOST; 3]], "against the bridge, and against loopback");
    assert_eq!(measured.notes, ["isolated network 1.0 GiB/s, default bridge 1.0 GiB/s, loopback 4.0 GiB/s"]);
    assert_eq!(setup.docker.behaviour().asked["create"], 4);
}

/// A network with a limit of that many bytes a second on its bridge.
fn limited(tc: &[(&'static str, Script)]) -> Setup {
    let mut setup = Setup::new(1);
    setup.routes().network("lan", "172.17.0.0/16");
    setup.surveyed.settings.bench.network = Some("lan".to_owned());
    for (command, script) in tc {
        setup.exec.set(command, script.clone());
    }
    setup.exec.set("iperf3 -c", flow(GIB / 2.0));
    setup
}

#[test]
fn what_a_limit_leaves_is_measured_into_a_container() {
    let tbf = r#"[{"kind":"tbf","handle":"8001:","root":true,"options":{"rate":1073741824}}]"#;
    let qdisc = ("tc -j qdisc show dev docker0", Script::says(tbf));
    let mut setup = limited(&[qdisc, ("tc -j class show dev docker0", Script::says("[]"))]);
    let Some(measured) = setup.run(&ALLOCATION, "lan") else { return };
    assert_eq!(setup.cx.samples, [[GIB / 2.0; 3]]);
    assert_eq!(measured.notes, ["the limit is 1.0 GiB/s by tbf on docker0; about 50% of it arrives"]);
    let offers = ALLOCATION.bench.offers(&setup.surveyed.survey());
    assert_eq!(offers.iter().map(|offer| (&*offer.of, &offer.missing)).collect::<Vec<_>>(), [("lan", &None)]);
}

#[test]
fn without_a_limit_the_offer_says_how_to_set_one() {
    let missing = |setup: &Setup| ALLOCATION.bench.offers(&setup.surveyed.survey())[0].missing.clone();
    let none = Setup::new(1);
    assert!(missing(&none).is_some_and(|why| why.starts_with("no network is named: ")));
    if !root() {
        return;
    }
    let why = |tc: &[(&'static str, Script)]| missing(&limited(tc)).expect("a reason");
    assert!(why(&[]).starts_with("tc is not installed"));
    assert!(why(&[("tc", Script::says("[]"))]).starts_with("no limit is set on docker0, the bridge of lan"));
    assert_eq!(why(&[("tc", Script::fails("Cannot find device"))]), "tc: Cannot find device");
    assert_eq!(why(&[("tc", Script::fails(""))]), "tc: it gave no answer");
    let elsewhere = limited(&[("tc", Script::says("[]"))]);
    elsewhere.network("lan", "10.1.0.0/16");
    assert_eq!(missing(&elsewhere).as_deref(), Some("this machine has no interface to the network lan"));
}

#[test]
fn offers_begin_with_the_network_that_is_named() {
    let mut setup = Setup::new(1);
    let names = |setup: &Setup| pair::offers(&setup.surveyed.survey()).into_iter().map(|o| o.of).collect::<Vec<_>>();
    assert_eq!(names(&setup), ["docker"]);
    setup.surveyed.settings.bench.network = Some("lan".to_owned());
    assert_eq!(names(&setup), ["lan", "docker"]);
    let missing = |setup: &Setup| pair::offers(&setup.surveyed.survey())[0].missing.clone();
    assert_eq!(missing(&setup).is_none(), root());
    setup.surveyed.state = crate::state::State::default();
    assert!(missing(&setup).is_some(), "there is no engine");
}
