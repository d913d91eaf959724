//! `vars_prompt`: asks the user before a play begins.

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::play::{Play, VarsPrompt};

use super::Run;
use crate::{JsonMap, options::Ask, outcome::text};

impl Run<'_> {
    /// Asks what the play wants to know and nobody said yet; where nobody answers the default counts, as a text.
    pub(super) fn ask(&mut self, play: &std::sync::Arc<Play>) -> Result<(), Diagnostics> {
        let options = self.shared.options.clone();
        for written in &play.vars_prompt {
            let prompt = &VarsPrompt {
                prompt: self.rendered(play, written, &written.prompt)?,
                encrypt: self.maybe_rendered(play, written, &written.encrypt)?,
                salt: self.maybe_rendered(play, written, &written.salt)?,
                default: self.default(play, written)?.map(Json::from),
                ..written.clone()
            };
            let name = &prompt.name;
            let known =
                options.load.extra_vars.contains_key(name) || options.prompted.contains_key(name);
            if known {
                continue;
            }
            let said = options.ask.as_ref();
            let said = said.and_then(|ask| answer(prompt, ask.as_ref()));
            let is_said = said.is_some();
            let default = prompt.default.as_ref();
            let is_rendered = !is_said && written.default != prompt.default;
            let Some(answer) = said.or(default.map(text)) else {
                if options.ask.is_none() {
                    continue;
                }
                // As in Ansible, where the variable is there, and is a text.
                self.answers.insert(name.clone(), "None".into());
                let warning = Diagnostic::warning(
                    "unanswered-prompt",
                    format!("the play asks for `{name}`, and there is no answer"),
                );
                let warning = warning.hint("Give it a `default`, or say it with `-e`.");
                let events = &self.shared.events;
                events.diagnostic(warning.at(play.span.clone()));
                continue;
            };
            let answer = self.hashed(play, prompt, answer)?;
            // What came out of a template is none itself.
            let answer = if prompt.is_unsafe && is_said || is_rendered {
                strata_jinja::unsafe_text(answer)
            } else {
                answer.into()
            };
            self.answers.insert(name.clone(), answer);
        }
        Ok(())
    }

    /// What counts where nobody answers, as a text; it may be a template.
    fn default(
        &self,
        play: &std::sync::Arc<Play>,
        prompt: &VarsPrompt,
    ) -> Result<Option<String>, Diagnostics> {
        let default = prompt.default.as_ref();
        default
            .map(|default| self.value(play, prompt, default))
            .transpose()
    }

    fn maybe_rendered(
        &self,
        play: &std::sync::Arc<Play>,
        prompt: &VarsPrompt,
        part: &Option<String>,
    ) -> Result<Option<String>, Diagnostics> {
        let part = part.as_ref();
        part.map(|part| self.rendered(play, prompt, part))
            .transpose()
    }

    /// A part of a question, which may be a template.
    fn rendered(
        &self,
        play: &std::sync::Arc<Play>,
        prompt: &VarsPrompt,
        part: &str,
    ) -> Result<String, Diagnostics> {
        self.value(play, prompt, &Json::from(part))
    }

    fn value(
        &self,
        play: &std::sync::Arc<Play>,
        prompt: &VarsPrompt,
        value: &Json,
    ) -> Result<String, Diagnostics> {
        let rendered = self.play_templar_with(play, JsonMap::new()).render(value);
        rendered.map(|value| text(&value)).map_err(|error| {
            Diagnostic::error(
                "bad-play-keyword",
                format!("the question for `{}` cannot be rendered", prompt.name),
            )
            .detail(error.to_string())
            .at(play.span.clone())
            .into()
        })
    }

    /// The answer by the scheme of `encrypt`.
    fn hashed(
        &self,
        play: &std::sync::Arc<Play>,
        prompt: &VarsPrompt,
        answer: String,
    ) -> Result<String, Diagnostics> {
        let Some(scheme) = &prompt.encrypt else {
            return Ok(answer);
        };
        let mut expression = "answer | password_hash(scheme".to_owned();
        let mut values = JsonMap::from_iter([
            ("answer".to_owned(), Json::from(answer)),
            (
                "scheme".to_owned(),
                scheme.trim_end_matches("_crypt").into(),
            ),
        ]);
        if let Some(salt) = &prompt.salt {
            expression.push_str(", salt=salt");
            values.insert("salt".to_owned(), salt.as_str().into());
        } else if let Some(size) = prompt.salt_size {
            expression.push_str(", salt_size=salt_size");
            values.insert("salt_size".to_owned(), size.into());
        }
        expression.push(')');
        let hashed = self.play_templar_with(play, values).expression(&expression);
        hashed.map(|hash| text(&hash)).map_err(|error| {
            Diagnostic::error(
                "bad-play-keyword",
                format!("the answer for `{}` cannot be hashed", prompt.name),
            )
            .detail(error.to_string())
            .at(play.span.clone())
            .into()
        })
    }
}

/// Asks, twice if it is to be confirmed; an empty answer means the default.
fn answer(prompt: &VarsPrompt, ask: &Ask) -> Option<String> {
    let question = match &prompt.default {
        Some(default) => format!("{} [{}]: ", prompt.prompt, text(default)),
        None => format!("{}: ", prompt.prompt),
    };
    loop {
        let answer = ask(&question, prompt.private)?;
        if prompt.confirm && ask(&format!("confirm {question}"), prompt.private)? != answer {
            continue;
        }
        return match &prompt.default {
            Some(default) if answer.is_empty() => Some(text(default)),
            _ => Some(answer),
        };
    }
}
