//! The compared implementations of a task queue, each as the commands of its client.

use crate::Result;
use crate::connection::{Connection, Reply, encode};

mod lua;
mod steward;
mod streams;

pub use lua::Lua;
pub use steward::Steward;
pub use streams::Streams;

/// Payload of every task: 100 bytes. Without spaces, like every word this program sends.
pub const PAYLOAD: &str =
    r#"{"to":"someone@example.org","template":"welcome","locale":"en","retry":true,"campaign":"autumn2026"}"#;
const _: () = assert!(PAYLOAD.len() == 100);

/// A claimed task, as its worker knows it.
#[derive(Clone, Default)]
pub struct Claim {
    /// The task.
    pub id: String,
    /// The fencing token; empty if the recipe has none.
    pub token: String,
}

/// One implementation. Functions with `out` append commands to it and return how many replies they get.
pub trait Recipe {
    /// Makes an emptied server ready.
    fn prepare(&mut self, control: &mut Connection) -> Result<()>;
    /// Adds a task that is ready now, or after `delay_ms`.
    fn schedule(&self, out: &mut Vec<u8>, delay_ms: u32) -> usize;
    /// Claims up to `count` tasks.
    fn claim(&self, out: &mut Vec<u8>, count: usize) -> usize;
    /// The claims in a reply to `claim`; none in another reply.
    fn claims(&self, reply: &Reply) -> Vec<Claim>;
    /// Acknowledges all these tasks.
    fn acknowledge(&self, out: &mut Vec<u8>, claims: &[Claim]) -> usize;
    /// Acknowledges one task and claims the next, in one round trip.
    fn acknowledge_next(&self, out: &mut Vec<u8>, claim: &Claim) -> usize {
        self.acknowledge(out, std::slice::from_ref(claim)) + self.claim(out, 1)
    }
    /// The number of tasks left.
    fn remaining(&self, control: &mut Connection) -> Result<f64>;
}

/// The floor: a SET of the payload to a key of its own.
pub fn set(out: &mut Vec<u8>, number: usize) -> usize {
    encode(out, &format!("SET key:{number:012} {PAYLOAD}"))
}
