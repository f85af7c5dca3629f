//! What CONTRIBUTING says of adding a source, a metric, a column, a pane and an overlay, done to a copy of the program:
//! the copy builds, passes its tests, and took as many edits as CONTRIBUTING counts.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One place in a file that is there already: `add` comes after the text `after`, which it has once.
struct Edit {
    file: &'static str,
    after: &'static str,
    add: &'static str,
}

const fn edit(file: &'static str, after: &'static str, add: &'static str) -> Edit {
    Edit { file, after, add }
}

/// One thing that CONTRIBUTING explains how to add.
struct Addition {
    /// As CONTRIBUTING names it.
    name: &'static str,
    /// Where each new file goes, and its text.
    files: &'static [(&'static str, &'static str)],
    edits: &'static [Edit],
}

const ADDITIONS: [Addition; 5] = [
    Addition {
        name: "a source",
        files: &[
            ("src/model/dummy.rs", include_str!("adding/model.rs")),
            ("src/collect/dummy.rs", include_str!("adding/collect.rs")),
        ],
        edits: &[
            edit("src/model/mod.rs", "pub mod disk;\n", "pub mod dummy;\n"),
            edit("src/model/source.rs", "        $rows! {\n", "            Dummies \"dummies\" Regular DummySample,\n"),
            edit("src/model/event.rs", "    disk::DiskSample,\n", "    dummy::DummySample,\n"),
            edit("src/model/host.rs", "    disk::Disks,\n", "    dummy::Dummies,\n"),
            edit("src/model/host.rs", "    pub disks: Disks,\n", "    pub dummies: Dummies,\n"),
            edit(
                "src/model/host.rs",
                "            Sample::Disks(s) => self.disks.apply(span, s),\n",
                "            Sample::Dummies(s) => self.dummies.apply(span, s),\n",
            ),
            edit("src/collect/mod.rs", "pub mod disk;\n", "pub mod dummy;\n"),
            edit(
                "src/collect/mod.rs",
                "pub static SOURCES: &[SourceDef] = &[\n",
                "    SourceDef {
        id: SourceId::Dummies,
        reads: \"nothing\",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: dummy::open,
    },\n",
            ),
            edit("config.example.toml", "facts, limits, gpus, ", "dummies, "),
        ],
    },
    Addition {
        name: "a metric",
        files: &[],
        edits: &[edit(
            "src/model/metrics/cpu.rs",
            "|h, put| load(h, put, |l| l.load15)),\n",
            "    gauge(\"load_dummies\", Count, Load, NONE, \"Dummies.\", |h, put| one(put, h.dummies.count)),\n",
        )],
    },
    Addition {
        name: "a column",
        files: &[],
        edits: &[
            edit(
                "src/ui/pools/columns.rs",
                "pub static COLUMNS: &[Col] = &[\n",
                "    Col::figure(\"letters\", \"LEN\", Kind::Count, 4, 20, |r| Some(r.pool.name.len() as f64)).doc(\"letters\"),\n",
            ),
            edit("config.example.toml", "latency, scrub, size, ", "letters, "),
        ],
    },
    Addition {
        name: "a pane",
        files: &[
            ("src/ui/dummy/mod.rs", include_str!("adding/domain.rs")),
            ("src/ui/dummy/pane.rs", include_str!("adding/pane.rs")),
        ],
        edits: &[
            edit("src/ui/mod.rs", "mod draw;\n", "pub mod dummy;\n"),
            edit("src/ui/ids.rs", "    DiskNet,\n", "    Dummies,\n"),
            edit("src/ui/panes/mod.rs", "use super::{\n", "    dummy,\n"),
            edit("src/ui/panes/mod.rs", "    sensors::pane::DEF,\n", "    dummy::pane::DEF,\n"),
            edit("src/ui/layout.rs", "&[(\"filesystems\", 57), ", "(\"dummies\", 20), "),
            edit("tests/floors.rs", "        \"ui::disks_network\",\n", "        \"ui::dummy\",\n"),
        ],
    },
    Addition {
        name: "an overlay",
        files: &[("src/ui/overlays/dummy.rs", include_str!("adding/overlay.rs"))],
        edits: &[
            edit("src/ui/overlays/mod.rs", "pub mod details;\n", "pub mod dummy;\n"),
            edit(
                "src/ui/overlays/mod.rs",
                "pub static OVERLAYS: &[OverlayDef] = &[\n",
                "    OverlayDef { action: Action::Dummies, open: |_, _| Box::<dummy::Dummies>::default() },\n",
            ),
            edit("src/ui/action.rs", "pub enum Action {\n", "    Dummies,\n"),
            edit(
                "src/ui/action.rs",
                "pub static ACTIONS: &[ActionDef] = &[\n",
                "    def(Action::Dummies, \"dummies\", &[\"J\"], Anywhere, \"dummies\"),\n",
            ),
        ],
    },
];

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The text of each edited file afterwards.
fn edited() -> BTreeMap<&'static str, String> {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for Edit { file, after, add } in ADDITIONS.iter().flat_map(|addition| addition.edits) {
        let text = texts.entry(*file).or_insert_with(|| fs::read_to_string(top().join(file)).unwrap());
        assert_eq!(text.matches(after).count(), 1, "{file} has {after:?} once");
        *text = text.replace(after, &format!("{after}{add}"));
    }
    texts
}

fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[test]
fn contributing_counts_the_edits() {
    edited();
    let guide = fs::read_to_string(top().join("CONTRIBUTING.md")).unwrap();
    for Addition { name, files, edits } in &ADDITIONS {
        let places: BTreeSet<_> = edits.iter().map(|edit| edit.file).collect();
        let new = match files.len() {
            0 => String::new(),
            count => format!("{}, ", counted(count, "new file")),
        };
        let words = format!("**{name}** ({new}{} in {})", counted(edits.len(), "edit"), counted(places.len(), "file"));
        assert!(guide.contains(&words), "CONTRIBUTING.md lacks: {words}");
    }
}

#[test]
#[ignore = "builds a copy of the program: some minutes"]
fn a_copy_with_all_of_them_passes_its_tests() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["src", "tests", "benches", "assets", "themes"] {
        copy(&top().join(part), &folder.path().join(part));
    }
    for part in ["Cargo.toml", "Cargo.lock", "CONTRIBUTING.md", "README.md", "config.example.toml"] {
        fs::copy(top().join(part), folder.path().join(part)).unwrap();
    }
    for (file, text) in edited() {
        fs::write(folder.path().join(file), text).unwrap();
    }
    for (file, text) in ADDITIONS.iter().flat_map(|addition| addition.files) {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    // The dependencies are those that were built for this test. Snapshots of help and schema show what was added.
    let target = Path::new(env!("CARGO_BIN_EXE_benchtop")).ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo's words about this test's own package would have build scripts of dependencies run again.
    let foreign = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|p| name.starts_with(p))
    };
    std::env::vars().filter(|(name, _)| foreign(name)).for_each(|(name, _)| {
        cargo.env_remove(name);
    });
    let out = cargo
        .args(["test", "--offline", "--lib", "--manifest-path"])
        .arg(folder.path().join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", target)
        .env("INSTA_UPDATE", "always")
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}");
    for test in ["dummy_source_metric_pane_and_overlay_work", "dummy_column_is_one_of_its_table"] {
        assert!(said.contains(&format!("{test} ... ok")), "{test} did not run:\n{said}");
    }
}
