//! Handing a notice to one destination, on the thread of its worker: what is sent, and what counts as arrived.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;

use super::{notice::Notice, payload};
use crate::{
    alert::Level,
    config::notify::{Address, NotifySettings, Program, Web},
    model::service::target::ServiceUrl,
    sys::{
        exec::{self, Runner},
        probe::{Parcel, Receipt, send},
    },
    text::clean,
};

/// Bytes of a file that holds an address.
const ADDRESS: u64 = 4096;

/// One destination.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Command(Program),
    Webhook(Web),
    Ntfy(Web),
    Alertmanager(Web),
    Heartbeat(Web),
}

impl Kind {
    /// Those that are set.
    pub(super) fn all(settings: &NotifySettings) -> Vec<Kind> {
        let of = |web: &Option<Web>, kind: fn(Web) -> Kind| web.clone().map(kind);
        [
            settings.command.clone().map(Kind::Command),
            of(&settings.webhook, Kind::Webhook),
            of(&settings.ntfy, Kind::Ntfy),
            of(&settings.alertmanager, Kind::Alertmanager),
            of(&settings.heartbeat, Kind::Heartbeat),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::Command(_) => "command",
            Kind::Webhook(_) => "webhook",
            Kind::Ntfy(_) => "ntfy",
            Kind::Alertmanager(_) => "alertmanager",
            Kind::Heartbeat(_) => "heartbeat",
        }
    }

    /// The mildest level that it is sent.
    pub(super) fn level(&self) -> Level {
        match self {
            Kind::Command(program) => program.level,
            Kind::Webhook(web) | Kind::Ntfy(web) | Kind::Alertmanager(web) | Kind::Heartbeat(web) => web.level,
        }
    }
}

/// Why something did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undelivered {
    pub why: String,
    /// What was sent is refused for what it is: sending it again changes nothing.
    pub refused: bool,
}

impl From<String> for Undelivered {
    fn from(why: String) -> Self {
        Undelivered { why, refused: false }
    }
}

/// Hands over one notice; takes as long as its timeout.
pub(super) fn notice(kind: &Kind, notice: &Notice, host: &str) -> Result<(), Undelivered> {
    match kind {
        Kind::Command(program) => Ok(run(program, notice, host)?),
        Kind::Webhook(web) => {
            let id = ("idempotency-key", notice.id());
            expect(post(web, &url_of(web)?, None, &payload::json(notice, host), vec![id])?)
        }
        Kind::Ntfy(web) => {
            // Its JSON goes to the root of the server, with the topic inside.
            let url = url_of(web)?;
            let topic = url.request();
            let topic = topic.split('?').next().unwrap_or_default().trim_matches('/');
            if topic.is_empty() || topic.contains('/') {
                return Err(format!("{url} names no topic: write https://ntfy.sh/my-topic").into());
            }
            expect(post(web, &url, Some("/"), &payload::ntfy(notice, host, topic), Vec::new())?)
        }
        Kind::Alertmanager(_) | Kind::Heartbeat(_) => Ok(()),
    }
}

/// Posts JSON to the API of an Alertmanager, or asks it.
pub(super) fn alertmanager(
    web: &Web,
    method: &'static str,
    path: &str,
    body: Option<&Value>,
) -> Result<Vec<u8>, String> {
    let url = url_of(web)?;
    // The address may have a prefix: http://lab/alertmanager.
    let prefix = url.request();
    let path = format!("{}{path}", prefix.split('?').next().unwrap_or_default().trim_end_matches('/'));
    let headers = vec![("content-type", "application/json".to_owned())];
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let receipt = send(&parcel(web, url, method, Some(path), headers, body))?;
    if (200..300).contains(&receipt.status) { Ok(receipt.body) } else { Err(refusal(&receipt)) }
}

/// One beat: any answer below 400 will do.
pub(super) fn beat(web: &Web) -> Result<(), String> {
    let receipt = send(&parcel(web, url_of(web)?, "GET", None, Vec::new(), Vec::new()))?;
    if receipt.status < 400 { Ok(()) } else { Err(refusal(&receipt)) }
}

fn run(program: &Program, notice: &Notice, host: &str) -> Result<(), String> {
    let Some((path, arguments)) = program.argv.split_first() else { return Err("it names no program".to_owned()) };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut runner = Runner::new(exec::with_variables(payload::variables(notice, host)));
    let finished = runner.run(Path::new(path), &arguments, program.timeout).map_err(|error| error.to_string())?;
    finished.ok(path).map(drop).map_err(|fault| fault.to_string())
}

fn post(
    web: &Web,
    url: &ServiceUrl,
    path: Option<&str>,
    body: &Value,
    mut headers: Vec<(&'static str, String)>,
) -> Result<Receipt, String> {
    headers.push(("content-type", "application/json".to_owned()));
    send(&parcel(web, url.clone(), "POST", path.map(str::to_owned), headers, body.to_string().into_bytes()))
}

fn parcel(
    web: &Web,
    url: ServiceUrl,
    method: &'static str,
    path: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
) -> Parcel {
    let (headers_file, ca_file, timeout) = (web.headers_file.clone(), web.ca_file.clone(), web.timeout);
    Parcel { method, url, path, headers, headers_file, ca_file, body, timeout: timeout.max(Duration::from_secs(1)) }
}

/// Its address; a file is read each time, so that it may be changed.
fn url_of(web: &Web) -> Result<ServiceUrl, String> {
    let path = match &web.address {
        Address::Url(url) => return Ok(url.clone()),
        Address::File(path) => path,
    };
    let wrong = |why: String| format!("{}: {why}", path.display());
    let found = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if !found.is_file() || found.len() > ADDRESS {
        return Err(wrong("the file must hold exactly one address".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let url = ServiceUrl::parse(text.trim()).map_err(|error| wrong(format!("the address in it {error}")))?;
    if url.scheme().is_http() { Ok(url) } else { Err(wrong("the address in it is not http:// or https://".to_owned())) }
}

fn expect(receipt: Receipt) -> Result<(), Undelivered> {
    match receipt.status {
        200..300 => Ok(()),
        // Bad Request, Content Too Large, Unprocessable Content (RFC 9110, section 15.5).
        status => Err(Undelivered { why: refusal(&receipt), refused: matches!(status, 400 | 413 | 422) }),
    }
}

/// `status 400: invalid topic`.
fn refusal(receipt: &Receipt) -> String {
    let words: String = String::from_utf8_lossy(&receipt.body).chars().take(120).collect();
    let words = clean(words.trim()).into_owned();
    if words.is_empty() { format!("status {}", receipt.status) } else { format!("status {}: {words}", receipt.status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_first_words_of_the_answer() {
        let said = |status, body: &str| expect(Receipt { status, body: body.as_bytes().to_vec() });
        let failed = |refused, why: &str| Err(Undelivered { why: why.to_owned(), refused });
        assert_eq!((said(200, "x"), said(299, "")), (Ok(()), Ok(())));
        assert_eq!(said(400, " invalid topic\n"), failed(true, "status 400: invalid topic"));
        assert_eq!((said(199, ""), said(300, "")), (failed(false, "status 199"), failed(false, "status 300")));
        assert_eq!(said(500, &"x".repeat(500)), failed(false, &format!("status 500: {}", "x".repeat(120))));
        for (status, for_good) in [(401, false), (403, false), (404, false), (413, true), (422, true), (429, false)] {
            assert_eq!(
                said(status, ""),
                failed(for_good, &format!("status {status}")),
                "what may change is sent again"
            );
        }
    }
}
