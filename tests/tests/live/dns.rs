//! Messages to and from name servers, and the names that they give to what is connected to.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Observation, Seen, expect, observe, trial};

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

/// Observes a client of this program in a network with a name server.
fn ask(how: &str) -> Result<Seen> {
    let seen = observe(&["dns", "network", "itself", how])?;
    ensure!(seen.output.status.success(), "{}", seen.stderr());
    Ok(seen)
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
    let seen = ask("glibc")?;
    let mut expected = look_up("glibc.example.com").to_vec();
    expected.insert(1, (false, "glibc.example.com".into(), "AAAA".into(), json!([])));
    expected.push((true, "glibc.example.com".into(), "AAAA".into(), json!([network::ALIAS])));
    let messages = messages(&seen)?;
    ensure!(messages == expected, "{messages:#?}");
    is_named(&seen, "glibc.example.com")?;
    let lines = String::from_utf8(
        crate::harness::agentsnoop().arg("replay").arg(&seen.file).output().context("cannot replay")?.stdout,
    )?;
    let endpoint = format!("glibc.example.com (dns) {}:{}", network::ADDRESS, network::PORT);
    ensure!(lines.contains(&endpoint), "no {endpoint:?} in {lines}");
    ensure!(seen.stderr().contains(&endpoint), "no {endpoint:?} in {}", seen.stderr());
    seen.is_whole()
}

fn datagrams() -> Result<()> {
    for how in ["connected", "unconnected", "write", "vector"] {
        let seen = ask(how)?;
        let messages = messages(&seen).with_context(|| how.to_owned())?;
        ensure!(messages == look_up(&format!("{how}.example.com")), "{how}: {messages:#?}");
        for record in seen.kind("dns") {
            expect(record, "/dns/server", "127.0.0.1")?;
        }
        seen.is_whole()?;
    }
    let seen = ask("ipv6")?;
    let found = messages(&seen)?;
    ensure!(found == look_up("ipv6.example.com"), "{found:#?}");
    expect(seen.kind("dns")[0], "/dns/server", "::1")?;
    let seen = ask("several")?;
    let found = messages(&seen)?;
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
}

fn streams() -> Result<()> {
    for how in ["tcp-whole", "tcp-parted", "tcp-vector"] {
        let seen = ask(how)?;
        let messages = messages(&seen).with_context(|| how.to_owned())?;
        ensure!(messages == look_up(&format!("{how}.example.com")), "{how}: {messages:#?}");
        seen.is_whole()?;
    }
    let seen = ask("tcp-two")?;
    let messages = messages(&seen)?;
    let [[one_asked, one_told], [two_asked, two_told]] = ["tcp-one.example.com", "tcp-two.example.com"].map(look_up);
    ensure!(messages == [one_asked, two_asked, one_told, two_told], "{messages:#?}");
    Ok(())
}

fn absent() -> Result<()> {
    let seen = ask("absent")?;
    let answers: Vec<_> = seen.kind("dns").into_iter().filter(|record| record["dns"]["response"] == true).collect();
    ensure!(answers.len() == 1, "{answers:#?}");
    expect(answers[0], "/dns/error", "NXDOMAIN")
}

fn long() -> Result<()> {
    let seen = ask("long")?;
    let answer = seen.kind("dns").into_iter().find(|record| record["dns"]["response"] == true).context("no answer")?;
    expect(answer, "/dns/answers_state", "cut")?;
    expect(answer, "/dns/question", "long.example.com")?;
    let first = answer.pointer("/dns/answers/0").and_then(Value::as_str).unwrap_or_default();
    ensure!(first == "x".repeat(network::LONG_TEXT), "{answer:#}");
    seen.is_whole()
}

fn small_buffer() -> Result<()> {
    let seen = ask("small")?;
    let answer = seen.kind("dns").into_iter().find(|record| record["dns"]["response"] == true).context("no answer")?;
    ensure!(answer.pointer("/dns/answers").is_none(), "what stood behind the buffer is in {answer:#}");
    expect(answer, "/dns/question", "small.example.com")?;
    expect(answer, "/dns/answers_state", "cut")
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
