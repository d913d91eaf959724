output "instances" {
  description = "Its host, for the inventory."
  value       = module.service.instances
}

output "address" {
  value = module.service.ipv4_address
}
