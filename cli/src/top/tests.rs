//! Screens of any size, and what keys do to them, without a server.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use redis::Value;

use super::app::{Act, App, Mode};
use super::ask::Answer;
use super::draw::{Look, draw};
use super::view::{Part, View};
use crate::connect::{CallError, Reply};
use crate::output::record::Record;
use crate::watch::Rate;

const LOOK: Look = Look {
    has_colours: false,
    title: String::new(),
};

fn queue(name: &str, ready: i64, dead: i64) -> Record {
    let row = Record::default().and("queue", name).and("ready_tasks", ready);
    let row = row.and("dead_tasks", dead).and("out_rate", Reply(Value::Double(1.5)));
    row.and("trend", "▁▂█")
}

fn told(app: &mut App, rows: Vec<Record>) {
    let stats = Record::default().and("ready_tasks", 12).and("dead_tasks", 1);
    let cause = Record::default()
        .and("cause", "paused")
        .and("text", "paused\nby\u{1b}[2Jsomebody");
    let answer = Answer {
        rows,
        is_cut: true,
        stats,
        rates: vec![Rate::default(); 60],
        causes: vec![cause],
    };
    let view = app.here.view.clone();
    app.told(&view, Ok(answer));
}

fn press(app: &mut App, code: KeyCode) -> Act {
    app.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn typed(app: &mut App, text: &str) {
    for letter in text.chars() {
        press(app, KeyCode::Char(letter));
    }
}

fn screen(app: &mut App, look: &Look, width: u16, height: u16) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, app, look)).unwrap();
    terminal.backend().clone()
}

fn lines(app: &mut App, width: u16, height: u16) -> Vec<String> {
    let screen = screen(app, &LOOK, width, height);
    let cells = screen.buffer().content();
    let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect::<String>();
    cells
        .chunks(usize::from(width))
        .map(|cells| line(cells).trim_end().to_string())
        .collect()
}

fn app() -> App {
    let mut app = App::new();
    told(
        &mut app,
        vec![queue("a", 5, 0), queue("mail", 90_000, 3), queue("other", 7, 1)],
    );
    app
}

#[test]
fn a_screen_of_eighty_columns_shows_each_number_in_its_column() {
    let lines = lines(&mut app(), 80, 24);
    assert_eq!(lines[1], "queues 3  ready 12  dead 1");
    let header = "QUEUE      READY CLAIM SCHED BLOCK  DEAD OLDEST LATE99  RUN99  IN/S OUT/S  TREND";
    assert_eq!(lines[5], header);
    assert_eq!(
        lines[7],
        "mail       90000     -     -     -     3      -      -      -     -   1.5    ▁▂█"
    );
    assert_eq!(
        lines[23].trim_end(),
        "F1Help F3Search F4Filter F5Reverse F6Sort TabNext EnterOpen EscBack F10Quit"
    );
    assert!(
        lines[4].starts_with(" queues  members  services") && lines[4].ends_with(" the first 3"),
        "{lines:?}"
    );
}

#[test]
fn no_size_is_too_small_or_too_large_for_any_view_and_mode() {
    let parts = View::Queue("q\u{1b}[2J".into(), Part::Kinds).beside();
    let parts = parts
        .into_iter()
        .chain(View::Service("s".into(), Part::Events).beside());
    let task = (View::Task("q".into(), "t".into()), "task");
    for (view, _) in View::Queues.beside().into_iter().chain(parts).chain([task]) {
        for mode in [Mode::Plain, Mode::Help, Mode::Search, Mode::Filter, Mode::Sort(99)] {
            let mut app = App::new();
            app.here.view = view.clone();
            app.mode = mode;
            app.search = "漢".into();
            told(&mut app, vec![queue("漢字 é", 5, 1); 40]);
            app.trouble = Some("gone\n".into());
            for (width, height) in (0..9).map(|n| (5 * n, n)).chain([(1, 1), (200, 3), (131, 30)]) {
                let screen = screen(&mut app, &LOOK, width, height);
                let plain = screen
                    .buffer()
                    .content()
                    .iter()
                    .all(|cell| !cell.symbol().contains(char::is_control));
                assert!(plain, "{view:?} {width}x{height}");
            }
        }
    }
}

#[test]
fn without_colours_there_are_none() {
    let mut app = app();
    for has_colours in [true, false] {
        let look = Look { has_colours, ..LOOK };
        let screen = screen(&mut app, &look, 80, 24);
        let mut cells = screen.buffer().content().iter();
        let coloured = cells.any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert_eq!(coloured, has_colours);
    }
}

#[test]
fn keys_sort_filter_and_search() {
    let mut app = app();
    let names = |app: &mut App| {
        let lines = lines(app, 80, 24);
        let rows = lines[6..23].iter().filter_map(|line| line.split(' ').next());
        rows.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&mut app), "a mail other");
    press(&mut app, KeyCode::F(5));
    assert_eq!(names(&mut app), "other mail a");
    press(&mut app, KeyCode::F(6));
    assert_eq!(app.mode, Mode::Sort(1));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Enter);
    assert_eq!((names(&mut app), &app.mode), ("mail other a".into(), &Mode::Plain));
    press(&mut app, KeyCode::Char('I'));
    assert_eq!(names(&mut app), "a other mail");

    typed(&mut app, "/oth");
    assert_eq!(lines(&mut app, 80, 24)[23], "Search: oth   F3 next  Enter end");
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.here.table.selected().unwrap().text("queue").unwrap(), "other");
    press(&mut app, KeyCode::F(4));
    // A key that means something elsewhere is a letter here.
    typed(&mut app, "qi");
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Backspace);
    typed(&mut app, "MAIL");
    press(&mut app, KeyCode::Enter);
    assert_eq!(names(&mut app), "mail");
    assert!(lines(&mut app, 80, 24)[4].ends_with(" filter MAIL: the first 1"));
    press(&mut app, KeyCode::Esc);
    assert_eq!(names(&mut app), "a other mail");
    assert_eq!(press(&mut app, KeyCode::Char('q')), Act::End);
    assert_eq!(press(&mut app, KeyCode::F(10)), Act::End);
}

#[test]
fn enter_opens_and_escape_leads_back_to_where_one_was() {
    let mut app = app();
    press(&mut app, KeyCode::Down);
    assert_eq!(press(&mut app, KeyCode::Enter), Act::Look);
    assert_eq!(app.here.view, View::Queue("mail".into(), Part::Tasks("ready")));
    // What comes late for another view is nothing here.
    app.told(&View::Queues, Ok(Answer::default()));
    told(&mut app, vec![Record::default().and("id", "t1")]);
    assert!(lines(&mut app, 80, 24).iter().any(|line| line.starts_with("t1 ")));
    press(&mut app, KeyCode::Left);
    assert_eq!(app.here.view, View::Queue("mail".into(), Part::Events));
    press(&mut app, KeyCode::Tab);
    told(&mut app, vec![Record::default().and("id", "t1")]);
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.here.view, View::Task("mail".into(), "t1".into()));
    assert_eq!(press(&mut app, KeyCode::Enter), Act::Show);
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Backspace);
    assert_eq!(app.here.view, View::Queues);
    assert_eq!(app.here.table.selected().unwrap().text("queue").unwrap(), "mail");
    assert_eq!(press(&mut app, KeyCode::Esc), Act::Show);
    press(&mut app, KeyCode::Char('3'));
    assert_eq!(app.here.view, View::Services);
}

#[test]
fn the_server_is_asked_for_what_a_filter_of_tasks_says() {
    let mut app = app();
    press(&mut app, KeyCode::F(4));
    typed(&mut app, "a");
    assert_eq!(app.wish().filter, "");
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Enter);
    told(&mut app, vec![Record::default().and("id", "t1")]);
    press(&mut app, KeyCode::F(4));
    assert_eq!(press(&mut app, KeyCode::Char('x')), Act::Look);
    assert_eq!(app.wish().filter, "x");
    assert!(app.here.table.selected().is_some());
}

#[test]
fn a_lost_server_is_told_in_a_line_over_what_was_there() {
    let mut app = app();
    app.told(&View::Queues, Err(CallError::Refused("refused\u{7}".into())));
    let shown = lines(&mut app, 80, 24);
    assert!(
        shown[0].starts_with(r"steward top  cannot reach the server, trying again: refused\u{7} "),
        "{shown:?}"
    );
    assert!(shown.iter().any(|line| line.starts_with("mail ")));
    told(&mut app, Vec::new());
    assert!(lines(&mut app, 80, 24)[0].starts_with("steward top    "));
}
