//! Names with `*`, which stands for any characters.
use crate::check::find;

/// Whether a name is what a text with `*` describes.
pub fn fits(glob: &str, name: &str) -> bool {
    let mut parts = glob.as_bytes().split(|byte| *byte == b'*');
    let (head, tail) = (parts.next().unwrap_or_default(), parts.next_back());
    let Some(tail) = tail else { return glob == name };
    let Some(mut name) = name.as_bytes().strip_prefix(head) else { return false };
    // Of the parts between stars, the earliest place is as good as any; the last part is at the end.
    for part in parts {
        let Some(behind) = find(name, part, false) else { return false };
        name = behind;
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (glob, name, expect) in [
            ("shop", "shop", true),
            ("shop", "shop2", false),
            ("", "", true),
            ("*", "", true),
            ("*", "x", true),
            ("kube-*", "kube-system", true),
            ("kube-*", "kube", false),
            ("*-dev", "shop-dev", true),
            ("*-dev", "shop-dev-2", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("*é*", "caféx", true),
        ] {
            assert_eq!(fits(glob, name), expect, "{glob} {name}");
        }
    }
}
