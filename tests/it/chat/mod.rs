//! Client rooms, over REST and in the database.

mod send;
