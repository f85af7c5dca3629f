//! Pages and files over HTTP, fetched as a browser does it.

mod fetch;
mod head;

pub use fetch::{Page, Trusts, download, page};

use std::time::Duration;

use tokio::{runtime::Builder, time::timeout};

use super::{Stop, StopFlag};
use crate::model::service::target::ServiceUrl;

/// What is fetched from `url`, within a time, or until the run is stopped.
///
/// # Errors
/// When it does not come; stopped.
pub fn within<T>(
    stop: &StopFlag,
    url: &ServiceUrl,
    patience: Duration,
    fetched: impl Future<Output = Result<T, String>>,
) -> Result<T, Stop> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Stop::failed)?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            fetched = timeout(patience, fetched) => match fetched {
                Ok(fetched) => fetched.map_err(Stop::Failed),
                Err(_) => Err(Stop::Failed(format!("{url}: did not answer within {} s", patience.as_secs()))),
            },
            () = stop.stopped() => Err(Stop::Cancelled),
        }
    })
}
