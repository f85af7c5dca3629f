//! Limits of a container while it runs. What an engine takes differs from what it shows: it refuses `-1` and 0 as a memory
//! limit, and a CPU limit of one form while one of the other form is set ("Docker Engine API", ContainerUpdate).

use bollard::{Docker, models::ContainerUpdateBody};
use serde_json::Value;

use crate::{
    model::container::{NO_LIMIT_FROM, SWAP_UNLIMITED},
    request::ContainerLimits,
    sys::{
        engine::{EngineClient, EngineError, ONE},
        json::{Field, Unread},
    },
};

/// No limit, as the kernel writes it: an engine takes this number where it takes no `-1`.
const NO_LIMIT: i64 = i64::MAX & !0xfff;
/// The kernel's own period of a CPU quota, microseconds.
const PERIOD_US: i64 = 100_000;

/// What the engine says of a container's limits, as far as it matters here.
#[derive(Debug, Clone, Copy, Default)]
struct HostConfig {
    memory: Option<i64>,
    memory_swap: Option<i64>,
    nano_cpus: Option<i64>,
    cpu_quota: Option<i64>,
    cpu_period: Option<i64>,
}

impl HostConfig {
    /// Of the answer to an inspection.
    fn of(answer: &Value) -> Self {
        let unread = Unread::default();
        let host = Field::new(answer, &unread).object("HostConfig");
        HostConfig {
            memory: host.int("Memory"),
            memory_swap: host.int("MemorySwap"),
            nano_cpus: host.int("NanoCpus"),
            cpu_quota: host.int("CpuQuota"),
            cpu_period: host.int("CpuPeriod"),
        }
    }
}

/// Sets them; gives those that were in force before.
pub(super) async fn set(
    client: &EngineClient,
    docker: &Docker,
    id: &str,
    limits: ContainerLimits,
) -> Result<ContainerLimits, EngineError> {
    let host = HostConfig::of(&client.json("the container", &format!("/containers/{id}/json"), ONE).await?);
    let mut limits = limits;
    if limits.nano_cpus == Some(0) && host.nano_cpus.is_some_and(|n| n > 0) {
        // A limit in cores cannot be taken away while the container runs: all cores there are come to the same.
        let info = client.json("what it says of itself", "/info", ONE).await?;
        let cores = Field::new(&info, &Unread::default()).int("NCPU");
        limits.nano_cpus = cores.map(|cores| cores.saturating_mul(1_000_000_000));
    }
    let updated = docker.update_container(id, body(limits, &host)).await;
    updated.map_err(|error| EngineError::of_operation(&error))?;
    let before = in_force(&host);
    Ok(ContainerLimits {
        nano_cpus: limits.nano_cpus.map(|_| before.nano_cpus.unwrap_or(0)),
        memory: limits.memory.and(before.memory),
    })
}

/// What the engine says is in force.
fn in_force(host: &HostConfig) -> ContainerLimits {
    let real = |bytes: Option<i64>| bytes.filter(|b| *b > 0 && *b < NO_LIMIT_FROM);
    let period = host.cpu_period.filter(|p| *p > 0).unwrap_or(PERIOD_US);
    let quota = host.cpu_quota.filter(|q| *q > 0).map(|quota| quota.saturating_mul(1_000_000_000) / period);
    let nano = host.nano_cpus.filter(|n| *n > 0).or(quota);
    ContainerLimits {
        nano_cpus: Some(nano.unwrap_or(0)),
        memory: Some((real(host.memory).unwrap_or(0), real(host.memory_swap).unwrap_or(SWAP_UNLIMITED))),
    }
}

/// The request. A quota is used unless the container has a limit in cores: only a quota can be taken away again.
fn body(limits: ContainerLimits, host: &HostConfig) -> ContainerUpdateBody {
    let mut body = ContainerUpdateBody::default();
    if let Some((memory, both)) = limits.memory {
        body.memory = Some(if memory > 0 { memory } else { NO_LIMIT });
        // Without a memory limit there is none on swap, and then `-1` would leave the old one in force.
        body.memory_swap = Some(if memory > 0 { both } else { NO_LIMIT });
    }
    if let Some(nano) = limits.nano_cpus {
        if host.nano_cpus.is_some_and(|n| n > 0) {
            body.nano_cpus = Some(nano);
        } else if nano <= 0 {
            body.cpu_quota = Some(-1);
        } else {
            let period = host.cpu_period.filter(|p| *p > 0).unwrap_or(PERIOD_US);
            body.cpu_quota = Some((i128::from(nano) * i128::from(period) / 1_000_000_000) as i64);
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: i64 = 1 << 20;

    fn host(memory: i64, both: i64, nano: i64, quota: i64) -> HostConfig {
        HostConfig {
            memory: Some(memory),
            memory_swap: Some(both),
            nano_cpus: Some(nano),
            cpu_quota: Some(quota),
            ..HostConfig::default()
        }
    }

    #[test]
    fn a_limit_is_taken_away_in_the_engines_way() {
        let none = ContainerLimits { nano_cpus: Some(0), memory: Some((0, SWAP_UNLIMITED)) };
        let request = body(none, &host(64 * MIB, 64 * MIB, 0, 50_000));
        assert_eq!((request.memory, request.memory_swap), (Some(NO_LIMIT), Some(NO_LIMIT)));
        assert_eq!((request.cpu_quota, request.nano_cpus), (Some(-1), None));
        assert_eq!(in_force(&host(NO_LIMIT, NO_LIMIT, 0, -1)), none, "and is read as none");
    }

    #[test]
    fn cpus_keep_the_form_that_is_in_force() {
        let half = ContainerLimits { nano_cpus: Some(500_000_000), memory: None };
        assert_eq!(body(half, &host(0, 0, 0, 0)).cpu_quota, Some(50_000));
        assert_eq!(body(half, &host(0, 0, 2_000_000_000, 0)).nano_cpus, Some(500_000_000));
        let zero = HostConfig { cpu_period: Some(0), ..host(0, 0, 0, 0) };
        assert_eq!(body(half, &zero).cpu_quota, Some(50_000), "0 is the period of 100 ms that the kernel begins with");
        let slow = HostConfig { cpu_period: Some(20_000), ..host(0, 0, 0, 40_000) };
        assert_eq!(body(half, &slow).cpu_quota, Some(10_000));
        assert_eq!(in_force(&slow).nano_cpus, Some(2_000_000_000));
    }

    #[test]
    fn what_is_in_force_is_read_in_either_form() {
        let answer = serde_json::json!({ "HostConfig": {
            "Memory": 64 * MIB, "MemorySwap": 128 * MIB, "NanoCpus": 1_500_000_000_i64, "CpuQuota": 5, "CpuPeriod": 7,
        }});
        let limits = in_force(&HostConfig::of(&answer));
        assert_eq!(limits, ContainerLimits { nano_cpus: Some(1_500_000_000), memory: Some((64 * MIB, 128 * MIB)) });
        assert_eq!(
            in_force(&HostConfig::default()),
            ContainerLimits { nano_cpus: Some(0), memory: Some((0, SWAP_UNLIMITED)) }
        );
        // 5 of 7 microseconds.
        let quota = HostConfig { cpu_period: Some(7), ..host(0, 0, 0, 5) };
        assert_eq!(in_force(&quota).nano_cpus, Some(714_285_714));
        assert_eq!(in_force(&host(NO_LIMIT_FROM - 1, 0, 0, 0)).memory, Some((NO_LIMIT_FROM - 1, SWAP_UNLIMITED)));
        assert_eq!(in_force(&host(NO_LIMIT_FROM, 0, 0, 0)).memory, Some((0, SWAP_UNLIMITED)));
    }

    #[test]
    fn only_what_is_to_change_is_asked_for() {
        let request = body(ContainerLimits::default(), &host(MIB, MIB, 1, 1));
        assert_eq!(
            (request.memory, request.memory_swap, request.nano_cpus, request.cpu_quota),
            (None, None, None, None)
        );
        let memory = ContainerLimits { nano_cpus: None, memory: Some((64 * MIB, 96 * MIB)) };
        let request = body(memory, &host(0, 0, 0, 0));
        assert_eq!((request.memory, request.memory_swap), (Some(64 * MIB), Some(96 * MIB)));
    }
}
