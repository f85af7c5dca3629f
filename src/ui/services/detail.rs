//! One service: how it stands, its last rounds by phase and against what is usual, its errors, its certificates, and what
//! of this machine is behind it.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{phases, row::Row};
use crate::{
    interest::Interest,
    model::{
        join, metrics,
        service::{Occurrence, ServiceRow, Standing, What, round::Certificate},
        source::SourceId,
        subject::Subject,
    },
    state::{State, levels},
    text::elide,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{hue, role_of},
        overlays::seen::Seen,
        parts::reader::Reader,
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::{Graph, axis, graph},
            page::{LinkedLine, Page},
            sheet::{SheetLine, heading, pair},
            text::put,
        },
    },
    units::{ABSENT, bytes_long, days, latency, percent, span, span_short},
};

/// Columns of a name before its value.
const NAME: usize = 11;
/// Rows of the graphs, their heads and feet included.
const PAST: u16 = 9;
/// Narrower views have one graph.
const TWO: u16 = 100;

pub struct ServiceDetail {
    name: String,
    seen: Seen<ServiceRow>,
    reader: Reader,
}

/// The view of a service.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::Service(name) = subject else { return None };
    state.host.services.find(name)?;
    Some(Box::new(ServiceDetail { name: name.clone(), seen: Seen::default(), reader: Reader::default() }))
}

impl Overlay for ServiceDetail {
    fn title(&self, _state: &State) -> String {
        format!("service {}", self.name)
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Services]
    }

    fn gone(&self) -> Option<&'static str> {
        self.seen.gone("removed")
    }

    fn refresh(&mut self, state: &State) {
        self.seen.look(state.host.health.round(SourceId::Services), state.host.services.find(&self.name));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = self.seen.shown(cx, area, canvas) else { return };
        let past = if area.height >= PAST * 2 { PAST } else { 0 };
        if past > 0 {
            pasts(cx, Rect { height: PAST - 1, ..area }, canvas, row);
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let mut page = Page::from_iter(facts(cx.state, row));
        page.extend(behind(cx.state, row));
        certificates(cx.state, row, &mut page);
        log(cx.state, row, usize::from(area.width), &mut page);
        self.reader.draw(cx, rest, canvas, &page);
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.reader.act(action)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        self.reader.hints()
    }

    fn want(&self, want: &mut Interest, state: &State) {
        // The process that listens on its port.
        want.sockets |= self.seen.last().is_some_and(|row| join::port_of_service(&state.host, row).is_some());
    }
}

/// The last rounds by phase, and their times with what is usual.
fn pasts(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &ServiceRow) {
    let usual = row.usual();
    let slow = cx.state.limits(metrics::SERVICE_RESPONSE_VS_NORMAL_RATIO, &[&row.probe.name]);
    let slow =
        slow.and_then(|limits| limits.alert_limit()).zip(usual).map(|(limit, usual)| limit * usual.median.max(0.02));
    let greatest = row.history.max().unwrap_or(0.0);
    let top = greatest.max(slow.filter(|slow| *slow < greatest * 3.0).unwrap_or(0.0)).max(0.001) * 1.05;
    let half = if area.width < TWO { area.width } else { area.width / 2 - 1 };
    let (left, right) = (Rect { width: half, ..area }, Rect { x: area.x + half + 2, width: half, ..area });
    let (dim, height) = (cx.theme.style(Role::Dim), area.height.saturating_sub(2));
    let inner = |place: Rect| Rect { y: place.y + 1, height, ..place };
    let head = format!("phases of each round, full at {}", latency(top));
    put(canvas.buf, left.x, left.y, left.width, &head, dim);
    phases::bars(cx, inner(left), canvas, &row.past, top);
    let newest = row.past.iter().rev().find(|round| round.standing == Standing::Up);
    phases::legend(cx, Rect { y: area.bottom() - 1, height: 1, ..left }, canvas, newest);
    if area.width < TWO {
        return;
    }
    let words = usual.map(|usual| format!(", normal {} to {}", latency(usual.low), latency(usual.high)));
    let limit = slow.map(|slow| format!(", slow from {}", latency(slow)));
    let head = format!("time{}{}", words.unwrap_or_default(), limit.unwrap_or_default());
    put(canvas.buf, right.x, right.y, right.width, &head, dim);
    let style = hue(cx, levels::service_time(cx.state, row), Role::NetReceive);
    let band = usual.map(|usual| (usual.low, usual.high));
    graph(cx, inner(right), canvas, &Graph { band, limit: slow, ..Graph::of(&row.history, top, style) });
    axis(cx, Rect { y: area.bottom() - 1, height: 1, ..right }, canvas, &row.history);
}

fn facts(state: &State, row: &ServiceRow) -> Vec<SheetLine> {
    let (now, view) = (state.host.now, Row::new(row, state));
    let age = span(now.since(row.since));
    let time = |seconds: Option<f64>| seconds.map_or_else(|| ABSENT.to_owned(), latency);
    let mut standing = pair("state", NAME, "");
    standing.push((view.words().into_owned(), role_of(view.level(), Role::Text)));
    let why = if row.why.is_empty() { String::new() } else { format!(": {}", row.why) };
    // The age is that of being up: it may have been slow for less.
    let up = if levels::service_is_slow(state, row) { " · up" } else { "" };
    standing.push((format!("{up} for {age}{why}"), Role::Text));
    let mut lines =
        vec![standing, pair("probes", NAME, format!("{} every {}", row.probe.url, span_short(row.probe.every)))];
    if let Some(round) = &row.round {
        let found = &round.found;
        let mut answer: Vec<String> = vec![format!("{} ago", span_short(now.since(round.ended)))];
        answer.extend(found.address.map(|address| format!("from {address}")));
        answer.extend(found.status.map(|status| format!("status {status}")));
        answer.extend(found.bytes.map(|bytes| {
            format!("{}{}", bytes_long(bytes as f64), if found.cut { " read of a longer body" } else { "" })
        }));
        answer.extend((found.redirects > 0).then(|| format!("{} redirects", found.redirects)));
        answer.extend(found.loss.map(|loss| format!("{} of the pings lost", percent(loss))));
        answer.extend(found.instead_of_ping.map(|port| {
            format!("TCP port {port}, as ICMP is refused here: sysctl net.ipv4.ping_group_range='0 2147483647'")
        }));
        lines.push(pair("newest", NAME, answer.join(" · ")));
    }
    let usual = row.usual().map_or_else(
        || "not known yet: it takes five minutes".to_owned(),
        |usual| {
            format!(
                "{} · 80% of a day's minutes within {} to {}",
                latency(usual.median),
                latency(usual.low),
                latency(usual.high)
            )
        },
    );
    let against = row.against_normal().map_or_else(String::new, |ratio| format!(" · now {} of it", percent(ratio)));
    lines.push(pair("time", NAME, format!("{} · p95 {}", time(row.seconds()), time(row.p95()))));
    lines.push(pair("normal", NAME, format!("{usual}{against}")));
    if let Some(throughput) = row.throughput() {
        let usual = row.throughput_normal.usual();
        let usual = usual.map_or_else(String::new, |usual| format!(" · normal {}/s", bytes_long(usual.median)));
        lines.push(pair("throughput", NAME, format!("{}/s{usual}", bytes_long(throughput))));
    }
    let errors = row.error_ratio().map_or_else(|| ABSENT.to_owned(), percent);
    lines.push(pair("errors", NAME, format!("{errors} of the probes lately · {} failures in a row", row.failures)));
    lines
}

/// What of this machine answers: a container, a process.
fn behind(state: &State, row: &ServiceRow) -> Vec<LinkedLine> {
    let (container, process) = join::behind_service(&state.host, row);
    let container = container.map(|container| {
        let line = pair("container", NAME, container.meta.name.clone());
        LinkedLine::from(line).link(1, Some(join::subject_of_container(&state.host, container)))
    });
    let process = process.map(|process| {
        let line = pair("process", NAME, format!("{} {}", process.name, process.key.pid));
        LinkedLine::from(line).link(1, Some(Subject::Process(process.key)))
    });
    container.into_iter().chain(process).collect()
}

fn certificates(state: &State, row: &ServiceRow, page: &mut Page) {
    let Some(chain) = row.round.as_ref().and_then(|round| round.found.chain.as_ref()) else { return };
    page.push(Vec::new());
    page.push(heading("Certificates"));
    if let Some(why) = &chain.refused {
        page.push(vec![(format!("not trusted: {why}"), role_of(levels::service_standing(state, row), Role::Text))]);
    }
    let first = row.certificate(state.host.now).map(|(first, _)| first.not_after_unix);
    for certificate in &chain.certificates {
        let level = levels::service_certificate(state, row);
        let role = if first == Some(certificate.not_after_unix) { role_of(level, Role::Text) } else { Role::Text };
        page.push(vec![
            (format!("{:<30} ", elide(&certificate.subject, 30)), Role::Text),
            (format!("{:<22} ", left(certificate, state.host.now.unix_ms / 1000)), role),
            (by(certificate), Role::Dim),
        ]);
    }
}

/// `71 days left`, `expired 3 days ago`, `5h left`.
fn left(certificate: &Certificate, now: i64) -> String {
    let span = |seconds: i64| {
        let span = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        if seconds < 86_400 { span_short(span) } else { days(span) }
    };
    match () {
        () if certificate.not_before_unix > now => format!("valid in {}", span(certificate.not_before_unix - now)),
        () if certificate.not_after_unix < now => format!("expired {} ago", span(now - certificate.not_after_unix)),
        () => format!("{} left", span(certificate.not_after_unix - now)),
    }
}

fn by(certificate: &Certificate) -> String {
    if certificate.self_signed { "self-signed".to_owned() } else { format!("issued by {}", certificate.issuer) }
}

fn log(state: &State, row: &ServiceRow, room: usize, page: &mut Page) {
    if row.log.is_empty() {
        return;
    }
    page.push(Vec::new());
    page.push(heading("Events, newest first"));
    for line in row.log.iter().rev() {
        page.push(occurrence(line, state, room));
    }
}

/// `3m ago   failed 4×   connection refused`.
fn occurrence(line: &Occurrence, state: &State, room: usize) -> SheetLine {
    let ago = format!("{} ago", span_short(state.host.now.since(line.last)));
    let what = match line.what {
        What::Failed => "failed",
        What::Retried => "second attempt",
        What::Unjudged => "not judged",
        What::Answered => "answered again",
    };
    let count = if line.count > 1 { format!(" {}×", line.count) } else { String::new() };
    let role = if line.what == What::Failed { Role::Text } else { Role::Dim };
    let words = elide(&line.words, room.saturating_sub(NAME + 22)).into_owned();
    vec![(format!("{ago:<NAME$} "), Role::Dim), (format!("{:<20} ", format!("{what}{count}")), role), (words, role)]
}

#[cfg(test)]
mod tests;
