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
