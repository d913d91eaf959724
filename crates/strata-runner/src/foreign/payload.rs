//! A module in new-style Python with all that it imports, as an archive that a Python runs.
//!
//! The archive has the same packages as a controller: `ansible.module_utils`, `ansible_collections`, and the module
//! under its own name. Its `__main__.py` takes the arguments from standard input, so that they are in no file and
//! no process list.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{Cursor, Write},
    path::PathBuf,
    sync::Arc,
};

use strata_core::files::EntryKind;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{Found, Places, imports};

/// No module imports as much as this.
const MOST_FILES: usize = 2000;

/// What the archive does when it is run. `_ANSIBLE_PROFILE` says to newer versions how results are written.
const MAIN: &str = "\
import os, runpy, sys
arguments = sys.stdin.buffer.read()
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = arguments
basic._ANSIBLE_PROFILE = 'legacy'
archive = os.path.dirname(os.path.abspath(__file__))
runpy.run_module(NAME, init_globals=dict(_module_fqn=NAME, _modlib_path=archive), run_name='__main__', alter_sys=True)
";

/// An archive.
pub(crate) struct Payload {
    pub(crate) bytes: Arc<[u8]>,
}

/// Packs a module with what it imports.
pub(crate) fn pack(places: &Places<'_>, found: &Found, source: &str) -> Result<Payload, String> {
    let mut packing = Packing {
        places,
        files: BTreeMap::new(),
        open: VecDeque::new(),
    };
    packing.add(&found.python_name, false, source.as_bytes().into());
    packing.want("ansible.module_utils.basic");
    packing.all()?;
    if !packing.files.contains_key("ansible/module_utils/basic.py") {
        return Err(
            "it needs `ansible.module_utils.basic`, which comes with ansible-core, and there is none on this machine"
                .to_owned(),
        );
    }
    let main = MAIN.replace("NAME", &format!("'{}'", found.python_name));
    packing
        .files
        .insert("__main__.py".to_owned(), main.into_bytes().into());
    packing.close_packages();
    archive(&packing.files)
        .map(|bytes| Payload { bytes })
        .map_err(|error| error.to_string())
}

struct Packing<'a> {
    places: &'a Places<'a>,
    /// By their paths in the archive.
    files: BTreeMap<String, Arc<[u8]>>,
    /// Sources whose imports are still to be looked at: the Python name, whether it is a package, the text.
    open: VecDeque<(String, bool, Arc<[u8]>)>,
}

impl Packing<'_> {
    fn add(&mut self, name: &str, package: bool, content: Arc<[u8]>) {
        let path = name.replace('.', "/");
        let path = if package {
            format!("{path}/__init__.py")
        } else {
            format!("{path}.py")
        };
        self.files.insert(path, content.clone());
        self.open.push_back((name.to_owned(), package, content));
    }

    fn all(&mut self) -> Result<(), String> {
        while let Some((name, package, content)) = self.open.pop_front() {
            if self.files.len() > MOST_FILES {
                return Err(format!("it imports more than {MOST_FILES} files"));
            }
            let Ok(source) = str::from_utf8(&content) else {
                continue;
            };
            for import in imports::of(source) {
                let Some(module) = absolute(&name, package, import.level, &import.module) else {
                    continue;
                };
                self.want(&module);
                for inside in import.names {
                    self.want(&format!("{module}.{inside}"));
                }
            }
        }
        Ok(())
    }

    /// Adds a module and the packages that it is in, as far as they are there.
    fn want(&mut self, name: &str) {
        let ours =
            name.starts_with("ansible.module_utils.") || name.starts_with("ansible_collections.");
        if !ours || name.contains("..") {
            return;
        }
        let parts: Vec<&str> = name.split('.').collect();
        for end in 2..=parts.len() {
            let name = parts[..end].join(".");
            let path = name.replace('.', "/");
            let known = [format!("{path}.py"), format!("{path}/__init__.py")];
            if known.iter().any(|path| self.files.contains_key(path)) {
                continue;
            }
            if let Some((package, content)) = self.read(&path) {
                self.add(&name, package, content);
                // Which of these is used is worked out while it runs.
                if name == "ansible.module_utils._internal._json._profiles" {
                    self.whole_folder(&name);
                }
            }
        }
    }

    fn whole_folder(&mut self, package: &str) {
        let path = package.replace('.', "/");
        for folder in self.roots(&path) {
            for entry in self.places.files.list(&folder).unwrap_or_default() {
                if let Some(name) = entry
                    .name
                    .strip_suffix(".py")
                    .filter(|name| *name != "__init__")
                {
                    self.want(&format!("{package}.{name}"));
                }
            }
        }
    }

    /// The text of a Python module, and whether it is a package.
    fn read(&self, path: &str) -> Option<(bool, Arc<[u8]>)> {
        for root in self.roots(path) {
            let package = root.join("__init__.py");
            if self.places.files.kind(&package) == Some(EntryKind::File) {
                return self
                    .places
                    .files
                    .read(&package)
                    .ok()
                    .map(|text| (true, text));
            }
            let file = root.with_file_name(format!("{}.py", root.file_name()?.to_string_lossy()));
            if self.places.files.kind(&file) == Some(EntryKind::File) {
                return self.places.files.read(&file).ok().map(|text| (false, text));
            }
        }
        None
    }

    /// Where a path of the archive may come from.
    fn roots(&self, path: &str) -> Vec<PathBuf> {
        if let Some(inside) = path.strip_prefix("ansible/module_utils") {
            let inside = inside.trim_start_matches('/');
            let folders = self.places.module_utils().into_iter();
            return folders.map(|folder| folder.join(inside)).collect();
        }
        let roots = self.places.collections.iter();
        roots.map(|root| root.join(path)).collect()
    }

    /// Makes every folder a package.
    fn close_packages(&mut self) {
        let mut folders = std::collections::BTreeSet::new();
        for path in self.files.keys() {
            let mut rest = path.as_str();
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder.to_owned());
                rest = folder;
            }
        }
        for folder in folders {
            let path = format!("{folder}/__init__.py");
            self.files
                .entry(path)
                .or_insert_with(|| Arc::from(&b""[..]));
        }
    }
}

/// The full name of what is imported; none if it leads out of all packages.
fn absolute(of: &str, package: bool, level: usize, module: &str) -> Option<String> {
    if level == 0 {
        return Some(module.to_owned());
    }
    let mut parts: Vec<&str> = of.split('.').collect();
    let up = if package { level - 1 } else { level };
    if up >= parts.len() {
        return None;
    }
    parts.truncate(parts.len() - up);
    if !module.is_empty() {
        parts.push(module);
    }
    Some(parts.join("."))
}

fn archive(files: &BTreeMap<String, Arc<[u8]>>) -> zip::result::ZipResult<Arc<[u8]>> {
    // Without times of its own, the same module gives the same bytes.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(path.as_str(), options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner().into())
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn imports_with_dots_begin_at_the_package_they_are_in() {
        let check = |of, package, level, module, expected: Option<&str>| {
            assert_eq!(absolute(of, package, level, module).as_deref(), expected);
        };
        let module = "ansible_collections.a.b.plugins.modules.x";
        check(
            module,
            false,
            2,
            "module_utils.y",
            Some("ansible_collections.a.b.plugins.module_utils.y"),
        );
        check("a.b", true, 1, "c", Some("a.b.c"));
        check("a.b", false, 1, "", Some("a"));
        check("a.b", false, 3, "c", None);
        check("a.b", false, 0, "os", Some("os"));
    }
}
