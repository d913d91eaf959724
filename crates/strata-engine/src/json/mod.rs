//! Plans and states as JSON for other programs, in the format that Terraform publishes.

