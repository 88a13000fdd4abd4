//! Guards over the sources: which modules may import which, where SQL stands, how files look, and which words are used.
//!
//! They read text, not types. Comments do not count where code is meant.

mod cycles;
mod files;
mod glossary;
mod modules;
mod paths;
mod sources;
mod sql;
mod tables;
mod words;
