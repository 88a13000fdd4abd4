//! Every dialect's codec: what it reads, what it writes, and that nothing which arrives breaks it.

mod reading;
mod writing;
