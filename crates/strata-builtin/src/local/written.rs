//! A file that is written whole: the life of `local_file` and of `local_sensitive_file`, which differ in what is hidden.

/// Gives a type with `filename`, `bytes`, `digests` and modes its life under a name.
macro_rules! written {
    ($type:ident, $name:literal) => {
        impl strata_provider::ResourceType for $type {
            const NAME: &'static str = $name;
            type Client = crate::Settings;

            async fn create(
                &mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<(), strata_core::Diagnostics> {
                let content = self.bytes(context.client)?;
                let modes = (
                    self.file_permission.as_str(),
                    self.directory_permission.as_str(),
                );
                crate::local::write::write(context.client, &self.filename, &content, modes)?;
                self.digests = crate::local::digests::Digests::of(&content);
                Ok(())
            }

            /// A file that is missing or has another content is made anew.
            async fn read(
                &mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<strata_provider::Observed, strata_core::Diagnostics> {
                match crate::local::write::is_there(
                    context.client,
                    &self.filename,
                    &self.digests.id,
                )? {
                    true => Ok(strata_provider::Observed::Present),
                    false => Ok(strata_provider::Observed::Gone),
                }
            }

            async fn delete(
                &mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<(), strata_core::Diagnostics> {
                crate::local::write::delete(context.client, &self.filename)
            }

            /// Files are written whole: either ours is there, or nothing of it, and a create writes it again.
            async fn find(
                mut self,
                context: &mut strata_provider::Context<'_, crate::Settings>,
            ) -> Result<strata_provider::Leftover<Self>, strata_core::Diagnostics> {
                let content = self.bytes(context.client)?;
                self.digests = crate::local::digests::Digests::of(&content);
                match crate::local::write::is_there(
                    context.client,
                    &self.filename,
                    &self.digests.id,
                )? {
                    true => Ok(strata_provider::Leftover::Complete(self)),
                    false => Ok(strata_provider::Leftover::Nothing),
                }
            }
        }
    };
}

pub(super) use written;
