//! The settings in force as TOML that can be read again, each with where it comes from.

use std::{fmt::Write, path::PathBuf};

use super::{
    Loaded, Origin,
    fields::{FIELDS, list, quoted},
    maintenance, model_servers,
    reading::exact,
    services,
};
use crate::alert::{Rule, Side};

/// Columns before the comments.
const COMMENT: usize = 44;

/// All settings as TOML; the rules and the built-in targets when they are asked for. Secrets in addresses are hidden.
#[must_use]
pub fn show(loaded: &Loaded, rules: bool, targets: bool) -> String {
    let mut out = String::from("# The settings in force, and where each comes from.\n");
    let path = |path: &Option<PathBuf>| path.as_ref().map_or("none".to_owned(), |f| f.display().to_string());
    let _ = writeln!(out, "# File: {}", path(&loaded.file));
    let _ = writeln!(out, "# Saved: {}", path(&loaded.saved));
    if loaded.added.is_some() {
        let _ = writeln!(out, "# Added: {}", path(&loaded.added));
    }
    let mut section = "";
    for field in FIELDS {
        let (here, name) = field.path.split_once('.').unwrap_or(("", field.path));
        if here != section {
            section = here;
            let _ = write!(out, "\n[{section}]\n");
        }
        let from = origin(&loaded.origin(field.path));
        match (field.show)(&loaded.settings) {
            Some(value) => line(&mut out, &format!("{name} = {}", hide_secrets(&value)), &from),
            None => line(&mut out, &format!("# {name} is not set"), ""),
        }
    }
    super::targets::show(&mut out, loaded, targets, &|out, text, from| line(out, text, &origin(from)));
    let _ = writeln!(out);
    if loaded.settings.services.is_empty() {
        line(&mut out, "# service: none is set", "");
    }
    for target in &loaded.settings.services {
        let from = origin(&loaded.origin(&format!("service.{}", target.name)));
        let text = services::toml(target, false);
        let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
        line(&mut out, head, &from);
        out.push_str(rest);
        out.push('\n');
    }
    for window in &loaded.settings.maintenance {
        let from = origin(&loaded.origin(&format!("maintenance.{}", window.name)));
        let text = maintenance::toml(window);
        let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
        line(&mut out, head, &from);
        out.push_str(rest);
        out.push('\n');
    }
    for target in &loaded.settings.model_servers {
        let from = origin(&loaded.origin(&format!("model_server.{}", target.name)));
        let text = model_servers::toml(target);
        let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
        line(&mut out, head, &from);
        out.push_str(rest);
        out.push('\n');
    }
    out.push_str(&super::notify::toml(&loaded.settings.notify));
    out.push_str("[keys]\n");
    for (action, keys) in &loaded.settings.keys {
        line(&mut out, &format!("{action} = {}", list(keys)), &origin(&loaded.origin(&format!("keys.{action}"))));
    }
    if !rules {
        let own = |rule: &&Rule| loaded.origin(&format!("rules.{}", rule.id)) != Origin::BuiltIn;
        let (all, own) = (loaded.settings.rules.len(), loaded.settings.rules.iter().filter(own).count());
        let _ =
            writeln!(out, "\n# {all} rules, {own} of them from the file: `benchtop config show --rules` shows them.");
        return out;
    }
    for rule in &loaded.settings.rules {
        let from = origin(&loaded.origin(&format!("rules.{}", rule.id)));
        out.push('\n');
        line(&mut out, &format!("[rules.{}]", rule.id), &from);
        write_rule(&mut out, rule);
    }
    out
}

fn write_rule(out: &mut String, rule: &Rule) {
    let _ = writeln!(out, "metric = {}", quoted(rule.metric.def().id));
    let side = if rule.side == Side::Above { "above" } else { "below" };
    let _ = writeln!(out, "side = \"{side}\"");
    for (name, limit) in
        [("advice", rule.limits.advice), ("warn", rule.limits.warn), ("crit", rule.limits.crit), ("clear", rule.clear)]
    {
        if let Some(limit) = limit {
            let _ = writeln!(out, "{name} = {limit}");
        }
    }
    let _ = writeln!(out, "hold = \"{}\"", exact(rule.hold));
    if let Some(count) = rule.in_a_row {
        let _ = writeln!(out, "in_a_row = {count}");
    }
    if let Some(times) = rule.times {
        let _ = writeln!(out, "times = {}\nwithin = \"{}\"", times.count, exact(times.within));
    }
    if let Some(floor) = rule.normal_floor {
        let _ = writeln!(out, "normal_floor = {floor}");
    }
    if let Some(span) = rule.clear_hold {
        let _ = writeln!(out, "clear_hold = \"{}\"", exact(span));
    }
    for (name, patterns) in [("only", &rule.only), ("except", &rule.except)] {
        if !patterns.is_empty() {
            let labels: Vec<String> = patterns.iter().map(|(label, p)| format!("{label} = {}", list(p))).collect();
            let _ = writeln!(out, "{name} = {{ {} }}", labels.join(", "));
        }
    }
    let _ = writeln!(out, "say = {}", quoted(&rule.say));
    for (name, on) in [("grace", rule.grace), ("quiet_during_runs", rule.quiet_during_runs)] {
        if on {
            let _ = writeln!(out, "{name} = true");
        }
    }
    let _ = writeln!(out, "enabled = {}", rule.enabled);
}

fn line(out: &mut String, text: &str, comment: &str) {
    let _ = match comment {
        "" => writeln!(out, "{text}"),
        _ => writeln!(out, "{text:COMMENT$} # {comment}"),
    };
}

/// In words.
fn origin(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Found(what) => format!("found: {what}"),
        Origin::File(line, _) => format!("file, line {line}"),
        Origin::Saved(line, _) => format!("saved, line {line}"),
        Origin::Added(line, _) => format!("added, line {line}"),
        Origin::Env(name) => format!("variable {name}"),
        Origin::Flag(name) => format!("flag {name}"),
    }
}

/// `https://user:secret@host` without the secret: what is shown is pasted into bug reports.
fn hide_secrets(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        let end = after.find(['/', '"', '?', ' ']).unwrap_or(after.len());
        out.push_str(before);
        match after[..end].rsplit_once('@') {
            Some((_, host)) => {
                out.push_str("***@");
                out.push_str(host);
            }
            None => out.push_str(&after[..end]),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_shown_with_all_that_is_set() {
        use std::time::Duration;

        use crate::{
            alert::{Limits, Times},
            model::metrics,
        };
        let shown = |rule: &Rule| {
            let mut out = String::new();
            write_rule(&mut out, rule);
            out
        };
        let least = Rule { say: "busy".into(), ..Rule::new("busy", metrics::LOAD1) };
        let id = metrics::LOAD1.def().id;
        let hold = exact(least.hold);
        assert_eq!(
            shown(&least),
            format!("metric = \"{id}\"\nside = \"above\"\nhold = \"{hold}\"\nsay = \"busy\"\nenabled = true\n")
        );
        let full = Rule {
            side: Side::Below,
            limits: Limits { advice: Some(3.0), warn: Some(2.5), crit: Some(1.0) },
            clear: Some(4.0),
            hold: Duration::from_secs(90),
            in_a_row: Some(3),
            times: Some(Times { count: 2, within: Duration::from_secs(600) }),
            normal_floor: Some(0.5),
            grace: true,
            clear_hold: Some(Duration::from_secs(5)),
            only: vec![("disk".into(), vec!["sd*".into(), "nvme*".into()])],
            except: vec![("disk".into(), vec!["sdz".into()])],
            quiet_during_runs: true,
            enabled: false,
            ..least
        };
        let expected = [
            "side = \"below\"",
            "advice = 3",
            "warn = 2.5",
            "crit = 1",
            "clear = 4",
            "hold = \"90s\"",
            "in_a_row = 3",
            "times = 2",
            "within = \"10m\"",
            "normal_floor = 0.5",
            "clear_hold = \"5s\"",
            "only = { disk = [\"sd*\", \"nvme*\"] }",
            "except = { disk = [\"sdz\"] }",
            "say = \"busy\"",
            "grace = true",
            "quiet_during_runs = true",
            "enabled = false",
        ];
        assert_eq!(shown(&full).lines().skip(1).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn passwords_in_addresses_are_hidden() {
        assert_eq!(hide_secrets("\"https://me:pa@ss@host:1/x\""), "\"https://***@host:1/x\"");
        assert_eq!(hide_secrets("\"/var/log/x@y\""), "\"/var/log/x@y\"");
    }

    #[test]
    fn a_value_without_an_address_has_no_secret() {
        assert_eq!(hide_secrets("\"http://a:b@x y@z://c@d\""), "\"http://***@x y@z://***@d\"");
        assert_eq!(hide_secrets("\"tcp://nas:1?x=@y\""), "\"tcp://nas:1?x=@y\"");
    }

    #[test]
    fn settings_are_shown_with_where_they_come_from() {
        use crate::{
            config::{Flag, Known, Request, load},
            model::metrics,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let text = "theme = \"nord\"\nprocesses.tree = true\n[keys]\nquit = [\"q\", \"Q\"]\n[roles]\nssd = \"sda\"\n\
                    [targets]\ncontainer_start_seconds = \"off\"\n[[maintenance]]\nname = \"night\"\nfrom = \"01:00\"\nto = \"02:00\"\n\
                    [[model_server]]\nname = \"llm\"\nurl = \"http://llm\"\n[notify.bell]\n\
                    [[service]]\nname = \"web\"\nurl = \"http://web\"\n";
        std::fs::write(&file, text).expect("written");
        std::fs::write(folder.path().join("config.saved.toml"), "format = 1\nascii = true\n").expect("written");
        let rules = ["busy", "full"].map(|id| Rule { say: "x".into(), ..Rule::new(id, metrics::LOAD1) });
        let known = Known { rules: rules.to_vec(), ..Known::nothing() };
        let flags = vec![Flag { path: "refresh", name: "--delay", value: "2".to_owned() }];
        let env = |name: &str| (name == "BENCHTOP_MOUSE").then(|| "no".to_owned());
        let (mut loaded, wrong) = load(&Request { file: Some(file.clone()), flags, env: &env, known: &known });
        assert_eq!(wrong, []);
        loaded.origins.insert("rules.full".to_owned(), Origin::File(7, 1));
        let shown = show(&loaded, false, false);
        let lines: Vec<&str> = shown.lines().collect();
        let saved = folder.path().join("config.saved.toml");
        assert_eq!(lines[1..3], [format!("# File: {}", file.display()), format!("# Saved: {}", saved.display())]);
        let with = |text: &str, from: &str| format!("{text:44} # {from}");
        for line in [
            with("theme = \"nord\"", "file, line 1"),
            with("ascii = true", "saved, line 2"),
            with("mouse = false", "variable BENCHTOP_MOUSE"),
            with("refresh = \"2s\"", "flag --delay"),
            with("read_only = false", "built in"),
            with("tree = true", "file, line 2"),
            with("ssd = \"sda\"", "file, line 6"),
            with("container_start_seconds = \"off\"", "file, line 8"),
            with("[[service]]", "file, line 18"),
            with("[[maintenance]]", "file, line 9"),
            with("[[model_server]]", "file, line 13"),
            with("quit = [\"q\", \"Q\"]", "file, line 4"),
            "# log is not set".to_owned(),
            "# hdd is not set: it is guessed".to_owned(),
            "[processes]".to_owned(),
            "name = \"night\"".to_owned(),
            "[notify.bell]".to_owned(),
            "# 2 rules, 1 of them from the file: `benchtop config show --rules` shows them.".to_owned(),
        ] {
            assert_eq!(lines.iter().filter(|shown| **shown == line).count(), 1, "{line} in\n{shown}");
        }
        let all = loaded.settings.targets.rows.len();
        let count = format!("# {all} targets, 1 of them from the file: `benchtop config show --targets` shows them.");
        assert!(lines.contains(&count.as_str()) && !shown.contains("container_stop_seconds"), "{shown}");
        assert!(!shown.contains("# Added: ") && !shown.contains("# service: none is set"));

        let whole = show(&loaded, true, true);
        for line in [with("[rules.full]", "file, line 7"), with("[rules.busy]", "built in"), "say = \"x\"".to_owned()] {
            assert!(whole.lines().any(|shown| shown == line), "{line} in\n{whole}");
        }
        assert!(whole.contains("container_stop_seconds = \"< ") && !whole.contains("of them from the file"), "{whole}");
        loaded.settings.services.clear();
        loaded.added = Some("/etc/added.toml".into());
        loaded.file = None;
        let bare = show(&loaded, false, false);
        assert!(bare.contains("# File: none\n") && bare.contains("# Added: /etc/added.toml\n"), "{bare}");
        assert!(bare.contains("# service: none is set\n"), "{bare}");
        assert_eq!(origin(&Origin::Found("TERM".into())), "found: TERM");
        assert_eq!(origin(&Origin::Added(3, 1)), "added, line 3");
    }
}
