//! What the code of the TASK family works on: a [`Queue`] that a transaction has open, and a [`Task`] of it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use crate::backoff::Backoff;
use crate::command::run::Target;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::keyspace::Keyspace;
use crate::names::{Id, Index, Name};
use crate::settings::{DROPS, PAUSED, QueueSettings};
use crate::state::State;
use crate::state::queue::{QueueState, WorkerNumbers};
use crate::stats::Totals;
use crate::task::header::{CANCELLED, HEADER_LEN, Header, TaskState, WITH_OPTIONS, generated_id};
use crate::task::options::{self, Options};
use crate::time::{Ms, SECOND, Steady, Wall};
use crate::tx::Tx;

/// Numbers of workers that claimed nothing for this long are freed, ms.
pub(crate) const WORKERS_KEPT: Ms = 60 * SECOND;

/// A queue, open in one transaction. There is one copy of its settings, so callers see what a callee changes.
pub(crate) struct Queue<'t> {
    /// The data.
    pub keys: &'t mut dyn Keyspace,
    /// What is derived from the data or ephemeral, of all queues and services.
    pub state: &'t mut State,
    /// The moment and the module's settings.
    pub context: Context,
    /// Its name, from which its keys are built.
    pub name: Name,
    /// Its own settings, read.
    pub settings: Rc<QueueSettings>,
}

impl<'t> Queue<'t> {
    /// Opens a queue. Errors with `WrongType` if the key of its settings is no hash.
    pub(crate) fn open(tx: &'t mut Tx<'_>, name: Name) -> Result<Queue<'t>> {
        let settings = settings(tx, &name)?;
        Ok(Queue {
            keys: &mut *tx.keys,
            state: &mut *tx.state,
            context: tx.context,
            name,
            settings,
        })
    }

    /// Opens a queue to read its keys, and leaves memory as it is.
    pub(crate) fn look_at(tx: &'t mut Tx<'_>, name: Name) -> Result<Queue<'t>> {
        let known = tx.state.known_queue(&name).and_then(|memory| memory.settings.clone());
        let settings = match known {
            Some(settings) => settings,
            None => Rc::new(QueueSettings::read(&name, &tx.keys.hgetall(name.queue())?)),
        };
        Ok(Queue {
            keys: &mut *tx.keys,
            state: &mut *tx.state,
            context: tx.context,
            name,
            settings,
        })
    }

    /// The transaction, for work on other queues or services.
    pub(crate) fn tx(&mut self) -> Tx<'_> {
        Tx {
            keys: &mut *self.keys,
            state: &mut *self.state,
            context: self.context,
        }
    }

    /// Does work in the queue of this name, which may be this one.
    pub(crate) fn within<R>(&mut self, name: &Name, work: impl FnOnce(&mut Queue<'_>) -> Result<R>) -> Result<R> {
        if *name == self.name {
            return work(self);
        }
        let mut tx = self.tx();
        let mut other = Queue::open(&mut tx, name.clone())?;
        work(&mut other)
    }

    /// What is remembered of this queue between transactions.
    pub(crate) fn memory(&mut self) -> &mut QueueState {
        self.state.queue(&self.name)
    }

    /// Changes the settings here and in memory. The caller writes the hash.
    pub(crate) fn change_settings(&mut self, change: impl FnOnce(&mut QueueSettings)) {
        // Drop the copy in memory first: otherwise `make_mut` would clone all settings.
        self.memory().settings = None;
        change(Rc::make_mut(&mut self.settings));
        self.memory().settings = Some(self.settings.clone());
    }

    /// Reads the settings again, after their hash was written.
    pub(crate) fn reload_settings(&mut self) -> Result<()> {
        if let Some(memory) = self.state.known_queue_mut(&self.name) {
            memory.settings = None;
        }
        self.refresh_settings()
    }

    /// Ends a pause, if there is one.
    pub(crate) fn resume(&mut self) -> Result<()> {
        if self.settings.paused.is_some() {
            self.keys.hdel(self.name.queue(), &[PAUSED.as_bytes()])?;
            self.change_settings(|settings| settings.paused = None);
        }
        Ok(())
    }

    /// Stores which drops are not swept yet.
    pub(crate) fn store_drops(&mut self, drops: Vec<u64>) -> Result<()> {
        let field = DROPS.as_bytes();
        if !drops.is_empty() {
            let text: Vec<String> = drops.iter().map(u64::to_string).collect();
            self.keys
                .hset(self.name.queue(), &[(field, text.join(" ").as_bytes())])?;
        } else if self.keys.hget(self.name.queue(), field)?.is_some() {
            self.keys.hdel(self.name.queue(), &[field])?;
        }
        self.reload_settings()
    }

    /// Picks up settings that another handle of the same transaction has changed.
    pub(crate) fn refresh_settings(&mut self) -> Result<()> {
        let name = self.name.clone();
        self.settings = settings(&mut self.tx(), &name)?;
        Ok(())
    }

    /// Whether the queue grants no claims now.
    pub(crate) fn is_paused(&self) -> bool {
        self.settings.paused.is_some_and(|until| until > self.context.wall.0)
    }

    /// The timer comes to this queue at that moment.
    pub(crate) fn wake_at(&mut self, moment: Wall) {
        self.state.names.wake_at_wall(&self.name, moment);
    }

    /// The same, for a moment of the steady clock.
    pub(crate) fn wake_at_steady(&mut self, moment: Steady) {
        self.state.names.wake_at_steady(&self.name, moment);
    }

    /// The timer comes to this queue at once.
    pub(crate) fn wake_now(&mut self) {
        self.state.names.wake_now(&self.name);
    }

    /// Clients that wait for tasks of this queue are served at the end of the transaction: something became ready, or
    /// may be claimed now.
    pub(crate) fn serve_waiters(&mut self) {
        if self.state.waiting.count(&self.name) > 0 {
            self.state.work.to_serve.insert(self.name.clone());
        }
    }

    /// As `State::count`.
    pub(crate) fn count(&mut self, add: impl Fn(&mut Totals)) -> &mut QueueState {
        self.state.count(&self.name, add)
    }

    /// So many tasks became claimable `late` ms after their due time.
    pub(crate) fn record_lateness(&mut self, late: Ms, count: u64) {
        self.state.record_lateness(&self.name, late, count);
    }

    /// As `Tx::next_fence`.
    pub(crate) fn next_fence(&mut self, stored: u64) -> u64 {
        self.state.next_fence(stored, self.context.wall_us)
    }

    /// Something under the queue's keys is not ours and was passed over.
    pub(crate) fn log_skip(&mut self, what: &str) {
        self.state.log_skip(&self.name, what);
    }

    /// The task of an id, whatever state it is in; `None` if this version finds no header of ours.
    pub(crate) fn read_header(&mut self, id: &[u8]) -> Option<Task> {
        let bytes = self.keys.peek(self.name.task(id), HEADER_LEN).ok()??;
        Header::read(&bytes).ok().map(|header| Task::new(id, header))
    }

    /// The task of this id, or `None` when there is none (any more). Errors with `Foreign` for a record that is not
    /// ours.
    pub(crate) fn find(&mut self, id: &[u8]) -> Result<Option<Task>> {
        Ok(self.record(id)?.filter(|task| self.has(&task.header)))
    }

    /// The same, also for a task that was removed or dropped.
    fn record(&mut self, id: &[u8]) -> Result<Option<Task>> {
        let Some(bytes) = self.keys.get_start(self.name.task(id), HEADER_LEN)? else {
            return Ok(None);
        };
        let header = Header::read(&bytes).map_err(|_| Error::Foreign)?;
        Ok(Some(Task::new(id, header)))
    }

    /// Whether a record is a task for any command: neither removed nor dropped.
    pub(crate) fn has(&self, header: &Header) -> bool {
        header.state != TaskState::Removed && header.fence >= self.settings.dropped_below()
    }

    /// The task that is claimed under this token. Errors with `NoTask`, or with `Stale` for a claim that is over.
    pub(crate) fn find_claim(&mut self, id: &[u8], token: u64) -> Result<Task> {
        let task = self.find(id)?.ok_or(Error::NoTask)?;
        let header = &task.header;
        let current = header.state == TaskState::Claimed && header.fence == token;
        let memory = self.state.known_queue(&self.name);
        let fenced = current && memory.is_some_and(|memory| memory.is_fenced(header.worker, header.fence));
        if current && !fenced {
            return Ok(task);
        }
        Err(Error::Stale(match header.state {
            TaskState::Claimed if fenced => "on its way back",
            TaskState::Claimed => "claimed with another token",
            _ => self.place(&task)?,
        }))
    }

    /// A generated id that is not in use.
    pub(crate) fn free_id(&mut self) -> Id {
        loop {
            let id = generated_id(self.next_fence(0));
            if !self.keys.exists(self.name.task(&id)) {
                return Id::from_slice(&id);
            }
        }
    }

    /// The record left under an id that may be used, if any: that of a task that is gone, or is kept although it did not
    /// run. Errors with `Duplicate` if another task has the id.
    pub(crate) fn leftover(&mut self, id: &[u8]) -> Result<Option<Task>> {
        let Some(mut task) = self.record(id)? else {
            return Ok(None);
        };
        if self.has(&task.header) {
            if !matches!(task.header.state, TaskState::Cancelled | TaskState::Expired) {
                return Err(self.duplicate(id, Some(task)));
            }
            return Ok(Some(task));
        }
        let header = &mut task.header;
        if header.state != TaskState::Removed || header.fence < self.settings.dropped_below() {
            // Its ghosts are in indexes that were renamed to be swept.
            header.ghosts = 0;
        }
        Ok(Some(task))
    }

    /// The error for a call whose id or unique key belongs to this task, or to one that is gone.
    pub(crate) fn duplicate(&mut self, id: &[u8], task: Option<Task>) -> Error {
        let state = task.and_then(|task| self.place(&task).ok()).unwrap_or("unknown");
        Error::Duplicate(String::from_utf8_lossy(id).into_owned(), state)
    }

    /// The word for where a task is; the scheduled set says whether a waiting one is scheduled or ready.
    pub(crate) fn place(&mut self, task: &Task) -> Result<&'static str> {
        Ok(match task.header.state {
            TaskState::Waiting if self.is_scheduled(task)? => "scheduled",
            TaskState::Waiting => "ready",
            TaskState::Claimed => "claimed",
            TaskState::Blocked => "blocked",
            TaskState::Dead => "dead",
            TaskState::Done => "done",
            TaskState::Cancelled => "cancelled",
            TaskState::Expired => "expired",
            TaskState::Removed => "removed",
        })
    }

    /// Whether a waiting task is in the scheduled set.
    pub(crate) fn is_scheduled(&mut self, task: &Task) -> Result<bool> {
        let score = self.keys.zscore(self.name.index(Index::Scheduled), &task.id)?;
        Ok(score.is_some())
    }

    /// Writes the header of a task; its payload stays. Whatever moves passes here, but what becomes due: `timer::kinds`
    /// relies on that.
    pub(crate) fn write_header(&mut self, task: &Task) -> Result<()> {
        if task.header.kind != 0 && self.settings.kinds.is_full() {
            self.memory().see_kind(task.header.kind);
        }
        self.keys.set_start(self.name.task(&task.id), &task.header.write())
    }

    /// Writes one of the fields beside the header, and sets the flag that they exist. The caller writes the header.
    pub(crate) fn put_field(&mut self, task: &mut Task, field: &[u8], value: &[u8]) -> Result<()> {
        self.keys.hset(self.name.options(&task.id), &[(field, value)])?;
        task.header.flags |= WITH_OPTIONS;
        Ok(())
    }

    /// One of the fields beside the header; `None` also if the key has another type.
    pub(crate) fn field(&mut self, task: &Task, field: &[u8]) -> Option<Vec<u8>> {
        if !task.header.has(WITH_OPTIONS) {
            return None;
        }
        self.keys.hget(self.name.options(&task.id), field).unwrap_or(None)
    }

    /// Most runs of a task of these options.
    pub(crate) fn max_attempts(&self, options: &Options) -> u64 {
        let setting = || self.settings.numbers.attempts(&self.context.config);
        options.attempts.unwrap_or_else(setting)
    }

    /// The wait between the attempts of a task of these options.
    pub(crate) fn backoff(&self, options: &Options) -> Backoff {
        let own = options.backoff.as_deref().and_then(Backoff::parse);
        own.unwrap_or_else(|| self.settings.backoff())
    }

    /// The numbers of the workers, read from their hash when they are not in memory.
    pub(crate) fn worker_numbers(&mut self) -> Result<&mut WorkerNumbers> {
        let memory = self.state.queue(&self.name);
        if memory.workers.is_none() {
            memory.workers = Some(WorkerNumbers::read(self.keys.hgetall(self.name.workers())?));
        }
        Ok(memory.workers.get_or_insert_default())
    }

    /// The same, without adding a queue to memory that is only read.
    pub(crate) fn known_workers(&mut self) -> Result<Cow<'_, WorkerNumbers>> {
        if self.workers_in_memory().is_none() {
            return Ok(Cow::Owned(WorkerNumbers::read(self.keys.hgetall(self.name.workers())?)));
        }
        Ok(self.workers_in_memory().map(Cow::Borrowed).unwrap_or_default())
    }

    fn workers_in_memory(&self) -> Option<&WorkerNumbers> {
        self.state.known_queue(&self.name)?.workers.as_ref()
    }

    /// The worker of a number.
    pub(crate) fn worker_name(&mut self, number: u32) -> Result<Option<String>> {
        if let Some(numbers) = self.workers_in_memory() {
            return Ok(numbers.name(number).map(str::to_string));
        }
        let value = self.keys.hget(self.name.workers(), number.to_string().as_bytes())?;
        Ok(value.and_then(|value| String::from_utf8(value).ok()))
    }

    /// The number of a worker; a new one is written to the workers hash.
    pub(crate) fn number_worker(&mut self, worker: &str) -> Result<u32> {
        let numbers = self.worker_numbers()?;
        if let Some(number) = numbers.number(worker) {
            return Ok(number);
        }
        let number = numbers.add(worker);
        let field = number.to_string();
        self.keys
            .hset(self.name.workers(), &[(field.as_bytes(), worker.as_bytes())])?;
        let check = self.context.steady.after(WORKERS_KEPT);
        self.wake_at_steady(check);
        Ok(number)
    }
}

impl<'t> Target<'t> for Queue<'t> {
    fn open(tx: &'t mut Tx<'_>, db: i32, name: Option<&[u8]>) -> Result<Queue<'t>> {
        Queue::open(tx, Name::new(db, name.unwrap_or_default())?)
    }
}

/// The settings of a queue, read from the hash when they are not in memory.
fn settings(tx: &mut Tx<'_>, name: &Name) -> Result<Rc<QueueSettings>> {
    if let Some(memory) = tx.state.known_queue(name)
        && memory.listed
        && let Some(settings) = &memory.settings
    {
        return Ok(settings.clone());
    }
    if tx.state.has_queue(name)
        && let Some(settings) = &tx.state.queue(name).settings
    {
        return Ok(settings.clone());
    }
    let settings = Rc::new(QueueSettings::read(name, &tx.keys.hgetall(name.queue())?));
    // New fences must be larger than these.
    let releases = settings.releases.iter().map(|(_, below)| below);
    for number in settings.drops.last().into_iter().chain(releases) {
        tx.state.saw_fence(*number);
    }
    if let Some(memory) = tx.state.known_queue_mut(name) {
        memory.settings = Some(settings.clone());
        let other = (settings.service != *name).then_some(&settings.service);
        tx.state.services.follow(name, other);
    }
    Ok(settings)
}

/// A task of the open queue.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Its id.
    pub id: Id,
    /// Its header. Whoever changes it writes it.
    pub header: Header,
    options: OnceCell<Rc<Options>>,
}

impl Task {
    /// A task whose options are still to be read, if it has any.
    pub(crate) fn new(id: &[u8], header: Header) -> Task {
        Task {
            id: Id::from_slice(id),
            header,
            options: OnceCell::new(),
        }
    }

    /// The same, from an owned id.
    pub(crate) fn of(id: Id, header: Header) -> Task {
        Task {
            id,
            header,
            options: OnceCell::new(),
        }
    }

    /// Its own options; read when first asked for. A key of another type, or options edited into nonsense, count as no
    /// options.
    pub(crate) fn options<'a>(&'a self, queue: &mut Queue<'_>) -> &'a Options {
        static NONE: Options = Options::NONE;
        if !self.header.has(WITH_OPTIONS) {
            return self.options.get().map_or(&NONE, Rc::as_ref);
        }
        self.options
            .get_or_init(|| Rc::new(options::read(queue.keys, &queue.name, &self.id)))
    }

    /// Replaces its options.
    pub(crate) fn set_options(&mut self, options: Rc<Options>) {
        self.options = options.into();
    }

    /// Whether it has not ended.
    pub(crate) fn is_live(&self) -> bool {
        matches!(
            self.header.state,
            TaskState::Waiting | TaskState::Claimed | TaskState::Blocked
        )
    }

    /// Whether it was cancelled while claimed.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.header.has(CANCELLED)
    }
}

/// A task with its payload.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The task.
    pub task: Task,
    /// The whole value: the payload begins behind the header.
    pub value: Vec<u8>,
}
