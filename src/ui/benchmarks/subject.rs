//! What a benchmark is measured on, and what a change is of, as subjects: their views open from here.

use crate::{
    model::{bench::Group, join, pool::pool_of, run::Change, subject::Subject},
    state::State,
};

/// What is measured; `None` where it has no view.
#[must_use]
pub fn of_target(state: &State, group: Group, of: &str) -> Option<Subject> {
    match group {
        Group::Containers => match join::server_of(&state.host, of) {
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
    use crate::model::{
        container::{Container, ContainerRow},
        fault::Fault,
        filesystem::Filesystem,
        pool::{Dataset, DatasetRow, PoolRow},
    };

    fn state() -> State {
        let mut state = State::default();
        let mut pool = PoolRow::default();
        pool.name = "tank".into();
        state.host.pools.rows.push(pool);
        let reported = Dataset { name: "tank/models".into(), ..Dataset::default() };
        state.host.pools.datasets.push(DatasetRow { reported, ..DatasetRow::default() });
        let mount = |mount: &str| Filesystem {
            mount: mount.into(),
            device: String::new(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space: Err(Fault::Timeout),
        };
        state.host.filesystems.filesystems = ["/", "/srv", "/srv/media"].map(mount).into();
        let meta =
            Container {
                id: "3f2a".into(), name: "web".into(), ports: vec!["8080→80".into()], ..Container::default()
            };
        let row = ContainerRow { label: "web 3f2a".into(), meta: Arc::new(meta), ..ContainerRow::default() };
        state.host.containers.rows.push(row);
        state
    }

    fn shown(subject: Option<Subject>) -> String {
        match subject {
            Some(Subject::Pool(name)) => format!("pool {name}"),
            Some(Subject::Dataset(name)) => format!("dataset {name}"),
            Some(Subject::Filesystem(mount)) => format!("at {mount}"),
            Some(Subject::Container { id, .. }) => format!("container {id}"),
            Some(Subject::Cpu) => "cpu".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_is_measured_leads_to_its_view() {
        let state = state();
        for (group, of, view) in [
            (Group::Containers, "web", "container 3f2a"),
            (Group::Containers, "web 3f2a", "container 3f2a"),
            (Group::Containers, "http://localhost:8080/", "container 3f2a"),
            (Group::Containers, "db", "None"),
            (Group::Storage, "tank", "pool tank"),
            (Group::Storage, "tank/models", "dataset tank/models"),
            (Group::Storage, "tank/gone", "pool tank"),
            (Group::Storage, "backup/gone", "None"),
            (Group::Storage, "/srv/media", "at /srv/media"),
            (Group::Storage, "/srv/media/films", "at /srv/media"),
            (Group::Storage, "/srv/mediathek", "at /srv"),
            (Group::Storage, "/home", "at /"),
            (Group::Network, "", "None"),
            (Group::Models, "llama", "None"),
            (Group::Machine, "", "cpu"),
        ] {
            assert_eq!(shown(of_target(&state, group, of)), view, "{group:?} {of}");
        }
    }

    #[test]
    fn a_change_leads_to_what_it_is_of() {
        let state = state();
        for (kind, of, view) in [
            ("dataset", "tank/models", "dataset tank/models"),
            ("pool", "tank", "pool tank"),
            ("image", "web", "container 3f2a"),
            ("limits", "web 3f2a", "container 3f2a"),
            ("kernel", "", "None"),
            ("engine", "web", "None"),
        ] {
            let (of, property) = (of.to_owned(), String::new());
            let change = Change { at_unix_ms: 0, kind: kind.into(), of, property, before: None, after: None };
            assert_eq!(shown(of_change(&state, &change)), view, "{kind}");
        }
    }
}
