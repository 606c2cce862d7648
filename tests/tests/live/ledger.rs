//! Nothing is lost in silence.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use agentsnoop_pipeline::input::Input;
use agentsnoop_store::{Item, Reader};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, Seen, observe, once, trial, verify};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("with the ring at its usual size a burst of 100,000 opens arrives whole", burst),
        trial("with a tiny ring the exact number lost is told, on which CPU and between which events", overflow),
        trial("under --strict a loss is the exit code", strict),
    ]
}

fn burst() -> Result<()> {
    let seen = observe(&["opens", "100000", "/etc/hostname"])?;
    let opens = seen.kind("open").into_iter().filter(|open| open["open"]["requested"] == "/etc/hostname").count();
    ensure!(opens == 100_000, "{opens} of 100,000 opens");
    seen.is_whole()
}

/// The number of opens is known, so what is recorded and what is said to be lost must add up to it exactly.
fn overflow() -> Result<()> {
    const OPENS: u64 = 50_000;
    const PATH: &str = "/etc/hostname";
    let beside = observe(&["opens", "0", PATH])?;
    beside.is_whole()?;
    let beside = beside.kind("open").len() as u64;

    let seen = Observation::trigger(&["opens", &OPENS.to_string(), PATH])?.options(&["--ring-bytes", "4096"]).run()?;
    let verdict = verify(&seen.file)?;
    let lost = verdict["lost"].as_u64().context("verify tells no loss")?;
    ensure!(lost > 0, "a ring of 4096 bytes lost nothing of {OPENS} opens");
    ensure!(verdict["ledger"]["balanced"] == true, "the ledger does not balance: {verdict:#}");

    let opens = |counts: &str| verdict["ledger"][counts]["open"].as_u64().with_context(|| format!("no {counts}"));
    let (begun, gone) = (opens("seen_by_kind")?, opens("lost_by_kind")?);
    let recorded = seen.kind("open").len() as u64;
    ensure!(begun == OPENS + beside, "the kernel half saw {begun} opens of {OPENS} and the {beside} of any start");
    ensure!(begun == recorded + gone, "{begun} opens seen, but {recorded} recorded and {gone} lost");
    let of_the_path = seen.kind("open").into_iter().filter(|open| open["open"]["requested"] == PATH).count() as u64;
    ensure!(
        (OPENS.saturating_sub(gone)..=OPENS).contains(&of_the_path),
        "{of_the_path} of {OPENS} opens of {PATH} recorded, {gone} lost"
    );

    let losses = seen.kind("loss");
    each_has_its_place(&seen, &losses)?;
    ensure!(by_cpu(&losses)? == counted_by_cpu(&seen.file)?, "the losses do not name the CPUs that counted them");
    let told = seen.told("lost");
    let expected = format!("{lost} events at {} place", losses.len());
    ensure!(
        told.as_ref().is_some_and(|told| told.starts_with(&expected)),
        "the summary says {told:?}, not {expected}s"
    );
    Ok(())
}

/// Fails unless the numbers of each loss lie just between those of its neighbours, which are in the recording. Counters that
/// were read in the middle of a loss tell it in two parts; between a part and its neighbour is then nothing but the other.
fn each_has_its_place(seen: &Seen, losses: &[&Value]) -> Result<()> {
    let ids: HashSet<&str> = seen.records.iter().filter_map(|record| record["id"].as_str()).collect();
    let mut lost = HashSet::new();
    for loss in losses {
        let cpu = loss["loss"]["cpu"].as_u64();
        let (first, last) = numbers(loss)?;
        ensure!(loss["loss"]["count"] == last - first + 1, "the numbers are not as many as the loss: {loss:#}");
        ensure!((first..=last).all(|number| lost.insert((cpu, number))), "a number was lost twice: {loss:#}");
    }
    let mut enclosed = 0;
    for loss in losses {
        let body = &loss["loss"];
        let (first, last) = numbers(loss)?;
        let (after, before) = (body["after"]["seq"].as_u64(), body["before"]["seq"].as_u64());
        let between = after.map_or(first, |after| after + 1)..before.unwrap_or(last + 1);
        ensure!(
            between.contains(&first) && between.contains(&last),
            "the loss is not between its neighbours: {loss:#}"
        );
        let all = between.clone().all(|number| lost.contains(&(body["cpu"].as_u64(), number)));
        ensure!(all, "something between the neighbours was not lost: {loss:#}");
        for side in ["/after/id", "/before/id"] {
            let id = body.pointer(side).and_then(Value::as_str);
            ensure!(id.is_none_or(|id| ids.contains(id)), "a neighbour is not in the recording: {loss:#}");
        }
        enclosed += usize::from(after.is_some() && before.is_some());
    }
    ensure!(enclosed > 0, "no loss lies between two records: {losses:#?}");
    Ok(())
}

/// The first and the last number of a loss.
fn numbers(loss: &Value) -> Result<(u64, u64)> {
    let number = |field: &str| loss["loss"][field].as_u64();
    number("first_seq").zip(number("last_seq")).with_context(|| format!("no numbers: {loss:#}"))
}

/// How many records each CPU lost, as the loss records say.
fn by_cpu(losses: &[&Value]) -> Result<BTreeMap<u64, u64>> {
    let mut cpus = BTreeMap::new();
    for loss in losses {
        let field = |name: &str| loss["loss"][name].as_u64().with_context(|| format!("no {name} in {loss:#}"));
        *cpus.entry(field("cpu")?).or_default() += field("count")?;
    }
    Ok(cpus)
}

/// The same, as the kernel half counted.
fn counted_by_cpu(file: &Path) -> Result<BTreeMap<u64, u64>> {
    let closed = Reader::open(file)?.find_map(|item| match item {
        Item::Input(_, Input::Closed(closed)) => Some(closed),
        _ => None,
    });
    let cpus = closed.context("the recording was not closed")?.counters.cpus;
    let lost = cpus.iter().map(|cpu| cpu.lost.as_flattened().iter().sum());
    Ok((0..).zip(lost).filter(|(_, lost)| *lost > 0).collect())
}

fn strict() -> Result<()> {
    let trigger = ["opens", "50000", "/etc/hostname"];
    let seen = Observation::trigger(&trigger)?.options(&["--strict", "--ring-bytes", "4096"]).run()?;
    ensure!(seen.output.status.code() == Some(5), "run ended with {}", seen.output.status);
    let seen = Observation::trigger(&["nothing"])?.options(&["--strict"]).run()?;
    ensure!(seen.output.status.code() == Some(0), "run ended with {}", seen.output.status);
    let verdict: Value = verify(&seen.file)?;
    ensure!(verdict["lost"] == 0, "{verdict:#}");
    Ok(())
}
