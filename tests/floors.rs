//! The layers of the program: a module imports from lower rows only, and modules of one row do not import each other.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]
#[path = "floors/graph.rs"]
mod graph;

use std::{fs, path::Path as File};

use graph::{Edge, cycles, edges, module_of};

/// Lowest first (CONTRIBUTING.md draws the same table). The longest prefix of a module counts, so that a folder may have
/// rows of its own: `ui::table` above `ui`.
const FLOORS: &[&[&str]] = &[
    &["units", "clock", "text", "diag"],
    &["model", "sys"],
    &["config", "alert", "analysis", "request", "interest", "target"],
    &["state"],
    &["collect", "act", "bench", "notify", "store"],
    &["sink", "ui::ids", "ui::action", "ui::theme"],
    &["ui::keymap", "ui::confirm_keys"],
    &["ui::canvas"],
    &["ui::figures", "ui::view"],
    &["ui::widgets"],
    &[
        "ui::header",
        "ui::footer",
        "ui::layout",
        "ui::parts",
        "ui::table::cursor",
        "ui::table::needle",
        "ui::table::tree",
    ],
    &["ui::table::column"],
    &[
        "ui::overlays::columns",
        "ui::overlays::confirm",
        "ui::overlays::help",
        "ui::overlays::menu",
        "ui::overlays::report",
        "ui::overlays::seen",
        "ui::overlays::themes",
    ],
    &["ui::table"],
    &[
        "ui::alerts",
        "ui::benchmarks",
        "ui::containers",
        "ui::cpu",
        "ui::disks_network",
        "ui::gpus",
        "ui::memory",
        "ui::models",
        "ui::pools",
        "ui::processes",
        "ui::sensors",
        "ui::services",
    ],
    &["ui::panes", "ui::overlays"],
    &["ui"],
    &["app"],
    &["cli"],
    &["main"],
];

/// Imports along one row that are agreed, each with its reason.
const AGREED: &[(&str, &str, &str)] = &[
    ("sys", "model", "an error of a file is a Fault"),
    ("config", "alert", "the user's rules are settings"),
    ("config", "target", "the user's targets are settings"),
    ("request", "alert", "an outcome has a level"),
    ("request", "config", "settings are saved"),
];

/// Imports of a lower row that are refused all the same: readers see the state and build requests.
const REFUSED: &[(&str, &str)] = &[
    ("ui", "collect"),
    ("ui", "act"),
    ("ui", "bench"),
    ("ui", "notify"),
    ("ui", "store"),
    ("sink", "collect"),
    ("sink", "act"),
    ("sink", "bench"),
    ("sink", "notify"),
    ("sink", "store"),
];

/// Modules that import one another, each group in the order of its names, with the reason. A new member or a new group
/// fails, and so does one that is no longer true: the list only shrinks.
const CYCLES: &[(&[&str], &str)] = &[
    (&["app::encode", "app::encode::shown"], "what is shown is of the encoder's own cells"),
    (&["collect", "collect::aside"], "the helper opens sources by the table whose rows open them through it"),
    (&["collect::process", "collect::process::forks"], "parts of one collector"),
    (&["model::process", "model::process::memory"], "a part of the folder's types"),
    (&["model::pool", "model::pool::devices"], "methods of the types in the folder's file"),
    (&["sys::exec", "sys::exec::child", "sys::exec::runner"], "the trait and its implementations"),
    (&["sys::helper", "sys::helper::probe"], "the helper answers the probe, which asks through it"),
    (&["sys::mounts", "sys::remote", "sys::root"], "a root asks what may hang by its own mounts"),
    (&["target", "target::load"], "the file's reader makes the folder's types"),
];

/// `name` is the module `prefix` or below it.
fn within(name: &str, prefix: &str) -> bool {
    name == prefix || name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"))
}

/// The row of a module, with the prefix that put it there.
fn row(module: &[String]) -> Option<(usize, &'static str)> {
    let name = module.join("::");
    let rows = FLOORS.iter().enumerate().flat_map(|(at, row)| row.iter().map(move |prefix| (at, *prefix)));
    rows.filter(|(_, prefix)| within(&name, prefix)).max_by_key(|(_, prefix)| prefix.len())
}

/// What is wrong with an import, as `file:line: …`.
fn broken(edge: &Edge, file: &str) -> Option<String> {
    let (from, to) = (edge.from.join("::"), edge.to.join("::"));
    let at = format!("{file}:{}: `{from}` imports `{to}`", edge.line);
    let (Some((own, own_row)), Some((other, other_row))) = (row(&edge.from), row(&edge.to)) else {
        return Some(format!("{at}: a module is on no floor: add it to FLOORS and to CONTRIBUTING.md"));
    };
    if own_row == other_row {
        return None;
    }
    let top = |name: &str| name.split("::").next().unwrap_or_default().to_owned();
    if REFUSED.contains(&(top(own_row).as_str(), top(other_row).as_str())) {
        return Some(format!("{at}: `{own_row}` may not see `{other_row}`"));
    }
    let agreed = AGREED.iter().any(|(a, b, _)| *a == own_row && *b == other_row);
    (other >= own && !agreed).then(|| format!("{at}, which is not below it"))
}

fn walk(folder: &File, visit: &mut dyn FnMut(&File)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path);
        }
    }
}

/// Every file of `src` with its text.
fn sources() -> Vec<(String, String)> {
    let top = File::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&top.join("src"), &mut |path| {
        let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
        files.push((name, fs::read_to_string(path).unwrap()));
    });
    assert!(files.len() > 30, "only {} files were found", files.len());
    files
}

#[test]
fn imports_go_down() {
    let files = sources();
    let mut found: Vec<String> = Vec::new();
    for edge in edges(&files) {
        let file = files.iter().find(|(name, _)| module_of(name) == edge.from).map_or("?", |(name, _)| name);
        found.extend(broken(&edge, file));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn cycles_are_listed() {
    let found = cycles(&edges(&sources()));
    let found: Vec<Vec<String>> =
        found.iter().map(|group| group.iter().map(|module| module.join("::")).collect()).collect();
    let listed = |group: &[String]| CYCLES.iter().any(|(names, _)| names.iter().eq(group.iter()));
    let new = found.iter().filter(|group| !listed(group)).map(|group| format!("not listed: {}", group.join(" ")));
    let gone = CYCLES.iter().filter(|(names, _)| !found.iter().any(|group| names.iter().eq(group.iter())));
    let gone = gone.map(|(names, _)| format!("no longer true: {}", names.join(" ")));
    let wrong: Vec<String> = new.chain(gone).collect();
    assert!(wrong.is_empty(), "modules that import one another, and CYCLES:\n{}", wrong.join("\n"));
}

#[test]
fn no_cycle_is_long() {
    let long = CYCLES.iter().find(|(names, _)| names.len() > 3);
    assert!(long.is_none(), "{long:?}");
}

#[test]
fn every_source_file_opens_with_why_it_exists() {
    let bare = sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name);
    let found: Vec<String> = bare.collect();
    assert!(found.is_empty(), "no opening comment: {}", found.join(", "));
}

/// True when this line makes a warning or a critical level, instead of comparing, matching or drawing one.
fn makes_a_level(line: &str) -> bool {
    let made = |(at, _): (usize, &str)| {
        let (before, after) = line.split_at(at);
        let pattern = after.contains("=>") && !before.contains("=>");
        let read = ["< ", "<= ", " > ", ">= ", "== ", "!= ", "theme.level("].iter().any(|end| before.ends_with(end));
        // The footer answers a key: that is about input, not about the machine.
        !(pattern || read || before.contains("Effect::Say("))
    };
    line.match_indices("Level::Warn").chain(line.match_indices("Level::Crit")).any(made)
}

/// A file of the screen that is not for its tests alone.
fn draws(name: &str) -> bool {
    name.starts_with("src/ui/") && !["/tests.rs", "/testing.rs", "/tests/"].iter().any(|part| name.contains(part))
}

#[test]
fn ui_decides_no_level() {
    assert!(makes_a_level("() if hot => Level::Warn,") && makes_a_level("return Level::Crit;"));
    assert!(!makes_a_level("Level::Warn => theme.level(Level::Warn),") && !makes_a_level("if level >= Level::Warn {"));
    let mut found = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| draws(name)) {
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let made = code.enumerate().filter(|(_, line)| makes_a_level(line));
        found.extend(made.map(|(at, line)| format!("{name}:{}: {}", at + 1, line.trim())));
    }
    assert!(found.is_empty(), "levels are decided in src/state/levels.rs:\n{}", found.join("\n"));
}

/// The theme defines the colours of alarms, and its chooser shows a sample of them.
const COLOURS_OF_ALARMS: [&str; 2] = ["src/ui/theme/", "src/ui/overlays/themes.rs"];

#[test]
fn amber_and_red_come_from_a_level() {
    let mut found = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| draws(name)) {
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let bare = |(_, line): &(usize, &str)| {
            ["Warn", "Crit"]
                .iter()
                .any(|word| line.contains(&format!("Role::{word}")) && !line.contains(&format!("Level::{word} =>")))
        };
        if !COLOURS_OF_ALARMS.iter().any(|own| name.starts_with(own)) {
            found.extend(code.enumerate().filter(bare).map(|(at, line)| format!("{name}:{}: {}", at + 1, line.trim())));
        }
    }
    assert!(found.is_empty(), "wrong input is Role::Invalid, news is Role::Advice:\n{}", found.join("\n"));
}

/// The imports of a program of these files, as `from → to:line`.
fn graph_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    edges(&files).iter().map(|e| format!("{} → {}:{}", e.from.join("::"), e.to.join("::"), e.line)).collect()
}

#[test]
fn paths_resolve() {
    let b = ("src/a/b.rs", "pub struct B;");
    let c = ("src/c.rs", "pub struct C;");
    let main = ("src/a/mod.rs", "mod b;\npub use b::B;\nmod d;");
    let of =
        |text| graph_of(&[main, b, c, ("src/a/d.rs", text)]).into_iter().filter(|e| e.starts_with("a::d")).collect();
    let one = |text| -> Vec<String> { of(text) };
    assert_eq!(one("use super::b::B;"), ["a::d → a::b:1"]);
    assert_eq!(one("\nuse crate::{c::C as D};"), ["a::d → c:2"]);
    assert_eq!(one("fn f(_: crate::c::C) {}"), ["a::d → c:1"], "a path in a signature");
    assert_eq!(one("fn f() { println!(\"{}\", super::super::c::C); }"), ["a::d → c:1"], "a path in a macro");
    assert_eq!(one("use super::B;"), ["a::d → a::b:1"], "a re-export leads to where the name is defined");
    assert_eq!(one("use super::super::c as x;\nfn f(_: x::C) {}"), ["a::d → c:1", "a::d → c:2"], "an alias");
    assert_eq!(one("use std::c::C;\n/// [`crate::c::C`]\nstruct D;"), Vec::<String>::new());
    assert_eq!(graph_of(&[main, b])[0], "a → a::b:2", "a child without a prefix");
}

#[test]
fn broken_imports_are_named() {
    let of = |file: &str, text: &str| -> Vec<String> {
        let other = |name: &str| (format!("src/{name}.rs"), String::new());
        let mut files: Vec<_> = ["state", "ui/mod", "act/mod", "units"].iter().map(|name| other(name)).collect();
        files.push((file.to_owned(), text.to_owned()));
        edges(&files).iter().filter_map(|edge| broken(edge, file)).collect()
    };
    let up = of("src/model/cpu.rs", "//! x\nuse crate::{\n    units,\n    state::State,\n};\n");
    assert_eq!(up, ["src/model/cpu.rs:4: `model::cpu` imports `state`, which is not below it"]);
    let up = of("src/model/cpu.rs", "fn f() -> super::super::state::State {}\n");
    assert_eq!(up, ["src/model/cpu.rs:1: `model::cpu` imports `state`, which is not below it"]);
    let across = of("src/sink/json.rs", "fn f() -> crate::ui::Ui {}\n");
    assert_eq!(across, ["src/sink/json.rs:1: `sink::json` imports `ui`, which is not below it"]);
    let hidden = of("src/ui/draw.rs", "use crate::act::run;\n");
    assert_eq!(hidden, ["src/ui/draw.rs:1: `ui::draw` imports `act`: `ui` may not see `act`"]);
    assert!(of("src/new.rs", "use crate::state::State;")[0].contains("on no floor"));
    assert!(of("src/ui/draw.rs", "/// [`crate::app::run`]\nuse crate::{state::State, units};\n").is_empty());
}

#[test]
fn cycles_are_found() {
    let module = |name: &str| vec![name.to_owned()];
    let edge = |from: &str, to: &str, test| Edge { from: module(from), to: module(to), line: 1, test };
    let ring = [edge("a", "b", false), edge("b", "c", false), edge("c", "a", false), edge("c", "d", false)];
    assert_eq!(cycles(&ring), [vec![module("a"), module("b"), module("c")]]);
    assert!(cycles(&[edge("a", "b", false), edge("b", "a", true)]).is_empty(), "tests do not count");
}
