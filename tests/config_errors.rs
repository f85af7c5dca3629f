//! Every mistake in a config file is answered with file, line, column, rule and cure, and touches nothing: one file a
//! mistake under `tests/fixtures/config`, each with what must be said in its `#!` lines.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use benchtop::{
    model::source::SourceId,
    ui::{
        action::ACTIONS, containers::row::Containers, pools::row::Pools, processes::columns::Processes,
        table::column::Columns,
    },
};

fn benchtop(arguments: &[&str], home: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_benchtop"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("TERM", "xterm-256color")
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn mistakes_have_place_and_cure_and_the_file_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let files = fixtures();
    assert!(files.len() >= 18);
    for file in files {
        let before = fs::read(&file).unwrap();
        let text = String::from_utf8(before.clone()).unwrap();
        let wanted: Vec<String> = text
            .lines()
            .filter_map(|l| l.strip_prefix("#! "))
            .map(|l| if l.starts_with("hint:") { format!("  {l}") } else { format!("{}:{l}", file.display()) })
            .collect();
        for arguments in [["once", "--config"], ["config", "check"]] {
            let output = benchtop(&[arguments[0], arguments[1], file.to_str().unwrap()], home.path());
            assert_eq!(output.status.code(), Some(2), "{}", file.display());
            assert_eq!(stdout(&output), "", "{}", file.display());
            let said = stderr(&output);
            let lines: Vec<&str> =
                said.lines().filter(|l| !l.ends_with(" mistake") && !l.ends_with(" mistakes")).collect();
            assert_eq!(lines, wanted, "{arguments:?} {}", file.display());
        }
        assert_eq!(fs::read(&file).unwrap(), before, "{} was touched", file.display());
    }
}

#[test]
fn all_mistakes_of_a_file_are_found_in_one_pass() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    let text = "refesh = 1\nrefresh = \"banana\"\ntheme = \"solarized\"\n[processes]\nsort = \"cpuu\"\n[containers]\n\
                columns = [\"nam\"]\n[pools]\nreverse = \"yes\"\n[layout]\nhide = [\"gpu\"]\n[sources]\ndisabled = 1\n[keys]\n\
                quit = [\"z\"]\n[rules.cpu_busy]\nwarn = \"much\"\n[rules.cpu_bsy]\nwarn = 1\n";
    fs::write(&file, text).unwrap();
    let said = stderr(&benchtop(&["config", "check", file.to_str().unwrap()], home.path()));
    for place in [":1:1: ", ":2:11: ", ":3:9: ", ":5:", ":7:", ":9:", ":11:", ":13:", ":15:", ":17:8: ", ":18:"] {
        assert!(said.contains(place), "{place} in {said}");
    }
}

#[test]
fn what_is_no_config_file_is_said_plainly() {
    let home = tempfile::tempdir().unwrap();
    let bytes = home.path().join("bytes.toml");
    fs::write(&bytes, b"theme = \"\xff\"\n").unwrap();
    for (file, word) in
        [(home.path().join("none.toml"), "does not exist"), (home.path().to_owned(), "directory"), (bytes, "UTF-8")]
    {
        let output = benchtop(&["once", "-c", file.to_str().unwrap()], home.path());
        assert_eq!(output.status.code(), Some(2), "{word}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
        assert!(stderr(&output).starts_with(file.to_str().unwrap()), "{}", stderr(&output));
    }
}

#[test]
fn init_writes_once_and_the_example_is_right() {
    let home = tempfile::tempdir().unwrap();
    let first = benchtop(&["config", "init"], home.path());
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let file = home.path().join(".config/benchtop/config.toml");
    fs::write(&file, "theme = \"nord\"\n").unwrap();
    let second = benchtop(&["config", "init"], home.path());
    assert_eq!(second.status.code(), Some(2));
    assert!(stderr(&second).contains("never overwritten"), "{}", stderr(&second));
    assert_eq!(fs::read_to_string(&file).unwrap(), "theme = \"nord\"\n");
    let show = stdout(&benchtop(&["config", "show"], home.path()));
    assert!(show.lines().any(|l| l.starts_with("theme = \"nord\"") && l.ends_with("# file, line 1")), "{show}");
}

/// Settings that have no built-in value, or an empty one: the example file shows one that they may have.
const EXAMPLES: [&str; 10] = [
    "quit",
    "signal",
    "log",
    "image",
    "network",
    "undo",
    "file_size",
    "iperf3_server",
    "download_url",
    "management_url",
];

#[test]
fn services_are_shown_without_their_secrets() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    let text = "[[service]]\nname = \"cloud\"\nurl = \"https://cloud.lan/health?token=secret\"\nevery = 60\n\
                expect_status = [200, \"300-399\"]\nheaders_file = \"/etc/h\"\n[[service]]\nname = \"nas\"\nurl = \"ping://nas\"\npause = true\n";
    fs::write(&file, text).unwrap();
    fs::write(
        home.path().join("c.services.toml"),
        "format = 1\n[[service]]\nname = \"ssh\"\nurl = \"tcp://nas:22\"\n[[service]]\nname = \"nas\"\nurl = \"ping://other\"\n",
    )
    .unwrap();
    let output = benchtop(&["config", "show", "-c", file.to_str().unwrap()], home.path());
    let said = stderr(&output);
    assert!(said.contains("c.services.toml:6:8: two services are called `nas`"), "{said}");
    let show = stdout(&output);
    let from = show.find("[[service]]").unwrap();
    let until = show.find("[keys]").unwrap();
    let column = |text: &str| format!("{text:44} ");
    let expected = format!(
        "{}# file, line 2\nname = \"cloud\"\nurl = \"https://cloud.lan/health?***\"\nevery = \"1m\"\n\
         expect_status = [\"200\", \"300-399\"]\nheaders_file = \"/etc/h\"\n\n\
         {}# file, line 8\nname = \"nas\"\nurl = \"ping://nas\"\npause = true\n\n\
         {}# added, line 3\nname = \"ssh\"\nurl = \"tcp://nas:22\"\n\n",
        column("[[service]]"),
        column("[[service]]"),
        column("[[service]]"),
    );
    assert_eq!(&show[from..until], expected);
}

#[test]
fn uncommented_example_equals_the_built_in_settings() {
    let home = tempfile::tempdir().unwrap();
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).unwrap();
    let bare: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            // Settings are commented out without a blank, sentences with one.
            Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(bare.contains("\nrefresh = \"1s\"\n") && bare.contains("\n[rules.cpu_busy]\n"), "{bare}");
    let file = home.path().join("bare.toml");
    fs::write(&file, bare).unwrap();
    let values = |arguments: &[&str]| -> Vec<String> {
        let output = benchtop(arguments, home.path());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
            .lines()
            .map(|l| l.split(" # ").next().unwrap_or_default().trim().to_owned())
            .filter(|l| !l.starts_with('#') && l.split_once(" = ").is_none_or(|(name, _)| !EXAMPLES.contains(&name)))
            .collect()
    };
    let built_in = values(&["config", "show", "--rules"]);
    let with_example = values(&["config", "show", "--rules", "--config", file.to_str().unwrap()]);
    // The layout is not set when built in; everything else must be equal line by line.
    let without_rows = |lines: Vec<String>| lines.into_iter().filter(|l| !l.starts_with("rows =")).collect::<Vec<_>>();
    assert_eq!(without_rows(with_example), without_rows(built_in.clone()));
    // No setting that the example keeps to itself: every one that can be shown is in it.
    for name in built_in.iter().filter_map(|l| l.split_once(" = ")).map(|(name, _)| name) {
        assert!(
            example.contains(&format!("#{name} = "))
                || [
                    "metric",
                    "side",
                    "advice",
                    "clear",
                    "clear_hold",
                    "say",
                    "enabled",
                    "only",
                    "except",
                    "crit",
                    "quiet_during_runs",
                    "grace",
                    "in_a_row",
                    "times",
                    "within",
                    "normal_floor"
                ]
                .contains(&name),
            "{name} is not in config.example.toml"
        );
    }
}

#[test]
fn the_example_names_every_column_and_every_source() {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).unwrap();
    // The words after `lead` in the comments of a section, up to the full stop.
    let listed = |section: &str, lead: &str| -> Vec<String> {
        let (_, rest) = example.split_once(&format!("\n[{section}]\n")).unwrap();
        let section = rest.split("\n[").next().unwrap().replace("\n# ", " ");
        let (_, words) = section.split_once(lead).unwrap();
        words.split('.').next().unwrap().split(", ").map(|word| word.trim().to_owned()).collect()
    };
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    for (table, columns) in
        [("processes", Processes::defs()), ("containers", Containers::defs()), ("pools", Pools::defs())]
    {
        let known = columns.iter().map(|c| c.id.to_owned()).collect();
        assert_eq!(sorted(listed(table, "There are: ")), sorted(known), "[{table}]");
    }
    let sources = SourceId::ALL.iter().map(|id| id.name().to_owned()).collect();
    assert_eq!(sorted(listed("sources", "not read at all: ")), sorted(sources));
}

#[test]
fn a_source_that_is_switched_off_says_so_and_is_no_fault() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    fs::write(&file, "[sources]\ndisabled = [\"processes\", \"sensors\"]\n").unwrap();
    let run = |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--config", file.to_str().unwrap()]).collect();
        benchtop(&arguments, home.path())
    };
    let doctor = run(&["doctor"]);
    let said = stdout(&doctor);
    let line = said.lines().find(|l| l.contains("processes")).unwrap();
    assert!(line.contains("off") && line.contains("`sources.disabled`"), "{said}");
    assert_ne!(doctor.status.code(), Some(2), "what its owner switched off is not missing: {said}");
    let once: serde_json::Value = serde_json::from_str(&stdout(&run(&["once", "--json"]))).unwrap();
    let sources = once["sources"].as_array().unwrap();
    let sensors = sources.iter().find(|s| s["id"] == "sensors").unwrap();
    assert_eq!(sensors["state"], "absent");
    assert!(sensors["message"].as_str().unwrap().contains("switched off"), "{sensors}");
}

#[test]
fn flags_win_over_variables_and_these_over_the_file() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    fs::write(&file, "refresh = \"5s\"\n").unwrap();
    let shown = |arguments: &[&str], variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_benchtop"));
        command.env_clear().env("HOME", home.path()).env("BENCHTOP_CONFIG", &file).args(arguments);
        if let Some(value) = variable {
            command.env("BENCHTOP_REFRESH", value);
        }
        let out = stdout(&command.output().unwrap());
        out.lines().find(|l| l.starts_with("refresh")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&["config", "show"], None), "refresh = \"5s\" # file, line 1");
    assert_eq!(shown(&["config", "show"], Some("3s")), "refresh = \"3s\" # variable BENCHTOP_REFRESH");
    assert_eq!(shown(&["config", "show", "-d", "0.5"], Some("3s")), "refresh = \"500ms\" # flag --delay");
}

#[test]
fn wrong_flags_exit_2_and_name_the_flag() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, said) in [
        (&["--delay", "soon", "once"][..], "--delay: `soon` is not a duration"),
        (&["--theme", "clam", "once"], "--theme: no theme `clam`"),
        (&["--theme", "foo", "once"], "themes: calm, light, contrast, "),
        (&["completions", "bash", "--theme", "calm"], "unexpected argument '--theme'"),
        (&["once", "--jsn"], "--json"),
        (&["onc"], "once"),
    ] {
        let output = benchtop(arguments, home.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn themes_completions_and_the_manual_are_printed_plain() {
    let home = tempfile::tempdir().unwrap();
    let themes = stdout(&benchtop(&["themes"], home.path()));
    assert!(themes.lines().count() >= 8 && !themes.contains('\x1b'), "{themes}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&benchtop(&["completions", shell], home.path())).contains("read-only"), "{shell}");
    }
}

#[test]
fn manual_has_its_sections() {
    let home = tempfile::tempdir().unwrap();
    let man = stdout(&benchtop(&["man"], home.path()));
    let section = |name: &str| {
        let at = man.find(&format!(".SH {name}\n")).unwrap_or_else(|| panic!("no {name} in {man}"));
        let rest = &man[at + 4..];
        &rest[..rest.find("\n.SH ").unwrap_or(rest.len())]
    };
    assert!(man.starts_with(".ie") || man.starts_with(".TH"), "{man}");
    assert!(section("COMMANDS").contains("doctor") && section("COMMANDS").contains("config save"));
    assert!(section("FILES").contains("config.saved.toml") && section("FILES").contains("/etc/benchtop/config.toml"));
    assert!(section("\"EXIT STATUS\"").contains('2'));
    assert!(section("EXAMPLES").contains("once"));
    for variable in ["BENCHTOP_CONFIG", "BENCHTOP_THEME", "NO_COLOR", "DOCKER_HOST"] {
        assert!(section("ENVIRONMENT").contains(variable), "{variable}");
    }
    for action in ACTIONS.iter().filter(|a| !a.name.starts_with("focus_")) {
        assert!(section("KEYS").contains(action.name), "{}", action.name);
    }
    assert!(!man.contains("benchtop-"), "no page that does not exist is referred to");
}

#[test]
fn help_has_examples_and_own_flags() {
    let home = tempfile::tempdir().unwrap();
    let help = |arguments: &[&str]| stdout(&benchtop(&[arguments, &["--help"]].concat(), home.path()));
    assert!(help(&[]).contains("Examples:") && help(&[]).contains("--read-only"));
    assert!(help(&["config", "save"]).contains("--theme"));
    for command in [&["completions"][..], &["man"], &["once"], &["config", "init"], &["config", "check"]] {
        let help = help(command);
        assert!(!help.contains("--theme") && !help.contains("--delay") && !help.contains("--no-mouse"), "{help}");
    }
}

#[test]
fn saved_settings_lie_under_the_users() {
    let home = tempfile::tempdir().unwrap();
    let saved = home.path().join(".config/benchtop/config.saved.toml");
    let save = benchtop(&["config", "save", "--theme", "nord", "processes.sort=memory"], home.path());
    assert_eq!(save.status.code(), Some(0), "{}", stderr(&save));
    assert_eq!(stdout(&save), format!("saved theme, processes.sort in {}\n", saved.display()));
    let shown = |name: &str| {
        let show = stdout(&benchtop(&["config", "show"], home.path()));
        let line = show.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("theme"), "theme = \"nord\" # saved, line 4");
    let own = home.path().join(".config/benchtop/config.toml");
    fs::write(&own, "# mine\ntheme = \"mono\"\n").unwrap();
    assert_eq!(shown("theme"), "theme = \"mono\" # file, line 2");
    assert_eq!(shown("sort"), "sort = \"memory\" # saved, line 7");
    let save = benchtop(&["config", "save", "theme=calm", "processes.tree=yes"], home.path());
    assert_eq!(save.status.code(), Some(2));
    let said = stderr(&save);
    let wins = format!("theme is set in {}:2, which wins: change that line to: theme = \"calm\"", own.display());
    assert!(said.contains(&wins) && said.contains("saved processes.tree = true in "), "{said}");
    assert_eq!(fs::read_to_string(&own).unwrap(), "# mine\ntheme = \"mono\"\n");
    for (arguments, said) in [("nope=1", "no such setting"), ("refresh=soon", "`soon` is not a duration")] {
        let save = benchtop(&["config", "save", arguments], home.path());
        assert_eq!(save.status.code(), Some(2));
        assert!(stderr(&save).contains(said), "{}", stderr(&save));
    }
}

#[test]
fn wrong_saved_setting_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/benchtop");
    fs::create_dir_all(&folder).unwrap();
    let saved = folder.join("config.saved.toml");
    let show = || stdout(&benchtop(&["config", "show"], home.path()));
    for (text, mistake) in [
        ("format = 1\ntheme = \"gone\"\nrefresh = \"2s\"\n", ":2:9: no theme `gone`"),
        ("format = 1\nrefresh = \"2s\"\n[processes]\nsort = \"no\"\n", ":4:8: `processes.sort`"),
        ("format = 1\nrefresh = \"2s\"\n[keys]\nquit = []\n", ":3:2: [keys] is not saved"),
    ] {
        fs::write(&saved, text).unwrap();
        assert!(show().contains("refresh = \"2s\""), "what is right counts: {}", show());
        assert!(show().contains("sort = \"cpu\"") && show().contains("theme = \"calm\""), "{}", show());
        let check = benchtop(&["config", "check"], home.path());
        assert_eq!(check.status.code(), Some(2));
        assert!(stderr(&check).contains(&format!("{}{mistake}", saved.display())), "{}", stderr(&check));
    }
    for text in ["format = 2\nrefresh = \"2s\"\n", "refresh = \"2s\"\n"] {
        fs::write(&saved, text).unwrap();
        assert!(show().contains("refresh = \"1s\""), "not this benchtop's: {}", show());
        assert!(stderr(&benchtop(&["config", "check"], home.path())).contains("`format`"));
    }
}

#[test]
fn rules_are_shown_when_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let show = |arguments: &[&str]| stdout(&benchtop(&[&["config", "show"], arguments].concat(), home.path()));
    assert!(!show(&[]).contains("[rules.cpu_busy]") && show(&[]).contains("config show --rules"));
    assert!(show(&["--rules"]).contains("[rules.cpu_busy]"));
}

#[test]
fn secrets_of_engines_stay_hidden() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    let show = |engines: &str| {
        fs::write(&file, format!("[containers]\nengines = [{engines}]\n")).unwrap();
        let path = file.to_str().unwrap();
        let outputs = ["show", "check"].map(|verb| benchtop(&["config", verb, "--config", path], home.path()));
        outputs.map(|output| stdout(&output) + &stderr(&output)).concat()
    };
    let said = show(r#""tcp://admin:hunter2@nas:1", "https://nas/?token=s3cr3t", "https://me:p?s3cr3t@nas""#);
    assert!(said.contains("\"tcp://***@nas:1\", \"https://nas/?***\", \"https://***\""), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("s3cr3t"), "{said}");
    let wrong = show(r#""ssh://admin:hunter2@nas""#);
    assert!(wrong.contains("`ssh://***@nas` is not an engine address") && !wrong.contains("hunter2"), "{wrong}");
}
