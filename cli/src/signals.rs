//! Signals: as events in a thread of their own, and which of them we were started to ignore.

use std::io;

use signal_hook::iterator::Signals;

/// Calls `act` for each of these signals, but not for those that whoever started us has ignored, as nohup does.
pub(crate) fn on(signals: &[i32], mut act: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    let ours = signals.iter().filter(|&&signal| !is_ignored(signal));
    let mut signals = Signals::new(ours)?;
    std::thread::Builder::new().spawn(move || signals.forever().for_each(&mut act))?;
    Ok(())
}

/// Whether we were started to ignore this signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
