//! One filter language for every table, over its columns: `cpu>50 user=root or name~^ollama`.
//!
//! Words match the row's text; `column op value` compares, with `= != > >= < <=` and `~ !~` for patterns; `and`, `or`,
//! `not` and parentheses join, and two terms side by side mean `and`. Figures take units: `mem>1G`, `cpu>50%`, `time>1h`.

mod ast;
mod error;
mod eval;
mod lexer;
mod parser;
mod value;

pub use ast::{Expr, Op, Spanned};
pub use error::FilterError;
pub use eval::{Cells, Fields, Filter};
pub use parser::parse;
