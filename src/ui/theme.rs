//! Styles by role and glyphs by meaning: TABLE ROLES. Nothing else in the screen names a colour.

mod color;
mod detect;
mod file;
mod reduce;
mod roles;
mod set;

pub use detect::{colors, is_console, lacks_glyphs};
pub use roles::{Kind, ROLE_COUNT, ROLES, Role, RoleDef};
pub use set::{Ready, Shipped, ThemeSet};

use ratatui::style::Style;

use crate::config::settings::Colors;

/// A theme made ready for one terminal: styles already reduced to its colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub name: String,
    /// One style a role.
    pub styles: [Style; ROLE_COUNT],
    /// Lines and blocks, or their ASCII replacements.
    pub glyphs: Glyphs,
}

/// Shapes by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    pub ascii: bool,
    pub console: bool,
    pub ok: char,
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

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The style of a level: calm text for `Ok`, colour only for what crossed a limit.
    #[must_use]
    pub fn level(&self, level: crate::alert::Level) -> Style {
        use crate::alert::Level;
        self.style(match level {
            Level::Unknown => Role::Unknown,
            Level::Ok => Role::Text,
            Level::Advice => Role::Advice,
            Level::Warn => Role::Warn,
            Level::Crit => Role::Crit,
        })
    }

    /// A theme without any file: reverse, bold, underline and dim alone.
    #[must_use]
    pub fn plain() -> Theme {
        let styles = std::array::from_fn(|i| Style::new().add_modifier(ROLES[i].plain));
        Theme { name: "plain".to_owned(), styles, glyphs: UNICODE }
    }

    /// The same theme for a terminal with these colours: see [`reduce`].
    #[must_use]
    fn reduced(mut self, colors: Colors, backdrop: color::Rgb) -> Theme {
        reduce::reduce(&mut self.styles, colors, backdrop);
        self
    }
}

#[cfg(test)]
mod tests;
