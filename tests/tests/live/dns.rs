//! Messages to and from name servers, and the names that they give to what is connected to.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Observation, Seen, expect, judge, trial};

pub(crate) mod asking;
pub(crate) mod network;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("glibc's two questions and their answers are seen, and the connect that follows has the name", glibc),
        trial("a message to a name server is seen once, whichever call moves it", datagrams),
        trial("a message over TCP is seen once, however it is cut into calls", streams),
        trial("a name that does not exist is seen with the response code", absent),
        trial("of a long answer the head is recorded, and it says so", long),
        trial("nothing behind the end of a caller's buffer is recorded", small_buffer),
    ];
    trials.push(of_program(
        "node",
        "the look-up of node's own resolver is seen, and the connect that follows has the name",
        node,
    ));
    trials
}

/// The test of a program's resolver; without the program it is skipped under a name that says so.
fn of_program(program: &str, name: &str, body: fn() -> Result<()>) -> Trial {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return trial(name, body);
    }
    trial(&format!("{name} (skipped: there is no {program})"), body).with_ignored_flag(true)
}

/// Observes a client of this program in a network with a name server, and judges what was seen.
fn ask(how: &str, judgement: impl Fn(&Seen) -> Result<()>) -> Result<()> {
    judge(&["dns", "network", "itself", how], |seen| {
        ensure!(seen.output.status.success(), "{}", seen.stderr());
        judgement(seen).with_context(|| how.to_owned())
    })
}

/// What the messages say, in any order: whether it is a response, the name, the type, the answers.
fn messages(seen: &Seen) -> Result<Vec<(bool, String, String, Value)>> {
    // The server belongs to the same tree, and what it receives and sends is none of its own look-ups.
    let said = seen.stdout();
    let client: u64 = said.trim().parse().with_context(|| format!("the client said {said:?}"))?;
    let mut messages = Vec::new();
    for record in seen.kind("dns") {
        expect(record, "/process/pid", client)?;
        expect(record, "/dns/port", 53)?;
        let dns = &record["dns"];
        let text = |field: &str| dns[field].as_str().unwrap_or_default().to_owned();
        let answers = dns.get("answers").cloned().unwrap_or_else(|| json!([]));
        messages.push((dns["response"] == true, text("question"), text("type"), answers));
    }
    messages.sort_by_key(|(response, question, kind, _)| (*response, question.clone(), kind.clone()));
    Ok(messages)
}

/// The messages of a look-up of one address by one name.
fn look_up(name: &str) -> [(bool, String, String, Value); 2] {
    let answers = json!([network::ALIAS, network::ADDRESS.to_string()]);
    [(false, name.into(), "A".into(), json!([])), (true, name.into(), "A".into(), answers)]
}

/// Fails unless the connect that follows has the name.
fn is_named(seen: &Seen, name: &str) -> Result<()> {
    let connects = seen.kind("connect").into_iter().filter(|record| record["connect"]["protocol"] == "tcp");
    let connects: Vec<_> = connects.filter(|record| record["connect"]["port"] == network::PORT).collect();
    ensure!(connects.len() == 1, "{connects:#?}");
    expect(connects[0], "/connect/address", network::ADDRESS.to_string())?;
    expect(connects[0], "/connect/name", name)?;
    expect(connects[0], "/connect/name_source", "dns")
}

fn glibc() -> Result<()> {
    ask("glibc", |seen| {
        let mut expected = look_up("glibc.example.com").to_vec();
        expected.insert(1, (false, "glibc.example.com".into(), "AAAA".into(), json!([])));
        expected.push((true, "glibc.example.com".into(), "AAAA".into(), json!([network::ALIAS])));
        let messages = messages(seen)?;
        ensure!(messages == expected, "{messages:#?}");
        is_named(seen, "glibc.example.com")?;
        let lines = String::from_utf8(
            crate::harness::agentsnoop().arg("replay").arg(&seen.file).output().context("cannot replay")?.stdout,
        )?;
        let endpoint = format!("glibc.example.com (dns) {}:{}", network::ADDRESS, network::PORT);
        ensure!(lines.contains(&endpoint), "no {endpoint:?} in {lines}");
        ensure!(seen.stderr().contains(&endpoint), "no {endpoint:?} in {}", seen.stderr());
        seen.is_whole()
    })
}

fn datagrams() -> Result<()> {
    for (how, server) in [
        ("connected", "127.0.0.1"),
        ("unconnected", "127.0.0.1"),
        ("write", "127.0.0.1"),
        ("vector", "127.0.0.1"),
        ("ipv6", "::1"),
    ] {
        ask(how, |seen| {
            let messages = messages(seen)?;
            ensure!(messages == look_up(&format!("{how}.example.com")), "{messages:#?}");
            for record in seen.kind("dns") {
                expect(record, "/dns/server", server)?;
            }
            seen.is_whole()
        })?;
    }
    ask("several", |seen| {
        let found = messages(seen)?;
        let mut names: Vec<String> = (0..asking::SEVERAL).map(|at| format!("several-{at}.example.com")).collect();
        names.sort();
        let part = |at: usize| names.iter().map(move |name| look_up(name)[at].clone());
        ensure!(found == part(0).chain(part(1)).collect::<Vec<_>>(), "{found:#?}");
        // Every other one goes to the other server, and its answer comes from there.
        let servers =
            |server: &str| seen.kind("dns").into_iter().filter(|record| record["dns"]["server"] == server).count();
        ensure!(
            servers("127.0.0.1") == asking::SEVERAL && servers("127.0.0.2") == asking::SEVERAL,
            "{:#?}",
            seen.kind("dns")
        );
        seen.is_whole()
    })
}

fn streams() -> Result<()> {
    for how in ["tcp-whole", "tcp-parted", "tcp-vector"] {
        ask(how, |seen| {
            let messages = messages(seen)?;
            ensure!(messages == look_up(&format!("{how}.example.com")), "{messages:#?}");
            seen.is_whole()
        })?;
    }
    ask("tcp-two", |seen| {
        let messages = messages(seen)?;
        let [[one_asked, one_told], [two_asked, two_told]] =
            ["tcp-one.example.com", "tcp-two.example.com"].map(look_up);
        ensure!(messages == [one_asked, two_asked, one_told, two_told], "{messages:#?}");
        Ok(())
    })
}

fn absent() -> Result<()> {
    ask("absent", |seen| {
        let answers: Vec<_> = seen.kind("dns").into_iter().filter(|record| record["dns"]["response"] == true).collect();
        ensure!(answers.len() == 1, "{answers:#?}");
        expect(answers[0], "/dns/error", "NXDOMAIN")
    })
}

/// The one answer that was seen.
fn the_answer(seen: &Seen) -> Result<&Value> {
    seen.kind("dns").into_iter().find(|record| record["dns"]["response"] == true).context("no answer")
}

fn long() -> Result<()> {
    ask("long", |seen| {
        let answer = the_answer(seen)?;
        expect(answer, "/dns/answers_state", "cut")?;
        expect(answer, "/dns/question", "long.example.com")?;
        let first = answer.pointer("/dns/answers/0").and_then(Value::as_str).unwrap_or_default();
        ensure!(first == "x".repeat(network::LONG_TEXT), "{answer:#}");
        seen.is_whole()
    })
}

fn small_buffer() -> Result<()> {
    ask("small", |seen| {
        let answer = the_answer(seen)?;
        ensure!(answer.pointer("/dns/answers").is_none(), "what stood behind the buffer is in {answer:#}");
        expect(answer, "/dns/question", "small.example.com")?;
        expect(answer, "/dns/answers_state", "cut")
    })
}

fn node() -> Result<()> {
    let script = format!(
        "require('dns').resolve4('node.example.com', (error, found) => {{ if (error) throw error; \
         require('net').connect({}, found[0], function () {{ this.destroy() }}) }}); console.log(process.pid)",
        network::PORT
    );
    let own = crate::harness::own_program()?.display().to_string();
    let seen = Observation::command(&[&own, "trigger", "dns", "network", "program", "node", "-e", &script]).run()?;
    ensure!(seen.output.status.success(), "{}", seen.stderr());
    let messages = messages(&seen)?;
    ensure!(messages == look_up("node.example.com"), "{messages:#?}");
    is_named(&seen, "node.example.com")
}
