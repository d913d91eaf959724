//! What is formatted is still without mistakes.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use strata_core::Source;

fuzz_target!(|text: &str| {
    if let Ok(once) = strata_hcl::format(&Arc::new(Source::new("fuzz.tf", text))) {
        let again = Arc::new(Source::new("fuzz.tf", once.as_str()));
        assert!(strata_hcl::format(&again).is_ok(), "{once}");
    }
});
