//! What each thing on the screen looks like, by the part that it plays.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// The part that something plays on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What matters less: times, ids, noise.
    Dim,
    /// Titles and programs.
    Strong,
    /// What can be done: keys, the current tab.
    Accent,
    /// Borders, and those of the pane that has the keys.
    Border,
    /// See [`Role::Border`].
    Focus,
    /// The selected row, and that of a pane without the keys.
    Selected,
    /// See [`Role::Selected`].
    Faded,
    /// Success.
    Good,
    /// Failure, loss, and secrets.
    Bad,
    /// What deserves a look.
    Warn,
    /// The network.
    Network,
    /// A bar over the whole width.
    Bar,
    /// What a search found, and the mistake in a filter.
    Hit,
}

/// A set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// 256 colours on a dark ground.
    #[default]
    Dark,
    /// 256 colours on a light ground.
    Light,
    /// The terminal's own 16 colours.
    Sixteen,
    /// Black, white and few full colours.
    Contrast,
    /// No colours: bold, dim, underlined, reversed.
    Plain,
}

impl Theme {
    /// Every theme, in the order in which a key goes through them.
    pub const ALL: [Self; 5] = [Self::Dark, Self::Light, Self::Sixteen, Self::Contrast, Self::Plain];

    /// The name, as it is shown and as `AGENTSNOOP_THEME` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Sixteen => "16",
            Self::Contrast => "contrast",
            Self::Plain => "plain",
        }
    }

    /// The theme of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|theme| *theme == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// What fits a terminal: none of `NO_COLOR`, 16 colours where the terminal tells no more.
    #[must_use]
    pub fn fitting(term: &str, colorterm: &str, no_color: bool) -> Self {
        match () {
            () if no_color => Self::Plain,
            () if term.contains("256") || !colorterm.is_empty() => Self::Dark,
            () => Self::Sixteen,
        }
    }

    /// The look of a part.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        match self {
            Self::Dark => indexed(role, &DARK),
            Self::Light => indexed(role, &LIGHT),
            Self::Sixteen => sixteen(role),
            Self::Contrast => contrast(role),
            Self::Plain => plain(role),
        }
    }
}

/// Colours of the 256: text, dim, accent, border, good, bad, warn, network, bar, selected, faded, hit.
type Palette = [u8; 12];
const DARK: Palette = [252, 243, 117, 239, 114, 203, 215, 111, 236, 25, 237, 94];
const LIGHT: Palette = [235, 246, 25, 250, 28, 160, 130, 26, 254, 153, 255, 222];

fn indexed(role: Role, palette: &Palette) -> Style {
    let [text, dim, accent, border, good, bad, warn, network, bar, selected, faded, hit] = palette.map(Color::Indexed);
    let style = Style::new();
    match role {
        Role::Text => style.fg(text),
        Role::Dim => style.fg(dim),
        Role::Strong => style.fg(text).add_modifier(Modifier::BOLD),
        Role::Accent | Role::Focus => style.fg(accent),
        Role::Border => style.fg(border),
        Role::Selected => style.bg(selected),
        Role::Faded => style.bg(faded),
        Role::Good => style.fg(good),
        Role::Bad => style.fg(bad),
        Role::Warn => style.fg(warn),
        Role::Network => style.fg(network),
        Role::Bar => style.fg(text).bg(bar),
        Role::Hit => style.bg(hit),
    }
}

fn sixteen(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text => style,
        Role::Dim | Role::Border => style.fg(Color::DarkGray),
        Role::Strong => style.add_modifier(Modifier::BOLD),
        Role::Accent | Role::Focus | Role::Network => style.fg(Color::Cyan),
        Role::Selected | Role::Hit => style.add_modifier(Modifier::REVERSED),
        Role::Faded => style.add_modifier(Modifier::BOLD),
        Role::Good => style.fg(Color::Green),
        Role::Bad => style.fg(Color::Red),
        Role::Warn => style.fg(Color::Yellow),
        Role::Bar => style.add_modifier(Modifier::REVERSED),
    }
}

fn contrast(role: Role) -> Style {
    let ground = Style::new().fg(Color::White).bg(Color::Black);
    match role {
        Role::Text | Role::Dim | Role::Border => ground,
        Role::Strong | Role::Good => ground.add_modifier(Modifier::BOLD),
        Role::Accent | Role::Focus | Role::Network => ground.fg(Color::LightCyan).add_modifier(Modifier::BOLD),
        Role::Selected => Style::new().fg(Color::Black).bg(Color::LightYellow),
        Role::Faded => ground.add_modifier(Modifier::UNDERLINED),
        Role::Bad => ground.fg(Color::LightRed).add_modifier(Modifier::BOLD),
        Role::Warn => ground.fg(Color::LightYellow).add_modifier(Modifier::BOLD),
        Role::Bar | Role::Hit => Style::new().fg(Color::Black).bg(Color::White),
    }
}

fn plain(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Border | Role::Good | Role::Network => style,
        Role::Dim => style.add_modifier(Modifier::DIM),
        Role::Strong | Role::Focus | Role::Bad | Role::Warn => style.add_modifier(Modifier::BOLD),
        Role::Accent | Role::Faded => style.add_modifier(Modifier::UNDERLINED),
        Role::Selected | Role::Bar | Role::Hit => style.add_modifier(Modifier::REVERSED),
    }
}

/// The characters that the screen is drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Glyphs {
    /// Lines around panes.
    pub border: border::Set<'static>,
    /// A line of the tree that goes on, a branch, the last branch, and the blank.
    pub tree: [&'static str; 4],
    /// A node that is closed, open, without anything below it.
    pub node: [&'static str; 3],
    /// Something runs, has ended well, has ended badly.
    pub state: [&'static str; 3],
    /// Bars of the rate, the lowest first.
    pub bars: [&'static str; 8],
    /// The time line: past, future, here.
    pub line: [&'static str; 3],
    /// Between facts.
    pub dot: &'static str,
}

/// Characters of Unicode.
pub const UNICODE: Glyphs = Glyphs {
    border: border::ROUNDED,
    tree: ["│ ", "├─", "└─", "  "],
    node: ["▸", "▾", " "],
    state: ["●", "✓", "✗"],
    bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    line: ["━", "─", "●"],
    dot: "·",
};

/// ASCII alone, for terminals and fonts that have no more.
pub const ASCII: Glyphs = Glyphs {
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
    tree: ["| ", "|-", "`-", "  "],
    node: ["+", "-", " "],
    state: ["*", "=", "!"],
    bars: ["_", ".", ".", "-", "-", "=", "=", "#"],
    line: ["=", "-", "O"],
    dot: "-",
};
