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
