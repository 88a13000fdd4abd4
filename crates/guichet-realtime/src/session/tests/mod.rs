//! The rules of the protocol, each tried on a session over a socket in memory, with a host and a log of the test's.

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
