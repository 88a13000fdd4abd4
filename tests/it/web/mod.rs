//! The conventions that every endpoint shares, over real TCP.

mod bodies;
mod edge;
mod etag;
mod limits;
mod pages;
mod server;
mod texts;
mod values;
