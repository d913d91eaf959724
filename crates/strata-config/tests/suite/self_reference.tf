resource "terraform_data" "a" {
  input = terraform_data.a.id # Error: Self-referential block
}
