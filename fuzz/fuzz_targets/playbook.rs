//! Any text is read or refused as a playbook and as an inventory.

#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use strata_core::{Diagnostics, files::MemoryFiles};
use strata_playbook::{Inventory, load, load::Options};

fuzz_target!(|text: &str| {
    let files = MemoryFiles::new([("site.yml", text), ("hosts", text)]);
    let mut diags = Diagnostics::new();
    load(&files, Path::new("site.yml"), &options(), &mut diags);
    for path in ["site.yml", "hosts"] {
        Inventory::load(&files, &[PathBuf::from(path)], &mut diags);
    }
});

fn options() -> Options {
    Options {
        roles_path: Vec::new(),
        collections_path: Vec::new(),
        merge_hashes: false,
        extra_vars: Default::default(),
    }
}
