//! `import`.

use strata_core::Diagnostics;
use strata_ops::{
    infrastructure::{Session, Settings},
    registry::Platforms,
};

use super::{
    Exit, Look, block_on,
    infrastructure::{finish, settings},
    process, screen,
    surgery::instance,
};
use crate::args;

pub(super) fn run(arguments: &args::Import) -> Result<Exit, Diagnostics> {
    let address = instance(&arguments.address)?;
    finish(block_on(work(arguments, &address))?, false)
}

async fn work(
    arguments: &args::Import,
    address: &strata_core::addr::ResourceInstance,
) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let platforms = Platforms::real(&process);
    let screen = screen(&Look::Terraform {
        compact_warnings: false,
    });
    let (events, printer) = (screen.events(), screen.printer());
    let settings = Settings {
        configuration: arguments.config.clone(),
        ..settings(&arguments.settings)
    };
    printer.print(format!(
        "{address}: Importing from ID {:?}...\n",
        arguments.id
    ));
    let operation = "OperationTypeImport";
    let session = Session::open(&settings, operation, &process, &platforms, &events).await?;
    session.import(address, &arguments.id, &events).await?;
    printer.print(
        "\nImport successful!\n\nThe object is in the state now, and is managed from here on.\n"
            .to_owned(),
    );
    Ok(0)
}
