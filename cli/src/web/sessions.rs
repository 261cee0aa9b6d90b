//! Who is logged in. All of it is in memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use super::user::User;
use crate::connect::Connector;

/// How long a session lasts, and how long without a request.
const LIFE: Duration = Duration::from_secs(12 * 3600);
const IDLE: Duration = Duration::from_secs(3600);
/// How many there may be: with another one the one that was idle longest ends.
const MOST: usize = 1_000;
/// Failed logins within a minute, of all people together.
const FAILURES: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);

/// One browser of one user.
pub(super) struct Session {
    /// What every change has to repeat.
    pub csrf: String,
    pub user: Arc<User>,
    since: Instant,
    seen: Mutex<Instant>,
    notice: Mutex<Option<String>>,
}

impl Session {
    pub(super) fn of(user: Arc<User>) -> Option<Session> {
        Some(Session {
            csrf: random()?,
            user,
            since: Instant::now(),
            seen: Mutex::new(Instant::now()),
            notice: Mutex::default(),
        })
    }

    fn is_alive(&self, now: Instant) -> bool {
        now - self.since < LIFE && self.idle(now) < IDLE
    }

    fn idle(&self, now: Instant) -> Duration {
        now - *locked(&self.seen)
    }

    /// What the next page says first.
    pub(super) fn tell(&self, text: String) {
        *locked(&self.notice) = Some(text);
    }

    pub(super) fn told(&self) -> Option<String> {
        locked(&self.notice).take()
    }
}

#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<String, Arc<Session>>>,
    failures: Mutex<Vec<Instant>>,
}

impl Sessions {
    /// The session of this cookie. A request keeps it alive, a page that is only kept open does not.
    pub(super) fn find(&self, id: &str, is_request: bool) -> Option<Arc<Session>> {
        self.find_at(id, is_request, Instant::now())
    }

    fn find_at(&self, id: &str, is_request: bool, now: Instant) -> Option<Arc<Session>> {
        let mut open = locked(&self.open);
        open.retain(|_, session| session.is_alive(now));
        let session = open.get(id).cloned();
        if let Some(session) = session.as_ref().filter(|_| is_request) {
            *locked(&session.seen) = now;
        }
        session
    }

    /// A new one, and its cookie.
    pub(super) fn begin(&self, user: Arc<User>) -> Option<String> {
        let (id, session) = (random()?, Session::of(user)?);
        let mut open = locked(&self.open);
        if open.len() >= MOST {
            let now = Instant::now();
            let longest = open.iter().max_by_key(|(_, session)| session.idle(now));
            let longest = longest.map(|(id, _)| id.clone());
            longest.and_then(|id| open.remove(&id));
        }
        open.insert(id.clone(), Arc::new(session));
        Some(id)
    }

    pub(super) fn end(&self, id: &str) {
        locked(&self.open).remove(id);
    }

    /// The user that has logged in with the same name and password already, whose connections are shared.
    pub(super) fn user(&self, connector: Connector) -> Arc<User> {
        let open = locked(&self.open);
        let known = open.values().find(|session| session.user.is(&connector));
        let user = known.map_or_else(|| Arc::new(User::new(connector)), |session| session.user.clone());
        // Its rights may have changed since.
        user.forget_rights();
        user
    }

    /// Whether somebody may try to log in. Counts the try as failed until `succeeded`: many at once are no way around.
    pub(super) fn may_try(&self) -> bool {
        let mut failures = locked(&self.failures);
        failures.retain(|at| at.elapsed() < MINUTE);
        let may = failures.len() < FAILURES;
        if may {
            failures.push(Instant::now());
        }
        may
    }

    pub(super) fn succeeded(&self) {
        locked(&self.failures).pop();
    }
}

/// 256 random bits.
fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What was locked is whole even when a thread has panicked: it is replaced, never half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::address::Address;

    #[test]
    fn a_session_ends_after_an_idle_hour_or_half_a_day() {
        let sessions = Sessions::default();
        let connector = Connector::new(Address::parse("redis://localhost").unwrap(), None);
        let begin = || sessions.begin(sessions.user(connector.clone())).unwrap();
        let (idle, busy) = (begin(), begin());
        assert_ne!(idle, busy);
        assert_eq!(idle.len(), 43, "256 bits");
        let now = Instant::now();
        let at = |minutes: u64| now + Duration::from_secs(60 * minutes);
        let is_open = |id: &str, is_request, minutes| sessions.find_at(id, is_request, at(minutes)).is_some();
        // A page that is only kept open keeps none.
        assert!(is_open(&idle, false, 59) && is_open(&busy, true, 50));
        assert!(!is_open(&idle, false, 61));
        for minutes in (60..720).step_by(30) {
            assert!(is_open(&busy, true, minutes), "{minutes}");
        }
        assert!(!is_open(&busy, true, 721));
    }
}
