//! What every request has to pass, and what every answer says.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::site::Site;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers that no other site may show, read, or keep.
const SAID: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let refused = if !is_ours(&site, request.headers()) {
        Some((
            StatusCode::MISDIRECTED_REQUEST,
            "This is not the name of this server: give it with --host.\n",
        ))
    } else if request.method() == Method::POST && !is_same_site(&site, request.headers()) {
        Some((StatusCode::FORBIDDEN, "Another site has sent this.\n"))
    } else {
        None
    };
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in SAID {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether the browser asked for one of our names. Any site may have its own name lead to this machine, and would then
/// be taken for us.
fn is_ours(site: &Site, headers: &HeaderMap) -> bool {
    let host = text(headers, &header::HOST).and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let full = host.as_str().to_ascii_lowercase();
        let name = host.host().to_ascii_lowercase();
        let given = |known: &String| *known == full || *known == name;
        site.names.contains(&full) || site.args.hosts.iter().any(|known| given(&known.to_ascii_lowercase()))
    })
}

/// Whether one of our own pages has sent it, as far as the browser tells.
fn is_same_site(site: &Site, headers: &HeaderMap) -> bool {
    let scheme = if site.args.behind_proxy { "https" } else { "http" };
    let own = format!("{scheme}://{}", text(headers, &header::HOST).unwrap_or_default());
    let origin = text(headers, &header::ORIGIN);
    let fetch_site = text(headers, &HeaderName::from_static("sec-fetch-site"));
    origin.is_none_or(|origin| origin.eq_ignore_ascii_case(&own)) && fetch_site.is_none_or(|site| site == "same-origin")
}

/// A header that is given once.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        // What is no text is nothing that we know.
        (Some(value), None) => Some(value.to_str().unwrap_or("?")),
        (None, _) => None,
        _ => Some("?"),
    }
}
