//! How tests are told of: as Terraform prints them, as its stream of JSON, and as a report of JUnit.

use std::{collections::BTreeSet, fmt::Write as _, time::Instant};

use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    infrastructure::{Providers, plan_json, stored},
    testing::{Shown, Status, Sum, Told},
};

use super::{plan, print_whole, schema_json, terraform, terraform_json};
use crate::commands;

/// Prints what happens.
pub(crate) fn text(told: &Told<'_>) {
    match told {
        Told::Found(_) | Told::RunStarted { .. } | Told::RunTearingDown { .. } => {}
        Told::Warned(found) => commands::complain(found),
        Told::FileStarted(file) => print_whole(&format!("{file}... in progress\n")),
        Told::RunEnded {
            run,
            status,
            diagnostics,
            shown,
            ..
        } => {
            print_whole(&format!("  run {run:?}... {}\n", word(*status)));
            if let Some(shown) = shown {
                print_whole(&format!("\n{}\n", shown_text(shown)));
            }
            commands::complain(diagnostics);
        }
        Told::TearingDown(file) => print_whole(&format!("{file}... tearing down\n")),
        Told::LeftBehind {
            run,
            objects,
            diagnostics,
            ..
        } => {
            commands::complain(diagnostics);
            commands::complain(&left_behind(run, objects).into());
        }
        Told::FileEnded {
            file,
            status,
            diagnostics,
        } => {
            commands::complain(diagnostics);
            print_whole(&format!("{file}... {}\n", word(*status)));
        }
    }
}

fn left_behind(run: &str, objects: &[(String, Option<String>)]) -> Diagnostic {
    let objects = objects.iter().map(|(address, key)| match key {
        Some(key) => format!("\n  - {address} (deposed object {key})"),
        None => format!("\n  - {address}"),
    });
    let objects: String = objects.collect();
    let summary = format!("Error destroying what the run {run:?} made");
    Diagnostic::error("left-behind", summary).detail(format!(
        "These objects were made by the tests and are still there:{objects}"
    ))
}

fn shown_text(shown: &Shown<'_>) -> String {
    match shown {
        Shown::Plan(made, providers) => plan::plan(made, providers),
        Shown::State(state, providers) => {
            let instances = state.instances();
            let drawn = instances.map(|(address, resource, instance)| {
                commands::state::text(&address, resource, instance, providers)
            });
            let drawn: Vec<String> = drawn.collect();
            format!("{}\n{}", drawn.join("\n"), terraform::outputs(state))
        }
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Skip => "skip",
        Status::Pass => "pass",
        Status::Fail | Status::Error => "fail",
    }
}

/// Prints how all ended.
pub(crate) fn text_sum(sum: &Sum) {
    print_whole(&format!("\n{}\n", sentence(sum)));
}

fn sentence(sum: &Sum) -> String {
    let outcome = match sum.status() {
        Status::Pass | Status::Skip => "Success!",
        Status::Fail | Status::Error => "Failure!",
    };
    let skipped = match sum.skipped {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    let failed = sum.failed + sum.errored;
    format!("{outcome} {} passed, {failed} failed{skipped}.", sum.passed)
}

/// Begins the stream of JSON.
pub(crate) fn begin() {
    drop(terraform_json::TerraformJson::new());
}

/// Writes what happens as lines of Terraform's stream.
pub(crate) fn json(told: &Told<'_>) {
    match told {
        Told::Found(files) => {
            let runs = files.iter().map(|file| {
                let names = file.runs.iter().map(|run| json!(&*run.name));
                let names: Vec<Json> = names.collect();
                let names = match names.is_empty() {
                    true => Json::Null,
                    false => names.into(),
                };
                (file.name.clone(), names)
            });
            let count = files.iter().map(|file| file.runs.len()).sum();
            let message = format!(
                "Found {} and {}",
                number(files.len(), "file"),
                number(count, "run block")
            );
            let runs: Map<_, _> = runs.collect();
            terraform_json::line(
                "info",
                &message,
                "test_abstract",
                [("test_abstract", runs.into())],
            );
        }
        Told::Warned(found) => commands::complain_as(found, true),
        Told::FileStarted(file) => {
            file_line(
                file,
                "in progress",
                json!({ "path": file, "progress": "starting" }),
            );
        }
        Told::RunStarted { file, run } => run_line(
            (file, run),
            "in progress",
            json!({ "path": file, "run": run, "progress": "starting", "elapsed": 0 }),
        ),
        Told::RunEnded {
            file,
            run,
            status,
            diagnostics,
            shown,
        } => {
            let ended = json!({ "path": file, "run": run, "progress": "complete", "status": name(*status) });
            run_line((file, run), word(*status), ended);
            if let Some(shown) = shown {
                shown_line(file, run, shown);
            }
            complain(diagnostics, file, Some(run));
        }
        Told::TearingDown(file) => {
            file_line(
                file,
                "tearing down",
                json!({ "path": file, "progress": "teardown" }),
            );
        }
        Told::RunTearingDown { file, run } => run_line(
            (file, run),
            "tearing down",
            json!({ "path": file, "run": run, "progress": "teardown", "elapsed": 0 }),
        ),
        Told::LeftBehind {
            file,
            run,
            objects,
            diagnostics,
        } => {
            left_line((file, run), objects);
            complain(diagnostics, file, Some(run));
        }
        Told::FileEnded {
            file,
            status,
            diagnostics,
        } => {
            let ended = json!({ "path": file, "progress": "complete", "status": name(*status) });
            file_line(file, word(*status), ended);
            complain(diagnostics, file, None);
        }
    }
}

fn number(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Skip => "skip",
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Error => "error",
    }
}

fn file_line(file: &str, doing: &str, fields: Json) {
    let message = format!("{file}... {doing}");
    let fields = [("@testfile", json!(file)), ("test_file", fields)];
    terraform_json::line("info", &message, "test_file", fields);
}

fn left_line((file, run): (&str, &str), objects: &[(String, Option<String>)]) {
    let objects = objects.iter().map(|(address, key)| match key {
        Some(key) => json!({ "instance": address, "deposed_key": key }),
        None => json!({ "instance": address }),
    });
    let left = json!({ "failed_resources": objects.collect::<Json>() });
    let message = format!(
        "Strata left some resources in state after executing {file}/{run}, they need to be cleaned up manually."
    );
    let fields = [
        ("@testfile", json!(file)),
        ("@testrun", json!(run)),
        ("test_cleanup", left),
    ];
    terraform_json::line("error", &message, "test_cleanup", fields);
}

fn run_line((file, run): (&str, &str), doing: &str, fields: Json) {
    let message = format!("  {run:?}... {doing}");
    let fields = [
        ("@testfile", json!(file)),
        ("@testrun", json!(run)),
        ("test_run", fields),
    ];
    terraform_json::line("info", &message, "test_run", fields);
}

/// What came of a run in Terraform's shape.
fn shown_line(file: &str, run: &str, shown: &Shown<'_>) {
    let (kind, what) = match shown {
        Shown::Plan(..) => ("test_plan", "plan"),
        Shown::State(..) => ("test_state", "state"),
    };
    let mut whole = match shown {
        Shown::Plan(made, providers) => plan_json(made, providers),
        Shown::State(state, providers) => stored::json(state, providers)["values"].take(),
    };
    let mut value = json!({ "provider_format_version": "1.0" });
    value[format!("{what}_format_version")] = match shown {
        Shown::Plan(..) => json!("1.2"),
        Shown::State(..) => json!("1.0"),
    };
    let parts = [
        "output_changes",
        "outputs",
        "relevant_attributes",
        "resource_changes",
        "resource_drift",
        "root_module",
    ];
    for name in parts {
        if let Some(part) = whole.get_mut(name) {
            value[name] = part.take();
        }
    }
    let (Shown::Plan(_, providers) | Shown::State(_, providers)) = shown;
    value["provider_schemas"] = used_schemas(&value, providers);
    let fields = [
        ("@testfile", json!(file)),
        ("@testrun", json!(run)),
        (kind, value),
    ];
    let message = format!("-verbose flag enabled, printing {what}");
    terraform_json::line("info", &message, kind, fields);
}

/// The schemas of the providers that a plan or a state names.
fn used_schemas(shown: &Json, providers: &Providers) -> Json {
    let mut used = BTreeSet::new();
    named_providers(shown, &mut used);
    let found = used
        .into_iter()
        .filter_map(|source| Some((source, providers.get(source)?.schema())));
    schema_json::providers(found)
}

fn named_providers<'a>(shown: &'a Json, found: &mut BTreeSet<&'a str>) {
    match shown {
        Json::Array(items) => items.iter().for_each(|item| named_providers(item, found)),
        Json::Object(entries) => {
            found.extend(entries.get("provider_name").and_then(Json::as_str));
            entries
                .values()
                .for_each(|value| named_providers(value, found));
        }
        _ => {}
    }
}

fn complain(diagnostics: &Diagnostics, file: &str, run: Option<&str>) {
    for found in diagnostics.iter() {
        let (level, word) = match found.is_error() {
            true => ("error", "Error"),
            false => ("warn", "Warning"),
        };
        let message = format!("{word}: {}", found.summary);
        let (file, shown) = (json!(file), terraform_json::diagnostic(found));
        match run {
            Some(run) => {
                let run = json!(run);
                let fields = [
                    ("@testfile", file),
                    ("@testrun", run),
                    ("diagnostic", shown),
                ];
                terraform_json::line(level, &message, "diagnostic", fields);
            }
            None => {
                let fields = [("@testfile", file), ("diagnostic", shown)];
                terraform_json::line(level, &message, "diagnostic", fields);
            }
        }
    }
}

/// Ends the stream of JSON.
pub(crate) fn json_sum(sum: &Sum) {
    let fields = json!({
        "status": name(sum.status()),
        "passed": sum.passed,
        "failed": sum.failed,
        "errored": sum.errored,
        "skipped": sum.skipped,
    });
    terraform_json::line(
        "info",
        &sentence(sum),
        "test_summary",
        [("test_summary", fields)],
    );
}

/// What was told, for a report.
#[derive(Default)]
pub(crate) struct Report {
    suites: Vec<(String, Vec<Case>)>,
    began: Option<Instant>,
}

struct Case {
    name: String,
    status: Status,
    seconds: f64,
    wrong: Vec<(String, String)>,
}

impl Report {
    /// Takes note of what happens.
    pub(crate) fn take(&mut self, told: &Told<'_>) {
        match told {
            Told::FileStarted(file) => self.suites.push(((*file).to_owned(), Vec::new())),
            Told::RunStarted { .. } => self.began = Some(Instant::now()),
            Told::RunEnded {
                run,
                status,
                diagnostics,
                ..
            } => {
                let began = self.began.take();
                let errors = diagnostics.iter().filter(|found| found.is_error());
                let case = Case {
                    name: (*run).to_owned(),
                    status: *status,
                    seconds: began.map_or(0.0, |began| began.elapsed().as_secs_f64()),
                    wrong: errors
                        .map(|found| (found.summary.clone(), found.detail.clone()))
                        .collect(),
                };
                if let Some((_, cases)) = self.suites.last_mut() {
                    cases.push(case);
                }
            }
            _ => {}
        }
    }

    /// The report, as `terraform test -junit-xml` lays it out.
    pub(crate) fn junit(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuites>\n");
        for (file, cases) in &self.suites {
            let count = |status: Status| cases.iter().filter(|case| case.status == status).count();
            let file = escaped(file);
            line(
                &mut out,
                &format!(
                    "  <testsuite name=\"{file}\" tests=\"{}\" skipped=\"{}\" failures=\"{}\" errors=\"{}\">",
                    cases.len(),
                    count(Status::Skip),
                    count(Status::Fail),
                    count(Status::Error)
                ),
            );
            cases.iter().for_each(|case| case.write(&file, &mut out));
            line(&mut out, "  </testsuite>");
        }
        out.push_str("</testsuites>\n");
        out
    }
}

impl Case {
    fn write(&self, file: &str, out: &mut String) {
        let name = escaped(&self.name);
        let (kind, message) = match self.status {
            Status::Skip => ("skipped", "Left out after a run that could not be done"),
            Status::Fail => ("failure", "Test run failed"),
            Status::Error => ("error", "Encountered an error"),
            Status::Pass => {
                let seconds = self.seconds;
                let case = format!(
                    "    <testcase name=\"{name}\" classname=\"{file}\" time=\"{seconds:.6}\"></testcase>"
                );
                return line(out, &case);
            }
        };
        let time = match self.status {
            Status::Skip => String::new(),
            _ => format!(" time=\"{:.6}\"", self.seconds),
        };
        line(
            out,
            &format!("    <testcase name=\"{name}\" classname=\"{file}\"{time}>"),
        );
        let wrong = self.wrong.iter();
        let wrong = wrong.map(|(summary, detail)| format!("Error: {summary}\n\n{detail}\n"));
        let wrong = escaped(&wrong.collect::<Vec<_>>().join("\n"));
        line(
            out,
            &format!("      <{kind} message=\"{message}\">{wrong}</{kind}>"),
        );
        line(out, "    </testcase>");
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes all");
}

/// Text as XML takes it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            c if c.is_control() && !"\t\n".contains(c) => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_a_case_for_each_run() {
        let case = |name: &str, status, wrong: &[(&str, &str)]| Case {
            name: name.to_owned(),
            status,
            seconds: 0.5,
            wrong: wrong
                .iter()
                .map(|(summary, detail)| ((*summary).to_owned(), (*detail).to_owned()))
                .collect(),
        };
        let cases = vec![
            case("a", Status::Pass, &[]),
            case("b", Status::Error, &[("No <value>", "it is \"x\" & more")]),
            case("c", Status::Skip, &[]),
        ];
        let report = Report {
            suites: vec![("tests/a.tftest.hcl".to_owned(), cases)],
            began: None,
        };
        let expected = expect_test::expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?><testsuites>
              <testsuite name="tests/a.tftest.hcl" tests="3" skipped="1" failures="0" errors="1">
                <testcase name="a" classname="tests/a.tftest.hcl" time="0.500000"></testcase>
                <testcase name="b" classname="tests/a.tftest.hcl" time="0.500000">
                  <error message="Encountered an error">Error: No &lt;value&gt;

            it is &#34;x&#34; &amp; more
            </error>
                </testcase>
                <testcase name="c" classname="tests/a.tftest.hcl">
                  <skipped message="Left out after a run that could not be done"></skipped>
                </testcase>
              </testsuite>
            </testsuites>
        "#]];
        expected.assert_eq(&report.junit());
    }
}
