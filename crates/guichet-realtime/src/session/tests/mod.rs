//! The rules of the protocol, each tested on a session over an in-memory socket, with a backend and a log of the
//! test.

mod broadcasting;
mod changing;
mod clients;
mod fakes;
mod joining;
mod limits;
mod over_tcp;
mod plainly;
mod presence;
mod relaying;
mod resuming;
mod returning;
mod rights;
mod tokens;
mod waiting;
