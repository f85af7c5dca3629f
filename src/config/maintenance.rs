//! `[[maintenance]]`: hours of the day in which alerts are judged and shown, and not sent.

use super::{
    reading::Reading,
    tree::{At, Node, Table},
};
use crate::{alert::maintenance::Window, diag::did_you_mean};

/// What a window may say, in the order of the example file.
pub const KEYS: [&str; 6] = ["name", "from", "to", "days", "rules", "only"];
/// Days as they are written, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The windows in `value`, without those that are wrong.
pub fn read(value: &At<Node>, reading: &mut Reading<'_>) -> Vec<At<Window>> {
    let hint = || Some("write [[maintenance]] on a separate line, with name, from and to below it".to_owned());
    let Node::List(items) = &value.value else {
        let what = format!("`maintenance` is {}, not a list of tables", value.value.kind());
        reading.wrong(value.offset, what, hint());
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        let Node::Table(table) = &item.value else {
            reading.wrong(item.offset, format!("a maintenance window is {}, not a table", item.value.kind()), hint());
            continue;
        };
        let before = reading.faults.len();
        let window = one(item.offset, table, reading);
        if reading.faults.len() == before {
            out.push(At { offset: item.offset, value: window });
        }
    }
    out
}

fn one(offset: usize, table: &Table, reading: &mut Reading<'_>) -> Window {
    let mut window = Window::default();
    let (mut from, mut to) = (None, None);
    for (key, value) in table {
        let Some(path) = KEYS.iter().find(|known| **known == key.value) else {
            let hint = match did_you_mean(&key.value, KEYS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", KEYS.join(", ")),
            };
            reading.wrong(key.offset, format!("unknown key `{}` in [[maintenance]]", key.value), Some(hint));
            continue;
        };
        reading.path = path;
        match *path {
            "name" => window.name = reading.text(value).unwrap_or_default(),
            "from" => from = time(value, reading),
            "to" => to = time(value, reading),
            "days" => days(&mut window, value, reading),
            "rules" => window.rules = texts(value, reading),
            _ => only(&mut window, value, reading),
        }
    }
    let said = |key: &str| table.iter().any(|(name, _)| name.value == key);
    for (key, example) in [("name", "\"backup\""), ("from", "\"02:00\""), ("to", "\"04:00\"")] {
        if !said(key) {
            let hint = Some(format!("add {key} = {example}"));
            reading.wrong(offset, format!("a maintenance window has no `{key}`"), hint);
        }
    }
    (window.from, window.to) = (from.unwrap_or(0), to.unwrap_or(0));
    window
}

/// `"02:30"`, in minutes.
fn time(value: &At<Node>, reading: &mut Reading<'_>) -> Option<u16> {
    let text = reading.text(value)?;
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    };
    let time = read();
    if time.is_none() {
        let what = format!("`{}`: `{text}` is not a time of the day", reading.path);
        reading.wrong(value.offset, what, Some("write it like \"02:30\", from \"00:00\" to \"23:59\"".to_owned()));
    }
    time
}

fn days(window: &mut Window, value: &At<Node>, reading: &mut Reading<'_>) {
    for day in texts(value, reading) {
        match DAYS.iter().position(|known| *known == day) {
            Some(at) => window.days[at] = true,
            None => {
                let hint = Some(format!("days are {}", DAYS.join(", ")));
                reading.wrong(value.offset, format!("`days`: `{day}` is not a day"), hint);
            }
        }
    }
}

/// `{ container = "nightly-*" }`.
fn only(window: &mut Window, value: &At<Node>, reading: &mut Reading<'_>) {
    let Node::Table(table) = &value.value else {
        let hint = Some("as in only = { container = \"nightly-*\" }".to_owned());
        return reading.wrong(value.offset, format!("`only` is {}, not a table", value.value.kind()), hint);
    };
    for (label, value) in table {
        window.only.extend(texts(value, reading).into_iter().map(|pattern| (label.value.clone(), pattern)));
    }
}

/// A text, or a list of them.
fn texts(value: &At<Node>, reading: &mut Reading<'_>) -> Vec<String> {
    match &value.value {
        Node::List(items) => items.iter().filter_map(|item| reading.text(item)).collect(),
        _ => reading.text(value).into_iter().collect(),
    }
}

/// A window as TOML.
#[must_use]
pub fn toml(window: &Window) -> String {
    use super::fields::{list, quoted};
    let time = |minutes: u16| format!("\"{:02}:{:02}\"", minutes / 60, minutes % 60);
    let mut out = format!(
        "[[maintenance]]\nname = {}\nfrom = {}\nto = {}\n",
        quoted(&window.name),
        time(window.from),
        time(window.to)
    );
    let days: Vec<String> =
        DAYS.iter().zip(window.days).filter(|(_, on)| *on).map(|(day, _)| (*day).to_owned()).collect();
    if !days.is_empty() {
        out.push_str(&format!("days = {}\n", list(&days)));
    }
    if !window.rules.is_empty() {
        out.push_str(&format!("rules = {}\n", list(&window.rules)));
    }
    if !window.only.is_empty() {
        let mut labels: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
        for (label, pattern) in &window.only {
            labels.entry(label).or_default().push(pattern.clone());
        }
        let labels: Vec<String> = labels.iter().map(|(label, p)| format!("{label} = {}", list(p))).collect();
        out.push_str(&format!("only = {{ {} }}\n", labels.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Known, tree};

    /// The windows of a file, and what is wrong with it.
    fn windows(text: &str) -> (Vec<Window>, Vec<String>) {
        let (table, _) = tree::parse("x", text);
        let known = Known::nothing();
        let mut reading = Reading { known: &known, path: "maintenance", loose: false, faults: Vec::new() };
        let read = read(&table[0].1, &mut reading);
        let faults = reading.faults.into_iter();
        (
            read.into_iter().map(|at| at.value).collect(),
            faults.map(|f| format!("{}: {} ({})", f.offset, f.what, f.hint.unwrap_or_default())).collect(),
        )
    }

    #[test]
    fn a_window_is_written_as_it_is_read() {
        let bare = "[[maintenance]]\nname = \"night\"\nfrom = \"23:59\"\nto = \"00:00\"\n";
        let full = "[[maintenance]]\nname = \"backup\"\nfrom = \"02:30\"\nto = \"10:05\"\ndays = [\"tue\", \"sun\"]\n\
                    rules = [\"disk_*\", \"pool_used\"]\nonly = { container = [\"nightly-*\", \"x\"], mount = [\"/srv\"] }\n";
        let (read, faults) = windows(&format!("{bare}{full}"));
        assert_eq!(faults, [""; 0]);
        let pair = |label: &str, pattern: &str| (label.to_owned(), pattern.to_owned());
        let night = Window { name: "night".into(), from: 23 * 60 + 59, to: 0, ..Window::default() };
        let backup = Window {
            name: "backup".into(),
            from: 150,
            to: 605,
            days: [false, true, false, false, false, false, true],
            rules: vec!["disk_*".into(), "pool_used".into()],
            only: vec![pair("container", "nightly-*"), pair("container", "x"), pair("mount", "/srv")],
        };
        assert_eq!(read, [night, backup]);
        assert_eq!(read.iter().map(toml).collect::<String>(), format!("{bare}{full}"));
    }

    #[test]
    fn a_wrong_window_is_left_out_and_the_others_stay() {
        let good = "[[maintenance]]\nname = \"a\"\nfrom = \"01:00\"\nto = \"02:00\"\n";
        let wrong = |line: &str| {
            let (read, faults) = windows(&format!("{good}[[maintenance]]\nname = \"b\"\n{line}\n{good}"));
            assert_eq!(read.iter().map(|window| window.name.as_str()).collect::<Vec<_>>(), ["a", "a"], "{line}");
            let [fault] = faults.as_slice() else { panic!("{line}: {faults:?}") };
            fault.clone()
        };
        let time = "(write it like \"02:30\", from \"00:00\" to \"23:59\")";
        for bad in ["24:00", "12:60", "noon", "12", "-1:00", "1:2:3"] {
            let said = wrong(&format!("to = \"02:00\"\nfrom = \"{bad}\""));
            assert_eq!(said, format!("102: `from`: `{bad}` is not a time of the day {time}"));
        }
        assert_eq!(wrong("from = \"01:00\""), "55: a maintenance window has no `to` (add to = \"04:00\")");
        assert_eq!(wrong("to = \"01:00\""), "55: a maintenance window has no `from` (add from = \"02:00\")");
        let times = "from = \"01:00\"\nto = \"02:00\"\n";
        assert_eq!(
            wrong(&format!("{times}days = [\"mon\", \"sunday\"]")),
            "117: `days`: `sunday` is not a day (days are mon, tue, wed, thu, fri, sat, sun)"
        );
        assert_eq!(
            wrong(&format!("{times}dayz = \"mon\"")),
            "110: unknown key `dayz` in [[maintenance]] (did you mean `days`?)"
        );
        assert_eq!(
            wrong(&format!("{times}colour = \"mon\"")),
            "110: unknown key `colour` in [[maintenance]] (known here: name, from, to, days, rules, only)"
        );
        assert_eq!(
            wrong(&format!("{times}only = \"nightly\"")),
            "117: `only` is a string, not a table (as in only = { container = \"nightly-*\" })"
        );
        let (read, faults) = windows("[[maintenance]]\nfrom = \"01:00\"\nto = \"02:00\"\n");
        assert_eq!(read, []);
        assert_eq!(faults, ["0: a maintenance window has no `name` (add name = \"backup\")"]);
    }

    #[test]
    fn what_is_no_list_of_windows_is_said() {
        let hint = "(write [[maintenance]] on a separate line, with name, from and to below it)";
        let said = |text: &str| windows(text).1;
        assert_eq!(
            said("maintenance = true\n"),
            [format!("14: `maintenance` is true or false, not a list of tables {hint}")]
        );
        assert_eq!(
            said("maintenance = [1]\n"),
            [format!("15: a maintenance window is a whole number, not a table {hint}")]
        );
    }
}
