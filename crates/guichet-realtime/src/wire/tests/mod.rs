//! The codec of every dialect: decoding, encoding, and robustness against any input.

mod reading;
mod writing;
