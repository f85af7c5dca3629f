//! One question over HTTP to a server at `unix://…` or `tcp://…`: for answers that no client library reads whole.

use std::{pin::pin, time::Duration};

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};

/// A body longer than this is not read.
const CAP: usize = 64 << 20;

/// Asks for `path` and gives the body of a good answer.
///
/// # Errors
/// In words: nobody listens, no answer within `patience`, or what the server said.
pub async fn get(address: &str, path: &str, patience: Duration) -> Result<Bytes, String> {
    let asked = async {
        if let Some(socket) = address.strip_prefix("unix://") {
            let stream = UnixStream::connect(socket).await.map_err(|e| format!("{address}: {e}"))?;
            return ask(TokioIo::new(stream), "localhost", path).await;
        }
        let place = address.strip_prefix("tcp://").or_else(|| address.strip_prefix("http://"));
        let place = place.ok_or_else(|| format!("{address} is neither unix:// nor tcp://"))?.trim_end_matches('/');
        let stream = TcpStream::connect(place).await.map_err(|e| format!("{address}: {e}"))?;
        ask(TokioIo::new(stream), place, path).await
    };
    match tokio::time::timeout(patience, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("{address} did not answer within {} s", patience.as_secs())),
    }
}

async fn ask<S>(stream: S, host: &str, path: &str) -> Result<Bytes, String>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|e| e.to_string())?;
    let request = Request::get(path).header("Host", host).body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
    let asked = async move {
        let mut answer = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(frame) = answer.frame().await {
            if let Ok(piece) = frame.map_err(|e| e.to_string())?.into_data() {
                body.extend_from_slice(&piece);
            }
            if body.len() > CAP {
                return Err(format!("the answer to {path} is longer than {} MiB", CAP >> 20));
            }
        }
        if status.is_success() {
            return Ok(Bytes::from(body));
        }
        let words = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        Err(format!("{path}: {} {}", status.as_u16(), words.trim()))
    };
    // The connection has to be driven while the answer comes; what it brought before its end is still to be taken.
    let mut asked = pin!(asked);
    tokio::select! {
        biased;
        answer = &mut asked => return answer,
        _ = connection => {}
    }
    asked.await
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// A server that gives one answer.
    fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("tcp://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(answer.as_bytes());
        });
        address
    }

    fn asked(address: &str) -> Result<Bytes, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(get(address, "/x", Duration::from_millis(500)))
    }

    #[test]
    fn the_body_of_a_good_answer_comes_whole_and_a_bad_one_in_words() {
        let good = server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        assert_eq!(asked(&good).as_deref(), Ok(&b"abcde"[..]));
        let bad = server("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy");
        assert_eq!(asked(&bad), Err("/x: 409 busy".to_owned()));
    }

    #[test]
    fn who_never_answers_is_given_up_and_who_hangs_up_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let silent = format!("tcp://{}", listener.local_addr().expect("an address"));
        assert!(asked(&silent).is_err_and(|why| why.contains("did not answer")));
        assert!(asked(&server("")).is_err());
        assert!(asked("unix:///nowhere/x.sock").is_err_and(|why| why.contains("/nowhere/x.sock")));
        assert!(asked("ssh://nas").is_err_and(|why| why.contains("neither")));
    }
}
