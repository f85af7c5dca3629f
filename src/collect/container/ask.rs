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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::engine::testing::{FakeEngine, VERSION, answer, gives};

    #[tokio::test]
    async fn an_engine_is_asked_in_its_own_terms() {
        use std::io::Write;
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/containers/json", gives(r#"[{"Id":"aa","Names":["/web"]},{"Id":"a/b"},{"Id":"bb","Names":["/db"]}]"#)),
            ("/containers/aa/json", gives(r#"{"Id":"aa","Name":"/web"}"#)),
            ("/containers/bb/json", gives("{}")),
            ("/containers/0123456789abcdef/json", gives("<html>")),
            ("/containers/aa/stats", gives(r#"{"pids_stats":{"current":3}}"#)),
            ("/_ping", gives("OK")),
        ]);
        let client = EngineClient::connect(&engine.address()).await.expect("an engine");
        let ask = Numbered { number: 7, client: &client };
        let (listed, count) = ask.list().await.expect("a list");
        let names: Vec<_> = listed.iter().map(|c| (c.engine, c.name.as_str())).collect();
        assert_eq!((names, count), (vec![(7, "web"), (7, "db")], 3), "one without an id is only counted");
        let inspected = ask.inspect("aa").await.expect("an answer").expect("an id");
        assert_eq!((inspected.engine, inspected.name.as_str()), (7, "web"));
        assert_eq!(ask.inspect("bb").await, Ok(None));
        let odd = ask.inspect("0123456789abcdef").await.expect_err("no JSON").to_string();
        assert!(odd.starts_with("GET /containers/0123456789ab/json: not JSON"), "{odd}");
        let usages = ask.count(vec!["aa".into()]).await.expect("figures");
        assert_eq!(usages.get("aa").and_then(|usage| usage.pids), Some(3));
        assert_eq!(ask.ping().await, Ok(()));
        let dead = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/_ping", std::sync::Arc::new(|stream| drop(stream.write_all(&answer(500, "no"))))),
        ]);
        let client = EngineClient::connect(&dead.address()).await.expect("an engine");
        assert!(Numbered { number: 0, client: &client }.ping().await.is_err());
    }
}
