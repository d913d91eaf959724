//! `corpus`: parses and formats every configuration file of a folder of repositories, beside terraform.
//!
//! The files are copied twice into a scratch folder under numbers; each program formats a copy in one run. What a
//! program names in its errors it could not parse. With terraform on the path its copies are compared with ours,
//! byte for byte; otherwise only parsing is counted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::failure::Failure;
use crate::process;

const ENDINGS: [&str; 4] = [".tf", ".tfvars", ".tofu", ".tftest.hcl"];

/// Walks a folder and compares; fails if a file that terraform reads is not read or comes out differently.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let [folder, options @ ..] = words else {
        return Err(Failure::new("corpus needs a folder of repositories"));
    };
    let strata = match options {
        [] => built()?,
        ["--strata", path] => {
            fs::canonicalize(path).map_err(|error| Failure::file(Path::new(path), &error))?
        }
        _ => return Err(Failure::new("corpus takes only `--strata PATH`")),
    };
    let files = files(Path::new(folder))?;
    let scratch = std::env::temp_dir().join(format!("strata-corpus-{}", std::process::id()));
    let result = compare(&files, &scratch, &strata);
    if scratch.exists() {
        fs::remove_dir_all(&scratch).map_err(|error| Failure::file(&scratch, &error))?;
    }
    result
}

fn built() -> Result<PathBuf, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", "strata-cli"]);
    process::watch(cargo)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Ok(root.join("target/debug/strata"))
}

/// Every configuration file below a folder, by name; links are not followed.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| Failure::file(&folder, &error))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && name != ".git" => waiting.push(path),
                Ok(kind) if kind.is_file() && ENDINGS.iter().any(|end| name.ends_with(end)) => {
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a program made of the files.
struct Made {
    folder: PathBuf,
    said: String,
}

impl Made {
    /// Copies the files and lets a program format the copies.
    fn by(program: &Path, files: &[PathBuf], folder: PathBuf) -> Result<Made, Failure> {
        fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        for (number, file) in files.iter().enumerate() {
            fs::copy(file, folder.join(numbered(number)))
                .map_err(|error| Failure::file(file, &error))?;
        }
        let output = Command::new(program)
            .args(["fmt", "-list=false", "-no-color"])
            .current_dir(&folder)
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::file(program, &error))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Made { folder, said })
    }

    /// True if the program found mistakes in the file.
    fn refused(&self, number: usize) -> bool {
        self.said.contains(&numbered(number))
    }

    fn text(&self, number: usize) -> Option<Vec<u8>> {
        fs::read(self.folder.join(numbered(number))).ok()
    }
}

fn numbered(number: usize) -> String {
    format!("f{number:06}.tf")
}

fn compare(files: &[PathBuf], scratch: &Path, strata: &Path) -> Result<(), Failure> {
    let ours = Made::by(strata, files, scratch.join("strata"))?;
    if !process::succeeds(&["terraform", "version"]) {
        let refused: Vec<_> = (0..files.len()).filter(|at| ours.refused(*at)).collect();
        refused
            .iter()
            .for_each(|at| println!("not parsed: {}", files[*at].display()));
        println!(
            "{} of {} files parse; no terraform to compare with",
            files.len() - refused.len(),
            files.len()
        );
        return outcome(refused.len());
    }
    let theirs = Made::by(Path::new("terraform"), files, scratch.join("terraform"))?;
    let (mut wrong, mut parsed, mut same) = (0, 0, 0);
    for (at, file) in files.iter().enumerate() {
        parsed += usize::from(!ours.refused(at));
        match difference(at, &ours, &theirs) {
            Some(difference) => {
                wrong += 1;
                println!("{difference}: {}", file.display());
            }
            None => same += 1,
        }
    }
    println!(
        "{parsed} of {} files parse, {same} come out as from terraform",
        files.len()
    );
    outcome(wrong)
}

fn difference(at: usize, ours: &Made, theirs: &Made) -> Option<&'static str> {
    match (ours.refused(at), theirs.refused(at)) {
        (true, false) => Some("not parsed"),
        (false, true) => Some("parsed, terraform refuses it"),
        (true, true) => None,
        (false, false) => (ours.text(at) != theirs.text(at)).then_some("formatted differently"),
    }
}

fn outcome(wrong: usize) -> Result<(), Failure> {
    if wrong == 0 {
        return Ok(());
    }
    Err(Failure::new(format!("{wrong} files differ")))
}
