//! The outcome of a registration: a new member, one that resumes with its token, one that replaces a silent member; or
//! it is refused because another member is in the way.

use crate::error::Result;
use crate::membership::liveness::Reason;
use crate::membership::record::{MemberName, MemberRecord};
use crate::membership::registration::Registration;
use crate::membership::service::Service;
use crate::membership::service_state::ServiceState;
use crate::time::Ms;

/// The outcome of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The process is a member.
    In {
        /// How it became one.
        status: Status,
        /// Its token.
        token: Option<u64>,
        /// The epoch it leads in, if it does.
        epoch: Option<u64>,
        /// Its TTL, ms.
        ttl: Ms,
    },
    /// Refused: another member is in the way, or the reclaim window.
    Held {
        /// The member in the way.
        holder: Option<MemberName>,
        /// The epoch of the leader.
        epoch: Option<u64>,
        /// When to retry, ms from now.
        retry: Option<Ms>,
        /// Whether the lead is what is taken; BLOCK can wait for that.
        lead: bool,
    },
}

/// How a process became a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Its name was free.
    Registered,
    /// It was a member and has shown its token, or sends the same again.
    Resumed,
    /// It replaced a silent member of its name.
    Replaced,
}

impl Status {
    /// The word for it in replies and events.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Registered => "registered",
            Status::Resumed => "resumed",
            Status::Replaced => "replaced",
        }
    }
}

impl Service<'_> {
    /// Errors unless the process may register with these options. Nothing can fail after that.
    pub(crate) fn ensure_may_register(&mut self, registration: &Registration, memory_full: bool) -> Result<()> {
        let Registration { member, ttl, .. } = registration;
        self.ensure_types()?;
        if let Some(token) = registration.token {
            self.verify(member, token)?;
            return self.ensure_may_go_on(member, *ttl, registration.exclusive);
        }
        if registration.exclusive {
            self.ensure_may_lead(ttl.unwrap_or(self.context.config.ttl))?;
        }
        if self.find(member)?.is_none() {
            return self.ensure_room(memory_full);
        }
        if self.is_repeated(registration) {
            return self.ensure_may_go_on(member, *ttl, registration.exclusive);
        }
        Ok(())
    }

    /// Whether a registration was sent again because its reply was lost: it is from the process of the member, and no
    /// client has shown the token since. A load does not tell whether one has, but then it was this process too.
    fn is_repeated(&self, registration: &Registration) -> bool {
        let process = |pid, host, start, boot| Some((pid?, host?, start?, boot?));
        let Registration {
            pid, host, start, boot, ..
        } = registration;
        let calls = process(*pid, host.as_ref(), start.as_ref(), boot.as_ref());
        self.member(&registration.member).is_some_and(|member| {
            let MemberRecord {
                pid, host, start, boot, ..
            } = &member.record;
            !member.token_shown
                && calls.is_some()
                && calls == process(*pid, host.as_ref(), start.as_ref(), boot.as_ref())
        })
    }

    /// Removes the members of this host that registered under another boot id: their processes are gone. Whether there
    /// were any. Of many, the timer removes most.
    pub(crate) fn remove_other_boots(&mut self, registration: &Registration) -> Result<bool> {
        let (Some(host), Some(boot)) = (&registration.host, &registration.boot) else {
            return Ok(false);
        };
        let has_others = |known: &ServiceState| known.of_other_boots(host, boot).next().is_some();
        if !self.known().is_some_and(has_others) {
            return Ok(false);
        }
        self.memory().leaving.boots.insert(host.clone(), boot.clone());
        if registration.token.is_some() {
            return self.remove_leaving(Some(&registration.member));
        }
        self.remove_leaving(None)?;
        // Its name is to be free.
        if self.memory().is_leaving(&registration.member).is_some() {
            self.remove(&registration.member, &Reason::Reboot)?;
        }
        Ok(true)
    }

    /// What keeps a process from becoming the exclusive holder, if it asks for that.
    pub(crate) fn lead_held(&mut self, registration: &Registration) -> Result<Option<Registered>> {
        if !registration.exclusive {
            return Ok(None);
        }
        match self.leader()? {
            Some(leader) if leader != registration.member => self.held_by(&leader, true).map(Some),
            Some(_) => Ok(None),
            None => {
                let left = self.reclaim_left()?;
                Ok((left > 0).then_some(Registered::Held {
                    holder: None,
                    epoch: None,
                    retry: Some(left),
                    lead: true,
                }))
            }
        }
    }

    /// Frees the name for a process, removing a silent member; `None` when a living one has it. A member is silent when
    /// its connection was seen closing or its TTL has run out.
    pub(crate) fn take_name(&mut self, registration: &Registration) -> Result<Option<Status>> {
        let name = &registration.member;
        if self.find(name)?.is_none() {
            return Ok(Some(Status::Registered));
        }
        if registration.token.is_some() || self.is_repeated(registration) {
            return Ok(Some(Status::Resumed));
        }
        let is_silent = self
            .member(name)
            .is_some_and(|member| (member.is_away() && member.liveness.closed.is_some()) || self.is_overdue(member));
        if !is_silent {
            return Ok(None);
        }
        self.remove(name, &Reason::Replaced)?;
        Ok(Some(Status::Replaced))
    }

    /// The outcome for a process that this member is in the way of.
    pub(crate) fn held_by(&mut self, holder: &MemberName, lead: bool) -> Result<Registered> {
        let leads = self.leader()?.as_ref() == Some(holder);
        let epoch = self.leadership()?.epoch;
        let retry = self.member(holder).and_then(|member| self.remaining(member));
        Ok(Registered::Held {
            holder: Some(holder.clone()),
            epoch: leads.then_some(epoch),
            retry,
            lead: lead || leads,
        })
    }
}
