//! The clock of the house: jobs that run at their times, each run by one process.
