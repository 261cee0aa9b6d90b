//! Signals: as events in a thread of their own, and which of them we were started to ignore.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Calls `act` for each of these signals, but not for those that whoever started us has ignored, as nohup does.
pub(crate) fn on(signals: &[i32], mut act: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    let ours = signals.iter().filter(|&&signal| !is_ignored(signal));
    let mut signals = Signals::new(ours)?;
    std::thread::Builder::new().spawn(move || signals.forever().for_each(&mut act))?;
    Ok(())
}

/// Where the last of these signals is put that has come; 0 before.
pub(crate) fn noted(signals: &[i32]) -> io::Result<Arc<AtomicUsize>> {
    let noted = Arc::<AtomicUsize>::default();
    for &signal in signals.iter().filter(|&&signal| !is_ignored(signal)) {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(&noted), number)?;
    }
    Ok(noted)
}

/// Ends us by a signal that was noted, as if it had not been: a shell sees what its loops are to end with.
pub(crate) fn end_of(noted: usize) {
    if let Ok(signal @ 1..) = i32::try_from(noted) {
        // Fails for those only that end nobody.
        let _ = emulate_default_handler(signal);
    }
}

/// Does this in a thread of its own. Signals come to the first one, and interrupt what it waits for of a server.
pub(crate) fn undisturbed<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| scope.spawn(act).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Whether we were started to ignore this signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
