//! What is probed: one `[[service]]` of the config, or an offer that was taken.

use std::{fmt, ops::RangeInclusive, path::PathBuf, time::Duration};

use url::{Host, Url};

use crate::text::clean;

/// Ways to probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Scheme {
    #[default]
    Http,
    Https,
    Tcp,
    Ping,
}

impl Scheme {
    pub const ALL: [Scheme; 4] = [Scheme::Http, Scheme::Https, Scheme::Tcp, Scheme::Ping];

    /// As a URL begins.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Tcp => "tcp",
            Scheme::Ping => "ping",
        }
    }

    /// A page is asked for.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Scheme::Http | Scheme::Https)
    }
}

/// Why a URL cannot be probed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("has no scheme")]
    NoScheme,
    #[error("has the scheme `{0}`")]
    Scheme(String),
    #[error("holds a user name or password")]
    Credentials,
    #[error("names no host")]
    NoHost,
    #[error("names no port")]
    NoPort,
    #[error("has a {0}, which {1} does not use")]
    Surplus(&'static str, &'static str),
    #[error("is not a URL: {0}")]
    Syntax(String),
}

impl UrlError {
    /// The cure.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            UrlError::Credentials => "write the header `Authorization: Basic …` in a file and name it as headers_file",
            UrlError::NoPort => "write tcp://nas:22",
            UrlError::Surplus(..) => "write tcp://nas:22, ping://nas",
            _ => "write http://nas:8096/health, https://cloud.lan, tcp://nas:22 or ping://nas",
        }
    }
}

/// An address that can be probed. It is shown without its query, which may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    scheme: Scheme,
    url: Url,
}

impl ServiceUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if !text.contains("://") {
            return Err(UrlError::NoScheme);
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => UrlError::NoHost,
            error => UrlError::Syntax(error.to_string()),
        })?;
        Self::of(url)
    }

    /// Where a redirect from here leads.
    ///
    /// # Errors
    /// When it leads to what is no web page. Credentials in it are dropped.
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        let mut url = self.url.join(location).map_err(|error| UrlError::Syntax(error.to_string()))?;
        // Neither fails for what has a host.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_fragment(None);
        let to = Self::of(url)?;
        if to.scheme.is_http() { Ok(to) } else { Err(UrlError::Scheme(to.scheme.name().to_owned())) }
    }

    fn of(url: Url) -> Result<Self, UrlError> {
        let known = Scheme::ALL.into_iter().find(|scheme| scheme.name() == url.scheme());
        let scheme = known.ok_or_else(|| UrlError::Scheme(clean(url.scheme()).into_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(UrlError::NoHost);
        }
        if !scheme.is_http() {
            let surplus = match () {
                () if !matches!(url.path(), "" | "/") => Some("path"),
                () if url.query().is_some() || url.fragment().is_some() => Some("query"),
                () if scheme == Scheme::Ping && url.port().is_some() => Some("port"),
                () => None,
            };
            if let Some(surplus) = surplus {
                return Err(UrlError::Surplus(surplus, scheme.name()));
            }
            if scheme == Scheme::Tcp && url.port().is_none_or(|port| port == 0) {
                return Err(UrlError::NoPort);
            }
        }
        Ok(ServiceUrl { scheme, url })
    }

    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match self.url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        }
        .trim_matches(['[', ']'])
        .to_owned()
    }

    /// 0 for a ping.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(0)
    }

    /// `nas:8096`, as a request names its host: without the port of the scheme.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Path and query, as they are asked for.
    #[must_use]
    pub fn request(&self) -> String {
        let query = self.url.query().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", self.url.path())
    }

    /// As it was written, query included: for the config and for asking.
    #[must_use]
    pub fn written(&self) -> &str {
        self.url.as_str()
    }

    /// The same server under the same scheme: what is sent to one may be sent to the other.
    #[must_use]
    pub fn is_origin_of(&self, other: &ServiceUrl) -> bool {
        self.url.origin() == other.url.origin()
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.url.path() == "/" { "" } else { self.url.path() };
        let query = if self.url.query().is_some() { "?***" } else { "" };
        f.pad(&clean(&format!("{}://{}{path}{query}", self.scheme.name(), self.authority())))
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One service as it is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTarget {
    /// Unique.
    pub name: String,
    pub url: ServiceUrl,
    /// Between two rounds.
    pub every: Duration,
    /// An attempt that takes longer has failed.
    pub timeout: Duration,
    /// Statuses of a page that are fine; empty is any from 200 to 299, after redirects.
    pub expect_status: Vec<RangeInclusive<u16>>,
    /// What the page must hold.
    pub expect_text: Option<String>,
    /// Certificates that are trusted beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Headers of the request, one a line: they may hold secrets.
    pub headers_file: Option<PathBuf>,
    /// It is listed and not probed.
    pub pause: bool,
}

impl ServiceTarget {
    pub const EVERY: Duration = Duration::from_secs(10);
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// With what is built in.
    #[must_use]
    pub fn new(name: impl Into<String>, url: ServiceUrl) -> Self {
        ServiceTarget {
            name: name.into(),
            url,
            every: Self::EVERY,
            timeout: Self::TIMEOUT,
            expect_status: Vec::new(),
            expect_text: None,
            ca_file: None,
            headers_file: None,
            pause: false,
        }
    }

    /// True for a status that is fine.
    #[must_use]
    pub fn expects(&self, status: u16) -> bool {
        match self.expect_status.is_empty() {
            true => (200..300).contains(&status),
            false => self.expect_status.iter().any(|range| range.contains(&status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ServiceUrl {
        ServiceUrl::parse(text).expect("a URL")
    }

    #[test]
    fn urls_are_taken_apart() {
        for (text, host, port, authority, request, shown) in [
            ("http://nas", "nas", 80, "nas", "/", "http://nas"),
            (
                "https://NAS.lan:8443/a?token=x",
                "nas.lan",
                8443,
                "nas.lan:8443",
                "/a?token=x",
                "https://nas.lan:8443/a?***",
            ),
            ("http://[fe80::1]:80/", "fe80::1", 80, "[fe80::1]", "/", "http://[fe80::1]"),
            ("tcp://nas:22", "nas", 22, "nas:22", "", "tcp://nas:22"),
            ("tcp://[::1]:22", "::1", 22, "[::1]:22", "", "tcp://[::1]:22"),
            ("ping://10.0.0.1", "10.0.0.1", 0, "10.0.0.1", "", "ping://10.0.0.1"),
        ] {
            let url = url(text);
            assert_eq!((url.host().as_str(), url.port()), (host, port), "{text}");
            assert_eq!((url.authority().as_str(), url.request().as_str()), (authority, request), "{text}");
            assert_eq!(format!("{url} {url:?}"), format!("{shown} {shown}"));
        }
    }

    #[test]
    fn a_cure_can_be_taken_as_it_is_written() {
        for wrong in ["nas", "ftp://nas", "tcp://nas", "ping://nas:7", "http://"] {
            let hint = ServiceUrl::parse(wrong).expect_err("wrong").hint();
            let urls = hint.split([' ', ',']).filter(|word| word.contains("://")).map(ServiceUrl::parse);
            assert!(urls.clone().count() > 0 && urls.flatten().count() > 0, "{wrong}: {hint}");
        }
        let hint = ServiceUrl::parse("https://me:pw@nas").expect_err("wrong").hint();
        assert!(hint.contains("headers_file"), "{hint}");
        assert!(UrlError::NoPort.hint().starts_with("write tcp://"));
    }

    #[test]
    fn what_cannot_be_probed_is_refused() {
        for (text, error) in [
            ("nas:80", UrlError::NoScheme),
            ("ftp://nas", UrlError::Scheme("ftp".into())),
            ("https://me:pw@nas", UrlError::Credentials),
            ("https://me@nas", UrlError::Credentials),
            ("http://", UrlError::NoHost),
            ("tcp://", UrlError::NoHost),
            ("tcp://nas", UrlError::NoPort),
            ("ping://nas:7", UrlError::Surplus("port", "ping")),
            ("ping://nas/x", UrlError::Surplus("path", "ping")),
            ("tcp://nas:7/x", UrlError::Surplus("path", "tcp")),
        ] {
            assert_eq!(ServiceUrl::parse(text), Err(error), "{text}");
        }
        assert!(matches!(ServiceUrl::parse("http://nas:port"), Err(UrlError::Syntax(_))));
    }

    #[test]
    fn redirects_are_joined_without_credentials() {
        let from = url("https://nas/a/b?x");
        for (location, to, same) in [
            ("c", "https://nas/a/c", true),
            ("/", "https://nas", true),
            ("//other/x", "https://other/x", false),
            ("http://nas/a", "http://nas/a", false),
            ("https://me:pw@nas/#top", "https://nas", true),
        ] {
            let joined = from.join(location).expect("a page");
            assert_eq!((joined.to_string().as_str(), from.is_origin_of(&joined)), (to, same), "{location}");
        }
        assert!(from.join("tcp://nas:22").is_err() && from.join("javascript:x").is_err());
    }

    #[test]
    fn any_success_is_expected_unless_named() {
        let mut target = ServiceTarget::new("x", url("http://nas"));
        assert_eq!([199, 200, 299, 300].map(|status| target.expects(status)), [false, true, true, false]);
        target.expect_status = vec![301..=301, 401..=403];
        assert_eq!([200, 301, 402].map(|status| target.expects(status)), [false, true, true]);
    }
}
