//! The `verify` stage: checks from outside.

use strata_core::{Diagnostic, Diagnostics, StageOutcome, Value};
use strata_hcl::Expression;

use super::{Made, Run, StageEnd, text_of};
use crate::{
    project::{Stage, Verify, VerifyCheck},
    verify::{Check, verify},
};

impl Run<'_> {
    /// Checks until it holds or the time is up.
    pub(super) async fn verify(
        &self,
        stage: &Stage,
        settings: &Verify,
        made: &Made,
    ) -> Result<StageEnd, Diagnostics> {
        let passed = match self.check_of(settings, made)? {
            // The twin has no network: nothing can be asked, and nothing is said to hold.
            Some(_) if self.platforms.are_twins() => {
                return Ok(StageEnd::of(StageOutcome::Skipped).left_out());
            }
            Some(check) => verify(&check, settings.retry, self.events).await,
            None if self.unknown_to_models(settings) => {
                return Ok(StageEnd::of(StageOutcome::Skipped).left_out());
            }
            None => match self.verify_on_hosts(stage, settings, made).await? {
                Some(passed) => passed,
                None => return Ok(StageEnd::of(StageOutcome::Skipped).left_out()),
            },
        };
        if passed {
            return Ok(StageEnd::of(StageOutcome::Unchanged));
        }
        Err(
            Diagnostic::error("not-verified", format!("`{}` does not hold", stage.name))
                .at(stage.span.clone())
                .into(),
        )
    }

    /// True for a check by a command on hosts that are models: they run no programs.
    pub(super) fn unknown_to_models(&self, settings: &Verify) -> bool {
        self.platforms.are_twins() && matches!(settings.check, VerifyCheck::Command { .. })
    }

    /// The check with its expressions evaluated; none for one that is made on hosts.
    pub(super) fn check_of(
        &self,
        settings: &Verify,
        made: &Made,
    ) -> Result<Option<Check>, Diagnostics> {
        let mut diags = Diagnostics::new();
        let scope = self.scope(&made.outputs);
        let text = |expression, diags: &mut Diagnostics| {
            let value = scope.evaluate(expression, diags);
            text_of(&value).unwrap_or_else(|| {
                if value.is_known() || !diags.has_errors() {
                    diags.push(
                        Diagnostic::error("invalid-argument", "A text is needed here")
                            .at(expression.span()),
                    );
                }
                String::new()
            })
        };
        let check = match &settings.check {
            VerifyCheck::Http { url, status } => {
                let url = text(url, &mut diags);
                let status = status
                    .as_ref()
                    .map(|status| scope.evaluate(status, &mut diags));
                Some(Check::Http {
                    url,
                    status: status.as_ref().map(codes).unwrap_or_default(),
                })
            }
            VerifyCheck::Tcp(address) => Some(Check::Tcp {
                address: text(address, &mut diags),
            }),
            VerifyCheck::Command { words, hosts: None } => {
                let value = scope.evaluate(words, &mut diags);
                Some(Check::Command {
                    words: words_of(&value, words, &mut diags),
                })
            }
            VerifyCheck::Command { .. } | VerifyCheck::Service { .. } => None,
        };
        diags.into_result(check)
    }
}

/// A list of words; anything else is reported.
pub(super) fn words_of(
    value: &Value,
    expression: &Expression,
    diags: &mut Diagnostics,
) -> Vec<String> {
    let words = value.as_sequence().map(|words| words.iter().map(text_of));
    let words: Option<Vec<String>> = words.and_then(|words| words.collect());
    words.filter(|words| !words.is_empty()).unwrap_or_else(|| {
        if !diags.has_errors() {
            let summary = "A list of words is needed here";
            diags.push(
                Diagnostic::error("invalid-argument", summary)
                    .at(expression.span())
                    .hint("Write `command = [\"program\", \"argument\"]`."),
            );
        }
        Vec::new()
    })
}

/// One status code, or several.
fn codes(value: &Value) -> Vec<u16> {
    let one = |value: &Value| {
        value
            .as_number()
            .and_then(|number| u16::try_from(number.as_i64()?).ok())
    };
    match value.as_sequence() {
        Some(items) => items.iter().filter_map(one).collect(),
        None => one(value).into_iter().collect(),
    }
}
