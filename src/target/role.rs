//! What targets are measured on, by its part in the machine: which pool holds the models differs from machine to machine.

use serde::Serialize;

/// What a part of this machine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    ModelsPool,
    ContainersPool,
    ScratchPool,
    Staging,
    SystemDrive,
    Ssd,
    Hdd,
    SmallModel,
    LargeModel,
}

impl Role {
    pub const ALL: [Role; 9] = [
        Role::ModelsPool,
        Role::ContainersPool,
        Role::ScratchPool,
        Role::Staging,
        Role::SystemDrive,
        Role::Ssd,
        Role::Hdd,
        Role::SmallModel,
        Role::LargeModel,
    ];

    /// As the config spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::ModelsPool => "models_pool",
            Role::ContainersPool => "containers_pool",
            Role::ScratchPool => "scratch_pool",
            Role::Staging => "staging",
            Role::SystemDrive => "system_drive",
            Role::Ssd => "ssd",
            Role::Hdd => "hdd",
            Role::SmallModel => "small_model",
            Role::LargeModel => "large_model",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}
