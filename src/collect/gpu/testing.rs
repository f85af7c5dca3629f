//! Machines made of a few files, for the tests of this source.

use std::fs;

use crate::sys::root::Root;

/// A root with files, `(path, content)` each; it lasts as long as the folder.
pub(super) fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().expect("folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, content).expect("file");
    }
    let root = Root::new(folder.path());
    (folder, root)
}
