//! The form of a line: a name and its figures, in letters that the reader has.

use std::fmt::Display;

use crate::{
    model::{health::Freshness, source::SourceId},
    state::State,
    text::clean,
    units::ABSENT,
};

/// Letters that every terminal has.
pub(in crate::sink) fn plain(line: &str) -> String {
    line.chars()
        .map(|c| match c {
            '–' => '-',
            '·' => '|',
            '…' => '~',
            c if c.is_ascii() => c,
            _ => '?',
        })
        .collect()
}

pub(super) fn row(page: &mut String, name: &str, text: impl Display) {
    use std::fmt::Write;
    // Writing into a String cannot fail.
    let _ = writeln!(page, "{name:<12} {}", clean(&text.to_string()));
}

/// The figure, or `–` where its source is not live.
pub(super) fn or_absent<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| ABSENT.to_owned(), show)
}

/// `1 zombie`, `2 zombies`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn live(state: &State, source: SourceId) -> bool {
    state.host.health.freshness(source, state.host.now) == Freshness::Live
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_letters_that_every_terminal_has() {
        assert_eq!(plain("a – b · c… ✓"), "a - b | c~ ?");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!((counted(1, "zombie"), counted(0, "zombie")), ("1 zombie".to_owned(), "0 zombies".to_owned()));
        assert_eq!(counted(2, "zombie"), "2 zombies");
    }

    #[test]
    fn what_is_absent_is_a_dash() {
        assert_eq!(or_absent(Some(1), |n: i32| n.to_string()), "1");
        assert_eq!(or_absent(None, |n: i32| n.to_string()), "–");
    }
}
