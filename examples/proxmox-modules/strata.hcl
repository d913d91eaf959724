project "proxmox-modules" {
  env_file = [".env"]
}

# What all environments share: images, the template, the security groups.
environment "cluster" {
  provision "template" {
    directory = "template"
    variables = {
      node        = env.PROXMOX_NODE
      template_id = env.TEMPLATE_ID
    }
  }
}

# Three environments with one root module: each has variables and a state of its own.
environment "dev" "staging" "prod" {
  provision "machines" {
    directory      = "infrastructure"
    variable_files = ["infrastructure/environments/${environment.name}.tfvars"]
    variables = {
      environment    = environment.name
      node           = env.PROXMOX_NODE
      template_id    = env.TEMPLATE_ID
      ssh_public_key = env.SSH_PUBLIC_KEY
    }
  }
}
