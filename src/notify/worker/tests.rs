//! Workers against servers of the test's own, on loopback.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::mpsc::{Receiver, channel},
};

use serde_json::Value;

use super::*;
use crate::{
    alert::Level,
    config::notify::{Address, Program},
    model::{alert::AlertKey, service::target::ServiceUrl},
    notify::notice::Dismissal,
};

const LONG: Duration = Duration::from_secs(60);

/// Answers each request with `status`, and gives what was posted.
fn server(listener: TcpListener, status: u16) -> Receiver<(String, Value)> {
    server_of(listener, move |_| (status, "[]".to_owned()))
}

/// The same with the status and the body for each first line.
fn server_of(
    listener: TcpListener,
    answer: impl Fn(&str) -> (u16, String) + Send + 'static,
) -> Receiver<(String, Value)> {
    let (sender, requests) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            let _ = stream.read_exact(&mut body);
            let line = head.lines().next().unwrap_or_default().to_owned();
            let (status, page) = answer(&line);
            let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{page}", page.len());
            let _ = sender.send((line, serde_json::from_slice(&body).unwrap_or(Value::Null)));
        }
    });
    requests
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    (listener, address)
}

fn web(address: &str) -> Web {
    Web {
        address: Address::Url(ServiceUrl::parse(address).expect("a URL")),
        headers_file: None,
        ca_file: None,
        timeout: Duration::from_secs(30),
        level: Level::Warn,
        every: Duration::from_secs(60),
        silences: true,
    }
}

fn alert(name: &str) -> Firing {
    Firing {
        key: AlertKey { rule: name.into(), identity: vec![] },
        labels: vec![("service".into(), "web\u{202e}\"\n\u{1b}".into())],
        level: Level::Crit,
        value: 3.0,
        say: format!("{name} is bad"),
        since_unix_ms: now_unix_ms(),
        fired_unix_ms: 1000,
        muted: false,
        acknowledged: false,
        flapping: false,
        dismissal: None,
    }
}

fn home(folder: &Path) -> Home {
    Home { host: "atlas".into(), folder: Some(folder.to_owned()) }
}

fn picture(firing: &[Firing]) -> Picture {
    Picture { firing: firing.into(), ended: Vec::new() }
}

fn ended(worker: Worker) {
    worker.stop();
    worker.finish(Instant::now() + LONG);
}

#[test]
fn what_was_sent_is_not_sent_again_after_a_restart_and_its_end_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, address) = listener();
    let requests = server(listener, 200);
    let start = || Worker::start(Kind::Webhook(web(&address)), home(folder.path()), || {});
    let disk = alert("disk");
    let worker = start();
    worker.update(&picture(std::slice::from_ref(&disk)));
    let (line, body) = requests.recv_timeout(LONG).expect("sent");
    assert_eq!(
        (line.as_str(), &body["what"], &body["labels"]["service"]),
        ("post / http/1.1", &"fired".into(), &"web?\"??".into())
    );
    // Its thread may not have noted the answer yet: it does before it ends.
    ended(worker);
    let worker = start();
    worker.update(&picture(std::slice::from_ref(&disk)));
    let over = Ended { alert: disk, at_unix_ms: now_unix_ms(), removed: false };
    worker.update(&Picture { firing: Arc::default(), ended: vec![over] });
    let (_, body) = requests.recv_timeout(LONG).expect("sent");
    assert_eq!(body["what"], "resolved", "and nothing before it");
    ended(worker);
}

#[test]
fn a_receiver_that_is_down_gets_it_later_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (closed, address) = listener();
    let port = closed.local_addr().expect("bound");
    drop(closed);
    let (sender, woken) = channel();
    let worker = Worker::start(Kind::Webhook(web(&address)), home(folder.path()), move || {
        let _ = sender.send(());
    });
    worker.update(&picture(&[alert("disk")]));
    let mut reports = Vec::new();
    while !reports.iter().any(|report| matches!(report, Report::Health { health, .. } if health.failures > 0)) {
        woken.recv_timeout(LONG).expect("it says how it does");
        reports.extend(worker.reports());
    }
    let requests = server(TcpListener::bind(port).expect("the same port"), 200);
    let (_, body) = requests.recv_timeout(LONG).expect("tried again");
    assert_eq!(body["what"], "fired");
    ended(worker);
}

#[test]
fn one_that_never_answers_holds_up_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mute, address) = listener();
    let worker = Worker::start(Kind::Webhook(web(&address)), home(folder.path()), || {});
    worker.update(&picture(&[alert("disk")]));
    let taken = mute.accept().expect("it connects");
    let began = Instant::now();
    for n in 0..2000 {
        worker.update(&picture(&[alert(&format!("a{n}"))]));
    }
    worker.stop();
    worker.finish(Instant::now());
    assert!(began.elapsed() < Duration::from_secs(20), "its timeout is 30 s");
    drop(taken);
}

#[test]
fn a_command_gets_arguments_and_variables_and_no_shell_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out");
    // The shell is the command here; what is hostile comes in variables.
    let script = "printf '%s|%s|%s|%s' \"$1\" \"$BENCHTOP_MESSAGE\" \"$BENCHTOP_LABEL_SERVICE\" \"$BENCHTOP_LEVEL\" > \"$2.new\"; mv \"$2.new\" \"$2\"";
    let path = crate::sys::exec::find("sh").expect("a shell").display().to_string();
    let argv = [path, "-c".into(), script.into(), "sh".into(), "$(echo x)".into(), file.display().to_string()].into();
    let program = Program { argv, timeout: LONG, level: Level::Warn };
    let worker = Worker::start(Kind::Command(program), home(folder.path()), || {});
    worker.update(&picture(&[alert("disk")]));
    let end = Instant::now() + LONG;
    while !file.exists() {
        assert!(Instant::now() < end, "it was not run: {:?}", worker.reports());
        thread::yield_now();
    }
    assert_eq!(std::fs::read_to_string(&file).expect("written"), "$(echo x)|disk is bad|web?\"??|critical");
    ended(worker);
}

#[test]
fn an_alertmanager_gets_what_fires_and_gives_silences() {
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, address) = listener();
    let requests = server(listener, 200);
    let web = web(&format!("{address}/prefix/"));
    let worker = Worker::start(Kind::Alertmanager(web), home(folder.path()), || {});
    worker.update(&picture(&[alert("disk"), alert("cpu")]));
    let (line, body) = requests.recv_timeout(LONG).expect("posted");
    assert_eq!((line.as_str(), body.as_array().map(Vec::len)), ("post /prefix/api/v2/alerts http/1.1", Some(2)));
    let (line, _) = requests.recv_timeout(LONG).expect("asked");
    assert_eq!(line, "get /prefix/api/v2/silences http/1.1");
    let dismissal = Some(Dismissal { until_unix_ms: None, comment: "known".into() });
    worker.update(&picture(&[Firing { dismissal, acknowledged: true, muted: true, ..alert("disk") }, alert("cpu")]));
    let next = || requests.recv_timeout(LONG).expect("asked");
    assert_eq!(next().0, "get /prefix/api/v2/silences http/1.1", "at once, not when it is time");
    let (line, body) = next();
    assert_eq!(line, "post /prefix/api/v2/silences http/1.1");
    assert_eq!((&body["comment"], &body["createdBy"]), (&"known".into(), &"benchtop on atlas".into()));
    ended(worker);
    let (_, body) = requests.recv_timeout(LONG).expect("the last post");
    let ends: jiff::Timestamp = body[0]["endsAt"].as_str().and_then(|ends| ends.parse().ok()).expect("a time");
    assert!(ends.as_millisecond() - now_unix_ms() > 10 * 60_000, "it goes on after a restart");
}

#[test]
fn a_silence_outlasts_the_alert_that_it_covers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, address) = listener();
    let silence = serde_json::json!([{
        "id": "1",
        "status": { "state": "active" },
        "matchers": [{ "name": "alertname", "value": "disk", "isRegex": false, "isEqual": true }],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2999-01-01T00:00:00Z",
        "createdBy": "ann",
        "comment": "known",
    }]);
    let requests = server_of(listener, move |line| {
        (200, if line.starts_with("get") { silence.to_string() } else { "[]".to_owned() })
    });
    let worker = Worker::start(Kind::Alertmanager(web(&address)), home(folder.path()), || {});
    let (end, mut reports) = (Instant::now() + LONG, Vec::new());
    let mut silenced = |count: usize| -> Vec<String> {
        let of = |report: &Report| match report {
            Report::Silenced { silences } => Some(silences.iter().map(|one| one.alert.key.rule.clone()).collect()),
            _ => None,
        };
        loop {
            assert!(Instant::now() < end, "{reports:?}");
            reports.extend(worker.reports());
            if let Some(last) = reports.iter().filter_map(of).nth(count) {
                return last;
            }
        }
    };
    worker.update(&picture(&[alert("disk"), alert("cpu")]));
    assert_eq!(silenced(0), ["disk"]);
    // What is acknowledged here has the silences read again at once; the disk is clear by now.
    let dismissal = Some(Dismissal { until_unix_ms: None, comment: String::new() });
    worker.update(&picture(&[Firing { dismissal, acknowledged: true, muted: true, ..alert("cpu") }]));
    assert_eq!(silenced(1), ["disk"], "it may fire again");
    drop(requests);
    ended(worker);
}

#[test]
fn an_alertmanager_that_refuses_its_silences_still_gets_alerts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, address) = listener();
    let status = |line: &str| if line.contains("silences") { 403 } else { 200 };
    let requests = server_of(listener, move |line| (status(line), "[]".to_owned()));
    let worker = Worker::start(Kind::Alertmanager(web(&address)), home(folder.path()), || {});
    worker.update(&picture(&[alert("disk")]));
    let next = || requests.recv_timeout(LONG).expect("asked").0;
    assert_eq!([next(), next()], ["post /api/v2/alerts http/1.1", "get /api/v2/silences http/1.1"]);
    let (end, mut reports) = (Instant::now() + LONG, Vec::new());
    let said = |report: &Report| match report {
        Report::Health { health, .. } => health.error.clone(),
        _ => None,
    };
    while !reports.iter().any(|report| said(report).as_deref() == Some("its silences: status 403: []")) {
        assert!(Instant::now() < end, "{reports:?}");
        reports.extend(worker.reports());
    }
    worker.update(&picture(&[alert("disk"), alert("cpu")]));
    assert_eq!(next(), "post /api/v2/alerts http/1.1", "at once, not after a back-off");
    ended(worker);
}

#[test]
fn ntfy_takes_its_topic_in_the_body() {
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, address) = listener();
    let requests = server(listener, 200);
    let worker = Worker::start(Kind::Ntfy(web(&format!("{address}/lab"))), home(folder.path()), || {});
    worker.update(&picture(&[alert("disk")]));
    let (line, body) = requests.recv_timeout(LONG).expect("posted");
    assert_eq!(
        (line.as_str(), &body["topic"], &body["title"]),
        ("post / http/1.1", &"lab".into(), &"CRITICAL atlas".into())
    );
    ended(worker);
}

#[test]
fn a_heart_beats() {
    let (listener, address) = listener();
    let requests = server(listener, 204);
    let home = Home { host: "atlas".into(), folder: None };
    let worker = Worker::start(Kind::Heartbeat(web(&format!("{address}/ping/1?x=2"))), home, || {});
    assert_eq!(requests.recv_timeout(LONG).expect("asked").0, "get /ping/1?x=2 http/1.1");
    ended(worker);
}

#[test]
fn an_end_does_not_wait_for_an_alertmanager_that_hangs() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, address) = listener();
    let (hangs, (over, wait)) = (Arc::new(AtomicBool::new(false)), channel::<()>());
    let hung = hangs.clone();
    let requests = server_of(listener, move |_| {
        if hung.load(Ordering::SeqCst) {
            // Until the test is over.
            let _ = wait.recv();
        }
        (200, "[]".to_owned())
    });
    let worker = Worker::start(Kind::Alertmanager(web(&address)), home(folder.path()), || {});
    worker.update(&picture(&[alert("disk")]));
    for path in ["post /api/v2/alerts http/1.1", "get /api/v2/silences http/1.1"] {
        assert_eq!(requests.recv_timeout(LONG).expect("asked").0, path);
    }
    hangs.store(true, Ordering::SeqCst);
    let began = Instant::now();
    ended(worker);
    assert!(began.elapsed() < Duration::from_secs(20), "its timeout is 30 s");
    drop(over);
}
