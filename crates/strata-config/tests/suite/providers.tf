# Differs: the provider here is one that only our tests have.
provider "test" {
  alias = "east"
}

resource "test_machine" "a" {
  provider = test.east
  name     = "a"
}

resource "test_machine" "b" {
  provider = test.west # Error: Provider configuration not present
  name     = "b"
}

resource "test_machine" "c" {
  provider = "test.east" # Warning: Quoted references are deprecated
  name     = "c"
}

resource "test_machin" "d" { # Error: Invalid resource type
}

resource "other_machine" "e" { # Error: Provider not available
}
