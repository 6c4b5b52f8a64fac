//! What a crash bundle says: everything that a call needs to be made again, and the fault that it ended in.
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::batch::{Kept, KeptColumn};
use super::bounded::{self, Bounded};
use super::members::Members;
use crate::component::{Digest, Kind};
use crate::fault::{Cause, Fault};
use crate::grants::Grants;
use crate::limits::Limits;

/// Bytes that a bundle may have. One with a larger batch is written without it.
pub const MOST_BYTES: usize = 8 << 20;
/// The form that this version writes and reads.
const FORM: u64 = 1;
const FORM_KEY: &str = "sluice_crash_bundle";
/// What a bundle may ask of the machine that it is replayed on.
const MOST_MEMORY: u64 = 4 << 30;
const MOST_ANSWER: u64 = 1 << 30;
const LONGEST_CPU: u64 = 60_000;
const LONGEST_WALL: u64 = 600_000;
const MOST_RECORDS: u32 = 1 << 20;

/// A call that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// When it failed: RFC 3339, UTC.
    pub when: String,
    pub host: Host,
    pub plugin: Subject,
    pub limits: Limits,
    /// What making the call again has to show.
    pub fault: Fault,
    /// What happened, where the call was narrowed down afterwards: how many records it was about, and the fault.
    pub seen: Option<(u32, String)>,
    /// Whether a new instance failed in the same way when the bundle was made; `None` if that was not tried.
    pub repeats: Option<bool>,
    pub call: Call,
}

/// The program that a fault happened in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Versions.
    pub sluice: String,
    pub wasmtime: String,
    /// The machine's triple.
    pub target: String,
}

/// The plugin that failed, but for its digest, which is the fault's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub name: String,
    pub kind: Kind,
    /// Bytes of the component.
    pub size: usize,
    /// Where the component was read from, if that is known.
    pub file: Option<PathBuf>,
    /// JSON, to the byte what `configure` was given.
    pub config: String,
    /// The fields of the batch's columns.
    pub reads: Vec<Vec<String>>,
}

/// What an instance is asked, once it is configured.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Nothing: it failed while it started.
    Start,
    Records(Kept),
    /// The time, in nanoseconds since 1970.
    Tick(u64),
    /// About records that the bundle does not hold, and why it does not.
    LeftOut(String),
}

impl Bundle {
    /// The bundle's file: a JSON object, a member a line. A batch that makes it too large is left out, here too.
    ///
    /// # Errors
    /// It is too large without its batch.
    pub(super) fn write(&mut self) -> io::Result<Vec<u8>> {
        if let Ok(whole) = self.document() {
            return Ok(whole);
        }
        let why = format!("the bundle would have more bytes than the {MOST_BYTES} that are allowed");
        (self.call, self.repeats) = (Call::LeftOut(why), None);
        self.document()
    }

    fn document(&self) -> io::Result<Vec<u8>> {
        let Self { when, host, plugin, limits, fault, seen, repeats, call } = self;
        let mut members = vec![
            (FORM_KEY, json!(FORM)),
            ("when", json!(when)),
            ("host", json!({ "sluice": host.sluice, "wasmtime": host.wasmtime, "target": host.target })),
            (
                "plugin",
                json!({
                    "name": plugin.name,
                    "kind": plugin.kind.name(),
                    "digest": fault.digest.to_string(),
                    "size": plugin.size,
                    "file": plugin.file.as_ref().map(|file| file.to_string_lossy()),
                    "config": plugin.config,
                    "reads": plugin.reads,
                }),
            ),
            (
                "limits",
                json!({
                    "memory": limits.memory,
                    "cpu_ms": limits.cpu.as_millis() as u64,
                    "wall_ms": limits.wall.as_millis() as u64,
                    "answer": limits.answer,
                    "grants": { "clock": limits.grants.clock, "random": limits.grants.random },
                }),
            ),
            (
                "fault",
                json!({ "call": fault.call, "version": fault.version.as_deref(), "cause": fault.cause.name(), "text": fault.cause.text() }),
            ),
            ("state", json!({ "answered_before": fault.before, "repeats": repeats })),
        ];
        if let Some((records, fault)) = seen {
            members.push(("seen", json!({ "records": records, "fault": fault })));
        }
        match call {
            Call::Start | Call::Records(_) => {}
            Call::Tick(now) => members.push(("tick", json!({ "now": now }))),
            Call::LeftOut(why) => members.push(("left_out", json!(why))),
        }
        let mut file = Bounded::new(MOST_BYTES);
        for (index, (key, value)) in members.iter().enumerate() {
            write!(file, "{}\"{key}\":{value}", if index == 0 { "{" } else { ",\n " })?;
        }
        if let Call::Records(batch) = call {
            file.write_all(b",\n \"batch\":")?;
            bounded::batch(&mut file, batch)?;
        }
        file.write_all(b"}\n")?;
        Ok(file.bytes)
    }

    /// The bundle in a file's bytes. The error says what is wrong, and with which key.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MOST_BYTES {
            return Err(format!("is larger than {MOST_BYTES} bytes, which no crash bundle is"));
        }
        let document: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("is no crash bundle, or a part of one: {error}"))?;
        let document = Members::new(&document);
        let host = document.below("host").and_then(|host| {
            let text = |key| host.text(key).map(str::to_owned);
            Ok(Host { sluice: text("sluice")?, wasmtime: text("wasmtime")?, target: text("target")? })
        });
        match document.number(FORM_KEY) {
            Ok(FORM) => {}
            Ok(form) => {
                let by = host.map(|host| host.sluice).unwrap_or_default();
                return Err(format!(
                    "is a crash bundle of form {form}, and this version reads form {FORM}; replay it with the version that \
                     wrote it ({by})"
                ));
            }
            Err(_) => return Err(format!("is no crash bundle: it has no {FORM_KEY}")),
        }
        let state = document.below("state")?;
        let (plugin, digest) = subject(&document.below("plugin")?)?;
        let fault = fault(&document.below("fault")?, &plugin, digest, state.number("answered_before")?)?;
        let seen = document.optional("seen")?.map(|seen| {
            Ok::<_, String>((seen.number_up_to("records", u32::MAX.into())? as u32, seen.text("fault")?.to_owned()))
        });
        Ok(Self {
            when: document.text("when")?.to_owned(),
            host: host?,
            limits: limits(&document.below("limits")?)?,
            call: call(&document, fault.call, &plugin)?,
            plugin,
            fault,
            seen: seen.transpose()?,
            repeats: state.boolean("repeats")?,
        })
    }
}

fn subject(plugin: &Members) -> Result<(Subject, Digest), String> {
    let kind = plugin.text("kind")?;
    let kind = [Kind::Filter, Kind::Enricher, Kind::Notifier].into_iter().find(|known| known.name() == kind);
    let digest =
        Digest::parse(plugin.text("digest")?).ok_or("plugin.digest: is not sha256: and 64 hexadecimal digits")?;
    let reads = plugin.items("reads")?.iter().map(|path| {
        let keys = path.as_array().map(|keys| keys.iter().map(|key| key.as_str().map(str::to_owned)));
        keys.and_then(|mut keys| keys.by_ref().collect()).ok_or("plugin.reads: is no list of lists of keys")
    });
    let subject = Subject {
        name: plugin.text("name")?.to_owned(),
        kind: kind.ok_or("plugin.kind: is none of filter, enricher and notifier")?,
        size: plugin.number("size")? as usize,
        file: plugin.text("file").ok().map(PathBuf::from),
        config: plugin.text("config")?.to_owned(),
        reads: reads.collect::<Result<_, _>>()?,
    };
    Ok((subject, digest))
}

fn limits(limits: &Members) -> Result<Limits, String> {
    let grants = limits.below("grants")?;
    Ok(Limits {
        memory: limits.number_up_to("memory", MOST_MEMORY)? as usize,
        cpu: Duration::from_millis(limits.number_up_to("cpu_ms", LONGEST_CPU)?),
        wall: Duration::from_millis(limits.number_up_to("wall_ms", LONGEST_WALL)?),
        answer: limits.number_up_to("answer", MOST_ANSWER)? as usize,
        grants: Grants {
            clock: grants.boolean("clock")?.unwrap_or_default(),
            random: grants.boolean("random")?.unwrap_or_default(),
        },
        ..Limits::default()
    })
}

fn fault(fault: &Members, plugin: &Subject, digest: Digest, before: u64) -> Result<Fault, String> {
    let (call, text) = (fault.text("call")?, fault.text("text")?.to_owned());
    let own = plugin.kind.call();
    let known = ["instantiate", "configure", "tick", own].into_iter().find(|known| *known == call);
    let call = known.filter(|call| *call != "tick" || plugin.kind == Kind::Notifier);
    Ok(Fault {
        plugin: plugin.name.clone(),
        digest,
        version: fault.text("version").ok().map(|version| Arc::new(version.to_owned())),
        call: call.ok_or_else(|| format!("fault.call: is no call of a {}", plugin.kind))?,
        cause: match fault.text("cause")? {
            "trap" => Cause::Trap(text),
            "refused" => Cause::Refused(text),
            "invalid" => Cause::Invalid(text),
            _ => return Err("fault.cause: is none of trap, refused and invalid".into()),
        },
        before,
    })
}

fn call(document: &Members, call: &str, plugin: &Subject) -> Result<Call, String> {
    match call {
        "instantiate" | "configure" => Ok(Call::Start),
        "tick" => Ok(Call::Tick(document.below("tick")?.number("now")?)),
        _ => match document.text("left_out") {
            Ok(why) => Ok(Call::LeftOut(why.to_owned())),
            Err(_) => batch(&document.below("batch")?, plugin.reads.len()).map(Call::Records),
        },
    }
}

fn batch(batch: &Members, columns: usize) -> Result<Kept, String> {
    let kept = Kept {
        len: batch.number_up_to("len", MOST_RECORDS.into())? as u32,
        now: batch.number("now")?,
        times: batch.numbers("times")?,
        columns: batch.each("columns", column)?,
    };
    kept.check()?;
    if kept.columns.len() != columns {
        return Err(format!("batch.columns: there are {} for {columns} fields", kept.columns.len()));
    }
    Ok(kept)
}

fn column(column: &Members) -> Result<KeptColumn, String> {
    let text = match column.text("text") {
        Ok(text) => text.as_bytes().to_vec(),
        Err(_) => {
            let base64 = column.below("text")?;
            let decoded = STANDARD.decode(base64.text("base64")?);
            decoded.map_err(|error| base64.wrong("base64", &error.to_string()))?
        }
    };
    Ok(KeptColumn {
        text,
        ends: column.numbers("ends")?,
        kinds: column.numbers("kinds")?,
        runs: column.numbers("runs")?,
    })
}

#[cfg(test)]
pub(super) mod tests;
