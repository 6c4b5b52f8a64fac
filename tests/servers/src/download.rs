//! Artefacts of Maven Central, fetched by the `mvn` client (so that its settings, mirrors and proxies apply).

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What to fetch and in which form to keep it.
pub(crate) struct Download<'a> {
    /// Name of the folder, e.g. `kafka-4.3.1`.
    pub(crate) name: &'a str,
    pub(crate) artefacts: &'a [Artefact<'a>],
    pub(crate) form: Form,
}

pub(crate) struct Artefact<'a> {
    pub(crate) group: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
}

#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// The jars of the artefacts and of everything that they need at run time.
    Jars,
    /// The contents of the artefacts' zip archives and nothing else.
    Archive,
}

impl Download<'_> {
    /// The folder with the files, under `parent`. Fetched at the first call; processes that come at the same time wait
    /// for the one that fetches. A folder that exists is complete, as it is renamed into place.
    pub(crate) fn fetch(&self, parent: &Path) -> Result<PathBuf> {
        let done = parent.join(self.name);
        let _lock = lock(&parent.join(format!("{}.lock", self.name)))?;
        if done.exists() {
            return Ok(done);
        }
        let part = parent.join(format!("{}.part", self.name));
        if part.exists() {
            fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
        }
        fs::create_dir_all(&part).with_context(|| format!("cannot create {}", part.display()))?;
        let pom = parent.join(format!("{}.pom.xml", self.name));
        fs::write(&pom, self.pom()).with_context(|| format!("cannot write {}", pom.display()))?;
        self.run_maven(&pom, &part)?;
        fs::rename(&part, &done).with_context(|| format!("cannot rename {} to {}", part.display(), done.display()))?;
        Ok(done)
    }

    fn run_maven(&self, pom: &Path, folder: &Path) -> Result<()> {
        let goal = match self.form {
            Form::Jars => "dependency:copy-dependencies",
            Form::Archive => "dependency:unpack-dependencies",
        };
        let line = format!(
            "mvn -B -q -f {} {goal} -DincludeScope=runtime -DoutputDirectory={}",
            pom.display(),
            folder.display()
        );
        eprintln!("fetching {} from Maven Central", self.coordinates());
        let output = Command::new("mvn")
            .args(["-B", "-q", "-f"])
            .arg(pom)
            .args([goal, "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", folder.display()))
            .output()
            .with_context(|| format!("cannot run mvn to fetch {}; type: apt-get install maven", self.coordinates()))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let errors: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).take(8).collect();
        bail!(
            "fetching {} from Maven Central failed ({}): {}\nwhat came down is kept by mvn: check the network (or a mirror \
             in ~/.m2/settings.xml), try it by itself with\n    {line}\nand then run the same command again",
            self.coordinates(),
            output.status,
            errors.join("\n"),
        )
    }

    fn coordinates(&self) -> String {
        let names: Vec<String> =
            self.artefacts.iter().map(|item| format!("{}:{}:{}", item.group, item.name, item.version)).collect();
        names.join(" and ")
    }

    fn pom(&self) -> String {
        let mut dependencies = String::new();
        for Artefact { group, name, version } in self.artefacts {
            let form = match self.form {
                Form::Jars => "",
                Form::Archive => {
                    "<type>zip</type><exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
                }
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                dependencies,
                "    <dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>{form}</dependency>"
            );
        }
        format!(
            r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>servers</artifactId><version>1</version><packaging>pom</packaging>
  <build><directory>{name}.target</directory><plugins>
    <plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version></plugin>
  </plugins></build>
  <dependencies>
{dependencies}  </dependencies>
</project>
"#,
            name = self.name,
        )
    }
}

/// An exclusive lock between processes, held until the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
