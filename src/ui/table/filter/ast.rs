//! A filter as a tree, and the way back to text.

use std::fmt;

/// Words that are no text.
pub(super) const AND: &str = "and";
pub(super) const OR: &str = "or";
pub(super) const NOT: &str = "not";

/// A piece of the input with its place.
#[derive(Debug, Clone, Eq)]
pub struct Spanned {
    /// The piece, quotes and escapes resolved.
    pub text: String,
    /// Byte offset.
    pub at: usize,
}

impl Spanned {
    /// `text` at byte `at`.
    pub fn new(text: impl Into<String>, at: usize) -> Self {
        Spanned { text: text.into(), at }
    }
}

impl PartialEq for Spanned {
    /// The same words at another place are the same filter.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Equal,
    NotEqual,
    More,
    MoreEqual,
    Less,
    LessEqual,
    Like,
    NotLike,
}

impl Op {
    /// Every operator; where one is a prefix of another, the longer comes first.
    pub const ALL: [Op; 8] =
        [Op::NotEqual, Op::NotLike, Op::MoreEqual, Op::LessEqual, Op::Equal, Op::More, Op::Less, Op::Like];

    /// As it is typed.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Op::Equal => "=",
            Op::NotEqual => "!=",
            Op::More => ">",
            Op::MoreEqual => ">=",
            Op::Less => "<",
            Op::LessEqual => "<=",
            Op::Like => "~",
            Op::NotLike => "!~",
        }
    }
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A word somewhere in the row's text.
    Word(Spanned),
    /// A column against a value.
    Compare {
        /// The column as typed.
        column: Spanned,
        /// How.
        op: Op,
        /// The value as typed.
        value: Spanned,
    },
    /// The opposite.
    Not(Box<Expr>),
    /// All of these, two at least.
    And(Vec<Expr>),
    /// Any of these, two at least.
    Or(Vec<Expr>),
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Word(word) => f.write_str(&quoted(&word.text)),
            Expr::Compare { column, op, value } => {
                write!(f, "{}{}{}", quoted(&column.text), op.sign(), quoted(&value.text))
            }
            Expr::Not(inner) => write!(f, "{NOT} {}", Term(inner)),
            Expr::And(all) => join(f, all, AND),
            Expr::Or(any) => join(f, any, OR),
        }
    }
}

/// An operand: parentheses around what binds less tightly than `not`.
struct Term<'a>(&'a Expr);

impl fmt::Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.0, Expr::And(_) | Expr::Or(_)) { write!(f, "({})", self.0) } else { write!(f, "{}", self.0) }
    }
}

fn join(f: &mut fmt::Formatter<'_>, terms: &[Expr], between: &str) -> fmt::Result {
    for (i, term) in terms.iter().enumerate() {
        if i > 0 {
            write!(f, " {between} ")?;
        }
        write!(f, "{}", Term(term))?;
    }
    Ok(())
}

/// `text` as the lexer reads it back: in quotes unless it is plain.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '*' | '%' | ':' | '@' | '+' | ',');
    let keyword = [AND, OR, NOT].iter().any(|word| word.eq_ignore_ascii_case(text));
    if !text.is_empty() && text.chars().all(plain) && !keyword {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
