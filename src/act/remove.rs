//! Removes engine objects one by one: only those that were confirmed, whatever became unused meanwhile.

use std::collections::HashMap;

use bollard::query_parameters::{PruneBuildOptions, RemoveImageOptions, RemoveVolumeOptions};

use super::{
    PATIENCE,
    engine::{OperationError, on},
};
use crate::{
    model::store::Kind,
    request::Removal,
    sys::engine::{EngineClient, EngineError, encoded},
    units::bytes_long,
};

/// Not all of them could be removed.
#[derive(Debug, thiserror::Error)]
#[error("{removed} of {all} removed, {freed} freed; {why}")]
pub(super) struct RemovalError {
    removed: usize,
    all: usize,
    freed: String,
    /// The first of the reasons.
    #[source]
    why: OperationError,
}

/// Removes all of them; continues past one that cannot be removed.
///
/// # Errors
/// The first failure, with how far it came.
pub(super) fn remove(objects: &[Removal]) -> Result<String, RemovalError> {
    each(objects, |object| on(&object.engine, one(object)))
}

fn each(objects: &[Removal], one: impl Fn(&Removal) -> Result<(), OperationError>) -> Result<String, RemovalError> {
    let (mut removed, mut bytes, mut complaint) = (0usize, 0u64, None);
    for object in objects {
        match one(object) {
            Ok(()) => (removed, bytes) = (removed + 1, bytes + object.bytes),
            Err(why) => {
                complaint.get_or_insert(why);
            }
        }
    }
    let freed = bytes_long(bytes as f64);
    match complaint {
        None if objects.len() == 1 => Ok(format!("{} removed, {freed} freed", objects[0].name)),
        None => Ok(format!("{removed} removed, {freed} freed")),
        Some(why) => Err(RemovalError { removed, all: objects.len(), freed, why }),
    }
}

async fn one(object: &Removal) -> Result<(), EngineError> {
    let client = EngineClient::connect(&object.engine).await?;
    let docker = client.operator(PATIENCE)?;
    let id = &encoded(&object.id);
    let done = match object.kind {
        Kind::Image => docker.remove_image(id, None::<RemoveImageOptions>, None).await.map(drop),
        Kind::Volume => docker.remove_volume(id, None::<RemoveVolumeOptions>).await,
        Kind::Network => docker.remove_network(id).await,
        Kind::Cache => {
            let filters = Some(HashMap::from([("id".to_owned(), vec![object.id.clone()])]));
            docker.prune_build(Some(PruneBuildOptions { filters, ..PruneBuildOptions::default() })).await.map(drop)
        }
    };
    done.map_err(|error| EngineError::of_operation(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_counted() {
        let object = |name: &str| Removal {
            engine: "unix:///run/docker.sock".into(),
            kind: Kind::Image,
            id: name.into(),
            name: name.into(),
            bytes: 1 << 20,
        };
        let objects = ["a", "b", "c"].map(object);
        let done = |refused: &'static str| {
            let one = move |object: &Removal| {
                if object.name == refused { Err(OperationError::System("in use".into())) } else { Ok(()) }
            };
            each(&objects, one).map_err(|error| error.to_string())
        };
        assert_eq!(done(""), Ok("3 removed, 3.0 MiB freed".to_owned()));
        assert_eq!(done("b"), Err("2 of 3 removed, 2.0 MiB freed; in use".to_owned()));
        assert_eq!(each(&objects[..1], |_| Ok(())).ok(), Some("a removed, 1.0 MiB freed".to_owned()));
    }

    #[test]
    fn each_kind_is_asked_for_in_its_own_way() {
        use crate::sys::engine::testing::{FakeEngine, VERSION, answer};
        let queries = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = queries.clone();
        let engine = FakeEngine::with(std::sync::Arc::new(move |asked, stream| {
            let (status, body) = match asked.path.as_str() {
                "/version" => (200, VERSION),
                "/images/ab" => (200, "[]"),
                "/build/prune" => (200, r#"{"CachesDeleted":["ab"],"SpaceReclaimed":0}"#),
                "/networks/ab" => (403, r#"{"message":"bridge is predefined"}"#),
                _ => (200, ""),
            };
            if asked.path == "/build/prune" {
                seen.lock().expect("the log").push(asked.query.clone());
            }
            drop(std::io::Write::write_all(stream, &answer(status, body)));
        }));
        let remove = |kind| {
            let object = Removal { engine: engine.address(), kind, id: "ab".into(), name: "web".into(), bytes: 0 };
            remove(&[object]).map_err(|error| error.to_string())
        };
        for kind in [Kind::Image, Kind::Volume, Kind::Cache] {
            assert_eq!(remove(kind), Ok("web removed, 0 B freed".to_owned()), "{kind:?}");
        }
        assert_eq!(remove(Kind::Network), Err("0 of 1 removed, 0 B freed; bridge is predefined".to_owned()));
        let asked = engine.asked.lock().expect("the log").join(", ");
        assert_eq!(
            asked.replace("GET /_ping, GET /version, ", ""),
            "DELETE /images/ab, DELETE /volumes/ab, POST /build/prune, DELETE /networks/ab"
        );
        let queries = queries.lock().expect("the log");
        let [query] = queries.as_slice() else { panic!("{queries:?}") };
        assert!(query.contains("%22id%22") && query.contains("%22ab%22"), "only that entry of the cache: {query}");
    }
}
