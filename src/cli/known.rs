//! Names and checks that the settings need of the upper floors.

use crate::{
    alert,
    config::Known,
    ui::{containers, keymap::Keymap, layout, pools, processes, table::column::Columns},
};

pub fn known() -> Known {
    Known {
        panes: layout::built_in().collect(),
        columns: vec![
            ("processes", ids::<processes::columns::Processes>()),
            ("containers", ids::<containers::row::Containers>()),
            ("pools", ids::<pools::row::Pools>()),
        ],
        rules: alert::shipped(),
        merge_rules: alert::merge,
        check_keys: |own| match Keymap::new(own, false, false) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|f| (f.path, f.what, f.hint)).collect(),
        },
    }
}

fn ids<C: Columns>() -> Vec<&'static str> {
    C::COLUMNS.iter().map(|column| column.def.id).collect()
}
