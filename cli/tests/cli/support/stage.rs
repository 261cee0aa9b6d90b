//! A service of which each program writes when it starts, and whether another one still ran.

use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::{Running, lines, steward, wait_until};

/// Takes a lock that all of its descendants hold as long as they live, and writes `start`, or `overlap` if another holds
/// it, with its name, the number of the process and the moment.
const PROGRAM: &str = r#"
exec 9>>lock
flock -n 9 && word=start || word=overlap
echo $word $NAME $$ $(date +%s%6N) >>starts
if [ $word = overlap ]; then flock 9; echo alone $NAME $$ $(date +%s%6N) >>starts; fi
"#;

pub(crate) struct Stage {
    dir: TempDir,
}

/// One line of what programs have written.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub word: String,
    pub name: String,
    pub pid: i32,
    pub micros: u128,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts `steward lead web` of this name at this server, with these options. The script is what its program does.
    pub(crate) fn lead(&self, name: &str, url: &str, options: &[&str], script: &str) -> Running {
        Running::start(&mut self.command(name, url, options, script))
    }

    /// Starts a shell in the folder, and waits until the file `ready` is there.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str, url: &str) -> Running {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).env("REDIS_URL", url).current_dir(&self.dir);
        let shell = Running::start(&mut shell);
        wait_until("it runs", || self.file("ready").exists());
        shell
    }

    /// The same as `lead`, not started yet.
    pub(crate) fn command(&self, name: &str, url: &str, options: &[&str], script: &str) -> Command {
        let script = format!("{PROGRAM}{script}");
        let words = [&["lead", "web"], options, &["--", "sh", "-c", &script]].concat();
        let mut command = steward(&words);
        command.env("NAME", name).env("REDIS_URL", url).current_dir(&self.dir);
        command
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// All that was written, in order.
    pub(crate) fn written(&self) -> Vec<Start> {
        let parse = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            Start {
                word: words[0].into(),
                name: words[1].into(),
                pid: words[2].parse().unwrap(),
                micros: words[3].parse().unwrap(),
            }
        };
        lines(&self.file("starts")).iter().map(parse).collect()
    }

    /// Starts of programs, whether alone or not.
    pub(crate) fn starts(&self) -> Vec<Start> {
        self.written()
            .into_iter()
            .filter(|start| ["start", "overlap"].contains(&&start.word[..]))
            .collect()
    }

    /// How many programs were not alone.
    pub(crate) fn overlaps(&self) -> usize {
        self.written().iter().filter(|start| start.word == "overlap").count()
    }

    /// Waits for this start, counted from 1.
    #[track_caller]
    pub(crate) fn wait_for_start(&self, number: usize) -> Start {
        wait_until("the program starts", || self.starts().len() >= number);
        self.starts()[number - 1].clone()
    }
}

/// The present moment as programs write it.
pub(crate) fn micros() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()
}
