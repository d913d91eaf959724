//! The provider that is always there, `terraform.io/builtin/terraform`: objects that live only in state.

mod remote_state;
mod terraform_data;

pub(crate) use remote_state::RemoteStates;
pub(crate) use terraform_data::Terraform;

/// Its address.
pub(crate) const SOURCE: &str = "terraform.io/builtin/terraform";
