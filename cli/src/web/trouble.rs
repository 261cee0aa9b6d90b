//! Why a page cannot be shown, or a change was not made.

use axum::http::StatusCode;

use crate::connect::CallError;
use crate::failure::Failure;

#[derive(Debug)]
pub(super) enum Trouble {
    /// The server has refused a command, or cannot be reached.
    Call(CallError),
    /// The server is there, but not as it should be.
    Unfit(Failure),
    /// What was asked for is not there.
    Missing(String),
    /// What was sent is wrong.
    Wrong(String),
    /// It is not allowed here, whoever asks.
    Refused(String),
}

impl Trouble {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Trouble::Call(CallError::Server { code, .. }) => match &code[..] {
                "NOAUTH" | "WRONGPASS" => StatusCode::UNAUTHORIZED,
                "NOPERM" => StatusCode::FORBIDDEN,
                "NOTASK" | "NOMEMBER" => StatusCode::NOT_FOUND,
                "BADARG" | "BADNAME" | "TOOBIG" => StatusCode::BAD_REQUEST,
                "DUPLICATE" | "BUSYQUEUE" | "QUEUEFULL" | "STALE" => StatusCode::CONFLICT,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
            Trouble::Call(_) | Trouble::Unfit(_) => StatusCode::SERVICE_UNAVAILABLE,
            Trouble::Missing(_) => StatusCode::NOT_FOUND,
            Trouble::Wrong(_) => StatusCode::BAD_REQUEST,
            Trouble::Refused(_) => StatusCode::FORBIDDEN,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Trouble::Call(error) if error.is("NOPERM") => format!("This user may not do that: {error}"),
            Trouble::Call(error @ CallError::Server { .. }) => error.to_string(),
            Trouble::Call(error) => format!("The server cannot be reached: {error}"),
            Trouble::Unfit(failure) => failure.to_string(),
            Trouble::Missing(text) | Trouble::Wrong(text) | Trouble::Refused(text) => text.clone(),
        }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Trouble {
        Trouble::Call(error)
    }
}

/// A part of a page that this user may not see is left out, and the rest is shown.
pub(crate) fn if_allowed<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Err(error) if error.is("NOPERM") => Ok(None),
        answer => answer.map(Some),
    }
}
