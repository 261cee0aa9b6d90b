//! `steward progress VALUE`, from inside a program that `steward work` has started.

use redis::cmd;

use crate::args::Common;
use crate::connect::{CallError, PATIENCE};
use crate::failure::{Failure, TEMPORARY};

pub(crate) fn progress(common: &Common, value: &str) -> Result<u8, Failure> {
    let variable = |name: &str| {
        std::env::var(name).map_err(|_| {
            Failure::usage(format!(
                "{name} is not set: only programs that `steward work` starts have it"
            ))
        })
    };
    let (queue, id, token) = (
        variable("STEWARD_QUEUE")?,
        variable("STEWARD_ID")?,
        variable("STEWARD_TOKEN")?,
    );
    let connector = common.connector()?;
    let mut link = connector.open_first(&queue)?;
    let mut command = cmd("TASK.EXTEND");
    command.arg(&queue).arg(id).arg(token).arg("PROGRESS").arg(value);
    let mut told = link.call(&command, PATIENCE);
    if matches!(told, Err(CallError::Closed(_))) {
        // It may not have been heard, and may be said twice.
        told = connector.open_first(&queue)?.call(&command, PATIENCE);
    }
    match told {
        Ok(_) => Ok(0),
        Err(error) if ["STALE", "NOTASK", "CANCELLED"].iter().any(|code| error.is(code)) => {
            Err(Failure::new(TEMPORARY, error.to_string()))
        }
        Err(error) => Err(connector.failure(&error)),
    }
}
