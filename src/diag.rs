//! One shape for every message about the user's files and arguments: where, what, and how to fix it.

use std::fmt;

/// A diagnostic in a file of the user's: `file:line:column: what` and, beneath, `hint: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the user named it, or the argument (`--theme`).
    pub place: String,
    /// Line and column, from 1, where known.
    pub position: Option<(usize, usize)>,
    /// The thing, the value and the rule it breaks; lower case, no full stop.
    pub what: String,
    /// The cure, where one is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic about `place` as a whole.
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Diagnostic { place: place.into(), position: None, what: what.into(), hint: None }
    }

    /// The same diagnostic with its hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same diagnostic at a byte offset of `text`.
    #[must_use]
    pub fn at_offset(mut self, text: &str, offset: usize) -> Self {
        let before = text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= offset).map(|(_, c)| c);
        let before: String = before.collect();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        self.position = Some((line, column));
        self
    }
}

impl Diagnostic {
    /// The diagnostic without its hint, for one line on the screen.
    #[must_use]
    pub fn line(&self) -> String {
        Diagnostic { hint: None, ..self.clone() }.to_string()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The entry of `known` nearest to `word`, when it is near enough to be what was meant.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        // Two letters that changed places are one edit.
        .map(|k| (strsim::osa_distance(word, k), k))
        .min_by_key(|(d, _)| *d)
        // Half of a short word changed is another word: `foo` is not meant to be `mono`, nor `nope` to be `nord`.
        .filter(|(d, k)| {
            let (length, of_known) = (word.chars().count(), k.chars().count());
            *d == 1 || *d <= 1 + of_known.max(length) / 4 && 2 * d < length
        })
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_file_line_column_and_cure() {
        let text = "a = 1\nrefesh = 2\n";
        let d = Diagnostic::new("c.toml", "unknown key `refesh`").at_offset(text, 6).hint("did you mean `refresh`?");
        assert_eq!(d.to_string(), "c.toml:2:1: unknown key `refesh`\n  hint: did you mean `refresh`?");
    }

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(did_you_mean("refesh", ["theme", "refresh"]), Some("refresh"));
        assert_eq!(did_you_mean("banana", ["theme", "refresh"]), None);
        assert_eq!(did_you_mean("foo", ["mono", "nord"]), None);
        assert_eq!(did_you_mean("nope", ["nord"]), None);
    }

    #[test]
    fn places_count_characters_from_one() {
        let at = |offset| Diagnostic::new("c", "w").at_offset("é = 1\nb = 2\n", offset).position;
        assert_eq!(
            (at(0), at(2), at(3), at(7), at(8)),
            (Some((1, 1)), Some((1, 2)), Some((1, 3)), Some((2, 1)), Some((2, 2)))
        );
        assert_eq!(at(99), Some((3, 1)));
    }

    #[test]
    fn a_line_for_the_screen_has_no_hint() {
        let said = Diagnostic::new("c.toml", "wrong").hint("mend it");
        assert_eq!(
            (said.line(), said.to_string()),
            ("c.toml: wrong".into(), "c.toml: wrong\n  hint: mend it".to_owned())
        );
    }

    #[test]
    fn a_quarter_of_a_word_may_be_wrong() {
        // One letter always, another one for each four.
        for (word, known, near) in [
            ("a", "b", true),
            ("ab", "cd", false),
            ("sotr", "sort", true),
            ("refr", "refsh", false),
            ("columms", "columns", true),
            ("colomms", "columns", true),
            ("kolomms", "columns", false),
            ("tempratur", "temperature", true),
        ] {
            assert_eq!(did_you_mean(word, [known]).is_some(), near, "{word} for {known}");
        }
        assert_eq!(did_you_mean("mem", ["met", "mem"]), Some("mem"));
    }
}
