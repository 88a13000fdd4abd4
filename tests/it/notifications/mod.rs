//! Notifications: from an event to the people it concerns.

mod broadcast;
mod built_in;
mod by_hand;
mod events;
mod feed;
mod messages;
mod rows;
mod throttle;
