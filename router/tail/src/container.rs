//! What the paths of a log file say of its container.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sluice_core::{Origin, encode::append_string};

/// A container as a path names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    pub pod: String,
    pub namespace: String,
    pub name: String,
    /// 64 hexadecimal digits.
    pub id: Option<String>,
}

impl Container {
    /// Reads `<pod>_<namespace>_<container>-<64 hex>.log`, or else `…/<namespace>_<pod>_<uid>/<container>/<n>.log`.
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::of_link(file_name(path)?).or_else(|| {
            let place = PodPlace::of_path(path)?;
            Some(Self { pod: place.pod, namespace: place.namespace, name: place.container, id: None })
        })
    }

    fn of_link(name: &str) -> Option<Self> {
        let (container, id) = name.strip_suffix(".log")?.rsplit_once('-')?;
        let [pod, namespace, name] = parts(container)?;
        is_container_id(id).then(|| Self { pod, namespace, name, id: Some(id.into()) })
    }

    /// Whether this is one of Sluice's own, by the names that its chart gives to containers.
    pub fn is_own(&self) -> bool {
        self.name == "sluice" || self.name.starts_with("sluice-")
    }
}

/// Where the kubelet keeps a container's log: `…/<namespace>_<pod>_<uid>/<container>/<restart>.log`, also when
/// rotation appended to the name.
struct PodPlace {
    namespace: String,
    pod: String,
    uid: String,
    container: String,
    restart: u32,
}

impl PodPlace {
    fn of_path(path: &Path) -> Option<Self> {
        let (restart, _) = file_name(path)?.split_once(".log")?;
        let container = file_name(path.parent()?)?;
        let [namespace, pod, uid] = parts(file_name(path.parent()?.parent()?)?)?;
        Some(Self { namespace, pod, uid, container: container.into(), restart: restart.parse().ok()? })
    }
}

/// The folder of a container's logs, and which of its restarts a path leads to: by itself, or by one symbolic link.
pub fn restart(path: &Path) -> Option<(PathBuf, u32)> {
    let of_path = |path: &Path| Some((path.parent()?.to_owned(), PodPlace::of_path(path)?.restart));
    of_path(path).or_else(|| {
        let target = fs::read_link(path).ok()?;
        of_path(&path.parent()?.join(target))
    })
}

/// What the identity of a file begins with that is no container's: its path follows.
pub const PATH_IDENTITY: &str = "path:";

/// The part of a record's identity that is not in the file: the same whichever way the file is found, and after its
/// rotation. `base` is the path
/// without symbolic links and without what rotation appended.
pub fn identity(path: &Path, base: &Path) -> String {
    if let Some(place) = PodPlace::of_path(base) {
        return format!("pod:{}/{}/{}", place.uid, place.container, place.restart);
    }
    let docker = file_name(base).and_then(|name| name.strip_suffix("-json.log")).filter(|id| is_container_id(id));
    let linked = || Container::of_path(path)?.id;
    match docker.map(str::to_owned).or_else(linked) {
        Some(id) => format!("container:{id}"),
        None => format!("{PATH_IDENTITY}{}", base.display()),
    }
}

/// The origin of a file's records, as far as its path as found tells: `docker` and `kubernetes` with the members
/// that Fluentd gives, in its order, and Fluentd's tag.
pub fn origin(path: &Path, host: Option<&str>) -> Origin {
    let container = Container::of_path(path);
    let mut members: Vec<(&str, &str)> = Vec::new();
    if let Some(container) = &container {
        members.push(("container_name", &container.name));
        members.push(("namespace_name", &container.namespace));
        members.push(("pod_name", &container.pod));
    }
    members.extend(host.map(|host| ("host", host)));
    let id = container.as_ref().and_then(|container| container.id.as_deref());
    let mut object = b"{".to_vec();
    if let Some(id) = id {
        append_object("docker", &[("container_id", id)], &mut object);
    }
    if !members.is_empty() {
        append_object("kubernetes", &members, &mut object);
    }
    object.push(b'}');
    let key = id.map_or_else(|| partition_key(path), str::to_owned);
    Origin::new(key, tag(path), String::from_utf8_lossy(&object))
}

/// What keeps the lines of a file together where its path names no container id.
fn partition_key(path: &Path) -> String {
    match PodPlace::of_path(path) {
        Some(place) => format!("{}/{}", place.uid, place.container),
        None => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
    }
}

/// Fluentd's tag for `kubernetes.*`: the path with dots for slashes, repeated dots squeezed, the first left out.
fn tag(path: &Path) -> String {
    let mut tag = String::from("kubernetes.");
    for character in path.to_string_lossy().chars() {
        let character = if character == '/' { '.' } else { character };
        if character != '.' || !tag.ends_with('.') {
            tag.push(character);
        }
    }
    tag
}

fn append_object(name: &str, members: &[(&str, &str)], out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
    append_string(name, out);
    let mut separator = b":{".as_slice();
    for (key, value) in members {
        out.extend_from_slice(separator);
        append_string(key, out);
        out.push(b':');
        append_string(value, out);
        separator = b",";
    }
    out.push(b'}');
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn is_container_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The three parts of a name between underscores, none of them empty.
fn parts(name: &str) -> Option<[String; 3]> {
    let mut parts = name.split('_');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    (parts.next().is_none() && three.iter().all(|part| !part.is_empty())).then(|| three.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_golden_origin() {
        let path = format!("/var/log/containers/web-1_shop_app-{ID}.log");
        let origin = origin(Path::new(&path), Some("node-\"7\""));
        assert_eq!(origin.key, ID);
        assert_eq!(origin.tag, format!("kubernetes.var.log.containers.web-1_shop_app-{ID}.log"));
        assert_eq!(
            origin.object,
            format!(
                r#"{{"docker":{{"container_id":"{ID}"}},"kubernetes":{{"container_name":"app","namespace_name":"shop","pod_name":"web-1","host":"node-\"7\""}}}}"#
            )
        );
    }

    #[test]
    fn origins_of_other_paths() {
        for (path, host, key, tag, object) in [
            (
                "/var/log/pods/shop_web-1_u-1/app/0.log",
                Some("n"),
                "u-1/app",
                "kubernetes.var.log.pods.shop_web-1_u-1.app.0.log",
                r#"{"kubernetes":{"container_name":"app","namespace_name":"shop","pod_name":"web-1","host":"n"}}"#,
            ),
            (
                "/var//log/..x/app.log",
                Some("n"),
                "app.log",
                "kubernetes.var.log.x.app.log",
                r#"{"kubernetes":{"host":"n"}}"#,
            ),
            (
                "/var/log/web-1_shop_app-0123.log",
                None,
                "web-1_shop_app-0123.log",
                "kubernetes.var.log.web-1_shop_app-0123.log",
                "{}",
            ),
        ] {
            let origin = origin(Path::new(path), host);
            assert_eq!((origin.key.as_str(), origin.tag.as_str(), origin.object.as_str()), (key, tag, object));
        }
    }

    #[test]
    fn names_that_are_no_containers() {
        for name in [
            format!("web_shop_app-{}.log", &ID[1..]),
            format!("web_shop_app-{}.log", ID.to_uppercase()),
            format!("web_shop_app-{ID}"),
            format!("shop_app-{ID}.log"),
            format!("a_web_shop_app-{ID}.log"),
            format!("_shop_app-{ID}.log"),
        ] {
            assert_eq!(Container::of_path(Path::new(&name)), None, "{name}");
        }
    }

    #[test]
    fn the_identity_is_the_same_whichever_way_a_file_is_found() {
        let link = format!("/var/log/containers/web-1_shop_app-{ID}.log");
        let pod = "/var/log/pods/shop_web-1_u-1/app/3.log";
        let docker = format!("/var/lib/docker/containers/{ID}/{ID}-json.log");
        for (path, base, expected) in [
            (link.as_str(), pod, "pod:u-1/app/3".to_owned()),
            (pod, pod, "pod:u-1/app/3".to_owned()),
            (&link, &docker, format!("container:{ID}")),
            (pod, &docker, format!("container:{ID}")),
            (&docker, &docker, format!("container:{ID}")),
            (&link, &link, format!("container:{ID}")),
            ("/l/app.log", "/data/app.log", "path:/data/app.log".to_owned()),
        ] {
            assert_eq!(identity(Path::new(path), Path::new(base)), expected, "{path} {base}");
        }
    }

    #[test]
    fn own_containers() {
        for (name, expected) in [("sluice", true), ("sluice-agent", true), ("sluicegate", false), ("app", false)] {
            assert_eq!(Container { name: name.into(), ..Container::default() }.is_own(), expected, "{name}");
        }
    }
}
