//! How many pages follow the server at a time: each of them keeps asking it.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most of one Redis user, and of all. Browsers close those of pages that nobody sees.
const OF_USER: usize = 50;
const OF_ALL: usize = 200;
/// Seconds after which those that were refused try again, as steward.js does.
const AGAIN: &str = "30";

/// Places for streams.
pub(super) struct Streams(Arc<Semaphore>);

/// Those that one stream takes, until it ends.
pub(super) type Places = [OwnedSemaphorePermit; 2];

impl Streams {
    pub(super) fn of_user() -> Streams {
        Streams(Arc::new(Semaphore::new(OF_USER)))
    }

    pub(super) fn of_all() -> Streams {
        Streams(Arc::new(Semaphore::new(OF_ALL)))
    }

    fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}

/// The places of another stream of this user, or the answer when there are none.
pub(super) fn places(all: &Streams, user: &Streams) -> Result<Places, Box<Response>> {
    let full = |status: StatusCode, text: &'static str| {
        Box::new((status, [(header::RETRY_AFTER, AGAIN)], text).into_response())
    };
    let own = user.take().ok_or_else(|| {
        full(
            StatusCode::TOO_MANY_REQUESTS,
            "This user follows too many pages at once: close some.\n",
        )
    })?;
    let of_all = all.take().ok_or_else(|| {
        full(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages are followed at once: try again later.\n",
        )
    })?;
    Ok([own, of_all])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_stream_has_ended() {
        let (all, user, other) = (Streams::of_all(), Streams::of_user(), Streams::of_user());
        let mut taken: Vec<Places> = (0..OF_USER).map(|_| places(&all, &user).unwrap()).collect();
        let status = |user| places(&all, user).map(drop).map_err(|answer| answer.status());
        assert_eq!(status(&user), Err(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(status(&other), Ok(()));
        taken.pop();
        assert_eq!(status(&user), Ok(()));
        let others: Vec<Streams> = (0..OF_ALL / OF_USER).map(|_| Streams::of_user()).collect();
        let each = others
            .iter()
            .flat_map(|user| (0..OF_USER).map_while(|_| places(&all, user).ok()));
        taken.extend(each);
        assert_eq!(taken.len(), OF_ALL);
        assert_eq!(status(&other), Err(StatusCode::SERVICE_UNAVAILABLE));
    }
}
