//! getenv and secure_getenv.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{Observation, agentsnoop, expect, observe, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a name that is looked up is seen, in order, set or not", lookups),
        trial("secure_getenv is seen once and says that it is secure", secure),
        trial("a look-up in a child process is seen", in_a_child),
        trial("a burst over the environment is one enumeration, and a look-up behind it stays one", enumeration),
        trial("a secret that is looked up as a name stands nowhere in the recording", secret_name),
        trial("the environment of a process in /proc is known by each of its names", proc_environ),
    ]
}

fn names(seen: &crate::harness::Seen) -> Vec<&str> {
    seen.kind("getenv").into_iter().filter_map(|getenv| getenv["getenv"]["name"].as_str()).collect()
}

fn lookups() -> Result<()> {
    let seen = observe(&["getenv", "TZ", "AGENTSNOOP_NOT_SET", "HTTPS_PROXY"])?;
    let names: Vec<_> =
        names(&seen).into_iter().filter(|name| ["TZ", "AGENTSNOOP_NOT_SET", "HTTPS_PROXY"].contains(name)).collect();
    ensure!(names == ["TZ", "AGENTSNOOP_NOT_SET", "HTTPS_PROXY"], "{names:?}");
    seen.is_whole()
}

fn secure() -> Result<()> {
    let seen = observe(&["secure-getenv", "AGENTSNOOP_SECURE"])?;
    let getenv = seen.only("getenv", "/getenv/name", "AGENTSNOOP_SECURE")?;
    expect(getenv, "/getenv/secure", true)?;
    seen.is_whole()
}

fn in_a_child() -> Result<()> {
    let own = crate::harness::own_program()?.display().to_string();
    let seen = Observation::command(&["sh", "-c", &format!("{own} trigger getenv AGENTSNOOP_CHILD; true")]).run()?;
    seen.only("getenv", "/getenv/name", "AGENTSNOOP_CHILD").map(drop)
}

fn enumeration() -> Result<()> {
    let mut observation = Observation::trigger(&["enumerate", "AGENTSNOOP_TEST_3"])?;
    for number in 0..20 {
        observation = observation.variable(&format!("AGENTSNOOP_TEST_{number}"), "x");
    }
    let seen = observation.run()?;
    let given = seen.kind("exec")[0]["exec"]["env_names"].as_array().map_or(0, Vec::len);
    let all: Vec<_> =
        seen.kind("getenv").into_iter().filter(|record| record["getenv"]["kind"] == "enumeration").collect();
    let [one] = all[..] else { anyhow::bail!("no single enumeration of {given} names: {:#?}", seen.kind("getenv")) };
    expect(one, "/getenv/names", given)?;
    expect(one, "/getenv/count", 3 * given)?;
    expect(one, "/classes", serde_json::json!(["environment"]))?;
    ensure!(one["getenv"]["name"].is_null() && one["getenv"]["duration_ns"].is_u64(), "{one:#}");
    let named = names(&seen);
    let tested: Vec<_> = named.iter().filter(|name| name.starts_with("AGENTSNOOP_TEST_")).collect();
    ensure!(tested == [&"AGENTSNOOP_TEST_3"], "look-ups beside the enumeration: {named:?}");
    seen.is_whole()
}

fn secret_name() -> Result<()> {
    // Made up, in the forms of real ones.
    let secrets = [
        "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ];
    let mut trigger = vec!["getenv"];
    trigger.extend(secrets);
    let seen = observe(&trigger)?;
    let masked = seen.kind("getenv").into_iter().filter(|record| record["getenv"]["name_state"] == "masked").count();
    ensure!(masked == secrets.len(), "{masked} of {} names are masked: {:#?}", secrets.len(), seen.kind("getenv"));
    let dump = agentsnoop().args(["verify", "--dump-inputs"]).arg(&seen.file).output()?;
    let dump = text(&dump.stdout);
    for secret in secrets {
        ensure!(!dump.contains(secret), "{secret} stands in the recording");
    }
    seen.is_whole()
}

fn proc_environ() -> Result<()> {
    let own = std::process::id();
    let paths = ["/proc/self/environ", "/proc/thread-self/environ", &format!("/proc/{own}/environ")].map(str::to_owned);
    for path in paths {
        let seen = observe(&["open", "openat", &path])?;
        let open = seen.only("open", "/open/requested", &path)?;
        ensure!(open["open"]["error"].is_null(), "the open failed: {open:#}");
        expect(open, "/classes", serde_json::json!(["environment"]))?;
    }
    Ok(())
}
