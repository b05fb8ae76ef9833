//! What the benchmarks measure with.

pub(crate) mod background_work;
pub(crate) mod child_process;
pub(crate) mod latency_proxy;
pub(crate) mod libyaml_pass;
pub(crate) mod peak_memory;
pub(crate) mod release_binary;
pub(crate) mod timing;
