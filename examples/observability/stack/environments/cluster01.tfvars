# A cluster, or a single server that stands for one.
name   = "cluster01"
domain = "cluster01.example"

# What can be looked up again need not outlive a container.
forgetful = ["alertmanager"]
