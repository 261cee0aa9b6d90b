//! `steward web`, by its HTTP: each test starts a server, the pages, and is their browser.

mod browser;
mod changes;
mod cluster;
mod findings;
mod guard;
mod hand;
pub(crate) mod house;
mod live;
mod pages;
mod payloads;
mod relations;
mod streams;
mod users;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{PATIENCE, Running, Server, steward};

/// The pages, as long as the test lasts.
struct Web {
    _running: Running,
    /// Host and port.
    address: String,
    /// What the path of every page begins with.
    base: String,
}

impl Web {
    fn start(server: &Server, options: &[&str]) -> Web {
        Web::of(&server.url(), options)
    }

    /// Those of the servers at this address.
    fn of(url: &str, options: &[&str]) -> Web {
        let words = [&["web", "--listen", "127.0.0.1:0"], options].concat();
        let mut running = Running::start(steward(&words).env("REDIS_URL", url).stdout(Stdio::piped()));
        let line = running.line();
        let rest = line.strip_prefix("http://").expect("it says where it is");
        let (address, base) = rest.split_once('/').unwrap();
        let base = base.trim_end_matches('/');
        Web {
            address: address.into(),
            base: if base.is_empty() {
                String::new()
            } else {
                format!("/{base}")
            },
            _running: running,
        }
    }

    /// Somebody who is not logged in.
    fn stranger(&self) -> Browser {
        Browser {
            address: self.address.clone(),
            base: self.base.clone(),
            headers: vec![format!("Host: {}", self.address)],
        }
    }

    /// Logs in.
    #[track_caller]
    fn login(&self, user: &str, password: &str) -> Browser {
        let mut browser = self.stranger();
        let answer = browser.form("/login", &[("user", user), ("password", password)]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap();
        browser.headers.push(format!("Cookie: {cookie}"));
        browser
    }
}

/// The lines of an answer before its body.
fn head_of(stream: &mut BufReader<TcpStream>) -> Vec<String> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => return head,
            line => head.push(line.to_string()),
        }
    }
}

fn status_in(head: &[String]) -> u16 {
    head[0].split(' ').nth(1).unwrap().parse().unwrap()
}

#[derive(Clone)]
struct Browser {
    address: String,
    base: String,
    headers: Vec<String>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &value[..])
    }

    /// That it is shown, with these.
    #[track_caller]
    fn shows(&self, parts: &[&str]) -> &Answer {
        assert_eq!(self.status, 200, "{}", self.body);
        for part in parts {
            assert!(self.body.contains(part), "{part} in {}", self.body);
        }
        self
    }
}

impl Browser {
    /// With another header, in place of the one of that name.
    fn with(&self, header: &str) -> Browser {
        let name = header.split(':').next().unwrap();
        let mut browser = self.clone();
        browser.headers.retain(|known| known.split(':').next() != Some(name));
        browser.headers.push(header.into());
        browser
    }

    /// The connection on which the answer to a request comes.
    fn send(&self, method: &str, path: &str, body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let length = format!("Content-Length: {}", body.len());
        let lines = [&self.headers.join("\r\n")[..], kind, &length, "Connection: close"].join("\r\n");
        let request = format!("{method} {}{path} HTTP/1.1\r\n{lines}\r\n\r\n{body}", self.base);
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = self.send(method, path, body);
        let head = head_of(&mut stream);
        let mut body = Vec::new();
        stream.read_to_end(&mut body).unwrap();
        let pair = |line: &String| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_lowercase(), value.to_string()))
        };
        Answer {
            status: status_in(&head),
            headers: head[1..].iter().filter_map(pair).collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// A page that follows the server as long as this lasts, or the status of the answer.
    fn follow(&self, path: &str) -> Result<BufReader<TcpStream>, u16> {
        let mut stream = self.with("Accept: text/event-stream").send("GET", path, "");
        match status_in(&head_of(&mut stream)) {
            200 => Ok(stream),
            status => Err(status),
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        let answer = self.with("Accept: application/json").get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Sends a form.
    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let fields = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        self.ask("POST", path, &fields.collect::<Vec<_>>().join("&"))
    }

    /// The token that changes have to repeat, as pages have it.
    fn token(&self) -> String {
        // Nobody can log out where nobody logs in.
        let pages = ["/kinds", "/settings?name=mail"].map(|path| self.get(path).body);
        let token = |page: &String| {
            Some(
                page.split_once("name=\"csrf\" value=\"")?
                    .1
                    .split('"')
                    .next()?
                    .to_string(),
            )
        };
        pages.iter().find_map(token).expect("a form")
    }

    /// Makes a change as a page would; with JSON for the answer.
    fn change(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token();
        let fields = [&[("csrf", &token[..])], fields].concat();
        self.with("Accept: application/json").form(path, &fields)
    }

    /// What a page sends as it changes, until there is this text in it.
    #[track_caller]
    fn stream_until(&self, path: &str, text: &str) -> String {
        let stream = self.with("Accept: text/event-stream").send("GET", path, "");
        let mut read = String::new();
        for line in stream.lines() {
            read.push_str(&line.expect("an event in time"));
            read.push('\n');
            if read.contains(text) {
                return read;
            }
        }
        panic!("never {text} in {read}");
    }
}
