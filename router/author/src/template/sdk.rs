//! Where a new plugin gets the SDK from.

use std::{path::PathBuf, str::FromStr};

use crate::Error;

/// The SDK's sources and the interface, by their places in the folder of the SDK.
const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));
const MANIFEST: &str = include_str!("../../../../plugins/template/sdk/Cargo.toml.txt");
/// Where the SDK looks for the interface: in the checkout, and in a folder of its own.
const INTERFACE: [&str; 2] = ["path: \"../../wit\"", "path: \"wit\""];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sdk {
    /// Its sources are written into the plugin's folder: what this binary was built with.
    #[default]
    Embedded,
    /// A folder, such as `plugins/sdk` of a checkout.
    Path(PathBuf),
    /// The address of a repository.
    Git(String),
    /// A version of the package `sluice-plugin` in cargo's registry.
    Version(String),
}

impl Sdk {
    /// What `sluice-plugin` equals in a manifest.
    pub(super) fn dependency(&self) -> Result<String, Error> {
        Ok(match self {
            Self::Embedded => "{ path = \"sdk\" }".to_owned(),
            Self::Path(path) => {
                let manifest = path.join("Cargo.toml");
                let text = std::fs::read_to_string(&manifest).map_err(Error::file("read", &manifest))?;
                if !text.contains("name = \"sluice-plugin\"") {
                    let why = "its package is not sluice-plugin; name the folder plugins/sdk of a checkout, or leave \
                               --sdk out"
                        .to_owned();
                    return Err(Error::NoPackage { path: path.clone(), why });
                }
                let path = path.canonicalize().map_err(Error::file("find", path))?;
                format!("{{ path = {:?} }}", path.display().to_string())
            }
            Self::Git(address) => format!("{{ git = {address:?} }}"),
            Self::Version(version) => format!("{version:?}"),
        })
    }

    /// The files that it adds to the plugin's folder.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        if *self != Self::Embedded {
            return Vec::new();
        }
        let sources =
            SOURCES.iter().map(|(name, content)| (format!("sdk/{name}"), content.replace(INTERFACE[0], INTERFACE[1])));
        sources.chain([("sdk/Cargo.toml".to_owned(), MANIFEST.to_owned())]).collect()
    }
}

impl FromStr for Sdk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_address = text.contains("://") || text.starts_with("git@");
        let is_version = text.starts_with(|first: char| first.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c));
        match text {
            "" => Err("is empty; write a folder, the address of a repository or a version, or leave it out".to_owned()),
            "embedded" => Ok(Self::Embedded),
            _ if is_address => Ok(Self::Git(text.to_owned())),
            _ if is_version => Ok(Self::Version(text.to_owned())),
            _ => Ok(Self::Path(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        for (text, expect) in [
            ("embedded", Sdk::Embedded),
            ("https://example.com/sluice.git", Sdk::Git("https://example.com/sluice.git".into())),
            ("git@example.com:sluice", Sdk::Git("git@example.com:sluice".into())),
            ("0.1", Sdk::Version("0.1".into())),
            ("0.2.0-rc.1", Sdk::Version("0.2.0-rc.1".into())),
            ("../plugins/sdk", Sdk::Path("../plugins/sdk".into())),
        ] {
            assert_eq!(text.parse(), Ok(expect), "{text}");
        }
        assert!("".parse::<Sdk>().is_err());
    }

    #[test]
    fn dependencies_as_cargo_reads_them() {
        let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/sdk");
        assert!(Sdk::Path(sdk.into()).dependency().unwrap().ends_with("plugins/sdk\" }"));
        assert_eq!(Sdk::Version("0.1".into()).dependency().unwrap(), "\"0.1\"");
        assert_eq!(Sdk::Git("https://a/b".into()).dependency().unwrap(), "{ git = \"https://a/b\" }");
        let error = Sdk::Path(env!("CARGO_MANIFEST_DIR").into()).dependency().unwrap_err().to_string();
        assert!(error.contains("its package is not sluice-plugin; name the folder plugins/sdk"), "{error}");
        assert!(Sdk::Path("/no/such".into()).dependency().unwrap_err().to_string().contains("/no/such/Cargo.toml"));
    }

    /// The copy of the SDK's manifest that stands alone must not fall behind.
    #[test]
    fn the_manifest_that_is_written_is_that_of_the_workspace() {
        let workspace = include_str!("../../../../plugins/Cargo.toml");
        let sdk = include_str!("../../../../plugins/sdk/Cargo.toml");
        let inherited = sdk.lines().filter_map(|line| line.strip_suffix(".workspace = true"));
        let mut checked = 0;
        for name in inherited.filter(|name| !["version", "edition", "rust-version", "license"].contains(name)) {
            let line = workspace.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
            assert!(MANIFEST.contains(&format!("\n{line}\n")), "plugins/template/sdk/Cargo.toml.txt lacks: {line}");
            checked += 1;
        }
        assert!(checked >= 3, "{checked}");
        let features = sdk.split("[features]").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
        assert!(MANIFEST.contains(features), "plugins/template/sdk/Cargo.toml.txt has other features than{features}");
        for name in ["version", "edition", "rust-version", "license"] {
            let line = workspace.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
            assert!(MANIFEST.contains(&format!("\n{line}\n")), "plugins/template/sdk/Cargo.toml.txt lacks: {line}");
        }
    }

    #[test]
    fn the_interface_is_found_where_it_is_written() {
        let looked_for: usize = SOURCES.iter().map(|(_, content)| content.matches(INTERFACE[0]).count()).sum();
        assert_eq!(looked_for, 4);
        assert!(
            SOURCES
                .iter()
                .all(|(_, content)| content.matches("../wit").count() == content.matches(INTERFACE[0]).count())
        );
    }
}
