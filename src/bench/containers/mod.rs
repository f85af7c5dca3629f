//! What containers cost on this machine: starting, stopping, mounting, asking the engine, many at once.

mod api;
mod mount;
mod start;
mod stop;

pub use self::{api::API, mount::MOUNT, start::START, stop::STOP};

use super::{
    Measured, Plan, Survey,
    engine::{self, Image, Place, Ready},
};

/// The beginning of a plan on one engine: which one, and the image.
fn engine_plan(survey: &Survey<'_>, of: &str) -> Result<(Plan, Place, Image), String> {
    let place = engine::find(survey, of)?;
    let facts = place.facts()?;
    let image = Image::choose(survey, &place, &facts)?;
    let (steps, fingerprint) = (vec![image.step()], facts.fingerprint());
    Ok((Plan { of: of.to_owned(), steps, fingerprint, ..Plan::default() }, place, image))
}

/// What is said of a run beside its samples.
fn measured(image: Ready, method: &str) -> Measured {
    let fingerprint = [("image".to_owned(), image.identity), ("method".to_owned(), method.to_owned())].into();
    Measured { fingerprint, notes: Vec::new() }
}

#[cfg(test)]
mod tests;
