//! Probes of servers on loopback that behave well and badly.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream},
    path::Path,
    sync::mpsc::{Receiver, channel},
};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;
use crate::model::service::round::{Failure, FailureKind};

const KEY: &str = include_str!("testing/key.pem");
const CA: &str = include_str!("testing/ca.pem");
const GOOD: &str = include_str!("testing/good.pem");
const EXPIRED: &str = include_str!("testing/expired.pem");
const SELF_SIGNED: &str = include_str!("testing/self_signed.pem");

/// Serves each connection with `serve` until the test ends; gives the port, and the requests.
fn server(mut serve: impl FnMut(&str, &mut dyn Write) + Send + 'static) -> (u16, Receiver<String>) {
    raw(move |mut stream| {
        let asked = request(&mut stream);
        serve(&asked, &mut stream);
        asked
    })
}

fn raw(serve: impl FnMut(TcpStream) -> String + Send + 'static) -> (u16, Receiver<String>) {
    raw_at("127.0.0.1", serve)
}

fn raw_at(host: &str, mut serve: impl FnMut(TcpStream) -> String + Send + 'static) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind((host, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = sender.send(serve(stream));
        }
    });
    (port, requests)
}

fn request(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// As patient as a busy machine asks for: only the tests of deadlines are in a hurry.
fn target(url: &str) -> ServiceTarget {
    let timeout = Duration::from_secs(30);
    ServiceTarget { timeout, ..ServiceTarget::new("test", ServiceUrl::parse(url).expect("a URL")) }
}

fn hasty(url: &str) -> ServiceTarget {
    ServiceTarget { timeout: Duration::from_millis(1500), ..target(url) }
}

fn probed(target: ServiceTarget) -> Round {
    let mut prober = Prober::new(Arc::new(target), Stage::default());
    prober.pause = Duration::from_millis(1);
    // The machine of the tests may have too much to do.
    prober.starved = Duration::MAX;
    prober.round(Stamp::at_seconds(9))
}

fn failure(round: &Round) -> (FailureKind, &str) {
    match &round.outcome {
        Outcome::Down(Failure { kind, words }) => (*kind, words),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_is_timed_by_phase() {
    let (port, requests) = server(|_, out| {
        let _ = out.write_all(ok("<h1>Portainer</h1>").as_bytes());
    });
    let expect_text = Some("Portainer".to_owned());
    let round = probed(ServiceTarget { expect_text, ..target(&format!("http://127.0.0.1:{port}/x?y=z")) });
    let seconds = round.seconds().unwrap_or_else(|| panic!("{round:?}"));
    assert_eq!(round.found.phases.total(), seconds);
    let has = |phase| round.found.phases.get(phase).is_some();
    assert_eq!(Phase::ALL.map(has), [false, true, false, true, true], "neither a name to resolve nor TLS");
    assert_eq!((round.found.status, round.found.bytes, round.found.cut), (Some(200), Some(18), false));
    assert_eq!(round.found.address, round.found.local, "it is this host");
    assert_eq!((round.number, round.began, round.retried), (1, Stamp::at_seconds(9), None));
    assert!(round.ended >= round.began.plus(Duration::from_secs_f64(seconds)));
    let asked = requests.recv().expect("a request");
    assert!(asked.starts_with(&format!("GET /x?y=z HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n")), "{asked}");
}

#[test]
fn a_failure_counts_after_a_second_attempt() {
    let mut first = true;
    let (port, _requests) = server(move |_, out| {
        let answer = if std::mem::take(&mut first) { "HTTP/1.1 502 Bad\r\n\r\n".to_owned() } else { ok("fine") };
        let _ = out.write_all(answer.as_bytes());
    });
    let url = format!("http://127.0.0.1:{port}");
    let round = probed(target(&url));
    assert_eq!((round.is_up(), round.retried.as_deref()), (true, Some("status 502")));
    let round = probed(ServiceTarget { expect_status: vec![401..=401], ..target(&url) });
    assert_eq!(failure(&round), (FailureKind::Wrong, "status 200"));
    assert_eq!(round.retried, None);
    let round = probed(ServiceTarget { expect_text: Some("well".to_owned()), ..target(&url) });
    assert_eq!(failure(&round), (FailureKind::Wrong, "its page does not hold \"well\""));
}

#[test]
fn who_never_answers_fails_in_time() {
    let mut held = Vec::new();
    let (port, _requests) = raw(move |stream| {
        held.push(stream);
        String::new()
    });
    let began = Instant::now();
    let round = probed(hasty(&format!("http://127.0.0.1:{port}")));
    assert_eq!(failure(&round), (FailureKind::Wrong, "connected, but no answer within 1s"));
    let round = probed(hasty(&format!("https://127.0.0.1:{port}")));
    assert_eq!(failure(&round), (FailureKind::Wrong, "the TLS handshake did not end within 1s"));
    assert!(began.elapsed() < Duration::from_secs(90), "four attempts of 1.5 s: {:?}", began.elapsed());
}

#[test]
fn a_page_as_long_as_the_cap_is_whole() {
    let (port, _requests) = server(|_, out| {
        let _ = out.write_all(ok(&"x".repeat(http::BODY)).as_bytes());
    });
    let round = probed(target(&format!("http://127.0.0.1:{port}")));
    assert_eq!(
        (round.is_up(), round.found.bytes, round.found.cut),
        (true, Some(http::BODY as u64), false),
        "{round:?}"
    );
}

#[test]
fn an_endless_body_is_cut_and_a_slow_one_fails() {
    let (port, _requests) = server(|asked, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let pause = if asked.contains("/slow") { 100 } else { 0 };
        while out.write_all(&[b'x'; 16 << 10]).is_ok() {
            thread::sleep(Duration::from_millis(pause));
        }
    });
    let round = probed(target(&format!("http://127.0.0.1:{port}/fast")));
    let bytes = round.found.bytes.unwrap_or_default() as usize;
    assert!(round.is_up() && round.found.cut, "{round:?}");
    assert!((1 << 20..(1 << 20) + (256 << 10)).contains(&bytes), "a megabyte, and a piece: {bytes}");
    let round = probed(hasty(&format!("http://127.0.0.1:{port}/slow")));
    assert!(failure(&round).1.starts_with("the answer did not end within 1s ("), "{round:?}");
}

#[test]
fn redirects_are_followed_so_far() {
    let (port, requests) = server(|asked, out| {
        let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = match path.strip_prefix("/hop") {
            Some("0") => ok("there"),
            Some(left) => to(&format!("hop{}", left.parse::<u32>().unwrap_or(1) - 1)),
            None => to(&path),
        };
        let _ = out.write_all(answer.as_bytes());
    });
    let url = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let round = probed(target(&url("hop5")));
    assert_eq!((round.is_up(), round.found.redirects, round.found.status), (true, 5, Some(200)));
    let many = probed(target(&url("hop6")));
    assert_eq!(failure(&many).1, format!("it redirects more than 5 times, at last to {}", url("hop0")));
    let round = probed(target(&url("self")));
    assert_eq!(failure(&round).1, format!("{} redirects to itself", url("self")));
    let round = probed(ServiceTarget { expect_status: vec![302..=302], ..target(&url("self?last")) });
    assert!(round.is_up(), "a redirect that is expected is the answer");
    // The server notes each request after its answer.
    let last = requests.iter().find(|asked| asked.contains("self?last"));
    assert!(last.is_some() && requests.try_recv().is_err(), "and is not followed");
}

#[test]
fn headers_stay_at_their_own_server() {
    let (other, seen_there) = server(|_, out| drop(out.write_all(ok("there").as_bytes())));
    let (port, seen_here) = server(move |asked, out| {
        let answer = if asked.contains("/next") { to(&format!("http://127.0.0.1:{other}/x")) } else { to("/next") };
        let _ = out.write_all(answer.as_bytes());
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("headers");
    std::fs::write(&path, "Authorization: Bearer secret\n").expect("written");
    let headers_file = Some(path.clone());
    let mut wanted = ServiceTarget { headers_file, ..target(&format!("http://127.0.0.1:{port}")) };
    assert!(probed(wanted.clone()).is_up());
    // A server notes a request after it answered.
    let asked: Vec<String> = (0..2).map(|_| seen_here.recv().expect("a request")).collect();
    assert!(asked.iter().all(|asked| asked.contains("Bearer secret")), "{asked:?}");
    let there = seen_there.recv().expect("a request");
    assert!(!there.contains("secret"), "{there}");
    wanted.headers_file = Some(folder.path().join("none"));
    let outcome = probed(wanted).outcome;
    assert!(
        matches!(&outcome, Outcome::Unjudged { cause: Cause::Setup, words } if words.contains("No such file")),
        "{outcome:?}"
    );
}

#[test]
fn refused_and_foreign_protocols_are_named() {
    // Bound but not listening: nobody else can take the port meanwhile.
    let held = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let free = SocketAddrV4::try_from(getsockname(&held).expect("bound")).expect("IPv4").port();
    for scheme in ["tcp", "http", "https"] {
        let round = probed(target(&format!("{scheme}://127.0.0.1:{free}")));
        assert_eq!(
            failure(&round),
            (FailureKind::Wrong, &*format!("127.0.0.1:{free}: connection refused")),
            "{scheme}"
        );
    }
    let (port, _requests) = raw(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n");
        // Like a real one it waits; closing with unread data would reset the connection, banner and all.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        String::new()
    });
    let round = probed(target(&format!("tcp://127.0.0.1:{port}")));
    assert_eq!((round.is_up(), round.seconds()), (true, round.found.phases.get(Phase::Connect)));
    let round = probed(target(&format!("http://127.0.0.1:{port}")));
    assert_eq!(failure(&round).1, "what answers does not speak HTTP");
    let round = probed(target(&format!("https://127.0.0.1:{port}")));
    assert_eq!(failure(&round).1, "TLS: what answers does not speak TLS");
}

#[test]
fn a_second_attempt_waits_before_it_is_made() {
    let held = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let free = SocketAddrV4::try_from(getsockname(&held).expect("bound")).expect("IPv4").port();
    let mut prober = Prober::new(Arc::new(target(&format!("tcp://127.0.0.1:{free}"))), Stage::default());
    prober.pause = Duration::from_millis(100);
    for number in 1..=3 {
        let began = Instant::now();
        let round = prober.round(Stamp::at_seconds(number));
        assert_eq!((round.number, round.is_up()), (number, false));
        assert!(began.elapsed() >= prober.pause, "{:?}", began.elapsed());
        assert!(round.ended.since(round.began) >= prober.pause);
    }
}

#[test]
fn a_stage_is_seen_from_elsewhere() {
    let stage = Stage::default();
    let seen = stage.clone();
    assert!(!seen.is_resolving());
    stage.set(true);
    assert!(seen.is_resolving());
    stage.set(false);
    assert!(!seen.is_resolving());
}

/// A TLS server with this certificate.
fn secure(certificate: &str, host: &str) -> u16 {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")];
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("PEM");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    let config = Arc::new(config);
    let (port, _requests) = raw_at(host, move |stream| {
        let connection = ServerConnection::new(config.clone()).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        let asked = request(&mut stream);
        let _ = stream.write_all(ok("secure").as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
        asked
    });
    port
}

fn trusting(certificate: &str, host: &str, ca: Option<&Path>) -> Round {
    let port = secure(certificate, host);
    probed(ServiceTarget { ca_file: ca.map(Path::to_owned), ..target(&format!("https://{host}:{port}")) })
}

#[test]
fn certificates_are_described_whether_trusted_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let (ca, own) = (write("ca.pem", CA), write("self.pem", SELF_SIGNED));
    let round = trusting(GOOD, "127.0.0.1", Some(&ca));
    assert!(round.is_up() && round.found.phases.get(Phase::Tls).is_some(), "{round:?}");
    let chain = round.found.chain.as_deref().expect("it was seen");
    assert_eq!((chain.certificates[0].issuer.as_str(), &chain.refused), ("Lab CA", &None));

    let refused = |certificate: &str, host: &str, ca: Option<&Path>| {
        let round = trusting(certificate, host, ca);
        let words = failure(&round).1.to_owned();
        let chain = round.found.chain.expect("it was seen");
        assert_eq!(chain.refused.as_deref(), Some(words.as_str()));
        assert_eq!(chain.certificates[0].subject, "nas.lan");
        words
    };
    assert_eq!(refused(GOOD, "127.0.0.1", None), "its certificate is signed by Lab CA, which is not trusted");
    assert!(refused(EXPIRED, "127.0.0.1", Some(&ca)).starts_with("its certificate expired "));
    assert_eq!(refused(SELF_SIGNED, "127.0.0.1", None), "its certificate is self-signed");
    assert_eq!(refused(GOOD, "127.0.0.2", Some(&ca)), "its certificate is for nas.lan, not for 127.0.0.2");
    assert!(trusting(SELF_SIGNED, "127.0.0.1", Some(&own)).is_up(), "one that is named itself is trusted");

    let outcome = trusting(GOOD, "127.0.0.1", Some(&write("none.pem", "nothing"))).outcome;
    assert!(
        matches!(&outcome, Outcome::Unjudged { cause: Cause::Setup, words } if words.contains("no certificate")),
        "{outcome:?}"
    );
}

#[test]
fn a_server_that_ends_the_handshake_says_so() {
    let alert = |_: &mut TcpStream| vec![21, 3, 3, 0, 2, 2, 40];
    let closes = |_: &mut TcpStream| Vec::new();
    let said = |answer: fn(&mut TcpStream) -> Vec<u8>| {
        let (port, _requests) = raw(move |mut stream| {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            let bytes = answer(&mut stream);
            let _ = stream.write_all(&bytes);
            String::new()
        });
        failure(&probed(target(&format!("https://127.0.0.1:{port}")))).1.to_owned()
    };
    assert_eq!(said(alert), "TLS: the server refused the handshake (HandshakeFailure)");
    assert_eq!(said(closes), "TLS: the server closed the connection");
}

#[test]
fn a_notice_is_sent_with_its_headers_and_body() {
    let (port, requests) = raw(|mut stream| {
        let head = request(&mut stream);
        let mut body = [0; 5];
        let _ = stream.read_exact(&mut body);
        let _ = stream.write_all(b"HTTP/1.1 201 Made\r\nContent-Length: 6\r\n\r\nthanks");
        head + &String::from_utf8_lossy(&body)
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("headers");
    std::fs::write(&file, "Authorization: Bearer secret\nX-Title: from the file\n").expect("written");
    let parcel = |url: &str| Parcel {
        method: "POST",
        url: ServiceUrl::parse(url).expect("a URL"),
        path: None,
        headers: vec![("x-title", "down".to_owned())],
        headers_file: Some(file.clone()),
        ca_file: None,
        body: b"hello".to_vec(),
        timeout: Duration::from_secs(30),
    };
    let url = format!("http://127.0.0.1:{port}/topic?x=y");
    assert_eq!(send(&parcel(&url)), Ok(Receipt { status: 201, body: b"thanks".to_vec() }));
    let asked = requests.recv().expect("a request");
    assert!(asked.starts_with(&format!("POST /topic?x=y HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n")), "{asked}");
    assert!(asked.contains("authorization: Bearer secret\r\n") && asked.ends_with("\r\n\r\nhello"), "{asked}");
    assert!(asked.contains("x-title: from the file\r\n") && !asked.contains("down"), "the file wins: {asked}");
    let elsewhere = Parcel { path: Some("/other".to_owned()), ..parcel(&url) };
    assert!(send(&elsewhere).is_ok());
    let asked = requests.recv().expect("a request");
    assert!(asked.starts_with("POST /other HTTP/1.1\r\n"), "{asked}");
    let wrong = Parcel { headers: vec![("x-title", "a\nb".to_owned())], ..parcel(&url) };
    assert_eq!(
        send(&wrong),
        Err(format!("{} cannot be asked: its header x-title holds what no header may", wrong.url))
    );
}

#[test]
fn a_notice_goes_over_tls_where_its_address_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, CA).expect("written");
    let parcel = |ca_file| Parcel {
        method: "GET",
        url: ServiceUrl::parse(&format!("https://127.0.0.1:{}/x", secure(GOOD, "127.0.0.1"))).expect("a URL"),
        path: None,
        headers: Vec::new(),
        headers_file: None,
        ca_file,
        body: Vec::new(),
        timeout: Duration::from_secs(30),
    };
    assert_eq!(send(&parcel(Some(ca))), Ok(Receipt { status: 200, body: b"secure".to_vec() }));
    let refused = "its certificate is signed by Lab CA, which is not trusted".to_owned();
    assert_eq!(send(&parcel(None)), Err(refused));
}

#[test]
fn a_program_without_cpu_time_does_not_judge() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut late = Duration::ZERO;
    let mut watch = Watch { runtime: &runtime, late: &mut late };
    watch.run(async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        // What a stopped process looks like to its own timer.
        thread::sleep(Duration::from_millis(300));
        tokio::time::sleep(Duration::from_millis(1)).await;
    });
    assert!(late > Duration::from_millis(150), "{late:?}");
    let silent = || Err(Trouble::unanswered("no answer"));
    assert!(matches!(judged(silent(), (late, STARVED)), Outcome::Unjudged { cause: Cause::Starved, .. }));
    assert!(matches!(judged(silent(), (Duration::from_millis(90), STARVED)), Outcome::Down(_)));
    assert!(matches!(judged(Err(Trouble::wrong("status 500")), (late, STARVED)), Outcome::Down(_)), "it answered");
    assert_eq!(judged(Ok(0.5), (late, STARVED)), Outcome::Up { seconds: None });
    assert!(matches!(judged(silent(), (STARVED, STARVED)), Outcome::Down(_)), "not later than it may be");
}

#[test]
fn second_attempts_are_spread() {
    let spans: Vec<f64> = (0..20).map(|number| spread("nas", number)).collect();
    assert!(spans.iter().all(|span| (0.0..1.0).contains(span)));
    assert!(spans.iter().any(|span| *span < 0.4) && spans.iter().any(|span| *span > 0.6));
}
