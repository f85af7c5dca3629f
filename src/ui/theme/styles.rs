//! A theme as the screen uses it: a style for each role, a shape for each meaning.

use ratatui::style::Style;

use super::{
    color::Rgb,
    glyphs::{Glyphs, UNICODE},
    reduce::reduce,
    roles::{ROLE_COUNT, ROLES, Role},
};
use crate::{alert::Level, config::settings::Colors};

/// A theme made ready for one terminal: styles already reduced to its colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub name: String,
    /// One style a role.
    pub styles: [Style; ROLE_COUNT],
    /// Lines and blocks, or their ASCII replacements.
    pub glyphs: Glyphs,
}

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The style of a level: calm text for `Ok`, colour only for what crossed a limit.
    #[must_use]
    pub fn level(&self, level: Level) -> Style {
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
    pub(super) fn reduced(mut self, colors: Colors, backdrop: Rgb) -> Theme {
        reduce(&mut self.styles, colors, backdrop);
        self
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn each_level_has_the_style_of_its_role() {
        let mut theme = Theme::plain();
        for (style, number) in theme.styles.iter_mut().zip(0..) {
            *style = Style::new().fg(Color::Indexed(number));
        }
        for (level, role) in [
            (Level::Unknown, Role::Unknown),
            (Level::Ok, Role::Text),
            (Level::Advice, Role::Advice),
            (Level::Warn, Role::Warn),
            (Level::Crit, Role::Crit),
        ] {
            assert_eq!(theme.level(level), theme.style(role), "{level:?}");
        }
        let mut known: Vec<_> = ROLES.iter().map(|def| theme.style(def.role).fg).collect();
        known.dedup();
        assert_eq!(known.len(), ROLE_COUNT, "a role has its own style");
    }
}
