//! Throughput to the world outside: from a named server of iperf3, or a file at a named address. Nothing outside is asked
//! for that the config does not name.

use std::time::Duration;

use super::iperf::{Iperf, client};
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, sampling::repeat, web},
    model::{
        bench::Group,
        figure::{Better, TOOL},
        service::target::ServiceUrl,
        unit::Unit,
    },
};

/// Bytes of one download.
const MOST: usize = 25 << 20;
/// A download that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where iperf3 listens.
const PORT: u16 = 5201;

pub const OUTSIDE: BenchDef = BenchDef {
    id: "network-outside-throughput",
    group: Group::Network,
    doc: "Throughput from a named iperf3 server or file outside to this machine",
    figures: &[FigureDef {
        id: "network_external_bytes_per_second",
        title: "outside throughput",
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
    }],
    bench: &Outside,
};

struct Outside;

/// What it is measured against.
enum From {
    Server { iperf: Iperf, host: String, port: u16 },
    File(ServiceUrl),
}

impl Benchmark for Outside {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let bench = &survey.settings.bench;
        let named = [&bench.iperf3_server, &bench.download_url].into_iter().flatten();
        let offers: Vec<Offer> = named.map(|of| Offer { of: of.clone(), missing: from(survey, of).err() }).collect();
        if offers.is_empty() {
            let why =
                "no server outside is named: [bench] iperf3_server = \"host:5201\" or download_url = \"https://…\"";
            return vec![Offer { of: String::new(), missing: Some(why.to_owned()) }];
        }
        offers
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let from = from(survey, of)?;
        let step = match &from {
            From::Server { host, port, .. } => {
                format!("up to 30 times: iperf3 {}", client(host, *port, true).join(" "))
            }
            From::File(url) => {
                format!(
                    "up to 30 times GET {url}, at most {} each; what comes is dropped",
                    Unit::Bytes.show(MOST as f64)
                )
            }
        };
        let plan = Plan { of: of.to_owned(), steps: vec![step], time: Duration::from_secs(150), ..Plan::default() };
        Ok((plan, Box::new(Run(from))))
    }
}

fn from(survey: &Survey<'_>, of: &str) -> Result<From, String> {
    let bench = &survey.settings.bench;
    if bench.iperf3_server.as_deref() == Some(of) {
        let iperf = Iperf::find(survey.exec).ok_or("iperf3 is not installed (apt install iperf3)")?;
        let (host, port) = match of.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
                host,
                port.parse().map_err(|_| format!("`{of}` in [bench] iperf3_server: `{port}` is not a port number"))?,
            ),
            _ => (of, PORT),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || host.starts_with('-') {
            return Err(format!("`{of}` in [bench] iperf3_server names no host"));
        }
        return Ok(From::Server { iperf, host: host.to_owned(), port });
    }
    if bench.download_url.as_deref() != Some(of) {
        return Err(format!("{of} is not named in [bench]"));
    }
    let url = ServiceUrl::parse(of).map_err(|error| format!("[bench] download_url {error}"))?;
    if url.scheme().is_http() {
        Ok(From::File(url))
    } else {
        Err("[bench] download_url is not http:// or https://".to_owned())
    }
}

struct Run(From);

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        repeat(cx, |cx| Ok((vec![self.once(cx)?], Vec::new())))?;
        let method = |words: &str| ("method".to_owned(), words.to_owned());
        let fingerprint = match &self.0 {
            From::Server { iperf, .. } => {
                [method("one TCP stream, received here"), (TOOL.to_owned(), iperf.version.clone())].into()
            }
            From::File(_) => [method("download over one connection")].into(),
        };
        Ok(Measured { fingerprint, notes: Vec::new() })
    }
}

impl Run {
    fn once(&self, cx: &dyn RunCx) -> Result<f64, Stop> {
        match &self.0 {
            From::Server { iperf, host, port } => {
                Ok(iperf.receive(cx.exec(), cx.stop(), host, *port)?.bytes_per_second)
            }
            From::File(url) => web::within(cx.stop(), url, PATIENCE, web::download(url, MOST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{engine::testing::Surveyed, testing::TestCx},
        state::State,
        sys::exec::fake::{FakeExec, Script},
    };

    fn surveyed(scripts: &[(&'static str, Script)]) -> Surveyed {
        let mut surveyed = Surveyed::new(State::default());
        surveyed.exec = FakeExec::new(scripts.iter().cloned());
        surveyed
    }

    fn installed() -> [(&'static str, Script); 2] {
        let counted = r#"{"end":{"sum_received":{"bits_per_second":16.0}}}"#;
        [("iperf3 --version", Script::says("iperf 3.18 (x)")), ("iperf3 -c", Script::says(counted))]
    }

    #[test]
    fn a_server_has_a_host_and_perhaps_a_port() {
        let mut surveyed = surveyed(&installed());
        let mut step = |server: &str| {
            surveyed.settings.bench.iperf3_server = Some(server.to_owned());
            OUTSIDE.bench.plan(&surveyed.survey(), server).map(|(plan, _)| plan.steps[0].clone())
        };
        for (server, words) in [
            ("nas", "-c nas -p 5201"),
            ("nas:99", "-c nas -p 99"),
            ("fd00::1", "-c fd00::1 -p 5201"),
            ("[fd00::1]:99", "-c fd00::1 -p 99"),
        ] {
            let wanted = format!("up to 30 times: iperf3 {words} -t 2 -O 1 -J -R");
            assert_eq!(step(server), Ok(wanted));
        }
        let wrong = |why: &str| Err(why.to_owned());
        assert_eq!(step("nas:x"), wrong("`nas:x` in [bench] iperf3_server: `x` is not a port number"));
        assert_eq!(step(":99"), wrong("`:99` in [bench] iperf3_server names no host"));
        assert_eq!(step("-R:99"), wrong("`-R:99` in [bench] iperf3_server names no host"));
    }

    #[test]
    fn each_that_is_named_is_offered() {
        let mut nothing = surveyed(&[]);
        let missing = |surveyed: &Surveyed| -> Vec<(String, Option<String>)> {
            OUTSIDE.bench.offers(&surveyed.survey()).into_iter().map(|offer| (offer.of, offer.missing)).collect()
        };
        let [(_, Some(why))] = &missing(&nothing)[..] else { panic!("one line") };
        assert!(why.starts_with("no server outside is named: "), "{why}");
        nothing.settings.bench.iperf3_server = Some("nas".to_owned());
        nothing.settings.bench.download_url = Some("tcp://nas:80".to_owned());
        let why = |text: &str| Some(text.to_owned());
        let expected = [
            ("nas".to_owned(), why("iperf3 is not installed (apt install iperf3)")),
            ("tcp://nas:80".to_owned(), why("[bench] download_url is not http:// or https://")),
        ];
        assert_eq!(missing(&nothing), expected);
        let unknown = OUTSIDE.bench.plan(&nothing.survey(), "x").err();
        assert_eq!(unknown, why("x is not named in [bench]"));
        nothing.settings.bench.download_url = Some("https://nas/file".to_owned());
        let (plan, _) = OUTSIDE.bench.plan(&nothing.survey(), "https://nas/file").expect("a plan");
        assert!(
            plan.steps[0].starts_with("up to 30 times GET https://nas/file, at most 25.0 MiB each"),
            "{:?}",
            plan.steps
        );
    }

    #[test]
    fn what_a_server_sends_is_measured() {
        let mut surveyed = surveyed(&installed());
        surveyed.settings.bench.iperf3_server = Some("nas".to_owned());
        let (_, mut work) = OUTSIDE.bench.plan(&surveyed.survey(), "nas").expect("a plan");
        let mut cx = TestCx::new(1, 3);
        cx.exec = surveyed.exec.clone();
        let measured = work.run(&mut cx).expect("measured");
        assert_eq!(cx.samples, [[2.0; 3]]);
        let tool = measured.fingerprint.get(TOOL).map(String::as_str);
        assert_eq!(
            (tool, measured.fingerprint.get("method").map(String::as_str)),
            (Some("iperf 3.18"), Some("one TCP stream, received here"))
        );
    }

    #[test]
    fn a_file_is_downloaded() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/file", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.read(&mut [0; 4096]);
                let body = vec![b'x'; 1 << 20];
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        let mut surveyed = surveyed(&[]);
        surveyed.settings.bench.download_url = Some(url.clone());
        let (_, mut work) = OUTSIDE.bench.plan(&surveyed.survey(), &url).expect("a plan");
        let mut cx = TestCx::new(1, 3);
        let measured = work.run(&mut cx).expect("measured");
        assert!(cx.samples[0].len() == 3 && cx.samples[0].iter().all(|rate| *rate > 1e4), "{:?}", cx.samples);
        assert_eq!(measured.fingerprint.get("method").map(String::as_str), Some("download over one connection"));
    }
}
