//! Which container, and what is known of it before it runs.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::runtime::Format;

/// A container of a pod. Its id and the pod's uid follow from these names, so that a test knows them beforehand and a
/// second run writes the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub format: Format,
}

impl Spec {
    /// A container of a runtime that writes the CRI format, as containerd and CRI-O do.
    pub fn cri(namespace: &str, pod: &str, container: &str) -> Self {
        Self { namespace: namespace.into(), pod: pod.into(), container: container.into(), format: Format::Cri }
    }

    /// A container of docker with its json-file driver.
    pub fn docker(namespace: &str, pod: &str, container: &str) -> Self {
        Self { format: Format::DockerJson, ..Self::cri(namespace, pod, container) }
    }

    /// 64 hexadecimal digits.
    pub fn container_id(&self) -> String {
        digest(&["container", &self.namespace, &self.pod, &self.container])
    }

    /// As the API server makes them: a UUID, of the pod and not of the container.
    pub fn pod_uid(&self) -> String {
        let digits = digest(&["pod", &self.namespace, &self.pod]);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..32]];
        parts.join("-")
    }

    /// `<pod>_<namespace>_<container>-<id>.log`, the link below `/var/log/containers`.
    pub fn link_name(&self) -> String {
        format!("{}_{}_{}-{}.log", self.pod, self.namespace, self.container, self.container_id())
    }
}

fn digest(names: &[&str]) -> String {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name);
        hash.update([0]);
    }
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_the_ids() {
        let spec = Spec::cri("shop", "web-1", "app");
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(spec.container_id().len() == 64 && is_hex(&spec.container_id()), "{}", spec.container_id());
        let lengths: Vec<usize> = spec.pod_uid().split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(spec.link_name(), format!("web-1_shop_app-{}.log", spec.container_id()));

        // (another container, same id, same uid)
        for (other, id, uid) in [
            (Spec::cri("shop", "web-1", "app"), true, true),
            (Spec::docker("shop", "web-1", "app"), true, true),
            (Spec::cri("shop", "web-1", "proxy"), false, true),
            (Spec::cri("shop", "web-2", "app"), false, false),
            (Spec::cri("shopweb", "-1", "app"), false, false),
        ] {
            assert_eq!(other.container_id() == spec.container_id(), id, "{other:?}");
            assert_eq!(other.pod_uid() == spec.pod_uid(), uid, "{other:?}");
        }
    }
}
