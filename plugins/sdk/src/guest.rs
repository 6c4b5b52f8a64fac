//! What the macros expand to: the one instance of the plugin in its component.
use std::cell::OnceCell;

use crate::batch::Batch;
use crate::bindings::exports::sluice::plugin::lifecycle::Manifest;
use crate::bindings::sluice::plugin::batches;
use crate::config::Config;
use crate::filter::{Filter, drops};

/// Holds the plugin from `configure` on.
pub struct Slot<T>(OnceCell<T>);

impl<T> Slot<T> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }
}

impl<T: Filter> Slot<T> {
    pub fn configure(&self, json: String) -> Result<Manifest, String> {
        log_panics();
        let mut config = Config::new(json);
        let plugin = T::configure(&mut config)?;
        self.0.set(plugin).map_err(|_| "configure was called twice".to_string())?;
        Ok(config.into_manifest())
    }

    pub fn filter(&self, batch: &batches::Batch) -> Result<Vec<u32>, String> {
        let plugin = self.0.get().ok_or("filter was called before configure")?;
        Ok(drops(plugin, &Batch::new(batch)))
    }
}

/// A panic ends the instance without a word, unless its place is logged first.
fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::log::write(crate::log::Level::Error, &told(panic.location()))));
}

/// What the log is told of a panic: where it was. Its message may quote a record, as that of a slice at a wrong place
/// in a text does.
#[cfg(any(target_family = "wasm", test))]
fn told(place: Option<&std::panic::Location>) -> String {
    place.map_or("panicked".to_string(), |place| format!("panicked at {place}"))
}

/// Makes a [`Filter`](crate::Filter) the plugin of this crate.
#[macro_export]
macro_rules! filter {
    ($plugin:ty) => {
        const _: () = {
            use $crate::bindings::exports::sluice::plugin::{filter, lifecycle};

            std::thread_local! {
                static PLUGIN: $crate::guest::Slot<$plugin> = const { $crate::guest::Slot::new() };
            }

            struct Component;

            impl lifecycle::Guest for Component {
                fn configure(config: String) -> Result<lifecycle::Manifest, String> {
                    PLUGIN.with(|plugin| plugin.configure(config))
                }
            }

            impl filter::Guest for Component {
                fn filter(batch: filter::Batch) -> Result<Vec<u32>, String> {
                    PLUGIN.with(|plugin| plugin.filter(&batch))
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_by_its_place_alone() {
        let here = std::panic::Location::caller();
        let expect = format!("panicked at {}:{}:{}", here.file(), here.line(), here.column());
        assert_eq!(told(Some(here)), expect);
        assert_eq!(told(None), "panicked");
    }
}
