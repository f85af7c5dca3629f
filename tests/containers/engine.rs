//! A real engine in the hands of a test: an image of busybox and containers of its own, all gone when the test ends.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use super::terminal::PATIENCE;

/// An engine with an image; what is made in it has a name of this test's own.
pub struct Engine {
    /// `None` is the machine's own.
    address: Option<String>,
    /// In front of every name.
    pub prefix: String,
    image: String,
}

impl Engine {
    /// The machine's own, with an image made of busybox.
    pub fn own() -> Self {
        Self::at(None)
    }

    fn at(address: Option<String>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("bt{}x{number}", std::process::id());
        let engine = Engine { address, image: format!("{prefix}:1"), prefix };
        engine.import();
        engine
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        if let Some(address) = &self.address {
            command.args(["-H", address]);
        }
        command.args(arguments);
        command
    }

    /// Runs `docker …`; what it wrote.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the program docker");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn import(&self) {
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let busybox = busybox.expect("busybox, statically linked (Debian: busybox-static)");
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(folder.path().join("tmp")).unwrap();
        fs::copy(busybox, bin.join("busybox")).unwrap();
        for name in ["sh", "sleep", "echo", "httpd", "tail", "printf", "cat"] {
            symlink("busybox", bin.join(name)).unwrap();
        }
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(folder.path()).args(["-c", "."]).stdout(Stdio::piped());
        let mut tar = tar.spawn().expect("the program tar");
        let imported = self.command(&["import", "-", &self.image]).stdin(tar.stdout.take().unwrap()).output().unwrap();
        assert!(tar.wait().unwrap().success());
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    }

    /// The whole name of one of ours.
    pub fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.prefix)
    }

    /// Makes and starts a container that runs `script`; its id.
    pub fn start(&self, short: &str, options: &[&str], script: &str) -> String {
        self.make("run", &[&["-d"], options].concat(), short, script)
    }

    /// `run` or `create`.
    pub fn make(&self, how: &str, options: &[&str], short: &str, script: &str) -> String {
        let name = self.name(short);
        let label = format!("benchtop.test={}", self.prefix);
        let network = if options.contains(&"-p") { "bridge" } else { "none" };
        let mut arguments = vec![how, "--name", &name, "--label", &label, "--network", network];
        arguments.extend(options);
        arguments.extend([self.image.as_str(), "sh", "-c", script]);
        self.docker(&arguments)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let ours = format!("label=benchtop.test={}", self.prefix);
        let Ok(output) = self.command(&["ps", "-aq", "--filter", &ours]).output() else { return };
        let ids = String::from_utf8_lossy(&output.stdout).into_owned();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            let _ = self.command(&[&["rm", "-f", "-v"], ids.as_slice()].concat()).output();
        }
        let _ = self.command(&["rmi", "-f", &self.image]).output();
    }
}

/// A second engine that may be killed: its own socket, folders and network.
pub struct Second {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Second {
    /// Starts it; `None` with words on the standard error where that cannot be done here.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("daemon.json"), "{}").unwrap();
        let mut second = Second { folder, child: None };
        if second.again() {
            return Some(second);
        }
        let log = fs::read_to_string(second.path("log")).unwrap_or_default();
        let last = log.lines().last().unwrap_or("it said nothing").to_owned();
        eprintln!("skipped: no second engine can be started here: {last}");
        None
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("unix://{}", self.path("docker.sock").display())
    }

    /// Starts it once more with what it had; false when it does not answer.
    pub fn again(&mut self) -> bool {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        // In a network of its own: an engine without a bridge takes away the one that is there.
        let child = Command::new("unshare")
            .args(["--net", "dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"])
            .arg("--config-file")
            .arg(self.path("daemon.json"))
            .arg("--data-root")
            .arg(self.path("data"))
            .arg("--exec-root")
            .arg(self.path("run"))
            .arg("--pidfile")
            .arg(self.path("pid"))
            .arg("-H")
            .arg(self.address())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let Ok(child) = child else { return false };
        self.child = Some(child);
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let asked = Command::new("docker").args(["-H", &self.address(), "version"]).output();
            if asked.is_ok_and(|output| output.status.success()) {
                return true;
            }
            if self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some())) {
                return false;
            }
            sleep(Duration::from_millis(100));
        }
        false
    }

    /// As a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Takes away what an engine that was killed left mounted: its folder could not be removed.
    fn unmount(&self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let ours = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        let ours = ours.filter(|place| Path::new(place).starts_with(self.folder.path()));
        for place in ours.collect::<Vec<_>>().into_iter().rev() {
            let _ = Command::new("umount").args(["-l", place]).status();
        }
    }

    /// With an image in it.
    pub fn engine(&self) -> Engine {
        Engine::at(Some(self.address()))
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Asked, so that it ends its own containerd and takes its mounts away.
        if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && child.try_wait().is_ok_and(|status| status.is_none()) {
            sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        self.unmount();
    }
}
