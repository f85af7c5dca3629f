//! The command line: flags and subcommands, the settings that come of them, and the modes that they start.

mod arguments;
mod commands;
mod flags;
mod judge;
mod known;
mod man;
mod settings;

use std::{os::unix::net::UnixStream, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    act,
    app::{self, check::Form},
    bench, collect,
    sink::recording,
    sys::{descriptors, helper},
    ui::theme::Theme,
};

use arguments::{Arguments, BenchVerb, ReportVerb, Verb};
use settings::{Settled, USAGE, complain, settle};

/// Runs what the command line asks for.
#[must_use]
pub fn run() -> ExitCode {
    // Not an argument for people: help does not name it.
    if std::env::args_os().nth(1).is_some_and(|first| first == helper::ARGUMENT) {
        return helper::run(serve);
    }
    helper::enable(serve);
    descriptors::raise();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors; a closed pipe behind them is nobody's fault.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match &arguments.verb {
        Some(Verb::Config { verb }) => commands::config(&arguments, verb.as_ref()),
        Some(Verb::Bench { verb: Some(BenchVerb::Judge { file }), .. }) => judge::run(file.as_deref()),
        Some(Verb::Completions { shell }) => commands::completions(*shell),
        Some(Verb::Man) => man::page(),
        verb => with_settings(&arguments, verb.as_ref()),
    }
}

/// The helper's side of a line of this kind.
fn serve(kind: u8, line: UnixStream) {
    match kind {
        act::apart::SAVES => act::apart::serve(line),
        bench::scratch::apart::REMOVALS => bench::scratch::apart::serve(line),
        app::log::KIND => app::log::serve(line),
        recording::KIND => recording::serve(line),
        _ => collect::serve(kind, line),
    }
}

/// The modes that need settings.
fn with_settings(arguments: &Arguments, verb: Option<&Verb>) -> ExitCode {
    if !matches!(verb, Some(Verb::Themes { .. })) {
        helper::start_early();
    }
    let Settled { loaded, themes, said } = match settle(arguments.config(), arguments.flags()) {
        (settled, diagnostics) if diagnostics.is_empty() => settled,
        (_, diagnostics) => return complain(&diagnostics),
    };
    if let Some(log) = &loaded.settings.log
        && let Err(diagnostic) = app::log::log_to(log)
    {
        return complain(&[diagnostic]);
    }
    match verb {
        Some(Verb::Once { json, wait, .. }) => {
            app::once::once(&loaded.settings, *json, Duration::from_secs(u64::from(*wait)))
        }
        Some(Verb::Bench { what, on, runs, json, yes, .. }) => {
            let (what, on) = (what.clone(), on.clone());
            app::bench::bench(&loaded.settings, &app::bench::Asked { what, on, runs: *runs, json: *json, yes: *yes })
        }
        Some(Verb::Check { replay: Some(file), .. }) => app::check::replay(&loaded.settings, file),
        Some(Verb::Check { json, card, .. }) => {
            let theme = themes.load(&loaded.settings.theme).unwrap_or_else(|_| Theme::plain());
            let form = match (json, card) {
                (true, _) => Form::Json,
                (_, true) => Form::Card,
                _ => Form::Text,
            };
            app::check::check(&loaded.settings, &theme, form)
        }
        Some(Verb::Record { events, events_size, .. }) => {
            let events = events.clone().map(|file| app::record::Events { file, most: *events_size });
            app::record::record(&loaded.settings, events.as_ref())
        }
        Some(Verb::Doctor { json, .. }) => {
            let own = vec![commands::config_check(&loaded)];
            let theme = themes.load(&loaded.settings.theme).unwrap_or_else(|_| Theme::plain());
            app::once::doctor(&loaded.settings, &theme, *json, own)
        }
        Some(Verb::Report { verb: ReportVerb::Scorecard { json, .. } }) => {
            let theme = themes.load(&loaded.settings.theme).unwrap_or_else(|_| Theme::plain());
            app::report::scorecard(&loaded.settings, &theme, *json)
        }
        Some(Verb::Themes { .. }) => commands::themes(&themes, loaded.settings.ascii),
        _ => app::live(loaded.settings, themes, said),
    }
}

#[cfg(test)]
mod tests;
