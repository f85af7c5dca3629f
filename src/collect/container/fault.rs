//! What keeps an engine from telling anything, in words that say the cure. They follow the engine's address.

use std::error::Error as _;

use bollard::{ClientVersion, errors::Error, models::SystemVersion};

use crate::{model::event::Fault, text::clean};

/// The oldest form of the API in which all that is asked for exists (Docker 1.12).
const OLDEST: (usize, usize) = (1, 24);

/// What an error of the client means. Its own words hide the cause, which stands at the end of the chain.
pub(super) fn of(error: &Error) -> Fault {
    match error {
        Error::RequestTimeoutError => return Fault::Timeout,
        Error::DockerResponseServerError { message, .. } => return Fault::Broken(clean(message).into_owned()),
        Error::SocketNotFoundError { .. } => return Fault::Broken("there is no such socket".to_owned()),
        Error::UnsupportedURISchemeError { .. } => {
            let cure = "only unix:// and tcp:// can be reached; of one behind ssh forward the socket with ssh -L";
            return Fault::Broken(cure.to_owned());
        }
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::APIVersionParseError {} => {
            return Fault::Broken("what answers there is no container engine".to_owned());
        }
        _ => {}
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    let lower = words.to_lowercase();
    if lower.contains("permission denied") {
        let hint = "run as root, or as a member of the group that owns the socket".to_owned();
        return Fault::Denied { what: "permission denied".to_owned(), hint };
    }
    if lower.contains("connection refused") || lower.contains("no such file") {
        return Fault::Broken("nobody listens there".to_owned());
    }
    if lower.contains("invalid http") {
        return Fault::Broken("what answers there is no container engine".to_owned());
    }
    Fault::Broken(clean(&words).into_owned())
}

/// An engine with which there is no common form of the API.
pub(super) fn unspoken(engine: &SystemVersion, newest: &ClientVersion) -> Result<(), Fault> {
    let newest = (newest.major_version, newest.minor_version);
    let name = clean(engine.version.as_deref().unwrap_or_default()).into_owned();
    let (most, least) = (parse(engine.api_version.as_deref()), parse(engine.min_api_version.as_deref()));
    if most.is_some_and(|most| most < OLDEST) {
        let (major, minor) = OLDEST;
        let spoken = clean(engine.api_version.as_deref().unwrap_or_default()).into_owned();
        let why = format!("engine {name} is too old: it speaks API {spoken}, {major}.{minor} is needed");
        return Err(Fault::Broken(why));
    }
    if least.is_some_and(|least| least > newest) {
        let (major, minor) = newest;
        let wanted = clean(engine.min_api_version.as_deref().unwrap_or_default()).into_owned();
        let why = format!("engine {name} is too new: it wants API {wanted}, this program speaks {major}.{minor}");
        return Err(Fault::Broken(why));
    }
    Ok(())
}

fn parse(version: Option<&str>) -> Option<(usize, usize)> {
    let (major, minor) = version?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_without_a_common_form_is_told_as_too_old_or_too_new() {
        let newest = ClientVersion { major_version: 1, minor_version: 53 };
        let judge = |api: &str, least: &str| {
            let engine = SystemVersion {
                version: Some("9.9\u{1b}[31m".into()),
                api_version: Some(api.into()),
                min_api_version: Some(least.into()),
                ..SystemVersion::default()
            };
            match unspoken(&engine, &newest) {
                Ok(()) => String::new(),
                Err(Fault::Broken(why)) => why,
                Err(other) => panic!("{other:?}"),
            }
        };
        assert!(judge("1.23", "1.12").contains("too old: it speaks API 1.23, 1.24 is needed"));
        assert!(judge("1.60", "1.54").contains("too new: it wants API 1.54, this program speaks 1.53"));
        assert_eq!(judge("1.41", "1.12"), "");
        assert_eq!(judge("1.60", "1.44"), "");
        assert_eq!(judge("nonsense", ""), "", "what cannot be read is tried");
        assert!(!judge("1.2", "").contains('\u{1b}'));
    }
}
