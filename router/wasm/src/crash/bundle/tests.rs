use proptest::prelude::*;

use super::*;
use crate::crash::batch::tests::three;

pub fn bundle(call: Call) -> Bundle {
    let (name, cause): (&'static str, _) = match call {
        Call::Start => ("configure", Cause::Invalid("reads log twice".into())),
        Call::Tick(_) => ("tick", Cause::Refused("cannot tell the time".into())),
        Call::Records(_) | Call::LeftOut(_) => ("notify", Cause::Trap("unreachable in \"é\"\n".into())),
    };
    Bundle {
        when: "2026-01-02T03:04:05.678Z".into(),
        host: Host { sluice: "0.1.0".into(), wasmtime: "48.0.8".into(), target: "x86_64-unknown-linux-gnu".into() },
        plugin: Subject {
            name: "exceptions".into(),
            kind: Kind::Notifier,
            size: 1234,
            file: Some("/etc/sluice/plugins/exceptions.wasm".into()),
            config: r#"{"b":1.50,"a":"é"}"#.into(),
            reads: vec![
                vec!["log".into()],
                vec!["kubernetes".into(), "labels".into(), "a.b/c".into()],
                vec!["x".into()],
            ],
        },
        limits: Limits {
            memory: 1 << 20,
            cpu: Duration::from_millis(50),
            wall: Duration::from_secs(5),
            answer: 77,
            grants: Grants { clock: true, random: false },
            ..Limits::default()
        },
        fault: Fault {
            plugin: "exceptions".into(),
            digest: Digest([0xa5; 32]),
            version: Some("1.2.3".to_string().into()),
            call: name,
            cause,
            before: 17,
        },
        seen: Some((1000, "as it happened".into())),
        repeats: Some(true),
        call,
    }
}

fn broken_utf8() -> Kept {
    let mut batch = three();
    batch.columns[0].text[0] = 0xff;
    batch
}

#[test]
fn what_is_written_is_read_again() {
    let calls = [
        Call::Start,
        Call::Records(three()),
        Call::Records(broken_utf8()),
        Call::Tick(u64::MAX),
        Call::LeftOut("why".into()),
    ];
    for call in calls {
        for (repeats, seen, file) in [(None, None, None), (Some(false), Some((u32::MAX, "x".into())), Some("y".into()))]
        {
            let mut bundle = Bundle { repeats, seen, ..bundle(call.clone()) };
            bundle.plugin.file = file;
            let written = bundle.write().unwrap();
            assert_eq!(Bundle::read(&written), Ok(bundle.clone()), "{}", String::from_utf8_lossy(&written));
        }
    }
}

#[test]
fn people_can_read_it() {
    let text = String::from_utf8(bundle(Call::Records(three())).write().unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], r#"{"sluice_crash_bundle":1,"#);
    assert!(lines[5].starts_with(r#" "fault":{"#) && lines[5].contains(r#""text":"unreachable in \"é\"\n""#), "{text}");
    assert!(lines.last().unwrap().starts_with(r#" "batch":{"#) && text.contains(r#""text":"a1b""#));
}

#[test]
fn a_batch_that_is_too_large_is_left_out() {
    let large = |bytes: u32| Kept {
        len: 1,
        columns: vec![KeptColumn { text: vec![b'x'; bytes as usize], ends: vec![bytes], ..KeptColumn::default() }; 3],
        ..three().only(&[0])
    };
    let third = MOST_BYTES as u32 / 3;
    let mut fits = bundle(Call::Records(large(third - 1000)));
    assert_eq!(Bundle::read(&fits.write().unwrap()), Ok(fits));
    let mut too_large = bundle(Call::Records(large(third)));
    let written = too_large.write().unwrap();
    assert!(written.len() < 10_000);
    let read = Bundle::read(&written).unwrap();
    assert!(
        matches!(&read.call, Call::LeftOut(why) if why.ends_with("more bytes than the 8388608 that are allowed")),
        "{read:?}"
    );
    assert_eq!((read.repeats, read), (None, too_large));
    let mut config = bundle(Call::Start);
    config.plugin.config = "x".repeat(MOST_BYTES);
    assert!(config.write().is_err(), "it could not be read again");
}

/// What a bundle becomes by a change of its text, and what is said to that.
#[test]
fn what_is_no_bundle_is_refused() {
    let good = String::from_utf8(bundle(Call::Records(three())).write().unwrap()).unwrap();
    let say = |text: &str| Bundle::read(text.as_bytes()).unwrap_err();
    for (text, expect) in [
        ("", "is no crash bundle, or a part of one: EOF"),
        ("\u{1f}\u{8b}", "is no crash bundle"),
        ("[1]", "is no crash bundle"),
        ("{}", "is no crash bundle: it has no sluice_crash_bundle"),
        (&"[".repeat(100_000), "is no crash bundle"),
        (&" ".repeat(MOST_BYTES + 1), "is larger than 8388608 bytes, which no crash bundle is"),
    ] {
        assert!(say(text).starts_with(expect), "{expect}: {}", say(text));
    }
    for (from, to, expect) in [
        (
            r#""sluice_crash_bundle":1"#,
            r#""sluice_crash_bundle":2"#,
            "is a crash bundle of form 2, and this version reads form 1; replay it with the version that wrote it (0.1.0)",
        ),
        (r#""when":"#, r#""then":"#, "when: is missing"),
        (r#""name":"exceptions""#, r#""name":7"#, "plugin.name: is not a text"),
        (r#""kind":"notifier""#, r#""kind":"router""#, "plugin.kind: is none of filter, enricher and notifier"),
        (r#""kind":"notifier""#, r#""kind":"filter""#, "fault.call: is no call of a filter"),
        ("sha256:a5", "sha256:é", "plugin.digest: is not sha256: and 64 hexadecimal digits"),
        ("sha256:a5", "sha256:+5", "plugin.digest: is not"),
        ("sha256:a5", "sha512:a5", "plugin.digest: is not"),
        (r#"[["log"]"#, r#"[["log",1]"#, "plugin.reads: is no list of lists of keys"),
        (r#"[["log"],"#, "[", "batch.columns: there are 3 for 2 fields"),
        (r#""memory":1048576"#, r#""memory":99999999999"#, "limits.memory: 99999999999 is more than 4294967296"),
        (r#""cpu_ms":50"#, r#""cpu_ms":3600000"#, "limits.cpu_ms: 3600000 is more than 60000"),
        (r#""wall_ms":5000"#, r#""wall_ms":-1"#, "limits.wall_ms: is not a whole number"),
        (r#""answer":77"#, r#""answer":1e300"#, "limits.answer: is not a whole number"),
        (r#""clock":true"#, r#""clock":1"#, "limits.grants.clock: is not true, false or null"),
        (r#""call":"notify""#, r#""call":"filter""#, "fault.call: is no call of a notifier"),
        (r#""cause":"trap""#, r#""cause":"bad luck""#, "fault.cause: is none of trap, refused and invalid"),
        (r#""batch":"#, r#""batches":"#, "batch: is missing"),
        (r#""len":3"#, r#""len":4000000000"#, "batch.len: 4000000000 is more than 1048576"),
        (r#""len":3"#, r#""len":4"#, "batch.times: there are 3 for 4 records"),
        (r#""ends":[1,2,3]"#, r#""ends":[1,2,4294967296]"#, "batch.columns[0].ends: is no list of numbers that fit"),
        (r#""ends":[1,2,3]"#, r#""ends":[1,9,3]"#, "batch.columns[0]: its ends do not fit its 3 bytes of text"),
        (r#""kinds":[2,3,2]"#, r#""kinds":[2,3,256]"#, "batch.columns[0].kinds: is no list of numbers that fit"),
        (r#""text":"a1b""#, r#""text":{"base64":"?"}"#, "batch.columns[0].text.base64: "),
        (r#""text":"a1b""#, r#""text":1"#, "batch.columns[0].text: is not an object"),
        (r#""repeats":true"#, r#""repeats":"yes""#, "state.repeats: is not true, false or null"),
        (r#""seen":{"#, r#""seen":{"x":"#, "is no crash bundle"),
    ] {
        assert!(good.contains(from), "{from} is not in the bundle");
        let why = say(&good.replacen(from, to, 1));
        assert!(why.starts_with(expect), "{from} → {to}: {why}");
    }
    for end in (0..good.len()).filter(|end| good.is_char_boundary(*end)) {
        let whole = good[..end].ends_with('}') && end == good.len() - 1;
        assert!(whole || say(&good[..end]).starts_with("is no crash bundle"), "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Nothing that is read can be made a panic of, nor a batch that breaks the interface's rules.
    #[test]
    fn broken_bundles_are_refused_or_sound(at in any::<prop::sample::Index>(), byte: u8, more in any::<prop::sample::Index>()) {
        let mut bytes = bundle(Call::Records(broken_utf8())).write().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let end = more.index(bytes.len());
        bytes.swap(at, end);
        if let Ok(Bundle { call: Call::Records(batch), .. }) = Bundle::read(&bytes) {
            prop_assert_eq!(batch.check(), Ok(()));
        }
    }
}
