//! Notices to the terminal that benchtop runs in: the bell, and the sequences with which terminals show a notice of the
//! desktop. Inside of tmux they are wrapped, so that it passes them on.

use super::notice::Notice;

/// The bell; with `osc` the notice too, for terminals of both customs (9: iTerm2, kitty, WezTerm, Windows Terminal;
/// 777: urxvt, foot, VTE). `tmux`: inside of tmux, which passes on what is wrapped when `allow-passthrough` is on.
#[must_use]
pub fn sequence(notice: &Notice, host: &str, osc: bool, tmux: bool) -> String {
    let mut out = String::from("\u{7}");
    if osc {
        // A semicolon separates the parts of 777.
        let title = notice.title(host).replace(';', ",");
        let text = notice.text();
        for inner in [format!("\u{1b}]9;{title}: {text}\u{1b}\\"), format!("\u{1b}]777;notify;{title};{text}\u{1b}\\")]
        {
            match tmux {
                true => out.push_str(&format!("\u{1b}Ptmux;{}\u{1b}\\", inner.replace('\u{1b}', "\u{1b}\u{1b}"))),
                false => out.push_str(&inner),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::Level,
        model::alert::AlertKey,
        notify::notice::{Firing, What},
    };

    fn notice(say: &str) -> Notice {
        let alert = Firing {
            key: AlertKey::default(),
            labels: vec![],
            level: Level::Warn,
            value: 0.0,
            say: say.into(),
            since_unix_ms: 0,
            fired_unix_ms: 0,
            muted: false,
            acknowledged: false,
            flapping: false,
            dismissal: None,
        };
        Notice { what: What::Fired, alert, at_unix_ms: 0 }
    }

    #[test]
    fn a_sentence_cannot_leave_its_sequence() {
        let text = sequence(&notice("x\u{1b}\\\u{7}\u{9c}\u{1b}]52;c;aGk=\u{7};y"), "at;las", true, false);
        assert_eq!(
            text,
            "\u{7}\u{1b}]9;warning at,las: x?\\???]52;c;aGk=?;y\u{1b}\\\
             \u{1b}]777;notify;warning at,las;x?\\???]52;c;aGk=?;y\u{1b}\\"
        );
        assert_eq!(sequence(&notice("x"), "a", false, true), "\u{7}");
    }

    #[test]
    fn tmux_passes_on_what_is_wrapped() {
        let text = sequence(&notice("x"), "a", true, true);
        assert_eq!(text.matches("\u{1b}Ptmux;").count(), 2);
        assert!(text.contains("\u{1b}Ptmux;\u{1b}\u{1b}]9;warning a: x\u{1b}\u{1b}\\\u{1b}\\"), "{text:?}");
    }
}
