# One host, from which the clusters are watched: their metrics are taken over.
name   = "iapetus"
domain = "iapetus.example"

network = {
  mode           = "bridge"
  ipv4_address   = "10.83.0.1/24"
  listen_address = "127.0.0.1"
}

federate = ["192.0.2.130:9090"]
