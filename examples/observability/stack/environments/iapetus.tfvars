# One host, from which the clusters are watched: their metrics are taken over.
name   = "iapetus"
domain = "iapetus.example"

network = {
  mode           = "bridge"
  ipv4_address   = "10.83.0.1/24"
  listen_address = "127.0.0.1"
}

# The first of the addresses that cluster01 has for load balancers.
federate           = ["192.0.2.128:9090"]
federate_authority = "../authorities/cluster01.example.crt"
