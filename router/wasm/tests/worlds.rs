//! The worlds that this version does not run yet are as frozen as the others: they must stay usable as they are.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sha2::{Digest, Sha256};

mod enricher {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "enricher-plugin",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// A plugin with state includes two worlds in its own.
mod stateful_notifier {
    wasmtime::component::bindgen!({
        inline: "
            package test:worlds;
            world stateful-notifier {
                include sluice:plugin/notifier-plugin@0.1.0;
                include sluice:plugin/stateful@0.1.0;
            }
        ",
        path: "../../wit",
        world: "test:worlds/stateful-notifier",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

#[test]
fn an_edit_is_flat() {
    // Answers with lists of flat records are lifted without an allocation for each.
    let edit =
        enricher::exports::sluice::plugin::enricher::Edit { start: 0, end: 5, field: 1, kind: 2, at: 0, size: 3 };
    assert_eq!(size_of_val(&edit), 24);
}

/// The files of interface 0.1.0 and the SHA-256 of what they say, without comments and empty lines: comments may become
/// clearer at any time.
const FROZEN: [(&str, &str); 8] = [
    ("batches.wit", "bcb44b6d42b5633e8334db6a691958254e9c742885795a10594788d94bdb4b9b"),
    ("enricher.wit", "4a1b55859356135859fedcba421ca8bb3d0ee0c65742549b3ae21d7d81719124"),
    ("filter.wit", "b4c42522d67df154c53e6b505c728362b3e8aaf0e43e1ffd275c7e17dd6c7e46"),
    ("lifecycle.wit", "a1cdfe5108f9dee8df4309492ce92368ef457d5caec20fcf65f4a77bca4d8b74"),
    ("log.wit", "6906d96cf9d0c0d61f449112e37b2a6bd9d3133489dabb120de394a6aafcfcf0"),
    ("notifier.wit", "30797a153615cad0794776dcc6a1ac079c22d0e85587dd0def500524a76ac9a6"),
    ("state.wit", "602a3fbebe5f0acfb83e656f12090daa60fb1259e9636586012128a627d4ad61"),
    ("worlds.wit", "c552c97045902cbd79817cef33de63012801c6feddeab08482451d63b49f11ca"),
];

#[test]
fn the_interface_is_frozen() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".wit"))
        .collect();
    names.sort();
    assert_eq!(names, FROZEN.map(|(name, _)| name), "a file came or went: see \"How it evolves\" in wit/README.md");
    for (name, digest) in FROZEN {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let found: String = Sha256::digest(said(&text)).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            found, digest,
            "wit/{name} is frozen: components that were built with 0.1.0 are in use. What may be added within 0.1.z, and \
             that everything else makes 0.2.0 beside this line, is said in wit/README.md under \"How it evolves\". After \
             an addition that it allows, write the new digest here, and raise the version that the additions are @since"
        );
    }
}

/// What counts of a file: its lines without comments.
fn said(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}
