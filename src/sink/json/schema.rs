//! The form of the document: `assets/once.schema.json`.

use serde_json::{Value, json};

use super::{Report, SCHEMA};
use crate::{
    model::{metrics::METRICS, source::SourceId},
    sink::schema,
};

const TITLE: &str = "benchtop once --json";
const ABOUT: &str = "One sample of the machine. Base units throughout: bytes, seconds, ratios from 0 to 1. An absent value is left out, never 0.";

/// What the types do not say, by the way through the properties.
fn constraints() -> Vec<(&'static str, Value)> {
    let share = || json!({"maximum": 1});
    let mut units: Vec<&str> = METRICS.iter().map(|metric| metric.unit.name()).collect();
    units.sort_unstable();
    units.dedup();
    let sources: Vec<&str> = SourceId::ALL.iter().map(|source| source.name()).collect();
    let states = ["live", "stale", "absent", "denied", "timeout", "broken", "waiting"];
    vec![
        ("schema", json!({"const": SCHEMA})),
        ("sources/id", json!({"enum": sources})),
        ("sources/state", json!({"enum": states})),
        ("metrics/id", json!({"pattern": "^[a-z][a-z0-9_]*$"})),
        ("metrics/unit", json!({"enum": units})),
        ("processes/nice", json!({"minimum": -20, "maximum": 19})),
        ("containers/health", json!({"enum": ["starting", "healthy", "unhealthy"]})),
        ("pools/scan/done_ratio", share()),
        ("pools/vdevs/class", json!({"enum": ["data", "special", "dedup", "log", "cache", "spare"]})),
        ("services/state", json!({"enum": ["waiting", "up", "slow", "down", "unjudged", "paused"]})),
        ("services/error_ratio", share()),
        ("services/ping_loss_ratio", share()),
        ("pools/datasets/compress_ratio", json!({"minimum": 1})),
        ("gpus/state", json!({"enum": ["up", "asleep", "unreadable", "lost"]})),
        ("gpus/busy_ratio", share()),
        ("gpus/memory_busy_ratio", share()),
        ("gpus/encoder_ratio", share()),
        ("gpus/decoder_ratio", share()),
        ("gpus/processes/kind", json!({"enum": ["compute", "graphics"]})),
        ("gpus/processes/owner/kind", json!({"enum": ["container", "pod", "guest", "unit", "program"]})),
        ("gpus/processes/busy_ratio", share()),
    ]
}

#[test]
fn schema_file_is_what_the_types_say() {
    schema::check("once.schema.json", &schema::derived::<Report<'static>>(TITLE, ABOUT, constraints()));
}
