//! The handle of one service. Members and leadership that are not in memory are read from its keys.

use crate::command::run::Target;
use crate::context::{Caller, Context};
use crate::error::{Error, Result};
use crate::keyspace::Keyspace;
use crate::membership::leadership::{LEADER, Leadership, SINCE_AT};
use crate::membership::liveness::Reason;
use crate::membership::member::Member;
use crate::membership::record::{MemberName, MemberRecord, hash_token};
use crate::membership::service_state::{Loading, ServiceState};
use crate::names::{Name, plain_text};
use crate::state::State;
use crate::time::{Ms, Steady};
use crate::tx::Tx;

/// A service, open in one transaction.
pub(crate) struct Service<'t> {
    /// The data.
    pub keys: &'t mut dyn Keyspace,
    /// The derived and ephemeral state of all queues and services.
    pub state: &'t mut State,
    /// The moment and the module's settings.
    pub context: Context,
    /// Its name, from which its keys are built.
    pub name: Name,
}

impl<'t> Service<'t> {
    /// The service of this name.
    pub(crate) fn of(tx: &'t mut Tx<'_>, name: &Name) -> Service<'t> {
        Service {
            keys: &mut *tx.keys,
            state: &mut *tx.state,
            context: tx.context,
            name: name.clone(),
        }
    }

    /// The transaction, for work beyond this service.
    pub(crate) fn tx(&mut self) -> Tx<'_> {
        Tx {
            keys: &mut *self.keys,
            state: &mut *self.state,
            context: self.context,
        }
    }

    /// Errors with `WrongType` unless every key this may write has the right type.
    pub(crate) fn ensure_types(&mut self) -> Result<()> {
        self.ensure_readable()?;
        self.keys.ensure_type(self.name.candidates())?;
        self.keys.ensure_type(self.name.events())
    }

    /// The same for what is only read: memory does not see when a key is overwritten by a string.
    pub(crate) fn ensure_readable(&mut self) -> Result<()> {
        self.keys.ensure_type(self.name.service())?;
        self.keys.ensure_type(self.name.members())
    }

    /// The state of the service, created if missing.
    pub(crate) fn memory(&mut self) -> &mut ServiceState {
        self.state.service(&self.name)
    }

    /// The state of the service, if there is any.
    pub(crate) fn known(&self) -> Option<&ServiceState> {
        self.state.services.known(&self.name)
    }

    /// A member in memory.
    pub(crate) fn member(&self, member: &str) -> Option<&Member> {
        self.known()?.member(member)
    }

    /// A member. Rereads its record when another client may have changed it.
    pub(crate) fn find(&mut self, member: &str) -> Result<Option<&Member>> {
        let is_current = |service: &ServiceState| {
            let known = service.member(member);
            known.is_some_and(|known| known.version == service.version)
        };
        if !self.known().is_some_and(is_current) {
            let stored = self.keys.hget(self.name.members(), member.as_bytes())?;
            if !self.load(member, stored.as_deref(), self.context.steady) {
                return Ok(None);
            }
        }
        Ok(self.member(member))
    }

    /// Loads the stored record of a member into memory; one that is new there is alive from `alive` on. Whether it is a
    /// member.
    pub(crate) fn load(&mut self, member: &str, stored: Option<&[u8]>, alive: Steady) -> bool {
        let record = stored.and_then(MemberRecord::read);
        let Some(record) = record.filter(|_| plain_text("member", member.as_bytes()).is_ok()) else {
            if stored.is_some() {
                self.log_skip("a member whose record is not one of ours");
            }
            self.mark_dead(member, Reason::Deleted);
            return false;
        };
        let place = self.keys.zscore(self.name.candidates(), member.as_bytes());
        let default_ttl = self.context.config.ttl;
        self.tx().saw_fence(record.order.max(record.signal_order));
        let memory = self.memory();
        let known = memory.member(member).cloned();
        let mut known = known.unwrap_or_else(|| Member::loaded(member.into(), alive));
        if known.record.token != record.token {
            known.token = None;
        }
        if known.was_loaded {
            let ttl = if record.ttl == 0 { Ms::MAX } else { record.ttl };
            memory.longest_ttl = memory.longest_ttl.max(Some(ttl));
        }
        known.record = record;
        known.is_candidate = place.is_ok_and(|place| place.is_some());
        memory.put(known, default_ttl);
        self.plan();
        true
    }

    /// Lets the timer remove a member, if it is in memory.
    pub(crate) fn mark_dead(&mut self, member: &str, reason: Reason) {
        let Some(memory) = self.state.services.known_mut(&self.name) else {
            return;
        };
        if memory.member(member).is_some() {
            memory.dead.insert(member.into(), reason);
            self.wake_now();
        }
    }

    /// The timer comes to this service at that moment.
    pub(crate) fn wake_at(&mut self, moment: Steady) {
        self.state.names.wake_at_steady(&self.name, moment);
    }

    /// The timer comes to this service at once.
    pub(crate) fn wake_now(&mut self) {
        self.state.names.wake_now(&self.name);
    }

    /// Plans the timer for the next member that is due.
    pub(crate) fn plan(&mut self) {
        let Some(known) = self.state.services.known(&self.name) else {
            return;
        };
        if known.loading != Loading::Done {
            self.wake_now();
        } else if let Some(next) = known.next() {
            self.wake_at(next);
        }
    }

    /// Records a heartbeat, perhaps on a connection that binds the member from now on.
    pub(crate) fn touch(&mut self, member: &str, bind: Option<u64>) {
        if let Some(connection) = bind {
            self.state.rebind(connection, &self.name, &member.into());
        }
        let (now, default_ttl) = (self.context.steady, self.context.config.ttl);
        let memory = self.memory();
        memory.touch(member, now, default_ttl);
        self.plan();
    }

    /// Errors with `NoMember` unless the member exists, and with `Fenced` unless this is its token.
    pub(crate) fn verify(&mut self, member: &str, token: u64) -> Result<()> {
        let Some(known) = self.find(member)? else {
            return Err(self.no_member(member));
        };
        if known.token == Some(token) && known.token_shown {
            return Ok(());
        }
        if known.token != Some(token) && known.record.token.as_deref() != Some(hash_token(token).as_str()) {
            return Err(self.fenced(false)?);
        }
        if let Some(known) = self.memory().member_mut(member) {
            known.token = Some(token);
            known.token_shown = true;
        }
        Ok(())
    }

    /// The error for a member that does not exist, or no longer.
    pub(crate) fn no_member(&self, member: &str) -> Error {
        Error::NoMember(member.to_string(), self.name.text().to_string())
    }

    /// The error for a client whose token or epoch is missing, wrong or no longer valid.
    pub(crate) fn fenced(&mut self, lacks_token: bool) -> Result<Error> {
        let epoch = self.leadership()?.epoch;
        let (epoch, leader) = match self.leader()? {
            Some(leader) => (epoch, leader.to_string()),
            None => (0, String::new()),
        };
        Ok(Error::Fenced {
            epoch,
            leader,
            lacks_token,
        })
    }

    /// The service's own hash, read unless it is in memory.
    pub(crate) fn leadership(&mut self) -> Result<Leadership> {
        if let Some(leadership) = self.known().and_then(|known| known.leadership.as_ref()) {
            return Ok(leadership.clone());
        }
        let leadership = Leadership::read(&self.keys.hgetall(self.name.service())?);
        // Reading a service must not create a state for it.
        if let Some(known) = self.state.services.known_mut(&self.name) {
            known.leadership = Some(leadership.clone());
        }
        Ok(leadership)
    }

    /// Whether the service's hash names this one as its leader.
    pub(crate) fn is_led_by(&mut self, member: &str) -> Result<bool> {
        Ok(self.leadership()?.leader.as_deref() == Some(member))
    }

    /// The leader, if it is a member.
    pub(crate) fn leader(&mut self) -> Result<Option<MemberName>> {
        let Some(leader) = self.leadership()?.leader else {
            return Ok(None);
        };
        Ok(self.find(&leader)?.map(|_| leader))
    }

    /// Removes the leader. The epoch stays: the next one must be larger.
    pub(crate) fn vacate(&mut self) -> Result<()> {
        let mut leadership = self.leadership()?;
        leadership.leader = None;
        let fields = [LEADER.as_bytes(), SINCE_AT.as_bytes()];
        self.keys.hdel(self.name.service(), &fields)?;
        self.memory().leadership = Some(leadership);
        Ok(())
    }

    /// The next epoch, token or moment in the count of registrations.
    pub(crate) fn next_fence(&mut self) -> Result<u64> {
        let epoch = self.leadership()?.epoch;
        Ok(self.tx().next_fence(epoch))
    }

    /// How long a member lives without a heartbeat, ms from now; `None` for ever.
    pub(crate) fn remaining(&self, member: &Member) -> Option<Ms> {
        let (deadline, _) = member.deadline(self.context.config.ttl)?;
        Some(deadline.since(self.context.steady).max(0))
    }

    /// Whether the member's TTL has run out and no stall or freeze postpones its end.
    pub(crate) fn is_overdue(&self, member: &Member) -> bool {
        let now = self.context.steady;
        let deadline = member.deadline(self.context.config.ttl);
        deadline
            .is_some_and(|(deadline, length)| deadline <= now && self.state.stalls.may_expire(now, deadline, length))
    }

    /// Logs that a foreign entry under the service's keys is skipped.
    pub(crate) fn log_skip(&mut self, what: &str) {
        self.state.log_skipped_member(&self.name, what);
    }
}

impl<'t> Target<'t> for Service<'t> {
    fn open(tx: &'t mut Tx<'_>, db: i32, name: Option<&[u8]>) -> Result<Service<'t>> {
        Ok(Service::of(tx, &Name::of_service(db, name.unwrap_or_default())?))
    }
}

/// The connection that BIND ties a member or a claim to; `BadArg` where there is none.
pub(crate) fn connection(bind: bool, caller: &Caller<'_>) -> Result<Option<u64>> {
    match (bind, caller.connection) {
        (false, _) => Ok(None),
        (true, Some(connection)) => Ok(Some(connection)),
        (true, None) => Err(Error::BadArg(
            "BIND needs a client connection: not allowed in a script".into(),
        )),
    }
}
