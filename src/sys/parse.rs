//! Numbers and fields out of kernel text, byte by byte: no UTF-8 check, no allocation, no panic on nonsense.

/// The lines of `bytes`, without their ends; no empty one after the last end.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|&b| b == b'\n')
}

/// The words of a line, parted by any number of blanks and tabs.
pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t' | b'\n')).filter(|w| !w.is_empty())
}

/// A whole word as a number; `None` for anything but digits and for what does not fit.
#[must_use]
pub fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for &b in word {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// [`number`] with an optional sign.
#[must_use]
pub fn signed(word: &[u8]) -> Option<i64> {
    match word.strip_prefix(b"-") {
        Some(digits) => 0i64.checked_sub_unsigned(number(digits)?),
        None => i64::try_from(number(word)?).ok(),
    }
}

/// A whole word as a decimal fraction (`0.52`); `None` for nonsense, infinities included.
#[must_use]
pub fn decimal(word: &[u8]) -> Option<f64> {
    if !word.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-')) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A word of hexadecimal digits without prefix.
#[must_use]
pub fn hex(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 16 {
        return None;
    }
    word.iter().try_fold(0u64, |value, &b| Some(value << 4 | u64::from(char::from(b).to_digit(16)?)))
}

/// `bytes` without white space at both ends.
#[must_use]
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// The first word of the line that begins with the word `key` (an ending `:` apart): `MemTotal:  123 kB` gives `123`.
#[must_use]
pub fn value_of<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    lines(text).find_map(|line| {
        let mut words = words(line);
        let first = words.next()?;
        (first.strip_suffix(b":").unwrap_or(first) == key).then(|| words.next())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_that_fit_are_numbers() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for wrong in [&b""[..], b"-1", b"1.5", b"12x", b"18446744073709551616", b" 1"] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
        assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed(b"--1"), None);
        assert_eq!(hex(b"0100007F"), Some(0x0100_007f));
        assert_eq!(hex(b"0x1"), None);
    }

    #[test]
    fn fractions_are_finite() {
        assert_eq!(decimal(b"0.52"), Some(0.52));
        for wrong in [&b"inf"[..], b"NaN", b"", b"1e9", b"1.2.3"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn words_and_lines_leave_out_what_is_empty() {
        assert_eq!(words(b"  a \t b ").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(lines(b"a\n\nb\n").collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
        assert_eq!(value_of(b"a 1\nbc: 2 kB\n", b"bc"), Some(&b"2"[..]));
        assert_eq!(value_of(b"bcd: 2\nbc", b"bc"), None);
    }

    #[test]
    fn numbers_of_all_kinds_have_their_bounds() {
        assert_eq!(
            (hex(b"ffffffffffffffff"), hex(b"10000000000000000"), hex(b""), hex(b"g")),
            (Some(u64::MAX), None, None, None)
        );
        assert_eq!((hex(b"0"), hex(b"aF"), number(b"0"), number(b"90")), (Some(0), Some(0xaf), Some(0), Some(90)));
        assert_eq!((signed(b"7"), signed(b"-7"), signed(b"9223372036854775808")), (Some(7), Some(-7), None));
        assert_eq!((signed(b"9223372036854775807"), signed(b"-9223372036854775809")), (Some(i64::MAX), None));
        assert_eq!((decimal(b"-1.5"), decimal(b"7"), decimal(b"+1")), (Some(-1.5), Some(7.0), None));
        assert_eq!((trim(b" \ta b\n"), trim(b"")), (&b"a b"[..], &b""[..]));
        assert_eq!(words(b"a\tb c\n").count(), 3);
        assert_eq!(
            (lines(b"").count(), lines(b"a").count(), lines(b"a\n").count(), lines(b"\n\n").count()),
            (1, 1, 1, 2)
        );
    }
}
