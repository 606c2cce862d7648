//! Where things lie under cargo's target folder.

use std::path::{Path, PathBuf};

/// The folder under which set-up installs the tools that it builds: `<target>/tools`; the programs are in its `bin`.
#[must_use]
pub fn tools_dir(target_dir: &Path) -> PathBuf {
    target_dir.join("tools")
}

/// The target folder that a build script's `OUT_DIR` lies in, for a build for `triple`: cargo lays it out as
/// `<target>[/<triple>]/<profile>/build/<package>/out`. `None` where the layout is another one.
#[must_use]
pub fn target_dir_of<'a>(out_dir: &'a Path, triple: &str) -> Option<&'a Path> {
    let build = out_dir.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build"))?;
    let above_profile = build.parent()?.parent()?;
    if above_profile.file_name().is_some_and(|name| name == triple) {
        above_profile.parent()
    } else {
        Some(above_profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIPLE: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn the_target_folder_is_found_for_host_builds() {
        let out = Path::new("/src/target/debug/build/agentsnoop-1a2b/out");
        assert_eq!(target_dir_of(out, TRIPLE), Some(Path::new("/src/target")));
    }

    #[test]
    fn the_target_folder_is_found_for_builds_with_a_triple() {
        let out = Path::new("/t/x86_64-unknown-linux-gnu/release/build/agentsnoop-1a2b/out");
        assert_eq!(target_dir_of(out, TRIPLE), Some(Path::new("/t")));
    }

    #[test]
    fn another_layout_is_not_guessed() {
        assert_eq!(target_dir_of(Path::new("/elsewhere/out"), TRIPLE), None);
    }
}
