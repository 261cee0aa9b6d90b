//! Clients that wait for a member to come, to go or to lead.

use crate::error::Result;
use crate::membership::service::Service;
use crate::reply::Reply;
use crate::waiting::WaitFor;

impl Service<'_> {
    /// Answers clients that waited for the member to come or go, or for something that it can no longer become.
    pub(crate) fn notify_watchers(&mut self, member: &str, is_there: bool) {
        if !is_there {
            for (ticket, _) in self.state.waiting.holders_as(&self.name, member) {
                let error = self.no_member(member);
                self.tx().answer(ticket, Err(error), Vec::new());
            }
        }
        for ticket in self.state.waiting.watchers_of(&self.name, member) {
            match self.state.waiting.wait_for(ticket) {
                Some(WaitFor::Member(_, _, there)) if *there == is_there => {
                    self.tx().answer(ticket, Ok(Reply::Int(1)), Vec::new());
                }
                Some(WaitFor::Lead(..)) if !is_there => {
                    let error = self.no_member(member);
                    self.tx().answer(ticket, Err(error), Vec::new());
                }
                _ => {}
            }
        }
    }

    /// The same for every member that a client waits for, after another client may have changed the service's keys.
    pub(crate) fn notify_all_watchers(&mut self) -> Result<()> {
        for member in self.state.waiting.watched(&self.name) {
            let is_there = self.find(&member)?.is_some();
            self.notify_watchers(&member, is_there);
        }
        Ok(())
    }
}
