//! PostgreSQL: where it runs, and how guichet reaches it.

pub mod embedded;
