//! The tests of configuration as others use it: text in, text out.

mod configurations;
mod dependencies;
mod encryption;
mod evaluate;
mod files;
mod load;
mod names_in_expressions;
mod suite;
mod support;
mod syntaxes;
mod terraform;
mod test_files;
