//! Cuts what was typed into tokens. A value after an operator is cut by its own rule, so that patterns need no quotes.

use super::{
    ast::{AND, NOT, OR, Op},
    error::FilterError,
};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Op(Op),
    Open,
    Close,
    And,
    Or,
    Not,
    End,
}

pub(super) struct Lexer<'a> {
    input: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        Lexer { input, at: 0 }
    }

    fn skip_blanks(&mut self) {
        self.at = self.input.len() - self.input[self.at..].trim_start().len();
    }

    /// The next token and the byte at which it begins.
    pub(super) fn token(&mut self) -> Result<(Token, usize), FilterError> {
        self.skip_blanks();
        let at = self.at;
        let rest = &self.input[at..];
        let Some(first) = rest.chars().next() else { return Ok((Token::End, at)) };
        if let Some(op) = Op::ALL.into_iter().find(|op| rest.starts_with(op.sign())) {
            self.at += op.sign().len();
            // `==` is what programmers type.
            if op == Op::Equal && self.input[self.at..].starts_with('=') {
                self.at += 1;
            }
            return Ok((Token::Op(op), at));
        }
        let single = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '!' => Some(Token::Not),
            _ => None,
        };
        if let Some(token) = single {
            self.at += 1;
            return Ok((token, at));
        }
        if matches!(first, '"' | '\'') {
            return Ok((Token::Word(self.quoted_text(first)?), at));
        }
        let end = rest
            .char_indices()
            .find(|(i, c)| {
                c.is_whitespace()
                    || matches!(c, '(' | ')' | '=' | '<' | '>' | '~')
                    || (*c == '!' && rest[i + 1..].starts_with(['=', '~']))
            })
            .map_or(rest.len(), |(i, _)| i);
        self.at += end;
        let word = &rest[..end];
        Ok((keyword(word).unwrap_or_else(|| Token::Word(word.to_owned())), at))
    }

    /// The value after an operator: quoted, or all up to a blank or to a `)` that closes nothing inside it.
    /// `None`: there is none.
    pub(super) fn value(&mut self) -> Result<(Option<String>, usize), FilterError> {
        self.skip_blanks();
        let at = self.at;
        let rest = &self.input[at..];
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            return Ok((Some(self.quoted_text(quote)?), at));
        }
        let mut depth = 0usize;
        let mut end = rest.len();
        for (i, c) in rest.char_indices() {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => depth -= 1,
                c if c == ')' || c.is_whitespace() => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        self.at += end;
        Ok(((end > 0).then(|| rest[..end].to_owned()), at))
    }

    fn quoted_text(&mut self, quote: char) -> Result<String, FilterError> {
        let at = self.at;
        let mut text = String::new();
        let mut chars = self.input[at + 1..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = at + 1 + i + 1;
                    return Ok(text);
                }
                '\\' => match chars.clone().next() {
                    Some((_, next @ ('"' | '\'' | '\\'))) => {
                        text.push(next);
                        chars.next();
                    }
                    _ => text.push(c),
                },
                c => text.push(c),
            }
        }
        Err(FilterError::new(at, format!("the quote {quote} is never closed")))
    }
}

fn keyword(word: &str) -> Option<Token> {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    if is(AND) || is("&&") || is("&") {
        Some(Token::And)
    } else if is(OR) || is("||") || is("|") {
        Some(Token::Or)
    } else if is(NOT) {
        Some(Token::Not)
    } else {
        None
    }
}
