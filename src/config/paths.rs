//! Where the user's files lie (XDG base directories), and those of a service.

use std::path::PathBuf;

/// The file that `config init` writes and that is read when no other is named; `None` without a home.
#[must_use]
pub fn config_file() -> Option<PathBuf> {
    folder().map(|f| f.join("config.toml"))
}

/// The machine's own file, for a service and for users who have none.
#[must_use]
pub fn system_file() -> PathBuf {
    PathBuf::from("/etc/benchtop/config.toml")
}

/// The folder of the user's themes.
#[must_use]
pub fn themes() -> Option<PathBuf> {
    folder().map(|f| f.join("themes"))
}

/// The folder of what the program keeps by itself: the history.
#[must_use]
pub fn state() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "benchtop")?;
    dirs.state_dir().map(std::path::Path::to_owned)
}

/// The same for a service, which all screens of the machine's owner share.
#[must_use]
pub fn system_state() -> PathBuf {
    PathBuf::from("/var/lib/benchtop")
}

fn folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "benchtop").map(|dirs| dirs.config_dir().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_lie_in_one_folder_of_the_user_s() {
        // A service may have no home.
        let Some(base) = directories::BaseDirs::new() else { return };
        let at = |name: &str| Some(base.config_dir().join("benchtop").join(name));
        assert_eq!((config_file(), themes()), (at("config.toml"), at("themes")));
        assert_eq!(state(), base.state_dir().map(|folder| folder.join("benchtop")));
        assert!(system_file().is_absolute() && system_state().is_absolute());
    }
}
