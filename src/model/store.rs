//! What an engine keeps on disk and in the network: images, volumes, networks, build cache (Docker Engine API,
//! `/system/df`, as Podman speaks it too), and which containers use each.

use serde::{Deserialize, Serialize};

use super::engine_address::EngineAddress;

/// The kind of a stored object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Image,
    Volume,
    Network,
    Cache,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Image, Kind::Volume, Kind::Network, Kind::Cache];

    /// The engine's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Image => "image",
            Kind::Volume => "volume",
            Kind::Network => "network",
            Kind::Cache => "cache",
        }
    }
}

/// One stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Address of its engine.
    pub engine: EngineAddress,
    pub kind: Kind,
    /// What the engine calls it: an image's id, a volume's name, a network's id.
    pub id: String,
    /// What people call it, cleaned; for an image without a tag a piece of its id.
    pub name: String,
    /// Bytes on disk; `None` for what has none or is not known.
    pub bytes: Option<u64>,
    /// Of these, bytes that other images share: they stay when this one goes.
    pub shared_bytes: u64,
    /// Containers that use it, running or not, by name.
    pub users: Vec<String>,
    /// Used, though no container says so: by another image, by a build, by the engine itself.
    pub held: bool,
    /// An image without a tag, a volume without a name of its own.
    pub nameless: bool,
    /// When it was made: milliseconds since 1970.
    pub created_unix_ms: Option<i64>,
    /// Driver and place, or subnets, cleaned.
    pub place: String,
}

impl Stored {
    /// Nothing uses it.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.users.is_empty() && !self.held
    }

    /// Bytes that its removal frees.
    #[must_use]
    pub fn frees(&self) -> u64 {
        self.bytes.unwrap_or(0).saturating_sub(self.shared_bytes)
    }
}

/// The objects of all engines, as last reported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreSample {
    /// A question is on its way: engines walk through all that they keep, which takes them long.
    pub asking: bool,
    /// An answer came.
    pub answered: bool,
    /// Engines that gave none, and why.
    pub faults: Vec<(EngineAddress, String)>,
    /// Everything kept.
    pub objects: Vec<Stored>,
}

impl StoreSample {
    /// Bytes of all of this kind, and bytes that the removal of its unused ones would free.
    #[must_use]
    pub fn sums(&self, kind: Kind) -> (u64, u64) {
        let of = || self.objects.iter().filter(|object| object.kind == kind);
        let unused = of().filter(|object| object.is_unused()).map(Stored::frees).sum();
        (of().map(Stored::frees).sum(), unused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_is_not_freed_and_used_is_not_counted_as_unused() {
        let object = |name: &str, users: &[&str]| Stored {
            engine: EngineAddress::default(),
            kind: Kind::Image,
            id: name.into(),
            name: name.into(),
            bytes: Some(100),
            shared_bytes: 60,
            users: users.iter().map(|u| (*u).to_owned()).collect(),
            held: false,
            nameless: false,
            created_unix_ms: None,
            place: String::new(),
        };
        let all = StoreSample { objects: vec![object("a", &["web"]), object("b", &[])], ..StoreSample::default() };
        assert_eq!(all.sums(Kind::Image), (80, 40));
        assert_eq!(all.sums(Kind::Volume), (0, 0));
    }
}
