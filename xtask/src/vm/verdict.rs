//! Reads the console of a virtual machine and judges the run.

use anyhow::{Context as _, Result, bail};

/// The line that init prints when the tests have ended begins so; the exit code follows.
pub(crate) const MARKER: &str = "agentsnoop-vm-exit";

/// The line with the report of `doctor`, in one piece, begins so.
const DOCTOR: &str = "agentsnoop-vm-doctor ";

/// Whether the line is for this program alone.
pub(crate) fn is_report(line: &str) -> bool {
    line.starts_with(DOCTOR)
}

/// What the console has told so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    exit: Option<i32>,
    panic: Option<String>,
    passed: u32,
    failed: u32,
    doctor: Option<String>,
}

impl Verdict {
    /// Takes in a line of the console, and says whether there is nothing more to wait for.
    pub(crate) fn line(&mut self, line: &str) -> bool {
        if let Some(code) = line.strip_prefix(MARKER) {
            self.exit = code.trim().parse().ok();
        } else if let Some(report) = line.strip_prefix(DOCTOR) {
            self.doctor = Some(report.to_owned());
        } else if line.contains("Kernel panic - not syncing") {
            self.panic.get_or_insert_with(|| line.trim().to_owned());
        } else if let Some((passed, failed)) = test_result(line) {
            self.passed += passed;
            self.failed += failed;
        }
        self.exit.is_some() || self.panic.is_some()
    }

    /// The report of `doctor --json`, where it came.
    pub(crate) fn doctor(&self) -> Option<&str> {
        self.doctor.as_deref()
    }

    /// The number of tests that passed.
    ///
    /// # Errors
    /// Fails where the kernel panicked, the tests did not end, one failed, or none ran.
    pub(crate) fn passed(&self) -> Result<u32> {
        if let Some(panic) = &self.panic {
            bail!("the kernel panicked: {panic}");
        }
        let exit = self.exit.context("the machine stopped before the tests had ended")?;
        if exit != 0 || self.failed != 0 {
            bail!("the tests ended with exit code {exit}: {} passed, {} failed", self.passed, self.failed);
        }
        if self.passed == 0 {
            bail!("no test ran");
        }
        Ok(self.passed)
    }
}

/// The counts of a closing line such as `test result: ok. 3 passed; 0 failed; …`.
fn test_result(line: &str) -> Option<(u32, u32)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |name: &str| {
        let part = counts.split(';').find_map(|part| part.trim().strip_suffix(name))?;
        part.trim().parse().ok()
    };
    Some((count("passed")?, count("failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(lines: &[&str]) -> Verdict {
        let mut verdict = Verdict::default();
        for line in lines {
            verdict.line(line);
        }
        verdict
    }

    const PASSED: &str =
        "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 3.1s";
    const FAILED: &str = "test result: FAILED. 11 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";

    #[test]
    fn passed_tests_and_exit_code_zero_are_a_success() {
        assert_eq!(verdict(&["booting", PASSED, "agentsnoop-vm-exit 0"]).passed().unwrap(), 12);
    }

    #[test]
    fn the_marker_ends_the_wait_and_other_lines_do_not() {
        let mut verdict = Verdict::default();
        assert!(!verdict.line("test exec_is_seen ... ok"));
        assert!(!verdict.line(PASSED));
        assert!(verdict.line("agentsnoop-vm-exit 101"));
    }

    #[test]
    fn the_report_of_doctor_is_kept_and_not_shown() {
        let line = "agentsnoop-vm-doctor {\"hooks\": []}";
        assert_eq!(verdict(&[line, PASSED]).doctor(), Some("{\"hooks\": []}"));
        assert!(is_report(line) && !is_report(PASSED));
        assert_eq!(verdict(&[PASSED]).doctor(), None);
    }

    #[test]
    fn a_failed_test_is_a_failure_with_its_counts() {
        let error = verdict(&[FAILED, "agentsnoop-vm-exit 101"]).passed().unwrap_err();
        assert_eq!(error.to_string(), "the tests ended with exit code 101: 11 passed, 1 failed");
    }

    #[test]
    fn a_panic_is_a_failure_even_after_passed_tests() {
        let panic = "[    1.5] Kernel panic - not syncing: Attempted to kill init!";
        let error = verdict(&[PASSED, panic]).passed().unwrap_err();
        assert!(error.to_string().contains("Attempted to kill init!"));
    }

    #[test]
    fn an_end_without_a_marker_is_a_failure() {
        assert!(verdict(&[PASSED]).passed().unwrap_err().to_string().contains("before the tests had ended"));
        assert!(verdict(&[PASSED, "agentsnoop-vm-exit "]).passed().is_err());
    }

    #[test]
    fn a_run_without_tests_is_a_failure() {
        assert_eq!(verdict(&["agentsnoop-vm-exit 0"]).passed().unwrap_err().to_string(), "no test ran");
    }
}
