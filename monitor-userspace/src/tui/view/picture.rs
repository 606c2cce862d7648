//! A frame as SVG, for the documentation.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use crate::tui::escape;

/// Pixels of a character cell of the font at its size.
const WIDTH: f64 = 7.8;
const HEIGHT: f64 = 17.0;
const MARGIN: f64 = 14.0;
const SIZE: f64 = 13.0;

/// The ground, and text without a colour of its own.
const GROUND: &str = "#0d1117";
const TEXT: &str = "#d0d0d0";

/// Draws a frame as SVG.
#[must_use]
pub fn svg(buffer: &Buffer) -> String {
    let area = *buffer.area();
    let (width, height) =
        (f64::from(area.width) * WIDTH + 2.0 * MARGIN, f64::from(area.height) * HEIGHT + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', \
         Menlo, monospace\" font-size=\"{SIZE}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let (end, text) = run(buffer, x, y);
            piece(&mut svg, &buffer[(x, y)], (x, y), end, &text);
            x = end;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Cells from one on that look the same: the first one behind them, and their text.
fn run(buffer: &Buffer, from: u16, y: u16) -> (u16, String) {
    let look = |cell: &Cell| (cell.fg, cell.bg, cell.modifier);
    let first = look(&buffer[(from, y)]);
    let (mut x, mut text) = (from, String::new());
    while x < buffer.area().right() && look(&buffer[(x, y)]) == first {
        let symbol = buffer[(x, y)].symbol();
        text.push_str(symbol);
        x += u16::try_from(escape::width(symbol).max(1)).unwrap_or(1);
    }
    (x, text)
}

fn piece(svg: &mut String, cell: &Cell, (x, y): (u16, u16), end: u16, text: &str) {
    let (mut fg, mut bg) = (colour(cell.fg).unwrap_or(TEXT.to_owned()), colour(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        (fg, bg) = (bg.unwrap_or(GROUND.to_owned()), Some(fg));
    }
    let (left, top) = (MARGIN + f64::from(x) * WIDTH, MARGIN + f64::from(y) * HEIGHT);
    let width = f64::from(end - x) * WIDTH;
    if let Some(bg) = bg {
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{bg}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let bold = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let baseline = top + HEIGHT * 0.76;
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{baseline:.1}\" fill=\"{fg}\"{bold} xml:space=\"preserve\" textLength=\"{width:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\">{escaped}</text>"
    );
}

/// A colour as SVG has it; none for that of the ground or of text.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Indexed(index) => Some(indexed(index)),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        _ => None,
    }
}

/// The 256 colours of xterm from 16 on; the first 16 are the terminal's own.
fn indexed(index: u8) -> String {
    match index {
        0..16 => TEXT.to_owned(),
        16..232 => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let cube = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}
