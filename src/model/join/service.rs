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
