//! The address of a container engine. It may hold a password or a token, so there are two forms of it: the one that is
//! dialled, and the one that is shown, logged and written. Only what dials asks for the first.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::clean;

/// Letters shown of an address.
const LONGEST: usize = 200;
/// Shown for something hidden.
const HIDDEN: &str = "***";

/// `unix:///run/docker.sock`, `tcp://nas:2375`. Shown without user, password, query and control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineAddress {
    real: Arc<str>,
    shown: Arc<str>,
}

impl EngineAddress {
    /// The address as the user or the environment wrote it.
    #[must_use]
    pub fn new(address: &str) -> Self {
        EngineAddress { real: address.into(), shown: shown(address).into() }
    }

    /// As it is dialled, secrets included: for connecting and for the environment of `docker` alone.
    #[must_use]
    pub fn dialled(&self) -> &str {
        &self.real
    }

    /// As it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The path of a Unix socket.
    #[must_use]
    pub fn socket(&self) -> Option<&str> {
        self.real.strip_prefix("unix://")
    }

    /// The same address, distinguished from others that differ only in what is hidden.
    #[must_use]
    pub fn numbered(mut self, number: usize) -> Self {
        self.shown = format!("{} #{number}", self.shown).into();
        self
    }
}

impl Default for EngineAddress {
    fn default() -> Self {
        EngineAddress::new("")
    }
}

impl From<&str> for EngineAddress {
    fn from(address: &str) -> Self {
        EngineAddress::new(address)
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl fmt::Debug for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.shown, f)
    }
}

impl Serialize for EngineAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for EngineAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|address| EngineAddress::new(&address))
    }
}

fn shown(address: &str) -> String {
    let hidden = hide(address);
    let cleaned = clean(&hidden);
    match cleaned.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &cleaned[..end]),
        None => cleaned.into_owned(),
    }
}

/// Without user, password and query. A path of a socket has none.
fn hide(address: &str) -> String {
    if address.starts_with("unix://") {
        return address.to_owned();
    }
    let (scheme, rest) = match address.find("://") {
        Some(at) => address.split_at(at + 3),
        None => ("", address),
    };
    let (place, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    // Part of a password, or of a token: one cannot know which.
    if query.contains('@') {
        return format!("{scheme}{HIDDEN}");
    }
    let place = match place.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        None => place.to_owned(),
    };
    let query = query.chars().next().map_or_else(String::new, |sign| format!("{sign}{HIDDEN}"));
    format!("{scheme}{place}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for (real, shown) in [
            ("unix:///run/a@b?c.sock", "unix:///run/a@b?c.sock"),
            ("tcp://nas:2375", "tcp://nas:2375"),
            ("tcp://me:pa@ss/w@nas:2375/x", "tcp://***@nas:2375/x"),
            ("https://nas/x?token=abc#d", "https://nas/x?***"),
            ("tcp://me:p?w@nas", "tcp://***"),
            ("me:pw@nas", "***@nas"),
            ("unix:///tmp/\u{1b}]52;c;eA==\u{7}x", "unix:///tmp/?]52;c;eA==?x"),
        ] {
            let address = EngineAddress::new(real);
            assert_eq!((address.as_str(), address.dialled()), (shown, real));
            assert_eq!(format!("{address} {address:?}"), format!("{shown} {shown:?}"));
            assert_eq!(serde_json::to_string(&address).expect("JSON"), format!("{shown:?}"));
        }
        assert!(EngineAddress::new(&"x".repeat(5000)).as_str().chars().count() <= LONGEST + 1);
    }
}
