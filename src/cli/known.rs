//! Names and checks that the settings need of the upper floors.

use crate::{
    alert,
    config::Known,
    ui::{keymap::Keymap, layout},
};

/// Columns of the process table.
const COLUMNS: [&str; 19] = [
    "pid",
    "parent",
    "user",
    "state",
    "priority",
    "nice",
    "threads",
    "core",
    "cpu",
    "graph",
    "memory",
    "memory_percent",
    "virtual",
    "read",
    "write",
    "time",
    "start",
    "container",
    "command",
];

/// All of them.
pub fn known() -> Known {
    Known {
        panes: layout::built_in().collect(),
        columns: COLUMNS.to_vec(),
        rules: alert::shipped(),
        merge_rules: alert::merge,
        check_keys: |own| match Keymap::new(own, false, false) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|f| (f.path, f.what, f.hint)).collect(),
        },
    }
}
