//! Parts of the answers of all: fields of JSON that may be missing, of another kind, or hostile.

use std::time::Duration;

use serde_json::Value;

use crate::{clock::Stamp, text::clean};

/// Models of one server that are read, and slots of one model.
pub const MODELS: usize = 500;
/// Letters of a name.
const NAME: usize = 120;

/// Text, cleaned and short; an empty one is none.
pub fn text(of: &Value, name: &str) -> Option<String> {
    let text: String = of.get(name)?.as_str()?.chars().take(NAME).collect();
    Some(clean(&text).into_owned()).filter(|text| !text.is_empty())
}

/// A whole number that is not negative.
pub fn count(of: &Value, name: &str) -> Option<u64> {
    let value = of.get(name)?;
    value.as_u64().or_else(|| value.as_f64().filter(|v| *v >= 0.0 && *v < 1e18).map(|v| v as u64))
}

/// The entries of a list that are understood.
pub fn list<T>(of: &Value, name: &str, each: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let entries = if name.is_empty() { of.as_array() } else { of.get(name).and_then(Value::as_array) };
    entries.into_iter().flatten().take(MODELS).filter_map(each).collect()
}

/// `7.6B`, `213K`, `97.54M`: weights.
pub fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let scale = match text.chars().last()?.to_ascii_uppercase() {
        'K' => 1e3,
        'M' => 1e6,
        'B' => 1e9,
        'T' => 1e12,
        _ => return text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0),
    };
    let value: f64 = text[..text.len() - 1].trim().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some(value * scale)
}

/// A name as part of a query.
pub fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// What is asked again only after a while.
#[derive(Debug, Default)]
pub struct Due(Option<Stamp>);

impl Due {
    pub fn is_due(&self, at: Stamp, after: Duration) -> bool {
        self.0.is_none_or(|last| at.since(last) >= after)
    }

    pub fn done(&mut self, at: Stamp) {
        self.0 = Some(at);
    }
}

#[cfg(test)]
pub mod testing {
    /// A recorded answer.
    pub fn fixture(path: &str) -> Vec<u8> {
        std::fs::read(format!("tests/fixtures/llm/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_models_are_numbers() {
        let found = ["7.6B", "213K", "97.54M", "1t", "5", "", "B", "-1B", "many"].map(quantity);
        let expected = [Some(7.6e9), Some(213e3), Some(97.54e6), Some(1e12), Some(5.0), None, None, None, None];
        assert_eq!(found, expected);
        assert_eq!(
            ["2 m", " 3 K ", "0", "0K", "inf", "infK", "nan", "1e300"].map(quantity),
            [Some(2e6), Some(3e3), None, None, None, None, None, Some(1e300)]
        );
    }

    #[test]
    fn fields_are_what_they_should_be_or_not_there() {
        let of: Value = serde_json::from_str(
            r#"{"a":"x\u001by","empty":"","n":7,"real":7.9,"neg":-1,"negreal":-0.5,"great":1e18,"less":9e17,"t":true}"#,
        )
        .expect("JSON");
        assert_eq!(["a", "empty", "n", "none"].map(|name| text(&of, name)), [Some("x?y".into()), None, None, None]);
        let long = serde_json::json!({ "a": "é".repeat(200) });
        assert_eq!(text(&long, "a"), Some("é".repeat(120)));
        let counts = ["n", "real", "neg", "negreal", "great", "less", "t", "none"].map(|name| count(&of, name));
        let expected = [Some(7), Some(7), None, None, None, Some(900_000_000_000_000_000), None, None];
        assert_eq!(counts, expected);
    }

    #[test]
    fn what_was_asked_is_due_again_after_a_while() {
        let (mut due, after) = (Due::default(), Duration::from_secs(9));
        assert!(due.is_due(Stamp::at_seconds(0), after));
        due.done(Stamp::at_seconds(1));
        assert_eq!([9, 10, 11].map(|second| due.is_due(Stamp::at_seconds(second), after)), [false, true, true]);
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_a_query() {
        assert_eq!(encoded("a/b:q4&autoload=true"), "a%2Fb%3Aq4%26autoload%3Dtrue");
    }
}
