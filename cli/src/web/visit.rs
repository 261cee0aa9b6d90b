//! One request of somebody who is logged in.

use std::sync::Arc;

use super::fields::Fields;
use super::page::Form;
use super::rights::Right;
use super::sessions::{Session, locked};
use super::site::Site;
use super::trouble::Trouble;
use super::user::User;
use crate::connect::Reply;
use crate::output::record::Record;
use crate::watch::Snapshot;

/// Fields of tasks that --no-payloads leaves out.
const CONTENTS: [&str; 3] = ["payload", "progress", "result"];

pub(super) struct Visit {
    pub site: Arc<Site>,
    pub session: Arc<Session>,
    /// What the answer is to be.
    pub form: Form,
    pub query: Fields,
    /// The path and query of the page.
    pub here: String,
}

impl Visit {
    pub(super) fn user(&self) -> &User {
        &self.session.user
    }

    /// The address of a page.
    pub(super) fn address(&self, path: &str, query: &[(&str, &str)]) -> String {
        self.site.address(path, &Fields::from(query))
    }

    /// Whether there is to be a button for it.
    pub(super) fn may(&self, name: &str, right: Right) -> bool {
        !self.site.args.read_only && self.user().may(name, right)
    }

    pub(super) fn queues(&self) -> Result<Arc<Snapshot>, Trouble> {
        let user = self.user();
        Ok(locked(&user.watch).queues(|| user.queues())?)
    }

    /// A task, without what is not to be shown here.
    pub(super) fn task(&self, reply: &Reply) -> Record {
        self.shown(Record::of(reply))
    }

    /// The same of one that has been read.
    pub(super) fn shown(&self, task: Record) -> Record {
        if self.site.args.no_payloads {
            task.without(&CONTENTS)
        } else {
            task
        }
    }
}
