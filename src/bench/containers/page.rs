//! How fast the management page comes: its document and what its head names, styles and scripts, over fresh connections,
//! as a browser without a cache fetches them.

use std::time::Duration;

use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work,
        sampling::repeat,
        web::{self, Page, Trusts},
    },
    model::{
        bench::Group,
        container::ContainerRow,
        figure::Better,
        service::target::{Scheme, ServiceUrl},
        unit::Unit,
    },
};

/// A page that is not there by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// The image by which it is found, and its ports: with TLS, and without.
const IMAGE: &str = "portainer/portainer";
const PORTS: [(u16, &str); 2] = [(9443, "https"), (9000, "http")];

pub const PAGE: BenchDef = BenchDef {
    id: "management-page",
    group: Group::Containers,
    doc: "Time until the management page's document and what its head names have come",
    figures: &[
        FigureDef {
            id: "management_page_seconds",
            title: "management page",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "management_document_seconds",
            title: "its document",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &ManagementPage,
};

struct ManagementPage;

impl Benchmark for ManagementPage {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        match urls(survey) {
            Ok(urls) => urls.into_iter().map(|url| Offer { of: url.to_string(), missing: None }).collect(),
            Err(why) => vec![Offer { of: String::new(), missing: Some(why) }],
        }
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let url = urls(survey)?.into_iter().find(|url| url.to_string() == of);
        let url = url.ok_or_else(|| format!("{of} is no management page: set [bench] management_url"))?;
        let steps = vec![format!(
            "up to 30 times GET {url} and the styles and scripts that its head names: HTTP/1.1, up to 6 connections, new each \
             time, any certificate"
        )];
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(120), ..Plan::default() };
        Ok((plan, Box::new(Run { url })))
    }
}

/// The page that the config names, else that of each container that is known to have one.
fn urls(survey: &Survey<'_>) -> Result<Vec<ServiceUrl>, String> {
    if let Some(url) = &survey.settings.bench.management_url {
        let parsed = ServiceUrl::parse(url).map_err(|error| format!("[bench] management_url {error}"))?;
        let good = parsed.scheme().is_http();
        return if good {
            Ok(vec![parsed])
        } else {
            Err("[bench] management_url is not http:// or https://".to_owned())
        };
    }
    let found: Vec<ServiceUrl> = survey.state.host.containers.rows.iter().filter_map(url_of).collect();
    if found.is_empty() {
        return Err(
            "no management page was found (no container of portainer/portainer runs): set [bench] management_url"
                .to_owned(),
        );
    }
    Ok(found)
}

/// Where a container's page is reached from this machine.
fn url_of(row: &ContainerRow) -> Option<ServiceUrl> {
    let meta = &row.meta;
    if !meta.image.contains(IMAGE) || meta.pid == 0 {
        return None;
    }
    let published = PORTS.iter().find_map(|(port, scheme)| {
        let from = meta.ports.iter().find_map(|rule| rule.strip_suffix(&format!("→{port}/tcp")))?;
        // Without an address it is published on all of them.
        let (host, port) = from.rsplit_once(':').unwrap_or(("127.0.0.1", from));
        ServiceUrl::parse(&format!("{scheme}://{host}:{port}/")).ok()
    });
    let inside = || {
        let (_, address) = meta.networks.iter().find(|(_, address)| !address.is_empty())?;
        ServiceUrl::parse(&format!("http://{address}:9000/")).ok()
    };
    published.or_else(inside)
}

struct Run {
    url: ServiceUrl,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let mut last = None;
        repeat(cx, |cx| {
            let page = self.once(cx)?;
            let beside = vec![format!("{} styles and scripts", page.resources)];
            let figures = vec![page.took.as_secs_f64(), page.document.as_secs_f64()];
            last = Some(page);
            Ok((figures, beside))
        })?;
        let last = last.ok_or_else(|| Stop::failed("no page came"))?;
        let size = Unit::Bytes.show(last.bytes as f64);
        let mut notes = vec![format!("document and {} styles and scripts, {size}", last.resources)];
        if let Some(first) = last.failed.first() {
            notes.push(format!("{} requests failed: {first}", last.failed.len()));
        }
        if self.url.scheme() == Scheme::Https {
            notes.push("its certificate was not verified".to_owned());
        }
        let method = "HTTP/1.1, 6 connections, nothing cached".to_owned();
        Ok(Measured { fingerprint: [("method".to_owned(), method)].into(), notes })
    }
}

impl Run {
    fn once(&self, cx: &dyn RunCx) -> Result<Page, Stop> {
        web::within(cx.stop(), &self.url, PATIENCE, web::page(&self.url, Trusts::Anyone))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{bench::engine::testing::Surveyed, model::container::Container, state::State};

    fn row(image: &str, ports: &[&str], networks: &[(&str, &str)]) -> ContainerRow {
        let owned = |(name, address): &(&str, &str)| ((*name).to_owned(), (*address).to_owned());
        let meta = Container {
            image: image.to_owned(),
            pid: 7,
            ports: ports.iter().map(|port| (*port).to_owned()).collect(),
            networks: networks.iter().map(owned).collect(),
            ..Container::default()
        };
        ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
    }

    #[test]
    fn portainer_is_found_where_it_is_reached() {
        let url = |row: ContainerRow| url_of(&row).map(|url| url.to_string());
        let image = "docker.io/portainer/portainer-ce:2.21";
        let both = ["9000→9000/tcp", "192.0.2.7:19443→9443/tcp"];
        assert_eq!(url(row(image, &both, &[])).as_deref(), Some("https://192.0.2.7:19443"));
        assert_eq!(url(row(image, &["8000→9000/tcp"], &[])).as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(url(row(image, &[], &[("a", ""), ("b", "172.17.0.2")])).as_deref(), Some("http://172.17.0.2:9000"));
        assert_eq!(url(row("nginx", &both, &[])), None);
    }

    #[test]
    fn without_a_page_one_line_says_so() {
        let mut surveyed = Surveyed::new(State::default());
        let missing = |surveyed: &Surveyed| PAGE.bench.offers(&surveyed.survey())[0].missing.clone();
        assert!(missing(&surveyed).is_some_and(|why| why.contains("management_url") && !why.contains('\n')));
        surveyed.settings.bench.management_url = Some("tcp://nas:1".to_owned());
        assert!(missing(&surveyed).is_some_and(|why| why.contains("is not http://")));
        surveyed.settings.bench.management_url = Some("https://nas:9443".to_owned());
        assert_eq!(missing(&surveyed), None);
    }
}
