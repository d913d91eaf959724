project "proxmox-host" {
  env_file = [".env"]
}

# The host first, then the machines on it, then what runs in them.
environment "home" {
  configure "hypervisor" {
    playbook = "ansible/proxmox-host.yml"
    hosts = {
      proxmox = {
        (env.PROXMOX_NODE) = { ansible_host = env.PROXMOX_HOST, ansible_user = "root" }
      }
    }
  }

  # What the machines are cloned from. Who has a template already leaves it out: `--skip image.template`.
  image "template" {
    directory = "template"
    playbook  = "ansible/template.yml"
    after     = [configure.hypervisor]
    variables = {
      node           = env.PROXMOX_NODE
      template_id    = env.TEMPLATE_ID
      ssh_public_key = env.SSH_PUBLIC_KEY
    }
  }

  provision "machines" {
    directory = "infrastructure"
    after     = [image.template]
    variables = {
      node           = env.PROXMOX_NODE
      template_id    = env.TEMPLATE_ID
      web_count      = env.WEB_COUNT
      ssh_public_key = env.SSH_PUBLIC_KEY
    }
  }

  # No hosts here: the output `web_instances` is the inventory.
  configure "machines" {
    playbook = "ansible/machines.yml"
    after    = [provision.machines]
  }

  verify "nginx" {
    service = "nginx"
    hosts   = ["web"]
    after   = [configure.machines]
    retry   = { for = "30s" }
  }
}

# The same in containers of Incus: one stands for the host, the others for the machines.
environment "container" {
  provision "host" {
    directory = "container"
    variables = {
      names   = ["proxmox-host"]
      network = "proxmox-host"
      subnet  = "10.81.0.1/24"
    }
  }

  configure "hypervisor" {
    playbook  = "ansible/proxmox-host.yml"
    hosts     = { proxmox = provision.host.names }
    variables = { proxmox_host_has_repository = false }
  }

  image "template" {
    directory = "container/template"
    playbook  = "ansible/template.yml"
    alias     = "proxmox-host-web"
    after     = [configure.hypervisor]
    variables = { network = provision.host.network }
  }

  provision "machines" {
    directory = "container/machines"
    variables = {
      image   = image.template.alias
      network = provision.host.network
      names   = [for index in range(env.WEB_COUNT) : "proxmox-host-web-${index + 1}"]
    }
  }

  configure "machines" {
    playbook = "ansible/machines.yml"
    after    = [provision.machines]
  }

  verify "nginx" {
    service = "nginx"
    hosts   = ["web"]
    after   = [configure.machines]
    retry   = { for = "30s" }
  }
}
