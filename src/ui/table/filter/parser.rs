//! Tokens into a tree: `or` binds least, then `and` (also silent), then `not`.

use super::{
    FilterError,
    ast::{Expr, Spanned},
    lexer::{Lexer, Token},
};

/// Parentheses and `not` within one another; more is a pasted mistake, and recursion has an end.
const DEPTH: usize = 50;

/// Reads a filter; `None` when nothing but blanks was typed.
///
/// # Errors
/// The first token that does not fit, with its place.
pub fn parse(input: &str) -> Result<Option<Expr>, FilterError> {
    let mut parser = Parser { lexer: Lexer::new(input), peeked: None, depth: 0 };
    if parser.peek()?.0 == Token::End {
        return Ok(None);
    }
    let expr = parser.any()?;
    match parser.next()? {
        (Token::End, _) => Ok(Some(expr)),
        (Token::Close, at) => Err(FilterError::new(at, "unmatched `)`")),
        (_, at) => Err(FilterError::new(at, "unexpected")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<(Token, usize)>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Result<&(Token, usize), FilterError> {
        if self.peeked.is_none() {
            self.peeked = Some(self.lexer.token()?);
        }
        Ok(self.peeked.as_ref().unwrap_or(&(Token::End, 0)))
    }

    fn next(&mut self) -> Result<(Token, usize), FilterError> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.token(),
        }
    }

    fn any(&mut self) -> Result<Expr, FilterError> {
        let mut terms = vec![self.all()?];
        while self.peek()?.0 == Token::Or {
            self.next()?;
            terms.push(self.all()?);
        }
        Ok(one_or(terms, Expr::Or))
    }

    fn all(&mut self) -> Result<Expr, FilterError> {
        let mut terms = vec![self.term()?];
        loop {
            match self.peek()?.0 {
                Token::And => {
                    self.next()?;
                }
                Token::Or | Token::Close | Token::End => break,
                _ => {}
            }
            terms.push(self.term()?);
        }
        Ok(one_or(terms, Expr::And))
    }

    fn term(&mut self) -> Result<Expr, FilterError> {
        let (token, at) = self.next()?;
        match token {
            Token::Not => {
                self.deeper(at)?;
                let inner = self.term()?;
                self.depth -= 1;
                Ok(Expr::Not(Box::new(inner)))
            }
            Token::Open => {
                self.deeper(at)?;
                let inner = self.any()?;
                self.depth -= 1;
                match self.next()? {
                    (Token::Close, _) => Ok(inner),
                    _ => Err(FilterError::new(at, "this `(` is never closed")),
                }
            }
            Token::Word(text) => self.word(text, at),
            Token::Op(op) => Err(FilterError::new(at, format!("no column before `{}`", op.sign()))
                .hint("quote it to search for it as a word")),
            Token::Close => Err(FilterError::new(at, "nothing before this `)`")),
            Token::And => Err(FilterError::new(at, "nothing before this `and`")),
            Token::Or => Err(FilterError::new(at, "nothing before this `or`")),
            Token::End => Err(FilterError::new(at, "incomplete: expected a word or a comparison")),
        }
    }

    fn word(&mut self, text: String, at: usize) -> Result<Expr, FilterError> {
        let Token::Op(op) = self.peek()?.0 else { return Ok(Expr::Word(Spanned::new(text, at))) };
        self.next()?;
        let (value, value_at) = self.lexer.value()?;
        let Some(value) = value else {
            return Err(FilterError::new(value_at, format!("no value after `{text}{}`", op.sign()))
                .hint("\"\" is the empty text"));
        };
        Ok(Expr::Compare { column: Spanned::new(text, at), op, value: Spanned::new(value, value_at) })
    }

    fn deeper(&mut self, at: usize) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(FilterError::new(at, format!("more than {DEPTH} levels deep")));
        }
        Ok(())
    }
}

fn one_or(mut terms: Vec<Expr>, make: fn(Vec<Expr>) -> Expr) -> Expr {
    match terms.len() {
        1 => terms.swap_remove(0),
        _ => make(terms),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::ast::Op, *};

    fn tree(input: &str) -> Expr {
        parse(input).expect(input).expect(input)
    }

    fn shown(input: &str) -> String {
        tree(input).to_string()
    }

    #[test]
    fn not_binds_tighter_than_and_and_and_tighter_than_or() {
        assert_eq!(shown("a b or not c d"), "(a and b) or (not c and d)");
        assert_eq!(shown("a or b and c or d"), "a or (b and c) or d");
        assert_eq!(shown("!(a|b)"), r#"not "a|b""#, "a bar inside a word is part of it");
        assert_eq!(shown("not (a | b)"), "not (a or b)");
    }

    #[test]
    fn values_are_taken_whole_with_their_patterns() {
        let compare = |input: &str| match tree(input) {
            Expr::Compare { column, op, value } => (column.text, op, value.text),
            other => panic!("{other:?}"),
        };
        assert_eq!(compare("cpu>50"), ("cpu".into(), Op::More, "50".into()));
        assert_eq!(compare("cpu >= 50%"), ("cpu".into(), Op::MoreEqual, "50%".into()));
        assert_eq!(compare("name~^(a|b)$"), ("name".into(), Op::Like, "^(a|b)$".into()));
        assert_eq!(compare("(name!~foo)"), ("name".into(), Op::NotLike, "foo".into()));
        assert_eq!(compare("command~--model=x"), ("command".into(), Op::Like, "--model=x".into()));
        assert_eq!(compare("user==\"a \\\"b\\\"\""), ("user".into(), Op::Equal, "a \"b\"".into()));
        assert_eq!(compare("container=\"\""), ("container".into(), Op::Equal, String::new()));
        assert_eq!(compare(r"name~'\d+'"), ("name".into(), Op::Like, r"\d+".into()));
    }

    #[test]
    fn every_mistake_names_its_place() {
        for (input, at, what) in [
            ("cpu>", 4, "no value after `cpu>`"),
            ("a and", 5, "incomplete"),
            ("(a or b", 0, "this `(` is never closed"),
            ("a )", 2, "unmatched `)`"),
            (">5", 0, "no column before `>`"),
            ("a \"b", 2, "the quote \" is never closed"),
            ("or b", 0, "nothing before this `or`"),
        ] {
            let error = parse(input).expect_err(input);
            assert_eq!(error.at, at, "{input}: {error}");
            assert!(error.what.contains(what), "{input}: {error}");
        }
        assert!(parse(&"(".repeat(100_000)).is_err());
        assert!(parse(&"not ".repeat(100_000)).is_err());
        assert_eq!(parse("  "), Ok(None));
    }

    fn word() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{1,6}", "(and|or|not|AND)", "\\PC{0,8}", "[ \"'\\\\()=<>~!|&*]{0,6}"]
    }

    fn expr() -> impl Strategy<Value = Expr> {
        let leaf = prop_oneof![
            word().prop_map(|w| Expr::Word(Spanned::new(w, 0))),
            (word(), 0..Op::ALL.len(), word()).prop_map(|(c, o, v)| Expr::Compare {
                column: Spanned::new(c, 0),
                op: Op::ALL[o],
                value: Spanned::new(v, 0),
            }),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|e| Expr::Not(Box::new(e))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
                prop::collection::vec(inner, 2..4).prop_map(Expr::Or),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in "\\PC{0,40}", signs in "[ab()=<>~!\"' &|\\\\]{0,30}") {
            for text in [&input, &signs] {
                if let Err(error) = parse(text) {
                    prop_assert!(error.at <= text.len());
                    prop_assert!(error.column(text) <= text.chars().count() + 1);
                }
            }
        }

        #[test]
        fn a_filter_printed_and_read_again_is_the_same(expr in expr()) {
            let text = expr.to_string();
            prop_assert_eq!(parse(&text), Ok(Some(expr)), "{}", text);
        }
    }
}
