//! One Elasticsearch node over HTTP or HTTPS.
//!
//! The archive on Maven Central holds the real server with few modules: `_bulk`, `_search`, templates, aliases and
//! users are there; `GET /`, ingest pipelines, scripts and API keys are not.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cache::{public_servers_folder, servers_folder};
use crate::certificate::{self, Certificate};
use crate::download::{Artefact, Download, Form};
use crate::http::{Client, Response};
use crate::java::Java;
use crate::port::Port;
use crate::process::{Launch, Process, tail, wait_until};

const DOWNLOAD: Download<'static> = Download {
    name: "elasticsearch-8.19.21",
    artefacts: &[Artefact {
        group: "org.elasticsearch.distribution.integ-test-zip",
        name: "elasticsearch",
        version: "8.19.21",
    }],
    form: Form::Archive,
};
const START: Duration = Duration::from_secs(240);
const STOP: Duration = Duration::from_secs(60);
const NOBODY: u32 = 65534;
/// With the first compiler only and the simple collector a node starts with half of the CPU time.
const JAVA_OPTIONS: &str = "-XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:-AlwaysPreTouch";
const JSON: &str = "application/json";
/// Documents an answer of a scan; a few MiB.
const PAGE: usize = 5_000;

/// Whom the node lets in, with every right.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub password: String,
}

pub struct ElasticsearchOptions {
    /// Java heap, as `-Xmx` takes it.
    pub heap: &'static str,
    /// Turns security on: requests without this name and password are refused with 401.
    pub user: Option<User>,
    /// Serves https with a certificate for 127.0.0.1 and localhost; needs a `user`.
    pub tls: bool,
    /// Further lines of `elasticsearch.yml`.
    pub settings: Vec<String>,
}

impl Default for ElasticsearchOptions {
    fn default() -> Self {
        Self { heap: "512m", user: None, tls: false, settings: Vec::new() }
    }
}

/// A node on loopback.
pub struct Elasticsearch {
    // Ended before its folder is removed: fields are dropped in this order.
    process: Option<Process>,
    launch: Launch,
    client: Client,
    port: Port,
    _transport: Port,
    certificate: Option<Certificate>,
    _folder: TempDir,
}

impl Elasticsearch {
    /// Starts a node with no data and returns when it serves. The first call on a machine fetches the archive.
    pub fn start(options: ElasticsearchOptions) -> Result<Self> {
        if options.tls && options.user.is_none() {
            bail!("elasticsearch serves https only with security on: give a user");
        }
        let java = Java::find()?;
        let folder = tempfile::Builder::new()
            .prefix("sluice-elasticsearch-")
            .tempdir()
            .context("cannot create a data folder")?;
        let as_nobody = fs::metadata(folder.path()).context("cannot read the data folder")?.uid() == 0;
        let parent = if as_nobody { public_servers_folder()? } else { servers_folder()? };
        let home = DOWNLOAD.fetch(&parent)?.join(DOWNLOAD.name);
        let (port, transport) = (Port::reserve()?, Port::reserve()?);
        let config = folder.path().join("config");
        fs::create_dir(&config).context("cannot create the config folder")?;
        let certificate = options.tls.then(|| certificate::create(&config)).transpose()?;
        let settings = settings(folder.path(), &options, port.number(), transport.number(), certificate.as_ref());
        configure(&home, folder.path(), &settings, options.user.as_ref())?;
        if as_nobody {
            give_to_nobody(folder.path())?;
        }
        let user = options.user.as_ref().map(|user| (user.name.as_str(), user.password.as_str()));
        let client = Client::new(port.number(), user, certificate.as_ref().map(|certificate| &certificate.authority))?;
        let launch = launch(&home, &java, folder.path(), options.heap, as_nobody);
        let mut node =
            Self { process: None, launch, client, port, _transport: transport, certificate, _folder: folder };
        node.restart()?;
        Ok(node)
    }

    /// Starts it again on the same data and port after [`Elasticsearch::kill`] or [`Elasticsearch::stop`]; returns when
    /// it serves and every index can be searched.
    pub fn restart(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("elasticsearch on {} runs: kill or stop it before starting it again", self.url());
        }
        let mut process = Process::spawn(&self.launch)?;
        wait_until(START, || {
            if let Some(status) = process.ended()? {
                bail!("elasticsearch ended while starting ({status}):\n{}", tail(&self.launch.log));
            }
            let health = self.get("/_cluster/health?wait_for_status=yellow&timeout=10s");
            Ok(health.is_ok_and(|answer| answer.status == 200))
        })
        .with_context(|| format!("elasticsearch did not start; the end of its log:\n{}", tail(&self.launch.log)))?;
        self.process = Some(process);
        Ok(())
    }

    /// `http://127.0.0.1:PORT` or `https://…`, the same for as long as the value lives.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port.number())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The authority that signed the node's certificate, as PEM; `None` without TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.certificate.as_ref().map(|certificate| certificate.authority_file.as_path())
    }

    /// The pid of the server's JVM; fails while it is down.
    pub fn pid(&self) -> Result<u32> {
        self.running()?;
        let path = self.launch.folder.join("pid");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.trim().parse().with_context(|| format!("{} holds no pid", path.display()))
    }

    /// SIGKILL, as a node's sudden death. Does nothing if the node is down.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// SIGTERM and waits for the end. Does nothing if the node is down.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.stop(STOP))
    }

    /// Holds the node still: its connections stay open and nothing is answered.
    pub fn pause(&self) -> Result<()> {
        self.running()?.pause()
    }

    pub fn resume(&self) -> Result<()> {
        self.running()?.resume()
    }

    /// Any request with the node's user; `body` is JSON or empty. A status of 4xx or 5xx is an answer, not an error.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Result<Response> {
        self.client.send(method, path, JSON, body)
    }

    pub fn get(&self, path: &str) -> Result<Response> {
        self.request("GET", path, "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Response> {
        self.request("POST", path, &body.to_string())
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Response> {
        self.request("PUT", path, &body.to_string())
    }

    /// Makes what was indexed so far visible to searches; `index` may hold `*`.
    pub fn refresh(&self, index: &str) -> Result<()> {
        self.request("POST", &format!("/{index}/_refresh"), "")?.success()?;
        Ok(())
    }

    /// Visible documents of all indices that match; 0 if there is none.
    pub fn count(&self, index: &str) -> Result<u64> {
        let answer = self.get(&format!("/{index}/_count?ignore_unavailable=true"))?.success()?.json()?;
        answer["count"].as_u64().with_context(|| format!("no count in {answer}"))
    }

    /// The hits (`_index`, `_id`, `_source`, …) of a search body such as `{"query": …, "size": 10}`.
    pub fn search(&self, index: &str, body: &Value) -> Result<Vec<Value>> {
        let mut answer = self.post(&format!("/{index}/_search?ignore_unavailable=true"), body)?.success()?.json()?;
        match answer["hits"]["hits"].take() {
            Value::Array(hits) => Ok(hits),
            _ => bail!("no hits in the answer to a search of {index}"),
        }
    }

    /// Hands over these fields of every visible document of all indices that match; returns how many there are.
    pub fn scan(&self, index: &str, fields: &[&str], mut hand: impl FnMut(&Value)) -> Result<u64> {
        let search = json!({ "size": PAGE, "sort": ["_doc"], "_source": fields });
        let mut answer = self.post(&format!("/{index}/_search?scroll=2m"), &search)?.success()?.json()?;
        let mut documents = 0;
        loop {
            let hits = answer["hits"]["hits"].as_array().context("an answer without hits")?;
            if hits.is_empty() {
                return Ok(documents);
            }
            documents += hits.len() as u64;
            hits.iter().for_each(|hit| hand(&hit["_source"]));
            let next = json!({ "scroll": "2m", "scroll_id": answer["_scroll_id"] });
            answer = self.post("/_search/scroll", &next)?.success()?.json()?;
        }
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().with_context(|| format!("elasticsearch on {} is down", self.url()))
    }
}

fn launch(home: &Path, java: &Java, folder: &Path, heap: &str, as_nobody: bool) -> Launch {
    let options = format!("-Xms{heap} -Xmx{heap} {JAVA_OPTIONS}");
    Launch {
        program: home.join("bin/elasticsearch"),
        arguments: vec!["-p".into(), folder.join("pid").into()],
        environment: vec![
            ("ES_JAVA_HOME", java.home.clone().into()),
            ("ES_PATH_CONF", folder.join("config").into()),
            ("ES_TMPDIR", folder.join("tmp").into()),
            ("HOME", folder.join("tmp").into()),
            ("ES_JAVA_OPTS", OsString::from(options)),
            ("CLI_JAVA_OPTS", "-XX:TieredStopAtLevel=1 -XX:-UsePerfData".into()),
        ],
        folder: folder.to_path_buf(),
        log: folder.join("elasticsearch.log"),
        as_nobody,
    }
}

fn settings(
    folder: &Path,
    options: &ElasticsearchOptions,
    port: u16,
    transport: u16,
    certificate: Option<&Certificate>,
) -> String {
    let mut settings = format!(
        "cluster.name: sluice-test\n\
         node.name: node\n\
         path.data: {folder}/data\n\
         path.logs: {folder}/logs\n\
         network.host: 127.0.0.1\n\
         http.port: {port}\n\
         transport.port: {transport}\n\
         discovery.type: single-node\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n\
         xpack.security.enabled: {}\n",
        options.user.is_some(),
        folder = folder.display(),
    );
    if let Some(certificate) = certificate {
        settings.push_str("xpack.security.http.ssl.enabled: true\n");
        settings.push_str(&format!("xpack.security.http.ssl.key: {}\n", certificate.key_file.display()));
        settings
            .push_str(&format!("xpack.security.http.ssl.certificate: {}\n", certificate.certificate_file.display()));
    }
    for line in &options.settings {
        settings.push_str(line);
        settings.push('\n');
    }
    settings
}

/// Fills `folder` with what the node reads at its start.
fn configure(home: &Path, folder: &Path, settings: &str, user: Option<&User>) -> Result<()> {
    let config = folder.join("config");
    for name in ["data", "logs", "tmp", "config/jvm.options.d"] {
        fs::create_dir(folder.join(name)).with_context(|| format!("cannot create {name} for elasticsearch"))?;
    }
    for name in ["log4j2.properties", "roles.yml", "role_mapping.yml"] {
        fs::copy(home.join("config").join(name), config.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let write =
        |name: &str, text: &str| fs::write(config.join(name), text).with_context(|| format!("cannot write {name}"));
    let java_options = home.join("config/jvm.options");
    let java_options =
        fs::read_to_string(&java_options).with_context(|| format!("cannot read {}", java_options.display()))?;
    write("jvm.options", &adapt_java_options(&java_options, folder))?;
    write("elasticsearch.yml", settings)?;
    // The file realm takes a password without a hash's prefix as it is; no second JVM is needed to make a user.
    write("users", &user.map(|user| format!("{}:{}\n", user.name, user.password)).unwrap_or_default())?;
    write("users_roles", &user.map(|user| format!("superuser:{}\n", user.name)).unwrap_or_default())
}

/// No GC log (up to 2 GB), the simple collector, and crash files where they are removed with the rest.
fn adapt_java_options(options: &str, folder: &Path) -> String {
    let mut adapted: String = options
        .lines()
        .filter(|line| !["gc.log", "UseG1GC", "ErrorFile", "HeapDump"].iter().any(|word| line.contains(word)))
        .flat_map(|line| [line, "\n"])
        .collect();
    adapted.push_str(&format!("-XX:+UseSerialGC\n-XX:ErrorFile={}/logs/crash.log\n", folder.display()));
    adapted
}

/// Elasticsearch refuses to run as root.
fn give_to_nobody(folder: &Path) -> Result<()> {
    // The temporary folder is made for its owner only; clients of other users read the CA file in it.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).context("cannot open the data folder to others")?;
    let mut pending: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(path) = pending.pop() {
        chown(&path, Some(NOBODY), Some(NOBODY))
            .with_context(|| format!("cannot give {} to nobody", path.display()))?;
        if path.is_dir() {
            for entry in fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))? {
                pending.push(entry.context("cannot list a folder")?.path());
            }
        }
    }
    Ok(())
}
