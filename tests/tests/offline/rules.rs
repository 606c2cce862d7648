//! `rules`, and the files with which users extend them.

use std::{fs, path::Path, process::Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::tools::{command, folder, stderr, stdout};

/// A home folder with data files.
fn home(files: &[(&str, &str)]) -> TempDir {
    let home = folder();
    let own = home.path().join(".config/agentsnoop");
    fs::create_dir_all(&own).expect("a folder for settings");
    for (name, content) in files {
        fs::write(own.join(name), content).expect("a data file");
    }
    home
}

fn rules(home: &Path, words: &[&str]) -> Output {
    let mut command = command(&[&["rules"], words].concat());
    let command = command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("SUDO_UID").current_dir(home);
    command.output().expect("agentsnoop runs")
}

#[test]
fn what_something_is_for_is_explained_by_rule_reason_and_file() {
    let home = home(&[("classes.toml", "[[off_limits]]\nreason = 'a customer'\npaths = ['/srv/customer']\n")]);
    let output = rules(
        home.path(),
        &["explain", "--json", "/srv/customer/.netrc", "TZ", "api.anthropic.com:443", "@/tmp/x", "10.0.0.1:4317"],
    );
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let all: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let shown: Vec<String> = all.iter().map(|it| format!("{} {} {}", it["what"], it["sort"], it["classes"])).collect();
    let expected = [
        r#""/srv/customer/.netrc" "path" ["off_limits","credential"]"#,
        r#""TZ" "variable" ["locale"]"#,
        r#""api.anthropic.com:443" "endpoint" ["model_endpoint"]"#,
        r#""@/tmp/x" "socket" ["local_endpoint"]"#,
        r#""10.0.0.1:4317" "endpoint" ["telemetry_endpoint"]"#,
    ];
    assert_eq!(shown, expected);
    let why = &all[0]["why"];
    let own = why.as_array().expect("a list").iter().find(|why| why["class"] == "off_limits").expect("the own rule");
    assert_eq!((&own["reason"], &own["pattern"]), (&"a customer".into(), &"/srv/customer/**".into()));
    assert!(own["file"].as_str().is_some_and(|file| file.ends_with(".config/agentsnoop/classes.toml")), "{own}");
    let text = stdout(&rules(home.path(), &["explain", "/home/x/.aws/credentials"]));
    for word in [
        "a path: credential",
        "**/.aws/credentials",
        "keys and tokens of cloud providers",
        "[classes.toml]",
        "not counted",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn the_project_is_found_from_where_one_is() {
    let home = home(&[]);
    let below = home.path().join("p/src");
    fs::create_dir_all(&below).expect("folders");
    fs::create_dir(home.path().join("p/.git")).expect("a folder");
    let file = home.path().canonicalize().expect("a folder").join("p/README");
    let mut words = command(&["rules", "explain", "--json"]);
    let output = words.arg(&file).env("HOME", home.path()).current_dir(&below).output().expect("agentsnoop runs");
    assert!(stdout(&output).contains(r#""classes":["project_file"]"#), "{}", stdout(&output));
}

#[test]
fn rules_are_listed_by_class() {
    let home = home(&[]);
    let output = rules(home.path(), &["list", "--json", "--class", "package_registry"]);
    let all: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(
        all.len() >= 5 && all.iter().all(|rule| rule["class"] == "package_registry" && rule["sort"] == "endpoint"),
        "{all:?}"
    );
    let output = rules(home.path(), &["list", "--class", "telemetry"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("did you mean `telemetry_endpoint`?"), "{}", stderr(&output));
}

#[test]
fn a_data_file_is_checked_with_line_and_what_was_expected() {
    let home = home(&[]);
    let good = home.path().join("classes.toml");
    fs::write(&good, "[[allowed]]\nnames = ['git.corp.example']\n").expect("a file");
    let output = rules(home.path(), &["check", "classes.toml"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "classes.toml: can be used\n"));
    let cases = [
        ("classes.toml", "[[allowed]]\nname = ['x']\n", "classes.toml:2: unknown field `name`"),
        ("agents.toml", "[[agent]]\nname = 'x'\nexe = ['[']\n", "agents.toml:1: agent `x`"),
        (
            "delegates.toml",
            "[[delegate]]\nname = 'x'\nreason = 'y'\npatterns = ['/[']\n",
            "delegates.toml:4: delegate `x`",
        ),
        ("scrub.toml", "[[rule]]\nid = 'x'\npattern = '('\n", "scrub.toml:3: rule `x`"),
    ];
    for (name, content, expected) in cases {
        fs::write(home.path().join(name), content).expect("a file");
        let output = rules(home.path(), &["check", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stdout(&output).starts_with(expected), "{}", stdout(&output));
    }
    assert_eq!(rules(home.path(), &["check", "missing/classes.toml"]).status.code(), Some(4));
    let output = rules(home.path(), &["check", "mine.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--set"), "{}", stderr(&output));
}

#[test]
fn a_file_that_cannot_be_used_is_told_and_the_others_are_in_force() {
    let home = home(&[
        ("classes.toml", "[[path]]\nclass = 'credentail'\npatterns = ['/x']\n"),
        ("delegates.toml", "[[delegate]]\nname = 'x'\nreason = 'y'\npatterns = ['/x']\n"),
    ]);
    let output = rules(home.path(), &["explain", "/etc/shadow"]);
    assert_eq!(output.status.code(), Some(0));
    let said = stderr(&output);
    assert!(
        said.contains("classes.toml: line 2: `credentail` is no resource class; did you mean `credential`?"),
        "{said}"
    );
    assert!(said.ends_with("; nothing of it is in force\n") && said.lines().count() == 1, "{said}");
    assert!(stdout(&output).contains("credential"), "{}", stdout(&output));
    let output = rules(home.path(), &["check"]);
    assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(1), 2));
}
