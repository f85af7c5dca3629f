//! The form of the document, with what its types do not say.

use serde_json::json;

use super::{Document, SCHEMA};
use crate::sink::schema;

const TITLE: &str = "benchtop bench --json";
const ABOUT: &str = "Results of benchmarks. Base units throughout: bytes, seconds, ratios from 0 to 1. An absent value is left out, never 0.";

#[test]
fn schema_file_is_what_the_types_say() {
    let constraints = vec![("schema", json!({"const": SCHEMA})), ("runs/samples", json!({"minItems": 1}))];
    schema::check("bench.schema.json", &schema::derived::<Document<'static>>(TITLE, ABOUT, constraints));
}
