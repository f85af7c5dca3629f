//! A container's own control group: the one named after it, which includes all groups below, as the engine counts. Its
//! first process may be in a deeper one (systemd, kind, sysbox; `container` below Podman's scope).

use crate::{
    collect::cgroup::{Groups, Version},
    model::container::Container,
    sys::root::Root,
};

/// True if these groups of a process lead through the container's own. A recycled pid is in other groups.
pub(super) fn belongs(text: &[u8], container: &Container) -> bool {
    let text = String::from_utf8_lossy(text);
    text.split(['/', '\n']).any(|part| names(part, container))
}

/// The folder of the container's own group in the hierarchy with `controller`.
pub(super) fn own(root: &Root, groups: &Groups, container: &Container, controller: &str) -> Option<(Version, String)> {
    let ruling = groups.ruling(root, controller)?;
    let parts: Vec<&str> = ruling.path.split('/').collect();
    let own = parts.iter().position(|part| names(part, container))? + 1;
    let path = parts[..own].join("/");
    let there = |folder: String| root.path(&folder).is_dir().then_some((ruling.version, folder));
    // The mount may be of a group below the root: the path is then relative to it. `..` leads out of our namespace and
    // cannot be resolved.
    let below = if ruling.top == "/" { Some(path.as_str()) } else { path.strip_prefix(&*ruling.top) };
    if let Some(below) = below.filter(|below| below.starts_with('/') && !parts[..own].contains(&"..")) {
        return there(format!("{}{below}", ruling.point));
    }
    let name = parts[own - 1];
    usual(container).into_iter().find_map(|parent| there(format!("{}{parent}/{name}", ruling.point)))
}

/// `ID`, `docker-ID.scope`, `libpod-ID.scope`, `crio-ID.scope`: the container's own, not its monitor's.
fn names(part: &str, container: &Container) -> bool {
    container.id.len() >= 12 && part.contains(&container.id) && !part.contains("conmon")
}

/// Where engines create a container's group, below its configured parent.
fn usual(container: &Container) -> Vec<String> {
    let asked = container.cgroup_parent.iter().map(|parent| match parent.strip_suffix(".slice") {
        Some(name) if !name.contains('/') => slices(name),
        _ => format!("/{}", parent.trim_matches('/')),
    });
    let known = ["/docker", "/system.slice", "/machine.slice", "/libpod_parent", ""].map(str::to_owned);
    asked.filter(|parent| !parent.contains("..")).chain(known).collect()
}

/// `a-b` of `a-b.slice` is `/a.slice/a-b.slice` ("systemd.slice(5)").
fn slices(name: &str) -> String {
    let ends = name.match_indices('-').map(|(at, _)| at).chain([name.len()]);
    ends.map(|end| format!("/{}.slice", &name[..end])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef";

    /// The folder of the group `path` of the first process, where the hierarchy is mounted from `top` on.
    fn found(mount: &str, folders: &[&str], path: &str, parent: Option<&str>) -> Option<String> {
        let folder = tempfile::tempdir().expect("folder");
        for sub in folders.iter().chain(&[""]) {
            std::fs::create_dir_all(folder.path().join("sys/fs/cgroup").join(sub)).expect("folder");
        }
        std::fs::write(folder.path().join("sys/fs/cgroup/cgroup.controllers"), "memory\n").expect("file");
        let mountinfo = format!("30 1 0:26 {mount} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        let groups = Groups::new(format!("0::{path}\n").as_bytes(), mountinfo.as_bytes());
        let container = Container { id: ID.into(), cgroup_parent: parent.map(str::to_owned), ..Container::default() };
        let (version, found) = own(&Root::new(folder.path()), &groups, &container, "memory")?;
        assert_eq!(version, Version::Two);
        Some(found.strip_prefix("/sys/fs/cgroup").expect("below").to_owned())
    }

    #[test]
    fn the_own_group_is_named_after_the_container() {
        for (path, own) in [
            (format!("/docker/{ID}"), format!("/docker/{ID}")),
            (format!("/docker/{ID}/init.scope"), format!("/docker/{ID}")),
            (
                format!("/docker/fedcba9876543210/docker/{ID}/kubelet/x"),
                format!("/docker/fedcba9876543210/docker/{ID}"),
            ),
            (format!("/system.slice/docker-{ID}.scope/system.slice/y"), format!("/system.slice/docker-{ID}.scope")),
            (format!("/machine.slice/libpod-{ID}.scope/container"), format!("/machine.slice/libpod-{ID}.scope")),
            (
                format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"),
                format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"),
            ),
            (format!("/libpod_parent/libpod-{ID}"), format!("/libpod_parent/libpod-{ID}")),
        ] {
            let there = own.trim_start_matches('/');
            assert_eq!(found("/", &[there], &path, None), Some(own.clone()), "{path}");
        }
    }

    #[test]
    fn nested_cgroup_mounts_and_namespaces_are_resolved() {
        let path = format!("/lxc/box/docker/{ID}/init.scope");
        let there = format!("docker/{ID}");
        assert_eq!(found("/lxc/box", &[&there], &path, None), Some(format!("/docker/{ID}")));
        let outside = format!("/../{ID}/init.scope");
        assert_eq!(found("/../..", &[&there], &outside, None), Some(format!("/docker/{ID}")));
        let asked = format!("web.slice/web-shop.slice/docker-{ID}.scope");
        let outside = format!("/../../web.slice/docker-{ID}.scope");
        assert_eq!(found("/..", &[&asked], &outside, Some("web-shop.slice")), Some(format!("/{asked}")));
        assert_eq!(found("/", &[], &format!("/../{ID}"), None), None, "it cannot be seen from here");
    }

    #[test]
    fn groups_of_others_are_not_its_own() {
        let container = Container { id: ID.into(), ..Container::default() };
        let of = |text: &str| belongs(text.as_bytes(), &container);
        assert!(of(&format!("4:memory:/docker/{ID}\n")) && of(&format!("0::/x/libpod-{ID}.scope/container\n")));
        assert!(!of("0::/user.slice\n") && !of(&format!("0::/machine.slice/libpod-conmon-{ID}.scope\n")));
        assert!(!belongs(b"0::/docker/\n", &Container::default()), "no id");
    }
}
