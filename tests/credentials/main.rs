//! Where credentials come from, and what is said when they come from nowhere.

mod environment;
