//! Shapes by meaning, for each kind of terminal.

/// Shapes by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    pub ascii: bool,
    pub console: bool,
    pub ok: char,
    pub passed: char,
    pub warn: char,
    pub crit: char,
    pub unknown: char,
    pub restarting: char,
    pub paused: char,
    pub exited: char,
    pub created: char,
    pub absent: char,
    pub ellipsis: char,
    pub down: char,
    pub up: char,
    pub limit: char,
    pub normal: char,
    pub folded: char,
    pub unfolded: char,
}

/// Unicode shapes.
pub const UNICODE: Glyphs = Glyphs {
    ascii: false,
    console: false,
    ok: '●',
    passed: '✔',
    warn: '▲',
    crit: '✖',
    unknown: '◌',
    restarting: '↻',
    paused: '‖',
    exited: '○',
    created: '◇',
    absent: '–',
    ellipsis: '…',
    down: '▼',
    up: '▲',
    limit: '┃',
    normal: '┼',
    folded: '▸',
    unfolded: '▾',
};
/// ASCII replacements.
pub const ASCII: Glyphs = Glyphs {
    ascii: true,
    console: false,
    ok: 'o',
    passed: 'o',
    warn: '!',
    crit: 'X',
    unknown: '?',
    restarting: '~',
    paused: '=',
    exited: '.',
    created: '+',
    absent: '-',
    ellipsis: '~',
    down: 'v',
    up: '^',
    limit: '|',
    normal: '+',
    folded: '+',
    unfolded: '-',
};
/// Shapes of the text console; its font has those of code page 437: lines and blocks, but no braille.
pub const CONSOLE: Glyphs = Glyphs {
    ascii: false,
    console: true,
    ok: '•',
    passed: '•',
    warn: '▲',
    crit: 'X',
    unknown: '?',
    restarting: '↕',
    paused: '=',
    exited: '○',
    created: '+',
    absent: '-',
    ellipsis: '~',
    down: '▼',
    up: '▲',
    limit: '│',
    normal: '┼',
    folded: '►',
    unfolded: '▼',
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    fn shapes(of: &Glyphs) -> [char; 17] {
        [
            of.ok,
            of.passed,
            of.warn,
            of.crit,
            of.unknown,
            of.restarting,
            of.paused,
            of.exited,
            of.created,
            of.absent,
            of.ellipsis,
            of.down,
            of.up,
            of.limit,
            of.normal,
            of.folded,
            of.unfolded,
        ]
    }

    #[test]
    fn each_kind_of_terminal_has_shapes_that_it_can_show() {
        assert!(shapes(&ASCII).iter().all(char::is_ascii_graphic));
        // Code page 437 beside ASCII, as far as it is used.
        let console = |c: &char| c.is_ascii_graphic() || "•▲↕○▼│┼►".contains(*c);
        assert!(shapes(&CONSOLE).iter().all(console));
        for of in [&UNICODE, &ASCII, &CONSOLE] {
            assert!(shapes(of).iter().all(|c| width(&c.to_string()) == 1));
        }
    }

    #[test]
    fn shapes_tell_the_states_apart() {
        for of in [&UNICODE, &ASCII, &CONSOLE] {
            for states in [
                [of.ok, of.warn, of.crit, of.unknown].as_slice(),
                &[of.restarting, of.paused, of.exited, of.created, of.ok],
                &[of.folded, of.unfolded],
                &[of.up, of.down],
            ] {
                let mut different = states.to_vec();
                different.sort_unstable();
                different.dedup();
                assert_eq!(different.len(), states.len(), "{states:?}");
            }
        }
    }
}
