//! Adds and removes members. Callers have ensured the types of the service's keys, and elect afterwards.

use crate::error::{Error, Result};
use crate::membership::events::Event;
use crate::membership::liveness::Reason;
use crate::membership::member::Member;
use crate::membership::record::{MemberRecord, hash_token};
use crate::membership::registration::Registration;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::membership::services::Gone;

impl Service<'_> {
    /// Errors unless the service can take one more member.
    pub(crate) fn ensure_room(&mut self, memory_full: bool) -> Result<()> {
        let most = self.context.config.max_members;
        if self.keys.hlen(self.name.members())? >= usize::try_from(most).unwrap_or(usize::MAX) {
            return Err(Error::ServiceFull(most));
        }
        if memory_full { Err(Error::OutOfMemory) } else { Ok(()) }
    }

    /// Adds a new member. Returns its token, if it is to have one.
    pub(crate) fn join(&mut self, registration: &Registration, reason: &str) -> Result<Option<u64>> {
        let name = &registration.member;
        self.remove_remains(name)?;
        let order = self.next_fence()?;
        let token = registration.with_token.then(|| self.tx().next_fence(order));
        let record = MemberRecord {
            pid: registration.pid,
            host: registration.host.clone(),
            start: registration.start.clone(),
            boot: registration.boot.clone(),
            ttl: registration.ttl.unwrap_or(self.context.config.ttl),
            bind: registration.bind.is_some(),
            grace: registration.grace,
            exclusive: registration.exclusive,
            token: token.map(hash_token),
            order,
            registered_at: self.context.wall.0,
            meta: registration.meta.clone().unwrap_or_default(),
            ..MemberRecord::default()
        };
        let mut member = Member::new(name.clone(), record, self.context.steady);
        member.token = token;
        let is_first = self.keys.hlen(self.name.members())? == 0;
        let memory = self.memory();
        if is_first && memory.count() == 0 {
            // It is the only member: there are no others to read.
            memory.loading = Loading::Done;
        }
        self.store(member)?;
        if let Some(connection) = registration.bind {
            self.state.rebind(connection, &self.name, name);
        }
        self.plan();
        self.emit(name, &Event::Up(reason))?;
        self.notify_watchers(name, true);
        Ok(token)
    }

    /// Forgets a member whose record was deleted by another client, also as the leader, before a new member takes its
    /// name. The timer elects the next leader.
    fn remove_remains(&mut self, member: &str) -> Result<()> {
        let led = self.is_led_by(member)?;
        if self.member(member).is_some() {
            self.remove(member, &Reason::Deleted)?;
        } else if led {
            self.vacate()?;
        }
        if led {
            self.wake_now();
        }
        Ok(())
    }

    /// Updates the record of a member that registers again. Returns its token: the one it has shown, or a new one.
    pub(crate) fn resume(&mut self, registration: &Registration) -> Result<u64> {
        let order = self.next_fence()?;
        let was_quiet = self.state.services.is_quiet(&self.name, &registration.member);
        let token = match registration.token {
            Some(token) => token,
            None => self.tx().next_fence(order),
        };
        let hash = registration.token.is_none().then(|| hash_token(token));
        self.update(&registration.member, |record| {
            if record.boot != registration.boot {
                // The boot id that registered last is the host's current one.
                record.order = order;
            }
            record.pid = registration.pid;
            record.host.clone_from(&registration.host);
            record.start.clone_from(&registration.start);
            record.boot.clone_from(&registration.boot);
            record.ttl = registration.ttl.unwrap_or(record.ttl);
            record.bind = registration.bind.is_some();
            record.grace = registration.grace;
            record.exclusive = registration.exclusive;
            record.token = hash.or_else(|| record.token.take());
            if let Some(meta) = &registration.meta {
                record.meta.clone_from(meta);
            }
        })?;
        if let Some(known) = self.memory().member_mut(&registration.member) {
            known.token = Some(token);
        }
        self.touch(&registration.member, registration.bind);
        if was_quiet {
            // A signal to all does not reach a process of a later boot.
            self.state.readmit_quiet(&self.name);
        }
        Ok(token)
    }

    /// Changes the record of a member, and stores it only if that changed it.
    pub(crate) fn update(&mut self, member: &str, change: impl FnOnce(&mut MemberRecord)) -> Result<()> {
        let Some(known) = self.member(member) else {
            return Ok(());
        };
        let mut record = known.record.clone();
        change(&mut record);
        if record == known.record {
            return Ok(());
        }
        let mut member = known.clone();
        if !record.bind {
            member.liveness.closed = None;
        }
        member.record = record;
        self.store(member)
    }

    fn store(&mut self, member: Member) -> Result<()> {
        let json = member.record.write();
        let field = [(member.name.as_bytes(), json.as_slice())];
        self.keys.hset(self.name.members(), &field)?;
        let default_ttl = self.context.config.ttl;
        self.memory().put(member, default_ttl);
        Ok(())
    }

    /// Removes a member from the records and the line of candidates, and frees the lead if it had it. Its claims end
    /// at the end of the transaction.
    pub(crate) fn remove(&mut self, member: &str, reason: &Reason) -> Result<()> {
        if matches!(reason, Reason::Left | Reason::Evicted(_)) {
            self.give_up_lost_lead(member)?;
        }
        let led = self.is_led_by(member)?;
        let below = self.next_fence()?;
        let Some(known) = self.member(member) else {
            return Ok(());
        };
        let is_candidate = known.is_candidate;
        let was_quiet = self.state.services.is_quiet(&self.name, member);
        self.keys.hdel(self.name.members(), &[member.as_bytes()])?;
        if is_candidate {
            self.keys.zrem(self.name.candidates(), &[member.as_bytes()])?;
        }
        self.emit(member, &Event::Down(reason))?;
        if let Some(gone) = self.memory().take(member) {
            let services = &mut self.state.services;
            services.unbind(&self.name, member, &gone.liveness.connections);
        }
        if led {
            self.memory().settled = true;
            self.vacate()?;
        }
        let lost = *reason != Reason::Left;
        self.state.services.lost += u64::from(lost);
        self.state.services.gone.push(Gone {
            service: self.name.clone(),
            member: member.into(),
            below,
            lost,
        });
        if was_quiet {
            self.state.readmit_quiet(&self.name);
        }
        self.notify_watchers(member, false);
        Ok(())
    }
}
