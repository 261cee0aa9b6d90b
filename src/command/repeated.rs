//! An option that may be given several times.

use super::arg::Arg;
use super::fields::{Field, Value};
use super::parse::Input;
use crate::error::Result;

/// The values of an option in the order in which they were given.
#[derive(Clone, Debug)]
pub(crate) struct Repeated<T>(pub Vec<T>);

impl<'a, T: Value<'a>> Field<'a> for Repeated<T> {
    type Slot = Vec<T>;

    #[inline]
    fn start(_: &'static Arg, _: &mut Input<'_, 'a>) -> Result<Vec<T>> {
        Ok(Vec::new())
    }

    fn take(slot: &mut Vec<T>, arg: &'static Arg, word: &[u8], input: &mut Input<'_, 'a>) -> Result<bool> {
        if !arg.is_called(word) {
            return Ok(false);
        }
        input.skip();
        slot.push(T::read(arg.key(), arg, input)?);
        Ok(true)
    }

    #[inline]
    fn finish(slot: Vec<T>, _: &'static Arg) -> Result<Repeated<T>> {
        Ok(Repeated(slot))
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        self.0.iter().try_for_each(|value| {
            words.push(arg.key().to_string());
            value.words(arg, words)
        })
    }
}
