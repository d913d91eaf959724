//! The `strata-agent` binary: speaks the protocol on its standard input and output.

fn main() {}
