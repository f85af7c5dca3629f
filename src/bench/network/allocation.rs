//! What a limit on a network leaves: the rate that is reserved for it on its bridge, measured from inside a container on it.
//! The queueing discipline of the bridge limits what goes from the machine to its containers, such as downloads.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    pair::{self, Method, Setting},
    path::{Ends, Side},
    subnet,
};
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, sampling::repeat},
    model::{bench::Group, figure::Better, unit::Unit},
    sys::{
        exec::{Exec, Runner},
        json::{Field, Unread},
    },
};

/// `tc` answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

pub const ALLOCATION: BenchDef = BenchDef {
    id: "subnet-allocation",
    group: Group::Network,
    doc: "Throughput into a container on the named network, where a limit is set on its bridge",
    figures: &[FigureDef {
        id: "subnet_allocation_bytes_per_second",
        title: "subnet allocation",
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
    }],
    bench: &Allocation,
};

struct Allocation;

/// A limit on an interface.
#[derive(Debug, Clone, PartialEq)]
struct Limit {
    interface: String,
    kind: String,
    bytes_per_second: f64,
}

impl Benchmark for Allocation {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let Some(name) = &survey.settings.bench.network else {
            let why = "no network is named: [bench] network = \"ai-network\" names one that has a limit".to_owned();
            return vec![Offer { of: String::new(), missing: Some(why) }];
        };
        let mut offer = pair::offers(survey).into_iter().find(|offer| offer.of == *name);
        if let Some(offer) = &mut offer
            && offer.missing.is_none()
        {
            offer.missing = limit_of(survey, name).err();
        }
        offer.into_iter().collect()
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, setting) = pair::plan(survey, of)?;
        let limit = limit_of(survey, of)?;
        let method = Method::choose(survey.exec);
        plan.steps.push(format!("up to 30 times, from this machine into one of them: {}", method.step()));
        plan.time = Duration::from_secs(150);
        let words =
            format!("{} by {} on {}", Unit::BytesPerSecond.show(limit.bytes_per_second), limit.kind, limit.interface);
        plan.fingerprint.insert("limit".to_owned(), words.clone());
        Ok((plan, Box::new(Run { setting, method, words, limit: limit.bytes_per_second })))
    }
}

/// The limit on the bridge of a network, or why there is none.
fn limit_of(survey: &Survey<'_>, name: &str) -> Result<Limit, String> {
    let addresses = pair::addresses_of(survey, name)?;
    let table = survey.root.read("proc/net/route").map_err(|error| format!("/proc/net/route: {error}"))?;
    let table = String::from_utf8_lossy(&table);
    let interface = addresses.iter().find_map(|subnet| subnet::interface_to(&table, *subnet));
    let interface = interface.ok_or_else(|| format!("this machine has no interface to the network {name}"))?;
    let tc = survey.exec.find("tc").ok_or("tc is not installed (apt install iproute2): limits cannot be read")?;
    let ask = |what: &str| asked(survey.exec, &tc, &["-j", what, "show", "dev", &interface]);
    let (qdiscs, classes) = (ask("qdisc")?, ask("class")?);
    match read(&qdiscs, &classes) {
        Some((kind, bytes_per_second)) => Ok(Limit { interface, kind, bytes_per_second }),
        None => Err(format!(
            "no limit is set on {interface}, the bridge of {name} (tc qdisc add dev {interface} root tbf rate 500mbit burst \
             256k latency 50ms)"
        )),
    }
}

fn asked(exec: &Arc<dyn Exec>, tc: &std::path::Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let finished = Runner::new(exec.clone()).run(tc, arguments, PATIENCE).map_err(|error| error.to_string())?;
    match finished.code {
        Some(0) => Ok(finished.out),
        _ => Err(format!("tc: {}", finished.complaint().unwrap_or_else(|| "it gave no answer".to_owned()))),
    }
}

/// The limit of the root discipline: its kind and bytes a second ("tc-tbf(8)", "tc-htb(8)", "tc-cake(8)").
fn read(qdiscs: &[u8], classes: &[u8]) -> Option<(String, f64)> {
    let all: Value = serde_json::from_slice(qdiscs).ok()?;
    let unread = Unread::default();
    let root = Field::new(&all, &unread).entries(64).find(|qdisc| qdisc.flag("root") == Some(true))?;
    let (kind, options) = (root.text("kind")?, root.object("options"));
    let rate = match kind.as_str() {
        "tbf" => options.float("rate")?,
        "cake" => options.float("bandwidth")?,
        "htb" => {
            let default = options.text("default")?;
            let minor = u32::from_str_radix(default.trim_start_matches("0x"), 16).ok()?;
            let major = root.text("handle")?;
            ceiling(classes, &format!("{major}{minor:x}"))?
        }
        _ => return None,
    };
    (rate > 0.0).then_some((kind, rate))
}

/// The `ceil` of a class, in bytes a second. Older versions list classes as text though JSON was asked for.
fn ceiling(classes: &[u8], handle: &str) -> Option<f64> {
    if let Ok(all) = serde_json::from_slice::<Value>(classes) {
        let unread = Unread::default();
        let class =
            Field::new(&all, &unread).entries(4096).find(|class| class.text("handle").as_deref() == Some(handle))?;
        return class.float("ceil");
    }
    let text = String::from_utf8_lossy(classes);
    let line = text.lines().find(|line| line.split_whitespace().nth(2) == Some(handle))?;
    let rate = line.split_whitespace().skip_while(|word| *word != "ceil").nth(1)?;
    let at = rate.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = rate.split_at(at);
    let bits = match unit {
        "bit" => 1.0,
        "Kbit" => 1e3,
        "Mbit" => 1e6,
        "Gbit" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * bits / 8.0)
}

struct Run {
    setting: Setting,
    method: Method,
    /// The limit, in words.
    words: String,
    limit: f64,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let mut last = f64::NAN;
        self.setting.between(cx, |cx, pair, _| {
            let ends = Ends { client: Side::Host, ..pair.ends.clone() };
            repeat(cx, |cx| {
                let (rate, beside) = self.method.throughput(cx, &ends)?;
                last = rate;
                Ok((vec![rate], beside))
            })
        })?;
        let share = Unit::Ratio.show(last / self.limit);
        let notes = vec![format!("the limit is {}; about {share} of it arrives", self.words)];
        Ok(Measured { fingerprint: self.method.fingerprint(), notes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &[u8] = b"";

    #[test]
    fn the_root_discipline_has_the_limit() {
        let tbf = br#"[{"kind":"tbf","handle":"8001:","root":true,"refcnt":2,"options":{"rate":62500000,"burst":262125,"lat":50000}}]"#;
        assert_eq!(read(tbf, NONE), Some(("tbf".to_owned(), 62.5e6)));
        let none = br#"[{"kind":"noqueue","handle":"0:","root":true,"refcnt":2,"options":{}}]"#;
        assert_eq!(read(none, NONE), None);
        assert_eq!(read(b"nonsense", NONE), None);
    }

    #[test]
    fn of_htb_the_default_class_counts() {
        let htb = br#"[{"kind":"htb","handle":"1:","root":true,"refcnt":3,"options":{"r2q":10,"default":"0x10"}}]"#;
        let text = b"class htb 1:10 root prio 0 rate 400Mbit ceil 500Mbit burst 1600b cburst 1500b \n";
        assert_eq!(read(htb, text), Some(("htb".to_owned(), 62.5e6)));
        let json = br#"[{"class":"htb","handle":"1:10","root":true,"prio":0,"rate":50000000,"ceil":62500000}]"#;
        assert_eq!(read(htb, json), Some(("htb".to_owned(), 62.5e6)));
        assert_eq!(read(htb, b"class htb 1:20 root prio 0 rate 1Mbit ceil 1Mbit"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(qdiscs: Vec<u8>, classes: Vec<u8>) {
            let _ = read(&qdiscs, &classes);
            let _ = ceiling(&classes, "1:10");
        }
    }
}
