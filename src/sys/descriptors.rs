//! How many files this program may have open. Its soft limit is that of programs from the time of select(2), mostly 1024: a
//! few hundred services that are probed at once need more.

use std::io;

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// No more are asked for: some systems allow a billion, and then programs that look at each get slow.
const ENOUGH: u64 = 65_536;

/// Raises the limit as far as anybody may. Where that is refused it stays as it is.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if let Some(raised) = raised(limit) {
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// The limit to ask for; `None` where it is enough, or as high as it may be.
fn raised(limit: Rlimit) -> Option<Rlimit> {
    let now = limit.current?;
    let most = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    (now < most).then_some(Rlimit { current: Some(most), ..limit })
}

/// What to say of an error: where the limit is reached, how it is raised.
#[must_use]
pub fn words(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE) => {
            let most = getrlimit(Resource::Nofile).current.map_or_else(String::new, |most| format!(" ({most})"));
            format!("benchtop has as many files open as it may{most}: raise `ulimit -n`, or LimitNOFILE= of its unit")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_files_is_raised_as_far_as_it_may_be() {
        let of = |current, maximum| raised(Rlimit { current, maximum }).map(|raised| (raised.current, raised.maximum));
        assert_eq!(of(Some(1024), Some(4096)), Some((Some(4096), Some(4096))));
        assert_eq!(of(Some(1024), Some(1 << 30)), Some((Some(ENOUGH), Some(1 << 30))));
        assert_eq!(of(Some(1024), None), Some((Some(ENOUGH), None)));
        assert_eq!((of(Some(4096), Some(4096)), of(Some(1 << 20), None), of(None, None)), (None, None, None));
    }

    #[test]
    fn a_limit_that_is_reached_is_named_with_its_cure() {
        let full = words(&Errno::MFILE.into());
        assert!(full.contains("LimitNOFILE") && full.contains("ulimit -n"), "{full}");
        assert!(words(&Errno::NOENT.into()).starts_with("No such file"));
    }

    #[test]
    fn once_raised_there_is_no_more_to_ask_for() {
        raise();
        assert!(raised(getrlimit(Resource::Nofile)).is_none());
    }
}
