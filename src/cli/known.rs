//! Names and checks that the settings need of the upper floors.

use crate::{
    alert,
    config::Known,
    ui::{keymap::Keymap, layout, panes::processes::columns::COLUMNS},
};

/// All of them.
pub fn known() -> Known {
    Known {
        panes: layout::built_in().collect(),
        columns: COLUMNS.iter().map(|c| c.id).collect(),
        rules: alert::shipped(),
        merge_rules: alert::merge,
        check_keys: |own| match Keymap::new(own, false, false) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|f| (f.path, f.what, f.hint)).collect(),
        },
    }
}
