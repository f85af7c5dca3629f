//! The house keeps its floors: a module imports from lower floors only, and never from another module of its own floor.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]
use std::{fs, path::Path};

/// Every top module of `src` with its floor (CONTRIBUTING.md draws the same table).
const FLOORS: &[(&str, u8)] = &[
    ("units", 0),
    ("clock", 0),
    ("text", 0),
    ("diag", 0),
    ("model", 1),
    ("sys", 1),
    ("alert", 2),
    ("config", 2),
    ("interest", 2),
    ("request", 2),
    ("state", 3),
    ("collect", 4),
    ("act", 4),
    ("sink", 5),
    ("ui", 5),
    ("app", 6),
    ("cli", 7),
    ("main", 7),
    ("lib", 7),
];

/// Imports along one floor that are agreed, each with its reason.
const AGREED: &[(&str, &str, &str)] = &[
    ("sys", "model", "an error of a file is told as a Fault"),
    ("config", "alert", "the user's rules are settings"),
    ("request", "alert", "an alert is acknowledged"),
    ("request", "config", "settings are saved"),
];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Modules that a line names after `crate::`, braces opened: `use crate::{alert::Level, clock}` names two.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + "crate::".len()..];
        let mut push = |word: &str| {
            let name: String = word.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                found.push((line, name));
            }
        };
        let Some(inside) = rest.strip_prefix('{') else {
            push(rest);
            continue;
        };
        let (mut depth, mut begin) = (0, 0);
        for (i, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    push(&inside[begin..i]);
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    push(&inside[begin..i]);
                    begin = i + 1;
                }
                _ => {}
            }
        }
    }
    found
}

/// What is wrong with one file, as `file:line: …`.
fn breaks(file: &str, text: &str) -> Vec<String> {
    let inside = file.trim_start_matches("src/");
    let own = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
    let Some(own_floor) = floor(own) else {
        return vec![format!("{file}:1: `{own}` stands on no floor: add it to FLOORS and to CONTRIBUTING.md")];
    };
    // Comments and doc links may point anywhere.
    let code: String =
        text.lines().map(|l| if l.trim_start().starts_with("//") { "\n".into() } else { format!("{l}\n") }).collect();
    named(&code)
        .into_iter()
        .filter(|(_, other)| other != own)
        .filter_map(|(line, other)| {
            let other_floor = floor(&other)?;
            let agreed = AGREED.iter().any(|(from, to, _)| *from == own && *to == other);
            (other_floor >= own_floor && !agreed)
                .then(|| format!("{file}:{line}: `{own}` (floor {own_floor}) imports `{other}` (floor {other_floor})"))
        })
        .collect()
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path);
        }
    }
}

#[test]
fn no_module_imports_from_its_own_floor_or_above() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut files) = (Vec::new(), 0);
    walk(&top.join("src"), &mut |path| {
        files += 1;
        let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
        found.extend(breaks(&name, &fs::read_to_string(path).unwrap()));
    });
    assert!(files > 30, "only {files} files were looked at");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_source_file_opens_with_why_it_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&top.join("src"), &mut |path| {
        if !fs::read_to_string(path).unwrap().starts_with("//! ") {
            found.push(path.strip_prefix(top).unwrap().display().to_string());
        }
    });
    assert!(found.is_empty(), "no opening comment: {}", found.join(", "));
}

#[test]
fn a_break_is_named_with_file_and_line() {
    let upward = "//! x\nuse crate::{\n    clock::Stamp,\n    state::State,\n};\n";
    assert_eq!(breaks("src/model/cpu.rs", upward), ["src/model/cpu.rs:2: `model` (floor 1) imports `state` (floor 3)"]);
    let across = "fn f() -> crate::ui::Ui {}\n";
    assert_eq!(breaks("src/sink/json.rs", across), ["src/sink/json.rs:1: `sink` (floor 5) imports `ui` (floor 5)"]);
    assert_eq!(
        breaks("src/new_room.rs", "")[0],
        "src/new_room.rs:1: `new_room` stands on no floor: add it to FLOORS and to CONTRIBUTING.md"
    );
    assert!(breaks("src/ui/mod.rs", "/// [`crate::app::run`]\nuse crate::{state::State, units};\n").is_empty());
}
