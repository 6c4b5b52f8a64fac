//! What outlives the process: components that were compiled, the versions of plugins that ran last, and what was taken
//! back. All of it can be done without: whatever is missing or wrong costs time, or is as if it had never been kept.
//!
//! ```text
//! HEX.ENGINE.native       native code, checked by `sluice_wasm::cache`
//! HEX.wasm                a component, by its digest
//! PIPELINE.PLUGIN.json    `Remembered`
//! ```

use std::{collections::BTreeMap, io, path::Path};

use serde::{Deserialize, Serialize};
use sluice_wasm::{
    Cache, Engine, Plugin,
    cache::is_hex,
    component::Digest,
    private::{Distrust, Folder, FolderError},
    trial::Reason,
};
use tracing::warn;

use super::Version;
use crate::config::{self, OnFault};

/// Bytes of the folder. What was not used for longest goes first, but for what runs in this process.
const MOST_BYTES: u64 = 256 << 20;
/// Bytes of what is remembered of a plugin: above all its config.
const MOST_REMEMBERED: u64 = 4 << 20;
const FORMAT: u32 = 1;

/// The folder that `plugin_cache` names.
pub struct Store {
    cache: Cache,
    /// What the files hold, as far as this process wrote or read them, by pipeline and plugin.
    known: BTreeMap<(String, String), Remembered>,
}

/// What is remembered of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    format: u32,
    /// The last version that kept to its trial.
    pub good: Made,
    pub taken_back: Option<TakenBack>,
}

/// What a version of a plugin was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    digest: String,
    config: String,
    on_fault: Option<String>,
    /// The words of what it may reach.
    #[serde(default)]
    grant: Vec<String>,
    /// What it had to keep to; only compared.
    #[serde(default)]
    trial: String,
}

/// A version that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    pub made: Made,
    reason: String,
    pub why: String,
}

impl Store {
    pub fn open(path: &Path, engine: &Engine) -> Result<Self, FolderError> {
        Ok(Self { cache: Cache::open(path, engine)?, known: BTreeMap::new() })
    }

    pub fn path(&self) -> &Path {
        self.folder().path()
    }

    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The component with this digest, if it was kept.
    pub fn component(&self, digest: Digest, most: usize) -> Option<Vec<u8>> {
        let name = component_name(digest);
        let bytes = match self.folder().read(&name, most as u64) {
            Ok(bytes) => bytes?,
            Err(why @ Distrust::Unreadable(_)) => {
                self.pass_over(&name, &why);
                return None;
            }
            Err(why) => return self.set_aside(&name, &why.to_string()),
        };
        if Digest::of(&bytes) != digest {
            return self.set_aside(&name, "it is not what was written");
        }
        self.folder().touch(&name);
        Some(bytes)
    }

    pub fn has_component(&self, digest: Digest) -> bool {
        self.folder().has(&component_name(digest))
    }

    pub fn keep_component(&self, digest: Digest, bytes: &[u8]) {
        let name = component_name(digest);
        if !self.folder().has(&name) {
            // It is checked by its digest when it is read: what a crash of the machine tears is not used.
            self.told(&name, self.folder().write(&name, &[bytes]));
        }
    }

    /// What is remembered of a plugin.
    ///
    /// # Errors
    /// There is something, and it cannot be read at this moment.
    pub fn recall(&mut self, pipeline: &str, plugin: &str) -> Result<Option<Remembered>, Distrust> {
        let name = state_name(pipeline, plugin);
        let bytes = match self.folder().read(&name, MOST_REMEMBERED) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(why @ Distrust::Unreadable(_)) => {
                self.pass_over(&name, &why);
                return Err(why);
            }
            Err(why) => return Ok(self.set_aside(&name, &why.to_string())),
        };
        let remembered = match serde_json::from_slice::<Remembered>(&bytes) {
            Ok(remembered) if remembered.format == FORMAT => remembered,
            Ok(_) => return Ok(self.set_aside(&name, "another version of sluice wrote it")),
            Err(_) => return Ok(self.set_aside(&name, "it is torn or garbled")),
        };
        self.folder().touch(&name);
        self.known.insert((pipeline.to_owned(), plugin.to_owned()), remembered.clone());
        Ok(Some(remembered))
    }

    /// From now on this is what is remembered of the plugins of a pipeline, by name; what is not among them is forgotten.
    /// A version whose component was not kept could not run again, and is left out. False if something could not be
    /// written.
    pub fn remember(&mut self, pipeline: &str, plugins: BTreeMap<String, Remembered>) -> bool {
        let before: Vec<String> =
            self.known.keys().filter(|(of, _)| of == pipeline).map(|(_, plugin)| plugin.clone()).collect();
        for plugin in before.into_iter().filter(|plugin| !plugins.contains_key(plugin)) {
            self.folder().remove(&state_name(pipeline, &plugin));
            self.known.remove(&(pipeline.to_owned(), plugin));
        }
        let mut all = true;
        for (plugin, remembered) in plugins {
            let key = (pipeline.to_owned(), plugin);
            let has_component = remembered.good.digest().is_some_and(|digest| self.has_component(digest));
            if !has_component || self.known.get(&key) == Some(&remembered) {
                continue;
            }
            // A value of JSON cannot fail to be written.
            let text = serde_json::to_vec(&remembered).unwrap_or_default();
            let name = state_name(&key.0, &key.1);
            if self.told(&name, self.folder().write_through(&name, &[&text])) {
                self.known.insert(key, remembered);
            } else {
                all = false;
            }
        }
        all
    }

    /// Makes room. What is of `used` stays, and so does what is remembered of this process's plugins, with the components
    /// of their last good versions.
    pub fn tidy(&self, used: &[Digest]) {
        let mut stay: Vec<String> = self.known.keys().map(|(pipeline, plugin)| state_name(pipeline, plugin)).collect();
        let good = self.known.values().filter_map(|remembered| remembered.good.digest());
        let components = used.iter().copied().chain(good);
        stay.extend(components.flat_map(|digest| [component_name(digest), self.cache.name(digest)]));
        self.folder().tidy(MOST_BYTES, is_ours, |name| stay.iter().any(|stays| stays == name));
    }

    fn folder(&self) -> &Folder {
        self.cache.folder()
    }

    /// Whether it was written.
    fn told(&self, name: &str, written: io::Result<()>) -> bool {
        if let Err(error) = &written {
            let file = self.path().join(name);
            warn!(file = %file.display(), "cannot be written, so that the next start does not know it: {error}");
        }
        written.is_ok()
    }

    /// What cannot be read may be as sound as ever, when there are files to be opened again: it stays.
    fn pass_over(&self, name: &str, why: &Distrust) {
        let file = self.path().join(name);
        warn!(file = %file.display(), %why, removed = false, "a file of the plugin cache is not used");
    }

    fn set_aside<T>(&self, name: &str, why: &str) -> Option<T> {
        let removed = self.folder().remove(name);
        let file = self.path().join(name);
        warn!(file = %file.display(), why, removed, "a file of the plugin cache is not used");
        None
    }
}

impl Remembered {
    pub fn new(good: Made, taken_back: Option<TakenBack>) -> Self {
        Self { format: FORMAT, good, taken_back }
    }
}

impl Made {
    pub fn of((spec, plugin): &Version) -> Self {
        Self::from(spec, plugin)
    }

    fn from(spec: &config::Plugin, plugin: &Plugin) -> Self {
        let config::Trial { time, max_drop, max_time } = spec.trial;
        Self {
            digest: plugin.component().digest.to_string(),
            config: spec.config.clone(),
            on_fault: spec.on_fault.map(|on_fault| word(on_fault).to_owned()),
            grant: super::grants(spec.grant).names().map(str::to_owned).collect(),
            trial: format!("for {time:?}, max_drop {max_drop:?}, max_time {max_time:?}"),
        }
    }

    /// Whether it would answer as `other`: what it is made of is the same, whatever surrounds it.
    pub fn answers_as(&self, other: &Self) -> bool {
        self.digest == other.digest && self.config == other.config
    }

    pub fn digest(&self) -> Option<Digest> {
        Digest::parse(&self.digest)
    }

    /// `spec` with what this version was made of. What the operator allows and forbids is as it is now; where the plugin
    /// refuses the `on_fault` of now, the second one has that of then.
    pub fn specs(&self, spec: &config::Plugin) -> Vec<config::Plugin> {
        let on_fault = self.on_fault.as_deref();
        let then =
            [OnFault::Pass, OnFault::DeadLetter, OnFault::Halt].into_iter().find(|of| Some(word(*of)) == on_fault);
        let now = config::Plugin { config: self.config.clone(), ..spec.clone() };
        let then = (then != now.on_fault).then(|| config::Plugin { on_fault: then, ..now.clone() });
        [now].into_iter().chain(then).collect()
    }
}

impl TakenBack {
    pub fn new(version: &Version, reason: Reason, why: &str) -> Self {
        Self { made: Made::of(version), reason: reason.name().to_owned(), why: why.to_owned() }
    }

    pub fn reason(&self) -> Reason {
        let named = |reason: &Reason| reason.name() == self.reason;
        [Reason::Fault, Reason::Drops, Reason::Time].into_iter().find(named).unwrap_or(Reason::Order)
    }
}

fn word(on_fault: OnFault) -> &'static str {
    match on_fault {
        OnFault::Pass => "pass",
        OnFault::DeadLetter => "dead_letter",
        OnFault::Halt => "halt",
    }
}

fn component_name(digest: Digest) -> String {
    format!("{}.wasm", digest.hex())
}

/// Whether a file of this name may be one of a cache: of this process, or of another one that shares the folder.
fn is_ours(name: &str) -> bool {
    let is_component = name.strip_suffix(".wasm").is_some_and(|digest| is_hex(digest, 64));
    let is_name = |part: &str| config::check_name(part).is_ok();
    let parts = name.strip_suffix(".json").and_then(|parts| parts.split_once('.'));
    let is_state = parts.is_some_and(|(pipeline, plugin)| is_name(pipeline) && is_name(plugin));
    is_component || is_state || Cache::is_entry(name)
}

/// Neither name has a dot in it.
fn state_name(pipeline: &str, plugin: &str) -> String {
    format!("{pipeline}.{plugin}.json")
}

#[cfg(test)]
mod tests;
