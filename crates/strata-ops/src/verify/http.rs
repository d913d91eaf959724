//! Does a URL answer as it should?

use super::{Answer, TRY};
use crate::http::agent;

/// Asks once; redirects are followed, the body is not read.
pub(super) async fn ask(url: &str, status: &[u16]) -> Answer {
    let (url, status) = (url.to_owned(), status.to_vec());
    let asked = tokio::task::spawn_blocking(move || ask_blocking(&url, &status)).await;
    asked.unwrap_or_else(|_| Answer {
        passed: false,
        detail: "the check was cut off".to_owned(),
    })
}

fn ask_blocking(url: &str, status: &[u16]) -> Answer {
    match agent(TRY).get(url).call() {
        Ok(response) => {
            let code = response.status();
            let passed = if status.is_empty() {
                code.is_success()
            } else {
                status.contains(&code.as_u16())
            };
            Answer {
                passed,
                detail: code.to_string(),
            }
        }
        Err(error) => Answer {
            passed: false,
            detail: error.to_string(),
        },
    }
}
