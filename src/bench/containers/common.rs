//! What all benchmarks of containers begin and end with.

use crate::bench::{
    Measured, Plan, Survey,
    engine::{self, Image, Place, Ready},
};

/// The beginning of a plan on one engine: which one, and the image.
pub fn engine_plan(survey: &Survey<'_>, of: &str) -> Result<(Plan, Place, Image), String> {
    let place = engine::find(survey, of)?;
    let facts = place.facts()?;
    let image = Image::choose(survey, &place, &facts)?;
    let (steps, fingerprint) = (vec![image.step()], facts.fingerprint());
    Ok((Plan { of: of.to_owned(), steps, fingerprint, ..Plan::default() }, place, image))
}

/// What is said of a run beside its samples.
pub fn measured(image: Ready, method: &str) -> Measured {
    let fingerprint = [("image".to_owned(), image.identity), ("method".to_owned(), method.to_owned())].into();
    Measured { fingerprint, notes: Vec::new() }
}
