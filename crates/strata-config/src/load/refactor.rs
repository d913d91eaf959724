//! `moved`, `removed` and `import` blocks.

use strata_core::{Diagnostic, Diagnostics, Span, addr};
use strata_hcl::{Attribute, Block, Body, Expression};

use super::{address, fields, folder::duplicate, provider, provisioner};
use crate::module::{Import, Module, Moved, ProvisionerWhen, Removed};

/// Reads a `moved` block.
pub(super) fn moved(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    fields::only(&block.body, &["from", "to"], &[], diags);
    let from = endpoint(block, "from", diags);
    let to = endpoint(block, "to", diags);
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let is_module = |target: &addr::Target| matches!(target, addr::Target::Module(_));
    if is_module(&from) != is_module(&to) {
        diags.push(
            Diagnostic::error("invalid-moved", "Invalid \"moved\" addresses")
                .detail("The `from` and `to` addresses must either both refer to resources or both refer to modules.")
                .at(block.header_span()),
        );
        return;
    }
    let span = block.header_span();
    module.moved.push(Moved { from, to, span });
}

fn endpoint(block: &Block, name: &str, diags: &mut Diagnostics) -> Option<addr::Target> {
    let attribute = fields::required(block, name, diags)?;
    let traversal = fields::reference(&attribute.expression, diags)?;
    address::target(&traversal, diags)
}

/// Reads a `removed` block.
pub(super) fn removed(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let body = &block.body;
    fields::only(
        body,
        &["from"],
        &["lifecycle", "provisioner", "connection"],
        diags,
    );
    let from = removed_from(block, diags);
    let is_resource = matches!(from, Some(addr::Target::Resource(_)) | None);
    if !is_resource {
        only_for_resources(body, diags);
    }
    let provisioners = provisioner::all(body, diags);
    for provisioner in &provisioners {
        if provisioner.when != ProvisionerWhen::Destroy {
            diags.push(invalid_provisioner(
                "Only destroy-time provisioners are valid in \"removed\" blocks: write `when = destroy`.",
                &provisioner.span,
            ));
        }
    }
    let removed = Removed {
        destroy: destroy(body, diags),
        connection: provisioner::connection(body, "resource", diags),
        provisioners,
        span: block.header_span(),
        from: match from {
            Some(from) => from,
            None => return,
        },
    };
    module.removed.push(removed);
}

/// The address of a `removed` block, which names no single instance.
fn removed_from(block: &Block, diags: &mut Diagnostics) -> Option<addr::Target> {
    let attribute = fields::required(block, "from", diags)?;
    let traversal = fields::reference(&attribute.expression, diags)?;
    let span = traversal.span();
    let wrong = |summary: &str, why: &str| {
        Diagnostic::error("invalid-removed", summary)
            .detail(why)
            .at(span.clone())
    };
    let mut found = Diagnostics::new();
    let target = address::target(&traversal, &mut found);
    let has_key = |module: &addr::ModuleInstance| module.0.iter().any(|step| step.key.is_some());
    let (module, resource) = match &target {
        Some(addr::Target::Module(module)) => (module, None),
        Some(addr::Target::Resource(resource)) => (&resource.module, Some(resource)),
        Some(addr::Target::Instance(_)) => {
            let why = "A `removed` block is about a resource with all its instances.";
            diags.push(wrong("Resource instance keys not allowed", why));
            return None;
        }
        None => {
            diags.append(found);
            return None;
        }
    };
    if has_key(module) {
        let why = "A `removed` block is about a module with all its instances.";
        diags.push(wrong("Module instance keys not allowed", why));
        return None;
    }
    if resource.is_some_and(|resource| resource.mode == addr::ResourceMode::Data) {
        let why = "Data sources are never destroyed, so `removed` has no meaning for them. Remove the `data` block.";
        diags.push(wrong("Data source address not allowed", why));
        return None;
    }
    target
}

fn invalid_provisioner(why: &str, span: &Span) -> Diagnostic {
    Diagnostic::error("invalid-provisioner", "Invalid provisioner block")
        .detail(why)
        .at(span.clone())
}

/// Reports provisioners and connections of a removed module.
fn only_for_resources(body: &Body, diags: &mut Diagnostics) {
    for block in body.blocks_of("provisioner") {
        diags.push(invalid_provisioner(
            "Provisioners are valid only when a removed block targets a managed resource.",
            &block.header_span(),
        ));
    }
    for block in body.blocks_of("connection") {
        diags.push(
            Diagnostic::error("invalid-connection", "Invalid connection block")
                .detail(
                    "A connection is valid only when a removed block targets a managed resource.",
                )
                .at(block.header_span()),
        );
    }
}

/// `lifecycle { destroy }`; true where it is not said.
fn destroy(body: &Body, diags: &mut Diagnostics) -> bool {
    let mut blocks = body.blocks_of("lifecycle");
    let destroy = blocks.next().and_then(|block| {
        fields::only(&block.body, &["destroy"], &[], diags);
        fields::flag(&block.body, "destroy", diags)
    });
    for second in blocks {
        diags.push(
            Diagnostic::error("duplicate", "Duplicate lifecycle block")
                .detail("A `removed` block may have one `lifecycle` block.")
                .at(second.header_span()),
        );
    }
    destroy.unwrap_or(true)
}

/// Reads an `import` block.
pub(super) fn import(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let body = &block.body;
    fields::only(
        body,
        &["to", "id", "identity", "for_each", "provider"],
        &[],
        diags,
    );
    let to = fields::required(block, "to", diags);
    let resource = to.and_then(|to| import_resource(to, diags));
    let id = import_id(block, diags);
    let provider = body.attribute("provider");
    let provider = provider.and_then(|a| provider::reference(&a.expression, diags));
    let (Some(to), Some(resource), Some(id)) = (to, resource, id) else {
        return;
    };
    let import = Import {
        to: fields::plain(&to.expression),
        resource,
        id: id.expression.clone(),
        for_each: body.attribute("for_each").map(|a| a.expression.clone()),
        provider,
        span: block.header_span(),
    };
    once(&import, module, diags);
    module.imports.push(import);
}

/// Two imports without keys of one resource are one too many.
fn once(import: &Import, module: &Module, diags: &mut Diagnostics) {
    let same = |other: &&Import| {
        import.for_each.is_none() && other.for_each.is_none() && other.to.text() == import.to.text()
    };
    if let Some(first) = module.imports.iter().find(same) {
        let target = import.to.text();
        diags.push(duplicate(
            format!("Duplicate import configuration for \"{target}\""),
            format!("An import of `{target}`"),
            &first.span,
            import.to.span(),
        ));
    }
}

/// The `id` of an import; what Strata lacks is refused.
fn import_id<'b>(block: &'b Block, diags: &mut Diagnostics) -> Option<&'b Attribute> {
    if let Some(identity) = block.body.attribute("identity") {
        diags.push(
            Diagnostic::error("unsupported", "Import by identity is not supported")
                .detail("Strata finds objects by `id`.")
                .at(identity.name_span()),
        );
        return None;
    }
    fields::required(block, "id", diags)
}

/// The resource that an import names, keys left out.
fn import_resource(attribute: &Attribute, diags: &mut Diagnostics) -> Option<addr::ConfigResource> {
    let expression = fields::plain(&attribute.expression);
    let wrong = |why: &str| {
        Diagnostic::error("invalid-import", "Invalid import address")
            .detail(why)
            .at(attribute.expression.span())
    };
    let Some(resource) = without_keys(&expression) else {
        if !expression.is_error() {
            diags.push(wrong(
                "The address must be a resource, or one of its instances: `type.name` or `type.name[key]`.",
            ));
        }
        return None;
    };
    if resource.mode == addr::ResourceMode::Data {
        diags.push(wrong("Only managed resources can be imported."));
        return None;
    }
    Some(resource)
}

/// Reads an address whose keys may be any expression.
fn without_keys(expression: &Expression) -> Option<addr::ConfigResource> {
    let words = address::words(expression)?;
    let mut words = words.iter().map(|word| &**word).peekable();
    let mut module = addr::Module::root();
    while words.peek() == Some(&"module") {
        words.next();
        module = module.child(words.next()?);
    }
    let mode = match words.peek() {
        Some(&"data") => addr::ResourceMode::Data,
        _ => addr::ResourceMode::Managed,
    };
    if matches!(words.peek(), Some(&"data" | &"resource")) {
        words.next();
    }
    let resource = addr::ConfigResource {
        module,
        mode,
        type_name: words.next()?.into(),
        name: words.next()?.into(),
    };
    words.next().is_none().then_some(resource)
}
