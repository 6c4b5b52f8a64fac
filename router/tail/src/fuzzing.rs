//! What the fuzz targets of `tests/fuzz` reach into, and nobody else should use.

pub use crate::checkpoint::rewritten as rewritten_checkpoint;
