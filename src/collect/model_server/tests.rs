//! Servers that answer as recorded ones, over real sockets, and those that behave badly.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use super::*;
use crate::{
    clock::Clock,
    collect::SourceSettings,
    interest::Interest,
    model::model_server::{Kind, ModelState, Runner, Server, ServerState, Setting},
    sys::model_server::Sleeps,
};

type Answer = Arc<dyn Fn(&str, &mut TcpStream) + Send + Sync>;

/// A server on a port of its own; gives that port. Its threads end with the test's process.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer: Answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || talk(stream, &answer));
        }
    });
    port
}

/// Requests of one connection.
fn talk(mut stream: TcpStream, answer: &Answer) {
    let mut held = Vec::new();
    let mut piece = [0; 4096];
    loop {
        while let Some(end) = held.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).into_owned();
            held.drain(..end + 4);
            answer(&head, &mut stream);
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(read) => held.extend_from_slice(&piece[..read]),
        }
    }
}

fn path(head: &str) -> String {
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn send(stream: &mut TcpStream, status: &str, extra: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{extra}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(format!("tests/fixtures/llm/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn source(urls: &[(&str, String)], token_file: Option<&std::path::Path>) -> (Box<dyn Collector>, Clock) {
    let target = |(name, url): &(&str, String)| {
        let mut target = ModelServerTarget::new(*name, ServiceUrl::parse(url).expect("a URL"));
        target.token_file = token_file.map(Into::into);
        target
    };
    let mut cx = OpenCx::of(Root::fixture("bare"));
    cx.settings = SourceSettings { model_servers: urls.iter().map(target).collect(), ..SourceSettings::default() };
    (open(&cx).expect("a source"), cx.clock)
}

/// What is known once every server has answered or failed.
fn settled(source: &mut dyn Collector, clock: Clock) -> Vec<Server> {
    let (want, end) = (Interest::default(), Instant::now() + Duration::from_secs(60));
    loop {
        let Ok(Sample::ModelServers(sample)) = source.collect(&CollectCx::new(clock.now(), &want)) else {
            panic!("no sample")
        };
        if sample.settled {
            return sample.servers;
        }
        assert!(Instant::now() < end, "{:?}", sample.servers);
    }
}

fn states(urls: &[(&str, String)]) -> Vec<ServerState> {
    let (mut source, clock) = source(urls, None);
    settled(&mut *source, clock).into_iter().map(|server| server.state).collect()
}

fn llama(asked: &Arc<Mutex<Vec<String>>>) -> u16 {
    let asked = asked.clone();
    serve(move |head, stream| {
        let path = path(head);
        asked.lock().expect("asked").push(head.to_owned());
        let body = match path.as_str() {
            "/v1/models" => fixture("llama.cpp/models.json"),
            "/props" => fixture("llama.cpp/props.json"),
            "/metrics" => fixture("llama.cpp/metrics-deferred.prom"),
            "/slots" => fixture("llama.cpp/slots-full.json"),
            _ => return send(stream, "404 Not Found", "", b""),
        };
        send(stream, "200 OK", "Server: llama.cpp\r\n", &body);
    })
}

#[test]
fn a_server_is_recognised_and_read_over_one_connection() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let port = llama(&asked);
    let (mut source, clock) = source(&[("a", format!("http://127.0.0.1:{port}/v1"))], None);
    let servers = settled(&mut *source, clock);
    let server = &servers[0];
    assert_eq!((server.kind, &server.state), (Kind::LlamaCpp, &ServerState::Up));
    let model = &server.reading.models[0];
    assert_eq!((model.name.as_str(), model.state), ("tiny-a", ModelState::Loaded));
    assert_eq!(
        (model.work.running, model.work.waiting, model.work.pending_tokens),
        (Some(4.0), Some(3.0), Some(440.0))
    );
    let heads = asked.lock().expect("asked").clone();
    assert!(heads.iter().all(|head| head.starts_with("GET ")), "{heads:?}");
}

#[test]
fn a_key_is_sent_from_its_file_and_a_missing_one_is_asked_for() {
    let port = serve(|head, stream| {
        match head.lines().any(|line| line.eq_ignore_ascii_case("authorization: Bearer s3cret")) {
            true if path(head) == "/v1/models" => send(stream, "200 OK", "", br#"{"data":[{"id":"x"}]}"#),
            _ => send(stream, "401 Unauthorized", "", &fixture("llama.cpp/error-unauthorized.json")),
        }
    });
    let url = format!("http://127.0.0.1:{port}");
    let refused = states(&[("a", url.clone())]);
    assert!(matches!(&refused[0], ServerState::Unauthorised(why) if why.contains("token_file")), "{refused:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "s3cret \n").expect("a file");
    let (mut good, clock) = source(&[("a", url.clone())], Some(&file));
    let server = settled(&mut *good, clock).remove(0);
    assert!(server.state == ServerState::Up, "{:?}", server.state);
    std::fs::write(&file, "one\ntwo\n").expect("a file");
    let (mut bad, clock) = source(&[("a", url)], Some(&file));
    let state = settled(&mut *bad, clock).remove(0).state;
    assert!(
        matches!(&state, ServerState::Unauthorised(why) if why.contains("not one line") && !why.contains("two")),
        "{state:?}"
    );
}

#[test]
fn one_that_is_silent_or_endless_costs_itself_alone() {
    let asked = Arc::default();
    let silent = serve(|_, _| {});
    let endless = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let piece = [b'x'; 65536];
        while stream
            .write_all(b"10000\r\n")
            .and_then(|()| stream.write_all(&piece))
            .and_then(|()| stream.write_all(b"\r\n"))
            .is_ok()
        {}
    });
    let huge = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{");
    });
    let itself = serve(|_, stream| send(stream, "302 Found", "Location: /v1/models\r\n", b""));
    let other = serve(|_, stream| send(stream, "301 Moved", "Location: http://127.0.0.1:1/v1/models?key=x\r\n", b""));
    let page = serve(|_, stream| send(stream, "200 OK", "", b"<html>hello"));
    let ssh = serve(|_, stream| {
        let _ = stream.write_all(b"SSH-2.0-x\r\n\r\n");
    });
    let cut = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"data\":[]}");
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let good = llama(&asked);
    let ports = [silent, endless, huge, itself, other, page, ssh, cut, closed, good];
    let names = ["silent", "endless", "huge", "itself", "other", "page", "ssh", "cut", "closed", "good"];
    let urls: Vec<_> =
        names.iter().zip(ports).map(|(name, port)| (*name, format!("http://127.0.0.1:{port}"))).collect();
    let (mut source, clock) = source(&urls, None);
    let began = Instant::now();
    let want = Interest::default();
    let mut good_after = None;
    let servers = loop {
        let Ok(Sample::ModelServers(sample)) = source.collect(&CollectCx::new(clock.now(), &want)) else {
            panic!("no sample")
        };
        if sample.servers[9].state == ServerState::Up {
            good_after.get_or_insert(began.elapsed());
        }
        if sample.settled {
            break sample.servers;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", sample.servers);
    };
    let mut said: Vec<String> =
        servers.iter().map(|server| server.state.why().unwrap_or("up").replace(&closed.to_string(), "PORT")).collect();
    let expected = [
        "it accepts connections and does not answer /v1/models within 3 s",
        "its answer to /v1/models is longer than 4.0 MiB",
        "its answer to /v1/models is longer than 4.0 MiB",
        "/v1/models redirects to itself",
        "/v1/models redirects to http://127.0.0.1:1/v1/models?***: use that address",
        "/v1/models: not JSON: expected value at line 1 column 1",
        "/v1/models: what answers does not speak HTTP",
        "127.0.0.1:PORT: connection refused",
        "up",
    ];
    let cut = said.remove(7);
    assert!(cut.starts_with("/v1/models: ") && cut.contains("end of"), "half an answer is none: {cut}");
    assert_eq!(said, expected);
    assert!(
        good_after.is_some_and(|after| after < Duration::from_secs(3)),
        "the others were waited for: {good_after:?}"
    );
}

/// An Ollama with a clock of its own: milliseconds since 1970. What is in memory, until when, and all that was asked.
#[derive(Default)]
struct FakeOllama {
    now: i64,
    keep_alive: i64,
    loaded: Option<(String, i64)>,
    asked: Vec<String>,
}

impl FakeOllama {
    /// A request for this model: it is loaded, in place of the other one, and kept from now on.
    fn generate(&mut self, model: &str) {
        self.loaded = Some((model.to_owned(), self.now + self.keep_alive));
    }

    fn answer(&mut self, head: &str) -> Option<Vec<u8>> {
        self.asked.push(head.lines().next().unwrap_or_default().to_owned());
        Some(match path(head).as_str() {
            "/v1/models" => fixture("ollama/openai-models.json"),
            "/api/version" => fixture("ollama/version.json"),
            "/api/tags" => fixture("ollama/tags.json"),
            "/api/ps" => {
                self.loaded = self.loaded.take().filter(|(_, until)| *until > self.now);
                let Some((model, until)) = &self.loaded else { return Some(fixture("ollama/ps-empty.json")) };
                let mut ps: serde_json::Value = serde_json::from_slice(&fixture("ollama/ps-loaded.json")).ok()?;
                let until = jiff::Timestamp::from_millisecond(*until).ok()?;
                (ps["models"][0]["name"], ps["models"][0]["model"]) = (model.as_str().into(), model.as_str().into());
                ps["models"][0]["expires_at"] = until.to_string().into();
                serde_json::to_vec(&ps).ok()?
            }
            _ => return None,
        })
    }
}

#[test]
fn ollama_loads_generates_expires_and_switches() {
    use crate::model::model_server::Expiry;
    let fake = Arc::new(Mutex::new(FakeOllama { keep_alive: 300_000, ..FakeOllama::default() }));
    let port = {
        let fake = fake.clone();
        serve(move |head, stream| match fake.lock().expect("fake").answer(head) {
            Some(body) => send(stream, "200 OK", "", &body),
            None => send(stream, "404 Not Found", "", b"404 page not found"),
        })
    };
    let (mut source, clock) = source(&[("o", format!("http://127.0.0.1:{port}"))], None);
    let want = Interest::default();
    let start = clock.now();
    let of_fake = |change: &dyn Fn(&mut FakeOllama)| change(&mut fake.lock().expect("fake"));
    // What is in memory at this second of the test's clock, which the fake shares, and for how many seconds more.
    let mut passed = 0;
    let mut at = |second: u64| {
        let (end, mut answered) = (Instant::now() + Duration::from_secs(60), true);
        loop {
            // It is asked at its pace until then: time stands still while it answers.
            if answered {
                passed = (passed + 5).min(second);
            }
            let now = start.plus(Duration::from_secs(passed));
            fake.lock().expect("fake").now = now.unix_ms;
            let Ok(Sample::ModelServers(sample)) = source.collect(&CollectCx::new(now, &want)) else {
                panic!("no sample")
            };
            let server = &sample.servers[0];
            if passed == second && sample.settled && server.at == Some(now) {
                assert_eq!(server.kind, Kind::Ollama);
                let models = server.reading.models.iter().filter(|model| model.state == ModelState::Loaded);
                let left = |expires: &Option<Expiry>| match expires {
                    Some(Expiry::At(until)) => (until - now.unix_ms) / 1000,
                    other => panic!("{other:?}"),
                };
                return models.map(|model| (model.name.clone(), left(&model.expires))).collect::<Vec<_>>();
            }
            answered = sample.settled;
            if !answered || passed == second {
                thread::sleep(Duration::from_millis(1));
            }
            assert!(Instant::now() < end, "{second}: {:?}", sample.servers);
        }
    };
    let a = |left: i64| vec![("tiny-a:latest".to_owned(), left)];
    assert_eq!(at(30), []);
    of_fake(&|fake| fake.generate("tiny-a:latest"));
    assert_eq!(at(60), a(270), "loaded, by a client");
    assert_eq!(at(180), a(150), "being watched keeps nothing alive");
    of_fake(&|fake| fake.generate("tiny-a:latest"));
    assert_eq!(at(240), a(240), "a request does");
    of_fake(&|fake| fake.generate("tiny-b:latest"));
    assert_eq!(at(300), vec![("tiny-b:latest".to_owned(), 240)], "switched");
    assert_eq!(at(600), [], "its keep-alive is over");
    let asked = fake.lock().expect("fake").asked.clone();
    assert!(asked.len() > 60 && asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
    assert!(asked.iter().all(|line| !line.contains("generate") && !line.contains("chat")), "{asked:?}");
}

#[test]
fn tls_is_spoken_where_the_certificate_is_trusted() {
    use tokio_rustls::rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    };
    let file = |name: &str| std::fs::read(format!("src/sys/probe/testing/{name}")).expect("a certificate");
    let chain = vec![CertificateDer::from_pem_slice(&file("good.pem")).expect("PEM")];
    let key = PrivateKeyDer::from_pem_slice(&file("key.pem")).expect("PEM");
    let config = Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a pair"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://127.0.0.1:{}", listener.local_addr().expect("bound").port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let body = r#"{"data":[{"id":"x"}]}"#;
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.flush();
        }
    });
    let state = |ca: Option<&str>| {
        let mut target = ModelServerTarget::new("a", ServiceUrl::parse(&url).expect("a URL"));
        target.ca_file = ca.map(|ca| std::path::absolute(format!("src/sys/probe/testing/{ca}")).expect("a path"));
        let mut cx = OpenCx::of(Root::fixture("bare"));
        cx.settings = SourceSettings { model_servers: vec![target], ..SourceSettings::default() };
        settled(&mut *open(&cx).expect("a source"), cx.clock).remove(0).state
    };
    assert_eq!(state(Some("ca.pem")), ServerState::Up);
    let refused = state(None);
    assert!(matches!(&refused, ServerState::Unreachable(why) if why.contains("certificate")), "{refused:?}");
    let missing = state(Some("nowhere.pem"));
    assert!(matches!(&missing, ServerState::Unreachable(why) if why.contains("ca_file")), "{missing:?}");
}

fn found(at: &str, pid: Option<u32>) -> Found {
    Found {
        at: at.parse().expect("an address"),
        kind: Kind::Ollama,
        process: pid.map(|pid| Runner { pid, started: 1 }),
        settings: vec![Setting { name: "--port".into(), set: "1".into() }],
        sleeps: Sleeps::Never,
        unified: true,
    }
}

#[test]
fn what_runs_here_is_known_by_its_address() {
    let target = |url: &str| {
        let of = ModelServerTarget::new("a", ServiceUrl::parse(url).expect("a URL"));
        Target::configured(&of, ProbeSettings::default())
    };
    for (url, at, same) in [
        ("http://localhost:8080", "127.0.0.1:8080", true),
        ("http://localhost:8080", "[::1]:8080", true),
        ("http://localhost:8080", "10.0.0.1:8080", false),
        ("http://localhost:8080", "127.0.0.1:8081", false),
        ("http://10.0.0.1:8080", "10.0.0.1:8080", true),
        ("http://10.0.0.1:8080", "127.0.0.1:8080", false),
    ] {
        assert_eq!(target(url).is(&found(at, None)), same, "{url} {at}");
    }
}

#[test]
fn who_is_gone_for_long_is_known_by_when_it_was_seen_last() {
    let at = Stamp::at_seconds;
    let of = ModelServerTarget::new("a", ServiceUrl::parse("http://127.0.0.1:1").expect("a URL"));
    let here = found("127.0.0.1:1", Some(7));
    let mut configured = Target::configured(&of, ProbeSettings::default());
    configured.seen(Some(&here), at(1));
    let server = configured.server();
    assert_eq!((&server.process, &server.settings), (&here.process, &here.settings));
    configured.seen(None, at(2));
    assert_eq!((configured.server().process, configured.gone_for(at(9))), (None, None), "it stays listed");

    let mut own = Target::found(&of, &here, Origin::Process, ProbeSettings::default());
    assert_eq!((own.server().process, own.gone_for(at(9))), (here.process.clone(), None));
    own.seen(None, at(10));
    own.seen(None, at(20));
    assert_eq!(own.gone_for(at(30)), Some(Duration::from_secs(20)));
    own.seen(Some(&here), at(31));
    assert_eq!(own.gone_for(at(40)), None);
}

fn none_yet() -> ModelServers {
    ModelServers {
        root: Root::fixture("bare"),
        targets: Vec::new(),
        probe: ProbeSettings::default(),
        finder: Finder::default(),
        found: None,
        had: false,
    }
}

#[test]
fn what_is_found_again_is_the_same_until_it_is_gone_for_long() {
    let mut all = none_yet();
    let ports =
        |ports: std::ops::Range<u16>| ports.map(|port| found(&format!("127.0.0.1:{port}"), None)).collect::<Vec<_>>();
    let mut count = |found: &[Found], second: u64| {
        all.take(found, Stamp::at_seconds(second));
        all.targets.len()
    };
    assert_eq!((count(&ports(1..4), 10), count(&ports(1..4), 20), count(&ports(1..5), 30)), (3, 3, 4));
    // The last one was there at second 30, and is missed from second 40 on.
    assert_eq!((count(&ports(1..4), 40), count(&ports(1..4), 639), count(&ports(1..4), 640)), (4, 4, 3));
    assert_eq!(count(&ports(1..100), 650), MOST);
}

#[test]
fn what_is_found_gets_a_name_of_its_own() {
    let mut all = none_yet();
    for (at, pid) in [("127.0.0.1:11434", Some(7)), ("172.17.0.2:11434", None), ("[::1]:11434", None)] {
        all.add(&found(at, pid));
    }
    let servers: Vec<Server> = all.targets.iter().map(Target::server).collect();
    let of: Vec<_> = servers.iter().map(|server| (server.name.as_str(), server.url.as_str(), server.origin)).collect();
    assert_eq!(
        of,
        [
            ("ollama:11434", "http://127.0.0.1:11434", Origin::Process),
            ("ollama:11434-2", "http://172.17.0.2:11434", Origin::Port),
            ("ollama:11434-3", "http://[::1]:11434", Origin::Port),
        ]
    );
}
