//! One operation on a container engine: on its own runtime, within a deadline.

use tokio::{runtime::Builder, time::timeout};

use super::PATIENCE;
use crate::{model::engine_address::EngineAddress, sys::engine::EngineError};

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OperationError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("{engine} did not answer within {} s", PATIENCE.as_secs())]
    Late { engine: EngineAddress },
    /// The system gives no runtime.
    #[error("{0}")]
    System(String),
}

/// Waits for `operation` on `engine`.
pub(super) fn on<T>(
    engine: &EngineAddress,
    operation: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, OperationError> {
    let system = |error: std::io::Error| OperationError::System(error.to_string());
    let runtime = Builder::new_current_thread().enable_all().build().map_err(system)?;
    runtime.block_on(async {
        match timeout(PATIENCE, operation).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(OperationError::Late { engine: engine.clone() }),
        }
    })
}
