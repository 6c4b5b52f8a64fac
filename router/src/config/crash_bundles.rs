//! `crash_bundles`: where calls are kept that plugins failed.

use super::decode::Block;
use super::kinds;
use super::plan::CrashBundles;

/// Bundles that are kept where the document does not say how many.
const KEEP: usize = 20;
/// At most 8 MiB each.
const MOST: usize = 1000;

/// Reads `crash_bundles`.
pub(super) fn crash_bundles(block: Block) -> Option<CrashBundles> {
    let folder = block.required("folder", "folder: /var/lib/sluice/crashes", kinds::path);
    let keep = block.get("keep", kinds::count(1..=MOST));
    block.finish();
    Some(CrashBundles { folder: folder?, keep: keep.unwrap_or(KEEP) })
}
