project "event-store" {
  env_file = [".env"]
}

# One machine with the application three times: on Proxmox VE, or a container of Incus that stands for it.
environment "local" "container" {
  # Both root modules take a machine, each what it needs of it, and have the same outputs.
  provision "vm" {
    directory = { local = "infrastructure", container = "container" }[environment.name]
    variables = {
      vm = {
        name           = "event-store-${environment.name}"
        node           = env.PROXMOX_NODE
        template_id    = env.TEMPLATE_ID
        cores          = env.VM_CPU_CORES
        memory         = env.VM_MEMORY_MB
        address        = env.VM_ADDRESS
        gateway        = env.VM_GATEWAY
        ssh_public_key = env.SSH_PUBLIC_KEY
      }
    }
  }

  # No hosts here: the output `event_store_instances` is the inventory.
  configure "machine" {
    playbook = "ansible/machine.yml"
    after    = [provision.vm]
  }

  configure "event-store" {
    playbook = "ansible/event-store.yml"
    after    = [configure.machine]
    instances = {
      dev     = { event_store_port = env.DEV_PORT }
      staging = { event_store_port = env.STAGING_PORT }
      prod    = { event_store_port = env.PROD_PORT }
    }
  }

  verify "dev" {
    http  = "http://${provision.vm.address}:${env.DEV_PORT}/health"
    after = [configure.event-store]
    retry = { for = "1m" }
  }

  verify "staging" {
    http  = "http://${provision.vm.address}:${env.STAGING_PORT}/health"
    after = [configure.event-store]
    retry = { for = "1m" }
  }

  verify "prod" {
    http  = "http://${provision.vm.address}:${env.PROD_PORT}/health"
    after = [configure.event-store]
    retry = { for = "1m" }
  }
}
