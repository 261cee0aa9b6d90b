//! `steward work --http URL`: a request for each task, in place of a program.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use ureq::http::{HeaderName, HeaderValue, Request, Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::claim::Claim;
use super::outcome::{MAX_RESULT, Outcome, error, too_long};
use super::{Note, Shared};
use crate::args::WorkArgs;
use crate::failure::Failure;
use crate::guardian::Fuse;
use crate::guardian::clock::Moment;

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest time that a server may have a task wait.
const LONGEST_RETRY: Duration = Duration::from_secs(24 * 3600);

/// Where tasks are sent, and how.
pub(super) struct Http {
    agent: Agent,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    key: Option<hmac::Key>,
}

/// What came back.
pub(super) struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    /// None if it is too long.
    body: Option<Vec<u8>>,
}

impl Http {
    /// As these options say; none if a program does the work.
    pub(super) fn of(args: &WorkArgs) -> Result<Option<Http>, Failure> {
        let Some(url) = &args.http else {
            return Ok(None);
        };
        let url: Uri = url
            .parse()
            .map_err(|error| Failure::usage(format!("--http: {error}")))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(Failure::usage("--http: the address begins with http:// or https://"));
        }
        if url
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(Failure::usage(
                "--http has a password, which everybody sees in ps: use --header-file",
            ));
        }
        let read = |path: &std::path::PathBuf| {
            fs::read(path).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
        };
        let headers = args.header_file.as_ref().map(read).transpose()?.unwrap_or_default();
        let key = args.sign_key_file.as_ref().map(read).transpose()?;
        let mut tls = TlsConfig::builder();
        if url.scheme_str() == Some("https") {
            crate::connect::use_ring();
            tls = tls.root_certs(authorities(args.http_ca_file.as_ref().map(read).transpose()?)?);
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(args.timeout)
            .timeout_connect(Some(CONNECT))
            // One that the server is about to close would lose a task an attempt.
            .max_idle_connections(0)
            .build();
        Ok(Some(Http {
            agent: config.into(),
            url,
            headers: parse_headers(&headers)?,
            key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.trim_ascii_end())),
        }))
    }

    fn post(&self, claim: &Claim) -> Result<Answer, ureq::Error> {
        let mut request = Request::post(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request = request.header("Idempotency-Key", format!("{}/{}", claim.queue, claim.id).as_bytes());
        for (name, value) in claim.variables() {
            request = request.header(format!("Steward-{name}"), value.as_bytes());
        }
        for (name, value) in &claim.trace {
            request = request.header(*name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("Steward-Signature", signature(key, Timestamp::now(), &claim.payload));
        }
        let mut response = self.agent.run(request.body(&claim.payload[..])?)?;
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after(&response),
            body: read_body(&mut response)?,
        })
    }
}

/// The certificates in this text, or those of the system.
fn authorities(text: Option<Vec<u8>>) -> Result<RootCerts, Failure> {
    let found: Vec<Certificate<'static>> = match text {
        Some(text) => parse_pem(&text)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect(),
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect(),
    };
    if found.is_empty() {
        return Err(Failure::config(
            "no certificate authorities were found: name a file with --http-ca-file",
        ));
    }
    Ok(found.into())
}

/// The lines of a header file.
fn parse_headers(text: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let lines = text.split(|&byte| byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let header = |line: &[u8]| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.get(1..)?.trim_ascii();
        Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
    };
    lines
        .map(|(number, line)| {
            let wrong = || Failure::config(format!("--header-file: line {} is not `Name: value`", number + 1));
            header(line).ok_or_else(wrong)
        })
        .collect()
}

/// The moment, so that an old request cannot be sent again, and the code over it and the body.
fn signature(key: &hmac::Key, now: Timestamp, body: &[u8]) -> String {
    let seconds = now.as_second();
    let signed = [format!("{seconds}.").as_bytes(), body].concat();
    let code = hmac::sign(key, &signed);
    let hex: String = code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// How long to wait: seconds, or until a date.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let text = response.headers().get("Retry-After")?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(until.duration_since(Timestamp::now()).max(SignedDuration::ZERO)).ok()?
        }
    };
    Some(wait.min(LONGEST_RETRY))
}

fn read_body(response: &mut Response<Body>) -> Result<Option<Vec<u8>>, ureq::Error> {
    use std::io::Read;
    let mut body = Vec::new();
    let most = MAX_RESULT as u64 + 1;
    response.body_mut().as_reader().take(most).read_to_end(&mut body)?;
    Ok(Some(body).filter(|body| body.len() <= MAX_RESULT))
}

/// Sends the request for a claim that was asked for after this moment, and waits for its answer. A request that nobody
/// waits for any more cannot be called back.
pub(super) fn run(
    shared: &Arc<Shared>,
    claim: &Claim,
    heard: Moment,
    note: &Sender<Note>,
    notes: &Receiver<Note>,
) -> Outcome {
    let (thread, note) = ((Arc::clone(shared), claim.clone()), note.clone());
    let spawned = std::thread::Builder::new().spawn(move || {
        let (shared, claim) = thread;
        if let Some(http) = &shared.http {
            let _ = note.send(Note::Answer(http.post(&claim)));
        }
    });
    if spawned.is_err() {
        return Outcome::Released(None);
    }
    let mut until = Fuse::within(shared.args.ttl, heard, false).kill;
    loop {
        match notes.recv_timeout(until.left()) {
            Ok(Note::Answer(answer)) => return outcome(shared, claim, answer),
            Ok(Note::Heard(heard)) => until = Fuse::within(shared.args.ttl, heard, false).kill,
            Ok(Note::Cancelled | Note::Leave | Note::Kill) => return Outcome::Released(None),
            Ok(Note::Lost) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Outcome::Lost,
            Ok(Note::Closed(_) | Note::Away | Note::Guardian(_)) => {}
        }
    }
}

fn outcome(shared: &Shared, claim: &Claim, answer: Result<Answer, ureq::Error>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(ureq::Error::Timeout(ureq::Timeout::Global)) => {
            return Outcome::Failed(shared.args.limit_text().into_bytes());
        }
        Err(error) => return Outcome::Failed(format!("http: {error}").into_bytes()),
    };
    let told = || {
        error(
            &format!("http {}", answer.status),
            answer.body.as_deref().unwrap_or_default(),
        )
    };
    match (answer.status, answer.retry_after) {
        (200..=299, _) => {
            if answer.body.is_none() {
                too_long(claim);
            }
            Outcome::Done(answer.body.filter(|body| !body.is_empty()))
        }
        (429 | 503, Some(wait)) => Outcome::released(claim, wait, told),
        (400 | 410 | 413 | 422, _) => Outcome::Dead(told()),
        _ => Outcome::Failed(told()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_the_moment_in_it() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        // printf '1700000000.hello' | openssl dgst -sha256 -hmac secret
        let expected = "t=1700000000,v1=47b1df0ab12338b2685470b0d2b37033add7c3b2bc8172f313e77413f1bb78c8";
        assert_eq!(signature(&key, at, b"hello"), expected);
    }

    #[test]
    fn a_header_file_has_a_header_on_each_line() {
        let headers = parse_headers(b"Authorization: Bearer a:b\r\n\nX-A:\n").unwrap();
        let shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        assert_eq!(shown, [("authorization", &b"Bearer a:b"[..]), ("x-a", b"")]);
        assert!(parse_headers(b"A: b\nno colon").unwrap_err().text.contains("line 2"));
    }
}
