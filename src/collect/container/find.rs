//! Where engines may be: `DOCKER_HOST`, the current Docker context, and the sockets of Docker and Podman for root and
//! for users.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    model::engine_address::EngineAddress,
    sys::{helper, root::Root},
};

/// After this the user's folder is taken to be on a server that is down.
const PATIENCE: Duration = Duration::from_secs(1);

/// An engine's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// `docker` or `podman` by the socket's name; the engine's answer may correct it.
    pub(super) kind: &'static str,
    /// `unix:///var/run/docker.sock`, `tcp://nas:2375`.
    pub(super) address: EngineAddress,
    /// On this machine.
    pub(super) local: bool,
}

/// Each engine found, once.
pub(super) fn engines(root: &Root, more: &[EngineAddress]) -> Vec<Found> {
    let mut found = Vec::new();
    if root.is_live() {
        found.extend(
            env::var("DOCKER_HOST")
                .ok()
                .or_else(|| context(&docker_folder()?, env::var("DOCKER_CONTEXT").ok()))
                .filter(|host| !host.is_empty())
                .map(|host| named(EngineAddress::new(&host))),
        );
    }
    for (kind, path) in sockets(root) {
        if path.exists() {
            found.push(Found { kind, address: EngineAddress::new(&format!("unix://{}", path.display())), local: true });
        }
    }
    found.extend(more.iter().cloned().map(named));
    let mut places = Vec::new();
    found.retain(|engine: &Found| {
        // `/var/run` is a link to `/run`: one engine under two names.
        let path = engine.address.socket().map(PathBuf::from);
        let place = path.and_then(|p| p.canonicalize().ok()).unwrap_or_else(|| PathBuf::from(engine.address.dialled()));
        let new = !places.contains(&place);
        places.push(place);
        new
    });
    // Two addresses that differ only in their password look alike: number their labels.
    for at in 1..found.len() {
        let (before, rest) = found.split_at_mut(at);
        let plain = |engine: &Found| EngineAddress::new(engine.address.dialled()).to_string();
        let alike = before.iter().filter(|other| plain(other) == plain(&rest[0])).count();
        if alike > 0 {
            rest[0].address = rest[0].address.clone().numbered(alike + 1);
        }
    }
    found
}

/// The message with the places searched, when there is none.
pub(super) fn looked_at(root: &Root) -> String {
    let places: Vec<String> = sockets(root).iter().map(|(_, path)| path.display().to_string()).collect();
    format!("no container engine socket: looked for {}", places.join(", "))
}

fn named(address: EngineAddress) -> Found {
    let kind = if address.dialled().contains("podman") { "podman" } else { "docker" };
    Found { kind, local: address.socket().is_some(), address }
}

fn sockets(root: &Root) -> Vec<(&'static str, PathBuf)> {
    let mut sockets =
        vec![("docker", root.path("var/run/docker.sock")), ("podman", root.path("run/podman/podman.sock"))];
    if root.is_live() {
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        if let Some(runtime) = runtime.filter(|r| r.is_absolute()) {
            sockets.push(("docker", runtime.join("docker.sock")));
            sockets.push(("podman", runtime.join("podman/podman.sock")));
        }
    }
    sockets
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerConfig {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    name: String,
    endpoints: std::collections::BTreeMap<String, Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: Option<String>,
}

/// Where the user's settings for Docker are.
fn docker_folder() -> Option<PathBuf> {
    env::var_os("DOCKER_CONFIG").map(PathBuf::from).or_else(|| {
        let dirs = directories::BaseDirs::new()?;
        Some(dirs.home_dir().join(".docker"))
    })
}

/// The address of the context that is `chosen`, else of that of `docker context use`; `None` for the default one.
fn context(folder: &Path, chosen: Option<String>) -> Option<String> {
    if !helper::responds(folder, PATIENCE) {
        return None;
    }
    let used = || {
        let config: DockerConfig = serde_json::from_slice(&std::fs::read(folder.join("config.json")).ok()?).ok()?;
        config.current_context
    };
    let name = chosen.or_else(used).filter(|name| name != "default")?;
    std::fs::read_dir(folder.join("contexts/meta")).ok()?.flatten().find_map(|entry| {
        let meta: ContextMeta = serde_json::from_slice(&std::fs::read(entry.path().join("meta.json")).ok()?).ok()?;
        (meta.name == name).then(|| meta.endpoints.get("docker")?.host.clone())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_socket_the_places_are_named() {
        let root = Root::fixture("homelab");
        assert_eq!(engines(&root, &[]), []);
        assert!(looked_at(&root).contains("var/run/docker.sock"), "{}", looked_at(&root));
    }

    #[test]
    fn the_context_in_use_names_an_engine() {
        let folder = tempfile::tempdir().expect("folder");
        for (name, host) in [("nas", "tcp://nas:2375"), ("pi", "tcp://pi:2375")] {
            let meta = folder.path().join("contexts/meta").join(name);
            std::fs::create_dir_all(&meta).expect("folder");
            let text = format!(r#"{{"Name":"{name}","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
            std::fs::write(meta.join("meta.json"), text).expect("file");
        }
        let context = |chosen: Option<&str>| context(folder.path(), chosen.map(str::to_owned));
        assert_eq!(context(None), None, "none was ever chosen");
        assert_eq!(context(Some("pi")).as_deref(), Some("tcp://pi:2375"));
        std::fs::write(folder.path().join("config.json"), r#"{"currentContext":"nas"}"#).expect("file");
        assert_eq!(context(None).as_deref(), Some("tcp://nas:2375"));
        assert_eq!(context(Some("pi")).as_deref(), Some("tcp://pi:2375"), "of this shell");
        assert_eq!((context(Some("default")), context(Some("gone"))), (None, None));
    }

    #[test]
    fn two_names_of_a_socket_are_one_engine() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir_all(folder.path().join("run/podman")).expect("folder");
        std::fs::create_dir_all(folder.path().join("var")).expect("folder");
        std::os::unix::fs::symlink("../run", folder.path().join("var/run")).expect("link");
        std::fs::write(folder.path().join("run/docker.sock"), "").expect("file");
        std::os::unix::fs::symlink("../docker.sock", folder.path().join("run/podman/podman.sock")).expect("link");
        let found = engines(&Root::new(folder.path()), &[]);
        assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), ["docker"]);
    }

    #[test]
    fn hidden_parts_keep_labels_apart() {
        let more = ["tcp://a:1@nas:2375", "tcp://b:2@nas:2375", "tcp://b:2@nas:2375", "tcp://c:3@nas:2375"];
        let found = engines(&Root::fixture("homelab"), &more.map(EngineAddress::new));
        let shown: Vec<&str> = found.iter().map(|f| f.address.as_str()).collect();
        assert_eq!(shown, ["tcp://***@nas:2375", "tcp://***@nas:2375 #2", "tcp://***@nas:2375 #3"]);
        assert_eq!(found[1].address.dialled(), more[1]);
    }

    #[test]
    fn an_address_says_which_engine_it_is_of() {
        for (address, kind, local) in [
            ("unix:///run/docker.sock", "docker", true),
            ("unix:///run/user/1000/podman/podman.sock", "podman", true),
            ("tcp://nas:2375", "docker", false),
            ("tcp://podman:2375", "podman", false),
        ] {
            let found = engines(&Root::fixture("homelab"), &[EngineAddress::new(address)]);
            let expected = Found { kind, address: EngineAddress::new(address), local };
            assert_eq!(found, [expected]);
        }
    }
}
