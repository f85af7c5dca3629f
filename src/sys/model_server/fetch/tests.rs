//! Requests to servers on loopback that behave well and badly.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use super::{
    super::testing::{say, serve},
    *,
};

/// Answers one request of each connection, and closes it when the next one has come.
fn closing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1024];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                let _ = stream.read(&mut request);
            }
        }
    });
    url
}

fn fetch(url: &str) -> Fetch {
    Fetch::new(ServiceUrl::parse(url).expect("a URL"), None, None).expect("a runtime")
}

#[test]
fn a_connection_closed_after_an_answer_is_replaced() {
    let mut fetch = fetch(&closing());
    for path in ["/a", "/b", "/c"] {
        let got = fetch.get(path).map(|got| got.body);
        assert_eq!(got, Ok(b"ok".to_vec()), "{path}");
    }
}

#[test]
fn one_round_is_one_connection() {
    let server = serve(|asked, stream| say(stream, if asked.path == "/b" { 404 } else { 200 }, "some"));
    let mut fetch = server.fetch();
    for path in ["/a", "/b", "/c"] {
        let got = fetch.get(path).expect("an answer");
        assert_eq!((got.is_good(), got.text().as_ref(), &got.key), (path != "/b", "some", &None));
    }
    fetch.end();
    fetch.get("/d").expect("an answer");
    let asked: Vec<_> = server.asked().into_iter().map(|asked| (asked.connection, asked.path)).collect();
    let expected = [(1, "/a"), (1, "/b"), (1, "/c"), (2, "/d")];
    assert_eq!(asked, expected.map(|(connection, path)| (connection, path.to_owned())));
}

#[test]
fn good_answers_are_those_from_200_to_299() {
    let good = |status| Got { status, ..Got::default() }.is_good();
    assert_eq!([199, 200, 204, 299, 300, 404].map(good), [false, true, true, true, false, false]);
}

#[test]
fn paths_go_below_the_address_that_is_configured() {
    for (url, expected) in [
        ("http://nas", "/props"),
        ("http://nas/", "/props"),
        ("http://nas/v1", "/props"),
        ("http://nas/v1/", "/props"),
        ("http://nas/llm/v1/?x=y", "/llm/props"),
        ("http://nas/llm?x=y", "/llm/props"),
        ("http://nas/av1", "/av1/props"),
    ] {
        assert_eq!(fetch(url).target("/props"), expected, "{url}");
    }
}

/// A fetch that asks with this key.
fn keyed(url: &str, file: &std::path::Path) -> Fetch {
    Fetch::new(ServiceUrl::parse(url).expect("a URL"), Some(file.to_owned()), None).expect("a runtime")
}

#[test]
fn the_key_is_read_again_before_each_round() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    let server = serve(|_, stream| say(stream, 200, "{}"));
    let mut fetch = keyed(&server.url, &file);
    for key in ["\n one \n\n", "two"] {
        fs::write(&file, key).expect("written");
        fetch.begin().expect("a key");
        assert_eq!(fetch.get("/x").expect("an answer").key.as_deref(), Some(file.as_path()));
        let asked = server.asked().remove(0);
        assert!(asked.head.contains(&format!("authorization: Bearer {}", key.trim())), "{asked:?}");
    }
    let mut without = server.fetch();
    without.begin().and_then(|()| without.get("/x")).expect("an answer");
    let asked = server.asked().remove(0);
    assert!(asked.head.iter().all(|line| !line.starts_with("authorization")), "{asked:?}");
    assert_eq!(asked.head[0], "GET /x HTTP/1.1");
}

#[test]
fn a_key_is_one_line_of_a_small_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    let begun = |path: &std::path::Path| {
        let begun = keyed("http://nas", path).begin();
        begun.map_err(|error| error.to_string().replace(&format!("token_file {}: ", path.display()), ""))
    };
    for (key, why) in [
        ("x".repeat(4096), None),
        ("x".repeat(4097), Some("not a file with one key")),
        ("one\ntwo".to_owned(), Some("not one line with a key")),
        ("\n \n".to_owned(), Some("not one line with a key")),
        ("a\u{1}b".to_owned(), Some("no key that HTTP can carry")),
    ] {
        fs::write(&file, &key).expect("written");
        assert_eq!(begun(&file).err().as_deref(), why, "{} letters", key.len());
    }
    assert_eq!(begun(folder.path()), Err("not a file with one key".to_owned()));
    assert!(begun(&folder.path().join("none")).is_err_and(|why| why.starts_with("No such file")));
}

#[test]
fn redirects_are_said_and_not_followed() {
    let server = serve(|asked, stream| {
        let location = match asked.path.as_str() {
            "/x" => "Location: /y\r\n",
            "/self" => "Location: /self\r\n",
            "/wrong" => "Location: http://[\r\n",
            _ => "",
        };
        let status = if asked.path == "/made" { 201 } else { 307 };
        let _ = write!(stream, "HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\n\r\n");
    });
    let url = server.url.clone();
    let of = |path: &str| server.fetch().get(path).map(|got| got.status).map_err(|error| error.to_string());
    assert_eq!(of("/x"), Err(format!("/x redirects to {url}/y: use that address")));
    assert_eq!(of("/self"), Err("/self redirects to itself".to_owned()));
    assert_eq!(of("/wrong"), Err("/wrong redirects to http://[: use that address".to_owned()));
    assert_eq!((of("/nowhere"), of("/made")), (Ok(307), Ok(201)), "without an address it is an answer like others");
}

#[test]
fn an_answer_is_at_most_so_long() {
    const MOST: usize = 4 << 20;
    let server = serve(|asked, stream| {
        let length = if asked.path == "/long" { MOST + 1 } else { MOST };
        let _ = write!(stream, "HTTP/1.1 200 X\r\nContent-Length: {length}\r\n\r\n");
        let _ = stream.write_all(&vec![b'x'; length]);
    });
    let long = Err(AskError::Long { path: "/long".to_owned() });
    let got = |path: &str| server.fetch().get(path).map(|got| got.body.len());
    assert_eq!((got("/whole"), got("/long")), (Ok(MOST), long.clone()));
    let posted = |path: &str| {
        let mut read = 0;
        let posted = server.fetch().post(path, "", Duration::from_secs(60), &|| false, |piece, _| read += piece.len());
        posted.map(|posted| (posted.status, read))
    };
    assert_eq!((posted("/whole"), posted("/long")), (Ok((200, MOST)), long.map(|read: usize| (200, read))));
}

#[test]
fn pieces_of_an_answer_come_with_their_times() {
    let server = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in ["1\r\na\r\n", "2\r\nbc\r\n", "0\r\n\r\n"] {
            thread::sleep(Duration::from_millis(60));
            let _ = stream.write_all(piece.as_bytes());
        }
    });
    let mut pieces = Vec::new();
    let each = |piece: &[u8], at: Duration| pieces.push((String::from_utf8_lossy(piece).into_owned(), at));
    let posted = server.fetch().post("/v1/x", "{\"a\":1}", Duration::from_secs(60), &|| false, each);
    let posted = posted.expect("an answer");
    assert_eq!(pieces.iter().map(|(piece, _)| piece.as_str()).collect::<Vec<_>>(), ["a", "bc"]);
    let (first, second) = (pieces[0].1, pieces[1].1);
    assert!(first >= Duration::from_millis(60) && second > first && posted.took > second, "{pieces:?} {posted:?}");
    let asked = server.asked().remove(0);
    assert_eq!((asked.head[0].as_str(), asked.body.as_str()), ("POST /v1/x HTTP/1.1", "{\"a\":1}"));
    assert!(asked.head.contains(&"content-type: application/json".to_owned()), "{asked:?}");
}

#[test]
fn who_does_not_answer_is_given_up() {
    let server = serve(|_, _| {});
    let posted = |within, give_up: &dyn Fn() -> bool| server.fetch().post("/x", "", within, give_up, |_, _| {});
    assert_eq!(posted(Duration::from_secs(60), &|| true), Err(AskError::Stopped));
    let began = Instant::now();
    let later = || began.elapsed() > Duration::from_millis(100);
    assert_eq!(posted(Duration::from_secs(60), &later), Err(AskError::Stopped));
    let late = posted(Duration::from_millis(100), &|| false);
    assert!(matches!(&late, Err(AskError::Wrong { path, .. }) if path == "/x"), "{late:?}");
}

#[test]
fn what_is_no_server_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|closed| closed.local_addr()).expect("a port");
    let nobody = fetch(&format!("http://{closed}")).get("/x");
    assert_eq!(nobody, Err(AskError::Unreachable(format!("{closed}: connection refused"))));
    let ssh = serve(|_, stream| drop(stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n")));
    let why = "what answers does not speak HTTP".to_owned();
    assert_eq!(
        ssh.fetch().get("/x\u{1b}"),
        Err(AskError::Wrong { path: "/x?".to_owned(), why: "invalid uri character".to_owned() })
    );
    assert_eq!(ssh.fetch().get("/x"), Err(AskError::Wrong { path: "/x".to_owned(), why }));
}
