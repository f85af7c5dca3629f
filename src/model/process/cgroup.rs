//! What a cgroup path names: a container, its pod, a guest of the hypervisor, a systemd unit. Engines and managers write
//! paths each in their own way; the kernel only keeps them.

/// Letters of a container's id that are shown.
const SHOWN: usize = 12;

/// The innermost service, scope or other unit in a cgroup path; slices only group units.
#[must_use]
pub fn unit_of(cgroup: &str) -> Option<&str> {
    let kinds = [".service", ".scope", ".socket", ".mount", ".swap"];
    cgroup.rsplit('/').find(|part| kinds.iter().any(|kind| part.ends_with(kind)))
}

/// The first 12 letters of the 64-letter container id in a cgroup path, as Docker, Podman, containerd and CRI-O write it:
/// the innermost where one runs in another.
#[must_use]
pub fn container_of(cgroup: &str) -> Option<&str> {
    containers(cgroup).next()
}

/// Every container in a cgroup path, the innermost first.
pub fn containers(cgroup: &str) -> impl Iterator<Item = &str> {
    cgroup.rsplit(['/', ':']).filter_map(|part| {
        let name = part.trim_end_matches(".scope");
        // `libpod-conmon-ID`, `crio-conmon-ID`: what watches a container is not in it.
        let (before, id) = name.rsplit_once('-').unwrap_or(("", name));
        let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        (is_id && !before.ends_with("conmon")).then(|| &id[..SHOWN])
    })
}

/// The pod in a cgroup path: the first 8 letters of its unique id ("kubelet cgroup drivers": systemd writes `_` for `-`).
#[must_use]
pub fn pod_of(cgroup: &str) -> Option<String> {
    if !cgroup.contains("kubepods") {
        return None;
    }
    cgroup.rsplit(['/', ':']).find_map(|part| {
        let part = part.trim_end_matches(".slice");
        let id = part.rsplit_once("-pod").map_or_else(|| part.strip_prefix("pod"), |(_, id)| Some(id))?;
        let front = id.get(..8)?;
        front.bytes().all(|b| b.is_ascii_hexdigit()).then(|| front.to_owned())
    })
}

/// The guest in a cgroup path: `lxc 101` of `/lxc/101/ns` or `lxc.payload.101`, `vm 102` of `/qemu.slice/102.scope`.
#[must_use]
pub fn guest_of(cgroup: &str) -> Option<String> {
    let mut parts = cgroup.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let next = parts.peek().copied();
        if let Some(name) = part.strip_prefix("lxc.payload.").or_else(|| next.filter(|_| part == "lxc")) {
            return Some(format!("lxc {name}"));
        }
        if let Some(name) = next.filter(|_| part == "qemu.slice").and_then(|scope| scope.strip_suffix(".scope")) {
            return Some(format!("vm {name}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2a9c1d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef";

    #[test]
    fn a_container_is_found_in_the_path_of_every_engine() {
        for path in [
            "/docker/{}",
            "/system.slice/docker-{}.scope",
            "/machine.slice/libpod-{}.scope/container",
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{}.scope",
            "/libpod_parent/libpod-{}",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b3c4d_5e6f.slice/cri-containerd-{}.scope",
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1a2b3c4d_5e6f.slice/crio-{}.scope",
            "/kubepods/besteffort/pod1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809/{}",
            "/system.slice/containerd.service/kubepods-burstable-pod1a2b3c4d_5e6f.slice:cri-containerd:{}",
            "/default/{}",
            "/docker/{}/system.slice/ssh.service",
        ] {
            assert_eq!(container_of(&path.replace("{}", ID)), Some("3f2a9c1d4e5b"), "{path}");
        }
        for path in
            ["/", "", "/machine.slice/libpod-conmon-{}.scope", "/crio-conmon-{}.scope", "/docker/3f2a9c1d4e5b", "/{}0"]
        {
            assert_eq!(container_of(&path.replace("{}", ID)), None, "{path}");
        }
    }

    #[test]
    fn a_container_in_a_container_names_both() {
        let inner = ID.replace('3', "a");
        let path = format!("/docker/{ID}/docker/{inner}");
        assert_eq!(containers(&path).collect::<Vec<_>>(), ["af2a9c1d4e5b", "3f2a9c1d4e5b"]);
    }

    #[test]
    fn a_pod_is_named_by_both_drivers_of_the_kubelet() {
        let systemd =
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b3c4d_5e6f.slice/cri-containerd-0.scope";
        assert_eq!(pod_of(systemd).as_deref(), Some("1a2b3c4d"));
        assert_eq!(pod_of("/kubepods/besteffort/pod1a2b3c4d-5e6f-7081/0").as_deref(), Some("1a2b3c4d"));
        assert_eq!(pod_of("/kubepods.slice/kubepods-pod1a2b3c4d_5e6f.slice").as_deref(), Some("1a2b3c4d"));
        assert_eq!(pod_of("/user.slice/podman.service"), None);
        assert_eq!(pod_of("/kubepods.slice/kubelet.service"), None);
    }

    #[test]
    fn a_unit_is_the_innermost_and_a_slice_is_none() {
        for (path, unit) in [
            ("/system.slice/ssh.service", Some("ssh.service")),
            ("/user.slice/user-1000.slice/session-3.scope", Some("session-3.scope")),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/ollama.service", Some("ollama.service")),
            ("/system.slice/system-getty.slice/getty@tty1.service", Some("getty@tty1.service")),
            ("/init.scope", Some("init.scope")),
            ("/system.slice", None),
            ("/", None),
        ] {
            assert_eq!(unit_of(path), unit, "{path}");
        }
    }

    #[test]
    fn guests_of_a_hypervisor_are_named() {
        assert_eq!(guest_of("/lxc/101/ns/system.slice/ssh.service").as_deref(), Some("lxc 101"));
        assert_eq!(guest_of("/lxc.payload.media/init.scope").as_deref(), Some("lxc media"));
        assert_eq!(guest_of("/qemu.slice/102.scope").as_deref(), Some("vm 102"));
        assert_eq!(guest_of("/system.slice/lxc.service"), None);
    }
}
