//! Presence over time.
