//! Files, variables and flags of the test's own, laid over what is built in.

use super::*;

fn known() -> Known {
    let columns = vec![
        ("processes", vec!["pid", "cpu", "memory"]),
        ("containers", vec!["name", "cpu"]),
        ("pools", vec!["name", "used"]),
    ];
    Known { panes: vec!["cpu", "memory", "processes"], columns, ..Known::nothing() }
}

/// What is read of this file with these variables and flags, and what is wrong, from the line on.
fn of(text: &str, env: &[(&str, &str)], flags: Vec<Flag>) -> (Loaded, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, text).expect("it is written");
    let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let known = known();
    let (loaded, diagnostics) = load(&Request { file: Some(file.clone()), flags, env: &env, known: &known });
    assert_eq!(loaded.file, Some(file.clone()));
    let place = format!("{}:", file.display());
    (loaded, diagnostics.iter().map(|said| said.to_string().replace(&place, "")).collect())
}

fn wrong(text: &str) -> Vec<String> {
    of(text, &[], Vec::new()).1
}

const NOTHING: [&str; 0] = [];

#[test]
fn settings_are_read_and_shown_as_they_were_written() {
    let lines = [
        ("refresh", "\"500ms\""),
        ("theme", "\"nord\""),
        ("colors", "\"256\""),
        ("ascii", "true"),
        ("mouse", "false"),
        ("read_only", "true"),
        ("temperature", "\"fahrenheit\""),
        ("energy_price", "0.32"),
        ("currency", "\"CHF\""),
        ("root", "\"/\""),
        ("log", "\"/tmp/x.log\""),
        ("layout.rows", "[[\"cpu\", \"memory\"], [\"processes\"]]"),
        ("layout.hide", "[\"memory\"]"),
        ("processes.columns", "[\"cpu\", \"pid\"]"),
        ("processes.sort", "\"memory\""),
        ("processes.reverse", "true"),
        ("processes.tree", "true"),
        ("containers.columns", "[\"cpu\"]"),
        ("containers.engines", "[\"tcp://nas:2375\"]"),
        ("pools.sort", "\"used\""),
        ("model_probe.every", "\"1d\""),
        ("history.enabled", "false"),
        ("sources.disabled", "[\"pools\"]"),
        ("hide.disks", "[\"loop*\", \"ram*\"]"),
        ("bench.file_size", "\"64M\""),
        ("bench.image", "\"alpine\""),
    ];
    let text: String = lines.iter().map(|(path, value)| format!("{path} = {value}\n")).collect();
    let (loaded, wrong) = of(&text, &[], Vec::new());
    assert_eq!(wrong, NOTHING);
    for (line, (path, value)) in (1..).zip(lines) {
        let field = FIELDS.iter().find(|field| field.path == path).expect(path);
        assert_eq!((field.show)(&loaded.settings).as_deref(), Some(value), "{path}");
        let Origin::File(at, _) = loaded.origin(path) else { panic!("{path}: {:?}", loaded.origin(path)) };
        assert_eq!(at, line, "{path}");
    }
    assert_eq!(loaded.origin("processes.threads"), Origin::BuiltIn);
}

#[test]
fn sizes_are_written_in_the_unit_that_loses_nothing() {
    for (written, shown) in
        [("\"2G\"", "\"2G\""), ("\"1536M\"", "\"1536M\""), ("67108864", "\"64M\""), ("67108865", "\"67108865\"")]
    {
        let (loaded, wrong) = of(&format!("bench.file_size = {written}\n"), &[], Vec::new());
        assert_eq!(wrong, NOTHING);
        let field = FIELDS.iter().find(|field| field.path == "bench.file_size").expect("a setting");
        assert_eq!((field.show)(&loaded.settings).as_deref(), Some(shown));
    }
    assert_eq!(wrong("bench.file_size = 67108863\n"), ["1:19: `bench.file_size` is less than 64M"]);
    let hint = "\n  hint: write it like \"2G\" or \"512M\"";
    for bad in ["\"much\"", "true"] {
        assert_eq!(
            wrong(&format!("bench.file_size = {bad}\n")),
            [format!("1:19: `bench.file_size` is not a size{hint}")]
        );
    }
}

#[test]
fn prices_are_not_negative() {
    let price = |written: &str| {
        let (loaded, wrong) = of(&format!("energy_price = {written}\n"), &[], Vec::new());
        (loaded.settings.energy_price, wrong.len())
    };
    let before = Settings::default().energy_price;
    assert_eq!((price("0.0"), price("0"), price("3")), ((0.0, 0), (0.0, 0), (3.0, 0)));
    for bad in ["-0.1", "-1", "inf", "\"3\""] {
        assert_eq!(price(bad), (before, 1), "{bad}");
    }
}

#[test]
fn an_unknown_key_gets_a_suggestion() {
    let place = |key: &str, what: &str, hint: &str| [format!("{key}: {what}\n  hint: {hint}")];
    assert_eq!(wrong("refesh = 1\n"), place("1:1", "unknown key `refesh`", "did you mean `refresh`?"));
    assert_eq!(wrong("sort = \"cpu\"\n"), place("1:1", "unknown key `sort`", "`sort` belongs under [processes]"));
    assert_eq!(
        wrong("[processes]\ntheme = \"nord\"\n"),
        place("2:1", "unknown key `theme` in [processes]", "`theme` belongs at the top, before the first [section]")
    );
    assert_eq!(
        wrong("[processes]\nascending = true\n"),
        place(
            "2:1",
            "unknown key `ascending` in [processes]",
            "replaced by `reverse`, which reverses the column's default order"
        )
    );
    assert_eq!(
        wrong("[model_probe]\ncolour = 1\n"),
        place("2:1", "unknown key `colour` in [model_probe]", "known here: enabled, every")
    );
    assert_eq!(
        wrong("[processses]\nsort = 1\n"),
        place("1:2", "unknown key `processses`", "did you mean `processes`?")
    );
    assert_eq!(
        wrong("processes = 1\n"),
        place("1:13", "`processes` is a whole number, not a table", "write [processes] on a separate line")
    );
}

#[test]
fn layouts_have_rows_of_different_panes() {
    let hint = "\n  hint: write rows of panes: [[\"cpu\", \"memory\"], [\"processes\"]]";
    let rows = |rows: &str| wrong(&format!("layout.rows = {rows}\n"));
    assert_eq!(rows("1"), [format!("1:15: `layout.rows` is a whole number, not a list of rows{hint}")]);
    assert_eq!(rows("[\"cpu\"]"), [format!("1:16: `layout.rows`: a row is a string, not a list{hint}")]);
    assert_eq!(rows("[]"), [format!("1:15: `layout.rows` has no pane{hint}")]);
    assert_eq!(rows("[[]]"), [format!("1:15: `layout.rows` has no pane{hint}")]);
    assert_eq!(rows("[[\"cpu\"], [\"memory\", \"cpu\"]]"), ["1:25: `layout.rows`: pane `cpu` is in two rows"]);
    assert_eq!(rows("[[\"cpu\", \"gpu\"]]"), ["1:24: `layout.rows`: no pane `gpu`\n  hint: did you mean `cpu`?"]);
}

#[test]
fn engines_are_addresses() {
    for bad in ["docker", "unix://", "ssh://nas"] {
        let said = wrong(&format!("containers.engines = [\"{bad}\"]\n"));
        assert!(said.len() == 1 && said[0].contains("` is not an engine address\n  hint: write unix://"), "{said:?}");
    }
    for good in ["unix:///x", "tcp://n:1", "http://n:1", "https://n:1"] {
        assert_eq!(wrong(&format!("containers.engines = [\"{good}\"]\n")), NOTHING, "{good}");
    }
}

#[test]
fn tables_need_a_column_and_an_order_that_they_have() {
    assert_eq!(wrong("[processes]\ncolumns = []\n"), ["2:11: `processes.columns` is empty: a table needs a column"]);
    assert_eq!(
        wrong("[processes]\nsort = \"cpuu\"\n"),
        ["2:8: `processes.sort`: no column `cpuu`\n  hint: did you mean `cpu`?"]
    );
}

#[test]
fn roots_are_directories() {
    let said = wrong("root = \"/no/such/folder\"\n");
    let hint = "name a directory with proc and sys in it, such as `/`";
    assert_eq!(said, [format!("1:8: `root`: no directory `/no/such/folder`\n  hint: {hint}")]);
}

#[test]
fn a_root_is_shown_without_a_slash_at_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let field = FIELDS.iter().find(|field| field.path == "root").expect("a setting");
    for slash in ["", "/"] {
        let (loaded, wrong) = of(&format!("root = \"{}{slash}\"\n", folder.path().display()), &[], Vec::new());
        assert_eq!(wrong, NOTHING);
        assert_eq!((field.show)(&loaded.settings), Some(format!("\"{}\"", folder.path().display())));
    }
}

#[test]
fn flags_are_stronger_than_variables_and_these_than_the_file() {
    let text = "refresh = \"5s\"\ntheme = \"nord\"\nascii = false\n";
    let env = [("BENCHTOP_REFRESH", "3s"), ("BENCHTOP_THEME", ""), ("BENCHTOP_ASCII", "yes"), ("NO_COLOR", "1")];
    let delay = Flag { path: "refresh", name: "--delay", value: "0.5".to_owned() };
    let (loaded, wrong) = of(text, &env, vec![delay]);
    assert_eq!(wrong, NOTHING);
    assert_eq!(loaded.settings.refresh.as_millis(), 500);
    assert_eq!((loaded.settings.theme.as_str(), loaded.settings.ascii), ("nord", true));
    assert_eq!(loaded.settings.colors, crate::config::settings::Colors::None);
    assert_eq!(loaded.origin("refresh"), Origin::Flag("--delay"));
    assert_eq!(loaded.origin("theme"), Origin::File(2, 9), "an empty variable is none");
    assert_eq!(loaded.origin("ascii"), Origin::Env("BENCHTOP_ASCII"));
    assert_eq!(loaded.origin("colors"), Origin::Env("NO_COLOR"));
    let pinned = &loaded.settings.saving.pinned;
    assert_eq!(pinned.get("theme"), Some(&Pin::Line(2)));
    assert_eq!(pinned.get("ascii"), Some(&Pin::Variable("BENCHTOP_ASCII".to_owned())));
    let variable = Pin::Variable("BENCHTOP_REFRESH".to_owned());
    assert_eq!(pinned.get("refresh"), Some(&variable), "the flag is for this run alone");
}

#[test]
fn a_wrong_variable_is_named_and_leaves_what_was_before() {
    let (loaded, wrong) = of("refresh = \"5s\"\n", &[("BENCHTOP_REFRESH", "soon")], Vec::new());
    assert_eq!(loaded.settings.refresh.as_secs(), 5);
    let [said] = wrong.as_slice() else { panic!("{wrong:?}") };
    assert!(said.starts_with("BENCHTOP_REFRESH: `soon` is not a duration\n  hint: write it like"), "{said}");
}

#[test]
fn every_section_is_read_with_its_place() {
    let text = "[[service]]\nname = \"web\"\nurl = \"http://web\"\n[[maintenance]]\nname = \"night\"\n\
                from = \"01:00\"\nto = \"02:00\"\n[[model_server]]\nname = \"llm\"\nurl = \"http://llm\"\n\
                [keys]\nquit = [\"q\", \"Q\"]\nhelp = \"?\"\n[roles]\nssd = \"sda\"\n";
    let (loaded, wrong) = of(text, &[], Vec::new());
    assert_eq!(wrong, NOTHING);
    let settings = &loaded.settings;
    assert_eq!(settings.services.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["web"]);
    assert_eq!(settings.maintenance.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["night"]);
    assert_eq!(settings.model_servers.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["llm"]);
    assert_eq!(settings.keys.get("quit").map(Vec::as_slice), Some(&["q".to_owned(), "Q".to_owned()][..]));
    assert_eq!(settings.keys.get("help").map(Vec::as_slice), Some(&["?".to_owned()][..]));
    assert_eq!(settings.targets.roles.get(&crate::target::Role::Ssd).map(String::as_str), Some("sda"));
    for (path, line, column) in [
        ("service.web", 2, 8),
        ("maintenance.night", 4, 1),
        ("model_server.llm", 8, 1),
        ("keys.quit", 12, 1),
        ("keys.quit[1]", 12, 14),
        ("keys.help[0]", 13, 8),
    ] {
        assert_eq!(loaded.origin(path), Origin::File(line, column), "{path}");
    }
}

#[test]
fn sections_of_another_form_are_refused() {
    assert_eq!(
        wrong("keys = 1\n"),
        ["1:8: `keys` is a whole number, not a table\n  hint: write [keys] on a separate line"]
    );
    let said = wrong("[keys]\nquit = [1]\n");
    assert!(said.len() == 1 && said[0].starts_with("2:9: "), "{said:?}");
    for section in ["targets", "roles", "notify"] {
        let said = wrong(&format!("{section} = 1\n"));
        assert!(said.len() == 1 && said[0].contains("is a whole number, not a table"), "{said:?}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let known = known();
    let read = |file: Option<&str>, env: &dyn Fn(&str) -> Option<String>| {
        let (loaded, wrong) = load(&Request { file: file.map(Into::into), flags: Vec::new(), env, known: &known });
        assert_eq!(loaded.file, None);
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let hint = "hint: `benchtop config init` writes one with every setting explained";
    assert_eq!(
        read(Some("/no/such.toml"), &|_| None),
        [format!("/no/such.toml: --config names it, but the file does not exist\n  {hint}")]
    );
    let variable = |name: &str| (name == "BENCHTOP_CONFIG").then(|| "/no/other.toml".to_owned());
    assert_eq!(
        read(None, &variable),
        [format!("/no/other.toml: BENCHTOP_CONFIG names it, but the file does not exist\n  {hint}")]
    );
    assert!(read(Some("/no/such.toml"), &variable)[0].starts_with("/no/such.toml: --config"));
}

#[test]
fn a_folder_of_settings_that_answers_is_not_called_silent() {
    let known = known();
    let (loaded, _) = load(&Request { file: None, flags: Vec::new(), env: &|_| None, known: &known });
    let silent = |said: &&Diagnostic| said.what.contains("does not answer");
    assert_eq!(loaded.passed_over.iter().find(silent), None);
    assert_eq!(loaded.settings.saving.file.is_some(), paths::config_file().is_some());
}

/// Of the published test values, their halves combined.
#[test]
fn version_of_a_text_is_the_same_everywhere() {
    assert_eq!([version(""), version("a")], ["4fd0bfc1", "296230c0"]);
}

/// What is read with these rules, which are merged by adding the names of a file's.
fn with_rules(text: &str) -> (Loaded, Vec<String>) {
    let known = Known {
        merge_rules: |rules, place, _, table| {
            let add = |name: &str| crate::alert::Rule::new(name, crate::model::metrics::LOAD1);
            rules.extend(table.keys().map(|name| add(name.get_ref())));
            vec![Diagnostic::new(place, "merged")]
        },
        check_keys: |keys| {
            let wrong = |name: &String| (format!("keys.{name}"), "no such key".to_owned(), Some("try q".to_owned()));
            keys.keys().map(wrong).collect()
        },
        rules: vec![crate::alert::Rule::new("shipped", crate::model::metrics::LOAD1)],
        ..known()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, text).expect("it is written");
    let (loaded, wrong) = load(&Request { file: Some(file.clone()), flags: Vec::new(), env: &|_| None, known: &known });
    let place = file.display().to_string();
    (loaded, wrong.iter().map(|said| said.to_string().replace(&place, "c.toml")).collect())
}

#[test]
fn rules_and_keys_are_checked_where_they_are_at_home() {
    let (loaded, wrong) = with_rules("[rules.busy]\nwarn = 1\n");
    assert_eq!(wrong, ["c.toml: merged"]);
    let ids: Vec<&str> = loaded.settings.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!((ids, loaded.origin("rules.busy")), (vec!["shipped", "busy"], Origin::File(1, 8)));
    let (loaded, wrong) = with_rules("rules = 1\n");
    let what = "c.toml:1:9: `rules` is a whole number, not a table\n  hint: write [rules.cpu_busy] on a separate line";
    assert_eq!((wrong, loaded.settings.rules.len()), (vec![what.to_owned()], 1));
    let (_, wrong) = with_rules("[keys]\nquit = \"x\"\n");
    assert_eq!(wrong, ["c.toml:2:1: no such key\n  hint: try q"]);
}

#[test]
fn lines_of_the_machine_s_file_do_not_win_over_what_is_saved() {
    let pinned = |file: PathBuf, own: &str| {
        let (mut loaded, _) = of("theme = \"nord\"\n", &[("BENCHTOP_ASCII", "yes")], Vec::new());
        (loaded.file, loaded.settings.saving.own) = (Some(file), Some(own.into()));
        let known = known();
        let mut loader = Loader { known: &known, loaded, diagnostics: Vec::new(), layer: Layer::Own };
        loader.pin();
        loader.loaded.settings.saving.pinned.into_keys().collect::<Vec<_>>()
    };
    let system = paths::system_file();
    assert_eq!(pinned(system.clone(), "/home/ada/config.toml"), ["ascii"]);
    assert_eq!(pinned(system.clone(), &system.display().to_string()), ["ascii", "theme"], "the user named it");
    assert_eq!(pinned("/home/ada/config.toml".into(), "/home/ada/config.toml"), ["ascii", "theme"]);
}
