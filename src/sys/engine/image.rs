//! Images that an engine gets: imported from an archive of ours, or pulled from a registry. Both are answered by lines of
//! JSON while they are under way; a failure in the middle is a line too, in an answer whose status was good.

use std::{collections::BTreeMap, time::Duration};

use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use super::{EngineClient, EngineError, encoded};
use crate::{
    sys::{
        http::Answer,
        json::{Field, Unread},
    },
    text::clean,
};

/// A line of progress is not longer.
const LINE: usize = 64 << 10;
/// Layers of an image.
const LAYERS: usize = 512;

/// How far a pull has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulling {
    /// Bytes that have come.
    pub done: u64,
    /// Of so many, as far as the engine knows them by now.
    pub of: u64,
}

impl EngineClient {
    /// Makes the image `name:tag` of an archive of its files. It has these `labels`.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn import(
        &self,
        (name, tag): (&str, &str),
        labels: &[(&str, &str)],
        archive: Vec<u8>,
        patience: Duration,
    ) -> Result<(), EngineError> {
        let labels = labels.iter().map(|(key, value)| format!("&changes={}", encoded(&format!("LABEL {key}={value}"))));
        let (name, tag, labels) = (encoded(name), encoded(tag), labels.collect::<String>());
        let path = format!("/images/create?fromSrc=-&repo={name}&tag={tag}{labels}");
        let answer = self.make("the import", &path, Bytes::from(archive), patience).await?;
        lines("the import", answer, patience, |_| {}).await
    }

    /// Pulls the image `name:tag`, and hands over how far it has come each time that the engine says so.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn pull(
        &self,
        (name, tag): (&str, &str),
        patience: Duration,
        mut progress: impl FnMut(Pulling),
    ) -> Result<(), EngineError> {
        let path = format!("/images/create?fromImage={}&tag={}", encoded(name), encoded(tag));
        let answer = self.make("the pull", &path, Bytes::new(), patience).await?;
        let mut layers = Layers::default();
        lines("the pull", answer, patience, |line| progress(layers.take(line))).await
    }
}

/// Bytes by layer.
#[derive(Default)]
struct Layers(BTreeMap<String, Pulling>);

impl Layers {
    fn take(&mut self, line: &Field<'_>) -> Pulling {
        let detail = line.object("progressDetail");
        if let (Some(id), Some(done), Some(of)) = (line.text("id"), detail.count("current"), detail.count("total"))
            // The same layer is unpacked afterwards, and counted once more.
            && line.text("status").is_some_and(|status| status == "Downloading")
            && (self.0.len() < LAYERS || self.0.contains_key(&id))
        {
            self.0.insert(id, Pulling { done, of });
        }
        let sum = |of: fn(&Pulling) -> u64| self.0.values().map(of).fold(0, u64::saturating_add);
        Pulling { done: sum(|layer| layer.done), of: sum(|layer| layer.of) }
    }
}

/// Reads an answer to its end, line by line; `quiet` is the longest time without a line.
async fn lines(
    what: &str,
    mut answer: Answer,
    quiet: Duration,
    mut take: impl FnMut(&Field<'_>),
) -> Result<(), EngineError> {
    let mut rest = Vec::new();
    loop {
        let piece = timeout(quiet, answer.piece()).await;
        let piece = piece.map_err(|_| EngineError::Endless { what: what.to_owned(), within: quiet })?;
        let Some(piece) = piece.map_err(|error| EngineError::http(what, error))? else { break };
        rest.extend_from_slice(&piece);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            line(&rest[..end], &mut take)?;
            rest.drain(..=end);
        }
        if rest.len() > LINE {
            return Err(EngineError::Long { what: what.to_owned(), cap: LINE });
        }
    }
    line(&rest, &mut take)
}

fn line(bytes: &[u8], take: &mut impl FnMut(&Field<'_>)) -> Result<(), EngineError> {
    // One that is not understood is no failure: the answer goes on.
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    let unread = Unread::default();
    let field = Field::new(&value, &unread);
    if let Some(why) = field.text("error") {
        return Err(EngineError::Lost(clean(why.trim()).into_owned()));
    }
    take(&field);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn client(act: Act) -> (FakeEngine, EngineClient) {
        let engine = FakeEngine::new([("/version", gives(VERSION)), ("/images/create", act)]);
        let client = EngineClient::connect(&engine.address()).await.expect("an engine");
        (engine, client)
    }

    #[tokio::test]
    async fn an_import_that_fails_in_the_middle_is_a_failure() {
        let words = "{\"status\":\"sha256:ab\"}\r\n{\"error\":\"no space left on \\u001bdevice\"}\r\n";
        let (_engine, client) = client(gives(words)).await;
        let done = client.import(("a", "1"), &[("x", "y")], vec![0; 3 << 20], PATIENCE).await;
        assert_eq!(done, Err(EngineError::Lost("no space left on ?device".to_owned())));
    }

    #[tokio::test]
    async fn a_pull_counts_what_has_come() {
        let down = |id: &str, current: u64| {
            format!(
                "{{\"status\":\"Downloading\",\"id\":\"{id}\",\"progressDetail\":{{\"current\":{current},\"total\":100}}}}\n"
            )
        };
        let words = [
            "{\"status\":\"Pulling from x\",\"id\":\"1\"}\n".to_owned(),
            down("a", 10),
            down("b", 20),
            down("a", 100),
            "{\"status\":\"Extracting\",\"id\":\"a\",\"progressDetail\":{\"current\":3,\"total\":100}}\nnonsense\n"
                .to_owned(),
            "{\"status\":\"Pull complete\",\"id\":\"b\",\"progressDetail\":{}}".to_owned(),
        ];
        let (_engine, client) = client(gives(words.concat())).await;
        let mut seen = Vec::new();
        let done = client.pull(("x", "1"), PATIENCE, |pulling| seen.push((pulling.done, pulling.of))).await;
        assert_eq!((done, seen), (Ok(()), vec![(0, 0), (10, 100), (30, 200), (120, 200), (120, 200), (120, 200)]));
    }

    #[tokio::test]
    async fn a_pull_that_stands_still_ends() {
        let (_engine, client) = client(hangs_after("{\"status\":\"Waiting\"}\n")).await;
        let done = client.pull(("x", "1"), Duration::from_millis(300), |_| {}).await;
        assert!(done.is_err_and(|error| error.is_late()));
    }

    #[test]
    fn layers_are_counted_up_to_a_limit() {
        let mut layers = Layers::default();
        let mut take = |id: usize, done: u64| {
            let detail = serde_json::json!({"current": done, "total": 10});
            let line = serde_json::json!({"status": "Downloading", "id": id.to_string(), "progressDetail": detail});
            layers.take(&Field::new(&line, &Unread::default()))
        };
        let last = (0..LAYERS + 5).map(|id| take(id, 1)).last().expect("some");
        assert_eq!(last, Pulling { done: 512, of: 5120 });
        assert_eq!(take(3, 9), Pulling { done: 520, of: 5120 }, "one that is known goes on");
    }

    #[tokio::test]
    async fn a_line_has_a_limit() {
        let pull = async |length: usize| {
            let (_engine, client) = client(gives("x".repeat(length))).await;
            client.pull(("x", "1"), PATIENCE, |_| {}).await
        };
        assert_eq!(pull(64 << 10).await, Ok(()), "what is not understood is no failure");
        let long = EngineError::Long { what: "the pull".to_owned(), cap: 64 << 10 };
        assert_eq!(pull((64 << 10) + 1).await, Err(long));
    }

    #[tokio::test]
    async fn an_import_names_its_image_and_labels() {
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = asked.clone();
        let engine = FakeEngine::with(std::sync::Arc::new(move |asked, stream| {
            let body = if asked.path == "/version" { VERSION } else { "" };
            seen.lock().expect("the log").push((asked.query.clone(), asked.body.len()));
            drop(std::io::Write::write_all(stream, &answer(200, body)));
        }));
        let client = EngineClient::connect(&engine.address()).await.expect("an engine");
        let done = client.import(("a/b", "1"), &[("x", "y z"), ("c", "d")], vec![0; 9], PATIENCE).await;
        assert_eq!(done, Ok(()));
        let query = "fromSrc=-&repo=a%2Fb&tag=1&changes=LABEL%20x%3Dy%20z&changes=LABEL%20c%3Dd".to_owned();
        assert_eq!(asked.lock().expect("the log").last(), Some(&(query, 9)));
    }
}
