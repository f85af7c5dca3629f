//! Names from outside are not to be trusted with the terminal: cleaning, widths, eliding.

use std::{borrow::Cow, collections::BTreeMap};

use textwrap::{
    core::{Word, break_words},
    wrap_algorithms::wrap_first_fit,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use wildmatch::WildMatchPattern;

/// Marks that may be put on one letter; more hide what is beside it.
const MOST_MARKS: usize = 4;

/// The text with control, bidirectional and invisible characters replaced by `?` and heaps of marks on one letter cut;
/// borrowed when nothing was wrong.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    clean_but(text, |_| false)
}

/// [`clean`] for text of several lines: line ends and tabs stay.
#[must_use]
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    clean_but(text, |c| matches!(c, '\n' | '\t'))
}

fn clean_but(text: &str, stays: fn(char) -> bool) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !needs_cleaning(text, stays) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        if is_hostile(c) && !stays(c) {
            out.push('?');
            marks = 0;
        } else {
            marks = if is_mark(c) { marks + 1 } else { 0 };
            if marks <= MOST_MARKS {
                out.push(c);
            }
        }
    }
    Cow::Owned(out)
}

fn needs_cleaning(text: &str, stays: fn(char) -> bool) -> bool {
    let mut marks = 0;
    text.chars().any(|c| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        marks > MOST_MARKS || (is_hostile(c) && !stays(c))
    })
}

/// A character that is drawn over the one before it.
#[must_use]
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.width() == Some(0)
}

/// [`clean`] for bytes of unknown encoding.
#[must_use]
pub fn clean_bytes(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(s) => clean(s).into_owned(),
        Cow::Owned(s) => clean(&s).into_owned(),
    }
}

/// Characters that move the cursor, turn the reading direction, or cannot be seen: C0 and C1 controls, bidirectional
/// and zero-width ones, fillers, tags. The blank of braille is one of ours.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text without escape sequences ("ECMA-48": CSI to its final byte, OSC to its end, two-byte ones); borrowed when
/// there are none.
#[must_use]
pub fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('[') => {
                let _ = rest.by_ref().find(|c| ('@'..='~').contains(c));
            }
            Some(']' | 'P' | '_' | '^' | 'X') => {
                while let Some(c) = rest.next() {
                    // It ends with BEL, or with ESC and a backslash.
                    if c == '\u{7}' || (c == '\u{1b}' && rest.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    Cow::Owned(out)
}

/// Columns that `text` takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { UnicodeWidthStr::width(text) }
}

/// `text` in at most `columns` columns, ending in `…` when it was cut.
#[must_use]
pub fn elide(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > columns {
            break;
        }
        used += w;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// A key that orders names as people do: `c2` before `c10`, whatever the case. A key and not a comparison, which is what the
/// crates for this have: long tables are sorted by keys that are made once a row.
#[must_use]
pub fn natural(text: &str) -> String {
    let mut key = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            key.extend(first.to_lowercase());
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (number, more) = rest.split_at(digits);
        // Of two numbers the one with more figures is the greater; `0` tells them from what sorts before digits.
        let number = number.trim_start_matches('0');
        key.push('0');
        key.push(u32::try_from(number.len()).ok().and_then(char::from_u32).unwrap_or(char::MAX));
        key.push_str(number);
        rest = more;
    }
    key
}

/// What `*` in a pattern stands for: any text, also none.
pub type Glob = WildMatchPattern<'*', '\0'>;

/// True when `text` is what `pattern` says, with `*` for any text. Letters count as written.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    // Most patterns are names: these cost no allocation.
    if pattern.contains('*') { Glob::new(pattern).matches(text) } else { pattern == text }
}

/// Numbers the names that occur more than once: firmware labels three memory modules `SODIMM`, and names that differ in
/// control characters alone are the same once cleaned. A name is what a figure is known by, so each is unique.
pub fn tell_apart<'a>(names: impl Iterator<Item = &'a mut String>) {
    let mut names: Vec<&mut String> = names.collect();
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for name in &names {
        *taken.entry((*name).clone()).or_default() += 1;
    }
    let repeated: Vec<String> = taken.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name.clone()).collect();
    for base in repeated {
        let mut number = 0;
        for name in names.iter_mut().filter(|name| ***name == base) {
            let free = loop {
                number += 1;
                let candidate = format!("{base} {number}");
                if !taken.contains_key(&candidate) {
                    break candidate;
                }
            };
            taken.insert(free.clone(), 1);
            **name = free;
        }
    }
}

/// Words broken into lines of at most `columns`; what is longer than a line is cut into pieces.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    flow(text.split_whitespace(), columns)
}

/// Words, blanks in them kept, in lines of at most `columns`; what is longer than a line is cut into pieces.
#[must_use]
pub fn flow<'a>(words: impl Iterator<Item = &'a str>, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let words = words.map(|word| Word { word, whitespace: " ", penalty: "", width: width(word) });
    let pieces = break_words(words, columns);
    let text = |line: &&[Word<'_>]| {
        let mut out = String::new();
        for (at, piece) in line.iter().enumerate() {
            out.push_str(piece.word);
            out.push_str(if at + 1 < line.len() { piece.whitespace } else { "" });
        }
        out
    };
    wrap_first_fit(&pieces, &[columns as f64]).iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_never_reach_the_screen() {
        assert_eq!(clean("ok\x1b[31mred\u{202e}x"), "ok?[31mred?x");
        assert!(matches!(clean("plain"), Cow::Borrowed(_)));
        assert_eq!(clean_bytes(b"a\xffb\n"), "a\u{fffd}b?");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        for c in
            ['\u{ad}', '\u{61c}', '\u{180e}', '\u{115f}', '\u{3164}', '\u{ffa0}', '\u{9b}', '\u{e0041}', '\u{2066}']
        {
            assert_eq!(clean(&format!("a{c}b")), "a?b", "U+{:04X}", u32::from(c));
        }
        for plain in ["é", "e\u{301}", "日本", "\u{2800}⣿", "❤\u{fe0f}", "กำ"] {
            assert!(matches!(clean(plain), Cow::Borrowed(_)), "{plain}");
        }
        assert_eq!(clean(&format!("a{}b", "\u{301}".repeat(500))), "a\u{301}\u{301}\u{301}\u{301}b");
        assert_eq!(clean_lines("a\n\tb\r\u{1b}"), "a\n\tb??");
    }

    #[test]
    fn a_cut_text_says_so_and_fits() {
        assert_eq!(elide("abcdef", 4), "abc…");
        assert_eq!(elide("日本語", 4), "日…");
        assert_eq!(elide("abc", 0), "");
    }

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = ["c10", "b", "C2", "c1", "c1a", "10.0.0.2:80", "9.0.0.1:443", "10.0.0.2:9", "c007", "c-1"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["9.0.0.1:443", "10.0.0.2:9", "10.0.0.2:80", "b", "c-1", "c1", "c1a", "C2", "c007", "c10"]);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("sda", "sda"), ("loop*", "loop12"), ("*", ""), ("/mnt/*/data", "/mnt/a/b/data"), ("a*b*c", "abbc")]
        {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("sda", "sda1"), ("loop*", "xloop"), ("a*b*c", "acb"), ("ab*ba", "aba"), ("", "x")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn case_of_a_pattern_may_be_left_out_of_account() {
        for (pattern, text, fit) in [
            ("root", "ROOT", true),
            ("root", "rooter", false),
            ("ro*", "root", true),
            ("*.service", "ssh.service", true),
            ("a*b*c", "axxbxbyc", true),
            ("a*b*c", "axxbxby", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("Ä*", "äb", true),
            ("a?c", "abc", false),
        ] {
            assert_eq!(Glob::new_case_insensitive(pattern).matches(text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn names_that_repeat_are_numbered() {
        let mut names: Vec<String> =
            ["acme DIMM", "acme CPU", "acme DIMM", "acme DIMM 1", "acme DIMM"].map(str::to_owned).into();
        tell_apart(names.iter_mut());
        assert_eq!(names, ["acme DIMM 2", "acme CPU", "acme DIMM 3", "acme DIMM 1", "acme DIMM 4"]);
    }

    #[test]
    fn words_are_wrapped_and_long_ones_cut() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("abcdefgh x", 3), ["abc", "def", "gh", "x"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }

    #[test]
    fn escape_sequences_are_left_out_whole() {
        for (text, plain) in [
            ("plain", "plain"),
            ("a\u{1b}[1;31mred\u{1b}[0mb", "aredb"),
            ("a\u{1b}[@b\u{1b}[~c", "abc"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]0;title\u{1b}\\b", "ab"),
            ("a\u{1b}]0;x\u{1b}[y\u{7}b", "ab"),
            ("a\\\u{1b}Pdata\u{1b}\\b", "a\\b"),
            ("a\u{1b}]0;back\\slash\u{7}b", "ab"),
            ("a\u{1b}_x\u{7}b\u{1b}^x\u{7}c\u{1b}Xx\u{7}d", "abcd"),
            ("a\u{1b}7b\u{1b}", "ab"),
            ("a\u{1b}]never ends", "a"),
        ] {
            assert_eq!(without_escapes(text), plain, "{text:?}");
        }
        assert!(matches!(without_escapes("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cut_text_takes_all_the_room_there_is() {
        for (text, columns, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本", 4, "日本"),
            ("日本語", 5, "日本…"),
            ("日本語", 3, "日…"),
            ("ab", 1, "…"),
        ] {
            assert_eq!(elide(text, columns), cut, "{text} in {columns}");
        }
    }

    #[test]
    fn four_marks_on_a_letter_stay() {
        let marked = |marks: usize| format!("a{}", "\u{301}".repeat(marks));
        assert!(matches!(clean(&marked(4)), Cow::Borrowed(_)));
        assert_eq!(clean(&marked(5)), marked(4));
        assert_eq!(clean(&format!("{}\u{1b}{}", marked(4), marked(4))), format!("{}?{}", marked(4), marked(4)));
        assert!(is_mark('\u{301}') && !is_mark('a') && !is_mark('é') && !is_mark('\u{0}'));
    }
}
