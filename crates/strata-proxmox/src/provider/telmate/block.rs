//! The `provider` block with telmate's names.

use std::{collections::BTreeMap, time::Duration};

use strata_core::{
    Diagnostic, Type, Value,
    schema::{Attribute, Block, Presence},
};

use crate::{
    client::{Access, Address, ClientError, Credentials, Trust},
    platform::Models,
    provider::{block::rehearsal, session::Manner},
};

/// What users may write.
pub(crate) fn schema() -> Block {
    let text = |description| Attribute::new(Type::String, Presence::Optional, description);
    let truth = |description| Attribute::new(Type::Bool, Presence::Optional, description);
    let number = |description| Attribute::new(Type::Number, Presence::Optional, description);
    let attributes = [
        (
            "pm_api_url",
            text("Where the API is, such as `https://pve.lan:8006/api2/json`."),
        ),
        ("pm_user", text("The user with realm, such as `root@pam`.")),
        ("pm_password", text("The user's password.").sensitive()),
        ("pm_otp", text("The one-time password.").sensitive()),
        ("pm_api_token_id", text("The token: `USER@REALM!TOKENID`.")),
        ("pm_api_token_secret", text("Its secret.").sensitive()),
        ("pm_tls_insecure", truth("Trusts any certificate.")),
        (
            "pm_parallel",
            number("How many guests are copied onto one storage at a time; four if nobody says."),
        ),
        (
            "pm_timeout",
            number("How many seconds a task may take; half an hour if nobody says."),
        ),
        (
            "pm_log_enable",
            truth("A log of telmate's own; Strata has another, so it says nothing here."),
        ),
        ("pm_log_file", text("See `pm_log_enable`.")),
        ("pm_debug", truth("See `pm_log_enable`.")),
        (
            "pm_log_levels",
            Attribute::new(
                Type::map(Type::String),
                Presence::Optional,
                "See `pm_log_enable`.",
            ),
        ),
        (
            "pm_minimum_permission_list",
            Attribute::new(
                Type::list(Type::String),
                Presence::Optional,
                "See `pm_minimum_permission_check`.",
            ),
        ),
        (
            "pm_minimum_permission_check",
            truth("Rights are asked for where they are needed; it says nothing here."),
        ),
        (
            "pm_http_headers",
            text("Headers of every request. Not supported."),
        ),
        (
            "pm_proxy_server",
            text("A proxy to go through. Not supported."),
        ),
    ];
    Block {
        attributes: attributes
            .into_iter()
            .map(|(name, attribute)| (name.into(), attribute))
            .collect(),
        blocks: BTreeMap::new(),
        description: "A Proxmox VE cluster.",
    }
}

struct Reader<'a> {
    config: &'a Value,
    environment: &'a BTreeMap<String, String>,
}

/// Reads a block; what it leaves out comes from `PM_API_URL`, `PM_USER` and the like.
pub(crate) fn read(
    config: &Value,
    environment: &BTreeMap<String, String>,
    models: Option<&Models>,
) -> Result<(Access, Manner), Box<Diagnostic>> {
    let block = Reader {
        config,
        environment,
    };
    for name in ["pm_http_headers", "pm_proxy_server"] {
        if block.text(name, "").is_some() {
            let summary = format!("`{name}` of the provider `telmate/proxmox` is not supported");
            return Err(Box::new(Diagnostic::error(
                "proxmox-not-supported",
                summary,
            )));
        }
    }
    let access = match models {
        Some(models) => rehearsal(models, block.text("pm_api_url", "PM_API_URL").as_deref()),
        None => block.access(),
    };
    let access = access.map_err(|error| {
        Box::new(error.diagnostic("The provider `proxmox` is not configured as it must be"))
    })?;
    let manner = Manner {
        copies: block
            .number("pm_parallel")
            .and_then(|number| usize::try_from(number).ok()),
        task_limit: block.number("pm_timeout").map(Duration::from_secs),
        deep_refresh: environment
            .get("STRATA_PROXMOX_DEEP_REFRESH")
            .is_some_and(|text| text == "1"),
        rehearses: models.is_some(),
        ..Manner::default()
    };
    Ok((access, manner))
}

impl Reader<'_> {
    fn text(&self, name: &str, variable: &str) -> Option<String> {
        let set = self.config.get(name).and_then(Value::as_str);
        set.map(str::to_owned)
            .or_else(|| self.environment.get(variable).cloned())
            .filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Option<u64> {
        let number = self.config.get(name)?.as_number()?.as_i64()?;
        u64::try_from(number).ok().filter(|number| *number > 0)
    }

    fn access(&self) -> Result<Access, ClientError> {
        let url = self.text("pm_api_url", "PM_API_URL").ok_or_else(|| {
            ClientError::Setup(
                "no `pm_api_url` is set, neither in the block nor as PM_API_URL".to_owned(),
            )
        })?;
        let url = url.trim_end_matches('/').trim_end_matches("/api2/json");
        let insecure = match self.config.get("pm_tls_insecure").and_then(Value::as_bool) {
            Some(truth) => truth,
            None => self
                .environment
                .get("PM_TLS_INSECURE")
                .is_some_and(|text| matches!(text.as_str(), "true" | "1")),
        };
        Ok(Access {
            endpoints: vec![Address::parse(url)?],
            trust: if insecure {
                Trust::Anybody
            } else {
                Trust::System
            },
            min_tls13: false,
            credentials: self.credentials()?,
        })
    }

    fn credentials(&self) -> Result<Credentials, ClientError> {
        let id = self.text("pm_api_token_id", "PM_API_TOKEN_ID");
        let secret = self.text("pm_api_token_secret", "PM_API_TOKEN_SECRET");
        if let (Some(id), Some(secret)) = (id, secret) {
            return Credentials::token(&format!("{id}={secret}"));
        }
        let user = self.text("pm_user", "PM_USER");
        let password = self.text("pm_password", "PM_PASS");
        match (user, password) {
            (Some(user), Some(password)) => Ok(Credentials::Password {
                user,
                password,
                otp: self.text("pm_otp", "PM_OTP"),
            }),
            _ => Err(ClientError::Setup(
                "no login is set: give `pm_api_token_id` and `pm_api_token_secret`, or `pm_user` and `pm_password`"
                    .to_owned(),
            )),
        }
    }
}
