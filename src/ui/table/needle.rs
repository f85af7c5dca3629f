//! A word to be found in text: case counts only when the word has a capital. No allocation per text.

use std::ops::Range;

/// Where a row holds a needle, the better place first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// In what names the row.
    Name,
    /// In another of its columns.
    Beside,
}

/// A word being looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    text: String,
    exact: bool,
}

impl Needle {
    /// `text` as typed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let exact = text.chars().any(char::is_uppercase);
        Needle { text: if exact { text.to_owned() } else { text.to_lowercase() }, exact }
    }

    /// The word.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True for the empty word, which is found everywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// True when `text` holds it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Where `text` holds it first: bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        if self.exact {
            return text.find(&self.text).map(|at| at..at + self.text.len());
        }
        if self.text.is_ascii() {
            return find_ascii(text.as_bytes(), self.text.as_bytes());
        }
        // Lower case may have another length: look from each character on.
        text.char_indices().find_map(|(at, _)| {
            let mut rest = text[at..].chars();
            let mut wanted = self.text.chars().peekable();
            while wanted.peek().is_some() {
                for c in rest.next()?.to_lowercase() {
                    wanted.next_if_eq(&c)?;
                }
            }
            Some(at..text.len() - rest.as_str().len())
        })
    }
}

/// `word` is lower case already.
fn find_ascii(text: &[u8], word: &[u8]) -> Option<Range<usize>> {
    let Some((first, rest)) = word.split_first() else { return Some(0..0) };
    let last = text.len().checked_sub(word.len())?;
    (0..=last)
        .find(|at| text[*at].to_ascii_lowercase() == *first && text[at + 1..at + word.len()].eq_ignore_ascii_case(rest))
        .map(|at| at..at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_only_when_the_word_has_a_capital() {
        assert!(Needle::new("nginx").is_in("/usr/sbin/NGINX -g"));
        assert!(!Needle::new("Nginx").is_in("/usr/sbin/nginx"));
        assert_eq!(Needle::new("grün").find("im GRÜNEN Wald"), Some(3..8));
        assert_eq!(Needle::new("é").find("İÉ"), Some(2..4));
        assert_eq!(Needle::new("").find("abc"), Some(0..0));
        assert!(!Needle::new("abcd").is_in("abc"));
    }
}
