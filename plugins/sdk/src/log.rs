//! Lines in the router's log, under the plugin's name: `sluice_plugin::info!("loaded {n} rules")`.
//! Do not quote records in them.
pub use crate::bindings::sluice::plugin::log::Level;

/// Writes one line. In a native test it goes to standard error.
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::sluice::plugin::log::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?} {message}");
}

/// Logs with level `debug`; arguments as for `format!`.
#[macro_export]
macro_rules! debug {
    ($($argument:tt)*) => { $crate::log::write($crate::log::Level::Debug, &format!($($argument)*)) };
}

/// Logs with level `info`; arguments as for `format!`.
#[macro_export]
macro_rules! info {
    ($($argument:tt)*) => { $crate::log::write($crate::log::Level::Info, &format!($($argument)*)) };
}

/// Logs with level `warn`; arguments as for `format!`.
#[macro_export]
macro_rules! warn {
    ($($argument:tt)*) => { $crate::log::write($crate::log::Level::Warn, &format!($($argument)*)) };
}

/// Logs with level `error`; arguments as for `format!`.
#[macro_export]
macro_rules! error {
    ($($argument:tt)*) => { $crate::log::write($crate::log::Level::Error, &format!($($argument)*)) };
}
