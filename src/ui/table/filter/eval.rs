//! A filter made ready for one table: columns resolved, figures read, patterns compiled.

use std::borrow::Cow;

use regex_lite::{Regex, RegexBuilder};

use super::{
    super::{
        column::{ColumnDef, Columns, Kind},
        needle::Needle,
    },
    FilterError, Spanned,
    ast::{Expr, Op},
    parser, value,
};
use crate::{diag::did_you_mean, text::Glob};

/// A row as a filter sees it; `column` is an index into the table's columns.
pub trait Fields {
    /// What the column shows, as words.
    fn text(&self, column: usize) -> Cow<'_, str>;
    /// What the column shows, as a figure in base units; `None` when absent.
    fn number(&self, column: usize) -> Option<f64>;
    /// True when the row's text holds the word of a filter.
    fn word(&self, needle: &Needle) -> bool;
}

/// A row of a table by its columns.
pub struct Cells<'r, 's, C: Columns>(pub &'r C::Row<'s>);

impl<C: Columns> Fields for Cells<'_, '_, C> {
    fn text(&self, column: usize) -> Cow<'_, str> {
        C::COLUMNS.get(column).map_or(Cow::Borrowed(""), |column| column.text(self.0))
    }

    fn number(&self, column: usize) -> Option<f64> {
        C::COLUMNS.get(column).and_then(|column| column.number(self.0))
    }

    fn word(&self, needle: &Needle) -> bool {
        C::matches(self.0, needle)
    }
}

/// A filter in force.
#[derive(Debug, Clone)]
pub struct Filter {
    root: Node,
    columns: u64,
}

#[derive(Debug, Clone)]
enum Node {
    Word(Needle),
    Same { column: usize, pattern: Glob, want: bool },
    Like { column: usize, pattern: Regex, want: bool },
    Figure { column: usize, op: Op, value: f64, slack: f64 },
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

impl Filter {
    /// Reads a filter over `columns`; `None` when nothing but blanks was typed.
    ///
    /// # Errors
    /// The first fault with its place: a token that does not fit, an unknown column, a value that its column does not take.
    pub fn new(input: &str, columns: &[ColumnDef]) -> Result<Option<Filter>, FilterError> {
        let Some(expr) = parser::parse(input)? else { return Ok(None) };
        let mut used = 0;
        let root = ready(&expr, columns, &mut used)?;
        Ok(Some(Filter { root, columns: used }))
    }

    /// True when `row` is to be shown. An absent figure fits no comparison.
    pub fn keeps(&self, row: &impl Fields) -> bool {
        keeps(&self.root, row)
    }

    /// True when it compares this column.
    #[must_use]
    pub fn uses(&self, column: usize) -> bool {
        column < 64 && self.columns & (1 << column) != 0
    }
}

fn ready(expr: &Expr, columns: &[ColumnDef], used: &mut u64) -> Result<Node, FilterError> {
    let mut each = |terms: &[Expr]| terms.iter().map(|t| ready(t, columns, used)).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::Word(word) => Node::Word(Needle::new(&word.text)),
        Expr::And(all) => Node::And(each(all)?),
        Expr::Or(any) => Node::Or(each(any)?),
        Expr::Not(inner) => Node::Not(Box::new(ready(inner, columns, used)?)),
        Expr::Compare { column, op, value } => {
            let index = resolve(column, columns)?;
            *used |= 1u64.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0);
            compare(&columns[index], index, *op, value)?
        }
    })
}

fn resolve(column: &Spanned, columns: &[ColumnDef]) -> Result<usize, FilterError> {
    if let Some(index) = columns.iter().position(|c| c.is_called(&column.text)) {
        return Ok(index);
    }
    let error = FilterError::new(column.at, format!("no column `{}`", column.text));
    let known = columns.iter().flat_map(|c| std::iter::once(c.id).chain(c.aliases.iter().copied()));
    Err(match did_you_mean(&column.text, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("columns: {}", columns.iter().map(|c| c.id).collect::<Vec<_>>().join(" "))),
    })
}

fn compare(column: &ColumnDef, index: usize, op: Op, value: &Spanned) -> Result<Node, FilterError> {
    let want = matches!(op, Op::Equal | Op::Like);
    if matches!(op, Op::Like | Op::NotLike) {
        let any_case = !value.text.chars().any(char::is_uppercase);
        let pattern = RegexBuilder::new(&value.text)
            .case_insensitive(any_case)
            .build()
            .map_err(|e| FilterError::new(value.at, format!("`{}` is not a valid pattern: {e}", value.text)))?;
        return Ok(Node::Like { column: index, pattern, want });
    }
    if column.kind == Kind::Text {
        if !matches!(op, Op::Equal | Op::NotEqual) {
            return Err(
                FilterError::new(value.at, format!("`{}` is a text column", column.id)).hint("it takes = != ~ !~")
            );
        }
        return Ok(Node::Same { column: index, pattern: Glob::new_case_insensitive(&value.text), want });
    }
    let figure = value::figure(column.kind, &value.text).map_err(|takes| {
        FilterError::new(value.at, format!("`{}` is not a value for `{}`", value.text, column.id))
            .hint(format!("it takes {takes}"))
    })?;
    Ok(Node::Figure { column: index, op, value: figure, slack: value::slack(column.kind, figure) })
}

fn keeps(node: &Node, row: &impl Fields) -> bool {
    match node {
        Node::Word(needle) => row.word(needle),
        Node::Same { column, pattern, want } => pattern.matches(&row.text(*column)) == *want,
        Node::Like { column, pattern, want } => pattern.is_match(&row.text(*column)) == *want,
        Node::Figure { column, op, value, slack } => row.number(*column).is_some_and(|n| match op {
            Op::Equal => (n - value).abs() <= *slack,
            Op::NotEqual => (n - value).abs() > *slack,
            Op::More => n > *value,
            Op::MoreEqual => n >= *value,
            Op::Less => n < *value,
            Op::LessEqual => n <= *value,
            Op::Like | Op::NotLike => false,
        }),
        Node::Not(inner) => !keeps(inner, row),
        Node::And(all) => all.iter().all(|n| keeps(n, row)),
        Node::Or(any) => any.iter().any(|n| keeps(n, row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static COLUMNS: [ColumnDef; 5] = [
        ColumnDef::figure("cpu", "CPU", Kind::Share, 5, 0),
        ColumnDef::words("user", "USER", 8, 0),
        ColumnDef { aliases: &["mem"], ..ColumnDef::figure("memory", "MEM", Kind::Bytes, 5, 0) },
        ColumnDef::figure("time", "TIME", Kind::Seconds, 5, 0),
        ColumnDef { aliases: &["cmd"], ..ColumnDef::words("command", "COMMAND", 8, 0) },
    ];

    struct Row(Option<f64>, &'static str, f64, f64, &'static str);

    impl Fields for Row {
        fn text(&self, column: usize) -> Cow<'_, str> {
            match column {
                1 => self.1.into(),
                4 => self.4.into(),
                c => self.number(c).map_or(Cow::Borrowed(""), |n| n.to_string().into()),
            }
        }
        fn number(&self, column: usize) -> Option<f64> {
            match column {
                0 => self.0,
                2 => Some(self.2),
                3 => Some(self.3),
                _ => None,
            }
        }
        fn word(&self, needle: &Needle) -> bool {
            needle.is_in(self.1) || needle.is_in(self.4)
        }
    }

    fn kept(filter: &str) -> Vec<usize> {
        let rows = [
            Row(Some(0.55), "root", 2e9, 7200.0, "/usr/bin/ollama serve"),
            Row(None, "alice", 1e6, 5.0, "vim Notes.md"),
            Row(Some(0.0), "root", 512.0, 60.0, "sshd"),
        ];
        let filter = Filter::new(filter, &COLUMNS).expect(filter).expect(filter);
        (0..3).filter(|i| filter.keeps(&rows[*i])).collect()
    }

    #[test]
    fn words_and_comparisons_choose_rows() {
        for (filter, rows) in [
            ("ollama", &[0][..]),
            ("ROOT", &[]),
            ("notes", &[1]),
            ("Notes", &[1]),
            ("cpu>50", &[0]),
            ("cpu>=55%", &[0]),
            ("mem>1G", &[0]),
            ("memory<1k", &[2]),
            ("time>1h or user=ALICE", &[0, 1]),
            ("user=r*t command~^ssh", &[2]),
            ("user=root not ollama", &[2]),
            ("cmd~OLLAMA", &[]),
            ("cmd!~o", &[2]),
            ("cpu=55", &[0]),
            ("time~^60", &[2]),
            ("time!=60", &[0, 1]),
            ("time=59.6", &[2]),
            ("time=59", &[]),
            ("mem=1.991GB", &[0]),
            ("mem=1.98GB", &[]),
            ("mem>=512", &[0, 1, 2]),
            ("mem>512", &[0, 1]),
            ("mem<=512", &[2]),
            ("mem<512", &[]),
            ("cpu=55.04", &[0]),
            ("cpu=55.1", &[]),
        ] {
            assert_eq!(kept(filter), rows, "{filter}");
        }
    }

    #[test]
    fn an_absent_figure_fits_no_comparison() {
        for filter in ["cpu>=0", "cpu<=100", "cpu!=7", "cpu=0 or cpu!=0"] {
            assert_eq!(kept(filter), [0, 2], "{filter}");
        }
    }

    #[test]
    fn a_fault_names_the_column_and_the_place() {
        let error = |input: &str| Filter::new(input, &COLUMNS).expect_err(input);
        let e = error("a cpuu>5");
        assert_eq!((e.at, e.to_string()), (2, "no column `cpuu` (did you mean `cpu`?)".into()));
        let e = error("banana=1");
        assert_eq!(e.hint.as_deref(), Some("columns: cpu user memory time command"));
        let e = error("user>5");
        assert_eq!(e.to_string(), "`user` is a text column (it takes = != ~ !~)");
        let e = error("x mem>5h");
        assert_eq!((e.at, e.column("x mem>5h")), (6, 7));
        assert_eq!(e.to_string(), "`5h` is not a value for `memory` (it takes bytes, such as 512, 100M or 1.5G)");
        assert!(error("cmd~(").what.contains("not a valid pattern"));
    }

    #[test]
    fn a_filter_knows_which_columns_it_reads() {
        let filter = Filter::new("not (mem>1 or ssh)", &COLUMNS).expect("valid").expect("something");
        assert!(filter.uses(2) && !filter.uses(0) && !filter.uses(4));
    }
}
