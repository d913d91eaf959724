output "name" {
  value = incus_instance.service.name
}

output "ipv4_address" {
  value = incus_instance.service.ipv4_address
}
