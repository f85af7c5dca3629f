//! How much a screen of each size shows, without drawing it.

use std::collections::BTreeMap;

use benchtop::{
    state::State,
    ui::{Ui, view::Shown},
};
use ratatui::layout::Rect;

/// What each pane shows on a screen of one size.
pub type Inventory = BTreeMap<&'static str, Shown>;

pub fn inventory(ui: &mut Ui, state: &State, (width, height): (u16, u16)) -> Inventory {
    let panes = ui.inventory(state, Rect::new(0, 0, width, height));
    panes.into_iter().map(|(name, _, shown)| (name, shown)).collect()
}

/// What `smaller` shows and `larger` does not.
pub fn missing(smaller: &Inventory, larger: &Inventory) -> Vec<String> {
    let mut lost = Vec::new();
    // Devices and filesystems are listed by one pane or by two.
    let lists = |inventory: &Inventory| {
        ["disk_net", "filesystems"].iter().filter_map(|name| inventory.get(name)).map(|s| s.items).sum::<usize>()
    };
    if lists(smaller) > lists(larger) {
        lost.push(format!("disk_net and filesystems: {} of {}", lists(larger), lists(smaller)));
    }
    for (name, before) in smaller.iter().filter(|(name, _)| !matches!(**name, "disk_net" | "filesystems")) {
        let now = larger.get(name).copied().unwrap_or_default();
        if now.items < before.items || now.columns < before.columns {
            lost.push(format!("{name}: {now:?} after {before:?}"));
        }
    }
    lost
}
