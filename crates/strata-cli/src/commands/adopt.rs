//! `init --from DIR`: a first project file for a repository as it stands.

use std::{fs::OpenOptions, io::Write, path::Path};

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    adopt::{Draft, draft},
    files::Disk,
    project::FILE_NAME,
};

use super::Exit;

/// Writes the draft into the folder; a project file that is there stays as it is.
pub(super) fn run(folder: &Path) -> Result<Exit, Diagnostics> {
    if !folder.is_dir() {
        let summary = format!("There is no folder `{}`", folder.display());
        return Err(Diagnostic::error("no-folder", summary).into());
    }
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().unwrap_or_default().to_string_lossy();
    let Some(draft) = draft(&Disk, folder, &name) else {
        let summary = format!(
            "There is nothing to make a project of in `{}`",
            folder.display()
        );
        let nothing = Diagnostic::error("nothing-found", summary)
            .detail("No folder in it has Terraform configuration, and no file is a playbook.");
        return Err(nothing.into());
    };
    write(&folder.join(FILE_NAME), &draft.text)?;
    tell(folder, &draft);
    Ok(0)
}

fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let summary = format!("`{}` cannot be written", path.display());
        let hint = "A project file that is there is not overwritten: move it away first.";
        Diagnostic::error("project-file", summary)
            .detail(error.to_string())
            .hint(hint)
    })
}

fn tell(folder: &Path, draft: &Draft) {
    println!("Wrote {}:", folder.join(FILE_NAME).display());
    draft.placed.iter().for_each(|line| println!("  {line}"));
    if !draft.unplaced.is_empty() {
        println!("\nWithout a place in it:");
        for (path, why) in &draft.unplaced {
            println!("  {path}: {why}");
        }
    }
    println!("\nLook it through, then try `strata plan ENV`.");
}
