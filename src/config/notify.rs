//! `[notify.KIND]`: the destinations of alerts, read and shown. A secret is in a file, never in the config.

use std::{fmt::Write, path::PathBuf, time::Duration};

pub use super::destinations::{Address, Bell, NotifySettings, Program, Web};
use super::{
    fields::{list, quoted},
    known::Known,
    reading::{Fault, Reading, exact},
    tree::{At, Node, Table},
};
use crate::{alert::Level, diag::did_you_mean, model::service::target::ServiceUrl};

/// Kinds of destinations, as the file spells them.
pub const KINDS: [&str; 6] = ["bell", "command", "webhook", "ntfy", "alertmanager", "heartbeat"];

const LEVELS: [(&str, Level); 3] = [("advice", Level::Advice), ("warn", Level::Warn), ("crit", Level::Crit)];
const TIMEOUT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));
const EVERY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(86_400));

/// Lays a table `[notify]` over `settings`; what is wrong with it.
pub fn read(settings: &mut NotifySettings, table: &Table) -> Vec<Fault> {
    let known = Known::nothing();
    let mut reading = Reading { known: &known, path: "notify", loose: false, faults: Vec::new() };
    for (key, value) in table {
        let Node::Table(inside) = &value.value else {
            let hint = "write [notify.ntfy] and the keys below it".to_owned();
            reading.wrong(
                value.offset,
                format!("`notify.{}` is {}, not a table", key.value, value.value.kind()),
                Some(hint),
            );
            continue;
        };
        match key.value.as_str() {
            "bell" => settings.bell = Some(bell(inside, &mut reading)),
            "command" => settings.command = program(key.offset, inside, &mut reading),
            "webhook" => settings.webhook = web("webhook", key.offset, inside, &mut reading),
            "ntfy" => settings.ntfy = web("ntfy", key.offset, inside, &mut reading),
            "alertmanager" => settings.alertmanager = web("alertmanager", key.offset, inside, &mut reading),
            "heartbeat" => settings.heartbeat = web("heartbeat", key.offset, inside, &mut reading),
            other => {
                let hint = did_you_mean(other, KINDS).map(|near| format!("did you mean `{near}`?"));
                let hint = hint.unwrap_or_else(|| format!("known: {}", KINDS.join(", ")));
                reading.wrong(key.offset, format!("no destination `{other}`"), Some(hint));
            }
        }
    }
    reading.faults
}

fn unknown(kind: &str, key: &At<String>, keys: &[&str], reading: &mut Reading<'_>) {
    let hint = match did_you_mean(&key.value, keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", keys.join(", ")),
    };
    reading.wrong(key.offset, format!("unknown key `{}` in [notify.{kind}]", key.value), Some(hint));
}

fn level(value: &At<Node>, reading: &mut Reading<'_>) -> Option<Level> {
    reading.path = "level";
    reading.word(value, &LEVELS.map(|(word, _)| word)).map(|at| LEVELS[at].1)
}

fn bell(table: &Table, reading: &mut Reading<'_>) -> Bell {
    let mut bell = Bell { desktop: true, level: Level::Warn };
    for (key, value) in table {
        match key.value.as_str() {
            "desktop" => {
                reading.path = "desktop";
                bell.desktop = reading.flag(value).unwrap_or(bell.desktop);
            }
            "level" => bell.level = level(value, reading).unwrap_or(bell.level),
            _ => unknown("bell", key, &["desktop", "level"], reading),
        }
    }
    bell
}

fn program(offset: usize, table: &Table, reading: &mut Reading<'_>) -> Option<Program> {
    let mut program = Program { argv: Vec::new(), timeout: Duration::from_secs(30), level: Level::Warn };
    for (key, value) in table {
        match key.value.as_str() {
            "argv" => {
                reading.path = "argv";
                program.argv = reading.texts(value)?.into_iter().map(|text| text.value).collect();
                if program.argv.first().is_some_and(|first| !first.starts_with('/')) {
                    let hint = "write the program's path from the root: [\"/usr/local/bin/notify\", \"--now\"]";
                    reading.wrong(value.offset, "`argv` names no absolute path", Some(hint.to_owned()));
                }
            }
            "timeout" => {
                reading.path = "timeout";
                program.timeout = reading.span(value, TIMEOUT.0, TIMEOUT.1).unwrap_or(program.timeout);
            }
            "level" => program.level = level(value, reading).unwrap_or(program.level),
            _ => unknown("command", key, &["argv", "timeout", "level"], reading),
        }
    }
    if program.argv.is_empty() {
        reading.wrong(
            offset,
            "[notify.command] has no `argv`",
            Some("add argv = [\"/usr/local/bin/notify\"]".to_owned()),
        );
        return None;
    }
    Some(program)
}

fn web(kind: &'static str, offset: usize, table: &Table, reading: &mut Reading<'_>) -> Option<Web> {
    let beats = kind == "heartbeat";
    let keys: &[&str] = match kind {
        "heartbeat" => &["url", "url_file", "headers_file", "ca_file", "timeout", "every"],
        "alertmanager" => &["url", "url_file", "headers_file", "ca_file", "timeout", "level", "silences"],
        _ => &["url", "url_file", "headers_file", "ca_file", "timeout", "level"],
    };
    let mut silences = true;
    let (mut address, mut headers_file, mut ca_file) = (None, None, None);
    let (mut timeout, mut least, mut every) = (Duration::from_secs(15), Level::Warn, Duration::from_secs(60));
    for (key, value) in table {
        match key.value.as_str() {
            "url" => address = url(value, reading).map(Address::Url).or(address),
            "url_file" => address = file("url_file", value, reading).map(Address::File).or(address),
            "headers_file" => headers_file = file("headers_file", value, reading),
            "ca_file" => ca_file = file("ca_file", value, reading),
            "timeout" => {
                reading.path = "timeout";
                timeout = reading.span(value, TIMEOUT.0, TIMEOUT.1).unwrap_or(timeout);
            }
            "level" if !beats => least = level(value, reading).unwrap_or(least),
            "every" if beats => {
                reading.path = "every";
                every = reading.span(value, EVERY.0, EVERY.1).unwrap_or(every);
            }
            "silences" if kind == "alertmanager" => {
                reading.path = "silences";
                silences = reading.flag(value).unwrap_or(silences);
            }
            _ => unknown(kind, key, keys, reading),
        }
    }
    let Some(address) = address else {
        if reading.faults.is_empty() {
            let hint = "add url = \"https://…\", or url_file with a file that holds it".to_owned();
            reading.wrong(offset, format!("[notify.{kind}] has no `url`"), Some(hint));
        }
        return None;
    };
    Some(Web { address, headers_file, ca_file, timeout, level: least, every, silences })
}

fn url(value: &At<Node>, reading: &mut Reading<'_>) -> Option<ServiceUrl> {
    reading.path = "url";
    let text = reading.text(value)?;
    // The address itself is not said: it may hold a secret.
    match ServiceUrl::parse(&text) {
        Ok(url) if url.scheme().is_http() => Some(url),
        Ok(_) => {
            reading.wrong(value.offset, "`url` is not a web address", Some("write http:// or https://".to_owned()));
            None
        }
        Err(error) => {
            reading.wrong(value.offset, format!("`url` {error}"), Some("write http:// or https://".to_owned()));
            None
        }
    }
}

fn file(path: &'static str, value: &At<Node>, reading: &mut Reading<'_>) -> Option<PathBuf> {
    reading.path = path;
    let file = PathBuf::from(reading.text(value)?);
    if file.is_absolute() {
        return Some(file);
    }
    let hint = "write it from the root: \"/etc/benchtop/ntfy\"".to_owned();
    reading.wrong(value.offset, format!("`{path}`: `{}` is not an absolute path", file.display()), Some(hint));
    None
}

/// The destinations as TOML, without what may be secret.
#[must_use]
pub fn toml(settings: &NotifySettings) -> String {
    let mut out = String::new();
    let word = |level: Level| LEVELS.iter().find(|(_, known)| *known == level).map_or("warn", |(word, _)| word);
    // Writing into a String cannot fail.
    if let Some(bell) = &settings.bell {
        let _ = writeln!(out, "[notify.bell]\ndesktop = {}\nlevel = \"{}\"\n", bell.desktop, word(bell.level));
    }
    if let Some(program) = &settings.command {
        let (argv, timeout) = (list(&program.argv), exact(program.timeout));
        let _ = writeln!(
            out,
            "[notify.command]\nargv = {argv}\ntimeout = \"{timeout}\"\nlevel = \"{}\"\n",
            word(program.level)
        );
    }
    let webs = [
        ("webhook", &settings.webhook),
        ("ntfy", &settings.ntfy),
        ("alertmanager", &settings.alertmanager),
        ("heartbeat", &settings.heartbeat),
    ];
    for (kind, web) in webs.into_iter().filter_map(|(kind, web)| Some((kind, web.as_ref()?))) {
        let _ = writeln!(out, "[notify.{kind}]");
        let _ = match &web.address {
            Address::Url(url) => writeln!(out, "url = {}", quoted(&url.to_string())),
            Address::File(path) => writeln!(out, "url_file = {}", quoted(&path.display().to_string())),
        };
        for (key, path) in [("headers_file", &web.headers_file), ("ca_file", &web.ca_file)] {
            if let Some(path) = path {
                let _ = writeln!(out, "{key} = {}", quoted(&path.display().to_string()));
            }
        }
        let _ = writeln!(out, "timeout = \"{}\"", exact(web.timeout));
        let _ = match kind {
            "heartbeat" => writeln!(out, "every = \"{}\"\n", exact(web.every)),
            "alertmanager" => {
                writeln!(out, "level = \"{}\"\nsilences = {}\n", word(web.level), web.silences)
            }
            _ => writeln!(out, "level = \"{}\"\n", word(web.level)),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;

    fn read_text(text: &str) -> (NotifySettings, Vec<String>) {
        let (table, faults) = tree::parse("x", text);
        assert!(faults.is_empty(), "{faults:?}");
        let Some((_, At { value: Node::Table(table), .. })) = table.into_iter().next() else { panic!("no table") };
        let mut settings = NotifySettings::default();
        let faults = read(&mut settings, &table);
        (settings, faults.into_iter().map(|fault| fault.what).collect())
    }

    #[test]
    fn destinations_are_read_and_shown_without_secrets() {
        let (settings, faults) = read_text(
            "[notify.bell]\nlevel = \"crit\"\n[notify.command]\nargv = [\"/bin/notify\", \"a b\"]\n\
             [notify.webhook]\nurl = \"https://hooks.lan/x?token=s3cret\"\ntimeout = \"5s\"\n\
             [notify.ntfy]\nurl_file = \"/etc/benchtop/ntfy\"\n[notify.alertmanager]\nurl = \"http://am.lan:9093\"\nsilences = false\n\
             [notify.heartbeat]\nurl = \"http://hc.lan/1\"\nevery = \"2m\"\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(settings.bell, Some(Bell { desktop: true, level: Level::Crit }));
        assert_eq!(settings.command.as_ref().map(|program| program.argv.len()), Some(2));
        assert_eq!(settings.alertmanager.as_ref().map(|web| web.silences), Some(false));
        let shown = toml(&settings);
        assert!(shown.contains("silences = false"), "{shown}");
        assert!(
            !shown.contains("s3cret") && shown.contains("https://hooks.lan/x?***") && shown.contains("every = \"2m\""),
            "{shown}"
        );
    }

    #[test]
    fn what_is_shown_is_read_again() {
        let text = "[notify.bell]\ndesktop = false\nlevel = \"crit\"\n\n[notify.command]\nargv = [\"/bin/notify\", \"a b\"]\n\
                    timeout = \"2m\"\nlevel = \"advice\"\n\n[notify.webhook]\nurl = \"https://hooks.lan/x\"\n\
                    headers_file = \"/etc/h\"\nca_file = \"/etc/ca\"\ntimeout = \"1s\"\nlevel = \"advice\"\n\n\
                    [notify.ntfy]\nurl_file = \"/etc/ntfy\"\ntimeout = \"15s\"\nlevel = \"warn\"\n\n\
                    [notify.alertmanager]\nurl = \"http://am.lan:9093\"\ntimeout = \"2m\"\nlevel = \"crit\"\nsilences = false\n\n\
                    [notify.heartbeat]\nurl = \"http://hc.lan/1\"\ntimeout = \"15s\"\nevery = \"10s\"\n\n";
        let (settings, faults) = read_text(text);
        assert_eq!(faults, [""; 0]);
        assert_eq!(toml(&settings), text);
        let program = settings.command.expect("a command");
        assert_eq!((program.timeout, program.level), (Duration::from_secs(120), Level::Advice));
    }

    #[test]
    fn what_is_not_said_has_its_usual_value() {
        let (settings, _) = read_text(
            "[notify.bell]\n[notify.command]\nargv = [\"/x\"]\n[notify.alertmanager]\nurl = \"http://a\"\n\
             [notify.heartbeat]\nurl = \"http://h\"\n",
        );
        assert_eq!(settings.bell, Some(Bell { desktop: true, level: Level::Warn }));
        let program = settings.command.expect("a command");
        assert_eq!((program.timeout, program.level), (Duration::from_secs(30), Level::Warn));
        let web = settings.alertmanager.expect("an alertmanager");
        assert_eq!((web.timeout, web.level, web.silences), (Duration::from_secs(15), Level::Warn, true));
        assert_eq!(settings.heartbeat.map(|web| web.every), Some(Duration::from_secs(60)));
    }

    #[test]
    fn mistakes_have_a_cure() {
        let hints = |text: &str| {
            let (table, _) = tree::parse("x", text);
            let Some((_, At { value: Node::Table(table), .. })) = table.into_iter().next() else { panic!("no table") };
            let faults = read(&mut NotifySettings::default(), &table);
            faults.into_iter().map(|fault| fault.hint.unwrap_or_default()).collect::<Vec<_>>()
        };
        for (text, hint) in [
            ("[notify.nfty]\nurl = \"http://x\"", "did you mean `ntfy`?"),
            ("[notify.mail]\nto = 1", "known: bell, command, webhook, ntfy, alertmanager, heartbeat"),
            ("[notify.bell]\nlevl = \"warn\"", "did you mean `level`?"),
            ("[notify.bell]\ncolour = 1", "known here: desktop, level"),
            ("[notify.command]\nargv = [\"/x\"]\ncolour = 1", "known here: argv, timeout, level"),
            (
                "[notify.heartbeat]\nurl = \"http://x\"\ncolour = 1",
                "known here: url, url_file, headers_file, ca_file, timeout, every",
            ),
            (
                "[notify.alertmanager]\nurl = \"http://x\"\ncolour = 1",
                "known here: url, url_file, headers_file, ca_file, timeout, level, silences",
            ),
            ("[notify]\nbell = 1", "write [notify.ntfy] and the keys below it"),
            ("[notify.command]\nlevel = \"warn\"", "add argv = [\"/usr/local/bin/notify\"]"),
            ("[notify.ntfy]\nurl = \"http://x\"\ntimeout = \"121s\"", "from 1s to 2m"),
            ("[notify.ntfy]\nurl = \"http://x\"\ntimeout = \"999ms\"", "from 1s to 2m"),
            ("[notify.heartbeat]\nurl = \"http://x\"\nevery = \"9s\"", "from 10s to 1d"),
        ] {
            assert_eq!(hints(text), [hint], "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, what) in [
            ("[notify.mail]\nto = \"x\"", "no destination `mail`"),
            ("[notify.ntfy]\nlevel = \"warn\"", "[notify.ntfy] has no `url`"),
            ("[notify.ntfy]\nurl = \"ftp://x\"", "`url` has the scheme `ftp`"),
            ("[notify.ntfy]\nurl = \"tcp://x:1\"", "`url` is not a web address"),
            ("[notify.ntfy]\nurl = \"https://me:pw@x\"", "`url` holds a user name or password"),
            ("[notify.ntfy]\nurl = \"https://x\"\nevery = \"1m\"", "unknown key `every` in [notify.ntfy]"),
            ("[notify.ntfy]\nurl = \"https://x/y\"\nsilences = true", "unknown key `silences` in [notify.ntfy]"),
            (
                "[notify.alertmanager]\nurl = \"https://x\"\nsilences = 1",
                "`silences` is a whole number, not true or false",
            ),
            ("[notify.bell]\nlevel = 2", "`level`: `2` is not one of advice, warn, crit"),
            ("[notify.command]\nargv = [\"notify\"]", "`argv` names no absolute path"),
            ("[notify.command]\n", "[notify.command] has no `argv`"),
            ("[notify]\nbell = true", "`notify.bell` is true or false, not a table"),
        ] {
            assert_eq!(read_text(text).1, [what], "{text}");
        }
    }
}
