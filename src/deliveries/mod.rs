//! What leaves the house: email, SMS and push, planned with their notification, claimed under a lease, sent once.
