# Differs: Terraform's summary is "Unsupported attribute", without the name.
resource "terraform_data" "a" {}

resource "terraform_data" "b" {
  for_each = toset(["x"])
}

output "one" {
  value = terraform_data.a.nothing # Error: Unsupported attribute
}

output "of_an_instance" {
  value = terraform_data.b["x"].nothing # Error: Unsupported attribute
}
