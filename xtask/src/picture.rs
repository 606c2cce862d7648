//! The README's picture: an excerpt of a real session, drawn as SVG.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::project::{Project, run as run_command};

/// What is drawn, and where the picture goes.
const TEXT: &str = "docs/session.txt";
const PICTURE: &str = "docs/session.svg";

/// Pixels of a character cell of the font at its size.
const WIDTH: f64 = 7.8;
const HEIGHT: f64 = 18.0;
const MARGIN: f64 = 18.0;

/// Words that have a colour of their own, on the dark ground.
const COLOURS: [(&str, &[&str]); 6] = [
    ("#ff7b72", &["credential", "ENOENT", "EACCES"]),
    ("#d2a8ff", &["exec", "session"]),
    ("#79c0ff", &["open", "files", "endpoints", "connect"]),
    ("#7ee787", &["project_file", "nothing", "agents", "ran"]),
    ("#ffa657", &["getenv", "locale", "proxy", "host_identity", "variables"]),
    ("#8b949e", &["agent_state", "local_endpoint", "read", "path", "write+create", "tcp", "EINPROGRESS", "lost"]),
];

/// Draws the picture, or with `check` fails where the one that is there differs.
///
/// # Errors
/// Fails where a file cannot be read or written.
pub(crate) fn run(project: &Project, check: bool) -> Result<()> {
    let text = fs::read_to_string(project.root.join(TEXT)).with_context(|| format!("cannot read {TEXT}"))?;
    let (drawn, path) = (draw(&text), project.root.join(PICTURE));
    if !check {
        fs::write(&path, drawn).with_context(|| format!("cannot write {PICTURE}"))?;
        // The picture of the screen is a frame of a stored recording, as are the frames of the tests.
        let mut frames = project.cargo("test");
        frames.args(["--package", "agentsnoop-tests", "--test", "offline", "frames"]).env("AGENTSNOOP_BLESS", "1");
        return run_command(&mut frames);
    }
    if fs::read_to_string(&path).ok().as_deref() != Some(drawn.as_str()) {
        bail!("{PICTURE} does not show {TEXT}: run `cargo xtask picture`");
    }
    Ok(())
}

fn draw(text: &str) -> String {
    let columns = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let rows = text.lines().count();
    #[expect(clippy::cast_precision_loss, reason = "a picture has some hundred rows and columns")]
    let (width, height) = (columns as f64 * WIDTH + 2.0 * MARGIN, rows as f64 * HEIGHT + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, \
         'DejaVu Sans Mono', Menlo, monospace\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    let mut y = MARGIN + HEIGHT * 0.75;
    for line in text.lines() {
        let _ = write!(svg, "<text x=\"{MARGIN}\" y=\"{y:.1}\" fill=\"#e6edf3\" xml:space=\"preserve\">");
        for word in line.split_inclusive(' ') {
            let bare = word.trim();
            let colour = COLOURS.iter().find(|(_, words)| words.contains(&bare)).map(|(colour, _)| colour);
            match colour {
                Some(colour) => {
                    let _ = write!(svg, "<tspan fill=\"{colour}\">{}</tspan>", escape(word));
                }
                None => svg.push_str(&escape(word)),
            }
        }
        svg.push_str("</text>\n");
        y += HEIGHT;
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn what_is_markup_in_svg_is_escaped_and_known_words_are_coloured() {
        let drawn = draw("open a<b>&c\n");
        assert!(drawn.contains("<tspan fill=\"#79c0ff\">open </tspan>a&lt;b&gt;&amp;c</text>"), "{drawn}");
    }
}
