//! The terminal: taken, given back when anything ends this program, and while it is stopped.

use std::io::{self, Stdout, stdout};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub(super) fn take() -> io::Result<Screen> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = release();
            before(panic);
            // Of whichever thread it is: nothing is drawn over what was said.
            std::process::exit(101);
        }));
        // A screen that is only half taken is given back too.
        let mut screen = Screen { terminal: terminal()? };
        screen.resume()?;
        Ok(screen)
    }

    /// Takes it again, whatever others have made of it meanwhile.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        release()?;
        enable_raw_mode()?;
        // Keys of signals stay what they are, for all programs of this job; before a stop the terminal is given back.
        let mut modes = tcgetattr(io::stdin())?;
        modes.local_modes |= LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        self.clear()
    }

    /// Stops this program and others of its job, until the shell lets them go on.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        release()?;
        kill_current_process_group(Signal::TSTP)?;
        self.resume()
    }

    /// Draws everything anew next time.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        execute!(stdout(), Clear(ClearType::All))?;
        // Its own way asks where the cursor is, and the answer is taken for a key by the thread that reads them.
        self.terminal = terminal()?;
        Ok(())
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = release();
    }
}

fn terminal() -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Gives it back.
fn release() -> io::Result<()> {
    execute!(stdout(), LeaveAlternateScreen, Show)?;
    disable_raw_mode()
}
