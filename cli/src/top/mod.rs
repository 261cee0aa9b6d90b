//! `steward top`: the numbers of a server in a terminal, again and again. It changes nothing.
//!
//! - `screen.rs`: the terminal
//! - `ask.rs`: what is asked of the server
//! - `view.rs` `columns.rs` `table.rs`: what can be looked at, and how it is sorted, filtered and found
//! - `app.rs` `keys.rs`: what is on the screen, and what keys do to it
//! - `draw.rs` `head.rs` `help.rs`: how it is drawn

mod app;
mod ask;
mod columns;
mod draw;
mod head;
mod help;
mod keys;
mod screen;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use clap::Args;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;

use crate::args::{Common, duration};
use crate::connect::CallError;
use crate::failure::Failure;
use crate::output::text;
use crate::signals;
use crate::web::User;
use app::{Act, App};
use ask::{Answer, Asker, Wish};
use draw::Look;
use screen::Screen;
use view::View;

#[derive(Args)]
pub(crate) struct TopArgs {
    /// The time between two looks at the server [default: 2s, longer while it takes long to answer]
    #[arg(short, long, value_name = "TIME", value_parser = delay)]
    pub delay: Option<Duration>,
}

fn delay(text: &str) -> Result<Duration, String> {
    let parsed = duration(text)?;
    if parsed < Duration::from_millis(100) {
        return Err("at least 100ms".into());
    }
    Ok(parsed)
}

/// What happens.
enum News {
    /// A key, or another size.
    Event(Event),
    Answer(View, Result<Answer, CallError>),
    Signal(i32),
    /// The terminal is gone.
    Gone(io::Error),
}

/// `steward top`.
pub(crate) fn run(common: &Common, args: &TopArgs) -> Result<u8, Failure> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() || is_dumb {
        return Err(Failure::usage(
            "top needs a terminal: use steward stats --watch, or steward queues -o json",
        ));
    }
    let connector = common.connector()?;
    // What is wrong from the start is said as everywhere.
    drop(connector.open_all()?);
    let address = connector.to_string();
    let (tell, news) = mpsc::channel();
    let (wish, wishes) = mpsc::channel();
    let ended = |error: io::Error| Failure::unavailable(format!("the terminal: {error}"));
    listen(&tell).map_err(ended)?;
    let mut screen = Screen::take().map_err(ended)?;
    let answers = tell.clone();
    Asker::new(User::new(connector), args.delay).start(wishes, move |view, answer| {
        answers.send(News::Answer(view, answer)).is_ok()
    });
    thread::spawn(move || read_keys(&tell));
    let every = args.delay.map(|delay| {
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        format!("  every {}", text::brief(delay))
    });
    let look = Look {
        has_colours: text::wants_colours(),
        title: address + &every.unwrap_or_default(),
    };
    let signal = follow(&mut screen, &look, &news, &wish).map_err(ended)?;
    drop(screen);
    if let Some(signal) = signal {
        // Whoever waits for this program learns what ended it.
        emulate_default_handler(signal).map_err(ended)?;
    }
    Ok(0)
}

/// Signals are news too.
fn listen(tell: &Sender<News>) -> io::Result<()> {
    let tell = tell.clone();
    let all = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT];
    signals::on(&all, move |signal| drop(tell.send(News::Signal(signal))))
}

fn read_keys(tell: &Sender<News>) {
    loop {
        let news = event::read().map_or_else(News::Gone, News::Event);
        let is_over = matches!(news, News::Gone(_));
        if tell.send(news).is_err() || is_over {
            return;
        }
    }
}

/// Shows what is there until somebody ends it, or a signal does.
fn follow(screen: &mut Screen, look: &Look, news: &Receiver<News>, wish: &Sender<Wish>) -> io::Result<Option<i32>> {
    let mut app = App::new();
    let mut act = Act::Look;
    loop {
        match act {
            Act::End => return Ok(None),
            Act::Repaint => screen.clear()?,
            Act::Stop => screen.stop()?,
            // The one who asks lives as long as this does.
            Act::Look => drop(wish.send(app.wish())),
            Act::Show => {}
        }
        screen.draw(|frame| draw::draw(frame, &mut app, look))?;
        let Ok(next) = news.recv() else { return Ok(None) };
        act = match next {
            News::Event(Event::Key(key)) if key.is_press() => app.key(key),
            News::Event(_) => Act::Show,
            News::Answer(view, answer) => {
                app.told(&view, answer);
                Act::Show
            }
            News::Signal(SIGCONT) => {
                screen.resume()?;
                Act::Look
            }
            News::Signal(signal) => return Ok(Some(signal)),
            News::Gone(error) => return Err(error),
        };
    }
}
