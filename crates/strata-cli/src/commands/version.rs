//! `strata version`.

use anstream::println;

use super::Exit;

pub(super) fn run(json: bool) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{}_{}", std::env::consts::OS, std::env::consts::ARCH);
    if json {
        println!(
            "{}",
            serde_json::json!({ "strata_version": version, "platform": platform })
        );
    } else {
        println!("Strata v{version}\non {platform}");
    }
    0
}
