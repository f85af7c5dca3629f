//! The way back from a change that may have made a benchmark worse: an operation where one does it, else what a person
//! would do.

use super::{ContainerAct, ContainerLimits, Job, PoolAct};
use crate::model::{host::Host, pool::pool_of, run::Change};

/// How a change is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayBack {
    /// By this, after a preview and a yes.
    Do(Job),
    /// By hand, so.
    Manual(String),
}

/// The way back from a change; `None` where the value before is not known or there is none.
#[must_use]
pub fn way_back(change: &Change, host: &Host) -> Option<WayBack> {
    let (before, after) = (change.before.as_deref()?, change.after.as_deref().unwrap_or(Change::NONE));
    let of = &change.of;
    match (change.kind.as_str(), change.property.as_str()) {
        ("dataset", "volblocksize") => Some(WayBack::Manual(format!(
            "the block size of a volume is fixed: make a new one with {before}, and copy {of}"
        ))),
        ("dataset", property) => {
            let (property, value, before) = (property.to_owned(), before.to_owned(), after.to_owned());
            let act = PoolAct::Set { dataset: of.clone(), property, value, before };
            Some(WayBack::Do(Job::Pool { pool: pool_of(of).to_owned(), act }))
        }
        ("limits", property) => limits(of, property, before, host).map(WayBack::Do),
        ("image", _) => Some(WayBack::Manual(format!(
            "{of} ran {before}: set that image where the container is defined, and create it again"
        ))),
        ("kernel", _) => Some(WayBack::Manual(format!("start the kernel {before} from the boot menu"))),
        ("driver" | "engine" | "benchtop", _) => Some(WayBack::Manual(format!("install version {before} again"))),
        _ => None,
    }
}

/// The operation that gives a container its limit back; the rest stays as it is.
fn limits(label: &str, property: &str, before: &str, host: &Host) -> Option<Job> {
    let container = &host.containers.rows.iter().find(|row| &*row.label == label)?.meta;
    let engine = host.containers.engines.get(usize::from(container.engine))?.address.clone();
    let limits = match property {
        "cpus" => {
            let cores: f64 = if before == Change::NONE { 0.0 } else { before.parse().ok()? };
            ContainerLimits { nano_cpus: Some((cores * 1e9).round() as i64), memory: None }
        }
        "memory" => {
            let bytes: i64 = if before == Change::NONE { 0 } else { before.parse().ok()? };
            ContainerLimits { nano_cpus: None, memory: Some((bytes, container.swap_beside(bytes))) }
        }
        _ => return None,
    };
    let (id, name) = (container.id.clone(), container.name.clone());
    Some(Job::Container { engine, id, name, act: ContainerAct::Limit(limits) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::container::{Container, ContainerRow, Engine, SWAP_UNLIMITED};

    fn change(kind: &str, of: &str, property: &str, before: &str, after: &str) -> Change {
        let [kind, of, property] = [kind, of, property].map(str::to_owned);
        Change { at_unix_ms: 0, kind, of, property, before: Some(before.into()), after: Some(after.into()) }
    }

    fn host() -> Host {
        let mut host = Host::default();
        host.containers.engines.push(Engine { address: "unix:///run/d.sock".into(), ..Engine::default() });
        let meta = Container { id: "ab".into(), name: "web".into(), memory_limit: Some(64), ..Container::default() };
        host.containers.rows.push(ContainerRow {
            meta: Arc::new(meta),
            label: "web".into(),
            ..ContainerRow::default()
        });
        host
    }

    #[test]
    fn limits_and_properties_go_back_to_what_they_were() {
        let back = |change: Change| match way_back(&change, &host()) {
            Some(WayBack::Do(job)) => job.phrase(),
            other => format!("{other:?}"),
        };
        assert_eq!(back(change("limits", "web", "cpus", "1.5", "0.5")), "set limits of web: cpus 1.5");
        assert_eq!(back(change("limits", "web", "cpus", "none", "0.5")), "set limits of web: cpus none");
        assert_eq!(
            back(change("limits", "web", "memory", "134217728", "67108864")),
            "set limits of web: memory 128.0 MiB, swap unlimited"
        );
        assert_eq!(back(change("limits", "gone", "cpus", "1", "2")), "None", "a container that is no longer there");
        let set = change("dataset", "tank/db", "compression", "lz4", "gzip-9");
        assert_eq!(back(set.clone()), "set compression of tank/db to lz4");
        let Some(WayBack::Do(Job::Pool { pool, act })) = way_back(&set, &host()) else { panic!("an operation") };
        assert_eq!((pool.as_str(), act.doc().as_str()), ("tank", "now gzip-9; affects new writes only"));
        let Some(WayBack::Do(Job::Container { engine, id, act, .. })) =
            way_back(&change("limits", "web", "memory", "none", "1"), &host())
        else {
            panic!("an operation")
        };
        let none = ContainerLimits { nano_cpus: None, memory: Some((0, SWAP_UNLIMITED)) };
        assert_eq!((engine, id.as_str(), act), ("unix:///run/d.sock".into(), "ab", ContainerAct::Limit(none)));
    }

    #[test]
    fn without_an_operation_it_says_what_to_do() {
        let words = |change: Change| match way_back(&change, &host()) {
            Some(WayBack::Manual(words)) => words,
            other => format!("{other:?}"),
        };
        assert!(
            words(change("image", "web", "image", "nginx:1.26", "nginx:1.27")).starts_with("web ran nginx:1.26: set")
        );
        assert_eq!(words(change("kernel", "", "release", "6.1", "6.12")), "start the kernel 6.1 from the boot menu");
        assert_eq!(way_back(&change("pool", "tank", "layout", "a", "b"), &host()), None);
        let first = Change { before: None, ..change("kernel", "", "release", "", "6.12") };
        assert_eq!(way_back(&first, &host()), None);
    }

    #[test]
    fn the_block_size_of_a_volume_has_no_way_back_but_a_new_one() {
        let set = change("dataset", "tank/vm", "volblocksize", "16K", "64K");
        let words = "the block size of a volume is fixed: make a new one with 16K, and copy tank/vm";
        assert_eq!(way_back(&set, &host()), Some(WayBack::Manual(words.to_owned())));
        for kind in ["driver", "engine", "benchtop"] {
            let words = WayBack::Manual("install version 1.2 again".to_owned());
            assert_eq!(way_back(&change(kind, "", "version", "1.2", "1.3"), &host()), Some(words));
        }
        assert_eq!(way_back(&change("limits", "web", "pids", "1", "2"), &host()), None);
        assert_eq!(way_back(&change("limits", "web", "cpus", "many", "2"), &host()), None);
    }
}
