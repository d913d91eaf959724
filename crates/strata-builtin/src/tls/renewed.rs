//! A certificate that is made anew before it ends: what those of all issuers have in common.

/// Gives a type with `issue`, and with the times and the id of what was issued, its life under a name.
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
                let issued = self.issue(context.client)?;
                self.cert_pem = issued.cert_pem;
                self.validity_start_time = issued.start;
                self.validity_end_time = issued.end;
                self.id = issued.id;
                Ok(())
            }

            async fn read(
                &mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<strata_provider::Observed, strata_core::Diagnostics> {
                let now = context.client.clock.now();
                self.ready_for_renewal = crate::tls::issue::is_ready_for_renewal(
                    &self.validity_end_time,
                    self.early_renewal_hours,
                    now,
                );
                Ok(strata_provider::Observed::Present)
            }
        }
    };
}

pub(super) use renewed;
