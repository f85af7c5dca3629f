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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Known, tree};

    /// The servers of a file beside one that is called `old`, and what is wrong with it.
    fn servers(text: &str) -> (Vec<ModelServerTarget>, Vec<String>) {
        let (table, _) = tree::parse("x", text);
        let known = Known::nothing();
        let mut reading = Reading { known: &known, path: "model_server", loose: false, faults: Vec::new() };
        let old = ModelServerTarget::new("old".to_owned(), ServiceUrl::parse("http://old").expect("an address"));
        let read = read(&table[0].1, &[old], &mut reading);
        let faults = reading.faults.into_iter();
        (
            read.into_iter().map(|at| at.value).collect(),
            faults.map(|f| format!("{}: {} ({})", f.offset, f.what, f.hint.unwrap_or_default())).collect(),
        )
    }

    /// What is wrong with one server that has these lines, after one that is right.
    fn wrong(lines: &str) -> Vec<String> {
        let (read, faults) =
            servers(&format!("[[model_server]]\nname=\"a\"\nurl=\"http://a\"\n[[model_server]]\n{lines}\n"));
        assert_eq!(read.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["a"], "{lines}");
        faults
    }

    #[test]
    fn a_server_is_written_as_it_is_read() {
        let bare = "[[model_server]]\nname = \"a\"\nurl = \"http://nas:11434\"\n";
        let full = "[[model_server]]\nname = \"b\"\nurl = \"https://llm.lan\"\nkind = \"vllm\"\n\
                    token_file = \"/etc/token\"\nca_file = \"/etc/ca\"\nevery = \"90s\"\nsleeps = false\n";
        let (read, faults) = servers(&format!("{bare}{full}"));
        assert_eq!(faults, [""; 0]);
        let [a, b] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((a.kind, &a.token_file, &a.ca_file, a.every, a.sleeps), (None, &None, &None, None, None));
        assert_eq!(b.kind.map(Kind::name), Some("vllm"));
        assert_eq!((b.every, b.sleeps), (Some(Duration::from_secs(90)), Some(false)));
        assert_eq!([&b.token_file, &b.ca_file], [&Some(PathBuf::from("/etc/token")), &Some(PathBuf::from("/etc/ca"))]);
        assert_eq!(read.iter().map(toml).collect::<String>(), format!("{bare}{full}"));
    }

    #[test]
    fn a_wrong_server_is_left_out_with_all_that_is_wrong_with_it() {
        assert_eq!(
            wrong("kind = \"vlm\"\ncolour = 1"),
            [
                "71: unknown key `colour` in [[model_server]] (known here: name, url, kind, token_file, ca_file, every, sleeps)",
                "41: a model server has no `name` (add name = \"ollama\")",
                "41: a model server has no `url` (add url = \"http://nas:11434\")",
                &format!(
                    "65: `kind`: no model server is called `vlm` (known are {}; left out, it is recognised)",
                    Kind::ALL.map(Kind::name).join(", ")
                ),
            ]
        );
        let named = |line: &str| wrong(&format!("name = \"b\"\nurl = \"http://b\"\n{line}"));
        assert_eq!(named("knd = \"vllm\""), ["86: unknown key `knd` in [[model_server]] (did you mean `kind`?)"]);
        assert_eq!(
            named("ca_file = \"etc/ca\""),
            ["96: `ca_file`: `etc/ca` is not an absolute path (write it from the root: \"/etc/benchtop/key\")"]
        );
        assert_eq!(named("every = \"999ms\""), ["94: `every`: `999ms` is less than 1s (from 1s to 1h)"]);
        assert_eq!(named("every = 3601"), ["94: `every`: `3601` is more than 1h (from 1s to 1h)"]);
        let example = "(write http://nas:11434 or https://llm.lan)";
        assert_eq!(
            wrong("name = \"b\"\nurl = \"tcp://b:1\""),
            [format!("75: `url` begins with tcp://, which no model server speaks {example}")]
        );
        let [address] = wrong("name = \"b\"\nurl = \"http://user:secret@b\"").try_into().expect("one fault");
        assert!(address.starts_with("75: `url` ") && address.ends_with(example), "{address}");
        assert!(!address.contains("secret"), "{address}");
    }

    #[test]
    fn names_are_short_clean_and_different() {
        let named = |name: &str| wrong(&format!("url = \"http://b\"\nname = \"{name}\""));
        assert_eq!(named(&"é".repeat(41)), ["82: `name` is longer than 40 letters ()"]);
        assert_eq!(named(" b"), ["82: `name` begins or ends with a blank ()"]);
        assert_eq!(named("b\\u0007"), ["82: `name` holds characters that no screen can show ()"]);
        let twice = "(alerts and history know a server by its name)";
        for name in ["a", "old"] {
            assert_eq!(named(name), [format!("41: two model servers are called `{name}` {twice}")]);
        }
        let longest = "é".repeat(40);
        let (read, faults) = servers(&format!("[[model_server]]\nname = \"{longest}\"\nurl = \"http://b\"\n"));
        assert_eq!((read[0].name.as_str(), faults), (longest.as_str(), Vec::new()));
    }

    #[test]
    fn there_are_at_most_so_many() {
        let one = |at: usize| format!("[[model_server]]\nname = \"{at}\"\nurl = \"http://b\"\n");
        let (read, faults) = servers(&(1..=MOST).map(one).collect::<String>());
        // One was known before.
        assert_eq!(read.len(), MOST - 1);
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert!(fault.ends_with(": there are more than 64 model servers ()"), "{fault}");
        assert_eq!(servers(&(1..MOST).map(one).collect::<String>()).1, [""; 0]);
    }

    #[test]
    fn what_is_no_list_of_servers_is_said() {
        let hint = "(write [[model_server]] on a separate line, with name and url below it)";
        assert_eq!(
            servers("model_server = \"x\"\n").1,
            [format!("15: `model_server` is a string, not a list of tables {hint}")]
        );
        assert_eq!(
            servers("model_server = [1]\n").1,
            [format!("16: a model server is a whole number, not a table {hint}")]
        );
    }
}
