//! Taking one object over that is there already, without a plan.

use strata_core::{Diagnostics, Events, addr::ResourceInstance};
use strata_state::State;

use crate::{
    environment::Environment,
    ephemeral,
    objects::Template,
    plan::import::{ImportId, ask, is_configured, no_instance},
    providers::Providers,
    session::Session,
};

/// Asks the provider for the object with an id, and puts it into the state under an address.
pub async fn import(
    environment: &Environment,
    state: &mut State,
    address: &ResourceInstance,
    id: &str,
    providers: &Providers,
    events: &Events,
) -> Result<(), Diagnostics> {
    let session = Session::planning(environment, providers, events);
    let mut diags = Diagnostics::new();
    session.set_state(state, &mut diags);
    if !is_configured(&session, address) {
        return Err(no_instance(address).into());
    }
    let provider_address = session.provider_of(address, None)?;
    ephemeral::open_for_provider(&session, &provider_address).await?;
    let kind = session.kind(&provider_address, address, &mut diags);
    let provider = session.configured(&provider_address, &mut diags);
    let (Some(kind), Some(provider)) = (kind, provider) else {
        return Err(diags);
    };
    let object = ask(&session, &*provider, address, &ImportId::open(id)).await;
    ephemeral::close(&session, &mut diags).await;
    let object = object?;
    let needed = strata_config::dependencies(&environment.config);
    let needed = needed.resource(&address.resource.config());
    let template = Template {
        tainted: false,
        dependencies: needed.iter().cloned().collect(),
        create_before_destroy: false,
    };
    let marked = kind.mark(&object.value, &[]);
    let stored = kind.encode(&marked, object.private, &template);
    state.put(address, None, &provider_address.to_string().into(), stored);
    Ok(())
}
