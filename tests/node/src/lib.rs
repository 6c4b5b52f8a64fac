//! The log folders of a Kubernetes node, written as the kubelet and the container runtimes write them, for tests, the
//! demo and the bench. Everything happens when it is called: no thread, no clock, no sleep.

mod container;
mod node;
mod runtime;
mod spec;

pub use container::Container;
pub use node::Node;
pub use runtime::{Format, LONGEST_PART, Stream};
pub use spec::Spec;
