vm_id_range = { min = 400, max = 499 }
network     = "10.99.3.0/24"
web         = { count = 3, cores = 2, memory = 4096 }

containers = {
  cache = { number = 1, memory = 2048 }
}
