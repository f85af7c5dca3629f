//! What a value is about for good: the ids of an object in place of names that change.

use super::{alert::Labels, host::Host, metrics::MetricDef};

/// The identity of what a value of `metric` with these labels is about.
#[must_use]
pub fn identity(metric: &MetricDef, values: &[&str], host: &Host) -> Labels {
    let mut identity = Labels::new();
    let mut put = |name: &str, value: &str| identity.push((name.to_owned(), value.to_owned()));
    for (name, value) in metric.labels.iter().zip(values) {
        match *name {
            // Part of the figure: a pool that goes from degraded to faulted is the same pool.
            "state" => {}
            "container" => match host.containers.rows.iter().find(|row| *row.label == **value) {
                Some(row) => {
                    let engine = host.containers.engines.get(usize::from(row.meta.engine));
                    put("engine", engine.map_or("", |engine| engine.address.as_str()));
                    put("container_id", &row.meta.id);
                }
                None => put(name, value),
            },
            "gpu" => match host.gpus.labelled(value).filter(|row| !row.raw.id.is_empty()) {
                Some(row) => put("gpu_id", &row.raw.id),
                None => put(name, value),
            },
            name => put(name, value),
        }
    }
    identity
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        container::{Container, ContainerRow, Engine},
        metrics,
    };

    fn of(metric: &str, values: &[&str], host: &Host) -> String {
        let metric = metrics::find(metric).expect("a metric");
        let labels = identity(metric, values, host);
        labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn containers_are_identified_by_engine_and_id() {
        let mut host = Host::default();
        host.containers.engines.push(Engine { address: "unix:///run/docker.sock".into(), ..Engine::default() });
        let meta = Container { id: "abcd".into(), name: "web".into(), ..Container::default() };
        let row = ContainerRow { meta: meta.into(), label: "web".into(), ..ContainerRow::default() };
        host.containers.rows.push(row);
        assert_eq!(of("container_healthy", &["web"], &host), "engine=unix:///run/docker.sock container_id=abcd");
        assert_eq!(of("container_healthy", &["db"], &host), "container=db");
    }

    #[test]
    fn a_state_is_no_part_of_an_identity() {
        let host = Host::default();
        assert_eq!(of("pool_healthy", &["tank", "degraded"], &host), "pool=tank");
        assert_eq!(of("vdev_errors", &["tank", "sda", "read"], &host), "pool=tank vdev=sda kind=read");
    }
}
