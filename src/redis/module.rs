//! The state that the edge keeps between calls of the server. All of it belongs to the main thread.

use std::cell::{Cell, RefCell};

use super::api::Flags;
use super::audience::Audience;
use super::blocked::Blocked;
use super::canned;
use super::clock::Clock;
use super::databases;
use super::discover::Discovery;
use super::handles::Open;
use super::log_limit::LogLimit;
use super::pulse::Pulse;
use super::texts::Texts;
use super::timer::{AT_ONCE, LONGEST, SOON, Timer};
use crate::config::ModuleConfig;
use crate::context::Context;
use crate::state::State;
use crate::time::{Ms, Steady};

/// How often it is checked whether writes are allowed again, ms.
const POLL: Ms = 10;

/// Everything except the settings.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The domain's state.
    pub state: State,
    /// The names of keys as strings of the server.
    pub texts: Texts,
    /// Room for the open keys of a transaction; empty between transactions.
    pub open: Vec<Open>,
    /// The blocked clients.
    pub blocked: Blocked,
    /// The one timer.
    pub timer: Timer,
    /// Whether writes are refused; no event tells when that ends.
    pub refused: bool,
    /// The search for the queues that existed when the module was loaded.
    pub discovery: Option<Discovery>,
    /// The clocks.
    pub clock: Clock,
    /// Detects stalls of the server.
    pub pulse: Pulse,
    /// Whether the server may evict our keys.
    pub eviction_unsafe: bool,
    /// After how long the server closes the connection of an idle client, ms; 0: never.
    pub client_timeout: Ms,
    /// How many replicas a write needs, `None` if that cannot be read.
    pub min_replicas: Option<i64>,
    /// Whether keyspace notifications have other listeners than us.
    pub observed: bool,
    /// How many steps went the short way.
    pub plain: u64,
    /// Whether anybody listens to effects.
    pub audience: Audience,
    /// Of effects that were not carried out in full.
    pub refused_effects: LogLimit,
    /// Where the next check of the slots of queues with waiting clients begins.
    pub checked_slots: usize,
    /// When it was last made.
    pub slots_checked: Steady,
}

impl Module {
    /// The moment, for one transaction.
    pub(super) fn context(&mut self) -> Context {
        self.clock.context(settings())
    }

    /// Arms the timer for the next work, but not before `least` ms from now. On a server that is not an active primary,
    /// the timer changes no data.
    pub(super) fn arm(&mut self, context: &Context, least: Ms) {
        let timeout = self.blocked.next_deadline(context.steady);
        let keeping = self.state.next_keeping(context.steady).filter(|_| context.config.timer);
        let other = keeping.into_iter().chain(timeout).min();
        let Some(next) = self.next_work(context).into_iter().chain(other).min() else {
            return;
        };
        let wait = |wait: Ms| wait.clamp(least, LONGEST);
        if self.timer.fires_by(context.steady.after(wait(next))) {
            return;
        }
        let next = if Flags::of(self.timer.context()).decides() {
            Some(next)
        } else {
            other
        };
        if let Some(next) = next {
            self.timer.arm(context.steady, wait(next));
        }
    }

    /// Lets the timer handle, as soon as possible, what happened in a callback.
    pub(super) fn arm_now(&mut self) {
        let context = self.context();
        self.arm(&context, AT_ONCE);
    }

    /// How long until there is work on the data.
    fn next_work(&self, context: &Context) -> Option<Ms> {
        let least = if self.refused { POLL } else { 0 };
        let due = self.state.names.next(context).filter(|_| context.config.timer);
        let due = due.map(|wait| wait.max(least));
        let search = self.discovery.as_ref().map(|_| SOON);
        due.into_iter().chain(search).min()
    }

    /// Rebuilds the state from the data. Leases and members get their full time again.
    pub(super) fn start_over(&mut self, with_data: bool) {
        let now = self.clock.steady();
        self.state.start_over(now, with_data);
    }

    /// While frozen, no lease expires; the time it lasts is added to every lease afterwards.
    pub(super) fn set_frozen(&mut self, frozen: bool) {
        let now = self.clock.steady();
        if frozen {
            self.state.stalls.freeze(now);
        } else {
            self.state.stalls.thaw(now);
        }
    }

    /// Counts a stall of the server in this turn of the event loop. Called before the timer's work too: that may run in
    /// the same turn as a slow command or as the end of a SIGSTOP, before what clients sent meanwhile is read.
    pub(super) fn count_stall(&mut self) {
        if let Some(length) = self.pulse.take_stall() {
            let now = self.clock.steady();
            self.state.stalls.stalled(now, length);
        }
    }
}

/// Forgets everything, the settings too.
pub(super) fn forget() {
    canned::forget();
    with(|module| *module = Module::default());
    databases::forget();
    SETTINGS.set(ModuleConfig::default());
}

/// Work to do as soon as no transaction is running.
type Later = Box<dyn FnOnce(&mut Module)>;

thread_local! {
    static MODULE: RefCell<Module> = RefCell::default();
    static INBOX: RefCell<Vec<Later>> = const { RefCell::new(Vec::new()) };
    static SETTINGS: Cell<ModuleConfig> = Cell::new(ModuleConfig::default());
}

/// The module's settings.
pub(super) fn settings() -> ModuleConfig {
    SETTINGS.get()
}

/// Changes the module's settings.
pub(super) fn change_settings(change: impl FnOnce(&mut ModuleConfig)) {
    let mut settings = SETTINGS.get();
    change(&mut settings);
    SETTINGS.set(settings);
}

/// Calls `work` with the module, after deferred work; `None` while a transaction is running, that is, when called from
/// inside of one.
pub(super) fn with<R>(work: impl FnOnce(&mut Module) -> R) -> Option<R> {
    MODULE.with(|module| {
        let mut module = module.try_borrow_mut().ok()?;
        while let Some(later) = take_later() {
            later(&mut module);
        }
        Some(work(&mut module))
    })
}

/// Calls `work` with the module now or, if a transaction is running, right after it.
pub(super) fn soon(work: impl FnOnce(&mut Module) + 'static) {
    let free = MODULE.with(|module| module.try_borrow_mut().is_ok());
    if free {
        with(work);
    } else {
        INBOX.with(|inbox| inbox.borrow_mut().push(Box::new(work)));
    }
}

/// Whether a transaction is running, which then caused the changes of keys.
pub(super) fn is_busy() -> bool {
    MODULE.with(|module| module.try_borrow_mut().is_err())
}

fn take_later() -> Option<Later> {
    INBOX.with(|inbox| {
        let mut inbox = inbox.borrow_mut();
        (!inbox.is_empty()).then(|| inbox.remove(0))
    })
}
