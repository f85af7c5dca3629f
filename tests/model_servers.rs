//! Real model servers, started by hand: what is shown against what their clients count.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use benchtop::{
    collect::{CollectCx, Collector, OpenCx, model_server::open},
    interest::Interest,
    model::{
        event::{Envelope, Event},
        host::Host,
        model_server::{ModelServerTarget, ServerRow},
        service::target::ServiceUrl,
        source::SourceId,
    },
    sys::root::Root,
};

const SECOND: Duration = Duration::from_secs(1);

/// A watch over one server.
struct Watch {
    source: Box<dyn Collector>,
    cx: OpenCx,
    host: Host,
    /// CPU time of this watch's own thread; the worker's is not in it.
    rounds: u32,
}

impl Watch {
    fn new(urls: &[String]) -> Self {
        let mut cx = OpenCx::of(Root::new("/nonexistent"));
        let target = |(at, url): (usize, &String)| {
            let mut target = ModelServerTarget::new(format!("server{at}"), ServiceUrl::parse(url).unwrap());
            target.sleeps = Some(false);
            target
        };
        cx.settings.model_servers = urls.iter().enumerate().map(target).collect();
        Watch { source: open(&cx).unwrap(), cx, host: Host::default(), rounds: 0 }
    }

    fn round(&mut self) -> &ServerRow {
        let at = self.cx.clock.now();
        let outcome = self.source.collect(&CollectCx::new(at, &Interest::default()));
        let took = self.cx.clock.now().since(at);
        let source = SourceId::ModelServers;
        self.host.apply(Event::Reading(Envelope { source, at, took, every: SECOND, outcome }));
        self.rounds += 1;
        &self.host.model_servers.rows[0]
    }
}

/// Generates with one session until `stop`, and counts the tokens that come.
fn session(url: &str, model: &str, tokens: u32, stop: &AtomicBool, count: &AtomicU64) {
    let address = url.strip_prefix("http://").unwrap();
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let body = format!(
            r#"{{"model":"{model}","max_tokens":{tokens},"stream":true,"messages":[{{"role":"user","content":"{number} {:?} tell"}}]}}"#,
            Instant::now()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).unwrap();
        let (mut held, mut piece) = (Vec::new(), [0; 8192]);
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            held.extend_from_slice(&piece[..read]);
            while let Some(end) = held.windows(2).position(|w| w == b"\n\n") {
                let event: Vec<u8> = held.drain(..end + 2).collect();
                let text = String::from_utf8_lossy(&event);
                // One token is one chunk with text; the first has a role alone.
                if text.contains("\"content\":\"") && !text.contains("\"content\":\"\"") {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

#[test]
#[ignore = "needs a llama.cpp server with --metrics and four slots: BENCHTOP_LLM=http://127.0.0.1:18302"]
fn tokens_queue_and_slots_are_what_clients_count() {
    let url = std::env::var("BENCHTOP_LLM").expect("its URL");
    let model = std::env::var("BENCHTOP_LLM_MODEL").unwrap_or_else(|_| "tiny-a".to_owned());
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let sessions: Vec<_> = (0..6)
        .map(|_| {
            let (url, model, stop, count) = (url.clone(), model.clone(), stop.clone(), count.clone());
            thread::spawn(move || session(&url, &model, 400, &stop, &count))
        })
        .collect();
    let mut watch = Watch::new(std::slice::from_ref(&url));
    let pace = |next: &mut Instant| {
        *next += SECOND;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    };
    let mut next = Instant::now();
    for _ in 0..5 {
        watch.round();
        pace(&mut next);
    }
    let counted = |row: &ServerRow| {
        row.models[0].raw.work.generated_tokens.unwrap() + row.models[0].raw.work.pending_tokens.unwrap_or(0.0)
    };
    let (began, before) = (Instant::now(), count.load(Ordering::Relaxed));
    let first = counted(watch.round());
    let (mut shown, mut queued, mut busy, mut seen) = (Vec::new(), 0, 0, 0);
    for _ in 0..60 {
        pace(&mut next);
        let row = watch.round();
        seen += 1;
        shown.extend(row.tokens_history.back(0));
        queued += u32::from(row.waiting() == Some(2.0));
        busy += u32::from(row.models[0].raw.slots.iter().filter(|slot| slot.busy).count() == 4);
    }
    let last = counted(watch.round());
    let (seconds, came) = (began.elapsed().as_secs_f64(), count.load(Ordering::Relaxed) - before);
    stop.store(true, Ordering::Relaxed);
    sessions.into_iter().for_each(|session| session.join().unwrap());
    let client = came as f64 / seconds;
    let mean = shown.iter().sum::<f64>() / shown.len() as f64;
    println!(
        "client {client:.1} tok/s, shown {mean:.1}, counted {:.1}; {seen} rounds: 2 waiting in {queued}, 4 slots busy in {busy}",
        (last - first) / seconds
    );
    assert!((mean / client - 1.0).abs() < 0.05, "client {client}, shown {mean}");
    assert!(queued > seen / 2 && busy > seen / 2, "2 waited in {queued} of {seen}, 4 slots were busy in {busy}");
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> =
        stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2).map(|f| f.parse().unwrap()).collect();
    fields.iter().sum::<f64>() / 100.0
}

#[test]
#[ignore = "needs a llama.cpp server with --metrics, and a release build for its figure: BENCHTOP_LLM=http://127.0.0.1:18302"]
fn four_servers_cost_little() {
    let url = std::env::var("BENCHTOP_LLM").expect("its URL");
    let mut watch = Watch::new(&[url.clone(), url.clone(), url.clone(), url]);
    watch.round();
    let (began, before) = (Instant::now(), cpu());
    for _ in 0..60 {
        thread::sleep(SECOND);
        watch.round();
    }
    let cost = (cpu() - before) / began.elapsed().as_secs_f64() * 1e3;
    println!("{cost:.2} ms of CPU time a second with four servers, {} rounds", watch.rounds);
}
