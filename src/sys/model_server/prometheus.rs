//! The text that servers export for Prometheus: one value a line. What is no line of it is passed over, so that a new kind
//! of line costs itself alone.

use std::borrow::Cow;

use crate::model::model_server::Histogram;

/// Lines that are read; a server with more is cut off here.
const MOST: usize = 50_000;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    pub name: &'a str,
    labels: &'a str,
    pub value: f64,
}

/// A whole answer.
#[derive(Debug, Default)]
pub struct Exposition<'a> {
    lines: Vec<Line<'a>>,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
        let (name, rest) = line.split_at(end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => rest.split_at(closing(rest)?),
            None => ("", rest),
        };
        let value = rest.trim_start_matches('}').split_whitespace().next()?;
        let value = match value {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            other => other.parse().ok()?,
        };
        (!name.is_empty()).then_some(Line { name, labels, value })
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut rest = self.labels;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            let (key, after) = rest.split_once('=')?;
            let text = after.trim_start().strip_prefix('"')?;
            let end = quote(text)?;
            let raw = &text[..end];
            if key.trim() == name {
                return Some(match raw.contains('\\') {
                    true => Cow::Owned(raw.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")),
                    false => Cow::Borrowed(raw),
                });
            }
            rest = &text[end + 1..];
        }
    }
}

/// Where a quoted text ends.
fn quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Where the labels end: braces may be quoted.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().position(|byte| {
        let ends = byte == b'}' && !quoted;
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

impl<'a> Exposition<'a> {
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        Exposition { lines: text.lines().filter_map(Line::parse).take(MOST).collect() }
    }

    /// Some line is of a name that begins so.
    #[must_use]
    pub fn has(&self, prefix: &str) -> bool {
        self.lines.iter().any(|line| line.name.starts_with(prefix))
    }

    /// The values that a label has on lines that begin so, each once.
    #[must_use]
    pub fn values_of(&self, label: &str, prefix: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for line in self.lines.iter().filter(|line| line.name.starts_with(prefix)) {
            if let Some(value) = line.label(label)
                && !found.iter().any(|known| *known == *value)
            {
                found.push(value.into_owned());
            }
        }
        found
    }

    /// Lines of a name that belong to `of`: a label and its value; a line without that label belongs to all.
    fn of<'s>(&'s self, name: &'s str, of: Option<(&'s str, &'s str)>) -> impl Iterator<Item = &'s Line<'a>> {
        self.lines.iter().filter(move |line| {
            line.name == name && of.is_none_or(|(label, value)| line.label(label).is_none_or(|found| *found == *value))
        })
    }

    /// The sum over all lines of the first of `names` that is there: engines and reasons add up.
    #[must_use]
    pub fn sum(&self, names: &[&str], of: Option<(&str, &str)>) -> Option<f64> {
        names.iter().find_map(|name| {
            let values = self.of(name, of).map(|line| line.value).filter(|value| value.is_finite());
            values.reduce(|a, b| a + b)
        })
    }

    /// The sum over those lines whose label has one of these values.
    #[must_use]
    pub fn sum_where(&self, name: &str, of: Option<(&str, &str)>, label: &str, any: &[&str]) -> Option<f64> {
        let lines = self.of(name, of).filter(|line| line.label(label).is_some_and(|value| any.contains(&&*value)));
        lines.map(|line| line.value).filter(|value| value.is_finite()).reduce(|a, b| a + b)
    }

    /// The greatest of all lines of the first of `names` that is there.
    #[must_use]
    pub fn most(&self, names: &[&str], of: Option<(&str, &str)>) -> Option<f64> {
        names.iter().find_map(|name| {
            self.of(name, of).map(|line| line.value).filter(|value| value.is_finite()).reduce(f64::max)
        })
    }

    /// The first of `names` that is a histogram.
    #[must_use]
    pub fn histogram(&self, names: &[&str], of: Option<(&str, &str)>) -> Option<Histogram> {
        names.iter().find_map(|name| {
            let bucket = format!("{name}_bucket");
            let buckets = self.of(&bucket, of).filter_map(|line| {
                let bound = line.label("le")?;
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
                Some((bound, line.value))
            });
            let count = self.sum(&[&format!("{name}_count")], of);
            Histogram::of(buckets.collect(), count, self.sum(&[&format!("{name}_sum")], of))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_with_and_without_labels_are_read() {
        let text =
            "# HELP a x\na 1\nb{x=\"1\",y=\"a \\\"b\\\" }\"} 2.5 1700000000\nc{} +Inf\nbad\n{x=\"1\"} 3\nd NaN\n";
        let all = Exposition::parse(text);
        assert_eq!(all.lines.iter().map(|line| line.name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(all.lines[1].label("y").as_deref(), Some("a \"b\" }"));
        assert_eq!((all.lines[1].label("x").as_deref(), all.lines[1].label("z")), (Some("1"), None));
        assert_eq!((all.sum(&["a"], None), all.sum(&["c"], None), all.sum(&["d"], None)), (Some(1.0), None, None));
    }

    #[test]
    fn engines_add_up_and_other_models_do_not() {
        let text = "r{engine=\"0\",m=\"a\"} 1\nr{engine=\"1\",m=\"a\"} 2\nr{engine=\"0\",m=\"b\"} 4\n";
        let all = Exposition::parse(text);
        assert_eq!(all.sum(&["new", "r"], Some(("m", "a"))), Some(3.0));
        assert_eq!(all.most(&["r"], None), Some(4.0));
        assert_eq!(all.values_of("m", "r"), ["a", "b"]);
    }

    #[test]
    fn quoted_text_ends_where_its_quote_does() {
        let labels = |line: &str, names: &[&str]| {
            let line = Line::parse(line).expect(line);
            let label = |name: &&str| line.label(name).map(Cow::into_owned).unwrap_or_default();
            (line.value, names.iter().map(label).collect::<Vec<_>>())
        };
        for (line, x, y) in [
            (r#"a{x="1",y="2"} 5"#, "1", "2"),
            (r#"a{x="1", y="2",} 5"#, "1", "2"),
            (r#"a{ x = "1" , y= "2" } 5"#, "1", "2"),
            (r#"a{x="c:\\",y="}"} 5"#, "c:\\", "}"),
            (r#"a{x="\"}",y="{"} 5"#, "\"}", "{"),
            (r#"a{x="l1\nl2",y="\\\""} 5"#, "l1\nl2", "\\\""),
            (r#"a{x=""} 5"#, "", ""),
            (r#"a{y="x=\"1\""}  5"#, "", "x=\"1\""),
        ] {
            assert_eq!(labels(line, &["x", "y"]), (5.0, vec![x.to_owned(), y.to_owned()]), "{line}");
        }
        for line in ["a", "a{x=\"1\" 5", "a{x=\"1} 5", "a{x=\"1\\\"} 5", "a{x=\"1\"}", "a five", " {x=\"1\"} 3"] {
            assert_eq!(Line::parse(line), None, "{line}");
        }
        assert_eq!(Line::parse("a -Inf").map(|line| line.value), Some(f64::NEG_INFINITY));
        assert_eq!(Line::parse("a\t7").map(|line| line.value), Some(7.0));
    }

    #[test]
    fn the_first_name_that_is_there_counts() {
        let text = "r{m=\"a\"} 1\nr{m=\"a\"} 3\nr{m=\"b\"} 5\nr 7\nr{m=\"a\"} NaN\nold 9\nx{m=\"c\"} 1\n";
        let all = Exposition::parse(text);
        let a = Some(("m", "a"));
        assert_eq!(
            (all.sum(&["r", "old"], a), all.sum(&["new", "old"], a), all.sum(&["new"], a)),
            (Some(11.0), Some(9.0), None)
        );
        assert_eq!(
            (all.most(&["r", "old"], a), all.most(&["new", "old"], None), all.most(&["new"], a)),
            (Some(7.0), Some(9.0), None)
        );
        assert_eq!(all.values_of("m", "r"), ["a", "b"]);
        assert_eq!(all.values_of("m", ""), ["a", "b", "c"]);
        assert_eq!((all.has("ol"), all.has("old"), all.has("ld"), all.has("older")), (true, true, false, false));
    }

    #[test]
    fn only_lines_with_one_of_the_values_are_added() {
        let text = "r{m=\"a\",why=\"error\"} 1\nr{m=\"a\",why=\"abort\"} 2\nr{m=\"a\",why=\"stop\"} 4\n\
                    r{m=\"b\",why=\"error\"} 8\nr{m=\"a\"} 16\nr{m=\"a\",why=\"error\"} +Inf\n";
        let all = Exposition::parse(text);
        let of = |of, any: &[&str]| all.sum_where("r", of, "why", any);
        assert_eq!(of(Some(("m", "a")), &["error", "abort"]), Some(3.0));
        assert_eq!((of(None, &["error"]), of(Some(("m", "a")), &["none"])), (Some(9.0), None));
    }

    #[test]
    fn a_histogram_has_its_buckets_count_and_sum() {
        let text = "h_bucket{m=\"a\",le=\"0.5\"} 2\nh_bucket{m=\"a\",le=\"1.0\"} 5\nh_bucket{m=\"a\",le=\"+Inf\"} 6\n\
                    h_sum{m=\"a\"} 4.5\nh_count{m=\"a\"} 6\nh_bucket{m=\"b\",le=\"0.5\"} 9\nh_bucket{m=\"a\"} 7\n\
                    h_bucket{m=\"a\",le=\"x\"} 8\n";
        let all = Exposition::parse(text);
        let expected = Histogram { bounds: vec![0.5, 1.0], below: vec![2.0, 5.0], count: 6.0, sum: 4.5 };
        assert_eq!(all.histogram(&["new", "h"], Some(("m", "a"))), Some(expected));
        assert_eq!(all.histogram(&["new"], None), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*", more in "[a-z:_]{1,8}\\{[a-z=\",\\\\ }]{0,20}[ 0-9.]{0,6}") {
            let joined = format!("{text}\n{more}\n");
            let all = Exposition::parse(&joined);
            for line in &all.lines {
                let _ = line.label("le");
            }
            let _ = (all.histogram(&["a"], None), all.values_of("x", ""));
        }

        #[test]
        fn what_was_written_is_read(name in "[a-z_:]{1,12}", label in "[^\\\\\"\n]{0,12}", value in -1e9_f64..1e9) {
            let text = format!("{name}{{model_name=\"{label}\"}} {value}");
            let all = Exposition::parse(&text);
            prop_assert_eq!(all.lines.len(), 1);
            let found = all.lines[0].label("model_name").map(Cow::into_owned);
            prop_assert_eq!(found, Some(label));
            prop_assert_eq!(all.lines[0].value, value);
        }
    }

    #[test]
    fn a_comment_is_no_value_even_where_it_looks_like_one() {
        let all = Exposition::parse("#a 1\n# 2\n  #{x=\"1\"} 3\n\n \t\na 4\n");
        assert_eq!(all.lines, [Line { name: "a", labels: "", value: 4.0 }]);
    }
}
