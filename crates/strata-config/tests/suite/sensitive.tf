variable "password" {
  type      = string
  sensitive = true
}

output "secret" { # Error: Output refers to sensitive values
  value = "x${var.password}"
}

output "declared" {
  value     = var.password
  sensitive = true
}

resource "terraform_data" "a" {
  for_each = toset([var.password]) # Error: Invalid for_each argument
}
