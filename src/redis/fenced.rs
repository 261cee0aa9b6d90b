//! HB.FENCED: a command that is run only because its caller leads, after the unit that saw that.

use super::api::Ctx;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Args;

/// Runs the command and passes its reply on.
pub fn run(_ctx: *mut Ctx, _args: &Args<'_>, _command: &[&[u8]]) -> Result<Option<Reply>, Error> {
    Err(Error::Internal)
}
