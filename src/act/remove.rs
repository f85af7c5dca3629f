//! Removing what engines keep, thing by thing: no more than was named before goes, whatever became unused meanwhile.

use std::collections::HashMap;

use bollard::query_parameters::{PruneBuildOptions, RemoveImageOptions, RemoveVolumeOptions};

use super::PATIENCE;
use crate::{
    model::store::Kind,
    request::Removal,
    sys::engine::{EngineClient, EngineError, encoded},
    units::bytes_long,
};

/// Removes all of them; goes on past one that cannot be removed.
///
/// # Errors
/// In the engine's words, with how far it came.
pub(super) fn remove(things: &[Removal]) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let (mut gone, mut bytes, mut complaint) = (0usize, 0u64, None);
    for thing in things {
        match runtime.block_on(async { tokio::time::timeout(PATIENCE, one(thing)).await }) {
            Ok(Ok(())) => (gone, bytes) = (gone + 1, bytes + thing.bytes),
            Ok(Err(why)) => {
                complaint.get_or_insert(why.to_string());
            }
            Err(_) => {
                complaint.get_or_insert(format!("{} did not answer", thing.engine));
            }
        }
    }
    let freed = bytes_long(bytes as f64);
    match complaint {
        None if things.len() == 1 => Ok(format!("{} removed, {freed} freed", things[0].name)),
        None => Ok(format!("{gone} removed, {freed} freed")),
        Some(why) => Err(format!("{gone} of {} removed, {freed} freed; {why}", things.len())),
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
