//! The document of the checkpoints: what is understood is written such that it is understood as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_tail::fuzzing::rewritten_checkpoint;

fuzz_target!(|bytes: &[u8]| {
    let Some(written) = rewritten_checkpoint(bytes) else { return };
    assert_eq!(rewritten_checkpoint(&written).as_ref(), Some(&written), "{}", String::from_utf8_lossy(&written));
    // A document that a crash cut off must not pass for a whole one, whatever was cut.
    let cut = bytes.trim_ascii_end();
    let at = usize::from(*bytes.first().unwrap_or(&0)) % 16;
    if let Some(length) = cut.len().checked_sub(at + 1) {
        assert_eq!(rewritten_checkpoint(&cut[..length]), None, "{} of {} bytes", length, cut.len());
    }
});
