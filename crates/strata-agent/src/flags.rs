//! `attributes` of modules that make files: the flags that chattr(1) sets and lsattr(1) shows.
//!
//! As Ansible does it, last of all: after content, owner and mode. The letters are compared with those that are there as
//! they stand, so that `+i` on a file that has others, too, sets it each time, as there.

use std::path::Path;

use serde_json::json;

use crate::arguments::Arguments;
use crate::host::Host;
use crate::module::ModuleError;
use crate::system::Command;

/// What is asked for: letters, with `+` or `-` before them or, for no others, neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flags {
    sign: char,
    letters: String,
}

impl Flags {
    /// Takes them out of a module's arguments; none where they ask for nothing.
    pub(crate) fn read(arguments: &Arguments) -> Option<Flags> {
        let given = arguments.filled("attributes")?;
        let signed = given.strip_prefix(['+', '-']);
        let sign = given.chars().next().filter(|_| signed.is_some());
        let letters = signed.unwrap_or(&given).to_owned();
        (!letters.is_empty()).then_some(Flags {
            sign: sign.unwrap_or('='),
            letters,
        })
    }

    /// Sets them where they differ, or only says whether they do; true if so.
    pub(crate) fn settle(
        &self,
        host: &dyn Host,
        path: &Path,
        check: bool,
    ) -> Result<bool, ModuleError> {
        let there = of_path(host, path).map(|(_, letters)| letters);
        let same = there.unwrap_or_default() == self.letters && self.sign != '-';
        if same || host.find_program("chattr").is_none() {
            return Ok(false);
        }
        if check {
            return Ok(true);
        }
        let change = format!("{}{}", self.sign, self.letters);
        let said = host.run(&Command::new(["chattr", &change, &path.to_string_lossy()]))?;
        if said.status == 0 && said.stderr.is_empty() {
            return Ok(true);
        }
        let why = format!(
            "Error while setting attributes: {}{}",
            said.stdout, said.stderr
        );
        Err(ModuleError::new("chattr failed")
            .with(json!({"details": why, "path": path.to_string_lossy()})))
    }
}

/// Version and letters of a path, without the dashes between them.
pub(crate) fn of_path(host: &dyn Host, path: &Path) -> Option<(String, String)> {
    host.find_program("lsattr")?;
    // A model cannot tell, and need not.
    let said = host
        .run(&Command::new(["lsattr", "-vd", &path.to_string_lossy()]))
        .ok()?;
    let mut words = said.stdout.split_whitespace();
    let (version, letters) = (words.next()?, words.next()?);
    (said.status == 0).then(|| (version.to_owned(), letters.replace('-', "")))
}
