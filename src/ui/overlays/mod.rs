//! TABLE OVERLAYS: views that a key opens from the overview. Here too: overlays that belong to no domain.

pub mod advice;
pub mod columns;
pub mod confirm;
pub mod details;
pub mod help;
pub mod menu;
pub mod report;
pub mod seen;
pub mod themes;

use super::{
    action::Action,
    alerts::panel::Alerts,
    benchmarks::panel::Benchmarks,
    containers::stores::Stores,
    disks_network::sockets::Sockets,
    services::offers::Offers,
    theme::{Theme, ThemeSet},
    view::Overlay,
};

/// An overlay that a key opens, and closes unless the overlay answers that key itself.
pub struct OverlayDef {
    /// What opens it.
    pub action: Action,
    /// Opens it, over the theme in force and all there are.
    pub open: fn(&Theme, &ThemeSet) -> Box<dyn Overlay>,
}

/// TABLE OVERLAYS.
pub static OVERLAYS: &[OverlayDef] = &[
    OverlayDef { action: Action::Help, open: |_, _| Box::<help::Help>::default() },
    OverlayDef { action: Action::Alerts, open: |_, _| Box::<Alerts>::default() },
    OverlayDef { action: Action::Benchmarks, open: |_, _| Box::<Benchmarks>::default() },
    OverlayDef { action: Action::Sockets, open: |_, _| Box::<Sockets>::default() },
    OverlayDef { action: Action::Stores, open: |_, _| Box::<Stores>::default() },
    OverlayDef { action: Action::Offers, open: |_, _| Box::<Offers>::default() },
    OverlayDef { action: Action::Themes, open: |theme, all| Box::new(themes::Themes::new(theme, all)) },
];
