# Differs: Terraform's `validate` lets it pass and its `plan` refuses it.
resource "terraform_data" "a" { # Error: Self-referential block
  input = terraform_data.a.id
}
