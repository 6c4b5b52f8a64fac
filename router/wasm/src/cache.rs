//! Compiled components on disk, by what they were compiled from and for. It is native code: whatever is not exactly what
//! this user put there is not used.
//!
//! ```text
//! Component::load → digest → restore: Folder::read → Trusted (owner, mode, header, digest of the code) → native::component
//!                                └─ anything wrong: removed, told, compiled anew → keep
//! ```
use std::hash::{Hash, Hasher};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tracing::{debug, warn};

use crate::component::{Component, Digest};
use crate::private::{Distrust, Folder, FolderError};
use crate::{Engine, native};

/// The first bytes of an entry. Its last one counts when the layout changes.
const MAGIC: &[u8; 16] = b"sluice native \0\x01";
/// Magic, engine, component, code: the last three are SHA-256.
const HEADER: usize = MAGIC.len() + 3 * 32;
/// Bytes of an entry: native code is a few times as large as its component.
const LARGEST: u64 = 256 << 20;

/// Compiled components in a folder, for one engine.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Folder,
    engine: [u8; 32],
}

/// Native code that this user has put where it was found, unchanged.
pub(crate) struct Trusted {
    file: Vec<u8>,
}

impl Cache {
    /// See [`Folder::open`] for what the folder has to be, and for errors.
    pub fn open(path: &Path, engine: &Engine) -> Result<Self, FolderError> {
        Ok(Self { folder: Folder::open(path)?, engine: identity(engine) })
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The name of an entry.
    pub fn name(&self, digest: Digest) -> String {
        let engine: String = self.engine[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{engine}.native", digest.hex())
    }

    /// Whether a file of this name is an entry, of whatever engine.
    pub fn is_entry(name: &str) -> bool {
        let parts = name.strip_suffix(".native").and_then(|parts| parts.split_once('.'));
        parts.is_some_and(|(component, engine)| is_hex(component, 64) && is_hex(engine, 16))
    }

    /// The component as it was compiled before. What is not as it should be is removed.
    pub(crate) fn restore(&self, engine: &Engine, digest: Digest) -> Option<wasmtime::component::Component> {
        let name = self.name(digest);
        let file = match self.folder.read(&name, LARGEST) {
            Ok(file) => file?,
            Err(why @ Distrust::Unreadable(_)) => return self.pass_over(&name, &why),
            Err(why) => return self.refuse(&name, &why.to_string()),
        };
        let code = match Trusted::of(file, &self.engine, digest) {
            Ok(code) => code,
            Err(why) => return self.refuse(&name, why),
        };
        match native::component(engine.wasmtime(), &code) {
            Ok(component) => {
                self.folder.touch(&name);
                debug!(%digest, "taken from the cache of compiled plugins");
                Some(component)
            }
            Err(error) => self.refuse(&name, &crate::fault::one_line(&error.to_string())),
        }
    }

    /// Writes the entry of a component that was compiled without this cache, unless there is one.
    pub fn keep_compiled(&self, component: &Component) {
        if !self.folder.has(&self.name(component.digest)) {
            self.keep(component.digest, &component.compiled);
        }
    }

    /// Writes an entry; that it cannot is told, and costs the next start its time.
    pub(crate) fn keep(&self, digest: Digest, component: &wasmtime::component::Component) {
        let code = match component.serialize() {
            Ok(code) => code,
            Err(error) => return warn!(%digest, "cannot keep what was compiled: {error}"),
        };
        let header = header(&self.engine, digest, &code);
        if let Err(error) = self.folder.write(&self.name(digest), &[&header, &code]) {
            let folder = self.folder.path().display();
            warn!(%digest, %folder, "cannot keep what was compiled, so it is compiled at the next start again: {error}");
        }
    }

    /// What cannot be read may be as sound as ever, when there are files to be opened again.
    fn pass_over<T>(&self, name: &str, why: &Distrust) -> Option<T> {
        let file = self.folder.path().join(name);
        warn!(file = %file.display(), %why, "a compiled plugin of the cache is not used; it is compiled anew");
        None
    }

    fn refuse<T>(&self, name: &str, why: &str) -> Option<T> {
        let file = self.folder.path().join(name);
        let removed = self.folder.remove(name);
        warn!(file = %file.display(), why, removed, "a compiled plugin of the cache is not used; it is compiled anew");
        None
    }
}

impl Trusted {
    fn of(file: Vec<u8>, engine: &[u8; 32], digest: Digest) -> Result<Self, &'static str> {
        let Some((found, code)) = file.split_at_checked(HEADER) else { return Err("it is torn") };
        // Of the engine and the component first: hashing the code takes longest.
        if found[..HEADER - 32] != start(engine, digest) {
            return Err("it was not made by this version of sluice of this component");
        }
        if found[HEADER - 32..] != *Sha256::digest(code) {
            return Err("it is not what was written");
        }
        Ok(Self { file })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.file[HEADER..]
    }
}

fn header(engine: &[u8; 32], digest: Digest, code: &[u8]) -> Vec<u8> {
    [start(engine, digest).as_slice(), &Sha256::digest(code)].concat()
}

fn start(engine: &[u8; 32], digest: Digest) -> Vec<u8> {
    [MAGIC.as_slice(), engine, &digest.0].concat()
}

/// Whether it is a hash, or a part of one, of so many digits.
pub fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Stands for everything that native code depends on: wasmtime, its settings, the processor that it compiles for, and
/// this version of the router.
fn identity(engine: &Engine) -> [u8; 32] {
    struct Hashed(Sha256);
    impl Hasher for Hashed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hashed = Hashed(Sha256::new());
    env!("CARGO_PKG_VERSION").hash(&mut hashed);
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hashed);
    hashed.0.finalize().into()
}

#[cfg(test)]
mod tests;
