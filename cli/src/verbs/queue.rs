//! What is set for a queue.

use super::args::Backoff;
use super::millis;
use crate::args::duration;

/// The words of a BACKOFF, in which durations have units.
pub(super) fn backoff(text: &str) -> Result<Backoff, String> {
    let mut words: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
    let said = "as in 'fixed 10s' or 'exponential 1s max 1h jitter 20'";
    if !matches!(words.first().map(|word| &word[..]), Some("FIXED" | "EXPONENTIAL")) {
        return Err(said.into());
    }
    for at in 1..words.len() {
        let is_jitter = words.get(at - 1).is_some_and(|word| word == "JITTER");
        let Some(word) = words.get_mut(at) else { continue };
        if word != "MAX" && word != "JITTER" && !is_jitter {
            *word = millis(duration(&word.to_lowercase())?).to_string();
        }
    }
    Ok(Backoff(words))
}
