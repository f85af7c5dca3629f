//! A page and the container that serves it.

use crate::model::{container::ContainerRow, host::Host, service::target::ServiceUrl};

/// The container that serves a page, by its own address or a port that it publishes.
#[must_use]
pub fn server_of<'a>(host: &'a Host, url: &str) -> Option<&'a ContainerRow> {
    let url = ServiceUrl::parse(url).ok()?;
    let (name, port) = (url.host(), url.port());
    let published = format!(":{port}→");
    let serves = |row: &&ContainerRow| {
        let meta = &row.meta;
        let ours = meta.networks.iter().any(|(_, address)| *address == name);
        let here = matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1");
        ours || meta.ports.iter().any(|rule| match rule.split_once('→') {
            Some((from, _)) if !from.contains(':') => here && from.parse() == Ok(port),
            Some((from, _)) => {
                rule.contains(&published) && (here || from.rsplit_once(':').is_some_and(|(at, _)| at == name))
            }
            None => false,
        })
    };
    host.containers.rows.iter().find(serves)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::container::Container;

    #[test]
    fn page_is_of_the_container_that_serves_it() {
        let mut host = Host::default();
        let mut add = |name: &str, address: &str, ports: &[&str]| {
            let networks = vec![("bridge".to_owned(), address.to_owned())];
            let ports = ports.iter().map(|port| (*port).to_owned()).collect();
            let meta = Arc::new(Container { name: name.into(), networks, ports, ..Container::default() });
            host.containers.rows.push(ContainerRow { meta, label: name.into(), ..ContainerRow::default() });
        };
        add("db", "172.17.0.2", &["5432/tcp"]);
        add("web", "172.17.0.3", &["8080→80/tcp"]);
        add("ui", "172.17.0.4", &["192.168.1.2:9443→9443/tcp", "9000/tcp"]);
        let of = |url: &str| server_of(&host, url).map_or("none", |row| &*row.label);
        assert_eq!(of("http://172.17.0.3/"), "web");
        assert_eq!(of("http://127.0.0.1:8080/"), "web");
        assert_eq!(of("http://127.0.0.1:80/"), "none", "inside it is another port");
        assert_eq!(of("https://192.168.1.2:9443/"), "ui");
        assert_eq!(of("https://192.168.1.3:9443/"), "none");
        assert_eq!(of("tank/db"), "none");
    }
}
