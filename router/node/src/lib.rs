//! The log folders of a Kubernetes node, written as the kubelet and the container runtimes write them, for tests, the
//! demo and the bench. But for [`Generator`], everything happens when it is called: no thread, no clock, no sleep.

mod container;
mod error;
mod generator;
mod kubelet;
mod node;
mod runtime;
mod spec;
mod tally;
mod voice;

pub use container::Container;
pub use error::Error;
pub use generator::{Generator, Pace, Summary, Written};
pub use kubelet::{Begin, Retention};
pub use node::Node;
pub use runtime::{Format, LONGEST_PART, Stream};
pub use spec::Spec;
pub use tally::{Lines, Tally, Verdict, Way};
pub use voice::{Level, Line, SECRETS, Voice, number};
