//! Metrics that code asks for by name. The row of each in TABLE METRICS is looked up at compile time, so that a misspelt
//! id does not compile, and its rules are found by position.

use super::{def::MetricDef, table::METRICS};

/// The position of a metric in TABLE METRICS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MetricId(usize);

impl MetricId {
    /// The metric called `id`.
    #[must_use]
    pub fn find(id: &str) -> Option<MetricId> {
        METRICS.iter().position(|metric| metric.id == id).map(MetricId)
    }

    /// Its row.
    #[must_use]
    pub fn def(self) -> &'static MetricDef {
        &METRICS[self.0]
    }

    /// Its position among [`METRICS`].
    #[must_use]
    pub fn position(self) -> usize {
        self.0
    }
}

impl std::fmt::Debug for MetricId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.def().id)
    }
}

/// The metric called `id`; an id without a row is a compile error.
const fn metric(id: &str) -> MetricId {
    let mut i = 0;
    while i < METRICS.len() {
        if same(METRICS[i].id.as_bytes(), id.as_bytes()) {
            return MetricId(i);
        }
        i += 1;
    }
    panic!("METRICS has no such id")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

pub const CPU_BUSY_RATIO: MetricId = metric("cpu_busy_ratio");
pub const CPU_CORE_BUSY_RATIO: MetricId = metric("cpu_core_busy_ratio");
pub const CPU_TEMPERATURE_CELSIUS: MetricId = metric("cpu_temperature_celsius");
pub const LOAD1: MetricId = metric("load1");
pub const PRESSURE_SOME_RATIO: MetricId = metric("pressure_some_ratio");
pub const PRESSURE_FULL_RATIO: MetricId = metric("pressure_full_ratio");
pub const MEMORY_USED_RATIO: MetricId = metric("memory_used_ratio");
pub const SWAP_USED_RATIO: MetricId = metric("swap_used_ratio");
pub const TEMPERATURE_CELSIUS: MetricId = metric("temperature_celsius");
pub const DISK_TEMPERATURE_CELSIUS: MetricId = metric("disk_temperature_celsius");
pub const DISK_BUSY_RATIO: MetricId = metric("disk_busy_ratio");
pub const FILESYSTEM_USED_RATIO: MetricId = metric("filesystem_used_ratio");
pub const FILESYSTEM_INODES_USED_RATIO: MetricId = metric("filesystem_inodes_used_ratio");
pub const NETWORK_ERRORS_PER_SECOND: MetricId = metric("network_errors_per_second");
pub const OWN_CPU_RATIO: MetricId = metric("own_cpu_ratio");
pub const OWN_MEMORY_RATIO: MetricId = metric("own_memory_ratio");
pub const OWN_THROTTLED_RATIO: MetricId = metric("own_throttled_ratio");
pub const MODEL_SERVER_UP: MetricId = metric("model_server_up");
pub const MODEL_QUEUE_SECONDS: MetricId = metric("model_queue_seconds");
pub const MODEL_TOKENS_PER_SECOND: MetricId = metric("model_tokens_per_second");
pub const MODEL_QUEUE: MetricId = metric("model_queue");
pub const MODEL_FIRST_TOKEN_SECONDS: MetricId = metric("model_first_token_seconds");
pub const MODEL_KV_CACHE_USED_RATIO: MetricId = metric("model_kv_cache_used_ratio");
pub const MODEL_RESPONSE_TARGET_RATIO: MetricId = metric("model_response_target_ratio");
pub const MODEL_FAILED_RATIO: MetricId = metric("model_failed_ratio");
pub const GPU_DRIVER_OK: MetricId = metric("gpu_driver_ok");
pub const GPU_BUSY_RATIO: MetricId = metric("gpu_busy_ratio");
pub const GPU_MEMORY_USED_RATIO: MetricId = metric("gpu_memory_used_ratio");
pub const GPU_TEMPERATURE_CELSIUS: MetricId = metric("gpu_temperature_celsius");
pub const GPU_POWER_WATTS: MetricId = metric("gpu_power_watts");
pub const GPU_SLOWED: MetricId = metric("gpu_slowed");
pub const GPU_LINK_DOWNTRAINED: MetricId = metric("gpu_link_downtrained");
pub const GPU_UNCORRECTED_ERRORS: MetricId = metric("gpu_uncorrected_errors");
pub const GPU_ROW_REMAP_FAILED: MetricId = metric("gpu_row_remap_failed");
pub const GPU_ROW_REMAP_PENDING: MetricId = metric("gpu_row_remap_pending");
pub const GPU_XID_ERRORS_10M: MetricId = metric("gpu_xid_errors_10m");
pub const POOL_HEALTHY: MetricId = metric("pool_healthy");
pub const POOL_USED_RATIO: MetricId = metric("pool_used_ratio");
pub const POOL_DATA_ERRORS: MetricId = metric("pool_data_errors");
pub const POOL_MISSING_DEVICES: MetricId = metric("pool_missing_devices");
pub const VDEV_ERRORS: MetricId = metric("vdev_errors");
pub const ENGINE_UP: MetricId = metric("engine_up");
pub const CONTAINER_HEALTHY: MetricId = metric("container_healthy");
pub const CONTAINER_CPU_LIMIT_RATIO: MetricId = metric("container_cpu_limit_ratio");
pub const CONTAINER_MEMORY_LIMIT_RATIO: MetricId = metric("container_memory_limit_ratio");
pub const CONTAINER_RESTARTS_10M: MetricId = metric("container_restarts_10m");
pub const CONTAINER_RESTARTING: MetricId = metric("container_restarting");
pub const CONTAINER_FAILED: MetricId = metric("container_failed");
pub const CONTAINER_OOMS_10M: MetricId = metric("container_ooms_10m");
pub const NETWORK_REACHABLE: MetricId = metric("network_reachable");
pub const SERVICE_UP: MetricId = metric("service_up");
pub const SERVICE_FAILURES_IN_ROW: MetricId = metric("service_failures_in_row");
pub const SERVICE_ERROR_RATIO: MetricId = metric("service_error_ratio");
pub const SERVICE_RESPONSE_VS_NORMAL_RATIO: MetricId = metric("service_response_vs_normal_ratio");
pub const SERVICE_THROUGHPUT_VS_NORMAL_RATIO: MetricId = metric("service_throughput_vs_normal_ratio");
pub const SERVICE_PING_LOSS_RATIO: MetricId = metric("service_ping_loss_ratio");
pub const SERVICE_CERTIFICATE_SECONDS: MetricId = metric("service_certificate_seconds");
