//! `sluice status`: what the running process says of itself.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use super::{BAD_CONFIG, document::Document};
use crate::status::{Report, text};

/// A process that does not answer in this time is in trouble, whatever it does.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any report has: a partition takes a hundred bytes.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    admin: Admin,
    /// The report as one JSON object
    #[arg(long)]
    json: bool,
}

/// Which process is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Admin {
    /// Where the process answers, as in `admin.listen` of its config; default: what the config file says
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "config")]
    admin: Option<SocketAddr>,
    /// The config file that the process runs
    #[arg(long, short, value_name = "FILE", default_value = super::document::DEFAULT)]
    config: PathBuf,
}

impl Status {
    /// 0 for a process that is ready, 1 for one that is not, 2 if none answers.
    pub fn run(&self) -> ExitCode {
        let asked = self.admin.address().and_then(|address| ask(address).map_err(|why| why.of(address)));
        let (body, report) = match asked {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("sluice: {error}");
                return ExitCode::from(BAD_CONFIG);
            }
        };
        let shown = if self.json { format!("{body}\n") } else { text(&report) };
        // A pager that was closed is no reason to complain.
        let _ = io::stdout().write_all(shown.as_bytes());
        if report.ready { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Admin {
    /// The status of the answer and its body.
    pub fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Result<(String, String), String> {
        let address = self.address()?;
        let answer = request(address, method, path, body).map_err(|error| Silence::Nobody(error).of(address))?;
        let parts = answer.split_once("\r\n\r\n").map(|(head, body)| (status(head).to_owned(), body.to_owned()));
        parts.ok_or_else(|| Silence::Stranger("it does not speak HTTP".into()).of(address))
    }

    fn address(&self) -> Result<SocketAddr, String> {
        if let Some(address) = self.admin {
            return Ok(reachable(address));
        }
        let file = self.config.display();
        let plan = Document { config: self.config.clone() }.plan();
        let plan = plan.ok_or("correct the config file, or name the process by --admin ADDRESS:PORT")?;
        let admin = plan.admin.ok_or_else(|| {
            format!("{file} has no `admin` block; write admin: {{ listen: \"127.0.0.1:9600\" }} into it and ask again")
        })?;
        Ok(reachable(admin.listen))
    }
}

/// An address that listens on all of a machine's is asked on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Why there is no report.
#[derive(Debug)]
enum Silence {
    /// Nothing answers.
    Nobody(io::Error),
    /// Something answers, and it is not a process of this kind.
    Stranger(String),
}

impl Silence {
    fn of(self, address: SocketAddr) -> String {
        match self {
            Self::Nobody(error) => format!(
                "nothing answers on {address}: {error}; see whether the process runs, and name its `admin.listen` by \
                 --admin ADDRESS:PORT or its config file by --config FILE"
            ),
            Self::Stranger(what) => format!(
                "what answers on {address} is no sluice that knows /status ({what}); name another address by --admin \
                 ADDRESS:PORT"
            ),
        }
    }
}

/// The report as it came, and as it is understood.
fn ask(address: SocketAddr) -> Result<(String, Report), Silence> {
    let answer = request(address, "GET", "/status", None).map_err(Silence::Nobody)?;
    let (head, body) =
        answer.split_once("\r\n\r\n").ok_or_else(|| Silence::Stranger("it does not speak HTTP".into()))?;
    let status = status(head);
    if status != "200" {
        return Err(Silence::Stranger(format!("status {status}")));
    }
    let report = serde_json::from_str(body).map_err(|error| Silence::Stranger(error.to_string()))?;
    Ok((body.to_owned(), report))
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

fn request(address: SocketAddr, method: &str, path: &str, body: Option<&str>) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let of_body = body.map(|body| format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    let of_body = of_body.unwrap_or_default();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{of_body}connection: close\r\n\r\n");
    stream.write_all([&head, body.unwrap_or_default()].concat().as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(LARGEST).read_to_end(&mut answer) {
        // What came before is judged: a connection that is reset behind an answer is an end, too.
        Err(error) if answer.is_empty() => return Err(error),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, sync::Arc, thread};

    use super::*;
    use crate::{admin, process::Observed};

    #[test]
    fn every_address_of_a_machine_is_asked_on_its_own() {
        for (listen, asked) in [
            ("0.0.0.0:9600", "127.0.0.1:9600"),
            ("[::]:9600", "[::1]:9600"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("[fe80::1]:80", "[fe80::1]:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }

    #[test]
    fn a_process_tells_its_status_before_its_pipelines_are_there() {
        let server = admin::start(([127, 0, 0, 1], 0).into(), Arc::<Observed>::default()).unwrap();
        let (body, report) = ask(server.address()).unwrap();
        assert!(!report.ready && report.pipelines.is_empty(), "{body}");
        assert_eq!(report.reasons[0].text, "starting: its pipelines are being built");
        assert_eq!(report.pid, std::process::id());
    }

    #[test]
    fn who_does_not_answer_is_told_with_what_to_type() {
        let answering = |answer: &'static str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(answer.as_bytes());
            });
            address
        };
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (address, expected) in [
            (refused, "nothing answers on 127.0.0.1:"),
            (answering("HTTP/1.1 404 Not Found\r\n\r\n{}"), "(status 404)"),
            (answering("HTTP/1.1 200 OK\r\n\r\n<html>"), "is no sluice that knows /status (expected value"),
            (answering("SSH-2.0-OpenSSH\r\n"), "(it does not speak HTTP)"),
        ] {
            let error = ask(address).map_err(|why| why.of(address)).unwrap_err();
            assert!(error.contains(expected) && error.contains("--admin ADDRESS:PORT"), "{expected}: {error}");
        }
    }
}
