//! A certificate that is made anew before it ends: what those of all issuers have in common.

/// Gives a type with `issue`, `terms` and `certificate` its life under a name.
macro_rules! renewed {
    ($type:ident, $name:literal) => {
        impl strata_provider::ResourceType for $type {
            const NAME: &'static str = $name;
            type Client = crate::Settings;

            async fn plan(
                plan: &mut strata_provider::Plan<'_, crate::Settings>,
            ) -> Result<(), strata_core::Diagnostics> {
                crate::tls::issue::plan(plan);
                Ok(())
            }

            async fn create(
                &mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<(), strata_core::Diagnostics> {
                self.certificate = self.issue(context.client)?;
                Ok(())
            }

            async fn read(
                &mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<strata_provider::Observed, strata_core::Diagnostics> {
                let now = context.client.clock.now();
                self.certificate.ready_for_renewal = crate::tls::issue::is_ready_for_renewal(
                    &self.certificate.validity_end_time,
                    self.terms.early_renewal_hours,
                    now,
                );
                Ok(strata_provider::Observed::Present)
            }
        }
    };
}

pub(super) use renewed;
