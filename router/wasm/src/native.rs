//! The one place where native code is taken from bytes, and so the one that may be unsafe (docs/adr/0013).
#![allow(unsafe_code)]

use wasmtime::component::Component;

use crate::cache::Trusted;

/// A component of its native code. An error if that was made by another engine.
pub(crate) fn component(engine: &wasmtime::Engine, code: &Trusted) -> wasmtime::Result<Component> {
    // SAFETY: these must be the unchanged bytes of `Component::serialize`. A `Trusted` is only made of a file that this
    // user alone may write, in a folder that is so as well, whose bytes have the SHA-256 that was written with them by
    // `Cache::keep`. Who can write such a file can do with this process what they like in easier ways. They are in
    // memory: nobody changes them between that check and this call. That they fit this engine is checked by wasmtime
    // itself as well, and does not have to be true.
    unsafe { Component::deserialize(engine, code.bytes()) }
}
