//! JSON of others, read field by field: one that is not what it should be costs itself alone, and is named.

use std::{cell::RefCell, fmt};

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::{Value, value::RawValue};

use crate::text::clean;

/// So many fields that were not understood are named, the rest are not.
const NAMED: usize = 8;
/// Letters of a value that are shown.
const SHOWN: usize = 40;

/// What was not understood, each as `State.Pid: "x", a number was expected`.
#[derive(Debug, Default)]
pub struct Unread(RefCell<Vec<String>>);

impl Unread {
    fn add(&self, path: &str, name: &str, value: &Value, expected: &str) {
        let mut all = self.0.borrow_mut();
        if all.len() < NAMED {
            let dot = if path.is_empty() || name.is_empty() { "" } else { "." };
            all.push(format!("{}{dot}{}: {}, {expected} was expected", short(path), short(name), shown(value)));
        }
    }

    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// The value as JSON, in few letters: a long one is no use in a message, and walking through it costs time.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => format!("\"{}\"", short(text)),
        other => other.to_string(),
    }
}

fn short(text: &str) -> String {
    let text: String = text.chars().take(SHOWN).collect();
    clean(&text).into_owned()
}

static NULL: Value = Value::Null;

/// A value with its place in the answer.
#[derive(Clone)]
pub struct Field<'a> {
    value: &'a Value,
    path: String,
    unread: &'a Unread,
}

impl<'a> Field<'a> {
    /// The whole of an answer.
    #[must_use]
    pub fn new(value: &'a Value, unread: &'a Unread) -> Self {
        Field { value, path: String::new(), unread }
    }

    fn wrong(&self, name: &str, value: &Value, expected: &str) {
        self.unread.add(&self.path, name, value, expected);
    }

    /// The value of a field; `null` where there is none.
    fn value(&self, name: &str) -> &'a Value {
        match self.value {
            Value::Object(fields) => fields.get(name).unwrap_or(&NULL),
            _ => &NULL,
        }
    }

    fn below(&self, name: &str, value: &'a Value) -> Field<'a> {
        let dot = if self.path.is_empty() { "" } else { "." };
        Field { value, path: format!("{}{dot}{name}", self.path), unread: self.unread }
    }

    /// An object below; without fields where there is none.
    #[must_use]
    pub fn object(&self, name: &str) -> Field<'a> {
        let value = self.value(name);
        if !matches!(value, Value::Object(_) | Value::Null) {
            self.wrong(name, value, "an object");
        }
        self.below(name, value)
    }

    /// True where the field has a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !self.value(name).is_null()
    }

    /// Text; a number will do.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.wrong(name, other, "text");
                None
            }
        }
    }

    /// A whole number; text that is one will do.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        let value = self.value(name);
        let number = match value {
            Value::Null => return None,
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_u64().map(|_| i64::MAX))
                .or_else(|| number.as_f64().map(|float| float as i64)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(name, value, "a number");
        }
        number
    }

    /// A count: a whole number that is not negative.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Value::Number(number) if number.is_u64() => number.as_u64(),
            _ => self.int(name).and_then(|number| u64::try_from(number).ok()),
        }
    }

    /// A number that need not be whole.
    #[must_use]
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.value(name) {
            Value::Null => None,
            Value::Number(number) => number.as_f64(),
            other => {
                self.wrong(name, other, "a number");
                None
            }
        }
    }

    /// Yes or no.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name) {
            Value::Null => None,
            Value::Bool(yes) => Some(*yes),
            other => {
                self.wrong(name, other, "true or false");
                None
            }
        }
    }

    /// A word that is not among those that are known.
    pub fn unknown(&self, name: &str, expected: &str) {
        self.wrong(name, self.value(name), expected);
    }

    /// The entries of a list, at most `most`.
    pub fn list(&self, name: &str, most: usize) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.below(name, self.value(name)).entries(most)
    }

    /// The entries of this list, at most `most`.
    pub fn entries(self, most: usize) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let entries: &[Value] = match self.value {
            Value::Array(entries) => entries,
            Value::Null => &[],
            other => {
                self.wrong("", other, "a list");
                &[]
            }
        };
        entries.iter().enumerate().take(most).map(move |(at, value)| Field {
            value,
            path: format!("{}[{at}]", self.path),
            unread: self.unread,
        })
    }

    /// The fields of an object, at most `most`, with their names.
    pub fn fields(&self, name: &str, most: usize) -> impl Iterator<Item = (&'a str, Field<'a>)> + use<'a> {
        let object = self.object(name);
        let fields = match object.value {
            Value::Object(fields) => Some(fields),
            _ => None,
        };
        fields.into_iter().flatten().take(most).map(move |(name, value)| (name.as_str(), object.below(name, value)))
    }

    /// This value as text.
    #[must_use]
    pub fn as_text(&self) -> Option<&'a str> {
        match self.value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => {
                self.wrong("", other, "text");
                None
            }
        }
    }

    /// The entries of a list below, as text.
    #[must_use]
    pub fn texts(&self, name: &str, most: usize) -> Vec<&'a str> {
        self.list(name, most).filter_map(|entry| entry.as_text()).collect()
    }
}

/// Gives each entry of a list to `each`, at most `most` of them and none that is longer than `longest` bytes, without
/// holding more than one; returns how many the list has.
///
/// # Errors
/// When it is not JSON or no list. `null` is an empty one: that is how Go writes it.
pub fn each_of_list(
    body: &[u8],
    most: usize,
    longest: usize,
    each: impl FnMut(Value),
) -> Result<usize, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let count = reader.deserialize_any(Entries { most, longest, each })?;
    reader.end()?;
    Ok(count)
}

struct Entries<F> {
    most: usize,
    longest: usize,
    each: F,
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Entries<F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while count < self.most {
            let Some(entry) = list.next_element::<&RawValue>()? else { return Ok(count) };
            count += 1;
            if entry.get().len() <= self.longest
                && let Ok(value) = serde_json::from_str(entry.get())
            {
                (self.each)(value);
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_costs_itself_and_is_named() {
        let value: Value = serde_json::from_str(
            r#"{"Name":5,"State":{"Pid":"x","Since":"7","Up":1,"Big":18446744073709551615},"Args":["a",{},"b"],
                "Mounts":"no","Labels":{"a\u001b":[1]}}"#,
        )
        .expect("JSON");
        let unread = Unread::default();
        let all = Field::new(&value, &unread);
        assert_eq!(all.text("Name").as_deref(), Some("5"));
        let state = all.object("State");
        assert_eq!((state.int("Pid"), state.int("Since"), state.flag("Up")), (None, Some(7), None));
        assert_eq!((state.count("Big"), state.int("none")), (Some(u64::MAX), None));
        assert_eq!(all.texts("Args", 9), ["a", "b"]);
        assert_eq!(all.list("Mounts", 9).count(), 0);
        assert!(all.fields("Labels", 9).all(|(_, label)| label.as_text().is_none()));
        assert_eq!(
            unread.into_lines(),
            [
                "State.Pid: \"x\", a number was expected",
                "State.Up: 1, true or false was expected",
                "Args[1]: an object, text was expected",
                "Mounts: \"no\", a list was expected",
                "Labels.a?: a list, text was expected",
            ]
        );
    }

    #[test]
    fn what_is_named_is_bounded() {
        let value = serde_json::json!({"Args": vec![5; 1000], "x": "y".repeat(1000)});
        let unread = Unread::default();
        let all = Field::new(&value, &unread);
        assert_eq!((all.texts("Args", 900).len(), all.int("x")), (0, None));
        let lines = unread.into_lines();
        assert_eq!(lines.len(), NAMED);
        assert!(lines.iter().all(|line| line.len() < 200));
    }

    #[test]
    fn a_list_is_read_one_by_one_and_bounded() {
        let read = |body: &str| {
            let mut seen = Vec::new();
            let count = each_of_list(body.as_bytes(), 3, 8, |value| seen.push(value.to_string()));
            count.map(|count| (count, seen.join(" "))).map_err(|error| error.to_string())
        };
        assert_eq!(read(r#"[1, {"a":2}, "0123456789", 4, [5]]"#), Ok((5, r#"1 {"a":2}"#.to_owned())));
        assert_eq!(read("null"), Ok((0, String::new())));
        assert!(read("{}").is_err_and(|why| why.contains("expected a list")));
        assert!(read("[1").is_err() && read("[1] 2").is_err());
    }

    #[test]
    fn each_kind_of_value_is_read_as_it_may_be() {
        let value = serde_json::json!({
            "text": "7 ", "real": 7.9, "neg": -3, "yes": true, "null": null, "great": 18_446_744_073_709_551_615_u64,
            "list": [1, "b", null, "d"], "object": {"a": 1, "b": {"c": 2}},
        });
        let unread = Unread::default();
        let all = Field::new(&value, &unread);
        assert_eq!(["text", "null", "none", "list"].map(|name| all.has(name)), [true, false, false, true]);
        let names = ["text", "real", "neg", "great", "null", "none"];
        assert_eq!(names.map(|name| all.int(name)), [Some(7), Some(7), Some(-3), Some(i64::MAX), None, None]);
        assert_eq!(names.map(|name| all.count(name)), [Some(7), Some(7), None, Some(u64::MAX), None, None]);
        assert_eq!(["real", "neg", "null"].map(|name| all.float(name)), [Some(7.9), Some(-3.0), None]);
        assert_eq!(["real", "null"].map(|name| all.text(name)), [Some("7.9".to_owned()), None]);
        assert_eq!(["yes", "null"].map(|name| all.flag(name)), [Some(true), None]);
        assert_eq!((all.list("list", 2).count(), all.list("list", 9).count(), all.list("none", 9).count()), (2, 4, 0));
        let fields = |most| all.fields("object", most).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!((fields(1), fields(9), all.fields("none", 9).count()), (vec!["a"], vec!["a", "b"], 0));
        assert_eq!(all.object("object").object("b").int("c"), Some(2));
        assert_eq!(all.object("none").int("c"), None);
        assert!(unread.into_lines().is_empty(), "what may be so, or is not there, is no mistake");

        let unread = Unread::default();
        let all = Field::new(&value, &unread);
        all.unknown("text", "running or paused");
        assert_eq!((all.float("text"), all.text("list"), all.texts("list", 4)), (None, None, vec!["b", "d"]));
        assert_eq!(all.object("yes").int("x"), None);
        assert_eq!(all.fields("object", 9).last().map(|(_, field)| field.object("c").int("d")), Some(None));
        assert_eq!(
            unread.into_lines(),
            [
                "text: \"7 \", running or paused was expected",
                "text: \"7 \", a number was expected",
                "list: a list, text was expected",
                "list[0]: 1, text was expected",
                "yes: true, an object was expected",
                "object.b.c: 2, an object was expected",
            ]
        );
    }

    #[test]
    fn an_entry_may_be_as_long_as_its_limit() {
        let read = |most, longest| {
            let mut seen = Vec::new();
            let count = each_of_list(br#"["123456","1234567","a","b"]"#, most, longest, |value| seen.push(value));
            (count.expect("a list"), seen.len())
        };
        assert_eq!((read(9, 8), read(9, 9), read(2, 8), read(0, 8)), ((4, 3), (4, 4), (4, 1), (4, 0)));
    }
}
