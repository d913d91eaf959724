vm_id_range = { min = 200, max = 299 }
network     = "10.99.1.0/24"
web         = { count = 1 }

containers = {
  cache = { number = 1 }
}
