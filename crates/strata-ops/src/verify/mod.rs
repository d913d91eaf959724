//! Checks from outside that a service works.
//!
//! A check is made again until it holds or its time is up. Nothing announces that a service has
//! begun to answer, so asking again is the only way; the pause between two tries doubles.

mod command;
mod http;
mod tcp;

use std::time::Duration;


use strata_core::{Event, Events};
use tokio::time::{Instant, sleep, timeout};

/// What is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A GET of this URL answers with one of these status codes; any from 200 to 299 if there is none.
    Http {
        /// `http://` or `https://`.
        url: String,
        /// Accepted status codes.
        status: Vec<u16>,
    },
    /// A program of this machine succeeds.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
    },
    /// Something accepts connections at `host:port`.
    Tcp {
        /// `host:port`.
        address: String,
    },
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    passed: bool,
    detail: String,
}

/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Checks until it holds, or for `retry` at most; true if it held.
pub async fn verify(check: &Check, retry: Duration, events: &Events) -> bool {
    let answer = again(retry, || try_once(check), |answer| answer.passed).await;
    let Answer { passed, detail } = answer;
    events.send(Event::Verified {
        what: check.describe(),
        passed,
        detail,
    });
    passed
}

/// Asks until the answer is good or the time is up; gives the last answer.
pub(crate) async fn again<T, F: Future<Output = T>>(
    time: Duration,
    mut ask: impl FnMut() -> F,
    is_good: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + time;
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = ask().await;
        if is_good(&answer) || Instant::now() + pause > deadline {
            return answer;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn try_once(check: &Check) -> Answer {
    let answer = timeout(TRY, ask(check)).await;
    answer.unwrap_or_else(|_| Answer {
        passed: false,
        detail: "no answer in time".to_owned(),
    })
}

async fn ask(check: &Check) -> Answer {
    match check {
        Check::Http { url, status } => http::ask(url, status).await,
        Check::Command { words } => command::ask(words).await,
        Check::Tcp { address } => tcp::ask(address).await,
    }
}

impl Check {
    /// Names what is checked.
    pub fn describe(&self) -> String {
        match self {
            Check::Http { url, .. } => url.clone(),
            Check::Command { words } => words.join(" "),
            Check::Tcp { address } => format!("tcp {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::{Arc, Mutex},
        thread,
    };

    use super::*;

    async fn outcome(check: Check, retry: Duration) -> String {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let events = Events::new(move |event| sink.lock().unwrap().push(event));
        verify(&check, retry, &events).await;
        let seen = seen.lock().unwrap();
        let [Event::Verified { passed, detail, .. }] = seen.as_slice() else {
            panic!("one answer")
        };
        format!("{passed}: {detail}")
    }

    /// Answers each connection with the next of `answers`.
    fn serve(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn a_service_that_comes_up_late_is_waited_for() {
        let address = serve(&[
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ]);
        let check = Check::Http {
            url: format!("http://{address}/"),
            status: Vec::new(),
        };
        assert_eq!(outcome(check, Duration::from_secs(5)).await, "true: 200 OK");
    }

    #[tokio::test]
    async fn a_wrong_status_fails_with_the_status() {
        let address = serve(&["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]);
        let check = Check::Http {
            url: format!("http://{address}/"),
            status: vec![200],
        };
        assert_eq!(outcome(check, Duration::ZERO).await, "false: 404 Not Found");
    }

    #[tokio::test]
    async fn a_command_holds_if_it_succeeds() {
        let command = |words: &[&str]| Check::Command {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let good = outcome(command(&["true"]), Duration::ZERO).await;
        assert_eq!(good, "true: it succeeds");
        let bad = command(&["sh", "-c", "echo not yet >&2; exit 4"]);
        let bad = outcome(bad, Duration::ZERO).await;
        assert_eq!(bad, "false: exit status: 4: not yet");
        let missing = outcome(command(&["no-such-program"]), Duration::ZERO).await;
        assert!(missing.starts_with("false: "), "{missing}");
    }

    #[tokio::test]
    async fn a_closed_port_fails_with_the_reason() {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let check = Check::Tcp {
            address: format!("127.0.0.1:{port}"),
        };
        assert!(outcome(check, Duration::ZERO).await.starts_with("false: "));
    }
}
