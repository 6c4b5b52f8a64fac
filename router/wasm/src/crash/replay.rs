//! Makes the call of a crash bundle again.
use super::{Bundle, Call};
use crate::component::Component;
use crate::fault::{Cause, Fault, one_line};
use crate::instance::{Failed, Instance, Linked};

/// What the call shows now.
#[derive(Clone, Debug, PartialEq)]
pub enum Replayed {
    /// The bundle's fault.
    Same,
    Other(Fault),
    /// The component answers as it should.
    NoFault,
}

/// Makes the bundle's call on a new instance of `component`, which may be another one than that of the bundle.
///
/// The error says why the call cannot be made at all.
pub fn replay(bundle: &Bundle, component: &Component) -> Result<Replayed, String> {
    let Bundle { plugin, limits, call, .. } = bundle;
    if let Call::LeftOut(why) = call {
        return Err(format!("the bundle does not hold the records of the call: {why}"));
    }
    if component.kind != plugin.kind {
        return Err(format!(
            "the component is of kind {}, and the plugin of the bundle was of kind {}",
            component.kind, plugin.kind
        ));
    }
    let linked = Linked::new(component).map_err(|error| {
        format!("the component does not fit the interface in wit/: {}", one_line(&error.root_cause().to_string()))
    })?;
    let failed = |(call, cause): Failed| {
        Replayed::of(
            bundle,
            Fault {
                plugin: plugin.name.clone(),
                digest: component.digest,
                version: component.version.clone(),
                call,
                cause,
                before: 0,
            },
        )
    };
    let (instance, manifest) =
        match Instance::start(&linked, plugin.kind, &plugin.name.as_str().into(), &plugin.config, limits) {
            Ok(started) => started,
            Err(why) => return Ok(failed(why)),
        };
    if matches!(call, Call::Records(_)) && manifest.reads != plugin.reads {
        return Err(format!(
            "the component reads other fields ({}) than the bundle has ({})",
            fields(&manifest.reads),
            fields(&plugin.reads)
        ));
    }
    Ok(ask(instance, call).map_or_else(failed, |()| Replayed::NoFault))
}

impl Replayed {
    fn of(bundle: &Bundle, fault: Fault) -> Self {
        if fault.is_same(&bundle.fault) { Self::Same } else { Self::Other(fault) }
    }
}

/// Makes the call on an instance that has answered none.
pub(super) fn ask(mut instance: Instance, call: &Call) -> Result<(), Failed> {
    match call {
        Call::Records(batch) => batch.cross(|batch| instance.call(batch)).map(drop),
        Call::Tick(now) => instance.tick(*now).map(drop),
        Call::Start | Call::LeftOut(_) => Ok(()),
    }
}

fn fields(paths: &[Vec<String>]) -> String {
    if paths.is_empty() {
        "none".into()
    } else {
        paths.iter().map(|keys| keys.join(".")).collect::<Vec<_>>().join(", ")
    }
}

impl Fault {
    /// Whether this is the same fault, of whichever component. Where a limit of time ended a call, it does not matter what
    /// the plugin was about at that moment.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = match (&self.cause, &other.cause) {
            (Cause::Trap(own), Cause::Trap(other)) => trap_of(own) == trap_of(other),
            (own, other) => own == other,
        };
        same && self.call == other.call
    }

    /// Whether this may be the same fault over other records, which a plugin's own words may count.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (&self.cause, &other.cause) {
            (Cause::Refused(_), Cause::Refused(_)) | (Cause::Invalid(_), Cause::Invalid(_)) => self.call == other.call,
            _ => self.is_same(other),
        }
    }
}

/// The text without the function in which a limit of time was noticed.
fn trap_of(text: &str) -> &str {
    const LIMITS: [(&str, &str); 2] = [("used more than ", "in one call"), ("took longer than ", "for one call")];
    let limit = LIMITS.iter().find_map(|(start, end)| {
        let at = text.strip_prefix(start)?.find(end)?;
        Some(&text[..start.len() + at + end.len()])
    });
    limit.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Digest;

    #[test]
    fn faults_are_the_same_or_alike() {
        let fault = |call: &'static str, cause: Cause, of: u8| Fault {
            plugin: "p".into(),
            digest: Digest([of; 32]),
            version: None,
            call,
            cause,
            before: of.into(),
        };
        let trap = |text: &str| fault("filter", Cause::Trap(text.into()), 1);
        let refused = |text: &str| fault("filter", Cause::Refused(text.into()), 1);
        let invalid = |text: &str| fault("filter", Cause::Invalid(text.into()), 1);
        let cpu = "used more than 500ms of CPU time in one call";
        for (one, other, same, alike) in [
            (trap("unreachable in a"), trap("unreachable in a"), true, true),
            (trap("unreachable in a"), trap("unreachable in b"), false, false),
            (trap("x"), fault("filter", Cause::Trap("x".into()), 2), true, true),
            (trap("x"), fault("enrich", Cause::Trap("x".into()), 1), false, false),
            (trap("x"), refused("x"), false, false),
            (trap(cpu), trap(&format!("{cpu} in a::b")), true, true),
            (trap(&format!("{cpu} in a::c")), trap(&format!("{cpu} in a::b")), true, true),
            (trap(cpu), trap("used more than 50ms of CPU time in one call"), false, false),
            (trap("took longer than 10s for one call in a"), trap("took longer than 10s for one call"), true, true),
            (refused("record 7"), refused("record 0"), false, true),
            (refused("record 7"), refused("record 7"), true, true),
            (invalid("record 7 of 9"), invalid("record 1 of 1"), false, true),
            (invalid("x"), refused("x"), false, false),
            (refused("x"), fault("tick", Cause::Refused("x".into()), 1), false, false),
        ] {
            assert_eq!((one.is_same(&other), one.is_like(&other)), (same, alike), "{one:?} {other:?}");
        }
    }
}
