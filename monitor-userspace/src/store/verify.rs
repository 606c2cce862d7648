//! Judges a whole recording.
