//! The addresses of this machine's interfaces, asked of the kernel itself ("rtnetlink(7)": a dump of RTM_GETADDR). Files
//! list addresses without their interfaces, and routes name only those of the main table. Sockets that listen are asked
//! for in the same way.

pub mod listeners;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// One address of one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Number of the interface, as `/sys/class/net/NAME/ifindex` has it.
    pub interface: u32,
    /// The address of our end.
    pub address: IpAddr,
    /// Length of its network's prefix.
    pub prefix: u8,
}

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
/// NLM_F_REQUEST and NLM_F_DUMP.
const DUMP: u16 = 0x301;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// Lengths of `nlmsghdr` and `ifaddrmsg`.
const HEADER: usize = 16;
const BODY: usize = 8;

/// All addresses, IPv4 first.
///
/// # Errors
/// As the system gives them: a sandbox may refuse the socket.
pub fn addresses() -> io::Result<Vec<Address>> {
    let mut all = Vec::new();
    // Every family.
    dump(None, RTM_GETADDR, &[0; BODY], |kind, message| note(kind, message, &mut all))?;
    all.sort_by_key(|a| a.address.is_ipv6());
    Ok(all)
}

/// Asks for all of one kind and gives each message of the answer to `each`, with its type.
fn dump(protocol: Option<Protocol>, kind: u16, body: &[u8], mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    let mut request = Vec::with_capacity(HEADER + body.len());
    request.extend_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(&DUMP.to_ne_bytes());
    request.resize(HEADER, 0); // no sequence, the kernel as receiver
    request.extend_from_slice(body);
    send(&socket, &request, SendFlags::empty())?;
    let mut buffer = vec![0u8; 32 << 10];
    loop {
        // The kernel makes each part of the answer while we ask for it: nothing to wait for.
        let (_, length) = recv(&socket, &mut buffer[..], RecvFlags::DONTWAIT)?;
        match take(buffer.get(..length).unwrap_or_default(), &mut each) {
            Part::More if length > 0 => {}
            Part::Refused => return Err(io::Error::other("the kernel refused to list them")),
            _ => return Ok(()),
        }
    }
}

/// What follows a part of the answer.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    More,
    Last,
    Refused,
}

/// Reads the messages of one part.
fn take(mut bytes: &[u8], each: &mut impl FnMut(u16, &[u8])) -> Part {
    while let Some((length, kind)) = word(bytes, 0).zip(half(bytes, 4)) {
        let Some(message) = bytes.get(HEADER..length as usize) else { return Part::Last };
        match kind {
            NLMSG_DONE => return Part::Last,
            NLMSG_ERROR => return Part::Refused,
            kind => each(kind, message),
        }
        bytes = bytes.get(aligned(length as usize)..).unwrap_or_default();
    }
    Part::More
}

fn note(kind: u16, message: &[u8], all: &mut Vec<Address>) {
    if kind == RTM_NEWADDR {
        all.extend(address(message));
    }
}

/// `ifaddrmsg` and its attributes. Of a tunnel IFA_ADDRESS is the other end and IFA_LOCAL ours.
fn address(message: &[u8]) -> Option<Address> {
    let (prefix, interface) = (*message.get(1)?, word(message, 4)?);
    let mut attributes = message.get(BODY..)?;
    let (mut local, mut any) = (None, None);
    while let Some((length, kind)) = half(attributes, 0).zip(half(attributes, 2)) {
        let Some(value) = attributes.get(4..usize::from(length)) else { break };
        match kind {
            IFA_LOCAL => local = ip(value),
            IFA_ADDRESS => any = ip(value),
            _ => {}
        }
        attributes = attributes.get(aligned(usize::from(length))..).unwrap_or_default();
    }
    Some(Address { interface, address: local.or(any)?, prefix })
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    let four = |value| <[u8; 4]>::try_from(value).ok().map(|octets| Ipv4Addr::from(octets).into());
    let sixteen = |value| <[u8; 16]>::try_from(value).ok().map(|octets| Ipv6Addr::from(octets).into());
    four(value).or_else(|| sixteen(value))
}

/// Messages and attributes begin at multiples of four.
fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(body);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    fn body(prefix: u8, interface: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![2, prefix, 0, 0];
        bytes.extend_from_slice(&interface.to_ne_bytes());
        for (kind, value) in attributes {
            bytes.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
            bytes.extend_from_slice(&kind.to_ne_bytes());
            bytes.extend_from_slice(value);
            bytes.resize(aligned(bytes.len()), 0);
        }
        bytes
    }

    #[test]
    fn an_answer_is_read_to_its_end() {
        let mut answer = message(RTM_NEWADDR, &body(32, 7, &[(IFA_LOCAL, &[100, 64, 0, 9]), (3, b"acme\0")]));
        answer
            .extend(message(RTM_NEWADDR, &body(24, 2, &[(IFA_ADDRESS, &[10, 0, 0, 1]), (IFA_LOCAL, &[10, 0, 0, 2])])));
        let six = Ipv6Addr::LOCALHOST.octets();
        answer.extend(message(RTM_NEWADDR, &body(128, 1, &[(IFA_ADDRESS, &six)])));
        answer.extend(message(99, b"what we did not ask for"));
        let mut all = Vec::new();
        let mut part = |bytes: &[u8]| take(bytes, &mut |kind, message| note(kind, message, &mut all));
        assert_eq!(part(&answer), Part::More);
        assert_eq!(part(&message(NLMSG_DONE, &[0; 4])), Part::Last);
        assert_eq!(part(&message(NLMSG_ERROR, &[0; 4])), Part::Refused);
        let shown: Vec<String> = all.iter().map(|a| format!("{} {}/{}", a.interface, a.address, a.prefix)).collect();
        assert_eq!(shown, ["7 100.64.0.9/32", "2 10.0.0.2/24", "1 ::1/128"]);
    }

    #[test]
    fn this_machine_answers_or_refuses() {
        // A sandbox may have no loopback, or no such sockets; what is listed must be complete.
        for address in addresses().unwrap_or_default() {
            assert!(address.interface > 0 && address.prefix <= 128, "{address:?}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_know_is_refused() {
        // A sandbox may refuse the socket already.
        let mut messages = 0;
        assert!(dump(None, 0xfff0, &[0; BODY], |_, _| messages += 1).is_err());
        assert_eq!(messages, 0);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, length in 0u32..64) {
            let mut all = Vec::new();
            let mut part = |bytes: &[u8]| take(bytes, &mut |kind, message| note(kind, message, &mut all));
            let _ = part(&bytes);
            let mut headed = length.to_ne_bytes().to_vec();
            headed.extend_from_slice(&RTM_NEWADDR.to_ne_bytes());
            headed.extend_from_slice(&bytes);
            let _ = part(&headed);
        }
    }
}
