//! One file a family of commands: from arguments to an operation's options, and its events to a renderer.

mod adopt;
mod approval;
mod check;
mod completion;
mod console;
mod doc;
mod format;
mod galaxy;
mod graph;
mod import;
mod infrastructure;
mod initialize;
mod login;
mod metadata;
mod modules;
mod output;
mod playbook;
mod project;
mod prompt;
mod providers;
mod saved;
mod show;
mod signals;
pub(crate) mod state;
mod surgery;
mod taint;
mod test;
mod twin;
mod unlock;
mod vault;
mod version;
mod workspace;

use std::{
    env,
    ffi::OsString,
    io::{IsTerminal, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
    sync::OnceLock,
};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use strata_core::{Diagnostics, Events, StageKind};
use strata_ops::process::Process;

use crate::{
    args::{Args, Command, MetadataCommand, ProvidersCommand},
    render::{
        Renderer, Screen,
        adhoc::AdhocLook,
        ansible::{AnsibleLook, Manner},
        ansible_json::AnsibleJson,
        ansible_profile::{Profile, Profiled},
        diagnostic::DiagnosticRenderer,
        json::JsonLines,
        lines::Lines,
        progress::ProgressLook,
        terraform::TerraformLook,
        terraform_json::{self, TerraformJson},
    },
};

/// How a command ended, as a shell sees it.
pub(crate) type Exit = u8;

/// Something failed.
pub(crate) const FAILED: Exit = 1;

/// Where the program was started, before `-chdir`.
static STARTED_IN: OnceLock<PathBuf> = OnceLock::new();

/// Runs one command.
pub(crate) fn run(args: Args) -> ExitCode {
    if args.everywhere.no_color {
        anstream::ColorChoice::Never.write_global();
    }
    if let Ok(folder) = env::current_dir() {
        drop(STARTED_IN.set(folder));
    }
    if let Some(folder) = &args.everywhere.chdir
        && let Err(error) = env::set_current_dir(folder)
    {
        complain(
            &strata_core::Diagnostic::error(
                "chdir",
                format!("Cannot go to `{}`", folder.display()),
            )
            .detail(error.to_string())
            .into(),
        );
        return ExitCode::from(FAILED);
    }
    ExitCode::from(command(args.command).unwrap_or_else(|diags| {
        complain(&diags);
        FAILED
    }))
}

/// Says what is wrong with the options of a command of Terraform's, under Terraform's summaries.
pub(crate) fn refuse_arguments(wrong: &clap::Error, argv: &[OsString]) -> ExitCode {
    let unknown = wrong.get(ContextKind::InvalidArg);
    let is_word = match (wrong.kind(), unknown) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) => !word.starts_with('-'),
        _ => false,
    };
    let summary = match is_word {
        true => "Too many command line arguments",
        false => "Failed to parse command-line flags",
    };
    let said = wrong.render().to_string();
    let said = said.strip_prefix("error: ").unwrap_or(&said).trim_end();
    let said = match unknown {
        Some(ContextValue::String(option)) => as_typed(said, option),
        _ => said.to_owned(),
    };
    let found = strata_core::Diagnostic::error("command-line", summary).detail(said);
    let found = match environment_wanted(wrong) {
        Some(hint) => found.hint(hint),
        None => found,
    };
    let streams = |word: &OsString| {
        let streaming = ["apply", "destroy", "plan", "refresh", "test"];
        streaming.iter().any(|command| word == command)
    };
    let as_json = argv.iter().any(streams) && argv.iter().any(|word| word == "--json");
    complain_as(&found.into(), as_json);
    ExitCode::from(FAILED)
}

/// What is said of an option, with one dash before all options if it was typed with one.
fn as_typed(said: &str, option: &str) -> String {
    match with_one_dash(option) {
        Some(_) => said.replace(" '--", " '-"),
        None => said.to_owned(),
    }
}

/// An option with one dash, if it was typed so.
pub(crate) fn with_one_dash(option: &str) -> Option<&str> {
    let typed = option.strip_prefix('-')?;
    let is_typed = |word: OsString| {
        let word = word.to_string_lossy();
        word.split('=').next() == Some(typed)
    };
    (typed.starts_with('-') && env::args_os().any(is_typed)).then_some(typed)
}

/// What to write where a command wants an environment and was given none; none for any other mistake.
pub(crate) fn environment_wanted(wrong: &clap::Error) -> Option<String> {
    let missing = match wrong.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing,
        _ => return None,
    };
    let wants = wrong.kind() == ErrorKind::MissingRequiredArgument
        && missing.iter().any(|name| name.contains("ENV"));
    wants.then(project::which_environment)
}

/// Says that the environment's arguments cannot be read.
pub(crate) fn refuse(wrong: &str) -> ExitCode {
    complain(&strata_core::Diagnostic::error("environment-arguments", wrong).into());
    ExitCode::from(FAILED)
}

fn command(command: Command) -> Result<Exit, Diagnostics> {
    match command {
        Command::Version(arguments) => version::run(&arguments),
        Command::Completion(arguments) => Ok(completion::run(arguments.shell)),
        Command::Doc(arguments) => doc::run(&arguments),
        Command::Up(arguments) => project::up(&arguments),
        Command::Down(arguments) => project::down(&arguments),
        Command::Configure(arguments) => project::stages(&arguments, StageKind::Configure),
        Command::Verify(arguments) => project::stages(&arguments, StageKind::Verify),
        Command::Status(arguments) => project::status(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Plan(arguments) if arguments.environment.is_some() => project::plan(&arguments),
        Command::Plan(arguments) => infrastructure::plan(&arguments),
        Command::Apply(arguments) => infrastructure::apply(&arguments),
        Command::Destroy(arguments) => infrastructure::destroy(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Refresh(arguments) => infrastructure::refresh(&arguments),
        Command::Init(arguments) => match &arguments.from {
            Some(folder) => adopt::run(folder),
            None => initialize::init(&arguments),
        },
        Command::Get(arguments) => initialize::get(&arguments),
        Command::Validate(arguments) => infrastructure::validate(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Console(arguments) => console::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Modules(arguments) => modules::run(arguments.json),
        Command::Providers(arguments) => match arguments.command {
            None => providers::run(&arguments.test_directory),
            Some(ProvidersCommand::Schema { json: _ }) => providers::schemas(),
            Some(ProvidersCommand::Lock {
                providers,
                platform: _,
                fs_mirror,
                net_mirror,
                enable_plugin_cache: _,
            }) => providers::lock(&providers, fs_mirror.is_some() || net_mirror.is_some()),
            Some(ProvidersCommand::Mirror { .. }) => Err(providers::no_packages().into()),
        },
        Command::Login(arguments) => Err(login::refuse_login(&arguments.host)),
        Command::Logout(arguments) => Err(login::refuse_logout(&arguments.host)),
        Command::Metadata(arguments) => match arguments.command {
            MetadataCommand::Functions { json: _ } => Ok(metadata::functions()),
        },
        Command::Fmt(arguments) => format::run(&arguments),
        Command::Output(arguments) => output::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::State(arguments) => state::run(&arguments.command),
        Command::Taint(arguments) => taint::run(&arguments, true),
        Command::Untaint(arguments) => taint::run(&arguments, false),
        Command::ForceUnlock(arguments) => unlock::run(&arguments),
        Command::Workspace(arguments) | Command::Env(arguments) => {
            workspace::run(&arguments.command)
        }
        Command::Playbook(arguments) => playbook::run(&arguments),
        Command::Inventory(arguments) => playbook::inventory(&arguments),
        Command::Run(arguments) => playbook::adhoc(&arguments),
        Command::Galaxy(arguments) => galaxy::run(&arguments),
        Command::Vault(arguments) => vault::run(&arguments),
        Command::Twin(arguments) => twin::run(&arguments),
    }
}

/// What this process is, for operations.
pub(crate) fn process() -> Result<Process, Diagnostics> {
    let started_in = |process: Process| Process {
        started_in: STARTED_IN
            .get()
            .unwrap_or(&process.working_directory)
            .clone(),
        ..process
    };
    Process::current().map(started_in).map_err(|error| {
        let diagnostic = strata_core::Diagnostic::error(
            "working-directory",
            "The working directory is not there",
        );
        diagnostic.detail(error.to_string()).into()
    })
}

/// Runs asynchronous work on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Diagnostics> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Diagnostics::from(
            strata_core::Diagnostic::error("runtime", "The system refuses threads or timers")
                .detail(error.to_string()),
        )
    })?;
    let result = runtime.block_on(work);
    // Blocking work that is still under way after a hard stop is not waited for.
    runtime.shutdown_background();
    Ok(result)
}

/// Shows diagnostics on standard error.
pub(crate) fn complain(diags: &Diagnostics) {
    let mut renderer = diagnostics();
    for diagnostic in diags.iter() {
        anstream::eprint!("{}", renderer.render(diagnostic));
    }
}

/// Shows diagnostics as the JSON stream of Terraform's commands, or on standard error.
pub(crate) fn complain_as(diags: &Diagnostics, json: bool) {
    if !json {
        return complain(diags);
    }
    for diagnostic in diags.iter() {
        let level = if diagnostic.is_error() {
            "error"
        } else {
            "warn"
        };
        let word = if diagnostic.is_error() {
            "Error"
        } else {
            "Warning"
        };
        let fields = [("diagnostic", terraform_json::diagnostic(diagnostic))];
        terraform_json::line(
            level,
            &format!("{word}: {}", diagnostic.summary),
            "diagnostic",
            fields,
        );
    }
}

fn diagnostics() -> DiagnosticRenderer {
    let colour = anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
    DiagnosticRenderer::new(colour, columns())
}

/// Columns of the terminal; 80 where there is none.
pub(crate) fn columns() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// The look of a command.
pub(crate) enum Look {
    /// Terraform's own.
    Terraform {
        /// Whether warnings are shown by their summaries only.
        compact_warnings: bool,
    },
    /// The stream of `-json` of Terraform's commands.
    TerraformJson,
    /// Those of `ansible-playbook` and `ansible`.
    Ansible(AnsibleScreen),
    /// Stages with what is under way, with so much detail.
    Progress(u8),
    /// Stages with what would be done, with so much detail.
    Planning(u8),
    /// Each event as a line of JSON.
    Json,
}

/// A look of Ansible's.
pub(crate) struct AnsibleScreen {
    /// Which.
    callback: Callback,
    /// How results are shown.
    manner: Manner,
    /// What is told of how long things took.
    profiles: Vec<Profile>,
    /// The file that lines are written to as well.
    log: Option<PathBuf>,
}

/// What shows results, by Ansible's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callback {
    Default,
    Minimal,
    OneLine,
    Json,
    JsonLines,
}

impl AnsibleScreen {
    fn renderer(&self, diagnostics: DiagnosticRenderer) -> Box<dyn Renderer> {
        let width = columns().saturating_sub(1).max(79);
        let live = stdout().is_terminal() && stderr().is_terminal();
        let lines = Lines::new(self.log.as_deref(), live);
        let look: Box<dyn Renderer> = match self.callback {
            Callback::Default => Box::new(AnsibleLook::new(width, self.manner, diagnostics, lines)),
            Callback::Minimal | Callback::OneLine => {
                let one_line = self.callback == Callback::OneLine;
                Box::new(AdhocLook::new(self.manner, one_line, diagnostics, lines))
            }
            Callback::Json | Callback::JsonLines => {
                let each = self.callback == Callback::JsonLines;
                let statistics = self.manner.statistics;
                Box::new(AnsibleJson::new(each, statistics, diagnostics, lines))
            }
        };
        if self.profiles.is_empty() {
            return look;
        }
        let lines = Lines::new(self.log.as_deref(), false);
        let verbosity = self.manner.verbosity;
        Box::new(Profiled::new(look, &self.profiles, lines, width, verbosity))
    }
}

/// Starts drawing with a look.
pub(crate) fn screen(look: &Look) -> Screen {
    let diagnostics = diagnostics();
    let renderer: Box<dyn Renderer> = match look {
        Look::Terraform { compact_warnings } => {
            Box::new(TerraformLook::new(diagnostics, *compact_warnings))
        }
        Look::TerraformJson => Box::new(TerraformJson::new()),
        Look::Ansible(look) => look.renderer(diagnostics),
        Look::Progress(verbosity) | Look::Planning(verbosity) => {
            let (live, planning) = (stderr().is_terminal(), matches!(look, Look::Planning(_)));
            Box::new(ProgressLook::new(live, planning, *verbosity, diagnostics))
        }
        Look::Json => Box::new(JsonLines::new()),
    };
    Screen::new(renderer)
}

/// Sends diagnostics to the screen, where they belong once it is drawing.
pub(crate) fn tell(events: &Events, diags: Diagnostics) {
    diags
        .into_iter()
        .for_each(|diagnostic| events.diagnostic(diagnostic));
}
