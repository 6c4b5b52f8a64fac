//! What each of WASI's functions does here.
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};
use wasmtime::{Error, Result, StoreContextMut, format_err};

use super::streams::{Descriptor, Input, Output, Pollable, STDERR, STDOUT, StreamError, TerminalInput, TerminalOutput};
use super::{Interface, Wasi};
use crate::grants::Grants;
use crate::instance::State;

/// Bytes that an output takes at once, as it says itself.
const AT_ONCE: u64 = 64 << 10;
/// Random bytes of one call.
const MOST_RANDOM: u64 = 64 << 10;

type Caller<'a> = StoreContextMut<'a, State>;
type Written<T = ()> = Result<(Result<T, StreamError>,)>;

/// `wasi:clocks/wall-clock.datetime`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Defines one function of an interface. One that is not known, or has nothing to work on, ends the call that calls it.
pub(super) fn define(interface: &Interface, name: &str, linker: &mut LinkerInstance<State>) -> Result<()> {
    match interface.package {
        "cli" => cli(interface, name, linker),
        "clocks" => clocks(interface, name, linker),
        "io" => io(interface, name, linker),
        "random" => random(interface, name, linker),
        "filesystem" if name == "get-directories" => {
            linker.func_wrap(name, |_: Caller, (): ()| Ok((Vec::<(Resource<Descriptor>, String)>::new(),)))
        }
        _ => nothing(interface, name, linker),
    }
}

fn cli(interface: &Interface, name: &str, linker: &mut LinkerInstance<State>) -> Result<()> {
    match name {
        "get-environment" => linker.func_wrap(name, |_: Caller, (): ()| Ok((Vec::<(String, String)>::new(),))),
        "get-arguments" => linker.func_wrap(name, |_: Caller, (): ()| Ok((Vec::<String>::new(),))),
        "initial-cwd" => linker.func_wrap(name, |_: Caller, (): ()| Ok((None::<String>,))),
        "get-stdin" => linker.func_wrap(name, |_: Caller, (): ()| Ok((Resource::<Input>::new_own(0),))),
        "get-stdout" => linker.func_wrap(name, |_: Caller, (): ()| Ok((Resource::<Output>::new_own(STDOUT),))),
        "get-stderr" => linker.func_wrap(name, |_: Caller, (): ()| Ok((Resource::<Output>::new_own(STDERR),))),
        "get-terminal-stdin" => linker.func_wrap(name, |_: Caller, (): ()| Ok((None::<Resource<TerminalInput>>,))),
        "get-terminal-stdout" | "get-terminal-stderr" => {
            linker.func_wrap(name, |_: Caller, (): ()| Ok((None::<Resource<TerminalOutput>>,)))
        }
        "exit" | "exit-with-code" => linker.func_new(name, |_, _, _, _| Err(format_err!("ended itself with `exit`"))),
        _ => nothing(interface, name, linker),
    }
}

fn clocks(interface: &Interface, name: &str, linker: &mut LinkerInstance<State>) -> Result<()> {
    let called = interface.called(name);
    match (interface.name, name) {
        ("wall-clock", "now") => linker.func_wrap(name, move |store: Caller, (): ()| {
            wasi(&store).check(Grants::CLOCK, &called)?;
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok((Datetime { seconds: since.as_secs(), nanoseconds: since.subsec_nanos() },))
        }),
        ("wall-clock", "resolution") => linker.func_wrap(name, move |store: Caller, (): ()| {
            wasi(&store).check(Grants::CLOCK, &called)?;
            Ok((Datetime { seconds: 0, nanoseconds: 1 },))
        }),
        ("monotonic-clock", "now") => linker.func_wrap(name, move |store: Caller, (): ()| {
            wasi(&store).check(Grants::CLOCK, &called)?;
            let now = clock_gettime(ClockId::Monotonic);
            Ok((now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64,))
        }),
        ("monotonic-clock", "resolution") => linker.func_wrap(name, move |store: Caller, (): ()| {
            wasi(&store).check(Grants::CLOCK, &called)?;
            Ok((1u64,))
        }),
        _ => nothing(interface, name, linker),
    }
}

fn random(interface: &Interface, name: &str, linker: &mut LinkerInstance<State>) -> Result<()> {
    let (called, wants) = (interface.called(name), interface.wants(name));
    match name {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            linker.func_wrap(name, move |mut store: Caller, (len,): (u64,)| {
                let wasi = &mut store.data_mut().wasi;
                wasi.check(wants, &called)?;
                if len > MOST_RANDOM {
                    return Err(format_err!("asked for {len} random bytes at once, more than {MOST_RANDOM}"));
                }
                let mut bytes = vec![0; len as usize];
                wasi.fill(&mut bytes)?;
                Ok((bytes,))
            })
        }
        "get-random-u64" | "get-insecure-random-u64" => linker.func_wrap(name, move |mut store: Caller, (): ()| {
            let wasi = &mut store.data_mut().wasi;
            wasi.check(wants, &called)?;
            Ok((wasi.number()?,))
        }),
        "insecure-seed" => linker.func_wrap(name, |mut store: Caller, (): ()| {
            let wasi = &mut store.data_mut().wasi;
            Ok(((wasi.number()?, wasi.number()?),))
        }),
        _ => nothing(interface, name, linker),
    }
}

fn io(interface: &Interface, name: &str, linker: &mut LinkerInstance<State>) -> Result<()> {
    match name {
        "[method]pollable.ready" => linker.func_wrap(name, |_: Caller, (_,): (Resource<Pollable>,)| Ok((true,))),
        "[method]pollable.block" => linker.func_wrap(name, |_: Caller, (_,): (Resource<Pollable>,)| Ok(())),
        "poll" => linker.func_wrap(name, |_: Caller, (all,): (Vec<Resource<Pollable>>,)| {
            Ok(((0..all.len() as u32).collect::<Vec<u32>>(),))
        }),
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => linker
            .func_wrap(name, |_: Caller, (_, _): (Resource<Input>, u64)| -> Written<Vec<u8>> {
                Ok((Err(StreamError::Closed),))
            }),
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => linker
            .func_wrap(name, |_: Caller, (_, _): (Resource<Input>, u64)| -> Written<u64> {
                Ok((Err(StreamError::Closed),))
            }),
        "[method]input-stream.subscribe" => {
            linker.func_wrap(name, |_: Caller, (_,): (Resource<Input>,)| Ok((Resource::<Pollable>::new_own(0),)))
        }
        "[method]output-stream.subscribe" => {
            linker.func_wrap(name, |_: Caller, (_,): (Resource<Output>,)| Ok((Resource::<Pollable>::new_own(0),)))
        }
        "[method]output-stream.check-write" => {
            linker.func_wrap(name, |_: Caller, (_,): (Resource<Output>,)| -> Written<u64> { Ok((Ok(AT_ONCE),)) })
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            linker.func_wrap(name, print)
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            linker.func_wrap(name, |_: Caller, (_,): (Resource<Output>,)| -> Written { Ok((Ok(()),)) })
        }
        _ => nothing(interface, name, linker),
    }
}

fn print(mut store: Caller, (output, bytes): (Resource<Output>, Vec<u8>)) -> Written {
    let State { voice, wasi, .. } = store.data_mut();
    wasi.printed.take(output.rep(), &bytes, |line| voice.print(line));
    Ok((Ok(()),))
}

/// A function that is there to be linked.
fn nothing(interface: &Interface, name: &str, linker: &mut LinkerInstance<State>) -> Result<()> {
    let called = interface.called(name);
    linker.func_new(name, move |_, _, _, _| {
        Err(format_err!("called {called}, which is there for toolchains only: nothing grants it"))
    })
}

fn wasi<'a>(store: &'a Caller) -> &'a Wasi {
    &store.data().wasi
}

impl Interface<'_> {
    /// How a function is called in an error.
    fn called(&self, function: &str) -> String {
        format!("wasi:{}/{}#{function}", self.package, self.name)
    }
}

impl Wasi {
    fn check(&self, wants: Grants, called: &str) -> Result<(), Error> {
        if wants.without(self.granted).is_none() {
            return Ok(());
        }
        let line = self.granted.and(wants);
        Err(format_err!("needs `{line}` beside its `component` to call {called}"))
    }

    /// Random if that is granted, and else the next of a fixed sequence: WASI allows that where it says "insecure", and
    /// hash maps ask for no more.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        if self.granted.random {
            return getrandom::fill(bytes).map_err(|error| format_err!("the system has no randomness: {error}"));
        }
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }

    fn number(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// SplitMix64 from 0 on.
    fn next(&mut self) -> u64 {
        self.sequence = self.sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.sequence;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_grant_numbers_are_the_same_in_each_instance() {
        let numbers = |granted| {
            let mut wasi = Wasi::new(granted);
            let mut bytes = [0; 11];
            wasi.fill(&mut bytes).unwrap();
            (wasi.number().unwrap(), bytes)
        };
        assert_eq!(numbers(Grants::CLOCK), numbers(Grants::NONE));
        assert_ne!(numbers(Grants::RANDOM), numbers(Grants::RANDOM));
        let mut wasi = Wasi::default();
        assert_eq!(wasi.number().unwrap(), 0xe220_a839_7b1d_cdaf, "the first of the known sequence");
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_there() {
        for (granted, wants, expect) in [
            (Grants::NONE, Grants::NONE, None),
            (Grants::NONE, Grants::CLOCK, Some("grant: [clock]")),
            (Grants::RANDOM, Grants::CLOCK, Some("grant: [clock, random]")),
            (Grants::CLOCK, Grants::CLOCK, None),
        ] {
            let error = Wasi::new(granted).check(wants, "a#b").err().map(|error| error.to_string());
            let expect = expect.map(|line| format!("needs `{line}` beside its `component` to call a#b"));
            assert_eq!(error, expect);
        }
    }
}
