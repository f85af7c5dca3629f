//! The screen: state in, cells out; keys in, effects out. Four tables: [`panes::PANES`], [`overlays::OVERLAYS`],
//! [`action::ACTIONS`], [`theme::ROLES`].

pub mod action;
pub mod alerts;
pub mod benchmarks;
pub mod canvas;
pub mod confirm_keys;
pub mod containers;
pub mod cpu;
pub mod disks_network;
mod draw;
pub mod figures;
pub mod footer;
pub mod gpus;
pub mod header;
pub mod ids;
mod input;
pub mod keymap;
pub mod layout;
pub mod memory;
pub mod models;
pub mod overlays;
pub mod panes;
pub mod parts;
pub mod pools;
pub mod processes;
pub mod sensors;
pub mod services;
pub mod table;
pub mod theme;
pub mod view;
pub mod widgets;

use std::collections::{BTreeMap, BTreeSet};

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    clock::Stamp,
    config::{
        Settings,
        save::{Change, Shown},
    },
    interest::Interest,
    request::{Done, Job},
    state::State,
};
use action::Action;
use canvas::Target;
use ids::PaneId;
use keymap::Keymap;
use overlays::report::Report;
use panes::PANES;
use theme::{Theme, ThemeSet};
use view::{Overlay, Pane, PaneDef};

/// One pane of the table, open.
struct Slot {
    def: &'static PaneDef,
    pane: Box<dyn Pane>,
}

/// An overlay on the screen, and the action that opened it when it is one of the table.
struct Opened {
    overlay: Box<dyn Overlay>,
    by: Option<Action>,
}

/// One line for some seconds.
struct Message {
    level: Level,
    text: String,
    /// When it was first on screen.
    at: Option<Stamp>,
}

/// All that the screen remembers: focus, zoom, overlays, theme, and what each cell of the last frame answers to a click.
pub struct Ui {
    settings: Settings,
    /// What the settings said at the start, and which of them were saved since.
    begun: Shown,
    saved: BTreeSet<&'static str>,
    themes: ThemeSet,
    theme: Theme,
    keymap: Keymap,
    slots: Vec<Slot>,
    rows: Vec<Vec<(usize, u16)>>,
    focus: usize,
    zoomed: bool,
    paused: bool,
    overlays: Vec<Opened>,
    /// A question was opened that no frame has shown yet.
    unseen: bool,
    said: Option<Message>,
    /// What takes the last operation back.
    undo: Option<Job>,
    hits: Vec<(Rect, Target)>,
    /// The room between header and footer, as the last frame had it.
    body: Rect,
    /// Hits from here on belong to the overlay on top.
    overlay_hits: usize,
    /// Panes that the last frame showed: the others are not refreshed and want nothing.
    shown: Vec<usize>,
    /// Panes that this machine has something for, in reading order: the first is focused by 1.
    numbered: Vec<usize>,
}

impl Ui {
    /// How long the footer shows what was said.
    pub const SAY_SECONDS: u64 = 6;

    /// A screen with these settings. Themes and keys were checked when the config was read; what is wrong with them
    /// nevertheless falls back to [`Theme::plain`] and to the built-in keys.
    #[must_use]
    pub fn new(settings: Settings, themes: ThemeSet) -> Self {
        let theme = themes.load(&settings.theme).unwrap_or_else(|_| Theme::plain());
        // The console has no sign for the Enter key.
        let in_words = settings.ascii || theme.glyphs.console;
        let keymap = Keymap::new(&settings.keys, settings.read_only, in_words)
            .or_else(|_| Keymap::new(&BTreeMap::new(), settings.read_only, in_words))
            .unwrap_or_default();
        let slots: Vec<Slot> = PANES.iter().map(|def| Slot { def, pane: (def.make)(&settings) }).collect();
        let rows: Vec<Vec<(usize, u16)>> = layout::rows(&settings)
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .filter_map(|(name, share)| Some((slots.iter().position(|s| s.def.name == name)?, share)))
                    .collect::<Vec<_>>()
            })
            .collect();
        let shown: Vec<usize> = rows.iter().flatten().map(|(slot, _)| *slot).collect();
        let focus = shown
            .iter()
            .copied()
            .find(|i| slots[*i].def.id == PaneId::Processes)
            .or(shown.first().copied())
            .unwrap_or(0);
        Ui {
            begun: Shown::of(&settings),
            saved: BTreeSet::new(),
            settings,
            themes,
            theme,
            keymap,
            slots,
            rows,
            focus,
            zoomed: false,
            paused: false,
            overlays: Vec::new(),
            unseen: false,
            said: None,
            undo: None,
            hits: Vec::new(),
            body: Rect::default(),
            overlay_hits: 0,
            numbered: shown.clone(),
            shown,
        }
    }

    /// The settings in force: keys change some while the program runs.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The theme in force.
    #[must_use]
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// True while paused: the loop holds events back.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.paused
    }

    /// Shows one line in the footer for some seconds; several lines stay in a box until they are closed.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        let text = text.into();
        if text.contains('\n') {
            self.overlays.push(Opened { overlay: Box::new(Report::new(level, &text)), by: None });
            return;
        }
        self.said = Some(Message { level, text, at: None });
    }

    /// What the screen shows now, as settings: those at `paths`, else all that changed since the start. A change that was
    /// saved and taken back is saved again.
    fn changes(&mut self, paths: Option<&[&'static str]>) -> Vec<Change> {
        let mut now = self.settings.clone();
        self.slots.iter().for_each(|slot| slot.pane.settle(&mut now));
        let now = Shown::of(&now);
        let changes = match paths {
            Some(paths) => now.at(paths),
            None => now.changed(&self.begun, |path| self.saved.contains(path)),
        };
        self.saved.extend(changes.iter().map(|c| c.path));
        changes
    }

    /// Says how an operation went, and by which key it is undone; that key means this operation from now on.
    pub fn report(&mut self, done: Done) {
        let Done { outcome, undo } = done;
        let key = self.keymap.key_of(Action::Undo).filter(|_| undo.is_some());
        let text = key.map_or_else(|| outcome.text.clone(), |key| format!("{} · {key} undoes it", outcome.text));
        self.say(outcome.level, text);
        self.undo = undo.or(self.undo.take());
    }

    /// The state changed: panes recompute their lists. Call once before a frame.
    pub fn refresh(&mut self, state: &State) {
        let now = state.host.now;
        // Before the first reading there is no time to count from.
        if let Some(said) = self.said.as_mut().filter(|_| now != Stamp::default()) {
            let at = *said.at.get_or_insert(now);
            if now.since(at).as_secs() >= Self::SAY_SECONDS {
                self.said = None;
            }
        }
        // The layout asks every pane how many rows it has, so one without a place must know of its first row too. While a
        // pane is zoomed, its own list is enough.
        let all = !self.is_zoomed();
        for (i, slot) in self.slots.iter_mut().enumerate() {
            if all || self.shown.contains(&i) {
                slot.pane.refresh(state, &self.settings);
            }
        }
        for opened in &mut self.overlays {
            opened.overlay.refresh(state);
        }
    }

    /// What the screen needs of the sources.
    #[must_use]
    pub fn want(&self, state: &State) -> Interest {
        let mut want = Interest { paused: self.paused, ..Interest::default() };
        for i in &self.shown {
            self.slots[*i].pane.want(&mut want, state);
        }
        for opened in &self.overlays {
            opened.overlay.want(&mut want, state);
        }
        want
    }
}
