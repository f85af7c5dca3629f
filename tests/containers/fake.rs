//! Engines that are none, or odd ones: sockets of our own that answer as a test wants.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    thread,
};

/// What a socket answers to a request for this path; `None` answers never.
pub type Answer = fn(&str) -> Option<Vec<u8>>;

/// Listens on `socket` until the test ends.
pub fn listen(socket: &Path, answer: Answer) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        // Those that are never answered stay open.
        let mut silent = Vec::new();
        for stream in listener.incoming().flatten() {
            silent.extend(serve(stream, answer));
        }
    });
}

/// Answers one request; gives the connection back when it is to stay silent.
fn serve(mut stream: UnixStream, answer: Answer) -> Option<UnixStream> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    while lines.next()?.ok()?.trim() != "" {}
    let target = first.split(' ').nth(1)?;
    let path = target.split('?').next()?;
    // Without `/v1.41` in front.
    let path = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path);
    let Some(bytes) = answer(path) else { return Some(stream) };
    let _ = stream.write_all(&bytes);
    None
}

/// An HTTP answer.
pub fn http(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
