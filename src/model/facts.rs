//! What hardly ever changes: names, versions, sizes of the machine.

use serde::{Deserialize, Serialize};

/// One reading; an unknown fact is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FactsSample {
    /// Host name.
    pub hostname: Option<String>,
    /// Distribution: `Debian GNU/Linux 12`.
    pub os: Option<String>,
    /// Kernel release: `6.1.0-21-amd64`.
    pub kernel: Option<String>,
    /// Machine name: `x86_64`.
    pub architecture: Option<String>,
    /// Maker and model of the machine.
    pub product: Option<String>,
    /// CPU model, shortened of trade marks.
    pub cpu_model: Option<String>,
    /// Hardware threads.
    pub threads: Option<u32>,
    /// Physical cores.
    pub cores: Option<u32>,
    /// `kvm`, `lxc`, `docker` … ; `None` on bare metal.
    pub virtualization: Option<String>,
    /// The load in `/proc` is the host's: a container has none of its own.
    #[serde(default)]
    pub load_of_host: bool,
    /// The pressure in `/proc` is the host's.
    #[serde(default)]
    pub pressure_of_host: bool,
    /// The kernel's name for this boot: stamps of one boot go on, those of another begin again.
    #[serde(default)]
    pub boot_id: Option<String>,
    /// Boot time, seconds since 1970.
    pub boot_unix_seconds: Option<i64>,
    /// What processes' start ticks count from, seconds since 1970, where it is not the boot time: in a container that has a
    /// boot time of its own they still count from the host's.
    #[serde(default)]
    pub ticks_from_unix_seconds: Option<i64>,
    /// How the kernel chooses the clock of the first core: `performance`, `powersave`.
    #[serde(default)]
    pub governor: Option<String>,
    /// User names by id, as far as the machine's files list them.
    pub users: Vec<(u32, String)>,
}

impl FactsSample {
    /// What processes' start ticks count from, seconds since 1970.
    #[must_use]
    pub fn ticks_from(&self) -> Option<i64> {
        self.ticks_from_unix_seconds.or(self.boot_unix_seconds)
    }
}
