//! A server of models whose times are known: llama.cpp's router or Ollama, as far as benchmarks ask it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    model::model_server::{Kind, Model, ModelRow, ModelState, Reading, Server, ServerRow, ServerState},
    state::State,
};

/// How long it takes, and what it has.
#[derive(Debug, Clone)]
pub struct Behaviour {
    pub kind: Kind,
    /// To the first token of a prompt, and from each to the next.
    pub first: Duration,
    pub each: Duration,
    pub load: Duration,
    /// Requests at once; the others wait.
    pub slots: usize,
    /// It says that it ends after so many tokens.
    pub stops_after: Option<u32>,
    /// Longer prompts are refused.
    pub longest: usize,
    /// It breaks off in the middle of every answer.
    pub breaks: bool,
}

/// When a model is ready; those that are not here are out of memory.
type Loaded = BTreeMap<String, Instant>;

#[derive(Default)]
struct Inside {
    loaded: Mutex<Loaded>,
    busy: Mutex<usize>,
    free: Condvar,
    asked: Mutex<Vec<String>>,
}

pub struct FakeServer {
    pub url: String,
    behaviour: Behaviour,
    inside: Arc<Inside>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeServer {
    pub fn new(behaviour: Behaviour, loaded: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inside = Arc::new(Inside::default());
        guard(&inside.loaded).extend(loaded.iter().map(|name| ((*name).to_owned(), Instant::now())));
        let (of, kept) = (behaviour.clone(), inside.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (of, inside) = (of.clone(), kept.clone());
                thread::spawn(move || while answer(&of, &inside, &stream).is_some() {});
            }
        });
        FakeServer { url, behaviour, inside }
    }

    pub fn loaded(&self) -> Vec<String> {
        guard(&self.inside.loaded).keys().cloned().collect()
    }

    /// Paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        guard(&self.inside.asked).clone()
    }

    /// A machine on which it was seen, with these models.
    pub fn state(&self, models: &[(&str, ModelState)]) -> State {
        let raw = Server {
            name: "fake".to_owned(),
            url: self.url.clone(),
            kind: self.behaviour.kind,
            state: ServerState::Up,
            reading: Arc::new(Reading { version: Some("b1".to_owned()), ..Reading::default() }),
            ..Server::default()
        };
        let mut row = ServerRow { raw, ..ServerRow::default() };
        for (name, state) in models {
            let mut model = ModelRow::default();
            model.raw = Model { name: (*name).to_owned(), state: *state, slots_total: Some(4), ..Model::default() };
            row.models.push(model);
        }
        let mut state = State::default();
        state.host.model_servers.rows.push(row);
        state
    }
}

/// Answers one request; `None` at the end of the connection.
fn answer(of: &Behaviour, inside: &Inside, stream: &TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let began = Instant::now();
    guard(&inside.asked).push(path.clone());
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    match path.as_str() {
        "/models" => {
            let loaded = guard(&inside.loaded);
            let status = |name: &str| match loaded.get(name) {
                Some(ready) if *ready <= began => "loaded",
                Some(_) => "loading",
                None => "unloaded",
            };
            let entry = |name: &str| json!({ "id": name, "status": { "value": status(name) } });
            send(stream, &json!({ "data": [entry("small"), entry("other")] }))
        }
        "/api/ps" => {
            let names: Vec<Value> = guard(&inside.loaded).keys().map(|name| json!({ "name": name })).collect();
            send(stream, &json!({ "models": names }))
        }
        "/models/load" => {
            load(of, inside, &model);
            send(stream, &json!({ "success": true }))
        }
        "/models/unload" => {
            guard(&inside.loaded).remove(&model);
            send(stream, &json!({ "success": true }))
        }
        "/api/generate" if body.get("prompt").is_none() => {
            if body["keep_alive"] == 0 {
                guard(&inside.loaded).remove(&model);
            } else {
                wait(load(of, inside, &model));
            }
            send(stream, &json!({ "model": model, "done": true }))
        }
        "/api/generate" | "/v1/chat/completions" => {
            wait(load(of, inside, &model));
            let prompt =
                body["prompt"].as_str().or_else(|| body["messages"][0]["content"].as_str()).unwrap_or_default();
            if prompt.len() > of.longest {
                let why = "request exceeds the available context size, try increasing it";
                return send(stream, &json!({ "error": { "message": why } }));
            }
            let tokens = body["max_tokens"].as_u64().or_else(|| body["options"]["num_predict"].as_u64())?;
            let mut busy = guard(&inside.busy);
            while *busy >= of.slots {
                busy = inside.free.wait(busy).unwrap_or_else(PoisonError::into_inner);
            }
            *busy += 1;
            drop(busy);
            let generated = generate(of, stream, &model, u32::try_from(tokens).ok()?);
            *guard(&inside.busy) -= 1;
            inside.free.notify_one();
            generated
        }
        _ => send(stream, &json!({})),
    }
}

/// One model at a time; when it is ready.
fn load(of: &Behaviour, inside: &Inside, model: &str) -> Instant {
    let mut loaded = guard(&inside.loaded);
    if !loaded.contains_key(model) {
        loaded.clear();
        loaded.insert(model.to_owned(), Instant::now() + of.load);
    }
    loaded[model]
}

fn wait(until: Instant) {
    thread::sleep(until.saturating_duration_since(Instant::now()));
}

fn send(mut stream: &TcpStream, body: &Value) -> Option<()> {
    let body = body.to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).ok()
}

/// Streams tokens at their times: a late one does not delay those after it.
fn generate(of: &Behaviour, stream: &TcpStream, model: &str, wanted: u32) -> Option<()> {
    let began = Instant::now();
    let tokens = of.stops_after.map_or(wanted, |most| most.min(wanted));
    let reason = if tokens < wanted { "stop" } else { "length" };
    let ollama = of.kind == Kind::Ollama;
    let line = |event: Value| if ollama { format!("{event}\n") } else { format!("data: {event}\n\n") };
    let write = |bytes: &[u8]| {
        let mut out = stream;
        out.write_all(bytes).ok()
    };
    let put = |text: &str| write(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
    write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for token in 0..tokens {
        wait(began + of.first + of.each * token);
        if of.breaks && token * 2 > tokens {
            return stream.shutdown(std::net::Shutdown::Both).err().map(drop);
        }
        put(&line(match ollama {
            true => json!({ "model": model, "response": "x", "done": false }),
            false => json!({ "model": model, "choices": [{ "delta": { "content": "x" }, "finish_reason": null }] }),
        }))?;
    }
    let end = match ollama {
        true => {
            line(json!({ "model": model, "response": "", "done": true, "done_reason": reason, "eval_count": tokens }))
        }
        false => {
            let last = json!({ "model": model, "choices": [{ "delta": {}, "finish_reason": reason }],
                "usage": { "completion_tokens": tokens } });
            format!("{}data: [DONE]\n\n", line(last))
        }
    };
    put(&end)?;
    write(b"0\r\n\r\n")
}
