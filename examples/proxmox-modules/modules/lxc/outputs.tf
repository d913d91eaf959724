output "name" {
  value = var.name
}

output "address" {
  value = split("/", var.address)[0]
}
