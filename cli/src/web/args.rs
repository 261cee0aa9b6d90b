//! The command line of `steward web`.

use std::net::SocketAddr;

use clap::Args;

use crate::failure::Failure;

#[derive(Args, Clone)]
pub(crate) struct WebArgs {
    /// Where to listen; port 0 is a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "STEWARD_LISTEN",
        default_value = "127.0.0.1:8787"
    )]
    pub listen: SocketAddr,
    /// Another name by which browsers reach it; may be given several times
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Show, and change nothing
    #[arg(long, env = "STEWARD_READ_ONLY")]
    pub read_only: bool,
    /// What the path of every page begins with, as in /steward
    #[arg(long, value_name = "PATH", env = "STEWARD_BASE_PATH", value_parser = base_path, default_value = "")]
    pub base_path: String,
    /// Show no payloads, results and progress
    #[arg(long, env = "STEWARD_NO_PAYLOADS")]
    pub no_payloads: bool,
    /// Ask nobody who they are: all programs and users of this machine are the user in the address of the server
    #[arg(long, env = "STEWARD_NO_LOGIN", conflicts_with = "behind_proxy")]
    pub no_login: bool,
    /// A proxy with TLS stands in front: needed to listen on addresses that others can reach
    #[arg(long, env = "STEWARD_BEHIND_PROXY", requires = "hosts")]
    pub behind_proxy: bool,
}

impl WebArgs {
    /// What one option alone cannot show.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let is_loopback = self.listen.ip().is_loopback();
        if self.no_login && !is_loopback {
            return Err(Failure::usage(
                "--no-login: only on an address of this machine alone, such as 127.0.0.1",
            ));
        }
        if !is_loopback && !self.behind_proxy {
            return Err(Failure::usage(format!(
                "others can reach {}, and passwords would cross the network in the clear: put a proxy with TLS in front, \
                 and give --behind-proxy and --host with its name",
                self.listen.ip()
            )));
        }
        Ok(())
    }
}

fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/-_.~".contains(letter);
    let is_path = path.is_empty() || path.starts_with('/') && !path.contains("//") && path.chars().all(is_plain);
    if is_path {
        Ok(path.into())
    } else {
        Err("as in /steward: letters, digits, and - _ . ~".into())
    }
}
