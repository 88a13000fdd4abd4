//! Checks of the source text: allowed imports between modules, location of SQL, form of files, and choice of words.
//!
//! They read text, not types. Checks of code ignore comments.

mod cycles;
mod files;
mod glossary;
mod modules;
mod paths;
mod sources;
mod sql;
mod tables;
mod words;
