//! Sections that are no plain settings: lists of tables (`[[service]]`), keys, rules, and tables of names.

use toml::de::{DeTable, DeValue};

use super::{Loader, Source};
use crate::{
    config::{
        maintenance, model_servers,
        reading::{Fault, Reading},
        services,
        settings::Settings,
        tree::{At, Node, Table},
    },
    diag::Diagnostic,
};

impl Loader<'_> {
    /// `[[service]]`: what is probed.
    pub(super) fn services(&mut self, source: &Source<'_>, value: &At<Node>) {
        let read = |reading: &mut Reading<'_>, known: &Settings| services::read(value, &known.services, reading);
        self.list(source, "service", read, |target| &target.name, |settings| &mut settings.services);
    }

    /// `[[maintenance]]`: when nothing is sent.
    pub(super) fn maintenance(&mut self, source: &Source<'_>, value: &At<Node>) {
        let read = |reading: &mut Reading<'_>, _: &Settings| maintenance::read(value, reading);
        self.list(source, "maintenance", read, |window| &window.name, |settings| &mut settings.maintenance);
    }

    /// `[[model_server]]`: servers beside those that are found.
    pub(super) fn model_servers(&mut self, source: &Source<'_>, value: &At<Node>) {
        let read =
            |reading: &mut Reading<'_>, known: &Settings| model_servers::read(value, &known.model_servers, reading);
        self.list(source, "model_server", read, |target| &target.name, |settings| &mut settings.model_servers);
    }

    /// Tables of one kind, each with a name of its own and a place.
    fn list<T>(
        &mut self,
        source: &Source<'_>,
        path: &'static str,
        read: impl FnOnce(&mut Reading<'_>, &Settings) -> Vec<At<T>>,
        name: fn(&T) -> &str,
        all: fn(&mut Settings) -> &mut Vec<T>,
    ) {
        let mut reading = Reading { known: self.known, path, loose: false, faults: Vec::new() };
        for At { offset, value } in read(&mut reading, &self.loaded.settings) {
            self.note(source, format!("{path}.{}", name(&value)), offset);
            all(&mut self.loaded.settings).push(value);
        }
        self.report(source, reading.faults);
    }

    /// `[keys]`: lists of keys by action; a string is a list of one.
    pub(super) fn keys(&mut self, source: &Source<'_>, value: &At<Node>) {
        let table: &Table = match &value.value {
            Node::Table(table) => table,
            other => {
                let what = format!("`keys` is {}, not a table", other.kind());
                let hint = Some("write [keys] on a separate line".to_owned());
                return self.diagnostics.push(source.diagnostic(value.offset, what, hint));
            }
        };
        for (action, keys) in table {
            let path = format!("keys.{}", action.value);
            self.note(source, path.clone(), action.offset);
            let one;
            let items = match &keys.value {
                Node::List(items) => items.as_slice(),
                _ => {
                    one = [keys.clone()];
                    &one
                }
            };
            let mut names = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                self.note(source, format!("{path}[{i}]"), item.offset);
                match &item.value {
                    Node::Text(text) => names.push(text.clone()),
                    other => {
                        let what = format!("a key of `{}` is {}, not a string", action.value, other.kind());
                        let hint = Some("write keys as strings: [\"q\", \"ctrl-c\", \"F10\"]".to_owned());
                        self.diagnostics.push(source.diagnostic(item.offset, what, hint));
                    }
                }
            }
            self.loaded.settings.keys.insert(action.value.clone(), names);
        }
        for (path, what, hint) in (self.known.check_keys)(&self.loaded.settings.keys) {
            let diagnostic = self.loaded.diagnostic(&path, what);
            self.diagnostics.push(Diagnostic { hint, ..diagnostic });
        }
    }

    /// `[targets]` and `[roles]`: tables of names that are no settings, each with its place.
    pub(super) fn tables(
        &mut self,
        source: &Source<'_>,
        value: &At<Node>,
        name: &str,
        read: fn(&mut Settings, &Table) -> Vec<Fault>,
    ) {
        let table: &Table = match &value.value {
            Node::Table(table) => table,
            other => {
                let what = format!("`{name}` is {}, not a table", other.kind());
                let hint = Some(format!("write [{name}] on a separate line"));
                return self.diagnostics.push(source.diagnostic(value.offset, what, hint));
            }
        };
        for (key, value) in table {
            self.note(source, format!("{name}.{}", key.value), value.offset);
        }
        let faults = read(&mut self.loaded.settings, table);
        self.report(source, faults);
    }

    /// `[rules.*]`: read where rules are at home.
    pub(super) fn rules(&mut self, source: &Source<'_>, value: &At<Node>) {
        if let Node::Table(rules) = &value.value {
            for (id, _) in rules {
                self.note(source, format!("rules.{}", id.value), id.offset);
            }
        }
        let (table, _) = DeTable::parse_recoverable(source.text);
        let mut diagnostics = match table.get_ref().get("rules").map(|v| v.get_ref()) {
            Some(DeValue::Table(rules)) => {
                (self.known.merge_rules)(&mut self.loaded.settings.rules, source.place, source.text, rules)
            }
            _ => {
                let what = format!("`rules` is {}, not a table", value.value.kind());
                vec![source.diagnostic(
                    value.offset,
                    what,
                    Some("write [rules.cpu_busy] on a separate line".to_owned()),
                )]
            }
        };
        self.diagnostics.append(&mut diagnostics);
    }
}
