//! A server on loopback that keeps its connections open and answers as the test says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::fetch::Fetch;
use crate::model::service::target::ServiceUrl;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Over which connection, from 1.
    pub connection: usize,
    pub path: String,
    /// All lines of its head, in small letters but for values.
    pub head: Vec<String>,
    pub body: String,
}

/// The server; its threads end with the test.
pub struct Served {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Served {
    /// What was asked for, in order, since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("the log"))
    }

    /// The same as `POST /path body`.
    pub fn lines(&self) -> Vec<String> {
        let line = |asked: Asked| {
            let method = asked.head[0].split(' ').next().unwrap_or_default().to_owned();
            format!("{method} {} {}", asked.path, asked.body).trim().to_owned()
        };
        self.asked().into_iter().map(line).collect()
    }

    pub fn fetch(&self) -> Fetch {
        Fetch::new(ServiceUrl::parse(&self.url).expect("a URL"), None, None).expect("a runtime")
    }
}

/// Answers each request by what `answer` writes.
pub fn serve(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (log, answer) = (asked.clone(), Arc::new(answer));
    thread::spawn(move || {
        for (connection, mut stream) in (1..).zip(listener.incoming().map_while(Result::ok)) {
            let (log, answer) = (log.clone(), answer.clone());
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a second end"));
                while let Some(asked) = request(&mut reader, connection) {
                    log.lock().expect("the log").push(asked.clone());
                    answer(&asked, &mut stream);
                }
            });
        }
    });
    Served { url, asked }
}

fn request(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Asked> {
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push(line.trim().to_owned());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    Some(Asked { connection, path, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// A whole answer; the connection stays.
pub fn say(stream: &mut TcpStream, status: u16, body: &str) {
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}
