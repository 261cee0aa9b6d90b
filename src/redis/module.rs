//! What the edge keeps between calls of the server. All of it belongs to the main thread.

use std::cell::{Cell, RefCell};

use super::block::Blocked;
use super::clock::Clock;
use super::events::Pulse;
use super::texts::Texts;
use super::timer::Timer;
use crate::config::ModuleConfig;
use crate::context::Context;
use crate::state::State;
use crate::task::overview::Overview;
use crate::time::Steady;

/// Everything but the settings.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The domain's memory.
    pub state: State,
    /// The names of keys as strings of the server.
    pub texts: Texts,
    /// The held clients.
    pub blocked: Blocked,
    /// The one timer.
    pub timer: Timer,
    /// The clocks.
    pub clock: Clock,
    /// The server's last beats, to see standstills.
    pub pulse: Pulse,
    /// When idle queues were last looked for.
    pub housekept: Steady,
    /// Whether the server may evict our keys.
    pub eviction_unsafe: bool,
    /// Whether anybody but us hears keyspace notifications.
    pub observed: bool,
    /// Up to where the slots of queues with waiting clients were looked at.
    pub checked_slots: usize,
    /// The tasks counted for INFO, and when.
    pub overview: Option<(Steady, Overview)>,
}

impl Module {
    /// The moment.
    pub(super) fn context(&mut self) -> Context {
        self.clock.context(settings())
    }
}

/// Forgets everything, the settings too.
pub(super) fn forget() {
    with(|module| *module = Module::default());
    SETTINGS.set(ModuleConfig::default());
}

/// Something to be done with the state as soon as it is free.
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

/// Does something with the state, after what was put off; `None` while a transaction is running, which
/// only something called from inside of it can see.
pub(super) fn with<R>(work: impl FnOnce(&mut Module) -> R) -> Option<R> {
    MODULE.with(|module| {
        let mut module = module.try_borrow_mut().ok()?;
        while let Some(later) = take_later() {
            later(&mut module);
        }
        Some(work(&mut module))
    })
}

/// Does something with the state now or, when a transaction is running, right after it.
pub(super) fn soon(work: impl FnOnce(&mut Module) + 'static) {
    let free = MODULE.with(|module| module.try_borrow_mut().is_ok());
    if free {
        with(work);
    } else {
        INBOX.with(|inbox| inbox.borrow_mut().push(Box::new(work)));
    }
}

/// Whether a transaction is running, so that what happens to keys is its own doing.
pub(super) fn is_busy() -> bool {
    MODULE.with(|module| module.try_borrow_mut().is_err())
}

fn take_later() -> Option<Later> {
    INBOX.with(|inbox| {
        let mut inbox = inbox.borrow_mut();
        (!inbox.is_empty()).then(|| inbox.remove(0))
    })
}
