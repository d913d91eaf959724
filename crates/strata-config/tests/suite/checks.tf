check "a" { # Error: Zero assert blocks
}

check "b" {
  data "terraform_remote_state" "d" { # Error: Duplicate data "terraform_remote_state" configuration
    backend = "local"
  }
  assert {
    condition     = data.terraform_remote_state.d.outputs != null
    error_message = "x"
  }
  assert {
    condition     = true # Error: Invalid assert expression
    error_message = "x"
  }
  data "terraform_remote_state" "d2" { # Error: Multiple data resource blocks
    backend = "local"
  }
}

check "c" { # Error: Zero assert blocks
  data "terraform_remote_state" "e" {
    count   = 1 # Error: Invalid "count" attribute
    backend = "local"
    lifecycle { # Error: Invalid lifecycle block
    }
  }
  assert { # Error: Missing required argument
    error_message = "x"
  }
  bogus = 1 # Error: Unsupported argument
}

check "1d" { # Error: Invalid check block name # Error: Zero assert blocks
  assert {
    condition     = length("a") # Error: Invalid assert expression
    error_message = "x"
  }
}

data "terraform_remote_state" "d" {
  backend = "local"
}
