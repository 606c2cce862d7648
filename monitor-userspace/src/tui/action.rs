//! What a person can ask for. Keys, mouse and tests all speak this.

use super::{
    hub::Place,
    prompt::{Edit, Purpose},
    state::Alert,
};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// End.
    Quit,
    /// Show or hide the keys.
    Help,
    /// Give the keys to the next pane, or to the one before.
    Focus(Way),
    /// Move the selection by rows.
    Move(Step),
    /// Open what is selected: unfold it, or show its details.
    Open,
    /// Fold it, or go to what is above it.
    Fold,
    /// Leave what was opened last: help, details, filter, the selection of the tree.
    Back,
    /// Show a view.
    Tab(usize),
    /// Show the next view, or the one before.
    NextTab(Way),
    /// Ask for a line.
    Prompt(Purpose),
    /// Change the line.
    Edit(Edit),
    /// The next place that a search finds, or the one before.
    Search(Way),
    /// Show noise, or hide it.
    Noise,
    /// Order by another column, or the other way round.
    Sort,
    /// See [`Action::Sort`].
    Reverse,
    /// Stop following and follow again; of a recording, play and pause.
    Pause,
    /// To the newest event, and follow.
    Follow,
    /// Play faster or slower.
    Speed(Way),
    /// Move in time by so many seconds.
    Seek(i64),
    /// To the beginning of what is kept.
    Rewind,
    /// To the next sensitive touch, or the one before.
    Touch(Way),
    /// To the process that made this one.
    Parent,
    /// To the tool call of the event.
    ToolCall,
    /// All events of the same thing.
    Same,
    /// Copy the event as JSON.
    CopyJson,
    /// Copy it as a line for a shell.
    CopyShell,
    /// Tell sensitive touches in another way.
    Alert,
    /// Stop until somebody lets it go on.
    Suspend,
    /// Give the keys to the command beside the screen, or take them back.
    Beside,
    /// Show the screen without the command beside it, or with it.
    Zoom,
    /// Another theme.
    Theme,
    /// Unicode or ASCII.
    Borders,
    /// Show or hide the details.
    Details,
    /// A click at column and row.
    Click(u16, u16),
    /// The wheel was turned there, by so many rows.
    Wheel(u16, u16, i32),
    /// The terminal has so many columns and rows.
    Resize(u16, u16),
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// On.
    Next,
    /// Back.
    Previous,
}

/// How far a selection moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows, back where negative.
    Rows(i32),
    /// So many pages.
    Pages(i32),
    /// To the first row.
    First,
    /// To the last one.
    Last,
}

/// What the state wants of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// End.
    Quit,
    /// Put a text into the clipboard.
    Copy(String),
    /// Write a text to a file.
    Write {
        /// The file.
        path: String,
        /// What to write.
        text: String,
    },
    /// Mark a moment in the recording.
    Mark {
        /// Boot clock, nanoseconds.
        boot_ns: u64,
        /// A note.
        note: String,
    },
    /// Read the recording again from its beginning.
    Reread,
    /// Go to a place of the recording.
    Seek {
        /// How many places were asked for by then.
        serial: u64,
        /// The place.
        place: Place,
    },
    /// Read events before this one.
    Older(u64),
    /// Read events from this one on.
    Newer(u64),
    /// Tell that something sensitive was touched.
    Alert {
        /// What, by whom.
        text: String,
        /// How.
        alert: Alert,
    },
    /// Give the terminal back and stop.
    Suspend,
}
