//! What a benchmark is measured on, and what a change is of, as subjects: their views open from here.

use crate::{
    model::{
        bench::Group, container::ContainerRow, join, pool::pool_of, run::Change, service::target::ServiceUrl,
        subject::Subject,
    },
    state::State,
};

/// What is measured; `None` where it has no view.
#[must_use]
pub fn of_target(state: &State, group: Group, of: &str) -> Option<Subject> {
    match group {
        Group::Containers => match server(state, of) {
            Some(row) => Some(join::subject_of_container(&state.host, row)),
            None => container(state, of),
        },
        Group::Storage => dataset(state, of).or_else(|| filesystem(state, of)),
        Group::Network | Group::Models => None,
        Group::Machine => Some(Subject::Cpu),
    }
}

/// What a change is of.
#[must_use]
pub fn of_change(state: &State, change: &Change) -> Option<Subject> {
    match change.kind.as_str() {
        "dataset" | "pool" => dataset(state, &change.of),
        "image" | "limits" => container(state, &change.of),
        _ => None,
    }
}

/// The container that serves a page, by its own address or a port that it publishes.
#[must_use]
pub fn server<'a>(state: &'a State, url: &str) -> Option<&'a ContainerRow> {
    let url = ServiceUrl::parse(url).ok()?;
    let (host, port) = (url.host(), url.port());
    let published = format!(":{port}→");
    let serves = |row: &&ContainerRow| {
        let meta = &row.meta;
        let ours = meta.networks.iter().any(|(_, address)| *address == host);
        let here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        ours || meta.ports.iter().any(|rule| match rule.split_once('→') {
            Some((from, _)) if !from.contains(':') => here && from.parse() == Ok(port),
            Some((from, _)) => {
                rule.contains(&published) && (here || from.rsplit_once(':').is_some_and(|(at, _)| at == host))
            }
            None => false,
        })
    };
    state.host.containers.rows.iter().find(serves)
}

fn container(state: &State, name: &str) -> Option<Subject> {
    let row = state.host.containers.rows.iter().find(|row| row.meta.name == name || *row.label == *name)?;
    Some(join::subject_of_container(&state.host, row))
}

/// A dataset that is there, or else its pool.
fn dataset(state: &State, name: &str) -> Option<Subject> {
    if name.starts_with('/') {
        return None;
    }
    let pools = &state.host.pools;
    let is_pool = |name: &str| pools.find(name).is_some();
    if is_pool(name) {
        return Some(Subject::Pool(name.to_owned()));
    }
    if pools.dataset(name).is_some() {
        return Some(Subject::Dataset(name.to_owned()));
    }
    is_pool(pool_of(name)).then(|| Subject::Pool(pool_of(name).to_owned()))
}

/// The file system that a path lies on: the longest mount point above it.
fn filesystem(state: &State, path: &str) -> Option<Subject> {
    let holds = |mount: &str| match path.strip_prefix(mount) {
        Some(rest) => mount.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
        None => false,
    };
    let mounts = state.host.filesystems.filesystems.iter().map(|row| row.mount.as_str()).filter(|mount| holds(mount));
    mounts.max_by_key(|mount| mount.len()).map(|mount| Subject::Filesystem(mount.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::container::Container;

    #[test]
    fn page_is_of_the_container_that_serves_it() {
        let mut state = State::default();
        let mut add = |name: &str, address: &str, ports: &[&str]| {
            let networks = vec![("bridge".to_owned(), address.to_owned())];
            let ports = ports.iter().map(|port| (*port).to_owned()).collect();
            let meta = Arc::new(Container { name: name.into(), networks, ports, ..Container::default() });
            state.host.containers.rows.push(ContainerRow { meta, label: name.into(), ..ContainerRow::default() });
        };
        add("db", "172.17.0.2", &["5432/tcp"]);
        add("web", "172.17.0.3", &["8080→80/tcp"]);
        add("ui", "172.17.0.4", &["192.168.1.2:9443→9443/tcp", "9000/tcp"]);
        let of = |url: &str| server(&state, url).map_or("none", |row| &*row.label);
        assert_eq!(of("http://172.17.0.3/"), "web");
        assert_eq!(of("http://127.0.0.1:8080/"), "web");
        assert_eq!(of("http://127.0.0.1:80/"), "none", "inside it is another port");
        assert_eq!(of("https://192.168.1.2:9443/"), "ui");
        assert_eq!(of("https://192.168.1.3:9443/"), "none");
        assert_eq!(of("tank/db"), "none");
    }
}
