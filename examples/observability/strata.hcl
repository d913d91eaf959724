# Three monitoring services in Incus containers of their own: from nothing to verified with
# `strata up local`, and back to nothing with `strata down local`.

project "observability" {
  env_file = [".env"]
}

environment "local" {
  provision "machines" {
    directory = "infrastructure"
    variables = {
      image           = env.OBSERVABILITY_IMAGE
      scrape_interval = env.SCRAPE_INTERVAL
    }
  }

  # No hosts here: the outputs `*_instances` and `*_ansible_vars` are the inventory.
  configure "services" {
    playbook = "ansible/site.yml"
    after    = [provision.machines]
  }

  verify "prometheus" {
    http  = "http://${provision.machines.addresses.prometheus}:9090/-/ready"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "alertmanager" {
    http  = "http://${provision.machines.addresses.alertmanager}:9093/-/ready"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "mqtt" {
    tcp   = "${provision.machines.addresses.mosquitto}:1883"
    after = [configure.services]
    retry = { for = "1m" }
  }
}
