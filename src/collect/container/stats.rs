//! What an engine counts itself, for containers whose control groups cannot be read here: those of another machine.

use std::collections::BTreeMap;

use bollard::{
    Docker,
    errors::Error,
    models::{ContainerBlkioStats, ContainerStatsResponse},
    query_parameters::StatsOptions,
};
use futures_util::{StreamExt, stream};

use crate::model::container::Usage;

/// So many containers are asked for at once.
const ABREAST: usize = 8;

/// One answer for each of these containers; one that ended meanwhile has none.
///
/// # Errors
/// When the engine itself is lost.
pub(super) async fn of(docker: &Docker, ids: Vec<String>) -> Result<BTreeMap<String, Usage>, Error> {
    let questions = stream::iter(ids).map(|id| async move {
        let options = StatsOptions { stream: false, one_shot: true };
        let answer = docker.stats(&id, Some(options)).next().await;
        (id, answer)
    });
    let answers: Vec<_> = questions.buffer_unordered(ABREAST).collect().await;
    let mut usages = BTreeMap::new();
    for (id, answer) in answers {
        match answer {
            Some(Ok(answer)) => drop(usages.insert(id, usage(answer))),
            None | Some(Err(Error::DockerResponseServerError { .. } | Error::JsonDataError { .. })) => {}
            Some(Err(error)) => return Err(error),
        }
    }
    Ok(usages)
}

fn usage(answer: ContainerStatsResponse) -> Usage {
    let cpu = answer.cpu_stats.unwrap_or_default();
    let memory = answer.memory_stats.unwrap_or_default();
    // Without file cache that may go, as its own client shows it: version 2 calls it inactive_file, version 1 total_.
    let counted = memory.stats.unwrap_or_default();
    let cache = counted.get("total_inactive_file").or_else(|| counted.get("inactive_file")).copied().unwrap_or(0);
    let throttling = cpu.throttling_data.unwrap_or_default();
    let networks = answer.networks.unwrap_or_default();
    let network = |of: fn(&bollard::models::ContainerNetworkStats) -> Option<u64>| {
        networks.values().map(of).try_fold(0u64, |sum, bytes| Some(sum + bytes?)).filter(|_| !networks.is_empty())
    };
    let blocks = answer.blkio_stats.unwrap_or_default();
    Usage {
        cpu_us: cpu.cpu_usage.and_then(|usage| usage.total_usage).map(|nanoseconds| nanoseconds / 1000),
        throttled_periods: throttling.throttled_periods.zip(throttling.periods),
        memory_bytes: memory.usage.map(|bytes| bytes.saturating_sub(cache)),
        memory_limit: memory.limit,
        pids: answer.pids_stats.and_then(|pids| pids.current),
        read_bytes: moved(&blocks, "read"),
        written_bytes: moved(&blocks, "write"),
        rx_bytes: network(|n| n.rx_bytes),
        tx_bytes: network(|n| n.tx_bytes),
        counted_unix_ms: answer
            .read
            .map(|at| at.to_string())
            .and_then(|at| at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)),
    }
}

fn moved(blocks: &ContainerBlkioStats, way: &str) -> Option<u64> {
    let entries = blocks.io_service_bytes_recursive.as_ref()?;
    let of_way = entries.iter().filter(|entry| entry.op.as_deref().is_some_and(|op| op.eq_ignore_ascii_case(way)));
    Some(of_way.filter_map(|entry| entry.value).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_without_file_cache_and_times_are_the_engines() {
        let answer: ContainerStatsResponse = serde_json::from_str(
            r#"{"read":"2026-11-24T10:00:00.5Z","pids_stats":{"current":3},
              "blkio_stats":{"io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":10},{"major":8,"minor":0,"op":"Write","value":7},{"major":8,"minor":1,"op":"read","value":5}]},
              "cpu_stats":{"cpu_usage":{"total_usage":5000000},"throttling_data":{"periods":10,"throttled_periods":4,"throttled_time":9}},
              "memory_stats":{"usage":100,"limit":400,"stats":{"inactive_file":30}},
              "networks":{"eth0":{"rx_bytes":11,"tx_bytes":12},"eth1":{"rx_bytes":1,"tx_bytes":2}}}"#,
        )
        .expect("an answer");
        let expected = Usage {
            cpu_us: Some(5000),
            throttled_periods: Some((4, 10)),
            memory_bytes: Some(70),
            memory_limit: Some(400),
            pids: Some(3),
            read_bytes: Some(15),
            written_bytes: Some(7),
            rx_bytes: Some(12),
            tx_bytes: Some(14),
            counted_unix_ms: Some(1_795_514_400_500),
        };
        assert_eq!(usage(answer), expected);
    }
}
