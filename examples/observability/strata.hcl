# Monitoring services in Incus containers of their own: from nothing to verified with `strata up ENV`, and back to
# nothing with `strata down ENV`. README.md says what the environments are.

project "observability" {
  env_file = [".env"]
}

# The small beginning: three services on a bridge.
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

# The whole of it: on a single host, and on a cluster.
environment "iapetus" "cluster01" {
  twin_members = environment.name == "cluster01" ? compact(split(",", env.CLUSTER01_MEMBERS)) : []

  provision "stack" {
    directory      = "stack"
    variable_files = ["stack/environments/${environment.name}.tfvars"]
    # What differs between a cluster and the server that stands for it.
    variables = { for name, value in {
      image   = env.OBSERVABILITY_IMAGE
      members = compact(split(",", env.CLUSTER01_MEMBERS))
      incus_address = env.INCUS_METRICS == "" ? null : env.INCUS_METRICS
      restore = { for name in compact(split(",", env.RESTORE)) : name => "backups/${name}.tar.gz" }
      network = {
        mode           = env.CLUSTER01_NETWORK
        parent         = "enp5s0"
        ipv4_address   = "10.84.0.1/24"
        listen_address = "127.0.0.1"
        uplink         = env.CLUSTER01_UPLINK
        listen_routes  = "192.0.2.128/27"
      }
    } : name => value if environment.name == "cluster01" || contains(["image", "incus_address", "restore"], name) }
  }

  # No hosts here: the outputs `*_instances` and `*_ansible_vars` are the inventory.
  configure "services" {
    playbook  = "ansible/stack.yml"
    after     = [provision.stack]
    variables = { program_archives = "{{ playbook_dir }}/../${env.ARCHIVES}" }
  }

  verify "alertmanager" {
    http  = "http://${provision.stack.addresses.alertmanager}:9093/-/ready"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "loki" {
    http  = "http://${provision.stack.addresses.loki}:3100/ready"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "alloy" {
    http  = "http://${provision.stack.addresses.alloy}:12345/-/ready"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "grafana" {
    http  = "http://${provision.stack.addresses.grafana}:3000/api/health"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "mosquitto" {
    tcp   = "${provision.stack.addresses.mosquitto}:1883"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "coredns" {
    tcp   = "${provision.stack.addresses.coredns}:53"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "step-ca" {
    tcp   = "${provision.stack.addresses["step-ca"]}:9443"
    after = [configure.services]
    retry = { for = "1m" }
  }

  verify "cloudflared" {
    service = "cloudflared"
    hosts   = ["cloudflared"]
    after   = [configure.services]
  }

  # By certificates of our own authority: asked where its root is.
  verify "prometheus" {
    command = ["openssl", "s_client", "-brief", "-verify_return_error", "-CAfile", "/etc/step-ca/root.crt", "-connect", "${provision.stack.addresses.prometheus}:9090"]
    hosts   = ["step_ca"]
    after   = [configure.services]
    retry   = { for = "1m" }
  }

  verify "mqtts" {
    command = ["openssl", "s_client", "-brief", "-verify_return_error", "-CAfile", "/etc/step-ca/root.crt", "-connect", "${provision.stack.addresses.mosquitto}:8883"]
    hosts   = ["step_ca"]
    after   = [configure.services]
    retry   = { for = "1m" }
  }
}
