//! Removing what engines keep, thing by thing: no more than was named before goes, whatever became unused meanwhile.

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

/// Removes all of them; goes on past one that cannot be removed.
///
/// # Errors
/// The first failure, with how far it came.
pub(super) fn remove(things: &[Removal]) -> Result<String, RemovalError> {
    let (mut removed, mut bytes, mut complaint) = (0usize, 0u64, None);
    for thing in things {
        match on(&thing.engine, one(thing)) {
            Ok(()) => (removed, bytes) = (removed + 1, bytes + thing.bytes),
            Err(why) => {
                complaint.get_or_insert(why);
            }
        }
    }
    let freed = bytes_long(bytes as f64);
    match complaint {
        None if things.len() == 1 => Ok(format!("{} removed, {freed} freed", things[0].name)),
        None => Ok(format!("{removed} removed, {freed} freed")),
        Some(why) => Err(RemovalError { removed, all: things.len(), freed, why }),
    }
}

async fn one(thing: &Removal) -> Result<(), EngineError> {
    let client = EngineClient::connect(&thing.engine).await?;
    let docker = client.operator(PATIENCE)?;
    let id = &encoded(&thing.id);
    let done = match thing.kind {
        Kind::Image => docker.remove_image(id, None::<RemoveImageOptions>, None).await.map(drop),
        Kind::Volume => docker.remove_volume(id, None::<RemoveVolumeOptions>).await,
        Kind::Network => docker.remove_network(id).await,
        Kind::Cache => {
            let filters = Some(HashMap::from([("id".to_owned(), vec![thing.id.clone()])]));
            docker.prune_build(Some(PruneBuildOptions { filters, ..PruneBuildOptions::default() })).await.map(drop)
        }
    };
    done.map_err(|error| EngineError::of_operation(&error))
}
