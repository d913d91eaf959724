variable "a" {}
variable "a" {} # Error: Duplicate variable declaration

output "a" {
  value = 1
}
output "a" { # Error: Duplicate output definition
  value = 2
}

locals {
  a = 1
}
locals {
  a = 2 # Error: Duplicate local value definition
}

resource "terraform_data" "a" {}
resource "terraform_data" "a" {} # Error: Duplicate resource "terraform_data" configuration
