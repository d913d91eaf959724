//! `graph`: which resource waits for which, in the language of Graphviz.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anstream::print;
use strata_core::{Diagnostic, Diagnostics, addr::ConfigResource};
use strata_ops::{
    files::Disk,
    graph::{Graph, StepShape, Steps, destroy_graph, graph, name, plan_graph, step_graph},
    infrastructure::{SavedPlan, Settings},
    registry::Platforms,
};

use super::{Exit, complain, process};
use crate::args;

pub(super) fn run(arguments: &args::Graph) -> Result<Exit, Diagnostics> {
    let settings = Settings::of(PathBuf::from("."));
    if arguments.module_depth.is_some() {
        complain(&without_depth().into());
    }
    match (arguments.kind.as_deref(), &arguments.plan) {
        (None | Some("apply"), Some(file)) => print!("{}", steps(&of_plan(file, &settings)?)),
        (None, None) => print!("{}", dot(&graph(&Disk, Path::new("."))?)),
        (Some("plan-destroy"), _) => {
            print!("{}", steps(&destroy_graph(&settings, &process()?)?));
        }
        (Some("plan" | "plan-refresh-only" | "apply"), _) => {
            print!("{}", steps(&step_graph(&Disk, Path::new("."))?));
        }
        (Some(_), _) => return Err(no_such_type().into()),
    }
    Ok(0)
}

/// The actions of a saved plan.
fn of_plan(file: &Path, settings: &Settings) -> Result<Steps, Diagnostics> {
    let process = process()?;
    let Some(saved) = SavedPlan::read(file, settings, &process)? else {
        let summary = format!("Failed to load \"{}\" as a plan file", file.display());
        let found = Diagnostic::error("plan-file", summary);
        return Err(found.detail("It is not a plan that Strata saved.").into());
    };
    let plan = saved.plan(&process, &Platforms::real(&process))?;
    Ok(plan_graph(&plan))
}

fn without_depth() -> Diagnostic {
    Diagnostic::warning("module-depth", "`-module-depth` is of no effect")
        .detail("All modules are shown, as with Terraform.")
}

fn no_such_type() -> Diagnostic {
    Diagnostic::error("invalid-graph-type", "Unsupported graph type").detail(
        "The -type=... argument must be either \"plan\", \"plan-refresh-only\", \"plan-destroy\", or \"apply\".",
    )
}

/// Draws steps as `terraform graph -type=plan` 1.11 does.
fn steps(steps: &Steps) -> String {
    let mut out = String::from(
        "digraph {\n\tcompound = \"true\"\n\tnewrank = \"true\"\n\tsubgraph \"root\" {\n",
    );
    for (name, step) in &steps.0 {
        let shape = match step.shape {
            StepShape::Hidden => continue,
            StepShape::Box => "box",
            StepShape::Diamond => "diamond",
            StepShape::Note => "note",
        };
        let label = name.trim_end_matches(" (expand)");
        let label = quoted(label.trim_end_matches(" (destroy)"));
        let id = quoted(&format!("[root] {name}"));
        line(
            &mut out,
            &format!("\t\t{id} [label = {label}, shape = \"{shape}\"]"),
        );
    }
    let arrow = |from: &str, to: &String| {
        let ends = [from, to.as_str()].map(|name| quoted(&format!("[root] {name}")));
        format!("\t\t{} -> {}", ends[0], ends[1])
    };
    let arrows = steps.0.iter();
    let mut arrows: Vec<String> = arrows
        .flat_map(|(from, step)| step.after.iter().map(move |to| arrow(from, to)))
        .collect();
    arrows.sort();
    arrows.iter().for_each(|arrow| line(&mut out, arrow));
    out.push_str("\t}\n}\n");
    out
}

/// Draws a graph as `terraform graph` 1.11 does.
fn dot(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n",
    );
    if graph.resources.is_empty() {
        out.push_str("  /* This configuration does not contain any resources.         */\n");
        out.push_str("  /* For a more detailed graph, try: terraform graph -type=plan */\n");
    }
    for module in graph
        .resources
        .chunk_by(|left, right| left.module == right.module)
    {
        draw_module(module, &mut out);
    }
    for (from, to) in &graph.edges {
        let ends = (
            graph.resources[*from].to_string(),
            graph.resources[*to].to_string(),
        );
        line(
            &mut out,
            &format!("  {} -> {};", quoted(&ends.0), quoted(&ends.1)),
        );
    }
    out.push_str("}\n");
    out
}

fn draw_module(resources: &[ConfigResource], out: &mut String) {
    let path = resources.first().map(|first| first.module.to_string());
    let path = path.unwrap_or_default();
    let indent = if path.is_empty() { "  " } else { "    " };
    if !path.is_empty() {
        line(
            out,
            &format!("  subgraph {} {{", quoted(&format!("cluster_{path}"))),
        );
        line(out, &format!("    label = {}", quoted(&path)));
        line(out, "    fontname = \"sans-serif\"");
    }
    for resource in resources {
        let (id, label) = (quoted(&resource.to_string()), quoted(&name(resource)));
        line(out, &format!("{indent}{id} [label={label}];"));
    }
    if !path.is_empty() {
        line(out, "  }");
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes all");
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}
