//! Who we are: an API token, a ticket, or a password that buys one.

use std::time::{Duration, Instant};

use hyper::Method;
use strata_http::{Call, Pool};
use tokio::sync::Mutex;

use super::{error::ClientError, params::Params, parse_data, refusal};

/// A ticket lives for two hours; it is bought anew well before.
const TICKET_AGE: Duration = Duration::from_secs(3600);

/// What a user may log in with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// `USER@REALM!TOKENID=UUID`.
    Token(String),
    /// A ticket from elsewhere with its CSRF token.
    Ticket { ticket: String, csrf: String },
    /// User with realm, password, and the second factor if there is one.
    Password {
        user: String,
        password: String,
        otp: Option<String>,
    },
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

impl Credentials {
    /// Checks a token's form, so that a typing mistake is told before any call.
    pub(crate) fn token(text: &str) -> Result<Self, ClientError> {
        let bare = text.strip_prefix("PVEAPIToken=").unwrap_or(text);
        let formed = bare.split_once('=').is_some_and(|(id, value)| {
            !value.is_empty()
                && id
                    .split_once('!')
                    .is_some_and(|(user, name)| user.contains('@') && !name.is_empty())
        });
        match formed {
            true => Ok(Self::Token(bare.to_owned())),
            false => Err(ClientError::Setup(
                "`api_token` does not have the form USER@REALM!TOKENID=UUID".to_owned(),
            )),
        }
    }
}

/// Buys tickets and keeps the one that is good.
pub(crate) struct Login {
    credentials: Credentials,
    bought: Mutex<Option<Ticket>>,
}

#[derive(Clone)]
struct Ticket {
    ticket: String,
    csrf: String,
    at: Instant,
}

impl Login {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            bought: Mutex::new(None),
        }
    }

    /// The headers that a call needs.
    pub(crate) async fn headers(
        &self,
        pool: &Pool,
        method: &Method,
    ) -> Result<Vec<(&'static str, String)>, ClientError> {
        let (ticket, csrf) = match &self.credentials {
            Credentials::Token(token) => {
                return Ok(vec![("authorization", format!("PVEAPIToken={token}"))]);
            }
            Credentials::Ticket { ticket, csrf } => (ticket.clone(), csrf.clone()),
            Credentials::Password { .. } => {
                let ticket = self.ticket(pool).await?;
                (ticket.ticket, ticket.csrf)
            }
        };
        let mut cookie = "PVEAuthCookie=".to_owned();
        // As other clients send it; encoded only if it could not be a cookie.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',' | '"' | '%' | '\\');
        match ticket.chars().all(plain) {
            true => cookie.push_str(&ticket),
            false => super::percent(&ticket, &mut cookie),
        }
        let mut headers = vec![("cookie", cookie)];
        if *method != Method::GET {
            headers.push(("csrfpreventiontoken", csrf));
        }
        Ok(headers)
    }

    /// Drops a ticket that was refused; true if a new one can be bought.
    pub(crate) async fn forget(&self) -> bool {
        let bought = self.bought.lock().await.take();
        bought.is_some() && matches!(self.credentials, Credentials::Password { .. })
    }

    async fn ticket(&self, pool: &Pool) -> Result<Ticket, ClientError> {
        let mut bought = self.bought.lock().await;
        if let Some(ticket) = bought
            .as_ref()
            .filter(|ticket| ticket.at.elapsed() < TICKET_AGE)
        {
            return Ok(ticket.clone());
        }
        let ticket = self.buy(pool).await?;
        *bought = Some(ticket.clone());
        Ok(ticket)
    }

    async fn buy(&self, pool: &Pool) -> Result<Ticket, ClientError> {
        let Credentials::Password {
            user,
            password,
            otp,
        } = &self.credentials
        else {
            return Err(ClientError::Setup(
                "there is no password to log in with".to_owned(),
            ));
        };
        let mut params = Params::new();
        params
            .set("username", user)
            .set("password", password)
            .maybe("otp", otp.as_ref());
        let call = Call {
            method: Method::POST,
            path: format!("{}/access/ticket", super::BASE),
            headers: vec![(
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            )],
            body: params.encode().into(),
            limit: super::CALL_LIMIT,
        };
        let reply = pool.send(call).await?;
        if reply.status != 200 {
            return Err(refusal(&pool.endpoint().name(), &reply));
        }
        let data = parse_data(&reply.body)?;
        let text = |name: &str| {
            data.get(name)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
        };
        match (
            text("ticket"),
            text("CSRFPreventionToken"),
            data.get("NeedTFA"),
        ) {
            (Some(ticket), Some(csrf), None) => Ok(Ticket {
                ticket,
                csrf,
                at: Instant::now(),
            }),
            _ => Err(ClientError::Login {
                endpoint: pool.endpoint().name(),
                reason: "the account has a second factor: use an API token".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_with_and_without_their_prefix() {
        let token = Credentials::token("PVEAPIToken=root@pam!t1=uuid").unwrap();
        assert!(token == Credentials::token("root@pam!t1=uuid").unwrap());
        assert_eq!(format!("{token:?}"), "Credentials(…)");
    }

    #[test]
    fn a_token_of_another_form_is_refused_and_not_shown() {
        let error = Credentials::token("hunter2").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
