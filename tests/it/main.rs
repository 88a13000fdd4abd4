//! One test binary: a folder per feature, over one harness.

mod migrations;
mod security;
