//! How states and plans are encrypted: what the configuration says, as what encrypts.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::{
    Config, VariableInput,
    module::{
        Encryption as Written, EncryptionArgument, EncryptionName, EncryptionPart, EncryptionTarget,
    },
};
use strata_core::{Diagnostic, Diagnostics, Span, Type, Value};
use strata_state::encryption::{
    Encryption, External, KeyProvider, KeySource, Method, Pbkdf2, Secret,
};

use crate::process::Process;

/// How deep key providers may chain.
const MOST_CHAINED: usize = 8;

/// What is encrypted, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encrypted {
    /// The state.
    pub(crate) state: Option<Arc<Encryption>>,
    /// Saved plans.
    pub(crate) plan: Option<Arc<Encryption>>,
    /// States that `terraform_remote_state` reads.
    pub(crate) remote_states: Option<Arc<Encryption>>,
}

/// Reads what the configuration and `TF_ENCRYPTION` say; everything that is wrong is a mistake.
pub(crate) fn encrypted(
    config: &Config,
    inputs: &[VariableInput],
    workspace: &str,
    process: &Process,
) -> Result<Encrypted, Diagnostics> {
    let given = process.environment.get("TF_ENCRYPTION");
    let given = given.filter(|text| !text.trim().is_empty());
    let mut diags = Diagnostics::new();
    let given = given.map(String::as_str);
    let written = strata_config::encryption(config, inputs, workspace, given, &mut diags);
    let written = diags.into_result(written)?.unwrap_or_default();
    Maker::of(&written).all()
}

/// Makes what encrypts; key providers are made once, so that each derives its key once.
struct Maker<'a> {
    written: &'a Written,
    providers: BTreeMap<EncryptionName, Arc<KeyProvider>>,
}

impl<'a> Maker<'a> {
    fn of(written: &'a Written) -> Self {
        Self {
            written,
            providers: BTreeMap::new(),
        }
    }

    fn all(mut self) -> Result<Encrypted, Diagnostics> {
        let written = self.written;
        if let Some((name, target)) = written.named_remote_states.first_key_value() {
            return Err(unsupported(
                &format!("The encryption of one `remote_state_data_source`, `{name}`,"),
                &target.span,
                "Say it for all of them: `default` in `remote_state_data_sources`, with a `fallback` for others.",
            ));
        }
        Ok(Encrypted {
            state: self.target(written.state.as_ref())?,
            plan: self.target(written.plan.as_ref())?,
            remote_states: self.target(written.remote_states.as_ref())?,
        })
    }

    fn target(
        &mut self,
        target: Option<&EncryptionTarget>,
    ) -> Result<Option<Arc<Encryption>>, Diagnostics> {
        let Some(first) = target else {
            return Ok(None);
        };
        let mut methods = Vec::new();
        let mut next = Some(first);
        while let Some(target) = next {
            let name = target
                .method
                .as_ref()
                .ok_or_else(|| wrong("A `method` is required here.".to_owned(), &target.span))?;
            methods.push(self.method(name, &target.span)?);
            next = target.fallback.as_deref();
        }
        let made =
            Encryption::new(methods, first.enforced).map_err(|why| wrong(why, &first.span))?;
        Ok(Some(Arc::new(made)))
    }

    fn method(&mut self, name: &EncryptionName, span: &Span) -> Result<Method, Diagnostics> {
        let (kind, label) = name;
        let Some(part) = self.written.methods.get(name) else {
            let why = format!("Can not find `method.{kind}.{label}`.");
            return Err(wrong(why, span));
        };
        let arguments = Arguments(part);
        match &**kind {
            "unencrypted" => {
                arguments.only(&[])?;
                Ok(Method::Unencrypted)
            }
            "aes_gcm" => {
                arguments.only(&["keys", "aad"])?;
                let keys = arguments.provider("keys")?.ok_or_else(|| {
                    wrong(
                        "`keys` is required, as `key_provider.TYPE.NAME`.".to_owned(),
                        &part.span,
                    )
                })?;
                Ok(Method::AesGcm {
                    keys: self.provider(keys, &part.span, 0)?,
                    aad: arguments.bytes("aad")?,
                })
            }
            other => Err(unsupported(
                &format!("The encryption method `{other}`"),
                &part.span,
                "Strata has `aes_gcm` and `unencrypted`.",
            )),
        }
    }

    fn provider(
        &mut self,
        name: &EncryptionName,
        span: &Span,
        level: usize,
    ) -> Result<Arc<KeyProvider>, Diagnostics> {
        if let Some(made) = self.providers.get(name) {
            return Ok(made.clone());
        }
        let (kind, label) = name;
        let Some(part) = self.written.key_providers.get(name) else {
            let why = format!("Can not find `key_provider.{kind}.{label}`.");
            return Err(wrong(why, span));
        };
        if level > MOST_CHAINED {
            return Err(wrong(
                "The key providers chain to each other.".to_owned(),
                &part.span,
            ));
        }
        let arguments = Arguments(part);
        let source = match &**kind {
            "pbkdf2" => self.pbkdf2(&arguments, level)?,
            "external" => {
                arguments.only(&["command", "encrypted_metadata_alias"])?;
                let made = External::new(arguments.texts("command")?);
                KeySource::External(made.map_err(|why| wrong(why, &part.span))?)
            }
            other => {
                return Err(unsupported(
                    &format!("The key provider `{other}`"),
                    &part.span,
                    "Strata has `pbkdf2`, and `external`, which runs any program that gives keys.",
                ));
            }
        };
        let alias = arguments.text("encrypted_metadata_alias")?;
        let made = Arc::new(KeyProvider {
            name: alias.unwrap_or_else(|| format!("key_provider.{kind}.{label}")),
            source,
        });
        self.providers.insert(name.clone(), made.clone());
        Ok(made)
    }

    fn pbkdf2(
        &mut self,
        arguments: &Arguments<'_>,
        level: usize,
    ) -> Result<KeySource, Diagnostics> {
        arguments.only(&[
            "passphrase",
            "chain",
            "key_length",
            "iterations",
            "hash_function",
            "salt_length",
            "encrypted_metadata_alias",
        ])?;
        let span = &arguments.0.span;
        let secret = match (arguments.text("passphrase")?, arguments.provider("chain")?) {
            (Some(passphrase), None) => Secret::Passphrase(passphrase),
            (None, Some(name)) => Secret::Chain(self.provider(name, span, level + 1)?),
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "`passphrase` and `chain` exclude each other.".to_owned(),
                    span,
                ));
            }
            (None, None) => return Err(wrong("no passphrase provided".to_owned(), span)),
        };
        let made = Pbkdf2::new(
            secret,
            arguments.number("key_length")?,
            arguments.number("iterations")?,
            arguments.text("hash_function")?.as_deref(),
            arguments.number("salt_length")?,
        );
        let made = made.map_err(|why| wrong(why, span))?;
        Ok(KeySource::Pbkdf2(Box::new(made)))
    }
}

/// The arguments of a key provider or a method. What is wrong is said without the value, which may be secret.
struct Arguments<'a>(&'a EncryptionPart);

impl<'a> Arguments<'a> {
    fn only(&self, known: &[&str]) -> Result<(), Diagnostics> {
        let mut names = self.0.arguments.keys();
        match names.find(|name| !known.contains(&&***name)) {
            None => Ok(()),
            Some(name) => {
                let summary = "Unsupported argument";
                Err(Diagnostic::error("encryption", summary)
                    .detail(format!(
                        "An argument named \"{name}\" is not expected here."
                    ))
                    .at(self.0.span.clone())
                    .into())
            }
        }
    }

    fn provider(&self, name: &str) -> Result<Option<&'a EncryptionName>, Diagnostics> {
        match self.0.arguments.get(name) {
            None => Ok(None),
            Some(EncryptionArgument::KeyProvider(name, _)) => Ok(Some(name)),
            Some(EncryptionArgument::Value(_, span)) => {
                let why = format!("`{name}` must be `key_provider.TYPE.NAME`.");
                Err(wrong(why, span))
            }
        }
    }

    fn value(&self, name: &str) -> Result<Option<(&'a Value, &'a Span)>, Diagnostics> {
        match self.0.arguments.get(name) {
            None => Ok(None),
            Some(EncryptionArgument::Value(value, _)) if value.is_null() => Ok(None),
            Some(EncryptionArgument::Value(value, span)) => Ok(Some((value, span))),
            Some(EncryptionArgument::KeyProvider(_, span)) => {
                Err(wrong(format!("`{name}` is no key provider."), span))
            }
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, Diagnostics> {
        let Some((value, span)) = self.value(name)? else {
            return Ok(None);
        };
        let text = value.convert(&Type::String).ok();
        let text = text.and_then(|text| text.as_str().map(str::to_owned));
        let text = text.ok_or_else(|| wrong(format!("`{name}` must be a text."), span))?;
        Ok(Some(text))
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Diagnostics> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let number = text.parse().ok();
        let why = || wrong(format!("`{name}` must be a whole number."), &self.0.span);
        number.ok_or_else(why).map(Some)
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Diagnostics> {
        let Some((value, span)) = self.value(name)? else {
            return Ok(Vec::new());
        };
        let json = strata_state::json::plain(value);
        let texts = json.as_array().and_then(|all| {
            let text = |item: &serde_json::Value| item.as_str().map(str::to_owned);
            all.iter().map(text).collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| wrong(format!("`{name}` must be a list of texts."), span))
    }

    /// A list of bytes, as numbers.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, Diagnostics> {
        let Some((value, span)) = self.value(name)? else {
            return Ok(Vec::new());
        };
        let json = strata_state::json::plain(value);
        let bytes = json.as_array().and_then(|all| {
            let byte = |item: &serde_json::Value| u8::try_from(item.as_u64()?).ok();
            all.iter().map(byte).collect::<Option<Vec<_>>>()
        });
        bytes.ok_or_else(|| wrong(format!("`{name}` must be a list of bytes."), span))
    }
}

fn wrong(why: String, span: &Span) -> Diagnostics {
    Diagnostic::error("encryption", "Invalid encryption configuration")
        .detail(why)
        .at(span.clone())
        .into()
}

fn unsupported(what: &str, span: &Span, instead: &str) -> Diagnostics {
    Diagnostic::error("unsupported", format!("{what} is not supported yet"))
        .detail("Strata understands it, does not carry it out, and will not ignore it.")
        .at(span.clone())
        .hint(instead)
        .into()
}
