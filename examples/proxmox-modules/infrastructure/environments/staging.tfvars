vm_id_range = { min = 300, max = 399 }
network     = "10.99.2.0/24"
web         = { count = 2 }

containers = {
  cache = { number = 1 }
}
