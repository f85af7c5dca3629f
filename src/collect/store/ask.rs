//! The requests to one engine, and its answers as objects: what takes space, and which containers use it. Only
//! `/system/df` reports sizes; its format changed, so it is requested in the old one, which every engine still
//! supports.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    model::{
        engine_address::EngineAddress,
        store::{Kind, Stored},
    },
    sys::{
        engine::{EngineClient, EngineError, LIST, Limits, ONE},
        json::{Field, Unread, each_of_list},
    },
    text::clean,
};

/// The engine measures sizes on the disk.
const USAGE: Limits = Limits { patience: Duration::from_secs(300), ..LIST };
/// The newest API version with the old format.
const OLD_FORM: (u32, u32) = (1, 43);
/// Networks created by the engine itself.
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "podman", "ingress"];
/// Objects read per kind, and entries read within one.
const MOST: usize = 10_000;
const MANY: usize = 512;
/// Characters stored of a name or place.
const NAME: usize = 1024;

/// All objects of the engine at this address.
pub(super) fn everything(address: &EngineAddress) -> Result<Vec<Stored>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(one(address)).map_err(|why| why.to_string())
}

/// The requests for containers, networks and sizes.
const LISTED: &str = "/containers/json?all=true";
const NETWORKS: &str = "/networks";
const DF: &str = "/system/df";

async fn one(address: &EngineAddress) -> Result<Vec<Stored>, EngineError> {
    let client = EngineClient::connect(address).await?;
    let mut all = Objects::new(address);
    let listed = client.get("the list of containers", LISTED, LIST).await?;
    each_of_list(&listed, MOST, ONE.cap, |line| all.users.add(&line)).map_err(|e| EngineError::not_json(LISTED, &e))?;
    let networks = client.get("the list of networks", NETWORKS, LIST).await?;
    let usage = client.get_at_most(Some(OLD_FORM), "the disk usage", DF, USAGE).await?;
    all.all(&usage, &networks).map_err(|(path, error)| EngineError::not_json(path, &error))?;
    Ok(all.objects)
}

/// Go writes an empty list as `null`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Usage<'a> {
    #[serde(borrow)]
    images: Option<&'a RawValue>,
    #[serde(borrow)]
    volumes: Option<&'a RawValue>,
    #[serde(borrow)]
    build_cache: Option<&'a RawValue>,
}

/// The objects of one engine.
struct Objects<'a> {
    address: &'a EngineAddress,
    users: Users,
    objects: Vec<Stored>,
}

impl<'a> Objects<'a> {
    fn new(address: &'a EngineAddress) -> Self {
        Objects { address, users: Users::default(), objects: Vec::new() }
    }

    fn blank(&self, kind: Kind, id: &str, name: &str) -> Stored {
        Stored {
            engine: self.address.clone(),
            kind,
            id: id.to_owned(),
            name: short(name),
            bytes: None,
            shared_bytes: 0,
            users: Vec::new(),
            held: false,
            nameless: false,
            created_unix_ms: None,
            place: String::new(),
        }
    }

    /// The entries of one list.
    fn each(&mut self, body: &[u8], one: fn(&Self, &Field<'_>) -> Option<Stored>) -> Result<(), serde_json::Error> {
        let mut objects = Vec::new();
        each_of_list(body, MOST, ONE.cap, |value| {
            let unread = Unread::default();
            objects.extend(one(self, &Field::new(&value, &unread)));
        })?;
        self.objects.extend(objects);
        Ok(())
    }

    /// Images and volumes, then networks, then the cache: the order on the screen.
    fn all(&mut self, usage: &[u8], networks: &[u8]) -> Result<(), (&'static str, serde_json::Error)> {
        let usage: Usage<'_> = serde_json::from_slice(usage).map_err(|e| (DF, e))?;
        fn of(list: Option<&RawValue>) -> &[u8] {
            list.map_or("null", RawValue::get).as_bytes()
        }
        self.each(of(usage.images), Self::image).map_err(|e| (DF, e))?;
        self.each(of(usage.volumes), Self::volume).map_err(|e| (DF, e))?;
        self.each(networks, Self::network).map_err(|e| (NETWORKS, e))?;
        self.each(of(usage.build_cache), Self::cache).map_err(|e| (DF, e))
    }

    fn image(&self, image: &Field<'_>) -> Option<Stored> {
        let id = image.text("Id")?;
        let tags: Vec<&str> = image.texts("RepoTags", MANY).into_iter().filter(|tag| !tag.contains("<none>")).collect();
        let digests = image.texts("RepoDigests", MANY);
        let users = self.users.of_image.get(&id).cloned().unwrap_or_default();
        let bare = id.trim_start_matches("sha256:");
        let piece = bare.get(..12).unwrap_or(bare);
        let name = match tags.as_slice() {
            [] => digests.into_iter().find(|digest| !digest.contains("<none>")).unwrap_or(piece).to_owned(),
            tags => tags.join(" "),
        };
        Some(Stored {
            bytes: image.count("Size"),
            shared_bytes: image.count("SharedSize").unwrap_or(0),
            held: users.is_empty() && image.int("Containers").is_some_and(|n| n > 0),
            users,
            nameless: tags.is_empty(),
            created_unix_ms: image.int("Created").filter(|at| *at > 0).map(|at| at.saturating_mul(1000)),
            place: short(piece),
            ..self.blank(Kind::Image, &id, &name)
        })
    }

    fn volume(&self, volume: &Field<'_>) -> Option<Stored> {
        let name = volume.text("Name")?;
        let used = volume.object("UsageData");
        let users = self.users.of_volume.get(&name).cloned().unwrap_or_default();
        let nameless = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        let shown = if nameless { &name[..12] } else { &name };
        let text = |name: &str| volume.text(name).unwrap_or_default();
        Some(Stored {
            bytes: used.count("Size"),
            held: users.is_empty() && used.int("RefCount").is_some_and(|n| n > 0),
            users,
            nameless,
            created_unix_ms: unix_ms(volume.text("CreatedAt")),
            place: short(&format!("{} {}", text("Driver"), text("Mountpoint"))),
            ..self.blank(Kind::Volume, &name, shown)
        })
    }

    fn network(&self, network: &Field<'_>) -> Option<Stored> {
        let (id, name) = (network.text("Id")?, network.text("Name")?);
        let subnets: Vec<String> =
            network.object("IPAM").list("Config", MANY).filter_map(|config| config.text("Subnet")).collect();
        let place = format!("{} {}", network.text("Driver").unwrap_or_default(), subnets.join(" "));
        Some(Stored {
            users: self.users.of_network.get(&name).cloned().unwrap_or_default(),
            held: BUILT_IN.contains(&name.as_str()),
            created_unix_ms: unix_ms(network.text("Created")),
            place: short(place.trim()),
            ..self.blank(Kind::Network, &id, &name)
        })
    }

    fn cache(&self, cache: &Field<'_>) -> Option<Stored> {
        let id = cache.text("ID")?;
        let yes = |name: &str| cache.flag(name).unwrap_or(false);
        Some(Stored {
            bytes: cache.count("Size"),
            held: yes("InUse") || yes("Shared"),
            created_unix_ms: unix_ms(cache.text("CreatedAt")),
            place: short(id.get(..12).unwrap_or(&id)),
            ..self.blank(Kind::Cache, &id, &cache.text("Description").unwrap_or_default())
        })
    }
}

/// The start of a text, cleaned.
fn short(text: &str) -> String {
    let text: String = text.chars().take(NAME).collect();
    clean(&text).into_owned()
}

fn unix_ms(time: Option<String>) -> Option<i64> {
    time?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Container names by what they use.
#[derive(Default)]
struct Users {
    of_image: BTreeMap<String, Vec<String>>,
    of_volume: BTreeMap<String, Vec<String>>,
    of_network: BTreeMap<String, Vec<String>>,
}

impl Users {
    /// Adds one entry of the container list.
    fn add(&mut self, line: &Value) {
        let unread = Unread::default();
        let fields = Field::new(line, &unread);
        let name = short(fields.texts("Names", 1).first().map_or("?", |name| name.trim_start_matches('/')));
        if let Some(image) = fields.text("ImageID") {
            self.of_image.entry(image).or_default().push(name.clone());
        }
        for volume in fields.list("Mounts", MANY).filter_map(|mount| mount.text("Name")) {
            self.of_volume.entry(volume).or_default().push(name.clone());
        }
        for (network, _) in fields.object("NetworkSettings").fields("Networks", MANY) {
            self.of_network.entry(network.to_owned()).or_default().push(name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Docker 20.10 answers, shortened.
    const ANSWER: &str = r#"{"LayersSize":300,"Images":[
        {"Containers":1,"Created":1700000000,"Id":"sha256:aaaaaaaaaaaaaaaa","RepoTags":["web:1","web:latest"],"RepoDigests":null,"SharedSize":40,"Size":100},
        {"Containers":0,"Created":1700000000,"Id":"sha256:bbbbbbbbbbbbbbbb","RepoTags":null,"RepoDigests":["<none>@<none>"],"SharedSize":40,"Size":60}],
        "Containers":[],
        "Volumes":[{"CreatedAt":"2026-11-24T10:00:00Z","Driver":"local","Mountpoint":"/v/data","Name":"data","Options":null,"Scope":"local","UsageData":{"RefCount":1,"Size":5}},
        {"Driver":"local","Mountpoint":"/v/x","Name":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","UsageData":{"RefCount":0,"Size":-1}}],
        "BuildCache":null,"BuilderSize":0}"#;

    fn objects() -> Vec<Stored> {
        let address = "unix:///x".into();
        let mut all = Objects::new(&address);
        let container = r#"{"Id":"c","Names":["/front"],"ImageID":"sha256:aaaaaaaaaaaaaaaa","Mounts":[{"Type":"volume","Name":"data"}],
                 "NetworkSettings":{"Networks":{"shop":{}}}}"#;
        all.users.add(&serde_json::from_str(container).expect("a container"));
        let networks = r#"[{"Id":"n1","Name":"bridge","Driver":"bridge"},{"Id":"n2","Name":"shop","Driver":"bridge","IPAM":{"Config":[{"Subnet":"172.20.0.0/24"}]}},
                {"Id":"n3","Name":"old","Driver":"bridge"}]"#;
        all.all(ANSWER.as_bytes(), networks.as_bytes()).expect("an answer");
        all.objects
    }

    #[test]
    fn build_cache_is_held_while_it_is_in_use_or_shared() {
        let usage = br#"{"Images":[],"Volumes":[],"BuildCache":[
            {"ID":"abcdefghijklmnop","Description":"pulled from x","InUse":false,"Shared":false,"Size":9,"CreatedAt":"2026-11-24T10:00:00Z"},
            {"ID":"b","InUse":true,"Size":1},{"ID":"c","Shared":true},{"Size":4}]}"#;
        let address = "unix:///x".into();
        let mut all = Objects::new(&address);
        all.all(usage, b"[]").expect("an answer");
        let of = |t: &Stored| (t.kind, t.id.clone(), t.place.clone(), t.bytes, t.held);
        let expected =
            [("abcdefghijklmnop", "abcdefghijkl", Some(9), false), ("b", "b", Some(1), true), ("c", "c", None, true)]
                .map(|(id, place, bytes, held)| (Kind::Cache, id.to_owned(), place.to_owned(), bytes, held));
        assert_eq!(all.objects.iter().map(of).collect::<Vec<_>>(), expected);
        assert_eq!(all.objects[0].name, "pulled from x");
        assert_eq!(all.objects[0].created_unix_ms, Some(1_795_514_400_000));
    }

    #[test]
    fn a_wrong_field_is_dropped_and_a_wrong_list_named() {
        let address = "unix:///x".into();
        let mut all = Objects::new(&address);
        let usage = br#"{"Images":[{"Id":"sha256:ab","Size":"big","RepoTags":7},5],"Volumes":null}"#;
        all.all(usage, b"null").expect("an answer");
        assert_eq!(all.objects.iter().map(|t| (t.name.as_str(), t.bytes)).collect::<Vec<_>>(), [("ab", None)]);
        let objects = all.all(b"{}", b"5").map_err(|(path, _)| path);
        assert_eq!(objects, Err("/networks"));
    }

    #[test]
    fn each_object_has_its_size_and_its_containers() {
        let objects = objects();
        let seen: Vec<_> =
            objects.iter().map(|t| (t.name.as_str(), t.bytes, t.users.join(","), t.is_unused())).collect();
        let front = || "front".to_owned();
        assert_eq!(
            seen,
            [
                ("web:1 web:latest", Some(100), front(), false),
                ("bbbbbbbbbbbb", Some(60), String::new(), true),
                ("data", Some(5), front(), false),
                ("0123456789ab", None, String::new(), true),
                ("bridge", None, String::new(), false),
                ("shop", None, front(), false),
                ("old", None, String::new(), true),
            ]
        );
        assert_eq!(objects[5].place, "bridge 172.20.0.0/24");
        assert!(objects[1].nameless && objects[3].nameless && !objects[0].nameless);
    }

    #[test]
    fn an_absent_engine_is_a_fault() {
        assert!(everything(&"unix:///nowhere/docker.sock".into()).is_err());
    }

    #[test]
    fn a_volume_that_others_use_is_held() {
        let held = |count: &str| {
            let usage = format!(r#"{{"Volumes":[{{"Name":"data","UsageData":{{"RefCount":{count}}}}}]}}"#);
            let address = "unix:///x".into();
            let mut all = Objects::new(&address);
            all.all(usage.as_bytes(), b"[]").expect("an answer");
            all.objects[0].held
        };
        assert_eq!(["-1", "0", "1", "null"].map(held), [false, false, true, false]);
        assert!(!objects()[2].held, "its container is known");
    }
}
