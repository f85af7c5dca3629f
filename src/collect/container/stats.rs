//! The engine's own counters, for containers whose control groups cannot be read here: those of another machine, and
//! those without a group of their own.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::{
    model::container::Usage,
    sys::{
        engine::{EngineClient, EngineError, ONE},
        json::{Field, Unread},
    },
};

/// Containers asked for concurrently.
const ABREAST: usize = 8;
/// Interfaces and disks read per container.
const MANY: usize = 512;

/// One answer per container; one that ended meanwhile has none.
///
/// # Errors
/// If the connection to the engine is lost.
pub(super) async fn of(client: &EngineClient, ids: Vec<String>) -> Result<BTreeMap<String, Usage>, EngineError> {
    let questions = stream::iter(ids).map(|id| async move {
        let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
        let answer = client.json("the figures of a container", &path, ONE).await;
        (id, answer)
    });
    let answers: Vec<_> = questions.buffer_unordered(ABREAST).collect().await;
    let mut usages = BTreeMap::new();
    for (id, answer) in answers {
        match answer {
            Ok(answer) => drop(usages.insert(id, usage(&answer))),
            // One that hangs does not mean that the engine is lost: a ping runs beside this.
            Err(error) if error.is_of_one_answer() || error.is_late() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(usages)
}

fn usage(answer: &Value) -> Usage {
    let unread = Unread::default();
    let fields = Field::new(answer, &unread);
    let (cpu, memory) = (fields.object("cpu_stats"), fields.object("memory_stats"));
    // Without reclaimable file cache, as Docker's own client shows it: version 2 calls it inactive_file, version 1
    // total_.
    let counted = memory.object("stats");
    let cache = counted.count("total_inactive_file").or_else(|| counted.count("inactive_file")).unwrap_or(0);
    let throttling = cpu.object("throttling_data");
    let networks: Vec<Field<'_>> = fields.fields("networks", MANY).map(|(_, network)| network).collect();
    let network = |name: &str| -> Option<u64> {
        let all = networks.iter().map(|network| network.count(name));
        all.reduce(|sum, bytes| Some(sum?.saturating_add(bytes?))).flatten()
    };
    let blocks = fields.object("blkio_stats");
    Usage {
        cpu_us: cpu.object("cpu_usage").count("total_usage").map(|nanoseconds| nanoseconds / 1000),
        throttled_periods: throttling.count("throttled_periods").zip(throttling.count("periods")),
        memory_bytes: memory.count("usage").map(|bytes| bytes.saturating_sub(cache)),
        memory_limit: memory.count("limit"),
        pids: fields.object("pids_stats").count("current"),
        read_bytes: moved(&blocks, "read"),
        written_bytes: moved(&blocks, "write"),
        rx_bytes: network("rx_bytes"),
        tx_bytes: network("tx_bytes"),
        counted_unix_ms: fields
            .text("read")
            .and_then(|at| at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)),
    }
}

fn moved(blocks: &Field<'_>, way: &str) -> Option<u64> {
    let entries: Vec<Field<'_>> = blocks.list("io_service_bytes_recursive", MANY).collect();
    let of_way = entries.iter().filter(|e| e.text("op").is_some_and(|op| op.eq_ignore_ascii_case(way)));
    let all = of_way.filter_map(|entry| entry.count("value")).fold(0, u64::saturating_add);
    blocks.has("io_service_bytes_recursive").then_some(all)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_excludes_file_cache() {
        let answer: Value = serde_json::from_str(
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
        assert_eq!(usage(&answer), expected);
    }

    #[test]
    fn figures_may_be_missing_or_of_version_one() {
        let of = |answer: serde_json::Value| usage(&answer);
        assert_eq!(of(serde_json::json!({})), Usage::default());
        let memory = |stats: serde_json::Value| {
            of(serde_json::json!({"memory_stats": {"usage": 100, "stats": stats}})).memory_bytes
        };
        assert_eq!(memory(serde_json::json!({"total_inactive_file": 30, "inactive_file": 1})), Some(70));
        assert_eq!(
            (memory(serde_json::json!({})), memory(serde_json::json!({"inactive_file": 101}))),
            (Some(100), Some(0))
        );
        let traffic = |networks: serde_json::Value| {
            let usage = of(serde_json::json!({"networks": networks}));
            (usage.rx_bytes, usage.tx_bytes)
        };
        let half = serde_json::json!({"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 4}});
        assert_eq!(traffic(half), (Some(5), None), "a part is not the whole");
        let disks = |blocks: serde_json::Value| {
            let usage = of(serde_json::json!({"blkio_stats": blocks}));
            (usage.read_bytes, usage.written_bytes)
        };
        assert_eq!(disks(serde_json::json!({"io_service_bytes_recursive": []})), (Some(0), Some(0)));
        assert_eq!(disks(serde_json::json!({"io_service_bytes_recursive": null})), (None, None));
    }

    #[tokio::test]
    async fn one_container_without_figures_costs_no_other() {
        use crate::sys::engine::testing::{FakeEngine, VERSION, gives};
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/containers/aa/stats", gives(r#"{"pids_stats":{"current":3}}"#)),
            ("/containers/bb/stats", gives("<html>")),
            ("/containers/dd/stats", std::sync::Arc::new(|_| {})),
        ]);
        let client = EngineClient::connect(&engine.address()).await.expect("an engine");
        let of = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let usages = super::of(&client, of(&["aa", "bb", "cc"])).await.expect("an answer of each");
        assert_eq!(usages, BTreeMap::from([("aa".into(), Usage { pids: Some(3), ..Usage::default() })]));
        assert!(super::of(&client, of(&["aa", "dd"])).await.is_err(), "the connection was lost");
    }
}
