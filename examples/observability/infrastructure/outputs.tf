output "addresses" {
  description = "Address of each service's container."
  value       = { for name, service in module.service : name => service.ipv4_address }
}

output "prometheus_instances" {
  value = local.instances["prometheus"]
}

output "prometheus_ansible_vars" {
  value = {
    prometheus_scrape_interval = var.scrape_interval
    prometheus_alertmanagers   = ["${module.service["alertmanager"].ipv4_address}:9093"]
    prometheus_targets = {
      alertmanager = ["${module.service["alertmanager"].ipv4_address}:9093"]
    }
  }
}

output "alertmanager_instances" {
  value = local.instances["alertmanager"]
}

output "mosquitto_instances" {
  value = local.instances["mosquitto"]
}

output "mosquitto_ansible_vars" {
  value = { mosquitto_listener_port = 1883 }
}
