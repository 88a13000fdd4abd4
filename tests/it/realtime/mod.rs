//! Sockets over the whole service: what is committed is heard, in order, without gaps and without repeats.

mod commands;
mod person;
mod resume;
mod room;
