//! Services that are added from the screen. They go into a file of their own beside the user's config, which is never
//! rewritten; a service there with the same name wins.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    MAX_BYTES,
    file::read_text,
    known::Known,
    reading::Reading,
    save::{FORMAT, FORMAT_KEY, Report, replace, services_beside},
    services,
    tree::{self, Node},
};
use crate::model::service::target::ServiceTarget;

/// The first lines of the file.
const HEAD: &str = "# Services that were added from the screen of benchtop. Your own config.toml wins over this file. To stop\n\
# probing one, delete its lines, or the whole file; benchtop keeps no comments here.\n";

/// The lines that are added for a service.
#[must_use]
pub fn lines(target: &ServiceTarget) -> String {
    services::toml(target, true)
}

/// Adds a service, or takes one away that was added, by its [`lines`]. `own` is the user's config, there or not.
#[must_use]
pub fn change(own: Option<&Path>, lines: &str, add: bool) -> Report {
    let failed = |why: String| Report { complete: false, text: why };
    let Some(own) = own else {
        return failed(format!("HOME is not set: write this into a file that --config names:\n{lines}"));
    };
    let target = match parse("the service", lines).map(|mut targets| targets.pop()) {
        Ok(Some(target)) => target,
        Ok(None) => return failed("nothing was changed: no service was named".to_owned()),
        Err(why) => return failed(why),
    };
    match write(own, &target, add) {
        Ok(place) => {
            let done = if add { "added to" } else { "removed from" };
            Report { complete: true, text: format!("{} {done} {}", target.name, place.display()) }
        }
        Err(why) => failed(why),
    }
}

fn write(own: &Path, target: &ServiceTarget, add: bool) -> Result<PathBuf, String> {
    let path = services_beside(own);
    // A link (a folder of dotfiles) stays a link: its target is replaced.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let mut all = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        _ => read(&path)?,
    };
    let known = all.iter().position(|other: &ServiceTarget| other.name == target.name);
    match (known, add) {
        (Some(_), true) => return Err(format!("{} has a service `{}` already", path.display(), target.name)),
        (None, true) => all.push(target.clone()),
        (Some(at), false) => drop(all.remove(at)),
        (None, false) => return Err(format!("{} has no service `{}`", path.display(), target.name)),
    }
    let tables: String = all.iter().map(|target| format!("\n{}", services::toml(target, true))).collect();
    let text = format!("{HEAD}{FORMAT_KEY} = {FORMAT}\n{tables}");
    replace(&path, &text).map_err(|error| format!("could not write {}: {error}", path.display()))?;
    Ok(path)
}

/// The services of a file that a benchtop wrote; what it did not write itself it never replaces.
fn read(path: &Path) -> Result<Vec<ServiceTarget>, String> {
    let place = path.display().to_string();
    let text = read_text(path, MAX_BYTES).map_err(|diagnostic| format!("nothing was changed: {diagnostic}"))?;
    let (table, _) = tree::parse(&place, &text);
    match table.iter().find(|(key, _)| key.value == FORMAT_KEY).map(|(_, value)| &value.value) {
        Some(Node::Whole(FORMAT)) => parse(&place, &text),
        Some(_) => Err(format!("nothing was changed: {place} was written by a newer benchtop")),
        None => Err(format!("nothing was changed: {place} was not written by benchtop, and is left alone")),
    }
}

/// The services of a text that holds nothing else.
fn parse(place: &str, text: &str) -> Result<Vec<ServiceTarget>, String> {
    let (table, faults) = tree::parse(place, text);
    if let Some(fault) = faults.first() {
        return Err(format!("nothing was changed: {fault}"));
    }
    let known = Known::nothing();
    let mut reading = Reading { known: &known, path: "service", loose: false, faults: Vec::new() };
    let mut found = Vec::new();
    for (key, value) in table.iter().filter(|(key, _)| key.value != FORMAT_KEY) {
        match key.value.as_str() {
            "service" => found = services::read(value, &[], &mut reading),
            other => return Err(format!("nothing was changed: {place} has `{other}`: remove it")),
        }
    }
    match reading.faults.first() {
        Some(fault) => Err(format!("nothing was changed: {place}: {}", fault.what)),
        None => Ok(found.into_iter().map(|placed| placed.value).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service::target::ServiceUrl;

    fn target(name: &str, url: &str) -> ServiceTarget {
        ServiceTarget::new(name, ServiceUrl::parse(url).expect("a URL"))
    }

    #[test]
    fn services_are_added_and_taken_away_and_the_user_s_file_stays() {
        let home = tempfile::tempdir().expect("a folder");
        let own = home.path().join("new/config.toml");
        let change = |target: &ServiceTarget, add| change(Some(&own), &lines(target), add);
        let (web, db) = (target("web \"a\"", "http://nas/?token=x"), target("db", "tcp://nas:5432"));
        let report = change(&web, true);
        let place = home.path().join("new/config.services.toml");
        assert_eq!(report.text, format!("web \"a\" added to {}", place.display()));
        assert!(change(&db, true).complete && !change(&db, true).complete, "a name is there once");
        assert_eq!(read(&place), Ok(vec![web.clone(), db.clone()]), "with the query of the address");
        assert!(change(&web, false).complete && !change(&web, false).complete);
        assert_eq!(read(&place), Ok(vec![db]));
        assert!(!own.exists());
    }

    #[test]
    fn another_s_file_is_left_alone() {
        let home = tempfile::tempdir().expect("a folder");
        let own = home.path().join("config.toml");
        for text in
            ["[[service]]\nname = \"x\"\n", "format = 2\n", "format = 1\ntheme = \"x\"\n", "format = 1\n[[service]]\n"]
        {
            std::fs::write(services_beside(&own), text).expect("written");
            let report = change(Some(&own), &lines(&target("db", "tcp://nas:5432")), true);
            assert!(!report.complete && report.text.contains("config.services.toml"), "{}", report.text);
            assert_eq!(std::fs::read_to_string(services_beside(&own)).expect("there"), text);
        }
    }

    #[test]
    fn without_a_home_or_a_service_nothing_is_written() {
        let line = lines(&target("db", "tcp://nas:5432"));
        let report = change(None, &line, true);
        let text = format!("HOME is not set: write this into a file that --config names:\n{line}");
        assert_eq!(report, Report { complete: false, text });
        let home = tempfile::tempdir().expect("a folder");
        let own = home.path().join("config.toml");
        let said = |lines: &str| change(Some(&own), lines, true).text;
        assert_eq!(said(""), "nothing was changed: no service was named");
        assert_eq!(said("theme = \"x\"\n"), "nothing was changed: the service has `theme`: remove it");
        assert!(said("[[service]\n").starts_with("nothing was changed: the service:1:"));
        let missing = change(Some(&own), &line, false).text;
        assert_eq!(missing, format!("{} has no service `db`", home.path().join("config.services.toml").display()));
        assert!(change(Some(&own), &line, true).complete);
        let twice = change(Some(&own), &line, true).text;
        assert_eq!(twice, format!("{} has a service `db` already", home.path().join("config.services.toml").display()));
        let removed = change(Some(&own), &line, false).text;
        assert_eq!(removed, format!("db removed from {}", home.path().join("config.services.toml").display()));
    }

    #[test]
    fn a_file_that_cannot_be_looked_at_is_not_written() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("file"), "").expect("written");
        let own = home.path().join("file/config.toml");
        let report = change(Some(&own), &lines(&target("db", "tcp://nas:5432")), true);
        let place = home.path().join("file/config.services.toml").display().to_string();
        assert!(
            report.text.starts_with(&format!("nothing was changed: {place}: the file cannot be read: Not a dir")),
            "{}",
            report.text
        );
    }
}
