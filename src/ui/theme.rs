//! Styles by role and glyphs by meaning: TABLE ROLES. Nothing else in the screen names a colour.

mod color;
mod detect;
mod file;
mod glyphs;
mod reduce;
mod roles;
mod set;
mod styles;

pub use detect::{colors, is_console, lacks_glyphs};
pub use glyphs::{ASCII, CONSOLE, Glyphs, UNICODE};
pub use roles::{Kind, ROLE_COUNT, ROLES, Role, RoleDef};
pub use set::{Ready, Shipped, ThemeSet};
pub use styles::Theme;

#[cfg(test)]
mod tests;
