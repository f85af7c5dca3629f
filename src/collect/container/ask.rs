//! The requests to one engine, and its answers as our types.

use std::collections::BTreeMap;

use super::{
    describe::{describe, listed},
    stats,
};
use crate::{
    model::container::{Container, Usage},
    sys::{
        engine::{EngineClient, EngineError, HELLO, LIST, ONE},
        json::each_of_list,
    },
};

/// Containers followed per engine.
pub(super) const MOST: usize = 10_000;

/// The requests; tests answer them without an engine.
pub(super) trait Ask {
    /// All listed containers, at most [`MOST`], and the total.
    async fn list(&self) -> Result<(Vec<Container>, usize), EngineError>;

    /// One container; `None` when the answer has no id.
    async fn inspect(&self, id: &str) -> Result<Option<Container>, EngineError>;

    /// The engine's own counters of these.
    async fn count(&self, ids: Vec<String>) -> Result<BTreeMap<String, Usage>, EngineError>;

    /// Whether the engine still answers.
    async fn ping(&self) -> Result<(), EngineError>;
}

/// An engine and its index among all.
pub(super) struct Numbered<'a> {
    pub(super) number: u16,
    pub(super) client: &'a EngineClient,
}

impl Ask for Numbered<'_> {
    async fn list(&self) -> Result<(Vec<Container>, usize), EngineError> {
        const PATH: &str = "/containers/json?all=true";
        let body = self.client.get("the list of containers", PATH, LIST).await?;
        let mut all = Vec::new();
        let count = each_of_list(&body, MOST, ONE.cap, |line| all.extend(listed(self.number, &line)));
        Ok((all, count.map_err(|error| EngineError::not_json(PATH, &error))?))
    }

    async fn inspect(&self, id: &str) -> Result<Option<Container>, EngineError> {
        let body = self.client.get("a container", &format!("/containers/{id}/json"), ONE).await?;
        let short = format!("/containers/{}/json", id.get(..12).unwrap_or(id));
        let answer = serde_json::from_slice(&body).map_err(|error| EngineError::not_json(&short, &error))?;
        Ok(describe(self.number, &answer))
    }

    async fn count(&self, ids: Vec<String>) -> Result<BTreeMap<String, Usage>, EngineError> {
        stats::of(self.client, ids).await
    }

    async fn ping(&self) -> Result<(), EngineError> {
        self.client.get("its answer", "/_ping", HELLO).await.map(drop)
    }
}
