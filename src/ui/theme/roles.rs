//! TABLE ROLES: everything that has a style, one row each. A new role is one new row; every theme then has it, because a
//! role that a theme leaves out takes the style of the role it falls back to.

use ratatui::style::Modifier;

/// How a role is used, which decides how its contrast is judged and what a colour given alone means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Read as text: at least 4.5:1 against its background.
    Text,
    /// Text on a background of its own.
    Chip,
    /// Graphs, gauges, marks: at least 3:1 against the surface, and never amber or red.
    Graph,
    /// Lines that only structure: no rule.
    Line,
    /// A background under other roles: a colour given alone is the background.
    Fill,
}

/// One role.
#[derive(Debug)]
pub struct RoleDef {
    /// The role.
    pub role: Role,
    /// As theme files spell it.
    pub name: &'static str,
    /// How it is used.
    pub kind: Kind,
    /// The role to inherit from when a theme and its parents leave it out; itself: none.
    pub falls_back: Role,
    /// What is left of it without colours.
    pub plain: Modifier,
    /// What it is for.
    pub doc: &'static str,
}

macro_rules! roles {
    ($($role:ident $name:literal $kind:ident else $fallback:ident, $plain:ident, $doc:literal;)*) => {
        /// What a style is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Role {
            $(#[doc = $doc] $role,)*
        }

        /// How many roles there are.
        pub const ROLE_COUNT: usize = [$(Role::$role),*].len();

        /// TABLE ROLES, in the order of [`Role`].
        pub static ROLES: [RoleDef; ROLE_COUNT] = [$(RoleDef {
            role: Role::$role,
            name: $name,
            kind: Kind::$kind,
            falls_back: Role::$fallback,
            plain: $plain,
            doc: $doc,
        },)*];
    };
}

const NONE: Modifier = Modifier::empty();
const BOLD: Modifier = Modifier::BOLD;
const DIM: Modifier = Modifier::DIM;
const REVERSED: Modifier = Modifier::REVERSED;
const UNDERLINED: Modifier = Modifier::UNDERLINED;
const REVERSED_DIM: Modifier = Modifier::REVERSED.union(Modifier::DIM);
const REVERSED_BOLD: Modifier = Modifier::REVERSED.union(Modifier::BOLD);

roles! {
    Text "text" Text else Text, NONE, "Values and names.";
    Dim "dim" Text else Text, DIM, "Labels, units, secondary text.";
    Faint "faint" Text else Dim, DIM, "Idle rows and zeros.";
    Strong "strong" Text else Text, BOLD, "The name of a row, the main value.";
    Title "title" Text else Strong, BOLD, "Titles of boxes.";
    Border "border" Line else Faint, NONE, "Lines of boxes.";
    BorderFocused "border_focused" Line else Accent, BOLD, "Lines of the box that has the focus.";
    Accent "accent" Text else Strong, BOLD, "The focus, and digits of panes.";
    Selected "selected" Fill else Selected, REVERSED, "The row under the cursor.";
    SelectedUnfocused "selected_unfocused" Fill else Selected, REVERSED_DIM, "The row under the cursor of a pane without focus, or before the cursor was moved.";
    Tagged "tagged" Text else Accent, BOLD, "Tagged rows.";
    Match "match" Text else Accent, UNDERLINED, "What the search found.";
    TableHeader "table_header" Text else Dim, DIM, "Heads of columns.";
    TableHeaderSorted "table_header_sorted" Text else Strong, BOLD, "The head of the column that sorts.";
    Key "key" Text else Accent, BOLD, "Keys in the footer and the help.";
    KeyChip "key_chip" Chip else Key, REVERSED_BOLD, "A key beside what it does, in a page.";
    KeyText "key_text" Text else Dim, NONE, "What a key does.";
    Ok "ok" Text else Text, NONE, "The sign that all is fine.";
    Advice "advice" Text else Accent, NONE, "Worth knowing, not a warning.";
    Warn "warn" Text else Strong, BOLD, "Crossed the warning limit; nothing else is amber.";
    Crit "crit" Text else Strong, BOLD, "Crossed the critical limit; nothing else is red.";
    Invalid "invalid" Text else Strong, UNDERLINED, "Input that is wrong or would do harm, and what is wrong with it.";
    Unknown "unknown" Text else Dim, DIM, "No data, or data too old.";
    VerdictOk "verdict_ok" Text else Ok, NONE, "The verdict when all is fine.";
    VerdictWarn "verdict_warn" Chip else Warn, REVERSED, "The count of warnings in the verdict.";
    VerdictCrit "verdict_crit" Chip else Crit, REVERSED_BOLD, "The count of critical alerts in the verdict.";
    GaugeEmpty "gauge_empty" Line else Border, DIM, "The part of a gauge that is not filled.";
    Limit "limit" Graph else Dim, BOLD, "The tick at the alert limit.";
    Normal "normal" Graph else Text, BOLD, "The mark at this machine's usual value.";
    Measured "measured" Fill else Band, NONE, "Behind graphs while a benchmark runs.";
    Band "band" Fill else SurfaceRaised, NONE, "The normal band behind graphs.";
    CpuUser "cpu_user" Graph else Text, NONE, "CPU: programs.";
    CpuSystem "cpu_system" Graph else CpuUser, NONE, "CPU: the kernel.";
    CpuIowait "cpu_iowait" Graph else CpuUser, NONE, "CPU: waiting for storage.";
    CpuSteal "cpu_steal" Graph else CpuUser, NONE, "CPU: taken by the hypervisor.";
    MemoryUsed "memory_used" Graph else CpuUser, NONE, "Memory that cannot be reclaimed.";
    MemoryArc "memory_arc" Graph else MemoryUsed, NONE, "Memory in the ZFS cache.";
    MemoryCache "memory_cache" Graph else MemoryUsed, NONE, "Memory in the page cache.";
    Swap "swap" Graph else MemoryUsed, NONE, "Swap.";
    DiskRead "disk_read" Graph else CpuUser, NONE, "Read from disks.";
    DiskWrite "disk_write" Graph else DiskRead, NONE, "Written to disks.";
    NetReceive "net_receive" Graph else CpuUser, NONE, "Received.";
    NetTransmit "net_transmit" Graph else NetReceive, NONE, "Sent.";
    Pressure "pressure" Graph else CpuUser, NONE, "Time lost to waiting.";
    Temperature "temperature" Graph else MemoryUsed, NONE, "Temperatures.";
    Gpu "gpu" Graph else CpuSteal, NONE, "GPUs: busy.";
    GpuMemory "gpu_memory" Graph else MemoryUsed, NONE, "GPUs: memory, and its traffic.";
    Power "power" Graph else Temperature, NONE, "Watts.";
    Container "container" Text else MemoryArc, NONE, "Names of containers beside processes.";
    Surface "surface" Fill else Surface, NONE, "The background.";
    SurfaceRaised "surface_raised" Fill else Surface, NONE, "The background of overlays.";
}

impl Role {
    #[must_use]
    pub fn def(self) -> &'static RoleDef {
        &ROLES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fallback_ends() {
        for def in &ROLES {
            let mut role = def.role;
            for _ in 0..ROLE_COUNT {
                role = role.def().falls_back;
            }
            assert_eq!(role.def().falls_back, role, "the fallbacks of `{}` go in a circle", def.name);
        }
    }

    #[test]
    fn no_name_is_used_twice() {
        let mut names: Vec<_> = ROLES.iter().map(|d| d.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROLE_COUNT);
    }
}
