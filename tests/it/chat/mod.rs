//! Tests of chat: client rooms and direct conversations, over REST, over sockets and in the database.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and clippy sees only functions marked as tests"
)]

mod about;
mod counterpart;
mod delete;
mod delivered;
mod direct;
mod draft;
mod edit;
mod follow;
mod history;
mod list;
mod numbering;
mod read;
mod repeat;
mod rights;
pub mod room;
mod search;
mod send;
mod shapes;
mod signals;
pub mod unread;
