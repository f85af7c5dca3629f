//! Values as JSON in a column, and words without quotes.

use serde::{Serialize, de::DeserializeOwned};

/// Every type that is kept is written as JSON without fail; a sample that is no number becomes null, which is not read
/// back.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub fn from_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// The name of a variant, without the quotes that it has in JSON.
pub fn word(value: &impl Serialize) -> String {
    json(value).trim_matches('"').to_owned()
}

pub fn from_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    from_json(&format!("\"{word}\""))
}
