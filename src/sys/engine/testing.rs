//! An engine for tests: a socket that gives prepared answers.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use crate::model::engine_address::EngineAddress;

/// What is done with a connection after its request for a path was read.
pub type Act = Arc<dyn Fn(&mut UnixStream) + Send + Sync>;

/// A request, without the form of the API.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
}

/// What is done with a request and its connection.
pub type Handler = Arc<dyn Fn(&Asked, &mut UnixStream) + Send + Sync>;

/// A socket in its own folder; the threads behind it end with the test.
pub struct FakeEngine {
    folder: tempfile::TempDir,
    /// `GET /path`, in the order in which they came.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    /// An engine that answers these paths, without the form of the API and the query, and 404 to others.
    pub fn new(paths: impl IntoIterator<Item = (&'static str, Act)>) -> Self {
        let paths: HashMap<&'static str, Act> = paths.into_iter().collect();
        Self::with(Arc::new(move |asked, stream| match paths.get(asked.path.as_str()) {
            Some(act) => act(stream),
            None => drop(stream.write_all(&answer(404, r#"{"message":"page not found"}"#))),
        }))
    }

    /// An engine that does this with each request.
    pub fn with(handler: Handler) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("engine.sock")).expect("a socket");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (handler.clone(), log.clone());
                thread::spawn(move || serve(stream, &handler, &log));
            }
        });
        FakeEngine { folder, asked }
    }

    /// Where it listens.
    pub fn address(&self) -> EngineAddress {
        EngineAddress::new(&format!("unix://{}", self.socket().display()))
    }

    /// Its socket; without the file nothing reaches it.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }
}

fn serve(mut stream: UnixStream, handler: &Handler, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second end"));
    let mut first = String::new();
    let _ = reader.read_line(&mut first);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    // A body that is not read would reset the connection.
    let mut body = Vec::new();
    let _ = reader.by_ref().take(length).read_to_end(&mut body);
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => &rest[rest.find('/').unwrap_or(0)..],
        None => path,
    };
    log.lock().expect("the log").push(format!("{method} {path}"));
    let asked = Asked { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), body };
    handler(&asked, &mut stream);
}

/// A whole answer.
pub fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Gives this body.
pub fn gives(body: impl Into<String>) -> Act {
    let body = body.into();
    Arc::new(move |stream| drop(stream.write_all(&answer(200, &body))))
}

/// Begins a body and never ends it.
pub fn hangs_after(beginning: &'static str) -> Act {
    Arc::new(move |stream| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = stream.write_all(format!("{head}{:x}\r\n{beginning}\r\n", beginning.len()).as_bytes());
        // Until the other side goes.
        let _ = std::io::Read::read(stream, &mut [0; 1]);
    })
}

/// What an engine says of itself.
pub const VERSION: &str = r#"{"Version":"9.8.7","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;
