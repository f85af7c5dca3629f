//! Values as people write them, read into values as the program means them. A fault is noted with its place and a hint,
//! and reading goes on, so that one run finds them all.

use std::time::Duration;

use super::{
    known::Known,
    tree::{At, Node},
};
use crate::{diag::did_you_mean, units};

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset in the file; 0 for a variable or a flag.
    pub offset: usize,
    /// The object, the value, the rule.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// One value at a time, of the setting `path`.
pub struct Reading<'a> {
    /// Names that only the upper floors know.
    pub known: &'a Known,
    /// The setting.
    pub path: &'static str,
    /// The value is text from outside a file: `yes` may be true and `a,b` a list.
    pub loose: bool,
    /// What was wrong so far.
    pub faults: Vec<Fault>,
}

impl Reading<'_> {
    /// Notes a fault.
    pub fn wrong(&mut self, offset: usize, what: impl Into<String>, hint: Option<String>) {
        self.faults.push(Fault { offset, what: what.into(), hint });
    }

    fn not(&mut self, value: &At<Node>, wanted: &str, hint: Option<String>) {
        self.wrong(value.offset, format!("`{}` is {}, not {wanted}", self.path, value.value.kind()), hint);
    }

    /// A span of time: `"500ms"`, `"2s"`, or a number of seconds.
    pub fn span(&mut self, value: &At<Node>, least: Duration, most: Duration) -> Option<Duration> {
        let example = "write it like \"500ms\", \"2s\" or \"1m\"";
        let written = match &value.value {
            Node::Text(text) => text.clone(),
            Node::Whole(number) => number.to_string(),
            Node::Real(number) => number.to_string(),
            _ => {
                self.not(value, "a duration", Some(example.to_owned()));
                return None;
            }
        };
        let Some(span) = units::parse_span(&written) else {
            self.wrong(
                value.offset,
                format!("`{}`: `{written}` is not a duration", self.path),
                Some(example.to_owned()),
            );
            return None;
        };
        if !(least..=most).contains(&span) {
            let (side, bound) = if span < least { ("less", least) } else { ("more", most) };
            let what = format!("`{}`: `{written}` is {side} than {}", self.path, exact(bound));
            self.wrong(value.offset, what, Some(format!("from {} to {}", exact(least), exact(most))));
            return None;
        }
        Some(span)
    }

    /// True or false.
    pub fn flag(&mut self, value: &At<Node>) -> Option<bool> {
        let read = match &value.value {
            Node::Flag(flag) => return Some(*flag),
            Node::Text(text) if self.loose => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if read.is_none() {
            let hint = match &value.value {
                Node::Text(text) if matches!(text.as_str(), "true" | "false") => {
                    Some(format!("write {text} without quotes"))
                }
                _ => None,
            };
            match &value.value {
                Node::Text(text) => {
                    self.wrong(value.offset, format!("`{}`: `{text}` is not true or false", self.path), hint);
                }
                _ => self.not(value, "true or false", hint),
            }
        }
        read
    }

    /// A text that is not empty.
    pub fn text(&mut self, value: &At<Node>) -> Option<String> {
        match &value.value {
            Node::Text(text) if text.is_empty() => {
                self.wrong(value.offset, format!("`{}` is empty", self.path), None);
                None
            }
            Node::Text(text) => Some(text.clone()),
            _ => {
                self.not(value, "a string", None);
                None
            }
        }
    }

    /// One of `words`, by its index. Whole numbers count as words.
    pub fn word(&mut self, value: &At<Node>, words: &[&str]) -> Option<usize> {
        let written = match &value.value {
            Node::Whole(number) => number.to_string(),
            _ => self.text(value)?,
        };
        let found = words.iter().position(|w| *w == written);
        if found.is_none() {
            let what = format!("`{}`: `{written}` is not one of {}", self.path, words.join(", "));
            let near = did_you_mean(&written.to_ascii_lowercase(), words.iter().copied());
            self.wrong(value.offset, what, near.map(|near| format!("did you mean `{near}`?")));
        }
        found
    }

    /// A list of texts. From outside a file: parted by commas.
    pub fn texts(&mut self, value: &At<Node>) -> Option<Vec<At<String>>> {
        let items = match &value.value {
            Node::List(items) => items,
            Node::Text(text) if self.loose => {
                let parts = text.split(',').map(str::trim).filter(|t| !t.is_empty());
                return Some(parts.map(|t| At { offset: 0, value: t.to_owned() }).collect());
            }
            Node::Text(text) => {
                let hint = format!("write it as a list: [\"{text}\"]");
                self.not(value, "a list", Some(hint));
                return None;
            }
            _ => {
                self.not(value, "a list of strings", None);
                return None;
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            texts.push(At { offset: item.offset, value: self.text(item)? });
        }
        Some(texts)
    }

    /// A list of names, each of `names`, none twice. `kind` is what they name.
    pub fn names(&mut self, value: &At<Node>, kind: &str, names: &[&str]) -> Option<Vec<String>> {
        let texts = self.texts(value)?;
        let before = self.faults.len();
        let mut out: Vec<String> = Vec::with_capacity(texts.len());
        for text in texts {
            self.name(&text, kind, names);
            if out.contains(&text.value) {
                self.wrong(text.offset, format!("`{}`: {kind} `{}` is named twice", self.path, text.value), None);
            }
            out.push(text.value);
        }
        (self.faults.len() == before).then_some(out)
    }

    /// One name of `names`.
    pub fn name(&mut self, text: &At<String>, kind: &str, names: &[&str]) {
        if names.contains(&text.value.as_str()) {
            return;
        }
        let hint = match did_you_mean(&text.value, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", names.join(", ")),
        };
        self.wrong(text.offset, format!("`{}`: no {kind} `{}`", self.path, text.value), Some(hint));
    }
}

/// A span without loss: `500ms`, `1s`, `1m`, `1h`, `1d`.
#[must_use]
pub fn exact(span: Duration) -> String {
    let ms = span.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m")];
    match units.into_iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        None => format!("{ms}ms"),
    }
}
