//! Fetching over HTTP/1.1: up to six connections at once, each used again, as a browser does; nothing is taken from a cache.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use super::head;
use crate::{
    model::service::target::{Scheme, ServiceUrl},
    text::clean,
};

/// Connections at once, as browsers have them to one host.
const CONNECTIONS: usize = 6;
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Bytes of a page that are read for what it names, and of each file that it names.
const PAGE: usize = 8 << 20;
const RESOURCE: usize = 64 << 20;

/// Whose certificates are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusts {
    /// Those that this machine trusts.
    Machine,
    /// Anybody's: a management page mostly has one that it signed itself, and it is sent nothing.
    Anyone,
}

/// A page and what its head names.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub took: Duration,
    /// Of the document alone.
    pub document: Duration,
    /// Things that it names and that came, and bytes of all.
    pub resources: usize,
    pub bytes: usize,
    /// What did not come, and why.
    pub failed: Vec<String>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fetched {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
    bytes: usize,
}

/// What carries a request.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

type Sender = SendRequest<Empty<Bytes>>;

/// Connections that can be used again, and how new ones are made.
struct Browser {
    tls: TlsConnector,
    idle: RefCell<Vec<(ServiceUrl, Sender)>>,
}

/// Fetches a page and what its head names.
///
/// # Errors
/// When the document does not come.
pub async fn page(url: &ServiceUrl, trusts: Trusts) -> Result<Page, String> {
    let browser = Browser::new(trusts)?;
    let began = Instant::now();
    let mut url = url.clone();
    let mut redirects = 0;
    let fetched = loop {
        let fetched = browser.get(&url, PAGE, true).await.map_err(|error| format!("{url}: {error}"))?;
        let Some(location) = fetched.location.as_ref().filter(|_| (300..400).contains(&fetched.status)) else {
            break fetched;
        };
        redirects += 1;
        if redirects > REDIRECTS {
            return Err(format!("{url} redirects more than {REDIRECTS} times"));
        }
        url = url.join(location).map_err(|error| format!("{url} redirects to what {error}"))?;
    };
    if !(200..300).contains(&fetched.status) {
        return Err(format!("{url}: status {}", fetched.status));
    }
    let document = began.elapsed();
    let names = head::resources(&String::from_utf8_lossy(&fetched.body));
    let named = stream::iter(names.into_iter().map(|name| {
        let (browser, url) = (&browser, &url);
        async move {
            let at = url.join(&name).map_err(|error| format!("{} {error}", clean(&name)))?;
            let fetched = browser.get(&at, RESOURCE, false).await.map_err(|error| format!("{at}: {error}"))?;
            let good = (200..400).contains(&fetched.status);
            if good { Ok(fetched.bytes) } else { Err(format!("{at}: status {}", fetched.status)) }
        }
    }));
    let all: Vec<Result<usize, String>> = named.buffer_unordered(CONNECTIONS).collect().await;
    let took = began.elapsed();
    let bytes = fetched.bytes + all.iter().flatten().sum::<usize>();
    let resources = all.iter().flatten().count();
    let failed = all.into_iter().filter_map(Result::err).collect();
    Ok(Page { took, document, resources, bytes, failed })
}

/// Bytes a second of a file, from the first byte on, of at most so many bytes.
///
/// # Errors
/// When it does not come.
pub async fn download(url: &ServiceUrl, most: usize) -> Result<f64, String> {
    let browser = Browser::new(Trusts::Machine)?;
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let mut sender = browser.connect(&url).await.map_err(|error| format!("{url}: {error}"))?;
        let answer = ask(&mut sender, &url).await.map_err(|error| format!("{url}: {error}"))?;
        if let Some(location) = location(&answer).filter(|_| answer.status().is_redirection()) {
            url = url.join(&location).map_err(|error| format!("{url} redirects to what {error}"))?;
            continue;
        }
        if !answer.status().is_success() {
            return Err(format!("{url}: status {}", answer.status().as_u16()));
        }
        let mut body = answer.into_body();
        let mut bytes = 0;
        let mut began = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("{url}: {}", clean(&error.to_string())))?;
            let length = frame.data_ref().map_or(0, Bytes::len);
            match began {
                // What came with the head is not timed.
                None => began = Some(Instant::now()),
                Some(_) => bytes += length,
            }
            if bytes >= most {
                break;
            }
        }
        let span = began.map(|began| began.elapsed().as_secs_f64()).filter(|span| *span > 0.0 && bytes > 0);
        let span = span.ok_or_else(|| format!("{url}: too short to measure: name a file of at least 10 MB"))?;
        return Ok(bytes as f64 / span);
    }
    Err(format!("{url} redirects more than {REDIRECTS} times"))
}

impl Browser {
    fn new(trusts: Trusts) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = versions.map_err(|error| error.to_string())?;
        let mut config = match trusts {
            Trusts::Machine => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Trusts::Anyone => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))).with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Browser { tls: TlsConnector::from(Arc::new(config)), idle: RefCell::default() })
    }

    /// A whole answer; its body is kept where that is asked for.
    async fn get(&self, url: &ServiceUrl, most: usize, keep: bool) -> Result<Fetched, String> {
        let at = self.idle.borrow().iter().position(|(of, _)| of.is_origin_of(url));
        let used = at.map(|at| self.idle.borrow_mut().swap_remove(at).1);
        if let Some(mut sender) = used
            && let Ok(answer) = ask(&mut sender, url).await
        {
            return self.read(url, sender, answer, most, keep).await;
        }
        // None can be used again, or the server closed it meanwhile.
        let mut sender = self.connect(url).await?;
        let answer = ask(&mut sender, url).await?;
        self.read(url, sender, answer, most, keep).await
    }

    async fn read(
        &self,
        url: &ServiceUrl,
        mut sender: Sender,
        answer: Response<Incoming>,
        most: usize,
        keep: bool,
    ) -> Result<Fetched, String> {
        let mut fetched =
            Fetched { status: answer.status().as_u16(), location: location(&answer), body: Vec::new(), bytes: 0 };
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(|error| clean(&error.to_string()).into_owned())?.into_data() else {
                continue;
            };
            fetched.bytes += piece.len();
            if fetched.bytes > most {
                return Err(format!("longer than {} MiB", most >> 20));
            }
            if keep {
                fetched.body.extend_from_slice(&piece);
            }
        }
        if sender.ready().await.is_ok() {
            self.idle.borrow_mut().push((url.clone(), sender));
        }
        Ok(fetched)
    }

    async fn connect(&self, url: &ServiceUrl) -> Result<Sender, String> {
        let words = |error: std::io::Error| clean(&error.to_string()).into_owned();
        let tcp = TcpStream::connect((url.host().as_str(), url.port())).await.map_err(words)?;
        tcp.set_nodelay(true).map_err(words)?;
        let stream: Box<dyn Stream> = if url.scheme() == Scheme::Https {
            let name = ServerName::try_from(url.host()).map_err(|error| error.to_string())?;
            Box::new(self.tls.connect(name, tcp).await.map_err(|error| format!("TLS: {}", words(error)))?)
        } else {
            Box::new(tcp)
        };
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| clean(&error.to_string()).into_owned())?;
        // It ends with its sender, and with the runtime at the latest.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

async fn ask(sender: &mut Sender, url: &ServiceUrl) -> Result<Response<Incoming>, String> {
    let request = Request::get(url.request())
        .header(header::HOST, url.authority())
        .header(header::USER_AGENT, concat!("benchtop/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    sender.send_request(request).await.map_err(|error| clean(&error.to_string()).into_owned())
}

fn location(answer: &Response<Incoming>) -> Option<String> {
    let location = answer.headers().get(header::LOCATION)?;
    Some(location.to_str().ok()?.to_owned())
}

/// Accepts any certificate; signatures are checked, so that the handshake is as much work as a browser's.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        io::{BufRead, BufReader, Write},
        net::{TcpListener, TcpStream as Std},
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use tokio::runtime::Builder;

    use super::*;

    /// A server of these paths that keeps its connections; how many it got.
    fn serve(pages: &'static [(&'static str, &'static str)], takes: Duration) -> (ServiceUrl, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = ServiceUrl::parse(&format!("http://{}/", listener.local_addr().expect("address"))).expect("a URL");
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || answer(&stream, &pages.iter().copied().collect(), takes));
            }
        });
        (url, count)
    }

    fn answer(mut stream: &Std, pages: &HashMap<&str, &str>, takes: Duration) {
        let mut lines = BufReader::new(stream.try_clone().expect("a second end")).lines();
        while let Some(Ok(first)) = lines.next() {
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            thread::sleep(takes);
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let whole = match pages.get(path.as_str()) {
                Some(to) if to.starts_with('/') => {
                    format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                }
                Some(body) => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
                None => "HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\nno".to_owned(),
            };
            if stream.write_all(whole.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn fetched(url: &ServiceUrl) -> Result<Page, String> {
        Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(page(url, Trusts::Anyone))
    }

    #[test]
    fn a_page_is_there_when_what_its_head_names_is() {
        const HEAD: &str = "<head><link rel=stylesheet href=a.css><script src=b.js></script><script src=c.js></script>\
            <link rel=stylesheet href=d.css><script src=no.js></script></head><body><script src=late.js></script>";
        let takes = Duration::from_millis(200);
        let (url, connections) = serve(
            &[
                ("/", "/ui/"),
                ("/ui/", HEAD),
                ("/ui/a.css", "a"),
                ("/ui/b.js", "b"),
                ("/ui/c.js", "c"),
                ("/ui/d.css", "d"),
            ],
            takes,
        );
        let page = fetched(&url).expect("a page");
        assert_eq!((page.resources, page.bytes), (4, HEAD.len() + 4));
        assert_eq!(page.failed, [format!("{}/ui/no.js: status 404", url)]);
        // Redirect and document one after the other, the five others at the same time: three times as long, not seven.
        assert!(page.took >= takes * 3 && page.took < takes * 7, "{page:?}");
        assert!(page.document >= takes * 2 && page.document < page.took, "{page:?}");
        assert_eq!(connections.load(Ordering::Relaxed), 5, "the first one is used again");
    }

    #[test]
    fn a_download_gives_bytes_a_second() {
        /// More than what is read at once.
        const BYTES: usize = 4 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = ServiceUrl::parse(&format!("http://{}/", listener.local_addr().expect("address"))).expect("a URL");
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().expect("a second end")).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n.").as_bytes());
                thread::sleep(Duration::from_millis(200));
                let _ = stream.write_all(&vec![b'.'; BYTES - 1]);
            }
        });
        let of = |url: &ServiceUrl, most: usize| {
            Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(download(url, most))
        };
        let began = Instant::now();
        let rate = of(&url, usize::MAX).expect("a rate");
        let least = BYTES as f64 / 2.0 / began.elapsed().as_secs_f64();
        assert!(rate >= least, "{rate} is less than {least}");
        let (short, _) = serve(&[("/", "."), ("/to", "/")], Duration::ZERO);
        for path in ["/", "/to"] {
            let why = of(&short.join(path).expect("a URL"), usize::MAX).expect_err("one byte");
            assert!(why.contains("too short to measure"), "{path}: {why}");
        }
        let missing = short.join("/no").expect("a URL");
        assert_eq!(of(&missing, usize::MAX), Err(format!("{missing}: status 404")));
    }

    #[test]
    fn what_does_not_come_is_said() {
        let (url, _) = serve(&[("/loop", "/loop")], Duration::ZERO);
        assert_eq!(fetched(&url), Err(format!("{url}: status 404")));
        let looping = url.join("/loop").expect("a URL");
        assert!(fetched(&looping).is_err_and(|why| why.contains("redirects more than 5 times")));
        let closed = TcpListener::bind("127.0.0.1:0").and_then(|closed| closed.local_addr()).expect("a port");
        let closed = ServiceUrl::parse(&format!("http://{closed}/")).expect("a URL");
        assert!(fetched(&closed).is_err_and(|why| why.contains("refused")));
    }
}
