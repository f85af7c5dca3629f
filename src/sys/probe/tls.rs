//! TLS that reports what it saw: the certificates of a server are noted before they are judged, so that one that is refused
//! can be described. Trusted are the certificates of the machine and those of the target's `ca_file`.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::{
            Resumption, WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    },
};

use super::{certificate::describe, trouble::Trouble};
use crate::{
    model::service::round::{Certificate, Chain, Found},
    units::days,
};

/// Certificates of a server that are looked at.
const MOST: usize = 10;
/// A larger file is no list of certificates.
const FILE: u64 = 4 << 20;

/// What a target is trusted by.
pub(super) struct Trust {
    ca_file: Option<PathBuf>,
    /// What was made of it, and of which file.
    own: Option<(FileMark, Judge)>,
}

/// A file's time and size: another one is read again.
type FileMark = (Option<SystemTime>, u64);

/// Decides about certificates.
#[derive(Debug, Clone)]
struct Judge {
    /// `None` where nothing at all is trusted.
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that are trusted themselves, whoever signed them.
    pinned: Arc<[CertificateDer<'static>]>,
}

/// Notes what it sees.
#[derive(Debug)]
struct Recorder {
    judge: Judge,
    provider: Arc<CryptoProvider>,
    host: String,
    seen: Arc<Mutex<Option<Chain>>>,
}

/// The machine's certificates: read once, some hundreds.
fn of_machine() -> Vec<CertificateDer<'static>> {
    static ALL: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    ALL.get_or_init(|| rustls_native_certs::load_native_certs().certs).clone()
}

fn judge_of(pinned: Vec<CertificateDer<'static>>) -> Judge {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(of_machine().into_iter().chain(pinned.iter().cloned()));
    let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok();
    Judge { roots, pinned: pinned.into() }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

impl Trust {
    pub(super) fn new(ca_file: Option<PathBuf>) -> Self {
        Trust { ca_file, own: None }
    }

    fn judge(&mut self) -> Result<Judge, Trouble> {
        /// Shared by all that have no file of their own.
        static USUAL: OnceLock<Judge> = OnceLock::new();
        let Some(path) = &self.ca_file else { return Ok(USUAL.get_or_init(|| judge_of(Vec::new())).clone()) };
        let wrong = |why: &dyn std::fmt::Display| Trouble::setup(format!("ca_file {}: {why}", path.display()));
        let found = fs::metadata(path).map_err(|error| wrong(&error))?;
        if !found.is_file() || found.len() > FILE {
            return Err(wrong(&"not a file of certificates"));
        }
        let mark = (found.modified().ok(), found.len());
        if let Some((of, judge)) = &self.own
            && *of == mark
        {
            return Ok(judge.clone());
        }
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
        let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
        if certificates.is_empty() {
            return Err(wrong(&"no certificate in PEM form"));
        }
        let judge = judge_of(certificates);
        self.own = Some((mark, judge.clone()));
        Ok(judge)
    }

    /// A handshake, whole and new each time; what the server showed is noted, even if it is refused.
    pub(super) async fn wrap(
        &mut self,
        host: &str,
        stream: TcpStream,
        found: &mut Found,
    ) -> Result<TlsStream<TcpStream>, Trouble> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Trouble::wrong(format!("{host} cannot be the name of a TLS server")))?;
        let seen = Arc::new(Mutex::new(None));
        let recorder =
            Recorder { judge: self.judge()?, provider: provider(), host: host.to_owned(), seen: seen.clone() };
        let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let mut config = versions
            .map_err(|error| Trouble::setup(error.to_string()))?
            .dangerous() // the recorder asks the usual verifier
            .with_custom_certificate_verifier(Arc::new(recorder))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let chain = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let refused = chain.as_ref().and_then(|chain| chain.refused.clone());
        found.chain = chain.map(Arc::new).or(found.chain.take());
        shaken.map_err(|error| match refused {
            Some(why) => Trouble::wrong(why),
            None => Trouble::wrong(format!("TLS: {}", words(&error))),
        })
    }
}

/// The error of TLS inside one of the system.
fn words(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidMessage(_)) => "what answers does not speak TLS".to_owned(),
        Some(Error::AlertReceived(alert)) => format!("the server refused the handshake ({alert:?})"),
        _ if error.kind() == std::io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => error.to_string(),
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificates: Vec<Certificate> =
            [end_entity].into_iter().chain(intermediates).take(MOST).filter_map(|der| describe(der)).collect();
        let judged = match (&self.judge.roots, self.judge.pinned.iter().any(|pinned| pinned == end_entity)) {
            (_, true) => in_time(certificates.first(), now),
            (Some(roots), false) => {
                roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            (None, false) => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        let refused = judged.as_ref().err().map(|error| self.why(error, certificates.first(), now));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Chain { certificates, refused });
        judged
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// One that is trusted itself must be valid now all the same.
fn in_time(own: Option<&Certificate>, now: UnixTime) -> Result<ServerCertVerified, Error> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match own {
        Some(own) if now > own.not_after_unix => Err(Error::InvalidCertificate(CertificateError::Expired)),
        Some(own) if now < own.not_before_unix => Err(Error::InvalidCertificate(CertificateError::NotValidYet)),
        Some(_) => Ok(ServerCertVerified::assertion()),
        None => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
    }
}

impl Recorder {
    /// Why a certificate is refused, in a few words.
    fn why(&self, error: &Error, own: Option<&Certificate>, now: UnixTime) -> String {
        use CertificateError::{
            Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, Revoked,
            UnknownIssuer,
        };
        let Error::InvalidCertificate(why) = error else { return format!("its certificate is refused: {error}") };
        let days = |seconds: i64| days(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match (why, own) {
            (Expired | ExpiredContext { .. }, Some(own)) if now > own.not_after_unix => {
                format!("its certificate expired {} ago", days(now - own.not_after_unix))
            }
            (Expired | ExpiredContext { .. }, _) => "a certificate of its chain has expired".to_owned(),
            (NotValidYet | NotValidYetContext { .. }, Some(own)) => {
                format!("its certificate is valid only in {}", days(own.not_before_unix - now))
            }
            (NotValidForName | NotValidForNameContext { .. }, Some(own)) => {
                format!("its certificate is for {}, not for {}", own.subject, self.host)
            }
            (Revoked, _) => "its certificate was revoked".to_owned(),
            // A certificate that may sign others is no server's for the verifier, though many are used as such.
            (_, Some(own)) if own.self_signed => "its certificate is self-signed".to_owned(),
            (UnknownIssuer, _) if self.judge.roots.is_none() => {
                "this host trusts no certificate at all: install ca-certificates".to_owned()
            }
            (UnknownIssuer, Some(own)) => format!("its certificate is signed by {}, which is not trusted", own.issuer),
            _ => format!("its certificate is refused: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: u64 = 1_000_000_000;
    const UNTIL: u64 = 1_100_000_000;

    fn own() -> Certificate {
        let unix = |at: u64| i64::try_from(at).expect("a time");
        Certificate {
            subject: "nas.lan".to_owned(),
            issuer: "Lab CA".to_owned(),
            self_signed: false,
            not_before_unix: unix(FROM),
            not_after_unix: unix(UNTIL),
        }
    }

    fn at(second: u64) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(second))
    }

    /// What is said of our certificate at this second.
    fn why(error: CertificateError, second: u64) -> String {
        let judge = Judge { roots: None, pinned: Arc::default() };
        let recorder = Recorder { judge, provider: provider(), host: "10.0.0.1".to_owned(), seen: Arc::default() };
        recorder.why(&Error::InvalidCertificate(error), Some(&own()), at(second))
    }

    #[test]
    fn an_expired_certificate_says_for_how_many_days() {
        const DAY: u64 = 86_400;
        for (seconds, days) in [
            (1, "less than a day"),
            (DAY - 1, "less than a day"),
            (DAY, "1 day"),
            (DAY * 2 - 1, "1 day"),
            (DAY * 2, "2 days"),
            (DAY * 400, "400 days"),
        ] {
            let expired = why(CertificateError::Expired, UNTIL + seconds);
            assert_eq!(expired, format!("its certificate expired {days} ago"));
            let early = why(CertificateError::NotValidYet, FROM - seconds);
            assert_eq!(early, format!("its certificate is valid only in {days}"));
        }
        let other = why(CertificateError::Expired, UNTIL);
        assert_eq!(other, "a certificate of its chain has expired", "its own is valid to the last second");
    }

    #[test]
    fn a_trusted_certificate_is_valid_to_its_last_second() {
        let judged = |second| in_time(Some(&own()), at(second)).err();
        assert_eq!(judged(FROM - 1), Some(Error::InvalidCertificate(CertificateError::NotValidYet)));
        assert_eq!((judged(FROM), judged(UNTIL)), (None, None));
        assert_eq!(judged(UNTIL + 1), Some(Error::InvalidCertificate(CertificateError::Expired)));
        assert_eq!(in_time(None, at(FROM)).err(), Some(Error::InvalidCertificate(CertificateError::BadEncoding)));
    }

    #[test]
    fn a_file_of_certificates_is_read_again_once_it_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        let write = |text: &str| fs::write(&file, text).expect("written");
        let mut trust = Trust::new(Some(file.clone()));
        let mut pinned = || trust.judge().expect("certificates").pinned;
        let (one, two) = (include_str!("testing/ca.pem"), include_str!("testing/good.pem"));
        write(one);
        let first = pinned();
        assert_eq!(first.len(), 1);
        assert!(Arc::ptr_eq(&first, &pinned()), "it is the same file");
        write(&format!("{one}{two}"));
        assert_eq!(pinned().len(), 2);
    }

    #[test]
    fn what_is_no_file_of_certificates_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        let why = |path: &std::path::Path| {
            let trouble = Trust::new(Some(path.to_owned())).judge().expect_err("none");
            trouble.words().strip_prefix(&format!("ca_file {}: ", path.display())).expect("it is named").to_owned()
        };
        let of_length = |length: u64| {
            fs::File::create(&file).and_then(|file| file.set_len(length)).expect("a file");
            why(&file)
        };
        assert_eq!(why(folder.path()), "not a file of certificates");
        assert_eq!(of_length((4 << 20) + 1), "not a file of certificates");
        assert_eq!(of_length(4 << 20), "no certificate in PEM form");
        assert!(why(&folder.path().join("none")).starts_with("No such file"));
    }

    #[test]
    fn a_failed_handshake_is_said_in_plain_words() {
        use std::io::{Error as IoError, ErrorKind};

        use tokio_rustls::rustls::{AlertDescription, InvalidMessage};
        for (error, said) in [
            (
                IoError::new(ErrorKind::InvalidData, Error::InvalidMessage(InvalidMessage::InvalidContentType)),
                "what answers does not speak TLS",
            ),
            (
                IoError::other(Error::AlertReceived(AlertDescription::BadCertificate)),
                "the server refused the handshake (BadCertificate)",
            ),
            (ErrorKind::UnexpectedEof.into(), "the server closed the connection"),
            (ErrorKind::ConnectionReset.into(), "connection reset"),
        ] {
            assert_eq!(words(&error), said);
        }
    }

    #[test]
    fn each_refusal_has_its_words() {
        assert_eq!(why(CertificateError::Revoked, FROM), "its certificate was revoked");
        assert_eq!(why(CertificateError::NotValidForName, FROM), "its certificate is for nas.lan, not for 10.0.0.1");
        assert_eq!(
            why(CertificateError::UnknownIssuer, FROM),
            "this host trusts no certificate at all: install ca-certificates"
        );
        let bad = CertificateError::BadSignature;
        assert_eq!(why(bad.clone(), FROM), format!("its certificate is refused: {bad}"));
    }
}
