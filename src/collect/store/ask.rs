//! The questions to one engine, and its answers as things: what takes room, and which containers use it. Sizes are in the
//! answer to `/system/df` alone, whose form changed; it is asked for in the old form, which every engine still speaks.

use std::{collections::BTreeMap, time::Duration};

use bollard::{
    Docker,
    models::{ContainerSummary, Network},
    query_parameters::ListContainersOptions,
};
use serde::Deserialize;

use crate::{
    model::{
        engine_address::EngineAddress,
        store::{Kind, StoreSample, Stored},
    },
    sys::http,
    text::clean,
};

/// Lists are told at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sizes are counted on the disk.
const LONG_PATIENCE: Duration = Duration::from_secs(300);
/// The newest form of the API whose answer has the old shape.
const OLD_FORM: (u32, u32) = (1, 43);
/// Networks that the engine makes itself.
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "podman", "ingress"];

/// Everything that the engines at these addresses keep.
pub(super) fn all(addresses: &[EngineAddress]) -> StoreSample {
    let mut sample = StoreSample { told: true, ..StoreSample::default() };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            sample.faults.extend(addresses.iter().map(|address| (address.clone(), error.to_string())));
            return sample;
        }
    };
    for address in addresses {
        match runtime.block_on(one(address)) {
            Ok(things) => sample.things.extend(things),
            Err(why) => sample.faults.push((address.clone(), clean(&why).into_owned())),
        }
    }
    sample
}

async fn one(address: &EngineAddress) -> Result<Vec<Stored>, String> {
    let say = |error: bollard::errors::Error| error.to_string();
    let docker = Docker::connect_with_host(address.dialled()).map_err(say)?.with_timeout(PATIENCE);
    let docker = docker.negotiate_version().await.map_err(say)?;
    let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
    let containers = docker.list_containers(Some(options)).await.map_err(say)?;
    let networks = docker.list_networks(None).await.map_err(say)?;
    let spoken = docker.client_version();
    let spoken = (spoken.major_version as u32, spoken.minor_version as u32).min(OLD_FORM);
    let path = format!("/v{}.{}/system/df", spoken.0, spoken.1);
    let usage = http::get(address.dialled(), &path, LONG_PATIENCE).await?;
    let usage: Usage = serde_json::from_slice(&usage).map_err(|e| format!("{path}: {e}"))?;
    Ok(things(address, usage, networks, &containers))
}

/// `null` for an empty list is Go's way.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Usage {
    images: Option<Vec<Image>>,
    volumes: Option<Vec<Volume>>,
    build_cache: Option<Vec<Cache>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Image {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    created: i64,
    size: i64,
    shared_size: i64,
    containers: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Volume {
    name: String,
    driver: String,
    mountpoint: String,
    created_at: Option<String>,
    usage_data: Option<VolumeUsage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeUsage {
    size: i64,
    ref_count: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Cache {
    #[serde(rename = "ID")]
    id: String,
    description: String,
    in_use: bool,
    shared: bool,
    size: i64,
    created_at: Option<String>,
}

fn things(
    address: &EngineAddress,
    usage: Usage,
    networks: Vec<Network>,
    containers: &[ContainerSummary],
) -> Vec<Stored> {
    let users = Users::of(containers);
    let names = |map: &BTreeMap<String, Vec<String>>, key: &str| map.get(key).cloned().unwrap_or_default();
    let blank = |kind: Kind, id: &str, name: &str| Stored {
        engine: address.clone(),
        kind,
        id: id.to_owned(),
        name: clean(name).into_owned(),
        bytes: None,
        shared_bytes: 0,
        users: Vec::new(),
        held: false,
        nameless: false,
        created_unix_ms: None,
        place: String::new(),
    };
    let mut all = Vec::new();
    for image in usage.images.unwrap_or_default() {
        let tags: Vec<String> =
            image.repo_tags.unwrap_or_default().into_iter().filter(|tag| !tag.contains("<none>")).collect();
        let users = names(&users.of_image, &image.id);
        let bare = image.id.trim_start_matches("sha256:");
        let untagged = image.repo_digests.unwrap_or_default().into_iter().find(|digest| !digest.contains("<none>"));
        let name = match tags.as_slice() {
            [] => untagged.unwrap_or_else(|| bare.get(..12).unwrap_or(bare).to_owned()),
            tags => tags.join(" "),
        };
        all.push(Stored {
            bytes: u64::try_from(image.size).ok(),
            shared_bytes: u64::try_from(image.shared_size).unwrap_or(0),
            held: users.is_empty() && image.containers > 0,
            users,
            nameless: tags.is_empty(),
            created_unix_ms: (image.created > 0).then(|| image.created.saturating_mul(1000)),
            place: bare.get(..12).unwrap_or(bare).to_owned(),
            ..blank(Kind::Image, &image.id, &name)
        });
    }
    for volume in usage.volumes.unwrap_or_default() {
        let used = volume.usage_data.unwrap_or(VolumeUsage { size: -1, ref_count: 0 });
        let users = names(&users.of_volume, &volume.name);
        let nameless = volume.name.len() == 64 && volume.name.bytes().all(|b| b.is_ascii_hexdigit());
        let shown = if nameless { &volume.name[..12] } else { &volume.name };
        all.push(Stored {
            bytes: u64::try_from(used.size).ok(),
            held: users.is_empty() && used.ref_count > 0,
            users,
            nameless,
            created_unix_ms: unix_ms(volume.created_at.as_deref()),
            place: clean(&format!("{} {}", volume.driver, volume.mountpoint)).into_owned(),
            ..blank(Kind::Volume, &volume.name, shown)
        });
    }
    for network in networks {
        let (id, name) = (network.id.unwrap_or_default(), network.name.unwrap_or_default());
        let subnets = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let subnets: Vec<String> = subnets.into_iter().filter_map(|config| config.subnet).collect();
        let place = format!("{} {}", network.driver.unwrap_or_default(), subnets.join(" "));
        all.push(Stored {
            users: names(&users.of_network, &name),
            held: BUILT_IN.contains(&name.as_str()),
            created_unix_ms: unix_ms(network.created.map(|at| at.to_string()).as_deref()),
            place: clean(place.trim()).into_owned(),
            ..blank(Kind::Network, &id, &name)
        });
    }
    for cache in usage.build_cache.unwrap_or_default() {
        all.push(Stored {
            bytes: u64::try_from(cache.size).ok(),
            held: cache.in_use || cache.shared,
            created_unix_ms: unix_ms(cache.created_at.as_deref()),
            place: cache.id.get(..12).unwrap_or(&cache.id).to_owned(),
            ..blank(Kind::Cache, &cache.id, &cache.description)
        });
    }
    all
}

fn unix_ms(time: Option<&str>) -> Option<i64> {
    time?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Names of containers by what they use.
#[derive(Default)]
struct Users {
    of_image: BTreeMap<String, Vec<String>>,
    of_volume: BTreeMap<String, Vec<String>>,
    of_network: BTreeMap<String, Vec<String>>,
}

impl Users {
    fn of(containers: &[ContainerSummary]) -> Users {
        let mut users = Users::default();
        for container in containers {
            let name = container.names.iter().flatten().next().map_or("?", |name| name.trim_start_matches('/'));
            let name = clean(name).into_owned();
            if let Some(image) = &container.image_id {
                users.of_image.entry(image.clone()).or_default().push(name.clone());
            }
            for volume in container.mounts.iter().flatten().filter_map(|mount| mount.name.clone()) {
                users.of_volume.entry(volume).or_default().push(name.clone());
            }
            let networks = container.network_settings.iter().flat_map(|settings| settings.networks.iter().flatten());
            for (network, _) in networks {
                users.of_network.entry(network.clone()).or_default().push(name.clone());
            }
        }
        users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Docker 20.10 answers, shortened.
    const USAGE: &str = r#"{"LayersSize":300,"Images":[
        {"Containers":1,"Created":1700000000,"Id":"sha256:aaaaaaaaaaaaaaaa","RepoTags":["web:1","web:latest"],"RepoDigests":null,"SharedSize":40,"Size":100},
        {"Containers":0,"Created":1700000000,"Id":"sha256:bbbbbbbbbbbbbbbb","RepoTags":null,"RepoDigests":["<none>@<none>"],"SharedSize":40,"Size":60}],
        "Containers":[],
        "Volumes":[{"CreatedAt":"2026-11-24T10:00:00Z","Driver":"local","Mountpoint":"/v/data","Name":"data","Options":null,"Scope":"local","UsageData":{"RefCount":1,"Size":5}},
        {"Driver":"local","Mountpoint":"/v/x","Name":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","UsageData":{"RefCount":0,"Size":-1}}],
        "BuildCache":null,"BuilderSize":0}"#;

    fn told() -> Vec<Stored> {
        let containers: Vec<ContainerSummary> = serde_json::from_str(
            r#"[{"Id":"c","Names":["/front"],"ImageID":"sha256:aaaaaaaaaaaaaaaa","Mounts":[{"Type":"volume","Name":"data"}],
                 "NetworkSettings":{"Networks":{"shop":{}}}}]"#,
        )
        .expect("containers");
        let networks: Vec<Network> = serde_json::from_str(
            r#"[{"Id":"n1","Name":"bridge","Driver":"bridge"},{"Id":"n2","Name":"shop","Driver":"bridge","IPAM":{"Config":[{"Subnet":"172.20.0.0/24"}]}},
                {"Id":"n3","Name":"old","Driver":"bridge"}]"#,
        )
        .expect("networks");
        things(&"unix:///x".into(), serde_json::from_str(USAGE).expect("usage"), networks, &containers)
    }

    #[test]
    fn each_thing_has_its_size_and_the_containers_that_use_it() {
        let told = told();
        let seen: Vec<_> = told.iter().map(|t| (t.name.as_str(), t.bytes, t.users.join(","), t.is_unused())).collect();
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
        assert_eq!(told[5].place, "bridge 172.20.0.0/24");
        assert!(told[1].nameless && told[3].nameless && !told[0].nameless);
    }

    #[test]
    fn an_engine_that_is_not_there_is_named_with_its_fault() {
        let sample = all(&["unix:///nowhere/docker.sock".into()]);
        assert_eq!(sample.faults.len(), 1);
        assert_eq!(sample.faults[0].0.as_str(), "unix:///nowhere/docker.sock");
    }
}
