module "child" { # Error: Missing required argument
  source = "./child"
  nam    = "x" # Error: Unsupported argument
}

module "typed" {
  source = "./child"
  name   = "x"
  size   = ["many"] # Error: Invalid value for input variable
}

module "many" {
  source = "./child"
  count  = 2
  name   = "n${count.index}"
}

output "a" {
  value = module.child.nme # Error: Unsupported attribute
}

output "b" {
  value = module.many.name # Error: Unsupported attribute
}

output "c" {
  value = module.many[*].name
}

output "d" {
  value = module.many[0].nothing # Error: Unsupported attribute
}
