//! Has the linker put the functions that run on a usual machine side by side (`layout.ld`, written by
//! `tests/tools/layout.py`). The kernel maps 64 KiB around each page that is touched: scattered over the program they keep
//! 8 MB of it in memory, side by side 3. Only the order changes; a name that is no longer there matches nothing.
//!
//! And has it link for fixed addresses: otherwise each start writes 13,000 addresses into 230 KiB, which the program and its
//! helper process then hold twice, and reads 320 KiB that say where. 1 MB less for both. What is given up is the random
//! place of the program's own code; libraries, heap and stacks keep theirs.

use std::{env, path::Path};

/// These linkers read no such script.
const UNABLE: [&str; 3] = ["mold", "gold", "wild"];

fn main() {
    println!("cargo:rerun-if-changed=assets/layout.ld");
    println!("cargo:rerun-if-changed=assets/layout.rs");
    let var = |name: &str| env::var(name).unwrap_or_default();
    let linker = format!("{} {}", var("RUSTC_LINKER"), var("CARGO_ENCODED_RUSTFLAGS"));
    let is_able = var("CARGO_CFG_TARGET_OS") == "linux" && !UNABLE.iter().any(|name| linker.contains(name));
    if is_able && var("PROFILE") == "release" {
        let script = Path::new(&var("CARGO_MANIFEST_DIR")).join("assets/layout.ld");
        println!("cargo:rustc-link-arg-bins=-T");
        println!("cargo:rustc-link-arg-bins={}", script.display());
        if var("CARGO_CFG_TARGET_ENV") == "gnu" {
            println!("cargo:rustc-link-arg-bins=-no-pie");
        }
    }
}
