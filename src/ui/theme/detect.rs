//! What the terminal can show, from the environment alone: asking the terminal costs a round trip and confuses old ones.

use crate::config::settings::Colors;

/// The colours of the terminal that this environment describes.
///
/// `NO_COLOR` (no-color.org) counts when it is set and not empty. tmux and screen announce what they pass on by `TERM`;
/// `COLORTERM` is inherited from outside of them and is believed only where they pass true colour through.
#[must_use]
pub fn colors(env: &dyn Fn(&str) -> Option<String>) -> Colors {
    let get = |name: &str| env(name).unwrap_or_default();
    if !get("NO_COLOR").is_empty() {
        return Colors::None;
    }
    let term = get("TERM");
    let has = |part: &str| term.contains(part);
    if term.is_empty() || term == "dumb" || is_vt(&term) || has("-mono") || term.ends_with("-m") {
        return Colors::None;
    }
    if term == "linux" || has("-16color") || matches!(term.as_str(), "ansi" | "cygwin" | "cons25") {
        return Colors::Sixteen;
    }
    if has("-direct") || has("truecolor") || has("24bit") {
        return Colors::True;
    }
    let screen = term.starts_with("screen") && get("TMUX").is_empty();
    if matches!(get("COLORTERM").as_str(), "truecolor" | "24bit") && !screen {
        return Colors::True;
    }
    if has("256") || screen && !get("COLORTERM").is_empty() {
        return Colors::TwoFiveSix;
    }
    // These have had true colour for years and say it by name alone, also through ssh, which drops COLORTERM.
    if ["alacritty", "kitty", "ghostty", "foot", "wezterm", "contour", "iterm", "rio"].iter().any(|t| has(t)) {
        return Colors::True;
    }
    if has("xterm") || has("tmux") || has("rxvt") || has("konsole") || has("gnome") || has("vte") {
        return Colors::TwoFiveSix;
    }
    Colors::Sixteen
}

/// True for DEC's terminals, `vt52` to `vt525`; `vte` is another.
fn is_vt(term: &str) -> bool {
    term.strip_prefix("vt").is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// True for the text console of Linux: its font has lines and blocks, but neither braille nor rounded lines.
#[must_use]
pub fn is_console(env: &dyn Fn(&str) -> Option<String>) -> bool {
    env("TERM").is_some_and(|term| term == "linux")
}

/// Why this terminal or locale needs ASCII shapes; `None` when it has lines and blocks.
#[must_use]
pub fn lacks_glyphs(env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let term = env("TERM").unwrap_or_default();
    if matches!(term.as_str(), "ansi" | "cons25") || is_vt(&term) {
        return Some(format!("TERM={term}"));
    }
    let (name, locale) = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env(name).filter(|v| !v.is_empty()).map(|value| (name, value)))?;
    let charset = locale.split_once('.')?.1.split('@').next().unwrap_or_default().replace('-', "");
    (!charset.eq_ignore_ascii_case("utf8")).then(|| format!("{name}={locale}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn colours_follow_the_environment() {
        for (pairs, expected) in [
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..], Colors::True),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")], Colors::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Colors::TwoFiveSix),
            (&[("TERM", "xterm")], Colors::TwoFiveSix),
            (&[("TERM", "xterm-kitty")], Colors::True),
            (&[("TERM", "linux"), ("COLORTERM", "truecolor")], Colors::Sixteen),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Colors::None),
            (&[("TERM", "vt100")], Colors::None),
            (&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x"), ("COLORTERM", "truecolor")], Colors::True),
            (&[("TERM", "screen-256color"), ("TMUX", "/tmp/x")], Colors::TwoFiveSix),
            (&[("TERM", "screen.xterm-256color"), ("COLORTERM", "truecolor")], Colors::TwoFiveSix),
            (&[("TERM", "screen")], Colors::Sixteen),
            (&[("TERM", "xterm-direct")], Colors::True),
            (&[], Colors::None),
            (&[("TERM", "xterm-mono")], Colors::None),
            (&[("TERM", "rxvt-m"), ("COLORTERM", "truecolor")], Colors::None),
            (&[("TERM", "xterm-16color"), ("COLORTERM", "truecolor")], Colors::Sixteen),
            (&[("TERM", "ansi"), ("COLORTERM", "truecolor")], Colors::Sixteen),
            (&[("TERM", "x-truecolor")], Colors::True),
            (&[("TERM", "x-24bit")], Colors::True),
            (&[("TERM", "screen"), ("COLORTERM", "truecolor")], Colors::TwoFiveSix),
            (&[("TERM", "screen"), ("COLORTERM", "truecolor"), ("TMUX", "/tmp/x")], Colors::True),
            (&[("TERM", "screen"), ("COLORTERM", "yes"), ("TMUX", "/tmp/x")], Colors::Sixteen),
            (&[("TERM", "other"), ("COLORTERM", "yes")], Colors::Sixteen),
            (&[("TERM", "foot-256")], Colors::TwoFiveSix),
            (&[("TERM", "foot")], Colors::True),
            (&[("TERM", "tmux")], Colors::TwoFiveSix),
            (&[("TERM", "rxvt")], Colors::TwoFiveSix),
            (&[("TERM", "konsole")], Colors::TwoFiveSix),
            (&[("TERM", "gnome")], Colors::TwoFiveSix),
            (&[("TERM", "vte")], Colors::TwoFiveSix),
            (&[("TERM", "vte-256color"), ("COLORTERM", "truecolor")], Colors::True),
        ] {
            assert_eq!(colors(&env(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn console_has_lines() {
        assert!(is_console(&env(&[("TERM", "linux")])));
        assert_eq!(lacks_glyphs(&env(&[("TERM", "linux"), ("LANG", "C.UTF-8")])), None);
        let latin = lacks_glyphs(&env(&[("TERM", "linux"), ("LANG", "de_DE.ISO-8859-1")]));
        assert_eq!(latin.as_deref(), Some("LANG=de_DE.ISO-8859-1"));
        assert!(!is_console(&env(&[("TERM", "xterm-256color")])));
    }

    #[test]
    fn old_terminal_or_locale_gets_ascii_and_an_unset_one_not() {
        assert_eq!(lacks_glyphs(&env(&[("TERM", "vt220"), ("LANG", "C.UTF-8")])).as_deref(), Some("TERM=vt220"));
        assert_eq!(
            lacks_glyphs(&env(&[("TERM", "xterm"), ("LANG", "de_DE.ISO-8859-1@euro")])).as_deref(),
            Some("LANG=de_DE.ISO-8859-1@euro")
        );
        assert_eq!(lacks_glyphs(&env(&[("TERM", "vte-256color"), ("LANG", "C.UTF-8")])), None);
        for locale in ["", "C", "C.UTF-8", "en_US.utf8", "de_DE.UTF-8@euro"] {
            assert_eq!(lacks_glyphs(&env(&[("TERM", "xterm"), ("LANG", locale)])), None, "{locale}");
        }
    }
}
