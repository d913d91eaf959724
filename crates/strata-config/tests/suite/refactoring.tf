resource "terraform_data" "a" {}

moved { # Error: Missing required argument
  from = terraform_data.b
}

moved { # Error: Invalid "moved" addresses
  from = terraform_data.b
  to   = module.x
}

moved {
  from = terraform_data.b[each.key] # Error: Invalid expression
  to   = terraform_data.c["x"]
}

moved {
  from = "terraform_data.b" # Error: Invalid expression
  to   = foo                # Error: Invalid address
}

moved {
  from = terraform_data.q.id # Error: Invalid address
  to   = terraform_data.r
}

removed {
  from = terraform_data.b[0] # Error: Resource instance keys not allowed
}

removed {
  from = module.x["a"] # Error: Module instance keys not allowed
}

removed {
  from = data.x.y # Error: Data source address not allowed
}

removed { # Error: Missing required argument
  lifecycle {
    destroy = false
  }
}

removed {
  from = terraform_data.d
  provisioner "local-exec" { # Error: Invalid provisioner block
    command = "x"
  }
}

removed {
  from = module.q
  provisioner "local-exec" { # Error: Invalid provisioner block
    when    = destroy
    command = self.id
  }
  connection { # Error: Invalid connection block
    host = self.id
  }
}

import { # Error: Missing required argument
  to = terraform_data.a
}

import { # Error: Missing required argument
  id = "x"
}

import {
  to = data.x.y # Error: Invalid import address
  id = "x"
}

import {
  for_each = { a = "b" }
  to       = terraform_data.a[each.key]
  id       = each.value
}
