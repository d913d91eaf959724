//! `http` as a data source: what a web server answers.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Schema};

use super::agent::{self, Answer, Ask};
use crate::{Settings, failure::failed};

/// Asks a web server. A status that tells of an error is an answer: check `status_code` in a postcondition.
#[derive(Default, Schema)]
#[schema(
    conflicts("ca_cert_pem", "insecure"),
    together("client_cert_pem", "client_key_pem")
)]
pub(crate) struct Http {
    /// Where to ask.
    #[schema(check = is_url)]
    url: String,
    /// How to ask; `GET` if not set.
    #[schema(one_of("GET", "POST", "HEAD"))]
    method: Option<String>,
    /// Headers to send.
    request_headers: Option<BTreeMap<String, String>>,
    /// What to send.
    request_body: Option<String>,
    /// How long to wait for the whole answer, in milliseconds.
    #[schema(range(1..))]
    request_timeout_ms: Option<i64>,
    /// Whether to skip the check of the server's certificate.
    insecure: Option<bool>,
    /// Certificates in PEM to trust as well.
    ca_cert_pem: Option<String>,
    /// A certificate in PEM to show to the server.
    client_cert_pem: Option<String>,
    /// The certificate's private key in PEM.
    #[schema(sensitive)]
    client_key_pem: Option<String>,
    /// When to ask again: after failed connections and statuses of 500 and above, except 501.
    #[schema(block)]
    retry: Option<Retry>,
    /// The body of the answer; empty if it is not UTF-8.
    #[schema(computed)]
    response_body: String,
    /// The body of the answer.
    #[schema(computed, deprecated = "use `response_body`")]
    body: String,
    /// The body of the answer in base64.
    #[schema(computed)]
    response_body_base64: String,
    /// The headers of the answer; one that is there twice has both values, with a comma between.
    #[schema(computed)]
    response_headers: BTreeMap<String, String>,
    /// The status of the answer.
    #[schema(computed)]
    status_code: i64,
    /// The URL.
    #[schema(computed)]
    id: String,
}

/// How often and how soon to ask again.
#[derive(Clone, Copy, Default, Schema)]
pub(crate) struct Retry {
    /// How often to ask again.
    #[schema(range(0..=1000))]
    attempts: Option<u32>,
    /// How long to wait first, in milliseconds; 1000 if not set. The wait doubles each time.
    #[schema(range(0..=3600000))]
    min_delay_ms: Option<u32>,
    /// How long to wait at most, in milliseconds; 30000 if not set.
    #[schema(range(0..=3600000))]
    max_delay_ms: Option<u32>,
}

impl Retry {
    fn delay(self, attempt: u32) -> Duration {
        let first = u64::from(self.min_delay_ms.unwrap_or(1000));
        let most = u64::from(self.max_delay_ms.unwrap_or(30_000));
        let delay = first.saturating_mul(1 << attempt.min(20));
        Duration::from_millis(delay.min(most))
    }
}

fn is_url(value: &Value) -> Result<(), String> {
    match value.as_str() {
        Some(text) if !text.starts_with("http://") && !text.starts_with("https://") => {
            Err("must start with `http://` or `https://`".to_owned())
        }
        _ => Ok(()),
    }
}

impl Http {
    fn question(&self) -> Ask {
        let headers = self.request_headers.iter().flatten();
        let pair = self
            .client_cert_pem
            .clone()
            .zip(self.client_key_pem.clone());
        Ask {
            method: self.method.clone().unwrap_or_else(|| "GET".to_owned()),
            url: self.url.clone(),
            headers: headers
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            body: self.request_body.clone(),
            timeout: self
                .request_timeout_ms
                .and_then(|limit| u64::try_from(limit).ok())
                .map(Duration::from_millis),
            insecure: self.insecure.unwrap_or(false),
            ca_cert_pem: self.ca_cert_pem.clone(),
            client_pem: pair,
        }
    }

    async fn ask(&self) -> Result<Answer, Diagnostics> {
        let (question, retry) = (self.question(), self.retry.unwrap_or_default());
        let agent = agent::agent(&question)?;
        let mut attempt = 0;
        loop {
            let (agent, question) = (agent.clone(), question.clone());
            let asked = tokio::task::spawn_blocking(move || agent::ask(&agent, &question)).await;
            let answer = asked.unwrap_or_else(|_| Err("the request was cut off".to_owned()));
            let again = match &answer {
                Ok(answer) => answer.status >= 500 && answer.status != 501,
                Err(_) => true,
            };
            if !again || attempt >= retry.attempts.unwrap_or(0) {
                return answer.map_err(|reason| {
                    failed(
                        "Error making request",
                        format!("Error making request: {reason}."),
                    )
                });
            }
            tokio::time::sleep(retry.delay(attempt)).await;
            attempt += 1;
        }
    }

    fn fill(&mut self, answer: Answer) {
        self.status_code = answer.status.into();
        self.response_body_base64 = STANDARD.encode(&answer.body);
        self.response_body = String::from_utf8(answer.body).unwrap_or_default();
        self.body = self.response_body.clone();
        for (name, value) in answer.headers {
            let joined = self.response_headers.entry(canonical(&name)).or_default();
            if !joined.is_empty() {
                joined.push_str(", ");
            }
            joined.push_str(&value);
        }
        self.id = self.url.clone();
    }
}

/// A header's name as Go spells it: each word with a capital.
fn canonical(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

impl DataSourceType for Http {
    const NAME: &'static str = "http";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let answer = self.ask().await?;
        self.fill(answer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_have_capitals() {
        assert_eq!(canonical("content-type"), "Content-Type");
        assert_eq!(canonical("x--a"), "X--A");
    }

    #[test]
    fn the_wait_doubles_up_to_its_most() {
        let retry = Retry {
            attempts: Some(9),
            min_delay_ms: Some(10),
            max_delay_ms: Some(50),
        };
        let delays: Vec<u128> = (0..4)
            .map(|attempt| retry.delay(attempt).as_millis())
            .collect();
        assert_eq!(delays, [10, 20, 40, 50]);
    }
}
