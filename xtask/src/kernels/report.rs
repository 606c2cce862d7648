//! What `doctor --json` says of a kernel, without what is the machine's own.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// A report.
#[derive(Debug)]
pub(crate) struct Report {
    /// The release, such as `6.1.0-50-cloud-amd64`.
    pub(crate) release: String,
    /// The build of the kernel half.
    pub(crate) kernel_half: String,
    /// The hooks in their order.
    pub(crate) hooks: Vec<Hook>,
    /// Instructions that the verifier processed, by program.
    pub(crate) instructions: BTreeMap<String, u64>,
}

/// A hook on one kernel.
#[derive(Debug)]
pub(crate) struct Hook {
    /// Its name; the same on each machine.
    pub(crate) name: String,
    /// What is not seen without it.
    pub(crate) feature: String,
    /// Why it is missing; `None` where it is attached.
    pub(crate) missing: Option<String>,
}

impl Report {
    /// Reads what `doctor --json` printed, or what [`Report::text`] has kept of it.
    ///
    /// # Errors
    /// Fails where it is no JSON, or nothing could be observed.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("the report of doctor is no JSON")?;
        let release = value["kernel"].as_str().and_then(|kernel| kernel.split(' ').next());
        let release = release.context("the report of doctor names no kernel")?.to_owned();
        let half = value["kernel_half"].as_str().map(str::to_owned);
        let half = half.with_context(|| format!("nothing can be observed on {release}: {}", value["error"]))?;
        let mut hooks: Vec<Hook> = Vec::new();
        for hook in value["hooks"].as_array().into_iter().flatten().filter_map(Hook::read) {
            // Functions are hooked in each C library that a machine has; one of them stands for all.
            if !hooks.iter().any(|known| known.name == hook.name) {
                hooks.push(hook);
            }
        }
        let counts = value["verified_instructions"].as_object().into_iter().flatten();
        let instructions = counts.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect();
        Ok(Self { release, kernel_half: half, hooks, instructions })
    }

    /// What is kept.
    ///
    /// # Errors
    /// None that can happen; the writer of JSON has them.
    pub(crate) fn text(&self) -> Result<String> {
        let hooks: Vec<Value> = self.hooks.iter().map(Hook::value).collect();
        let value = json!({
            "kernel": self.release,
            "kernel_half": self.kernel_half,
            "hooks": hooks,
            "verified_instructions": self.instructions,
        });
        Ok(serde_json::to_string_pretty(&value).context("cannot write the report")? + "\n")
    }

    /// The first two numbers of the release, such as `6.1`.
    pub(crate) fn version(&self) -> String {
        self.release.split('.').take(2).collect::<Vec<_>>().join(".")
    }

    /// The numbers of the release, by which kernels are ordered.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.release.split(|character: char| !character.is_ascii_digit()).flat_map(str::parse).collect()
    }

    /// The hook of that name.
    pub(crate) fn hook(&self, name: &str) -> Option<&Hook> {
        self.hooks.iter().find(|hook| hook.name == name)
    }

    /// The hooks that are missing here and attached in `before`, each with its reason. One that neither names is no
    /// hook any more.
    pub(crate) fn lost_since(&self, before: &Self) -> Vec<String> {
        let attached = |name: &str| before.hook(name).is_some_and(|hook| hook.missing.is_none());
        let lost = self.hooks.iter().filter(|hook| attached(&hook.name));
        lost.filter_map(|hook| Some(format!("{}: {}", hook.name, hook.missing.as_ref()?))).collect()
    }
}

impl Hook {
    fn read(value: &Value) -> Option<Self> {
        let name = value["name"].as_str()?;
        let name = name.split_once(" /").map_or_else(|| name.to_owned(), |(function, _)| format!("{function} in libc"));
        let attached = value["state"] == "attached";
        let missing = (!attached).then(|| value["reason"].as_str().unwrap_or("no reason is given").to_owned());
        Some(Self { name, feature: value["feature"].as_str()?.to_owned(), missing })
    }

    fn value(&self) -> Value {
        match &self.missing {
            None => json!({"name": self.name, "feature": self.feature, "state": "attached"}),
            Some(reason) => {
                json!({"name": self.name, "feature": self.feature, "state": "unavailable", "reason": reason})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{"kernel": "6.1.0-50-cloud-amd64 #1 SMP", "kernel_half": "usual", "attach_ms": 3,
        "hooks": [{"name": "sys_exit", "feature": "open", "state": "attached"},
                  {"name": "getenv /lib/a.so", "feature": "getenv", "state": "attached"},
                  {"name": "getenv /lib/b.so", "feature": "getenv", "state": "unavailable", "reason": "x"}],
        "verified_instructions": {"sys_exit": 160}}"#;

    #[test]
    fn what_is_kept_reads_the_same_and_lacks_what_is_the_machines_own() {
        let report = Report::read(PRINTED).unwrap();
        let text = report.text().unwrap();
        assert_eq!(Report::read(&text).unwrap().text().unwrap(), text);
        assert!(!text.contains("attach_ms") && !text.contains("/lib/"));
        assert_eq!((report.version().as_str(), report.instructions["sys_exit"]), ("6.1", 160));
        assert_eq!(report.hooks.len(), 2);
    }

    #[test]
    fn a_hook_that_attaches_no_more_is_lost_and_one_that_is_gone_is_not() {
        let before = Report::read(PRINTED).unwrap();
        let now = PRINTED.replacen("\"attached\"", "\"unavailable\", \"reason\": \"refused\"", 1);
        assert_eq!(Report::read(&now).unwrap().lost_since(&before), ["sys_exit: refused"]);
        assert!(Report::read(&now.replace("sys_exit", "sys_enter")).unwrap().lost_since(&before).is_empty());
    }

    #[test]
    fn a_report_without_an_observation_is_an_error_with_its_reason() {
        let error = Report::read(r#"{"kernel": "5.4.0", "kernel_half": null, "error": "no BTF"}"#).unwrap_err();
        assert!(error.to_string().contains("no BTF"), "{error}");
    }
}
