output "name" {
  value = incus_network.this.name
}
