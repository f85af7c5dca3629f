//! An engine and the image that containers on it are made of: what every benchmark of containers and networks begins with.

use super::{Image, Place, Ready, Session, find};
use crate::{
    bench::{Plan, RunCx, Stop, Survey},
    model::bench::RunPhase,
};

/// What a benchmark's containers are made on, and of.
pub struct On {
    pub place: Place,
    pub image: Image,
}

/// The beginning of a plan on one engine: the image, and what results depend on.
///
/// # Errors
/// Why it cannot be run there.
pub fn plan(survey: &Survey<'_>, of: &str) -> Result<(Plan, On), String> {
    plan_at(survey, find(survey, of)?, of)
}

/// The same on an engine that is known already; `of`: as results name what is measured.
///
/// # Errors
/// Why it cannot be run there.
pub fn plan_at(survey: &Survey<'_>, place: Place, of: &str) -> Result<(Plan, On), String> {
    let facts = place.facts()?;
    let image = Image::choose(survey, &place, &facts)?;
    let plan =
        Plan { of: of.to_owned(), steps: vec![image.step()], fingerprint: facts.fingerprint(), ..Plan::default() };
    Ok((plan, On { place, image }))
}

impl On {
    /// Connects, and has the image there.
    ///
    /// # Errors
    /// When the engine does not answer, or the image cannot be had.
    pub fn open(&self, cx: &mut dyn RunCx) -> Result<(Session, Ready), Stop> {
        cx.progress(RunPhase::Preparing, None, Vec::new());
        let session = Session::open(&self.place.address, cx)?;
        let image = self.image.prepare(&session, cx)?;
        Ok((session, image))
    }
}
