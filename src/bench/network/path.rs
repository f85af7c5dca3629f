//! The two ends of what is measured: in a container's network, or on the machine itself.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};

use crate::{bench::Stop, sys::netns::NetworkNamespace};

/// Where one end is.
#[derive(Debug, Clone)]
pub enum Side {
    /// On this machine, in our own network.
    Host,
    /// In a container's network.
    Inside(Arc<NetworkNamespace>),
}

/// A way from a client to a server.
#[derive(Debug, Clone)]
pub struct Ends {
    pub server: Side,
    pub client: Side,
    /// Of the server, as the client reaches it.
    pub address: Ipv4Addr,
}

impl Side {
    /// That of a process.
    ///
    /// # Errors
    /// When it has ended, or this is not root.
    pub fn of(pid: u32) -> Result<Self, Stop> {
        let namespace = NetworkNamespace::of(pid).map_err(denied)?;
        Ok(Side::Inside(Arc::new(namespace)))
    }

    pub fn namespace(&self) -> Option<&NetworkNamespace> {
        match self {
            Side::Host => None,
            Side::Inside(namespace) => Some(namespace),
        }
    }

    /// Does `work` there: sockets that it makes stay there.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Stop> {
        match self.namespace() {
            None => Ok(work()),
            Some(namespace) => namespace.within(work).map_err(denied),
        }
    }
}

impl Ends {
    /// A port that is free at the server's end.
    ///
    /// # Errors
    /// When there is none.
    pub fn port(&self) -> Result<u16, Stop> {
        let bound = self.server.within(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
        Ok(bound.and_then(|listener| listener.local_addr()).map_err(Stop::failed)?.port())
    }
}

fn denied(error: std::io::Error) -> Stop {
    Stop::Failed(match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "only root may enter a container's network: run benchtop as root".to_owned()
        }
        _ => format!("a container's network cannot be entered: {error}"),
    })
}
