variable "value" {}
resource "terraform_data" "in" {
  input = var.value
}
output "out" { value = terraform_data.in.output }
