//! Components as a ConfigMap, the way they get into a cluster.

use std::io::{self, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// What Kubernetes allows all values of a ConfigMap together, in bytes.
pub const LIMIT: usize = 1 << 20;

/// A manifest, and what it holds.
#[derive(Clone, Debug)]
pub struct ConfigMap {
    /// YAML, to be applied as it is.
    pub manifest: String,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's name in the ConfigMap; `.gz` is added where it was compressed.
    pub key: String,
    /// Bytes that count against the limit.
    pub size: usize,
    /// Bytes of the file.
    pub unpacked: usize,
}

/// Whether files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// Where they do not fit otherwise.
    #[default]
    WhereNeeded,
    Always,
    Never,
}

impl ConfigMap {
    /// The ConfigMap `name` of files by their names. Its annotation of digests are those of the files as they are,
    /// by which a router knows them.
    pub fn new(
        name: &str,
        namespace: Option<&str>,
        files: &[(String, Vec<u8>)],
        packing: Packing,
    ) -> Result<Self, Error> {
        check_label("the ConfigMap's name", name)?;
        namespace.map_or(Ok(()), |namespace| check_label("the namespace", namespace))?;
        check_keys(files)?;
        let plain: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let packs = packing == Packing::Always || packing == Packing::WhereNeeded && plain > LIMIT;
        let mut data = String::new();
        let mut entries = Vec::new();
        for (file, bytes) in files {
            let (key, packed) = match packs && !is_packed(bytes) {
                true => (format!("{file}.gz"), pack(bytes).map_err(Error::file("compress", file))?),
                false => (file.clone(), bytes.clone()),
            };
            data.push_str(&format!("  {key}: {}\n", STANDARD.encode(&packed)));
            entries.push(Entry { key, size: packed.len(), unpacked: bytes.len() });
        }
        let digests: String =
            files.iter().map(|(file, bytes)| format!("      {file} sha256:{}\n", hex(bytes))).collect();
        let namespace = namespace.map_or_else(String::new, |namespace| format!("  namespace: {namespace}\n"));
        let manifest = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{namespace}  labels:\n    \
             app.kubernetes.io/name: sluice\n    app.kubernetes.io/component: plugins\n  annotations:\n    \
             sluice/digests: |\n{digests}binaryData:\n{data}"
        );
        let made = Self { manifest, entries };
        if made.size() > LIMIT {
            return Err(Error::ConfigMap(format!(
                "{} bytes do not fit: a ConfigMap holds {LIMIT} at most{}; make it smaller (`sluice plugin build` says \
                 what takes the space) or give each plugin a ConfigMap of its own",
                made.size(),
                if packing == Packing::Never {
                    ", and compressing them was forbidden"
                } else {
                    ", compressed as they are"
                },
            )));
        }
        Ok(made)
    }

    /// Bytes that count against [`LIMIT`].
    pub fn size(&self) -> usize {
        self.entries.iter().map(|entry| entry.size + entry.key.len()).sum()
    }
}

fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_label(what: &str, name: &str) -> Result<(), Error> {
    let sound = !name.is_empty()
        && name.len() <= 253
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if sound {
        return Ok(());
    }
    Err(Error::ConfigMap(format!(
        "{what} is {name:?}, which Kubernetes does not take; write lower-case letters, digits, hyphens and dots, as in \
         sluice-plugins"
    )))
}

fn check_keys(files: &[(String, Vec<u8>)]) -> Result<(), Error> {
    for (index, (key, _)) in files.iter().enumerate() {
        let sound = key.len() <= 250 && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !sound || key.is_empty() || key.starts_with("..") {
            let why = "a key of a ConfigMap has letters, digits, hyphens, underscores and dots; rename the file";
            return Err(Error::ConfigMap(format!("{key:?}: {why}")));
        }
        if files[..index].iter().any(|(earlier, _)| earlier == key) {
            return Err(Error::ConfigMap(format!("two files are called {key}; rename one of them")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn noise(size: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..size).map(|_| next()).collect()
    }

    #[test]
    fn small_files_stay_as_they_are() {
        let files = [("a.wasm".to_owned(), b"\0asm".to_vec())];
        let made = ConfigMap::new("sluice-plugins", Some("logging"), &files, Packing::WhereNeeded).unwrap();
        let expect = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sluice-plugins\n  namespace: logging\n  labels:\n    \
                      app.kubernetes.io/name: sluice\n    app.kubernetes.io/component: plugins\n  annotations:\n    \
                      sluice/digests: |\n      a.wasm \
                      sha256:cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f\nbinaryData:\n  a.wasm: AGFzbQ==\n";
        assert_eq!(made.manifest, expect);
        assert_eq!(made.size(), 10);
    }

    #[test]
    fn files_are_compressed_where_they_do_not_fit() {
        let large = [("a.wasm".to_owned(), vec![0; LIMIT]), ("b.wasm".to_owned(), b"abc".to_vec())];
        let made = ConfigMap::new("p", None, &large, Packing::WhereNeeded).unwrap();
        assert_eq!(made.entries[0].key, "a.wasm.gz");
        assert!(made.size() < 4096 && made.entries[0].unpacked == LIMIT, "{:?}", made.entries);
        let value = made.manifest.lines().find_map(|line| line.strip_prefix("  a.wasm.gz: ")).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(STANDARD.decode(value).unwrap().as_slice()).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, large[0].1);
        let error = ConfigMap::new("p", None, &large, Packing::Never).unwrap_err().to_string();
        assert!(error.contains("1048591 bytes do not fit") && error.contains("forbidden"), "{error}");
        let noise = [("n.wasm".to_owned(), noise(LIMIT + 1))];
        let error = ConfigMap::new("p", None, &noise, Packing::WhereNeeded).unwrap_err().to_string();
        assert!(error.contains("compressed as they are; make it smaller"), "{error}");
        let small = [("b.wasm".to_owned(), b"abc".to_vec())];
        assert_eq!(ConfigMap::new("p", None, &small, Packing::Always).unwrap().entries[0].key, "b.wasm.gz");
    }

    #[test]
    fn names_that_kubernetes_refuses_are_refused_before() {
        let file = |name: &str| (name.to_owned(), Vec::new());
        for (name, files, expect) in [
            ("Plugins", vec![file("a.wasm")], "the ConfigMap's name is \"Plugins\""),
            ("", vec![file("a.wasm")], "the ConfigMap's name is \"\""),
            ("p", vec![file("a b.wasm")], "\"a b.wasm\": a key of a ConfigMap has letters"),
            ("p", vec![file("a.wasm"), file("a.wasm")], "two files are called a.wasm; rename one"),
        ] {
            let error = ConfigMap::new(name, None, &files, Packing::Never).unwrap_err().to_string();
            assert!(error.starts_with(expect), "{error}");
        }
        assert!(ConfigMap::new("p", Some("a/b"), &[], Packing::Never).is_err());
    }
}
