//! Elections. A service has at most one leader at any moment, and each has a larger epoch than all before.

use crate::error::Result;
use crate::membership::events::Event;
use crate::membership::leadership::{EPOCH, LEADER, Leadership, SINCE_AT};
use crate::membership::record::MemberName;
use crate::membership::register::{Registered, Status};
use crate::membership::registration::Registration;
use crate::membership::service::Service;
use crate::waiting::{Granted, Ticket, WaitFor};

impl Service<'_> {
    /// Registers a process unless a member is in the way. Those in the line for the lead come first.
    pub(crate) fn register(&mut self, registration: &Registration) -> Result<Registered> {
        self.ensure_may_register(registration, self.context.memory_full)?;
        let rebooted = self.remove_other_boots(registration)?;
        if registration.exclusive || rebooted {
            self.elect()?;
        }
        if let Some(held) = self.lead_held(registration)? {
            return Ok(held);
        }
        let Some(status) = self.take_name(registration)? else {
            return self.held_by(&registration.member, false);
        };
        if status == Status::Replaced {
            self.elect()?;
            if let Some(held) = self.lead_held(registration)? {
                return Ok(held);
            }
        }
        self.enter(registration, status)
    }

    /// The same for a process that was in the line and whose turn has come.
    fn register_in_turn(&mut self, registration: &Registration) -> Result<Registered> {
        self.ensure_may_register(registration, false)?;
        self.remove_other_boots(registration)?;
        if let Some(held) = self.lead_held(registration)? {
            return Ok(held);
        }
        match self.take_name(registration)? {
            Some(status) => self.enter(registration, status),
            None => self.held_by(&registration.member, false),
        }
    }

    /// Registers the process when no member is in the way; it leads if it asked for that.
    fn enter(&mut self, registration: &Registration, status: Status) -> Result<Registered> {
        let name = &registration.member;
        let token = if status == Status::Resumed {
            Some(self.resume(registration)?)
        } else {
            self.join(registration, status.word())?
        };
        let leads = self.is_led_by(name)?;
        match (leads, registration.token) {
            (true, Some(_)) => self.confirm_lead(name)?,
            // One epoch never has two holders: that of the token of before may still be around.
            (true, None) => self.renew_lead(name)?,
            (false, _) if registration.exclusive => self.appoint(name)?,
            (false, _) => {}
        }
        let epoch = self.leadership()?.epoch;
        Ok(Registered::In {
            status,
            token,
            epoch: (leads || registration.exclusive).then_some(epoch),
            ttl: self.member(name).map_or(0, |member| member.record.ttl),
        })
    }

    /// Appoints a leader when there is none: the first living one in the line. Returns the leader.
    pub(crate) fn elect(&mut self) -> Result<Option<MemberName>> {
        loop {
            if let Some(leader) = self.leader()? {
                self.memory().settled = true;
                return Ok(Some(leader));
            }
            let left = self.reclaim_left()?;
            if left > 0 {
                let end = self.context.steady.after(left);
                self.wake_at(end);
                return Ok(None);
            }
            let candidate = self.first_candidate()?;
            let holder = self.state.waiting.first_holder(&self.name);
            let holder = holder.map(|(ticket, registration, place)| (ticket, registration.clone(), place));
            match (candidate, holder) {
                (Some((place, member)), holder) if holder.as_ref().is_none_or(|(_, _, other)| place < *other) => {
                    self.appoint(&member)?;
                }
                (_, Some((ticket, registration, _))) => self.admit(ticket, &registration)?,
                (_, None) => {
                    if self.leadership()?.leader.is_some() {
                        // The stored leader is not a member.
                        self.vacate()?;
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// Makes a member the leader, with a new epoch, and answers the clients that waited for that.
    pub(crate) fn appoint(&mut self, member: &MemberName) -> Result<()> {
        let epoch = self.next_fence()?;
        let leadership = Leadership {
            leader: Some(member.clone()),
            epoch,
            since: self.context.wall.0,
            ..self.leadership()?
        };
        let (epoch_text, since_text) = (epoch.to_string(), leadership.since.to_string());
        self.keys.hset(
            self.name.service(),
            &[
                (LEADER.as_bytes(), member.as_bytes()),
                (EPOCH.as_bytes(), epoch_text.as_bytes()),
                (SINCE_AT.as_bytes(), since_text.as_bytes()),
            ],
        )?;
        let memory = self.memory();
        memory.leadership = Some(leadership);
        memory.settled = true;
        memory.renew_lead = false;
        self.withdraw(member)?;
        self.emit(member, &Event::Leader(epoch))?;
        for (ticket, registration) in self.state.waiting.holders_as(&self.name, member) {
            self.admit(ticket, &registration)?;
        }
        for ticket in self.state.waiting.watchers_of(&self.name, member) {
            if matches!(self.state.waiting.wait_for(ticket), Some(WaitFor::Lead(..))) {
                let reply = self.render_standing(member)?;
                self.tx().answer(ticket, Ok(reply), Vec::new());
            }
        }
        Ok(())
    }

    /// The leader shows itself. For the first time after a load or a promotion it gets a new epoch.
    pub(crate) fn confirm_lead(&mut self, leader: &str) -> Result<()> {
        if self.known().is_some_and(|known| known.renew_lead) {
            self.ensure_types()?;
            self.renew_lead(leader)?;
        }
        Ok(())
    }

    /// Gives the leader a new epoch, larger than any before; it has led since the same moment.
    pub(crate) fn renew_lead(&mut self, leader: &str) -> Result<()> {
        let epoch = self.next_fence()?;
        let leadership = Leadership {
            epoch,
            ..self.leadership()?
        };
        let text = epoch.to_string();
        self.keys
            .hset(self.name.service(), &[(EPOCH.as_bytes(), text.as_bytes())])?;
        let memory = self.memory();
        memory.leadership = Some(leadership);
        memory.renew_lead = false;
        self.emit(leader, &Event::Leader(epoch))
    }

    /// Registers a blocked client whose turn as the exclusive holder has come.
    fn admit(&mut self, ticket: Ticket, registration: &Registration) -> Result<()> {
        // Leaves the line first, because registering checks the line.
        if self.state.waiting.leave(ticket).is_none() {
            return Ok(());
        }
        let registered = self.register_in_turn(registration);
        let granted = registered
            .as_ref()
            .ok()
            .and_then(|came| self.granted(registration, came));
        let reply = registered.map(|registered| self.render_registered(&registered));
        self.state.waiting.notify(ticket, reply, granted.into_iter().collect());
        Ok(())
    }

    /// What to give back if the client never gets its reply: not a membership that it had before.
    fn granted(&self, registration: &Registration, registered: &Registered) -> Option<Granted> {
        match registered {
            Registered::In { token: Some(token), .. } if registration.token.is_none() => Some(Granted::Member {
                service: self.name.clone(),
                member: registration.member.clone(),
                token: *token,
            }),
            _ => None,
        }
    }
}
