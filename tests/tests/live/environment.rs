//! getenv and secure_getenv.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{expect, observe, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a name that is looked up is seen, in order, set or not", lookups),
        trial("secure_getenv is seen once and says that it is secure", secure),
        trial("a look-up in a child process is seen", in_a_child),
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
    let seen =
        crate::harness::Observation::command(&["sh", "-c", &format!("{own} trigger getenv AGENTSNOOP_CHILD; true")])
            .run()?;
    seen.only("getenv", "/getenv/name", "AGENTSNOOP_CHILD").map(drop)
}
