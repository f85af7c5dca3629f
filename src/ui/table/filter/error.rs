//! What is wrong with a filter, and where.

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Byte offset of the fault in what was typed.
    pub at: usize,
    /// What is wrong: names the column or the token.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl FilterError {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        FilterError { at, what: what.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
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
