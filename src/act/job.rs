//! Operations, each executed on the caller's thread and reported in words, with what undoes it.

use std::{sync::Arc, thread};

use super::{apart, container, pool, remove, renice, signal};
use crate::{
    alert::Level,
    request::{Done, Job, Outcome, signal::reverse},
    sys::{
        exec::{Exec, System},
        root::Root,
    },
};

/// Carries it out on the machine under `root`; takes as long as it takes.
#[must_use]
pub fn run(job: &Job, root: &Root) -> Done {
    match job {
        Job::Container { engine, id, name, act } => {
            let back = |act| Job::Container { engine: engine.clone(), id: id.clone(), name: name.clone(), act };
            report(job, container::run(engine, id, name, *act).map(|(text, undo)| (text, undo.map(back))))
        }
        Job::Pool { pool, act } => {
            let back = |act| Job::Pool { pool: pool.clone(), act };
            let exec: Arc<dyn Exec> = Arc::new(System);
            report(job, pool::run(&exec, pool, act).map(|(text, undo)| (text, undo.map(back))))
        }
        Job::Remove(objects) => report(job, remove::remove(objects).map(|text| (text, None))),
        Job::Signal { targets, signal } => {
            let (outcome, reached) = signal::send(root, targets, *signal);
            let back = reverse(*signal).filter(|_| !reached.is_empty());
            Done { outcome, undo: back.map(|signal| Job::Signal { targets: reached, signal }) }
        }
        Job::Renice(targets) => {
            let (outcome, changed) = renice::change(root, targets);
            let back: Vec<_> = changed.into_iter().map(|(key, by)| (key, -by)).collect();
            Done { outcome, undo: (!back.is_empty()).then_some(Job::Renice(back)) }
        }
        Job::All(jobs) => together(jobs, root),
        Job::Service { own, target, add } => {
            let outcome = apart::change_service(own.clone(), target, *add);
            let back = Job::Service { own: own.clone(), target: target.clone(), add: !add };
            Done { undo: (outcome.level == Level::Ok).then_some(back), outcome }
        }
        Job::Save(save) => Done { outcome: apart::save_settings(save.clone()), undo: None },
    }
}

fn report(job: &Job, done: Result<(String, Option<Job>), impl std::fmt::Display>) -> Done {
    match done {
        Ok((text, undo)) => Done { outcome: Outcome { level: Level::Ok, text }, undo },
        Err(why) => {
            let text = format!("could not {}: {why}", job.phrase());
            Done { outcome: Outcome { level: Level::Warn, text }, undo: None }
        }
    }
}

/// Each on its own thread: stopping ten containers takes as long as the slowest.
fn together(jobs: &[Job], root: &Root) -> Done {
    let done: Vec<Done> = thread::scope(|scope| {
        let spawn = |job| thread::Builder::new().name("bt-act".into()).spawn_scoped(scope, move || run(job, root));
        let running: Vec<_> = jobs.iter().map(|job| (job, spawn(job))).collect();
        let finished = running.into_iter().map(|(job, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| report(job, Err("it ended in a panic".to_owned()))),
            // No thread to be had: in turn, then.
            Err(_) => run(job, root),
        });
        finished.collect()
    });
    let failed: Vec<&str> =
        done.iter().filter(|d| d.outcome.level > Level::Ok).map(|d| d.outcome.text.as_str()).collect();
    let good: Vec<&str> =
        done.iter().filter(|d| d.outcome.level <= Level::Ok).map(|d| d.outcome.text.as_str()).collect();
    let text = match (good.is_empty(), failed.is_empty()) {
        (_, true) => good.join(", "),
        (true, false) => failed.join(" · "),
        (false, false) => format!("{} · {}", failed.join(" · "), good.join(", ")),
    };
    let level = if failed.is_empty() { Level::Ok } else { Level::Warn };
    let undo = Job::all(done.iter().filter_map(|d| d.undo.clone()).collect());
    Done { outcome: Outcome { level, text }, undo }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{act::signal::tests::sleeper, request::ContainerAct};

    fn stop(name: &str) -> Job {
        Job::Container {
            engine: "unix:///nowhere/docker.sock".into(),
            id: "ab".into(),
            name: name.into(),
            act: ContainerAct::Stop,
        }
    }

    #[test]
    fn missing_engine_is_reported_with_what_was_to_be_done() {
        let done = run(&stop("web"), &Root::default());
        assert_eq!((done.outcome.level, done.undo), (Level::Warn, None));
        assert!(done.outcome.text.starts_with("could not stop web: "), "{}", done.outcome.text);
    }

    #[test]
    fn a_signal_is_taken_back_where_it_reached_somebody() {
        let (mut child, key) = sleeper();
        let number =
            |name: &str| crate::request::signal::SIGNALS.iter().find(|s| s.name == name).expect("known").number;
        let send = |signal: i32| run(&Job::Signal { targets: vec![key], signal }, &Root::default());
        let stopped = send(number("STOP"));
        let back = Job::Signal { targets: vec![key], signal: number("CONT") };
        assert_eq!((stopped.outcome.level, stopped.undo), (Level::Ok, Some(back)));
        assert_eq!(send(number("KILL")).undo, None, "nothing takes that back");
        child.wait().expect("our child");
        let missed = send(number("STOP"));
        assert_eq!((missed.outcome.level, missed.undo), (Level::Warn, None));
    }

    #[test]
    fn niceness_is_taken_back_by_the_same_steps() {
        let (mut child, key) = sleeper();
        let done = run(&Job::Renice(vec![(key, 3)]), &Root::default());
        child.kill().expect("our child");
        child.wait().expect("our child");
        assert_eq!((done.outcome.level, done.undo), (Level::Ok, Some(Job::Renice(vec![(key, -3)]))));
        let missed = run(&Job::Renice(vec![(key, 3)]), &Root::default());
        assert_eq!((missed.outcome.level, missed.undo), (Level::Warn, None));
    }

    #[test]
    fn several_are_reported_together() {
        let both = Job::all(vec![stop("web"), stop("db")]).expect("two");
        let text = run(&both, &Root::default()).outcome.text;
        assert!(text.contains("could not stop web: ") && text.contains("could not stop db: "), "{text}");
        assert_eq!(both.phrase(), "stop web, stop db");
        assert_eq!(Job::all(vec![stop("web")]), Some(stop("web")));
        assert_eq!(Job::all(Vec::new()), None);
    }

    #[test]
    fn what_went_well_is_said_after_what_did_not() {
        let ([mut one, mut two], keys) = {
            let ((one, first), (two, second)) = (sleeper(), sleeper());
            ([one, two], [first, second])
        };
        let renice = |key| Job::Renice(vec![(key, 1)]);
        let done = run(&Job::All(vec![renice(keys[0]), stop("web"), renice(keys[1])]), &Root::default());
        let good = run(&Job::All(vec![renice(keys[0]), renice(keys[1])]), &Root::default());
        for child in [&mut one, &mut two] {
            child.kill().and_then(|()| child.wait()).expect("our child");
        }
        let parts: Vec<&str> = done.outcome.text.split(" · ").collect();
        let [failed, went] = parts[..] else { panic!("{parts:?}") };
        assert!(failed.starts_with("could not stop web: "), "{failed}");
        let both: Vec<String> = keys.iter().map(|key| format!("niceness of {} ", key.pid)).collect();
        assert!(both.iter().all(|one| went.contains(one)) && went.contains(", "), "{went}");
        let back = Job::All(keys.iter().map(|key| Job::Renice(vec![(*key, -1)])).collect());
        assert_eq!((done.outcome.level, done.undo), (Level::Warn, Some(back.clone())));
        assert_eq!((good.outcome.level, good.undo), (Level::Ok, Some(back)));
        assert!(both.iter().all(|one| good.outcome.text.contains(one)), "{}", good.outcome.text);
    }

    #[test]
    fn a_service_that_was_added_can_be_taken_away_again() {
        use crate::model::service::target::{ServiceTarget, ServiceUrl};
        let folder = tempfile::tempdir().expect("a folder");
        let target = ServiceTarget::new("db", ServiceUrl::parse("tcp://nas:5432").expect("a URL"));
        let job =
            |add| Job::Service { own: Some(folder.path().join("config.toml")), target: Box::new(target.clone()), add };
        let run = |job: &Job| run(job, &Root::default());
        let added = run(&job(true));
        let file = folder.path().join("config.services.toml");
        assert_eq!(added.outcome.text, format!("db added to {}", file.display()));
        assert_eq!((added.outcome.level, added.undo), (Level::Ok, Some(job(false))));
        let twice = run(&job(true));
        assert_eq!((twice.outcome.level, twice.undo), (Level::Warn, None));
        let removed = run(&job(false));
        assert_eq!((removed.outcome.level, removed.undo), (Level::Ok, Some(job(true))));
    }
}
