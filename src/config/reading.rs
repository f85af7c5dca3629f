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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a value, and what is said of it.
    fn read<T>(value: Node, loose: bool, of: impl FnOnce(&mut Reading<'_>, &At<Node>) -> T) -> (T, Vec<String>) {
        let known = Known::nothing();
        let mut reading = Reading { known: &known, path: "key", loose, faults: Vec::new() };
        let value = of(&mut reading, &At { offset: 7, value });
        let said = |f: Fault| format!("{}: {} ({})", f.offset, f.what, f.hint.unwrap_or_default());
        (value, reading.faults.into_iter().map(said).collect())
    }

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    fn list(texts: &[&str]) -> Node {
        Node::List((10..).zip(texts).map(|(offset, item)| At { offset, value: text(item) }).collect())
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn a_span_is_text_or_seconds_within_its_bounds() {
        let span =
            |value| read(value, false, |r, value| r.span(value, Duration::from_secs(1), Duration::from_secs(60)));
        for (value, seconds) in [(text("1s"), 1.0), (text("1m"), 60.0), (Node::Whole(2), 2.0), (Node::Real(1.5), 1.5)] {
            assert_eq!(span(value), (Some(Duration::from_secs_f64(seconds)), Vec::new()));
        }
        let example = "(write it like \"500ms\", \"2s\" or \"1m\")";
        assert_eq!(span(Node::Flag(true)).1, [format!("7: `key` is true or false, not a duration {example}")]);
        assert_eq!(span(text("soon")), (None, vec![format!("7: `key`: `soon` is not a duration {example}")]));
        assert_eq!(span(text("999ms")), (None, vec!["7: `key`: `999ms` is less than 1s (from 1s to 1m)".to_owned()]));
        assert_eq!(span(Node::Whole(61)), (None, vec!["7: `key`: `61` is more than 1m (from 1s to 1m)".to_owned()]));
    }

    #[test]
    fn a_flag_of_a_file_has_no_quotes() {
        let flag = |value| read(value, false, |r, value| r.flag(value));
        assert_eq!(flag(Node::Flag(false)), (Some(false), Vec::new()));
        assert_eq!(
            flag(text("true")),
            (None, vec!["7: `key`: `true` is not true or false (write true without quotes)".to_owned()])
        );
        assert_eq!(flag(text("yes")), (None, vec!["7: `key`: `yes` is not true or false ()".to_owned()]));
        assert_eq!(flag(Node::Whole(1)), (None, vec!["7: `key` is a whole number, not true or false ()".to_owned()]));
    }

    #[test]
    fn a_flag_from_outside_has_several_words() {
        let flag = |word: &str| read(text(word), true, |r, value| r.flag(value)).0;
        assert_eq!(["1", "true", "YES", "on"].map(flag), [Some(true); 4]);
        assert_eq!(["0", "False", "no", "off"].map(flag), [Some(false); 4]);
        assert_eq!(flag("maybe"), None);
    }

    #[test]
    fn a_text_is_not_empty() {
        let of = |value| read(value, false, |r, value| r.text(value));
        assert_eq!(of(text("a")), (Some("a".to_owned()), Vec::new()));
        assert_eq!(of(text("")), (None, vec!["7: `key` is empty ()".to_owned()]));
        assert_eq!(of(Node::Real(1.0)), (None, vec!["7: `key` is a number, not a string ()".to_owned()]));
    }

    #[test]
    fn a_word_is_one_of_those_that_are_known() {
        let of = |value| read(value, false, |r, value| r.word(value, &["auto", "16"]));
        assert_eq!((of(text("auto")).0, of(Node::Whole(16)).0), (Some(0), Some(1)));
        assert_eq!(
            of(text("Auot")),
            (None, vec!["7: `key`: `Auot` is not one of auto, 16 (did you mean `auto`?)".to_owned()])
        );
        assert_eq!(of(Node::Whole(9)), (None, vec!["7: `key`: `9` is not one of auto, 16 ()".to_owned()]));
        assert_eq!(of(Node::Flag(true)).1, ["7: `key` is true or false, not a string ()"]);
    }

    #[test]
    fn a_list_of_a_file_has_brackets() {
        let of = |value| {
            let (texts, faults) = read(value, false, |r, value| r.texts(value));
            (texts.map(|texts| texts.into_iter().map(|t| (t.offset, t.value)).collect::<Vec<_>>()), faults)
        };
        assert_eq!(of(list(&["a", "b"])), (Some(vec![(10, "a".to_owned()), (11, "b".to_owned())]), Vec::new()));
        assert_eq!(
            of(text("a")),
            (None, vec!["7: `key` is a string, not a list (write it as a list: [\"a\"])".to_owned()])
        );
        assert_eq!(of(Node::Whole(1)), (None, vec!["7: `key` is a whole number, not a list of strings ()".to_owned()]));
        assert_eq!(of(list(&["a", ""])), (None, vec!["11: `key` is empty ()".to_owned()]));
    }

    #[test]
    fn a_list_from_outside_has_commas() {
        let of = |written: &str| {
            let (texts, faults) = read(text(written), true, |r, value| r.texts(value));
            assert_eq!(faults, NONE);
            texts.expect("a list").into_iter().map(|t| t.value).collect::<Vec<_>>()
        };
        assert_eq!(of(" a, b,,c "), ["a", "b", "c"]);
        assert_eq!(of(""), NONE);
    }

    #[test]
    fn names_are_known_and_not_repeated() {
        let of = |names: &[&str]| read(list(names), false, |r, value| r.names(value, "pane", &["cpu", "memory"]));
        assert_eq!(of(&["memory", "cpu"]), (Some(vec!["memory".to_owned(), "cpu".to_owned()]), Vec::new()));
        assert_eq!(
            of(&["cpu", "memry", "disk", "cpu"]),
            (
                None,
                vec![
                    "11: `key`: no pane `memry` (did you mean `memory`?)".to_owned(),
                    "12: `key`: no pane `disk` (known: cpu, memory)".to_owned(),
                    "13: `key`: pane `cpu` is named twice ()".to_owned(),
                ]
            )
        );
    }

    #[test]
    fn a_span_is_written_in_the_greatest_unit_that_loses_nothing() {
        for (ms, text) in [
            (0, "0s"),
            (1, "1ms"),
            (1500, "1500ms"),
            (2000, "2s"),
            (90_000, "90s"),
            (120_000, "2m"),
            (7_200_000, "2h"),
            (5_400_000, "90m"),
            (172_800_000, "2d"),
        ] {
            assert_eq!(exact(Duration::from_millis(ms)), text);
        }
    }
}
