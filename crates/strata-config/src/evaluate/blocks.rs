//! Provisioners and connections of resource instances.

use strata_core::{
    Diagnostics, Span, Type, Value,
    addr::{self, InstanceKey},
    schema,
};
use strata_hcl::Body;

use super::{Evaluator, Expansion, state::Repetition};
use crate::{
    decode,
    module::{Connection, Provisioner, ProvisionerWhen},
    provisioners::connection_body,
};

impl Evaluator {
    /// The arguments of a provisioner, with their marks; `itself` is what `self` reads as.
    ///
    /// `schema` comes from [`provisioner_schema`](crate::provisioner_schema). The provisioner may be one of a resource
    /// or of a `removed` block; `instance` need not be in the configuration any more.
    pub fn provisioner_config(
        &self,
        instance: &addr::ResourceInstance,
        provisioner: &Provisioner,
        schema: &schema::Block,
        itself: &Value,
        diags: &mut Diagnostics,
    ) -> Value {
        let block = (&*provisioner.body, &provisioner.span);
        self.block(instance, provisioner.when, block, schema, itself, diags)
    }

    /// The arguments of the connection that a provisioner uses: `resource` is the `connection` block around it.
    ///
    /// None if there is no such block at all.
    pub fn connection_config(
        &self,
        instance: &addr::ResourceInstance,
        provisioner: &Provisioner,
        resource: Option<&Connection>,
        itself: &Value,
        diags: &mut Diagnostics,
    ) -> Option<Value> {
        let connection = connection_body(resource, provisioner)?;
        let schema = crate::provisioners::connection_schema();
        let block = (&*connection.body, &connection.span);
        Some(self.block(instance, provisioner.when, block, schema, itself, diags))
    }

    fn block(
        &self,
        instance: &addr::ResourceInstance,
        when: ProvisionerWhen,
        (body, span): (&Body, &Span),
        schema: &schema::Block,
        itself: &Value,
        diags: &mut Diagnostics,
    ) -> Value {
        let address = &instance.resource.module;
        let module = self
            .find_module(address)
            .or_else(|| self.find_module(&addr::ModuleInstance::root()));
        let value = match module {
            Some(module) => {
                let repetition = self.repetition_of(instance, when);
                let scope = self.scope(&module, &repetition, Some(itself));
                decode::block(body, span, schema, &scope, diags)
            }
            None => Value::unknown(schema.implied_type()),
        };
        self.report(diags);
        value
    }

    /// What `count` and `each` give an instance. On destruction it may be gone from the configuration: only its key
    /// is sure.
    fn repetition_of(
        &self,
        instance: &addr::ResourceInstance,
        when: ProvisionerWhen,
    ) -> Repetition {
        let known = self.find_resource(&instance.resource, |module, state| {
            self.expansion(module, state)
        });
        match (known, when) {
            (Some(expansion), ProvisionerWhen::Create) if expansion != Expansion::Unknown => {
                Repetition::of(&expansion, instance.key.as_ref())
            }
            _ => match &instance.key {
                None => Repetition::Once,
                Some(InstanceKey::Int(at)) => Repetition::Count(Value::from(*at)),
                Some(InstanceKey::String(key)) => Repetition::Each {
                    key: Value::string(key.clone()),
                    value: Value::unknown(Type::Dynamic),
                },
            },
        }
    }
}
