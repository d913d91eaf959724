//! `debconf`: answers to questions that packages ask.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Debconf {
    name: String,
    answer: Option<Answer>,
    unseen: bool,
}

struct Answer {
    question: String,
    kind: String,
    value: String,
    /// A list, which is compared without regard to order.
    several: Option<Vec<String>>,
}

/// All answers of the package, and whether ours is another.
pub(super) struct Found {
    answers: BTreeMap<String, String>,
    differs: bool,
}

impl Module for Debconf {
    const SPEC: Spec = Spec::new(
        "debconf",
        &[
            Field::str("name").alias(&["pkg"]).required(),
            Field::str("question").alias(&["selection", "setting"]),
            Field::str("vtype").choices(&[
                "boolean",
                "error",
                "multiselect",
                "note",
                "password",
                "seen",
                "select",
                "string",
                "text",
                "title",
            ]),
            Field::new("value", FieldKind::Raw).alias(&["answer"]),
            Field::bool("unseen", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Debconf, ModuleError> {
        let given = [
            arguments.string("question"),
            arguments.string("vtype"),
            arguments.raw("value").and_then(text),
        ];
        let answer = match given {
            [None, None, None] => None,
            [Some(question), Some(kind), Some(value)] => {
                let several = arguments.raw("value").and_then(Value::as_array);
                let several: Option<Vec<String>> =
                    several.map(|items| items.iter().filter_map(text).collect());
                let value = match (kind.as_str(), &several) {
                    ("boolean", _) => value.to_lowercase(),
                    ("multiselect", Some(items)) => items.join(", "),
                    _ => value,
                };
                Some(Answer {
                    question,
                    kind,
                    value,
                    several,
                })
            }
            _ => {
                return Err(ModuleError::new(
                    "parameters are required together: question, vtype, value",
                ));
            }
        };
        Ok(Debconf {
            name: arguments.text("name"),
            answer,
            unseen: arguments.bool("unseen"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "debconf-show")?;
        let said = checked(host, &plain(["debconf-show", &self.name]))?;
        let answers = read(&said.stdout);
        let differs = match &self.answer {
            None => false,
            Some(answer) => match answers.get(&answer.question) {
                None => true,
                Some(_) if answer.kind == "password" => {
                    self.password(host, answer)? != answer.value
                }
                Some(now) => !answer.is(now),
            },
        };
        Ok(Found { answers, differs })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let Some(answer) = self.answer.as_ref().filter(|_| found.differs) else {
            return Vec::new();
        };
        let mut argv = vec!["debconf-set-selections"];
        argv.extend(self.unseen.then_some("-u"));
        let (question, kind, value) = (&answer.question, &answer.kind, &answer.value);
        vec![programs::change(Command {
            // Not among the arguments, where others could read it.
            stdin: Some(format!("{} {question} {kind} {value}\n", self.name)),
            ..plain(argv)
        })]
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let Some(answer) = self.answer.as_ref().filter(|_| found.differs) else {
            return Ok(Report::of(values(json!({"current": found.answers}))));
        };
        let question = &answer.question;
        let current: Value = match (&answer.several, answer.kind.as_str()) {
            (Some(items), "multiselect") if outcome.check => items.clone().into(),
            (_, "password") => "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER".into(),
            _ => answer.value.clone().into(),
        };
        let previous = match found.answers.get(question) {
            Some(before) => json!({ question: before }),
            None => {
                let mut all = found.answers.clone();
                all.insert(question.clone(), String::new());
                json!(all)
            }
        };
        Ok(Report::of(values(json!({
            "current": { question: current }, "previous": previous,
        }))))
    }
}

impl Debconf {
    /// A password is not shown, but can be asked for.
    fn password(&self, host: &dyn Host, answer: &Answer) -> Result<String, ModuleError> {
        if host.find_program("debconf-get-selections").is_none() {
            return Ok(String::new());
        }
        let said = checked(host, &plain(["debconf-get-selections"]))?;
        let found = said.stdout.lines().find_map(|line| {
            let mut fields = line.split('\t');
            let is_it = fields.next()? == self.name && fields.next()? == answer.question;
            is_it.then(|| fields.nth(1).unwrap_or_default().to_owned())
        });
        Ok(found.unwrap_or_default())
    }
}

impl Answer {
    fn is(&self, now: &str) -> bool {
        match (&self.several, self.kind.as_str()) {
            (Some(wanted), "multiselect") => {
                let mut now: Vec<&str> = now.split(',').map(str::trim).collect();
                let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
                now.sort_unstable();
                wanted.sort_unstable();
                now == wanted
            }
            (_, "boolean") => now.to_lowercase() == self.value,
            _ => now == self.value,
        }
    }
}

/// Reads lines as `* package/question: answer`, where the star means that it was seen.
fn read(said: &str) -> BTreeMap<String, String> {
    let pairs = said.lines().filter_map(|line| {
        let (question, answer) = line.split_once(':')?;
        let question = question.trim_matches([' ', '*', '\t']);
        Some((question.to_owned(), answer.trim().to_owned()))
    });
    pairs.collect()
}
