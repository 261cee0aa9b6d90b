//! What a transaction knows of the world outside the data: the time, read once at the edge, the
//! settings of the module, and who calls.

use crate::config::ModuleConfig;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::time::{Ms, Steady, Wall};

/// The moment and the settings one transaction sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// Wall-clock now.
    pub wall: Wall,
    /// Wall-clock now in unix microseconds; ids and fences grow from it.
    pub wall_us: u64,
    /// Steady-clock now.
    pub steady: Steady,
    /// The module's settings (`CONFIG GET steward.*`).
    pub config: ModuleConfig,
    /// A seed for jitter, new for every transaction; its outcome is replicated, never drawn again.
    pub chance: u64,
    /// Whether the server's memory is full: new data is refused, and the timer creates no tasks.
    pub memory_full: bool,
}

/// That of a test: the beginning of time, and the default settings.
#[cfg(test)]
impl Default for Context {
    fn default() -> Context {
        Context {
            wall: Wall(0),
            wall_us: 0,
            steady: Steady(0),
            config: ModuleConfig::default(),
            chance: 0,
            memory_full: false,
        }
    }
}

/// Who runs a command.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Number of the SELECT database.
    pub db: i32,
    /// The connection, or `None` where there is no real client (a script, another module).
    pub connection: Option<u64>,
    /// Whether the client may be blocked: not in MULTI, not in a script.
    pub may_wait: bool,
    /// Whether the caller's ACL rules allow reading this key.
    pub may_see: &'a dyn Fn(&str) -> bool,
    /// Whether they allow writing this key; for keys that the command does not declare.
    pub may_write: &'a dyn Fn(&str) -> bool,
}

impl Caller<'_> {
    /// Errors with `NoPermission` unless the caller may write to this queue, which was given as `what`.
    pub(crate) fn ensure_may_write(&self, queue: &Name, what: &str) -> Result<()> {
        if (self.may_write)(queue.text()) {
            return Ok(());
        }
        Err(Error::NoPermission(format!(
            "no permission for the key given as {what}"
        )))
    }
}

impl Context {
    /// A number in 0..=`most`, drawn from this transaction's seed and `salt`.
    pub(crate) fn draw(&self, salt: u64, most: Ms) -> Ms {
        // SplitMix64 (Steele, Lea, Flood 2014): enough for jitter, no state to keep.
        let mut z = self.chance.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let span = u64::try_from(most).unwrap_or(0).saturating_add(1);
        i64::try_from(z % span).unwrap_or(0)
    }
}
