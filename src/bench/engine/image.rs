//! The image that a benchmark's containers are made of: the one that the config names, else one that is there, else one
//! made of a static program of this machine, so that no registry is needed. Which one it is stands in the plan.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Facts, Place, archive::Archive, session::Session};
use crate::{
    bench::{LABEL, RunCx, Scratch, Stop, Survey},
    model::bench::RunPhase,
    sys::{
        engine::{LIST, ONE, encoded},
        json::{Field, Unread},
    },
    units,
};

/// Images with a shell and the tools that our processes need, by the last part of their names, best first.
const KNOWN: [&str; 2] = ["busybox", "alpine"];
/// What the processes of benchmarks call.
const APPLETS: [&str; 11] = ["sh", "sleep", "cat", "echo", "mkdir", "httpd", "head", "tr", "nc", "ping", "dd"];
/// A program that is larger is no busybox.
const LARGEST: u64 = 64 << 20;
/// Images that are looked through.
const IMAGES: usize = 10_000;
/// Without progress for so long, a pull or an import has failed.
const QUIET: Duration = Duration::from_secs(60);

/// An image that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    source: Source,
    /// It says itself when it is ready to work: it has a health check.
    pub has_health: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The config names it, and it is there.
    Named { name: String, id: String },
    /// The config names it, and it must be pulled.
    Pulled { name: String },
    /// One of [`KNOWN`].
    Found { name: String, id: String },
    /// Made of this program.
    Made { program: PathBuf, bytes: u64 },
    /// There is nothing better.
    Smallest { name: String, id: String },
}

/// One image of the engine's list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    name: String,
    id: String,
    bytes: u64,
}

impl Image {
    /// Chooses one.
    ///
    /// # Errors
    /// When there is none, or the engine does not answer.
    pub fn choose(survey: &Survey<'_>, place: &Place, facts: &Facts) -> Result<Self, String> {
        if let Some(name) = &survey.settings.bench.image {
            return named(place, name);
        }
        let all = list(place)?;
        let plain = |source| Image { source, has_health: false };
        if let Some(known) = known(&all) {
            return Ok(plain(Source::Found { name: known.name.clone(), id: known.id.clone() }));
        }
        let same_kind = facts.architecture.as_deref().is_none_or(|of| of == std::env::consts::ARCH);
        if let Some(program) = survey.exec.find("busybox").filter(|_| same_kind)
            && let Some(bytes) = is_static(&program)
        {
            return Ok(plain(Source::Made { program, bytes }));
        }
        match all.into_iter().min_by_key(|image| image.bytes) {
            Some(Listed { name, id, .. }) => Ok(plain(Source::Smallest { name, id })),
            None => Err(format!(
                "{} has no image: pull one (docker pull busybox), name one in [bench] image, or install busybox-static",
                place.address
            )),
        }
    }

    /// What is done to have it, for the plan.
    pub fn step(&self) -> String {
        match &self.source {
            Source::Named { name, .. } => format!("image {name} (named in [bench] image)"),
            Source::Pulled { name } => format!("pull image {name} (named in [bench] image, not there yet); it stays"),
            Source::Found { name, .. } => format!("image {name} (found on the engine)"),
            Source::Made { program, bytes } => {
                let size = units::bytes_long(*bytes as f64);
                format!("import an image made of {} ({size}, static); removed afterwards", program.display())
            }
            Source::Smallest { name, .. } => {
                format!("image {name} (the smallest on the engine; it must have sh and sleep)")
            }
        }
    }

    /// Its name on the engine, where it is there now.
    ///
    /// # Errors
    /// [`Stop::Failed`] when it cannot be imported or pulled.
    pub fn prepare(&self, session: &Session, cx: &mut dyn RunCx) -> Result<Ready, Stop> {
        let ready = |name: &str, id: &str| Ready { name: name.to_owned(), identity: id.to_owned() };
        match &self.source {
            Source::Named { name, id } | Source::Found { name, id } | Source::Smallest { name, id } => {
                Ok(ready(name, id))
            }
            Source::Pulled { name } => {
                let (repository, tag) = split(name);
                let (client, stop) = (session.client(), cx.stop().clone());
                let pulled = client.pull((repository, tag), QUIET, |far| {
                    let share =
                        format!("{} of {}", units::bytes_long(far.done as f64), units::bytes_long(far.of as f64));
                    cx.progress(RunPhase::Preparing, None, vec![format!("pulling {name}: {share}")]);
                });
                session.wait_with(&stop, &format!("pulling {name}"), None, pulled)?;
                Ok(ready(name, &session.image_id(name, &stop)?))
            }
            Source::Made { program, bytes } => {
                let (name, tag) = (session.name("image"), "1");
                cx.will_make(Scratch::Image {
                    engine: session.address().dialled().to_owned(),
                    name: format!("{name}:{tag}"),
                })?;
                cx.progress(RunPhase::Preparing, None, vec![format!("importing {}", program.display())]);
                let files =
                    archive(program).map_err(|error| Stop::Failed(format!("{}: {error}", program.display())))?;
                let batch = cx.batch().to_owned();
                let labels = [(LABEL, batch.as_str())];
                let imported = session.client().import((&name, tag), &labels, files, QUIET);
                session.wait_with(cx.stop(), "importing an image", Some(QUIET), imported)?;
                Ok(ready(&format!("{name}:{tag}"), &format!("{} ({bytes} bytes)", program.display())))
            }
        }
    }
}

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// As containers name it.
    pub name: String,
    /// What results depend on: its id, or what it was made of.
    pub identity: String,
}

/// The image that the config names.
fn named(place: &Place, name: &str) -> Result<Image, String> {
    let path = format!("/images/{}/json", encoded(name));
    let answer = place.ask(async |client| match client.json("the image", &path, ONE).await {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some),
    })?;
    let Some(answer) = answer else {
        return Ok(Image { source: Source::Pulled { name: name.to_owned() }, has_health: false });
    };
    let unread = Unread::default();
    let image = Field::new(&answer, &unread);
    let test = image.object("Config").object("Healthcheck");
    let test = test.list("Test", 8).next().and_then(|word| word.as_text());
    let has_health = test.is_some_and(|word| !word.is_empty() && word != "NONE");
    Ok(Image { source: Source::Named { name: name.to_owned(), id: image.text("Id").unwrap_or_default() }, has_health })
}

/// Images with a name that are not ours.
fn list(place: &Place) -> Result<Vec<Listed>, String> {
    let answer = place.ask(async |client| client.json("the list of images", "/images/json", LIST).await)?;
    let unread = Unread::default();
    let images = Field::new(&answer, &unread).entries(IMAGES);
    let ours = |image: &Field<'_>| image.object("Labels").has(LABEL);
    let images = images.filter(|image| !ours(image)).filter_map(|image| {
        let tags = image.list("RepoTags", 64).filter_map(|tag| tag.as_text());
        let name = tags.filter(|tag| *tag != "<none>:<none>").min()?.to_owned();
        Some(Listed { name, id: image.text("Id")?, bytes: image.count("Size")? })
    });
    Ok(images.collect())
}

/// The best of [`KNOWN`], the first by name among several.
fn known(all: &[Listed]) -> Option<&Listed> {
    let rank = |image: &Listed| {
        let last = image.name.rsplit('/').next().unwrap_or_default();
        KNOWN.iter().position(|known| last.split(':').next() == Some(known))
    };
    all.iter()
        .filter_map(|image| Some((rank(image)?, &image.name, image)))
        .min_by_key(|(rank, name, _)| (*rank, *name))
        .map(|(.., image)| image)
}

/// `registry:5000/name:tag` in two; a digest is a tag.
fn split(name: &str) -> (&str, &str) {
    if let Some(parts) = name.split_once('@') {
        return parts;
    }
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    }
}

/// The size of a program that needs no other file: an ELF file without an interpreter ("elf(5)").
fn is_static(program: &Path) -> Option<u64> {
    const INTERPRETER: u32 = 3;
    let mut file = File::open(program).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut head = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut head).ok()?;
    // Of 64 bits, the lowest byte first.
    if bytes > LARGEST || head.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let short = |at: usize| head.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes).map(usize::from);
    let long = |at: usize| head.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let (table, size, count) = (usize::try_from(long(32)?).ok()?, short(54)?, short(56)?);
    for at in (0..count).map(|n| table.saturating_add(n * size)) {
        let kind = head.get(at..at.saturating_add(4))?.try_into().ok().map(u32::from_le_bytes)?;
        if kind == INTERPRETER {
            return None;
        }
    }
    Some(bytes)
}

fn archive(busybox: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(busybox)?.take(LARGEST).read_to_end(&mut content)?;
    let archive = Archive::default().folder("bin", 0o755).folder("tmp", 0o1777).file("bin/busybox", 0o755, &content);
    Ok(APPLETS.iter().fold(archive, |archive, name| archive.link(&format!("bin/{name}"), "busybox")).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_repository_and_tag() {
        for (name, parts) in [
            ("nginx", ("nginx", "latest")),
            ("nginx:1.27", ("nginx", "1.27")),
            ("reg:5000/a/b", ("reg:5000/a/b", "latest")),
            ("reg:5000/a/b:2", ("reg:5000/a/b", "2")),
            ("a@sha256:ab", ("a", "sha256:ab")),
        ] {
            assert_eq!(split(name), parts, "{name}");
        }
    }

    #[test]
    fn a_known_image_is_found_by_its_last_part() {
        let image = |name: &str| Listed { name: name.to_owned(), id: String::new(), bytes: 1 };
        let all = ["web:1", "docker.io/library/alpine:3", "x/busybox:2", "busybox:1", "busybox-web:1"].map(image);
        assert_eq!(known(&all).map(|image| image.name.as_str()), Some("busybox:1"));
        assert_eq!(known(&all[..2]).map(|image| image.name.as_str()), Some("docker.io/library/alpine:3"));
        assert_eq!(known(&all[..1]), None);
    }

    #[test]
    fn a_program_with_an_interpreter_is_not_static() {
        let folder = tempfile::tempdir().expect("folder");
        let elf = |kinds: &[u32]| {
            let mut file = vec![0; 64 + 56 * kinds.len()];
            file[..6].copy_from_slice(b"\x7fELF\x02\x01");
            file[32] = 64;
            file[54] = 56;
            file[56] = u8::try_from(kinds.len()).expect("few");
            for (n, kind) in kinds.iter().enumerate() {
                file[64 + 56 * n..][..4].copy_from_slice(&kind.to_le_bytes());
            }
            let path = folder.path().join("program");
            std::fs::write(&path, &file).expect("written");
            is_static(&path)
        };
        assert_eq!((elf(&[1, 1]), elf(&[6, 3, 1]), elf(&[])), (Some(176), None, Some(64)));
        std::fs::write(folder.path().join("program"), "#!/bin/sh\n").expect("written");
        assert_eq!(is_static(&folder.path().join("program")), None);
        assert_eq!(is_static(Path::new("/nowhere")), None);
    }

    #[test]
    fn the_image_holds_the_program_and_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let busybox = folder.path().join("busybox");
        std::fs::write(&busybox, b"program").expect("a file");
        let archive = archive(&busybox).expect("an archive");
        let holds = |text: &[u8]| archive.windows(text.len()).any(|part| part == text);
        assert!(
            holds(b"bin/busybox")
                && holds(b"program")
                && APPLETS.iter().all(|name| holds(format!("bin/{name}").as_bytes()))
        );
    }
}
