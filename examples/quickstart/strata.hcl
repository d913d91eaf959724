# Two web servers in Incus containers. Without an Incus host, rehearse it in the twin:
#
#     strata up local --twin

project "quickstart" {
  env_file = [".env"]
}

environment "local" {
  provision "machines" {
    directory = "infrastructure"
    variables = {
      greeting = env.GREETING
    }
  }

  configure "web" {
    playbook = "ansible/site.yml"
    after    = [provision.machines]
  }

  verify "nginx" {
    service = "nginx"
    hosts   = ["web"]
    after   = [configure.web]
  }
}
