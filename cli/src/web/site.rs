//! What is the same for all requests: how it was started, and who is logged in.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use super::args::WebArgs;
use super::fields::Fields;
use super::page::Form;
use super::sessions::{Session, Sessions};
use super::streams::Streams;
use super::user::User;
use super::visit::Visit;
use crate::connect::Connector;
use crate::failure::Failure;

pub(super) struct Site {
    pub connector: Connector,
    pub args: WebArgs,
    /// What browsers may call us beside --host, each with the port.
    pub names: Vec<String>,
    pub sessions: Sessions,
    /// The session of all requests, with --no-login.
    everybody: Option<Arc<Session>>,
    /// The pages that follow the server.
    pub streams: Streams,
}

impl Site {
    pub(super) fn new(connector: Connector, args: WebArgs, address: SocketAddr) -> Result<Site, Failure> {
        let mut names = vec![address.to_string()];
        if address.ip().is_loopback() {
            names.push(format!("localhost:{}", address.port()));
        }
        let everybody = args
            .no_login
            .then(|| Session::of(Arc::new(User::new(connector.clone()))).map(Arc::new))
            .map(|session| session.ok_or_else(|| Failure::unavailable("the system gives no random bits")));
        Ok(Site {
            everybody: everybody.transpose()?,
            sessions: Sessions::default(),
            streams: Streams::of_all(),
            connector,
            args,
            names,
        })
    }

    pub(super) fn address(&self, path: &str, query: &Fields) -> String {
        let query = query.query();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{query}", self.args.base_path)
    }

    /// An address that somebody has sent us, if it is one of ours.
    pub(super) fn local(&self, address: Option<&str>) -> String {
        let own = format!("{}/", self.args.base_path);
        let is_plain = |address: &&str| {
            address.starts_with(&own)
                && !address.starts_with("//")
                && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        };
        address.filter(is_plain).map_or(own.clone(), str::to_string)
    }

    pub(super) fn query(uri: &Uri) -> Fields {
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        Fields(query.map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// Behind a proxy with TLS no other name may set our cookie, and no connection without TLS gets it.
    fn cookie_name(&self) -> &'static str {
        if self.args.behind_proxy {
            "__Host-steward"
        } else {
            "steward"
        }
    }

    pub(super) fn cookie(&self, id: &str) -> String {
        let secure = if self.args.behind_proxy { "; Secure" } else { "" };
        format!("{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie_name())
    }

    /// The session of a request, and its cookie.
    pub(super) fn session(&self, headers: &HeaderMap, is_request: bool) -> Option<(String, Arc<Session>)> {
        if let Some(session) = &self.everybody {
            return Some((String::new(), session.clone()));
        }
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let ids = cookies
            .flat_map(|cookies| cookies.split("; "))
            .filter_map(|cookie| cookie.strip_prefix(self.cookie_name())?.strip_prefix('='));
        // Another program of this machine may have set one of the same name.
        ids.into_iter()
            .find_map(|id| Some((id.to_string(), self.sessions.find(id, is_request)?)))
    }

    pub(super) fn is_open(&self, headers: &HeaderMap) -> bool {
        self.session(headers, false).is_some()
    }

    /// A request of somebody who is logged in; for others the answer.
    pub(super) fn visit(self: &Arc<Site>, uri: &Uri, headers: &HeaderMap) -> Result<Visit, Box<Response>> {
        let here = uri.path_and_query().map_or("/", |path| path.as_str());
        let form = Form::wanted(headers);
        let Some((_, session)) = self.session(headers, form != Form::Stream) else {
            let login = self.address("/login", &Fields::from(&[("next", here)][..]));
            return Err(Box::new(match form {
                Form::Html => Redirect::to(&login).into_response(),
                _ => (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "log in first" }))).into_response(),
            }));
        };
        Ok(Visit {
            site: self.clone(),
            session,
            form,
            query: Site::query(uri),
            here: here.into(),
        })
    }
}
