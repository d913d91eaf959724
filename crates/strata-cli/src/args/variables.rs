//! Values of variables on the command line.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use clap::Args;
use strata_ops::infrastructure::GivenVariable;

/// `-var` and `-var-file`. They count in the order in which they stand on the command line: a later one wins.
#[derive(Args, Clone, Debug)]
pub(crate) struct Variables {
    /// Set a variable of the root module; sources of modules may use it.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = placed)]
    values: Vec<Placed>,
    /// Read variables from a file.
    #[arg(long = "var-file", value_name = "FILE", value_parser = placed)]
    files: Vec<Placed>,
}

/// An argument, and which one it is of all that were read.
type Placed = (usize, String);

/// Arguments are read from left to right.
fn placed(text: &str) -> Result<Placed, Infallible> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    Ok((NEXT.fetch_add(1, Ordering::Relaxed), text.to_owned()))
}

impl Variables {
    /// All of them, in the order of the command line.
    pub(crate) fn in_order(&self) -> Vec<GivenVariable> {
        let values = self.values.iter().map(|(at, text)| {
            let value = GivenVariable::Value(text.clone());
            (*at, value)
        });
        let files = self.files.iter().map(|(at, path)| {
            let file = GivenVariable::File(path.into());
            (*at, file)
        });
        let mut all: Vec<_> = values.chain(files).collect();
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, given)| given).collect()
    }

    /// True if there is a `-var`.
    pub(crate) fn has_values(&self) -> bool {
        !self.values.is_empty()
    }

    /// True if there is a `-var-file`.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }
}
