//! Services that are found on this machine and could be probed: published ports of containers, and servers that listen.
//! They are offered and never added by themselves.

use std::{collections::BTreeSet, net::IpAddr};

use super::{container::process, owner::container_of_port};
use crate::model::{
    container::{ContainerRow, RunState},
    host::Host,
    service::target::{ServiceTarget, ServiceUrl},
    socket::Protocol,
};

/// One that could be probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub target: ServiceTarget,
    /// Where it was found: `container portainer`, `process sshd`.
    pub found: String,
}

/// Servers that are known by their port, with the page that says whether they work; `None`: a connection has to do.
/// A port for TLS alone is asked for a connection: its certificate is most often the server's own, which nobody trusts.
const KNOWN: [(u16, &str, Option<&str>); 34] = [
    (22, "ssh", None),
    (25, "smtp", None),
    (53, "dns", None),
    (80, "web", Some("/")),
    (443, "web-tls", None),
    (445, "smb", None),
    (631, "cups", Some("/")),
    (1883, "mqtt", None),
    (2049, "nfs", None),
    (3000, "grafana", Some("/")),
    (3306, "mysql", None),
    (5000, "registry", Some("/")),
    (5432, "postgres", None),
    (6379, "redis", None),
    (7878, "radarr", Some("/ping")),
    (8000, "web-8000", Some("/")),
    (8006, "proxmox", None),
    (8080, "web-8080", Some("/")),
    (8081, "web-8081", Some("/")),
    (8086, "influxdb", Some("/health")),
    (8096, "jellyfin", Some("/health")),
    (8123, "home-assistant", Some("/manifest.json")),
    (8188, "comfyui", Some("/system_stats")),
    (8384, "syncthing", Some("/rest/noauth/health")),
    (8989, "sonarr", Some("/ping")),
    (9000, "portainer", Some("/")),
    (9090, "prometheus", Some("/-/ready")),
    (9093, "alertmanager", Some("/-/ready")),
    (9100, "node-exporter", Some("/")),
    (9443, "portainer-tls", None),
    (11434, "ollama", Some("/api/version")),
    (19999, "netdata", Some("/api/v1/info")),
    (27017, "mongodb", None),
    (32400, "plex", Some("/identity")),
];

/// What is found and not probed yet: containers first.
#[must_use]
pub fn offers(host: &Host) -> Vec<Offer> {
    let probed: BTreeSet<(bool, u16)> =
        host.services.rows.iter().map(|row| (is_here(&row.probe.host), row.probe.port)).collect();
    let mut names: BTreeSet<String> = host.services.rows.iter().map(|row| row.probe.name.clone()).collect();
    let mut ports: BTreeSet<u16> = BTreeSet::new();
    let mut out = Vec::new();
    let mut offer = |name: String, address: String, port: u16, known: Option<u16>, found: String| {
        if probed.contains(&(true, port)) || !ports.insert(port) {
            return;
        }
        let page = KNOWN.iter().find(|(number, ..)| Some(*number) == known).and_then(|(_, _, page)| *page);
        let text = match page {
            Some("/") => format!("http://{address}:{port}"),
            Some(page) => format!("http://{address}:{port}{page}"),
            None => format!("tcp://{address}:{port}"),
        };
        let name = if names.contains(&name) { format!("{name}-{port}") } else { name };
        if let Ok(url) = ServiceUrl::parse(&text) {
            names.insert(name.clone());
            out.push(Offer { target: ServiceTarget::new(name, url), found });
        }
    };
    for container in host.containers.rows.iter().filter(|row| row.meta.state == RunState::Running) {
        let published = published(container);
        for (address, port, inside) in &published {
            let name: String = container.meta.name.chars().take(32).collect();
            let name = if published.len() > 1 { format!("{name}-{port}") } else { name };
            offer(name, address.clone(), *port, Some(*inside), format!("container {}", container.meta.name));
        }
    }
    let sockets = &host.sockets.raw;
    let listens = sockets
        .sockets
        .iter()
        .filter(|socket| sockets.of.is_none() && socket.protocol == Protocol::Tcp && socket.state == "listen");
    for socket in listens {
        let port = socket.local.port();
        let Some((_, name, _)) = KNOWN.iter().find(|(number, ..)| *number == port) else { continue };
        if container_of_port(host, Protocol::Tcp, port).is_some() {
            continue;
        }
        let holder = socket.pid.and_then(|pid| process(host, pid));
        let found =
            holder.map_or_else(|| format!("listens on port {port}"), |holder| format!("process {}", holder.name));
        offer((*name).to_owned(), reached(socket.local.ip()), port, Some(port), found);
    }
    out
}

/// Published TCP ports: the address to ask, the port there and the one inside.
fn published(container: &ContainerRow) -> Vec<(String, u16, u16)> {
    let parse = |line: &String| {
        let (outside, inside) = line.split_once('→')?;
        let inside = inside.strip_suffix("/tcp")?.parse().ok()?;
        let (address, port) = outside.rsplit_once(':').unwrap_or(("", outside));
        let address = address.trim_matches(['[', ']']).parse().map_or_else(|_| "127.0.0.1".to_owned(), reached);
        Some((address, port.parse().ok()?, inside))
    };
    container.meta.ports.iter().filter_map(parse).collect()
}

/// The address at which what listens on `address` is asked from this machine.
fn reached(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) if !address.is_unspecified() => address.to_string(),
        IpAddr::V6(address) if !address.is_unspecified() => format!("[{address}]"),
        _ => "127.0.0.1".to_owned(),
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        container::Container,
        service::{Probe, ServiceRow},
        socket::Socket,
    };

    fn container(name: &str, ports: &[&str], state: RunState) -> ContainerRow {
        let ports = ports.iter().map(|port| (*port).to_owned()).collect();
        let meta = Container { name: name.into(), ports, state, ..Container::default() };
        ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
    }

    fn listens(local: &str, state: &str) -> Socket {
        Socket {
            protocol: Protocol::Tcp,
            local: local.parse().expect("an address"),
            remote: "0.0.0.0:0".parse().expect("an address"),
            state: state.into(),
            send_queue: 0,
            receive_queue: 0,
            uid: 0,
            inode: 1,
            pid: None,
        }
    }

    #[test]
    fn a_long_name_is_cut() {
        let mut host = Host::default();
        host.containers.rows = vec![container(&"n".repeat(40), &["5555→80/tcp"], RunState::Running)];
        assert_eq!(offers(&host)[0].target.name, "n".repeat(32));
    }

    #[test]
    fn what_is_found_is_offered_once() {
        let mut host = Host::default();
        host.containers.rows = vec![
            container("portainer", &["8000→8000/tcp", "9000→9000/tcp", "9443→9443/tcp"], RunState::Running),
            container("shop", &["127.0.0.1:5555→80/tcp"], RunState::Running),
            container("dns", &["5353→53/udp"], RunState::Running),
            container("old", &["7000→80/tcp"], RunState::Exited),
            container("db", &["192.168.1.5:5432→5432/tcp", "[::1]:5433→5432/tcp"], RunState::Running),
        ];
        host.sockets.raw.sockets = vec![
            listens("0.0.0.0:22", "listen"),
            listens("[::]:22", "listen"),
            listens("0.0.0.0:9000", "listen"),
            listens("127.0.0.1:11434", "listen"),
            listens("127.0.0.1:3000", "established"),
            listens("127.0.0.1:40000", "listen"),
            listens("10.0.0.1:9090", "listen"),
        ];
        let probe = Probe { name: "ollama".into(), host: "127.0.0.1".into(), port: 11434, ..Probe::default() };
        host.services.rows = vec![ServiceRow::new(Arc::new(probe), Default::default())];
        let found: Vec<(String, String)> =
            offers(&host).into_iter().map(|offer| (offer.target.name, offer.target.url.to_string())).collect();
        let expected = [
            ("portainer-8000", "http://127.0.0.1:8000"),
            ("portainer-9000", "http://127.0.0.1:9000"),
            ("portainer-9443", "tcp://127.0.0.1:9443"),
            ("shop", "http://127.0.0.1:5555"),
            ("db-5432", "tcp://192.168.1.5:5432"),
            ("db-5433", "tcp://[::1]:5433"),
            ("ssh", "tcp://127.0.0.1:22"),
            ("prometheus", "http://10.0.0.1:9090/-/ready"),
        ];
        assert_eq!(found, expected.map(|(name, url)| (name.to_owned(), url.to_owned())));
    }
}
