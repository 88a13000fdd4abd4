//! People over time, and the pictures of those who watch them.

mod crowd;
mod naive;
mod pictures;
mod rosters;
