//! One filter language for every table, over its columns: `cpu>50 user=root or name~^ollama`.
//!
//! Words match the row's text; `column op value` compares, with `= != > >= < <=` and `~ !~` for patterns; `and`, `or`,
//! `not` and parentheses join, and two terms side by side mean `and`. Figures take units: `mem>1G`, `cpu>50%`, `time>1h`.

mod ast;
mod eval;
mod lexer;
mod parser;
mod value;

pub use ast::{Expr, Op, Spanned};
pub use eval::{Cells, Fields, Filter};
pub use parser::parse;

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Byte offset of the fault in what was typed.
    pub at: usize,
    /// What is wrong: names the column or the token.
    pub what: String,
    /// The cure.
    pub hint: Option<String>,
}

impl FilterError {
    fn new(at: usize, what: impl Into<String>) -> Self {
        FilterError { at, what: what.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The place as a person counts it: characters from 1.
    #[must_use]
    pub fn column(&self, input: &str) -> usize {
        input.char_indices().take_while(|(at, c)| at + c.len_utf8() <= self.at).count() + 1
    }
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}
