//! `[targets]` and `[roles]`: what a user's file changes about the shipped targets.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    Loaded, Origin,
    fields::quoted,
    reading::Fault,
    tree::{At, Node, Table},
};
use crate::{
    diag::did_you_mean,
    target::{self, Role, Target, Targets},
};

/// Lays a table `[targets]` over `targets`; what is wrong with it.
pub fn read_targets(targets: &mut Targets, table: &Table) -> Vec<Fault> {
    let mut rows: Vec<Target> = targets.rows.to_vec();
    let mut faults = Vec::new();
    for (key, value) in table {
        let Some(row) = rows.iter().position(|row| row.name == key.value) else {
            faults.push(unknown(&rows, key));
            continue;
        };
        let mut changed = rows[row].clone();
        let outcome = match &value.value {
            Node::Text(text) => changed.set(text),
            Node::Whole(number) => changed.set(&number.to_string()),
            Node::Real(number) => changed.set(&number.to_string()),
            other => {
                let what = format!("target `{}` is {}, not a string", key.value, other.kind());
                faults.push(Fault { offset: value.offset, what, hint: Some(example(&rows[row])) });
                continue;
            }
        };
        match outcome {
            Ok(()) => rows[row] = changed,
            Err(fault) => {
                let written = match &value.value {
                    Node::Text(text) => text.clone(),
                    Node::Whole(number) => number.to_string(),
                    Node::Real(number) => number.to_string(),
                    _ => String::new(),
                };
                let what = format!("target `{}`: `{written}` {fault}", key.value);
                faults.push(Fault { offset: value.offset, what, hint: Some(example(&rows[row])) });
            }
        }
    }
    targets.rows = rows.into();
    faults
}

/// A target that is not there: one of a similar name, or the several that share the id.
fn unknown(rows: &[Target], key: &At<String>) -> Fault {
    let sharing = target::targets_of(rows, &key.value);
    let names = || rows.iter().map(|row| row.name.as_str());
    // Half of a name is nearer to it than any edit of one letter.
    let near = names().find(|name| name.starts_with(&key.value)).or_else(|| did_you_mean(&key.value, names()));
    let hint = match near {
        _ if !sharing.is_empty() => format!("there are {}", sharing.join(" and ")),
        Some(near) => format!("did you mean `{near}`?"),
        None => "`benchtop report scorecard` lists them".to_owned(),
    };
    Fault { offset: key.offset, what: format!("no target `{}`", key.value), hint: Some(hint) }
}

/// How this target is written.
fn example(row: &Target) -> String {
    format!("write it like {} = \"{}\", or \"off\"", row.name, row.bound.written(row.unit))
}

/// Lays a table `[roles]` over `roles`; what is wrong with it.
pub fn read_roles(roles: &mut BTreeMap<Role, String>, table: &Table) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (key, value) in table {
        let Some(role) = Role::find(&key.value) else {
            let names = || Role::ALL.map(Role::name);
            let hint = match did_you_mean(&key.value, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", names().join(", ")),
            };
            faults.push(Fault { offset: key.offset, what: format!("no role `{}`", key.value), hint: Some(hint) });
            continue;
        };
        match &value.value {
            Node::Text(text) if !text.is_empty() => drop(roles.insert(role, text.clone())),
            other => {
                let kind = if matches!(other, Node::Text(_)) { "empty" } else { other.kind() };
                let what = format!("role `{}` is {kind}, not a name", key.value);
                let hint = "write a dataset, a mount point or a model: models_pool = \"tank/models\"";
                faults.push(Fault { offset: value.offset, what, hint: Some(hint.to_owned()) });
            }
        }
    }
    faults
}

/// Both tables as TOML, each with where it comes from; the targets that are built in only where `all` are asked for.
pub fn show(out: &mut String, loaded: &Loaded, all: bool, line: &dyn Fn(&mut String, &str, &Origin)) {
    let Targets { rows, roles } = &loaded.settings.targets;
    let _ = writeln!(out, "\n[roles]");
    for role in Role::ALL {
        match roles.get(&role) {
            Some(value) => line(
                out,
                &format!("{} = {}", role.name(), quoted(value)),
                &loaded.origin(&format!("roles.{}", role.name())),
            ),
            None => drop(writeln!(out, "# {} is not set: it is guessed", role.name())),
        }
    }
    let origin = |row: &Target| loaded.origin(&format!("targets.{}", row.name));
    let own = |row: &&Target| origin(row) != Origin::BuiltIn;
    let _ = writeln!(out, "\n[targets]");
    for row in rows.iter().filter(|row| all || own(row)) {
        let bound = if row.off { "off".to_owned() } else { row.bound.written(row.unit) };
        line(out, &format!("{} = {}", row.name, quoted(&bound)), &origin(row));
    }
    if !all {
        let (all, own) = (rows.len(), rows.iter().filter(own).count());
        let _ =
            writeln!(out, "# {all} targets, {own} of them from the file: `benchtop config show --targets` shows them.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_without_a_name_is_refused() {
        let (table, _) = crate::config::tree::parse("x", "models_pool = \"\"\nssd = \"sda\"\n");
        let mut roles = BTreeMap::new();
        let faults = read_roles(&mut roles, &table);
        assert_eq!(roles, BTreeMap::from([(Role::Ssd, "sda".to_owned())]));
        assert_eq!(
            faults.iter().map(|f| f.what.as_str()).collect::<Vec<_>>(),
            ["role `models_pool` is empty, not a name"]
        );
    }

    /// What is wrong with this table, and the bound of a target after it was read.
    fn targets(text: &str) -> (Vec<String>, String) {
        let (table, _) = crate::config::tree::parse("x", text);
        let mut targets = Targets::default();
        let faults = read_targets(&mut targets, &table);
        let row = targets.rows.iter().find(|row| row.name == "container_start_seconds").expect("a target");
        let bound = if row.off { "off".to_owned() } else { row.bound.written(row.unit) };
        (
            faults.into_iter().map(|f| format!("{}: {} ({})", f.offset, f.what, f.hint.unwrap_or_default())).collect(),
            bound,
        )
    }

    #[test]
    fn a_target_is_a_bound_a_number_or_off() {
        for (value, bound) in
            [("\"45s\"", "< 45s"), ("45", "< 45s"), ("45.5", "< 45.5s"), ("\"off\"", "off"), ("\"<= 1min\"", "<= 60s")]
        {
            assert_eq!(targets(&format!("container_start_seconds = {value}\n")), (Vec::new(), bound.to_owned()));
        }
        let example = "(write it like container_start_seconds = \"< 30s\", or \"off\")";
        for (value, why) in [
            ("\"10 GB\"", "target `container_start_seconds`: `10 GB` is no quantity of seconds"),
            ("true", "target `container_start_seconds` is true or false, not a string"),
        ] {
            let (said, bound) = targets(&format!("container_start_seconds = {value}\n"));
            assert_eq!((said, bound), (vec![format!("26: {why} {example}")], "< 30s".to_owned()));
        }
        let (said, _) = targets("cpu_baseline_ratio = 7\ncpu_peak_ratio = inf\n");
        assert!(said[0].starts_with("21: target `cpu_baseline_ratio`: `7` is one value, and this target"), "{said:?}");
    }

    #[test]
    fn a_target_that_is_not_there_has_a_suggestion() {
        let said = |key: &str| targets(&format!("{key} = 1\n")).0.remove(0);
        let sharing = "model_response_seconds_small and model_response_seconds_large";
        assert_eq!(
            said("model_response_seconds"),
            format!("0: no target `model_response_seconds` (there are {sharing})")
        );
        let near = "(did you mean `container_start_seconds`?)";
        assert_eq!(said("container_start"), format!("0: no target `container_start` {near}"));
        assert_eq!(said("container_strat_seconds"), format!("0: no target `container_strat_seconds` {near}"));
        assert_eq!(said("zzz"), "0: no target `zzz` (`benchtop report scorecard` lists them)");
    }

    #[test]
    fn a_role_that_is_not_there_has_a_suggestion() {
        let (table, _) = crate::config::tree::parse("x", "models_pol = \"a\"\nzzz = \"b\"\nhdd = 1\nssd = \"sda\"\n");
        let mut roles = BTreeMap::new();
        let said: Vec<_> =
            read_roles(&mut roles, &table).into_iter().map(|f| (f.what, f.hint.unwrap_or_default())).collect();
        let names = Role::ALL.map(Role::name).join(", ");
        let fault = |what: &str, hint: &str| (what.to_owned(), hint.to_owned());
        assert_eq!(
            said,
            [
                fault("no role `models_pol`", "did you mean `models_pool`?"),
                fault("no role `zzz`", &format!("known: {names}")),
                fault(
                    "role `hdd` is a whole number, not a name",
                    "write a dataset, a mount point or a model: models_pool = \"tank/models\""
                ),
            ]
        );
        assert_eq!(roles, BTreeMap::from([(Role::Ssd, "sda".to_owned())]));
    }
}
