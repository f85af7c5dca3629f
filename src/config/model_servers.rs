//! `[[model_server]]`: servers of models beside those that are found. Each table is read on its own, so that one mistake
//! costs that server alone.

use std::{path::PathBuf, time::Duration};

use super::{
    fields::quoted,
    reading::{Reading, exact},
    tree::{At, Node, Table},
};
use crate::{
    diag::did_you_mean,
    model::{
        model_server::{Kind, ModelServerTarget},
        service::target::ServiceUrl,
    },
    text::clean,
};

/// What a server may say, in the order of the example file.
pub const KEYS: [&str; 7] = ["name", "url", "kind", "token_file", "ca_file", "every", "sleeps"];

const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
/// Letters of a name, and servers in all.
const NAME: usize = 40;
pub const MOST: usize = 64;

/// The servers in `value`, without those that are wrong.
pub fn read(value: &At<Node>, known: &[ModelServerTarget], reading: &mut Reading<'_>) -> Vec<At<ModelServerTarget>> {
    let hint = || Some("write [[model_server]] on a separate line, with name and url below it".to_owned());
    let Node::List(items) = &value.value else {
        reading.wrong(value.offset, format!("`model_server` is {}, not a list of tables", value.value.kind()), hint());
        return Vec::new();
    };
    let mut out: Vec<At<ModelServerTarget>> = Vec::new();
    for item in items {
        let Node::Table(table) = &item.value else {
            reading.wrong(item.offset, format!("a model server is {}, not a table", item.value.kind()), hint());
            continue;
        };
        if known.len() + out.len() == MOST {
            reading.wrong(item.offset, format!("there are more than {MOST} model servers"), None);
            break;
        }
        let before = reading.faults.len();
        let Some(target) = one(item.offset, table, reading) else { continue };
        if known.iter().chain(out.iter().map(|other| &other.value)).any(|other| other.name == target.name) {
            let what = format!("two model servers are called `{}`", target.name);
            reading.wrong(item.offset, what, Some("alerts and history know a server by its name".to_owned()));
        }
        if reading.faults.len() == before {
            out.push(At { offset: item.offset, value: target });
        }
    }
    out
}

fn one(offset: usize, table: &Table, reading: &mut Reading<'_>) -> Option<ModelServerTarget> {
    let get = |key: &str| table.iter().find(|(name, _)| name.value == key).map(|(_, value)| value);
    for (key, _) in table.iter().filter(|(key, _)| !KEYS.contains(&key.value.as_str())) {
        let hint = match did_you_mean(&key.value, KEYS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", KEYS.join(", ")),
        };
        reading.wrong(key.offset, format!("unknown key `{}` in [[model_server]]", key.value), Some(hint));
    }
    for (key, example) in [("name", "name = \"ollama\""), ("url", "url = \"http://nas:11434\"")] {
        if get(key).is_none() {
            reading.wrong(offset, format!("a model server has no `{key}`"), Some(format!("add {example}")));
        }
    }
    let (name, url) =
        (get("name").and_then(|value| name(value, reading)), get("url").and_then(|value| url(value, reading)));
    // The rest is read all the same, for what is wrong with it.
    let whole = name.is_some() && url.is_some();
    let url = url.or_else(|| ServiceUrl::parse("https://x").ok())?;
    let mut target = ModelServerTarget::new(name.unwrap_or_default(), url);
    for (key, value) in table {
        let Some(path) = KEYS.iter().find(|known| **known == key.value) else { continue };
        reading.path = path;
        match *path {
            "kind" => target.kind = kind(value, reading),
            "token_file" => target.token_file = file(value, reading),
            "ca_file" => target.ca_file = file(value, reading),
            "every" => target.every = reading.span(value, EVERY.0, EVERY.1),
            "sleeps" => target.sleeps = reading.flag(value),
            _ => {}
        }
    }
    whole.then_some(target)
}

fn name(value: &At<Node>, reading: &mut Reading<'_>) -> Option<String> {
    reading.path = "name";
    let name = reading.text(value)?;
    let why = match () {
        () if name.chars().count() > NAME => format!("is longer than {NAME} letters"),
        () if name.trim() != name => "begins or ends with a blank".to_owned(),
        () if clean(&name) != name => "holds characters that no screen can show".to_owned(),
        () => return Some(name),
    };
    reading.wrong(value.offset, format!("`name` {why}"), None);
    None
}

fn url(value: &At<Node>, reading: &mut Reading<'_>) -> Option<ServiceUrl> {
    reading.path = "url";
    let text = reading.text(value)?;
    let example = || Some("write http://nas:11434 or https://llm.lan".to_owned());
    match ServiceUrl::parse(&text) {
        Ok(url) if url.scheme().is_http() => Some(url),
        Ok(url) => {
            let what = format!("`url` begins with {}://, which no model server speaks", url.scheme().name());
            reading.wrong(value.offset, what, example());
            None
        }
        // The address itself is not said: it may hold a password.
        Err(error) => {
            reading.wrong(value.offset, format!("`url` {error}"), example());
            None
        }
    }
}

fn kind(value: &At<Node>, reading: &mut Reading<'_>) -> Option<Kind> {
    let text = reading.text(value)?;
    let kind = Kind::find(&text);
    if kind.is_none() {
        let names = Kind::ALL.map(Kind::name).join(", ");
        let hint = format!("known are {names}; left out, it is recognised");
        reading.wrong(value.offset, format!("`kind`: no model server is called `{}`", clean(&text)), Some(hint));
    }
    kind
}

/// A path that does not depend on where benchtop was started.
fn file(value: &At<Node>, reading: &mut Reading<'_>) -> Option<PathBuf> {
    let path = PathBuf::from(reading.text(value)?);
    if path.is_absolute() {
        return Some(path);
    }
    let what = format!("`{}`: `{}` is not an absolute path", reading.path, path.display());
    reading.wrong(value.offset, what, Some("write it from the root: \"/etc/benchtop/key\"".to_owned()));
    None
}

/// A server as TOML, with what is not built in.
#[must_use]
pub fn toml(target: &ModelServerTarget) -> String {
    let mut out =
        format!("[[model_server]]\nname = {}\nurl = {}\n", quoted(&target.name), quoted(&target.url.to_string()));
    let mut line = |key: &str, value: String| out.push_str(&format!("{key} = {value}\n"));
    if let Some(kind) = target.kind {
        line("kind", quoted(kind.name()));
    }
    for (key, path) in [("token_file", &target.token_file), ("ca_file", &target.ca_file)] {
        if let Some(path) = path {
            line(key, quoted(&path.display().to_string()));
        }
    }
    if let Some(every) = target.every {
        line("every", quoted(&exact(every)));
    }
    if let Some(sleeps) = target.sleeps {
        line("sleeps", sleeps.to_string());
    }
    out
}
