//! Rules from TOML: the shipped ones, and the user's changes to them. Every fault is named at its place.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::rule::{Patterns, Rule, Side, Times};
use crate::{
    diag::{Diagnostic, did_you_mean},
    model::metrics::{self, METRICS, MetricDef, MetricId},
    units::{parse_quantity, parse_span},
};

/// What a rule may hold.
const KEYS: [&str; 18] = [
    "metric",
    "side",
    "advice",
    "warn",
    "crit",
    "clear",
    "hold",
    "clear_hold",
    "in_a_row",
    "times",
    "within",
    "normal_floor",
    "grace",
    "only",
    "except",
    "say",
    "quiet_during_runs",
    "enabled",
];

/// The rules that come with the program (`assets/rules.toml`).
#[must_use]
pub fn shipped() -> Vec<Rule> {
    static SHIPPED: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let text = include_str!("../../assets/rules.toml");
        let (table, _) = DeTable::parse_recoverable(text);
        let mut rules = Vec::new();
        merge(&mut rules, "assets/rules.toml", text, table.get_ref());
        rules
    });
    SHIPPED.clone()
}

/// Lays the rules of `table` over `rules`: keys that it names change, a new id is a new rule. Returns what is wrong.
pub fn merge(rules: &mut Vec<Rule>, place: &str, text: &str, table: &DeTable<'_>) -> Vec<Diagnostic> {
    let mut reader = Reader { place, text, diagnostics: Vec::new() };
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (id, value) in entries {
        let DeValue::Table(table) = value.get_ref() else {
            reader.find(
                value.span().start,
                format!("rule `{}` is not a table", id.get_ref()),
                Some("write [rules.NAME]"),
            );
            continue;
        };
        let known = rules.iter().position(|r| r.id == *id.get_ref());
        let before = reader.diagnostics.len();
        let named = table.get("metric").map(|value| reader.metric(value));
        let metric = named.unwrap_or(known.map(|i| rules[i].metric));
        // Without a metric it is no rule, but what else is wrong with it is found all the same.
        let fresh = || Rule::new(id.get_ref().as_ref(), metrics::CPU_BUSY_RATIO);
        let mut rule = known.map_or_else(fresh, |i| rules[i].clone());
        rule.metric = metric.unwrap_or(rule.metric);
        reader.keys(&mut rule, table);
        match metric {
            Some(metric) => reader.whole(&rule, metric.def(), id, table),
            None if named.is_none() => reader.nameless(id, rules),
            None => {}
        }
        if reader.diagnostics.len() == before {
            match known {
                Some(i) => rules[i] = rule,
                None => rules.push(rule),
            }
        }
    }
    reader.diagnostics
}

struct Reader<'a> {
    place: &'a str,
    text: &'a str,
    diagnostics: Vec<Diagnostic>,
}

type Value<'a> = Spanned<DeValue<'a>>;
type Name<'a> = Spanned<Cow<'a, str>>;

impl Reader<'_> {
    fn find(&mut self, offset: usize, what: String, hint: Option<&str>) {
        let diagnostic = Diagnostic::new(self.place, what).at_offset(self.text, offset);
        self.diagnostics.push(Diagnostic { hint: hint.map(str::to_owned), ..diagnostic });
    }

    /// Reads every key but the metric.
    fn keys(&mut self, rule: &mut Rule, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "metric" => {}
                "side" => match self.string(value).as_deref() {
                    Some("above") => rule.side = Side::Above,
                    Some("below") => rule.side = Side::Below,
                    Some(other) => {
                        self.find(
                            value.span().start,
                            format!("`side` is `{other}`"),
                            Some("it is \"above\" or \"below\""),
                        );
                    }
                    None => {}
                },
                "advice" => self.quantity("advice", value, &mut rule.limits.advice),
                "warn" => self.quantity("warn", value, &mut rule.limits.warn),
                "crit" => self.quantity("crit", value, &mut rule.limits.crit),
                "clear" => self.quantity("clear", value, &mut rule.clear),
                "hold" => rule.hold = self.span("hold", value).unwrap_or(rule.hold),
                "clear_hold" => rule.clear_hold = self.span("clear_hold", value).or(rule.clear_hold),
                "in_a_row" => rule.in_a_row = self.count("in_a_row", value).or(rule.in_a_row),
                "times" => {
                    let within = rule.times.map_or(Duration::ZERO, |times| times.within);
                    rule.times = self.count("times", value).map(|count| Times { count, within }).or(rule.times);
                }
                // Once it is known how often.
                "within" => {}
                "normal_floor" => self.quantity("normal_floor", value, &mut rule.normal_floor),
                "grace" => self.boolean("grace", value, &mut rule.grace),
                "only" => rule.only = self.patterns(value),
                "except" => rule.except = self.patterns(value),
                "say" => rule.say = self.string(value).unwrap_or_default(),
                "quiet_during_runs" => self.boolean("quiet_during_runs", value, &mut rule.quiet_during_runs),
                "enabled" => self.boolean("enabled", value, &mut rule.enabled),
                other => {
                    let hint = match did_you_mean(other, KEYS) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("a rule has {}", KEYS.join(", ")),
                    };
                    self.find(key.span().start, format!("unknown key `{other}` in a rule"), Some(&hint));
                }
            }
        }
        if let Some(value) = table.get("within") {
            let within = self.span("within", value);
            match (&mut rule.times, within) {
                (Some(times), Some(within)) => times.within = within,
                (None, Some(_)) => {
                    self.find(value.span().start, "`within` without `times`".into(), Some("add times = 3"));
                }
                (_, None) => {}
            }
        }
        if !table.contains_key("clear")
            && let (Some(clear), Some(mildest)) = (rule.clear, rule.limits.mildest())
            && rule.side.crossed(clear, mildest)
        {
            // A limit moved past the shipped end of the alert: it ends at the limit then.
            rule.clear = None;
        }
    }

    /// A rule that is not built in, and says of nothing what is judged.
    fn nameless(&mut self, id: &Name<'_>, rules: &[Rule]) {
        let near = did_you_mean(id.get_ref(), rules.iter().map(|r| r.id.as_str()));
        let hint = near
            .map_or("name one: metric = \"cpu_busy_ratio\"".to_owned(), |near| format!("did you mean [rules.{near}]?"));
        let what = format!("rule `{}` is not built in and names no metric", id.get_ref());
        self.find(id.span().start, what, Some(&hint));
    }

    /// What only shows when all keys are known.
    fn whole(&mut self, rule: &Rule, metric: &MetricDef, id: &Name<'_>, table: &DeTable<'_>) {
        let at = |key: &str| table.get(key).map_or(id.span().start, |v| v.span().start);
        if rule.limits.mildest().is_none() {
            return self.find(
                id.span().start,
                format!("rule `{}` has no limit", id.get_ref()),
                Some("give it advice, warn or crit"),
            );
        }
        if rule.say.is_empty() {
            return self.find(
                at("say"),
                format!("rule `{}` has no `say` sentence", id.get_ref()),
                Some("say = \"{value} is too much\""),
            );
        }
        if rule.times.is_some_and(|times| times.within.is_zero()) {
            let what = format!("rule `{}`: `times` without `within`", id.get_ref());
            self.find(at("times"), what, Some("within = \"10m\""));
        }
        if rule.times.is_some() && (rule.in_a_row.is_some() || !rule.hold.is_zero()) {
            let what = format!("rule `{}`: `times` beside `hold` or `in_a_row`", id.get_ref());
            self.find(
                at("times"),
                what,
                Some("a rule waits for a time, counts samples in a row, or counts within a time"),
            );
        }
        if rule.normal_floor.is_some_and(|floor| floor <= 0.0) {
            let what = format!("rule `{}`: `normal_floor` is not above 0", id.get_ref());
            self.find(at("normal_floor"), what, Some("below it nothing is judged: normal_floor = \"20ms\""));
        }
        let limits = [("advice", rule.limits.advice), ("warn", rule.limits.warn), ("crit", rule.limits.crit)];
        let set: Vec<_> = limits.into_iter().filter_map(|(name, limit)| Some((name, limit?))).collect();
        for pair in set.windows(2) {
            let [(mild, low), (grave, high)] = [pair[0], pair[1]];
            let (wrong, word) = match rule.side {
                Side::Above => (low >= high, "above"),
                Side::Below => (low <= high, "below"),
            };
            if wrong {
                let key = if table.contains_key(mild) { mild } else { grave };
                let what = format!("rule `{}`: `{mild}` is {low}, `{grave}` is {high}", id.get_ref());
                self.find(at(key), what, Some(&format!("with side = \"{word}\" {grave} must lie {word} {mild}")));
            }
        }
        if let (Some(clear), Some(mildest)) = (rule.clear, rule.limits.mildest())
            && rule.side.crossed(clear, mildest)
        {
            let what =
                format!("rule `{}`: `clear` is {clear}, on the bad side of its mildest limit {mildest}", id.get_ref());
            self.find(at("clear"), what, Some("an alert must be able to end"));
        }
        for (key, patterns) in [("only", &rule.only), ("except", &rule.except)] {
            for (name, _) in patterns {
                if !metric.labels.contains(&name.as_str()) {
                    let has = if metric.labels.is_empty() {
                        "it has none".to_owned()
                    } else {
                        format!("it has {}", metric.labels.join(", "))
                    };
                    self.find(at(key), format!("`{}` has no label `{name}`", metric.id), Some(&has));
                }
            }
        }
    }

    fn metric(&mut self, value: &Value<'_>) -> Option<MetricId> {
        let name = self.string(value)?;
        let metric = MetricId::find(&name);
        if metric.is_none() {
            let near = did_you_mean(&name, METRICS.iter().map(|m| m.id));
            let hint =
                near.map_or("`benchtop once --json` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
            self.find(value.span().start, format!("there is no metric `{name}`"), Some(&hint));
        }
        metric
    }

    fn quantity(&mut self, key: &str, value: &Value<'_>, into: &mut Option<f64>) {
        let read = match value.get_ref() {
            DeValue::String(text) => parse_quantity(text),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok().filter(|v: &f64| v.is_finite()),
            _ => None,
        };
        match read {
            Some(quantity) => *into = Some(quantity),
            None => self.find(
                value.span().start,
                format!("`{key}` is not a quantity"),
                Some("as in 90%, 8GiB, 80C, 500ms, 12"),
            ),
        }
    }

    fn count(&mut self, key: &str, value: &Value<'_>) -> Option<u32> {
        let read = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok().filter(|count| *count > 0),
            _ => None,
        };
        if read.is_none() {
            self.find(value.span().start, format!("`{key}` is not a number above 0"), Some("as in 3"));
        }
        read
    }

    fn boolean(&mut self, key: &str, value: &Value<'_>, into: &mut bool) {
        match value.get_ref() {
            DeValue::Boolean(on) => *into = *on,
            _ => self.find(value.span().start, format!("`{key}` is neither true nor false"), None),
        }
    }

    fn span(&mut self, key: &str, value: &Value<'_>) -> Option<Duration> {
        let read = match value.get_ref() {
            DeValue::String(text) => parse_span(text),
            DeValue::Integer(number) => parse_span(number.as_str()),
            _ => None,
        };
        if read.is_none() {
            self.find(value.span().start, format!("`{key}` is not a duration"), Some("as in 30s, 5m, 1h"));
        }
        read
    }

    fn patterns(&mut self, value: &Value<'_>) -> Patterns {
        let DeValue::Table(table) = value.get_ref() else {
            self.find(value.span().start, "labels are not a table".into(), Some("as in { mount = [\"/srv/*\"] }"));
            return Vec::new();
        };
        let mut out = Vec::new();
        for (name, value) in table {
            let patterns = match value.get_ref() {
                DeValue::Array(items) => items.iter().filter_map(|item| self.string(item)).collect(),
                _ => self.string(value).into_iter().collect(),
            };
            out.push((name.get_ref().to_string(), patterns));
        }
        out
    }

    fn string(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => {
                self.find(value.span().start, "expected a string".into(), Some("write it in double quotes"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Level;

    fn diagnostics(text: &str) -> Vec<String> {
        let (table, _) = DeTable::parse_recoverable(text);
        merge(&mut shipped(), "c.toml", text, table.get_ref()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_shipped_rule_is_right_and_watches_a_metric_that_exists() {
        let text = include_str!("../../assets/rules.toml");
        let (table, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(merge(&mut Vec::new(), "rules.toml", text, table.get_ref()), []);
        let rules = shipped();
        assert_eq!(rules.len(), table.get_ref().len());
        let cpu = rules.iter().find(|r| r.id == "cpu_busy").unwrap();
        assert_eq!((cpu.level(0.95), cpu.hold), (Level::Warn, Duration::from_secs(300)));
    }

    #[test]
    fn sentences_ask_for_words_that_the_metric_has() {
        for rule in shipped() {
            let metric = rule.metric.def();
            assert!(!rule.say.contains("{cause}") || metric.cause.is_some(), "{}: {{cause}}", rule.id);
            assert!(!rule.say.contains("{detail}") || metric.detail.is_some(), "{}: {{detail}}", rule.id);
        }
    }

    #[test]
    fn a_change_keeps_the_rest_of_the_rule() {
        let text = "[cpu_busy]\nwarn = \"70%\"\n";
        let (table, _) = DeTable::parse_recoverable(text);
        let mut rules = shipped();
        assert_eq!(merge(&mut rules, "c.toml", text, table.get_ref()), []);
        let cpu = rules.iter().find(|r| r.id == "cpu_busy").unwrap();
        assert_eq!((cpu.limits.warn, cpu.limits.crit), (Some(0.7), Some(0.98)));
        assert_eq!(cpu.clear, None, "80% would lie above the new limit");
    }

    #[test]
    fn each_mistake_is_named_at_its_place_with_its_cure() {
        for (text, wanted) in [
            (
                "[cpu_bussy]\nwarn = \"9%\"\n",
                "c.toml:1:2: rule `cpu_bussy` is not built in and names no metric\n  hint: did you mean [rules.cpu_busy]?",
            ),
            ("[cpu_busy]\nwran = \"9%\"\n", "c.toml:2:1: unknown key `wran` in a rule\n  hint: did you mean `warn`?"),
            (
                "[cpu_busy]\nwarn = \"99%\"\n",
                "c.toml:2:8: rule `cpu_busy`: `warn` is 0.99, `crit` is 0.98\n  hint: with side = \"above\" crit must lie above warn",
            ),
            (
                "[cpu_busy]\nwarn = \"lots\"\n",
                "c.toml:2:8: `warn` is not a quantity\n  hint: as in 90%, 8GiB, 80C, 500ms, 12",
            ),
            (
                "[cpu_busy]\nclear = \"95%\"\n",
                "c.toml:2:9: rule `cpu_busy`: `clear` is 0.95, on the bad side of its mildest limit 0.9\n  hint: an alert must be able to end",
            ),
            (
                "[mine]\nmetric = \"cpu_busy_ration\"\nwarn = 1\nsay = \"x\"\n",
                "c.toml:2:10: there is no metric `cpu_busy_ration`\n  hint: did you mean `cpu_busy_ratio`?",
            ),
            (
                "[cpu_busy]\nonly = { core = \"1\" }\n",
                "c.toml:2:8: `cpu_busy_ratio` has no label `core`\n  hint: it has none",
            ),
            ("[cpu_busy]\nin_a_row = 0\n", "c.toml:2:12: `in_a_row` is not a number above 0\n  hint: as in 3"),
            (
                "[load]\nmetric = \"load1\"\nwarn = 4\ntimes = 3\nsay = \"x\"\n",
                "c.toml:4:9: rule `load`: `times` without `within`\n  hint: within = \"10m\"",
            ),
            ("[cpu_busy]\nwithin = \"10m\"\n", "c.toml:2:10: `within` without `times`\n  hint: add times = 3"),
            (
                "[cpu_busy]\ntimes = 3\nwithin = \"10m\"\n",
                "c.toml:2:9: rule `cpu_busy`: `times` beside `hold` or `in_a_row`\n  hint: a rule waits for a time, counts samples in a row, or counts within a time",
            ),
            (
                "[load]\nmetric = \"load1\"\nwarn = 2\nnormal_floor = 0\nsay = \"x\"\n",
                "c.toml:4:16: rule `load`: `normal_floor` is not above 0\n  hint: below it nothing is judged: normal_floor = \"20ms\"",
            ),
        ] {
            assert_eq!(diagnostics(text), [wanted], "{text}");
        }
        assert_eq!(diagnostics("[memory_available]\nwarn = \"9GB\"\n").len(), 1, "below: warn must lie below advice");
    }

    #[test]
    fn a_duration_without_a_unit_is_in_seconds() {
        let hold = |value: &str| {
            let text = format!("[cpu_busy]\nhold = {value}\n");
            let (table, _) = DeTable::parse_recoverable(&text);
            let mut rules = shipped();
            let found = merge(&mut rules, "c.toml", &text, table.get_ref());
            assert_eq!(found, [], "{value}");
            rules.iter().find(|rule| rule.id == "cpu_busy").expect("shipped").hold
        };
        assert_eq!((hold("90"), hold("\"90\""), hold("\"2m\"")), {
            let seconds = Duration::from_secs;
            (seconds(90), seconds(90), seconds(120))
        });
        for value in ["true", "-1", "\"soon\""] {
            let wanted = "c.toml:2:8: `hold` is not a duration\n  hint: as in 30s, 5m, 1h";
            assert_eq!(diagnostics(&format!("[cpu_busy]\nhold = {value}\n")), [wanted], "{value}");
        }
    }

    #[test]
    fn a_quantity_is_a_number_or_a_text_with_a_unit() {
        let warn = |value: &str| {
            let text = format!("[load]\nmetric = \"load1\"\nwarn = {value}\nsay = \"x\"\n");
            let (table, _) = DeTable::parse_recoverable(&text);
            let mut rules = Vec::new();
            let found = merge(&mut rules, "c.toml", &text, table.get_ref());
            assert_eq!(found, [], "{value}");
            rules[0].limits.warn
        };
        assert_eq!([warn("4"), warn("4.5"), warn("\"90%\"")], [Some(4.0), Some(4.5), Some(0.9)]);
        for value in ["nan", "inf", "true"] {
            let text = format!("[cpu_busy]\nwarn = {value}\n");
            assert!(diagnostics(&text)[0].contains("`warn` is not a quantity"), "{value}");
        }
    }

    #[test]
    fn a_rule_is_switched_by_true_and_false() {
        let read = |text: &str| {
            let text = format!("[cpu_busy]\n{text}\n");
            let (table, _) = DeTable::parse_recoverable(&text);
            let mut rules = shipped();
            let found = merge(&mut rules, "c.toml", &text, table.get_ref());
            assert_eq!(found, [], "{text}");
            let rule = rules.iter().find(|rule| rule.id == "cpu_busy").expect("shipped");
            (rule.enabled, rule.grace, rule.quiet_during_runs)
        };
        for on in [true, false] {
            let all = format!("enabled = {on}\ngrace = {on}\nquiet_during_runs = {on}");
            assert_eq!(read(&all), (on, on, on));
        }
        for key in ["enabled", "grace", "quiet_during_runs"] {
            let words = format!("`{key}` is neither true nor false");
            assert!(diagnostics(&format!("[cpu_busy]\n{key} = 1\n"))[0].contains(&words));
        }
    }
}
