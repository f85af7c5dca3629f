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
}
