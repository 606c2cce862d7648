//! Nothing is lost in silence.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, observe, trial, verify};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("with the ring at its usual size a burst of 100,000 opens arrives whole", burst),
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
    let seen = Observation::trigger(&["opens", &OPENS.to_string(), "/etc/hostname"])?
        .options(&["--ring-bytes", "4096"])
        .run()?;
    let verdict = verify(&seen.file)?;
    let lost = verdict["lost"].as_u64().context("verify tells no loss")?;
    ensure!(lost > 0, "a ring of 4096 bytes lost nothing of {OPENS} opens");
    ensure!(verdict["ledger"]["balanced"] == true, "the ledger does not balance: {verdict:#}");

    let losses = seen.kind("loss");
    let told: u64 = losses.iter().filter_map(|loss| loss["loss"]["count"].as_u64()).sum();
    ensure!(told == lost, "loss records tell {told}, the counters {lost}");
    for loss in &losses {
        let body = &loss["loss"];
        ensure!(body["cpu"].is_u64(), "a loss names no CPU: {loss:#}");
        let seq = |side: &str| body[side]["seq"].as_u64();
        if let (Some(before), Some(after)) = (seq("after"), seq("before")) {
            ensure!(
                after.abs_diff(before) == body["count"].as_u64().unwrap_or(0) + 1,
                "the neighbours do not enclose the loss: {loss:#}"
            );
        }
    }
    let recorded =
        seen.kind("open").into_iter().filter(|open| open["open"]["requested"] == "/etc/hostname").count() as u64;
    let by_kind = |kind: &str| verdict["ledger"]["lost_by_kind"][kind].as_u64().unwrap_or(0);
    let all = seen.kind("open").len() as u64;
    ensure!(
        recorded <= OPENS && recorded + by_kind("open") >= OPENS,
        "{recorded} recorded and {} lost of {OPENS}",
        by_kind("open")
    );
    let seen_in_kernel = verdict["ledger"]["seen_by_kind"]["open"].as_u64().context("verify tells no open")?;
    ensure!(seen_in_kernel == all + by_kind("open"), "{seen_in_kernel} seen, {all} recorded, {} lost", by_kind("open"));
    let summary = seen.stderr();
    ensure!(summary.contains("lost"), "the summary does not tell the loss: {summary}");
    Ok(())
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
