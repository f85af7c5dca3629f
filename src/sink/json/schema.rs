//! The form of the document, derived from its types. The test writes it into `assets/once.schema.json` and holds that file
//! against it, so that neither can change without the other.

use std::fs;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Report, SCHEMA};
use crate::model::{metrics::METRICS, source::SourceId};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/once.schema.json");
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

/// Endings of the names of figures that are never below zero.
const NOT_NEGATIVE: [&str; 6] = ["_ratio", "_seconds", "_per_second", "_cores", "_watts", "_joules"];

fn derived() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Report<'static>>().to_value();
    strict(&mut schema);
    let more = [("", json!({"title": TITLE, "description": ABOUT}))];
    for (path, more) in more.into_iter().chain(constraints()) {
        let words = path.split('/').filter(|word| !word.is_empty());
        let place = words.fold(&mut schema, |at, word| {
            let object = if at.get("items").is_some() { &mut at["items"] } else { at };
            object["properties"].get_mut(word).unwrap_or_else(|| panic!("no property {path}"))
        });
        let (Value::Object(place), Value::Object(more)) = (place, more) else { panic!("{path} is no schema") };
        place.extend(more);
    }
    schema
}

/// An absent figure is left out, so nothing is ever null; and nothing is there that the form does not name.
fn strict(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(strict),
        Value::Object(map) => {
            map.remove("format");
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [name] = &types[..] {
                    let name = name.clone();
                    map.insert("type".to_owned(), name);
                }
            }
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|one| one["type"] != "null");
                if let [Value::Object(one)] = &any[..] {
                    let one = one.clone();
                    map.remove("anyOf");
                    map.extend(one);
                }
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for (name, property) in properties {
                    let number = property["type"] == "number" || property["type"][0] == "number";
                    if number && NOT_NEGATIVE.iter().any(|ending| name.ends_with(ending)) {
                        property["minimum"] = 0.into();
                    }
                }
                map.insert("additionalProperties".to_owned(), false.into());
            }
            map.values_mut().for_each(strict);
        }
        _ => {}
    }
}

#[test]
fn schema_file_is_what_the_types_say() {
    let text = format!("{:#}\n", derived());
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(FILE, &text).expect("written");
    }
    let file = fs::read_to_string(FILE).expect("the file");
    assert!(file == text, "the form has changed: INSTA_UPDATE=always cargo test --lib schema_file writes it");
}
