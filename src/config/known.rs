//! What the config must know of the floors above it.

use std::collections::BTreeMap;

use toml::de::DeTable;

use crate::{alert::Rule, diag::Diagnostic};

/// Names and checks that live on upper floors: the config asks, the command line answers.
pub struct Known {
    /// Panes.
    pub panes: Vec<&'static str>,
    /// Columns of the tables that have settings, by the table's name.
    pub columns: Vec<(&'static str, Vec<&'static str>)>,
    /// The shipped rules.
    pub rules: Vec<Rule>,
    /// Merges the table `[rules]` of a file: rules, place, text, table.
    pub merge_rules: fn(&mut Vec<Rule>, &str, &str, &DeTable<'_>) -> Vec<Diagnostic>,
    /// Checks keys: each fault with its path (`keys.zoom`, `keys.zoom[1]`), what and hint.
    pub check_keys: fn(&BTreeMap<String, Vec<String>>) -> Vec<KeyFinding>,
}

impl Known {
    /// None: for what depends on no name of an upper floor.
    #[must_use]
    pub fn nothing() -> Self {
        Known {
            panes: Vec::new(),
            columns: Vec::new(),
            rules: Vec::new(),
            merge_rules: |_, _, _, _| Vec::new(),
            check_keys: |_| Vec::new(),
        }
    }

    /// The columns of a table.
    #[must_use]
    pub fn columns_of(&self, table: &str) -> &[&'static str] {
        self.columns.iter().find(|(name, _)| *name == table).map_or(&[], |(_, columns)| columns)
    }
}

/// The path of a setting, what is wrong with it, and a hint.
pub type KeyFinding = (String, String, Option<String>);
