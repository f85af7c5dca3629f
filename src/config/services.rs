//! `[[service]]`: what is probed. Each table is read on its own, so that one mistake costs that service alone; all of them
//! are found in one pass.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{
    reading::{Fault, Reading},
    tree::{At, Node, Table},
};
use crate::{
    diag::did_you_mean,
    model::service::target::{Scheme, ServiceTarget, ServiceUrl},
    text::clean,
};

/// What a service may say, in the order of the example file.
pub const KEYS: [&str; 9] =
    ["name", "url", "every", "timeout", "expect_status", "expect_text", "ca_file", "headers_file", "pause"];

/// From the shortest time between two rounds to the longest, and for an attempt.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));
const TIMEOUT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// Letters of a name, and services in all.
const NAME: usize = 40;
pub const MOST: usize = 500;

/// A service and the place of its name.
pub type Placed = At<ServiceTarget>;

/// The services in `value`, without those that are wrong or whose name is in `known`.
pub fn read(value: &At<Node>, known: &[ServiceTarget], reading: &mut Reading<'_>) -> Vec<Placed> {
    let hint = || Some("write [[service]] on a separate line, with name and url below it".to_owned());
    let Node::List(items) = &value.value else {
        reading.wrong(value.offset, format!("`service` is {}, not a list of tables", value.value.kind()), hint());
        return Vec::new();
    };
    let mut out: Vec<Placed> = Vec::new();
    for item in items {
        let Node::Table(table) = &item.value else {
            reading.wrong(item.offset, format!("a service is {}, not a table", item.value.kind()), hint());
            continue;
        };
        if known.len() + out.len() == MOST {
            reading.wrong(item.offset, format!("there are more than {MOST} services"), None);
            break;
        }
        let before = reading.faults.len();
        let Some(target) = one(item.offset, table, reading) else { continue };
        let twice =
            known.iter().chain(out.iter().map(|other| &other.value)).any(|other| other.name == target.value.name);
        if twice {
            let what = format!("two services are called `{}`", target.value.name);
            reading.wrong(target.offset, what, Some("alerts and history know a service by its name".to_owned()));
        }
        if reading.faults.len() == before {
            out.push(target);
        }
    }
    out
}

fn one(offset: usize, table: &Table, reading: &mut Reading<'_>) -> Option<Placed> {
    let get = |key: &str| table.iter().find(|(name, _)| name.value == key).map(|(_, value)| value);
    for (key, _) in table.iter().filter(|(key, _)| !KEYS.contains(&key.value.as_str())) {
        let hint = match did_you_mean(&key.value, KEYS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", KEYS.join(", ")),
        };
        reading.wrong(key.offset, format!("unknown key `{}` in [[service]]", key.value), Some(hint));
    }
    let missing = |key: &str, reading: &mut Reading<'_>| {
        let example = if key == "name" { "name = \"jellyfin\"" } else { "url = \"http://nas:8096\"" };
        reading.wrong(offset, format!("a service has no `{key}`"), Some(format!("add {example}")));
    };
    let name = match get("name") {
        Some(value) => name(value, reading).map(|name| At { offset: value.offset, value: name }),
        None => {
            missing("name", reading);
            None
        }
    };
    let url = match get("url") {
        Some(value) => url(value, reading),
        None => {
            missing("url", reading);
            None
        }
    };
    let (mut target, place) = match (name, url) {
        (Some(name), Some(url)) => (ServiceTarget::new(name.value, url), name.offset),
        // The rest is read all the same, for what is wrong with it.
        (_, url) => (ServiceTarget::new("", url.or_else(|| ServiceUrl::parse("https://x").ok())?), offset),
    };
    let whole = !target.name.is_empty();
    for (key, value) in table {
        set(&mut target, &key.value, value, reading);
    }
    whole.then_some(At { offset: place, value: target })
}

fn set(target: &mut ServiceTarget, key: &str, value: &At<Node>, reading: &mut Reading<'_>) {
    let scheme = target.url.scheme();
    let path = KEYS.iter().find(|known| **known == key).map_or("service", |known| known);
    reading.path = path;
    let needs = match key {
        "expect_status" | "expect_text" | "headers_file" => Some((scheme.is_http(), "http:// or https://")),
        "ca_file" => Some((scheme == Scheme::Https, "https://")),
        _ => None,
    };
    if let Some((false, needed)) = needs {
        let what = format!("`{key}` needs a URL that begins with {needed}, not {}://", scheme.name());
        return reading.wrong(value.offset, what, Some("leave it out".to_owned()));
    }
    match key {
        "every" => target.every = reading.span(value, EVERY.0, EVERY.1).unwrap_or(target.every),
        "timeout" => target.timeout = reading.span(value, TIMEOUT.0, TIMEOUT.1).unwrap_or(target.timeout),
        "expect_status" => target.expect_status = statuses(value, reading),
        "expect_text" => target.expect_text = reading.text(value),
        "ca_file" => target.ca_file = file(value, reading),
        "headers_file" => target.headers_file = file(value, reading),
        "pause" => target.pause = reading.flag(value).unwrap_or(false),
        _ => {}
    }
}

fn name(value: &At<Node>, reading: &mut Reading<'_>) -> Option<String> {
    reading.path = "name";
    let name = reading.text(value)?;
    let wrong = match () {
        () if name.chars().count() > NAME => Some(format!("is longer than {NAME} letters")),
        () if name.trim() != name => Some("begins or ends with a blank".to_owned()),
        () if clean(&name) != name => Some("holds characters that no screen can show".to_owned()),
        () => None,
    };
    match wrong {
        Some(why) => {
            reading.wrong(value.offset, format!("`name` {why}"), None);
            None
        }
        None => Some(name),
    }
}

fn url(value: &At<Node>, reading: &mut Reading<'_>) -> Option<ServiceUrl> {
    reading.path = "url";
    let text = reading.text(value)?;
    match ServiceUrl::parse(&text) {
        Ok(url) => Some(url),
        // The address itself is not said: it may hold a password.
        Err(error) => {
            reading.wrong(value.offset, format!("`url` {error}"), Some(error.hint().to_owned()));
            None
        }
    }
}

/// A path that does not depend on where benchtop was started.
fn file(value: &At<Node>, reading: &mut Reading<'_>) -> Option<PathBuf> {
    let path = PathBuf::from(reading.text(value)?);
    if path.is_absolute() {
        return Some(path);
    }
    let what = format!("`{}`: `{}` is not an absolute path", reading.path, path.display());
    reading.wrong(value.offset, what, Some("write it from the root: \"/etc/benchtop/headers\"".to_owned()));
    None
}

/// `200`, `"200-299"`, or a list of these.
fn statuses(value: &At<Node>, reading: &mut Reading<'_>) -> Vec<RangeInclusive<u16>> {
    let one;
    let items = match &value.value {
        Node::List(items) => items.as_slice(),
        _ => {
            one = [value.clone()];
            &one
        }
    };
    let mut out = Vec::new();
    for item in items {
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
        let range = match &item.value {
            Node::Whole(status) => number(&status.to_string()).map(|status| status..=status),
            Node::Text(text) => match text.split_once('-') {
                Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..=to),
                None => number(text).map(|status| status..=status),
            },
            _ => None,
        };
        match range.filter(|range| !range.is_empty()) {
            Some(range) => out.push(range),
            None => {
                let hint = Some("write 200, \"200-299\" or [200, \"300-399\"]".to_owned());
                reading.faults.push(Fault {
                    offset: item.offset,
                    what: "`expect_status` is not a status of HTTP, from 100 to 599".to_owned(),
                    hint,
                });
            }
        }
    }
    out
}

/// A service as TOML, with what is not built in; `written` with the query of its URL, which may hold a token.
#[must_use]
pub fn toml(target: &ServiceTarget, written: bool) -> String {
    use super::{
        fields::{list, quoted},
        reading::exact,
    };
    let url = if written { target.url.written().to_owned() } else { target.url.to_string() };
    let mut out = format!("[[service]]\nname = {}\nurl = {}\n", quoted(&target.name), quoted(&url));
    let mut line = |key: &str, value: String| out.push_str(&format!("{key} = {value}\n"));
    if target.every != ServiceTarget::EVERY {
        line("every", quoted(&exact(target.every)));
    }
    if target.timeout != ServiceTarget::TIMEOUT {
        line("timeout", quoted(&exact(target.timeout)));
    }
    if !target.expect_status.is_empty() {
        let range = |range: &RangeInclusive<u16>| match range.start() == range.end() {
            true => range.start().to_string(),
            false => format!("{}-{}", range.start(), range.end()),
        };
        line("expect_status", list(&target.expect_status.iter().map(range).collect::<Vec<_>>()));
    }
    if let Some(text) = &target.expect_text {
        line("expect_text", quoted(text));
    }
    for (key, path) in [("ca_file", &target.ca_file), ("headers_file", &target.headers_file)] {
        if let Some(path) = path {
            line(key, quoted(&path.display().to_string()));
        }
    }
    if target.pause {
        line("pause", "true".to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Known, tree};

    /// The services of a file beside one that is called `old`, and what is wrong with it.
    fn services(text: &str) -> (Vec<ServiceTarget>, Vec<String>) {
        let (table, _) = tree::parse("x", text);
        let known = Known::nothing();
        let mut reading = Reading { known: &known, path: "service", loose: false, faults: Vec::new() };
        let old = ServiceTarget::new("old", ServiceUrl::parse("http://old").expect("an address"));
        let read = read(&table[0].1, &[old], &mut reading);
        let faults = reading.faults.into_iter();
        (
            read.into_iter().map(|at| at.value).collect(),
            faults.map(|f| format!("{}: {} ({})", f.offset, f.what, f.hint.unwrap_or_default())).collect(),
        )
    }

    /// What is wrong with one service that has these lines, after one that is right.
    fn wrong(lines: &str) -> Vec<String> {
        let (read, faults) = services(&format!("[[service]]\nname=\"a\"\nurl=\"http://a\"\n[[service]]\n{lines}\n"));
        assert_eq!(read.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["a"], "{lines}");
        faults
    }

    #[test]
    fn a_service_is_written_as_it_is_read() {
        let bare = "[[service]]\nname = \"nas\"\nurl = \"ping://nas\"\n";
        let full = "[[service]]\nname = \"cloud\"\nurl = \"https://cloud.lan/health?token=x\"\nevery = \"1d\"\n\
                    timeout = \"100ms\"\nexpect_status = [\"100\", \"300-599\"]\nexpect_text = \"well\"\nca_file = \"/etc/ca\"\n\
                    headers_file = \"/etc/h\"\npause = true\n";
        let (read, faults) = services(&format!("{bare}{full}"));
        assert_eq!(faults, [""; 0]);
        let [nas, cloud] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((nas.every, nas.timeout), (ServiceTarget::EVERY, ServiceTarget::TIMEOUT));
        assert!(!nas.pause && cloud.pause);
        assert_eq!((cloud.every, cloud.timeout), (Duration::from_secs(86_400), Duration::from_millis(100)));
        assert_eq!(cloud.expect_status, [100..=100, 300..=599]);
        assert_eq!(cloud.expect_text.as_deref(), Some("well"));
        let written: String = read.iter().map(|target| toml(target, true)).collect();
        assert_eq!(written, format!("{bare}{full}"));
        let shown = toml(cloud, false);
        assert!(!shown.contains("token=x") && shown.contains("url = \"https://cloud.lan/health?"), "{shown}");
    }

    #[test]
    fn one_status_may_stand_for_itself() {
        for (written, status) in [("200", 200..=200), ("\"200\"", 200..=200), ("\" 200 - 299 \"", 200..=299)] {
            let text = format!("[[service]]\nname = \"a\"\nurl = \"http://a\"\nexpect_status = {written}\n");
            let (read, faults) = services(&text);
            assert_eq!((&read[0].expect_status, faults), (&vec![status], Vec::new()), "{written}");
        }
        let status =
            "`expect_status` is not a status of HTTP, from 100 to 599 (write 200, \"200-299\" or [200, \"300-399\"])";
        for bad in ["99", "600", "\"299-200\"", "\"ok\"", "true", "\"200-\""] {
            let said = wrong(&format!("name=\"b\"\nurl=\"http://b\"\nexpect_status={bad}"));
            assert_eq!(said, [format!("86: {status}")], "{bad}");
        }
    }

    #[test]
    fn a_wrong_service_is_left_out_with_all_that_is_wrong_with_it() {
        assert_eq!(
            wrong("every = \"x\"\ncolour = 1"),
            [
                "60: unknown key `colour` in [[service]] (known here: name, url, every, timeout, expect_status, \
                 expect_text, ca_file, headers_file, pause)",
                "36: a service has no `name` (add name = \"jellyfin\")",
                "36: a service has no `url` (add url = \"http://nas:8096\")",
                "56: `every`: `x` is not a duration (write it like \"500ms\", \"2s\" or \"1m\")",
            ]
        );
        let named = |line: &str| wrong(&format!("name=\"b\"\nurl=\"http://b\"\n{line}"));
        assert_eq!(named("evry=1"), ["72: unknown key `evry` in [[service]] (did you mean `every`?)"]);
        assert_eq!(named("every=86401"), ["78: `every`: `86401` is more than 1d (from 1s to 1d)"]);
        assert_eq!(named("every=\"999ms\""), ["78: `every`: `999ms` is less than 1s (from 1s to 1d)"]);
        assert_eq!(named("timeout=\"99ms\""), ["80: `timeout`: `99ms` is less than 100ms (from 100ms to 1m)"]);
        assert_eq!(named("timeout=61"), ["80: `timeout`: `61` is more than 1m (from 100ms to 1m)"]);
        assert_eq!(
            named("headers_file=\"h\""),
            ["85: `headers_file`: `h` is not an absolute path (write it from the root: \"/etc/benchtop/headers\")"]
        );
        assert_eq!(
            named("ca_file=\"/ca\""),
            ["80: `ca_file` needs a URL that begins with https://, not http:// (leave it out)"]
        );
        for key in ["expect_status", "expect_text", "headers_file"] {
            let said = wrong(&format!("name=\"b\"\nurl=\"ping://b\"\n{key}=\"/200\""));
            let place = 73 + key.len();
            let why = format!("`{key}` needs a URL that begins with http:// or https://, not ping:// (leave it out)");
            assert_eq!(said, [format!("{place}: {why}")]);
        }
    }

    #[test]
    fn names_are_short_clean_and_different() {
        let named = |name: &str| wrong(&format!("url=\"http://b\"\nname=\"{name}\""));
        assert_eq!(named(&"é".repeat(41)), ["68: `name` is longer than 40 letters ()"]);
        assert_eq!(named("b "), ["68: `name` begins or ends with a blank ()"]);
        assert_eq!(named("b\\u0007"), ["68: `name` holds characters that no screen can show ()"]);
        for name in ["a", "old"] {
            let why = "(alerts and history know a service by its name)";
            assert_eq!(named(name), [format!("68: two services are called `{name}` {why}")]);
        }
        let longest = "é".repeat(40);
        let (read, faults) = services(&format!("[[service]]\nname = \"{longest}\"\nurl = \"http://b\"\n"));
        assert_eq!((read[0].name.as_str(), faults), (longest.as_str(), Vec::new()));
    }

    #[test]
    fn there_are_at_most_so_many() {
        let one = |at: usize| format!("[[service]]\nname = \"{at}\"\nurl = \"http://b\"\n");
        let (read, faults) = services(&(1..=MOST).map(one).collect::<String>());
        // One was known before.
        assert_eq!(read.len(), MOST - 1);
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert!(fault.ends_with(": there are more than 500 services ()"), "{fault}");
        assert_eq!(services(&(1..MOST).map(one).collect::<String>()).1, [""; 0]);
    }

    #[test]
    fn what_is_no_list_of_services_is_said() {
        let hint = "(write [[service]] on a separate line, with name and url below it)";
        assert_eq!(
            services("service = \"x\"\n").1,
            [format!("10: `service` is a string, not a list of tables {hint}")]
        );
        assert_eq!(services("service = [1]\n").1, [format!("11: a service is a whole number, not a table {hint}")]);
    }
}
