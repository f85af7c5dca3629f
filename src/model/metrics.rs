//! Every value that has a name outside: TABLE METRICS. JSON and rules read it; nothing else names a value.

mod bench;
mod container;
pub mod counters;
mod cpu;
mod def;
mod device;
mod gpu;
mod id;
mod memory;
mod model_server;
mod notify;
mod own;
mod pool;
mod process;
mod service;
mod table;

pub use super::unit::Unit;
pub use def::{Lookup, MetricDef, Put};
pub use id::*;
pub use table::METRICS;

/// The metric called `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static MetricDef> {
    MetricId::find(id).map(MetricId::def)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{
        filesystem::{Filesystem, Space},
        gpu::{Gpu, GpuRow},
        host::Host,
    };

    /// What others rely on from the start, as far as the host's own sources feed it.
    const PROMISED: &str = "cpu_busy_ratio cpu_core_busy_ratio cpu_frequency_hertz load1 load5 load15 \
        pressure_some_ratio pressure_full_ratio memory_total_bytes memory_available_bytes memory_used_ratio \
        swap_total_bytes swap_used_bytes arc_size_bytes arc_target_bytes arc_max_bytes arc_hit_ratio \
        temperature_celsius disk_read_bytes_per_second disk_write_bytes_per_second disk_busy_ratio \
        disk_read_latency_seconds disk_write_latency_seconds filesystem_size_bytes filesystem_used_ratio \
        network_receive_bytes_per_second network_transmit_bytes_per_second network_errors_per_second \
        pool_healthy pool_size_bytes pool_used_ratio pool_fragmentation_ratio pool_compress_ratio \
        pool_read_bytes_per_second pool_write_bytes_per_second pool_read_latency_seconds pool_write_latency_seconds \
        gpu_busy_ratio gpu_memory_used_bytes gpu_memory_used_ratio gpu_temperature_celsius gpu_memory_busy_ratio \
        gpu_power_watts gpu_energy_joules gpu_driver_ok vdev_healthy vdev_errors dataset_compress_ratio dataset_used_bytes cpu_energy_joules container_running container_healthy container_cpu_cores \
        container_memory_bytes container_memory_limit_ratio container_restarts_10m containers_running model_server_up models_loaded model_first_token_seconds model_tokens_per_second model_response_seconds model_queue model_kv_cache_used_ratio model_preemptions_per_second model_token_seconds processes_total processes_running processes_blocked processes_zombie";

    #[test]
    fn what_is_read_only_does_not_fill_up() {
        let space = Ok(Space { size: 10, inodes: 10, ..Space::default() });
        let mount = |mount: &str, read_only| Filesystem {
            mount: mount.into(),
            device: String::new(),
            kind: "ext4".into(),
            options: String::new(),
            read_only,
            space: space.clone(),
        };
        let mut host = Host::default();
        host.filesystems.filesystems = vec![mount("/", false), mount("/image", true)];
        let reported = |id: &str| {
            let mut mounts = Vec::new();
            let metric = METRICS.iter().find(|metric| metric.id == id).expect("a metric");
            (metric.read)(&host, &mut |labels, _| mounts.push(labels.concat()));
            mounts
        };
        assert_eq!(reported("filesystem_used_ratio"), ["/"]);
        assert_eq!(reported("filesystem_inodes_used_ratio"), ["/"]);
        assert_eq!(reported("filesystem_size_bytes"), ["/", "/image"]);
    }

    #[test]
    fn every_id_is_unique_and_ends_in_its_base_unit() {
        let mut seen = BTreeSet::new();
        for metric in METRICS {
            assert!(seen.insert(metric.id), "{} twice", metric.id);
            let snake = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(metric.id.bytes().all(snake), "{} is not snake_case", metric.id);
            if metric.unit != Unit::Count {
                assert!(metric.id.ends_with(&format!("_{}", metric.unit.name())), "{} lacks its unit", metric.id);
            }
            assert!(metric.help.ends_with('.'), "{}", metric.id);
        }
    }

    #[test]
    fn every_promised_metric_is_there() {
        for id in PROMISED.split_whitespace() {
            assert!(find(id).is_some(), "{id}");
        }
    }

    #[test]
    fn a_machine_that_was_never_read_has_no_figures() {
        let host = Host::default();
        for metric in METRICS {
            (metric.read)(&host, &mut |labels, value| panic!("{}{labels:?} = {value}", metric.id));
        }
    }

    #[test]
    fn a_card_without_throttling_has_no_figure_of_it() {
        let slowed = |gpu: Gpu| {
            let mut host = Host::default();
            host.gpus.rows.push(GpuRow { raw: gpu, ..GpuRow::default() });
            let mut found = Vec::new();
            (find("gpu_slowed").expect("a metric").read)(&host, &mut |_, value| found.push(value));
            found
        };
        assert_eq!(slowed(Gpu::default()), Vec::<f64>::new());
        assert_eq!(slowed(Gpu { throttles_reported: true, ..Gpu::default() }), [0.0]);
    }

    #[test]
    fn pools_devices_and_datasets_have_their_figures() {
        use crate::model::pool::{Dataset, DatasetRow, Pool, PoolRow, Vdev};
        let vdev = |name: &str, state: &str, leaf, errors| Vdev {
            name: name.into(),
            state: state.into(),
            leaf,
            errors,
            ..Vdev::default()
        };
        let vdevs = vec![
            vdev("mirror-0", "DEGRADED", false, [9, 9, 9]),
            Vdev { depth: 1, ..vdev("/dev/a", "ONLINE", true, [1, 2, 3]) },
            Vdev { depth: 1, ..vdev("/dev/b", "UNAVAIL", true, [0, 0, 0]) },
        ];
        let reported =
            Some(Pool { name: "tank".into(), vdevs, data_errors: Some(4), compress: Some(1.5), ..Pool::default() });
        let mut host = Host::default();
        let mut row = PoolRow::default();
        (row.name, row.state, row.reported) = ("tank".into(), "DEGRADED".into(), reported);
        host.pools.rows = vec![row];
        let dataset = Dataset { name: "tank/a".into(), used: 70, ratio: Some(2.0), ..Dataset::default() };
        host.pools.datasets =
            vec![DatasetRow { reported: dataset, read_per_second: Some(8.0), ..DatasetRow::default() }];
        for (id, figures) in [
            ("pool_data_errors", vec!["tank 4"]),
            ("pool_compress_ratio", vec!["tank 1.5"]),
            ("pool_missing_devices", vec!["tank degraded 1"]),
            ("vdev_healthy", vec!["tank mirror-0 degraded 0", "tank /dev/a online 1", "tank /dev/b unavail 0"]),
            (
                "vdev_errors",
                vec![
                    "tank /dev/a read 1",
                    "tank /dev/a write 2",
                    "tank /dev/a checksum 3",
                    "tank /dev/b read 0",
                    "tank /dev/b write 0",
                    "tank /dev/b checksum 0",
                ],
            ),
            ("dataset_used_bytes", vec!["tank/a 70"]),
            ("dataset_compress_ratio", vec!["tank/a 2"]),
            ("dataset_read_bytes_per_second", vec!["tank/a 8"]),
            ("dataset_write_bytes_per_second", vec![]),
        ] {
            let mut found = Vec::new();
            let put = &mut |labels: &[&str], value: f64| found.push(format!("{} {value}", labels.join(" ")));
            (find(id).expect("a metric").read)(&host, put);
            assert_eq!(found, figures, "{id}");
        }
    }
}
