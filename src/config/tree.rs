//! TOML as a tree in which every key and value knows its place, so that each diagnostic can name line and column, and so
//! that one pass finds all of them. Serde would stop at the first.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::diag::Diagnostic;

/// Something at a byte offset of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    /// Byte offset of its first character.
    pub offset: usize,
    /// The value.
    pub value: T,
}

/// A value of a TOML file.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Text(String),
    Whole(i64),
    Real(f64),
    Flag(bool),
    List(Vec<At<Node>>),
    Table(Table),
    /// A date or a time, which nothing here asks for; or a number that is too great.
    Other,
}

/// Keys and values in the order of the file.
pub type Table = Vec<(At<String>, At<Node>)>;

impl Node {
    /// What it is, for messages: `a string`, `a list`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Text(_) => "a string",
            Node::Whole(_) => "a whole number",
            Node::Real(_) => "a number",
            Node::Flag(_) => "true or false",
            Node::List(_) => "a list",
            Node::Table(_) => "a table",
            Node::Other => "a date or a number out of range",
        }
    }
}

/// Reads TOML; what is well formed is returned even when the rest is not, with a diagnostic for each fault.
#[must_use]
pub fn parse(place: &str, text: &str) -> (Table, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut diagnostics: Vec<Diagnostic> = errors.iter().map(|e| diagnostic(place, text, e)).collect();
    // One slip can confuse the parser for the rest of its line; only the first diagnostic of a line helps.
    diagnostics.dedup_by_key(|d| d.position.map(|(line, _)| line));
    (table_of(table.get_ref()), diagnostics)
}

fn diagnostic(place: &str, text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let token = text.get(span.clone()).unwrap_or_default().trim();
    let mut what = error.message().trim().replace('\n', ", ");
    if what == "duplicate key" {
        what = format!("`{token}` is set twice");
        return Diagnostic::new(place, what).at_offset(text, span.start).hint("keep one of the two");
    }
    Diagnostic::new(place, what).at_offset(text, span.start)
}

fn table_of(table: &DeTable<'_>) -> Table {
    let mut out: Table = table
        .iter()
        .map(|(k, v)| (At { offset: k.span().start, value: k.get_ref().to_string() }, node_of(v)))
        .collect();
    out.sort_by_key(|(key, _)| key.offset);
    out
}

fn node_of(value: &Spanned<DeValue<'_>>) -> At<Node> {
    let node = match value.get_ref() {
        DeValue::String(s) => Node::Text(s.to_string()),
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).map_or(Node::Other, Node::Whole),
        DeValue::Float(f) => f.as_str().parse().map_or(Node::Other, Node::Real),
        DeValue::Boolean(b) => Node::Flag(*b),
        DeValue::Datetime(_) => Node::Other,
        DeValue::Array(items) => Node::List(items.iter().map(node_of).collect()),
        DeValue::Table(table) => Node::Table(table_of(table)),
    };
    At { offset: value.span().start, value: node }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let (table, diagnostics) = parse("c.toml", "a = 1_000\n[b]\nc = [\"x\", true]\n");
        assert_eq!(diagnostics, []);
        assert_eq!(table[0].1, At { offset: 4, value: Node::Whole(1000) });
        let Node::Table(inner) = &table[1].1.value else { panic!("{table:?}") };
        assert_eq!(inner[0].0, At { offset: 14, value: "c".to_owned() });
        let Node::List(items) = &inner[0].1.value else { panic!("{inner:?}") };
        assert_eq!(items[1], At { offset: 24, value: Node::Flag(true) });
    }

    #[test]
    fn what_is_well_formed_is_read_beside_what_is_not() {
        let (table, diagnostics) = parse("c.toml", "a = \nb = 2\nc = nope\nb = 3\n");
        assert!(table.iter().any(|(k, v)| k.value == "b" && v.value == Node::Whole(2)), "{table:?}");
        let lines: Vec<_> = diagnostics.iter().filter_map(|d| d.position.map(|p| p.0)).collect();
        assert_eq!(lines, [1, 3, 4]);
        assert!(diagnostics[2].what.contains("`b` is set twice"), "{}", diagnostics[2]);
        for f in &diagnostics {
            eprintln!("{f}");
        }
    }

    #[test]
    fn each_value_is_called_what_it_is() {
        let text =
            "a = \"x\"\nb = 0x1f\nc = 1.5\nd = false\ne = []\nf = {}\ng = 2026-01-01\nh = 99999999999999999999\n";
        let (table, diagnostics) = parse("c.toml", text);
        assert_eq!(diagnostics, []);
        let kinds: Vec<&str> = table.iter().map(|(_, value)| value.value.kind()).collect();
        let other = "a date or a number out of range";
        let expected = ["a string", "a whole number", "a number", "true or false", "a list", "a table", other, other];
        assert_eq!(kinds, expected);
        assert_eq!((&table[1].1.value, &table[2].1.value), (&Node::Whole(31), &Node::Real(1.5)));
        let (_, twice) = parse("c.toml", "a = 1\na = 2\n");
        assert_eq!(twice[0].to_string(), "c.toml:2:1: `a` is set twice\n  hint: keep one of the two");
        let (_, broken) = parse("c.toml", "a = ?\n");
        assert!(broken[0].hint.is_none() && !broken[0].what.contains("twice"), "{}", broken[0]);
    }
}
