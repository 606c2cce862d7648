//! Which files are the project's.

use agentsnoop_pipeline::{
    Pipeline, Record, Request,
    enrich::Class,
    input::{Config, Input, Observed, Opened},
    synthetic::{Actor, Program},
};

use crate::common::{judge, run};

fn agent(cwd: &str) -> (Actor, Vec<Input>) {
    let mut actor = Actor::new(10);
    let exe = "/n/node_modules/@anthropic-ai/claude-code/bin/claude.exe";
    let exec = actor.exec(Program { exe, argv: &["claude"], cwd, ..Program::default() });
    (actor, vec![run(10), exec])
}

fn answer(cwd: &str, root: Option<&str>) -> Input {
    Input::Observed(Observed::Project { cwd: cwd.to_owned(), root: root.map(str::to_owned) })
}

fn is_in_project(record: &Record) -> bool {
    record.classes.contains(Class::ProjectFile)
}

#[test]
fn the_project_is_the_repository_around_the_working_directory() {
    let (mut actor, inputs) = agent("/src/app/web");
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    let asked: Vec<Request> = inputs.iter().flat_map(|input| pipeline.push(input, &mut records)).collect();
    assert!(asked.contains(&Request::Project { pid: 10, cwd: "/src/app/web".to_owned() }), "{asked:?}");
    let mut open = |path: &str, pipeline: &mut Pipeline| {
        let mut records = Vec::new();
        let _ = pipeline.push(&actor.open(path), &mut records);
        is_in_project(&records.remove(0))
    };
    assert!(
        open("/src/app/web/x", &mut pipeline) && !open("/src/app/x", &mut pipeline),
        "as long as nobody has answered"
    );
    let _ = pipeline.push(&answer("/src/app/web", Some("/src/app")), &mut records);
    assert!(open("/src/app/x", &mut pipeline) && open("/src/app", &mut pipeline) && !open("/src/apple", &mut pipeline));
    // A pipeline that goes on from what is known, as a segment does, knows it as well.
    let known = pipeline.restate(&mut records);
    let mut next = Pipeline::new().unwrap();
    next.resume(&Opened::default(), Some(&Config::default()), &known, pipeline.next_id());
    assert!(open("/src/app/x", &mut next) && !open("/src/x", &mut next));
}

#[test]
fn without_a_repository_it_is_the_working_directory() {
    let (mut actor, mut inputs) = agent("/src/app");
    inputs.extend([answer("/src/app", None), actor.open("/src/app/x"), actor.open("/src/x")]);
    let records = judge(&inputs);
    let [.., inside, outside] = &records[..] else { panic!("{records:?}") };
    assert!(is_in_project(inside) && !is_in_project(outside));
}

#[test]
fn what_is_not_around_the_working_directory_is_no_project() {
    for root in ["/", "/src/other", "/src/ap", ""] {
        let (mut actor, mut inputs) = agent("/src/app");
        inputs.extend([answer("/src/app", Some(root)), actor.open("/src/app/x"), actor.open("/src/other/x")]);
        let records = judge(&inputs);
        let [.., inside, outside] = &records[..] else { panic!("{records:?}") };
        assert!(is_in_project(inside) && !is_in_project(outside), "{root}");
    }
}
