//! What a waiting client is known by.

/// Arrival number of a waiting client; smaller came first.
pub(crate) type Ticket = u64;
