//! Names and checks that the settings need of the upper floors.

use crate::{
    alert,
    config::Known,
    ui::{containers, keymap::Keymap, layout, pools, processes, table::column::Column},
};

/// All of them.
pub fn known() -> Known {
    Known {
        panes: layout::built_in().collect(),
        columns: vec![
            ("processes", ids(&processes::columns::COLUMNS)),
            ("containers", ids(&containers::columns::COLUMNS)),
            ("pools", ids(&pools::columns::COLUMNS)),
        ],
        rules: alert::shipped(),
        merge_rules: alert::merge,
        check_keys: |own| match Keymap::new(own, false, false) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|f| (f.path, f.what, f.hint)).collect(),
        },
    }
}

fn ids(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|c| c.id).collect()
}
