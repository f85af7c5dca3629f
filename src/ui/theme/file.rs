//! One theme file as typed: parent, palette, roles. Colours stay words until the whole chain of parents is known, so that
//! a child can change one word of the palette and every role of its parents follows.

use std::collections::BTreeMap;

use ratatui::style::Modifier;

use super::roles::{Kind, ROLES, Role, RoleDef};
use crate::{
    config::tree::{self, At, Node, Table},
    diag::{Diagnostic, did_you_mean},
};

/// The style of a role, as the file has it.
#[derive(Debug, Clone, Default)]
pub struct StyleSpec {
    /// Colour of the text.
    pub fg: Option<At<String>>,
    /// Colour behind it.
    pub bg: Option<At<String>>,
    /// Bold, reverse and so on.
    pub modifiers: Modifier,
}

/// One file.
#[derive(Debug, Default)]
pub struct File {
    /// As messages name it.
    pub place: String,
    /// Its whole text, for positions.
    pub text: String,
    /// One sentence for the list of themes.
    pub about: Option<String>,
    /// The parent.
    pub inherits: Option<At<String>>,
    /// The background when the theme's surface is the terminal's own.
    pub background: Option<At<String>>,
    /// Names for colours.
    pub palette: BTreeMap<String, At<String>>,
    /// Roles that it styles.
    pub roles: BTreeMap<Role, StyleSpec>,
}

const TOP: [&str; 5] = ["about", "background", "inherits", "palette", "roles"];
const WEAR: [&str; 7] = ["fg", "bg", "bold", "dim", "italic", "underline", "reverse"];

impl File {
    /// Reads one file; every fault of it becomes a diagnostic.
    pub fn parse(place: &str, text: &str) -> (File, Vec<Diagnostic>) {
        let (table, diagnostics) = tree::parse(place, text);
        let file = File { place: place.to_owned(), text: text.to_owned(), ..File::default() };
        let mut reader = Reader { file, diagnostics };
        reader.top(table);
        (reader.file, reader.diagnostics)
    }

    /// A diagnostic at a place of this file.
    pub fn diagnostic(&self, offset: usize, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.place, what).at_offset(&self.text, offset)
    }
}

struct Reader {
    file: File,
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    fn wrong(&mut self, offset: usize, what: String, hint: Option<String>) {
        let mut diagnostic = self.file.diagnostic(offset, what);
        diagnostic.hint = hint;
        self.diagnostics.push(diagnostic);
    }

    fn unknown<'a>(&mut self, key: &At<String>, kind: &str, known: impl IntoIterator<Item = &'a str> + Clone) {
        let hint = match did_you_mean(&key.value, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
        };
        self.wrong(key.offset, format!("unknown {kind} `{}`", key.value), Some(hint));
    }

    fn top(&mut self, table: Table) {
        for (key, value) in table {
            match key.value.as_str() {
                "about" => self.file.about = self.word(&key, value).map(|w| w.value),
                "inherits" => self.file.inherits = self.word(&key, value),
                "background" => self.file.background = self.word(&key, value),
                "palette" => {
                    for (name, color) in self.table(&key, value) {
                        if let Some(color) = self.word(&name, color) {
                            self.file.palette.insert(name.value, color);
                        }
                    }
                }
                "roles" => {
                    for (name, spec) in self.table(&key, value) {
                        self.role(&name, spec);
                    }
                }
                _ => self.unknown(&key, "key", TOP),
            }
        }
    }

    fn role(&mut self, name: &At<String>, value: At<Node>) {
        let Some(def) = ROLES.iter().find(|d| d.name == name.value) else {
            return self.unknown(name, "role", ROLES.iter().map(|d| d.name));
        };
        if let Some(spec) = self.style_spec(def, name, value) {
            self.file.roles.insert(def.role, spec);
        }
    }

    fn style_spec(&mut self, def: &RoleDef, name: &At<String>, value: At<Node>) -> Option<StyleSpec> {
        let mut spec = StyleSpec::default();
        let Node::Table(table) = value.value else {
            let color = self.word(name, value)?;
            *(if def.kind == Kind::Fill { &mut spec.bg } else { &mut spec.fg }) = Some(color);
            return Some(spec);
        };
        for (key, value) in table {
            let modifier = match key.value.as_str() {
                "fg" => {
                    spec.fg = self.word(&key, value);
                    continue;
                }
                "bg" => {
                    spec.bg = self.word(&key, value);
                    continue;
                }
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underline" => Modifier::UNDERLINED,
                "reverse" => Modifier::REVERSED,
                _ => {
                    self.unknown(&key, "key", WEAR);
                    continue;
                }
            };
            match value.value {
                Node::Flag(on) => spec.modifiers.set(modifier, on),
                other => {
                    self.wrong(value.offset, format!("`{}` is {}, not true or false", key.value, other.kind()), None)
                }
            }
        }
        Some(spec)
    }

    /// A string; a whole number is one of the 256 colours.
    fn word(&mut self, key: &At<String>, value: At<Node>) -> Option<At<String>> {
        match value.value {
            Node::Text(text) => Some(At { offset: value.offset, value: text }),
            Node::Whole(number) => Some(At { offset: value.offset, value: number.to_string() }),
            other => {
                self.wrong(value.offset, format!("`{}` is {}, not a string", key.value, other.kind()), None);
                None
            }
        }
    }

    fn table(&mut self, key: &At<String>, value: At<Node>) -> Table {
        match value.value {
            Node::Table(table) => table,
            other => {
                let what = format!("`{}` is {}, not a table", key.value, other.kind());
                self.wrong(value.offset, what, Some(format!("write [{}] on a separate line", key.value)));
                Table::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_a_file_are_found_at_once() {
        let text =
            "inherit = \"calm\"\n[roles]\ntxt = \"red\"\nwarn = 3.5\ncrit = { fg = \"red\", bald = true, dim = 1 }\n";
        let (file, diagnostics) = File::parse("t.toml", text);
        let texts: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "t.toml:1:1: unknown key `inherit`\n  hint: did you mean `inherits`?",
                "t.toml:3:1: unknown role `txt`\n  hint: did you mean `text`?",
                "t.toml:4:8: `warn` is a number, not a string",
                "t.toml:5:22: unknown key `bald`\n  hint: did you mean `bold`?",
                "t.toml:5:41: `dim` is a whole number, not true or false",
            ]
        );
        assert!(file.roles.contains_key(&Role::Crit), "what is sound is kept");
    }

    #[test]
    fn what_should_be_a_table_says_how_it_is_written() {
        let (file, diagnostics) = File::parse("t.toml", "roles = 3\n");
        let texts: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
        let hint = "  hint: write [roles] on a separate line";
        assert_eq!(texts, [format!("t.toml:1:9: `roles` is a whole number, not a table\n{hint}")]);
        assert!(file.roles.is_empty());
    }

    #[test]
    fn a_colour_alone_is_the_background_of_what_is_a_background() {
        let (file, diagnostics) = File::parse("t.toml", "[roles]\nsurface = \"#101218\"\ntext = 15\n");
        assert!(diagnostics.is_empty());
        assert!(file.roles[&Role::Surface].bg.is_some() && file.roles[&Role::Surface].fg.is_none());
        assert_eq!(file.roles[&Role::Text].fg.as_ref().map(|w| w.value.as_str()), Some("15"));
    }
}
