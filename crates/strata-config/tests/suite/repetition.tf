variable "names" {
  type = list(string)
}

resource "terraform_data" "a" {
  count = "many" # Error: Incorrect value type
}

resource "terraform_data" "b" {
  for_each = ["a", "b"] # Error: Invalid for_each argument
}

resource "terraform_data" "c" {
  count = -1 # Error: Invalid count argument
}

resource "terraform_data" "d" {
  count = null # Error: Invalid count argument
}

resource "terraform_data" "e" {
  for_each = null # Error: Invalid for_each argument
}

resource "terraform_data" "f" {
  for_each = toset([1, 2]) # Error: Invalid for_each set argument
}

resource "terraform_data" "g" {
  count = 2
  input = count.index
}

resource "terraform_data" "h" {
  for_each = toset(["x", "y"])
  input    = "${each.key} ${each.value}"
}

resource "terraform_data" "i" {
  count = length(var.names)
  input = terraform_data.g.id # Error: Missing resource instance key
}

resource "terraform_data" "k" {
  for_each = var.names # Error: Invalid for_each argument
}

resource "terraform_data" "l" {
  count = 1.5 # Error: Invalid count argument
}
