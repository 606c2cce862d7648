//! The tables as Markdown, between markers of the page.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::report::Report;

const BEGIN: &str = "<!-- begin: written by `cargo xtask kernels` -->\n";
const END: &str = "<!-- end -->\n";

/// The page with the tables of these reports between its markers.
///
/// # Errors
/// Fails where a marker is missing.
pub(crate) fn with_tables(page: &str, reports: &[Report]) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("the page lacks the line {}", BEGIN.trim()))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("the page lacks the line {}", END.trim()))?;
    Ok(format!("{before}{BEGIN}\n{}\n{}\n{END}{after}", hooks(reports), instructions(reports)))
}

/// Hook by kernel, with the reasons of those that are missing.
fn hooks(reports: &[Report]) -> String {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for hook in reports.iter().flat_map(|report| &report.hooks) {
        if !names.iter().any(|(name, _)| *name == hook.name) {
            names.push((&hook.name, &hook.feature));
        }
    }
    let mut reasons: Vec<&str> = Vec::new();
    let mut table = head(&["hook", "gives"], reports);
    table += &row(["build", ""], reports.iter().map(|report| report.kernel_half.clone()));
    for (name, feature) in names {
        let cells = reports.iter().map(|report| match report.hook(name).map(|hook| &hook.missing) {
            None => "·".to_owned(),
            Some(None) => "yes".to_owned(),
            Some(Some(reason)) => {
                let known = reasons.iter().position(|other| other == reason);
                let number = known.unwrap_or_else(|| {
                    reasons.push(reason);
                    reasons.len() - 1
                });
                format!("no ({})", number + 1)
            }
        });
        table += &row([&format!("`{name}`"), feature], cells);
    }
    for (number, reason) in reasons.iter().enumerate() {
        table += &format!("\n({}) {}\n", number + 1, reason.replace('|', "\\|"));
    }
    table
}

/// Instructions that the verifier processed, program by kernel.
fn instructions(reports: &[Report]) -> String {
    let names: BTreeSet<&String> = reports.iter().flat_map(|report| report.instructions.keys()).collect();
    let mut table = head(&["instructions verified"], reports);
    for name in names {
        let cells = reports.iter().map(|report| match report.instructions.get(name) {
            Some(count) => count.to_string(),
            None => "·".to_owned(),
        });
        table += &row([&format!("`{name}`")], cells);
    }
    table
}

fn head(first: &[&str], reports: &[Report]) -> String {
    let columns: Vec<String> =
        first.iter().map(|name| (*name).to_owned()).chain(reports.iter().map(Report::version)).collect();
    format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()))
}

fn row<const N: usize>(first: [&str; N], cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = first.into_iter().map(str::to_owned).chain(cells).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(version: &str, state: &str) -> Report {
        let text = format!(
            r#"{{"kernel": "{version}.3-x", "kernel_half": "usual", "hooks": [{{"name": "sys_exit", "feature": "open", {state}}}],
            "verified_instructions": {{"sys_exit": 160}}}}"#
        );
        Report::read(&text).unwrap()
    }

    #[test]
    fn the_tables_stand_between_the_markers_and_a_missing_hook_has_its_reason() {
        let reports =
            [report("5.10", r#""state": "unavailable", "reason": "a|b""#), report("6.1", r#""state": "attached""#)];
        let page = format!("above\n{BEGIN}old\n{END}below\n");
        let page = with_tables(&page, &reports).unwrap();
        assert!(page.starts_with("above\n") && page.ends_with("below\n") && !page.contains("old"));
        assert!(page.contains("| hook | gives | 5.10 | 6.1 |\n|---|---|---|---|\n"), "{page}");
        assert!(page.contains("| `sys_exit` | open | no (1) | yes |\n\n(1) a\\|b\n"), "{page}");
        assert!(page.contains("| `sys_exit` | 160 | 160 |\n"), "{page}");
        assert_eq!(with_tables(&page, &reports).unwrap(), page);
    }

    #[test]
    fn a_page_without_markers_is_an_error() {
        assert!(with_tables("nothing", &[]).unwrap_err().to_string().contains("begin"));
    }
}
