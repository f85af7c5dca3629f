//! What of this machine is behind a service: the container that publishes its port or has its address, the process that
//! listens there.

use std::net::IpAddr;

use super::{
    container::{container_of_process, process},
    owner::container_of_port,
};
use crate::model::{
    container::ContainerRow,
    host::Host,
    process::Process,
    service::{ServiceRow, target::Scheme},
    socket::Protocol,
};

/// The port of this machine that a service is at; `None` where it is elsewhere.
#[must_use]
pub fn port_of_service(host: &Host, row: &ServiceRow) -> Option<u16> {
    if row.probe.scheme == Scheme::Ping {
        return None;
    }
    let found = &row.round.as_ref()?.found;
    let address = found.address?;
    (address.is_loopback() || found.local == Some(address) || has(host, address)).then_some(row.probe.port)
}

/// An interface of this machine has the address.
fn has(host: &Host, address: IpAddr) -> bool {
    let addresses = host.network.interfaces.iter().flat_map(|interface| &interface.raw.addresses);
    addresses.filter_map(|own| own.split('/').next()?.parse::<IpAddr>().ok()).any(|own| own == address)
}

/// The container and the process that answer, as far as they are known.
#[must_use]
pub fn behind_service<'a>(host: &'a Host, row: &ServiceRow) -> (Option<&'a ContainerRow>, Option<&'a Process>) {
    let Some(port) = port_of_service(host, row) else {
        // A container can be asked at its own address.
        let address = row.round.as_ref().and_then(|round| round.found.address).map(|address| address.to_string());
        let is_it =
            |container: &&ContainerRow| container.meta.networks.iter().any(|(_, own)| Some(own) == address.as_ref());
        return (host.containers.rows.iter().find(is_it), None);
    };
    let sockets = &host.sockets.raw;
    let listens = sockets
        .sockets
        .iter()
        .filter(|socket| socket.protocol == Protocol::Tcp && socket.state == "listen" && socket.local.port() == port);
    let holder = listens.filter_map(|socket| process(host, socket.pid?)).next().filter(|_| sockets.of.is_none());
    let own = || container_of_process(host, holder?);
    let container = container_of_port(host, Protocol::Tcp, port).or_else(own);
    // An engine's own forwarder says nothing of what answers.
    let holder =
        holder.filter(|holder| !matches!(&*holder.name, "docker-proxy" | "rootlessport" | "slirp4netns" | "pasta"));
    (container, holder)
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use super::*;
    use crate::model::{
        container::Container,
        network::{Interface, InterfaceCounters},
        process::ProcKey,
        service::{
            Probe,
            round::{Found, Outcome, Round},
            target::{ServiceTarget, ServiceUrl},
        },
        socket::Socket,
    };

    fn service(url: &str, address: Option<&str>, local: Option<&str>) -> ServiceRow {
        let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
        let found = Found { address: address.map(parse), local: local.map(parse), ..Found::default() };
        let round = Round {
            number: 1,
            began: crate::clock::Stamp::at_seconds(1),
            ended: crate::clock::Stamp::at_seconds(2),
            outcome: Outcome::Up { seconds: None },
            retried: None,
            found,
        };
        let probe = Probe::of(&ServiceTarget::new("a", ServiceUrl::parse(url).expect("a URL")));
        let mut row = ServiceRow::new(Arc::new(probe), crate::clock::Stamp::at_seconds(1));
        row.round = Some(Arc::new(round));
        row
    }

    fn listener(port: u16, pid: u32, protocol: Protocol, state: &str) -> Socket {
        let at = |port| SocketAddr::from(([0, 0, 0, 0], port));
        Socket {
            protocol,
            local: at(port),
            remote: at(0),
            state: state.to_owned(),
            send_queue: 0,
            receive_queue: 0,
            uid: 0,
            inode: 1,
            pid: Some(pid),
        }
    }

    fn machine() -> Host {
        let mut host = Host::default();
        let raw = InterfaceCounters { addresses: vec!["192.168.1.5/24".into()], ..InterfaceCounters::default() };
        host.network.interfaces = vec![Interface { raw, ..Interface::default() }];
        let meta = Container {
            name: "web".into(),
            ports: vec!["8080→80/tcp".into()],
            networks: vec![("bridge".into(), "172.17.0.2".into())],
            ..Container::default()
        };
        host.containers.rows = vec![ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }];
        let process = |pid: u32, name: &str| Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: name.into(),
            ..Process::default()
        };
        host.processes.rows =
            vec![process(10, "nginx"), process(11, "docker-proxy"), process(12, "udp"), process(13, "talks")];
        host.sockets.raw.sockets = vec![
            listener(443, 12, Protocol::Udp, "listen"),
            listener(443, 13, Protocol::Tcp, "established"),
            listener(443, 10, Protocol::Tcp, "listen"),
            listener(8080, 11, Protocol::Tcp, "listen"),
        ];
        host
    }

    #[test]
    fn a_service_is_here_at_loopback_or_at_an_address_of_this_machine() {
        let host = machine();
        let port = |url: &str, address, local| port_of_service(&host, &service(url, address, local));
        assert_eq!(port("https://a", Some("127.0.0.1"), None), Some(443));
        assert_eq!(port("https://a", Some("192.168.1.5"), None), Some(443), "an interface has it");
        assert_eq!(port("https://a", Some("10.0.0.1"), Some("10.0.0.1")), Some(443), "it came from there");
        assert_eq!(port("https://a", Some("192.168.1.6"), Some("192.168.1.5")), None);
        assert_eq!((port("https://a", None, None), port("ping://a", Some("127.0.0.1"), None)), (None, None));
    }

    #[test]
    fn who_answers_is_who_listens_or_publishes_the_port() {
        let mut host = machine();
        let behind = |host: &Host, url: &str, address: &str| {
            let (container, process) = behind_service(host, &service(url, Some(address), None));
            (container.map(|c| c.meta.name.clone()), process.map(|p| p.name.to_string()))
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(behind(&host, "https://a", "127.0.0.1"), (None, some("nginx")));
        assert_eq!(
            behind(&host, "http://a:8080", "127.0.0.1"),
            (some("web"), None),
            "the engine's forwarder is nobody"
        );
        assert_eq!(behind(&host, "http://a:80", "172.17.0.2"), (some("web"), None), "at its own address");
        assert_eq!(behind(&host, "http://a:80", "172.17.0.3"), (None, None));
        host.sockets.raw.of = Some(7);
        assert_eq!(behind(&host, "https://a", "127.0.0.1"), (None, None), "those are another network's sockets");
    }
}
