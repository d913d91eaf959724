//! `import`: an object that is there already is taken into the state.

use std::{fs, io::Write, path::Path};

use strata_core::{
    Diagnostic, Diagnostics, Events, Subject,
    addr::{ResourceInstance, ResourceMode},
};

use super::{Session, Settings, trouble::diagnostic};
use crate::{process::Process, registry::Platforms};

impl Session {
    /// Writes configuration for what import blocks name and configuration does not have, and reads it as if it had
    /// been there; nothing is written if nothing lacks.
    pub async fn generate(
        &mut self,
        path: &Path,
        settings: &Settings,
        process: &Process,
        platforms: &Platforms,
        events: &Events,
    ) -> Result<(), Diagnostics> {
        if path.exists() {
            let summary = "Target generated file already exists";
            return Err(Diagnostic::error("generate", summary)
                .detail("Configuration is only generated into a new file.")
                .hint("Name another file, or move what is in this one elsewhere, delete it and try again.")
                .into());
        }
        let text = strata_engine::generate(&self.environment, &self.providers, events).await?;
        if text.is_empty() {
            return Ok(());
        }
        let mut options = fs::OpenOptions::new();
        let written = options
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(error) = written {
            let summary = "The generated configuration cannot be written";
            return Err(Diagnostic::error("generate", summary)
                .detail(format!("`{}`: {error}", path.display()))
                .into());
        }
        self.reload(settings, process, platforms, events)?;
        let path = strata_core::files::normalize(path);
        self.generated_in = Some(path.to_string_lossy().into());
        Ok(())
    }

    /// Takes over the object with this id under an address that configuration has, and writes the state.
    pub async fn import(
        mut self,
        address: &ResourceInstance,
        id: &str,
        events: &Events,
    ) -> Result<(), Diagnostics> {
        if address.resource.mode == ResourceMode::Data {
            return Err(of_data(address).into());
        }
        let config = &self.environment.config;
        if config.resource(&address.resource.config()).is_none() {
            return Err(no_configuration(address).into());
        }
        if self.opened.state.current(address).is_some() {
            return Err(already_there(address).into());
        }
        strata_engine::import(
            &self.environment,
            &mut self.opened.state,
            address,
            id,
            &self.providers,
            events,
        )
        .await?;
        self.store
            .write(&mut self.opened.state, &self.opened.base)
            .map_err(|error| diagnostic(&error))?;
        Ok(())
    }
}

fn no_configuration(address: &ResourceInstance) -> Diagnostic {
    let summary = format!("resource address \"{address}\" does not exist in the configuration.");
    let resource = &address.resource;
    Diagnostic::error("import-target", summary).hint(format!(
        "Write its block first: `resource {:?} {:?} {{ … }}`.",
        &*resource.type_name, &*resource.name
    ))
}

fn of_data(address: &ResourceInstance) -> Diagnostic {
    let summary =
        "A managed resource address is required. Importing into a data resource is not allowed.";
    Diagnostic::error("import-target", summary).detail(format!("`{address}` is read at each plan."))
}

fn already_there(address: &ResourceInstance) -> Diagnostic {
    Diagnostic::error("import-exists", "Resource already managed by Strata")
        .detail(format!("There is an object for {address} in the state."))
        .subject(Subject::Resource(address.clone()))
        .hint("Take it out of the state first: `strata state rm`.")
}
