//! Where an engine is reached: a Unix socket, or a port with or without TLS.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use http_body_util::Full;
use hyper::{Request, body::Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use super::error::EngineError;
use crate::{model::engine_address::EngineAddress, sys::remote, text::clean};

/// Ports of an address that names none: as `docker` takes it.
const PORTS: (u16, u16) = (2375, 2376);

/// What carries a request, whatever it goes over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// An address, taken apart.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Socket(PathBuf),
    Tcp { host: String, port: u16, folder: String, tls: Option<Tls> },
}

#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Place {
    pub(super) fn of(address: &EngineAddress) -> Result<Self, EngineError> {
        if let Some(path) = address.socket() {
            return Ok(Place::Socket(PathBuf::from(path)));
        }
        let (scheme, rest) = address.dialled().split_once("://").ok_or(EngineError::Address)?;
        let secure = match scheme {
            "tcp" => env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty()),
            "http" => false,
            "https" => true,
            _ => return Err(EngineError::Address),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let (authority, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let default = if secure { PORTS.1 } else { PORTS.0 };
        // The colons of an address of version 6 are in brackets.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| EngineError::Address)?),
            _ => (authority, default),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(EngineError::Address);
        }
        let folder = folder.trim_end_matches('/');
        let folder = if folder.is_empty() { String::new() } else { format!("/{folder}") };
        let tls = if secure { Some(Tls::load()?) } else { None };
        Ok(Place::Tcp { host, port, folder, tls })
    }

    /// What a request says in `Host`, and its path.
    pub(super) fn target(&self, path: &str) -> (String, String) {
        match self {
            Place::Socket(_) => ("localhost".to_owned(), path.to_owned()),
            Place::Tcp { host, port, folder, .. } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                (format!("{host}:{port}"), format!("{folder}{path}"))
            }
        }
    }

    /// A connection for one request.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, EngineError> {
        match self {
            Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(EngineError::connect)?)),
            Place::Tcp { host, port, tls, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(EngineError::connect)?;
                match tls {
                    Some(tls) => Ok(Box::new(tls.wrap(host, stream).await?)),
                    None => Ok(Box::new(stream)),
                }
            }
        }
    }

    pub(super) fn request(&self, method: &str, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, EngineError> {
        let (host, path) = self.target(path);
        let request = Request::builder().method(method).uri(path).header("Host", host);
        request.body(Full::from(body)).map_err(|error| EngineError::Lost(error.to_string()))
    }
}

impl Tls {
    /// The machine's certificates and those of `docker`: `ca.pem`, `cert.pem` and `key.pem` in `DOCKER_CERT_PATH` or
    /// `~/.docker`.
    fn load() -> Result<Self, EngineError> {
        let folder = env::var_os("DOCKER_CERT_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        let folder = folder.or_else(|| Some(directories::BaseDirs::new()?.home_dir().join(".docker")));
        Self::of(&folder.unwrap_or_default())
    }

    /// The same out of a folder.
    fn of(folder: &Path) -> Result<Self, EngineError> {
        let wrong = |name: &str, error: &dyn std::fmt::Display| {
            EngineError::Lost(clean(&format!("{}: {error}", folder.join(name).display())).into_owned())
        };
        if !remote::answers(folder) {
            return Err(wrong("", &"the filesystem it is on does not answer"));
        }
        let read = |name: &str| -> Result<Option<Vec<CertificateDer<'static>>>, EngineError> {
            if !folder.join(name).exists() {
                return Ok(None);
            }
            let all = CertificateDer::pem_file_iter(folder.join(name)).map_err(|e| wrong(name, &e))?;
            all.collect::<Result<_, _>>().map(Some).map_err(|e| wrong(name, &e))
        };
        let mut roots = RootCertStore::empty();
        let own = read("ca.pem")?.unwrap_or_default();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs.into_iter().chain(own));
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match read("cert.pem")? {
            Some(certificates) => {
                let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).map_err(|e| wrong("key.pem", &e))?;
                config.with_client_auth_cert(certificates, key).map_err(|e| wrong("cert.pem", &e))?
            }
            None => config.with_no_client_auth(),
        };
        Ok(Tls(Arc::new(config)))
    }

    async fn wrap(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, EngineError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| EngineError::Lost(error.to_string()))?;
        let stream = TlsConnector::from(self.0.clone()).connect(name, stream).await;
        stream.map_err(|error| EngineError::Lost(clean(&format!("TLS: {error}")).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_apart(address: &str) -> Option<(String, u16, String)> {
        match Place::of(&address.into()).ok()? {
            Place::Socket(path) => Some((path.display().to_string(), 0, String::new())),
            Place::Tcp { host, port, folder, .. } => Some((host, port, folder)),
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (address, (host, port, folder)) in [
            ("unix:///run/docker.sock", ("/run/docker.sock", 0, "")),
            ("http://nas:2375", ("nas", 2375, "")),
            ("http://nas/", ("nas", 2375, "")),
            ("https://nas", ("nas", 2376, "")),
            ("tcp://nas", ("nas", 2375, "")),
            ("http://me:p@w@nas:1/a/b/?token=x", ("nas", 1, "/a/b")),
            ("http://[::1]:77", ("::1", 77, "")),
            ("http://[fe80::1]", ("fe80::1", 2375, "")),
        ] {
            assert_eq!(taken_apart(address), Some((host.to_owned(), port, folder.to_owned())), "{address}");
        }
        for address in ["garbage", "ssh://nas", "http://", "http://nas:port", "http://:1"] {
            assert_eq!(taken_apart(address), None, "{address}");
        }
    }

    #[test]
    fn certificates_of_docker_are_read_from_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        let why = || Tls::of(folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
        let named = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(why(), "", "there need be none");
        write("cert.pem", include_str!("../probe/testing/good.pem"));
        assert!(why().starts_with(&format!("{}: ", named("key.pem"))), "a certificate needs its key: {}", why());
        write("key.pem", include_str!("../probe/testing/key.pem"));
        assert_eq!(why(), "");
        write("ca.pem", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n");
        assert!(why().starts_with(&format!("{}: ", named("ca.pem"))), "{}", why());
        write("ca.pem", include_str!("../probe/testing/ca.pem"));
        assert_eq!(format!("{:?}", Tls::of(folder.path()).expect("good ones")), "Tls", "no word of a key");
    }

    #[tokio::test]
    async fn an_engine_behind_tls_must_be_trusted() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
        let certificate = CertificateDer::from_pem_slice(include_bytes!("../probe/testing/good.pem")).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../probe/testing/key.pem")).expect("PEM");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("a pair")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.write_all(b"hello").await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let place = || Place::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
            folder: String::new(),
            tls: Some(Tls::of(folder.path()).expect("certificates")),
        };
        let refused = place().connect().await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.starts_with("TLS: "), "{refused}");
        std::fs::write(folder.path().join("ca.pem"), include_str!("../probe/testing/ca.pem")).expect("written");
        let (mut stream, mut said) = (place().connect().await.expect("it is trusted now"), String::new());
        stream.read_to_string(&mut said).await.expect("read");
        assert_eq!(said, "hello");
    }

    #[test]
    fn a_request_names_host_and_folder() {
        let of = |address: &str| {
            let place = Place::of(&address.into()).expect(address);
            let request = place.request("POST", "/info?a=b", Bytes::from("x")).expect(address);
            let host = request.headers()["host"].to_str().expect("text").to_owned();
            (request.method().to_string(), request.uri().to_string(), host)
        };
        let post = |path: &str, host: &str| ("POST".to_owned(), path.to_owned(), host.to_owned());
        assert_eq!(of("unix:///run/docker.sock"), post("/info?a=b", "localhost"));
        assert_eq!(of("http://nas/a/b/"), post("/a/b/info?a=b", "nas:2375"));
        assert_eq!(of("http://[::1]:77"), post("/info?a=b", "[::1]:77"));
    }
}
