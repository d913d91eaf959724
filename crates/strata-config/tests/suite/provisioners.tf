variable "x" {}

resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = self.id
  }
  provisioner "local-exec" {
    when    = destroy
    command = "${var.x} ${self.id} ${path.module}" # Error: Invalid reference from destroy provisioner
  }
  provisioner "local-exec" {
    when       = "create"   # Warning: Quoted keywords are deprecated
    on_failure = "continue" # Warning: Quoted keywords are deprecated
    command    = "x"
  }
  provisioner "local-exec" {
    when       = sometimes # Error: Invalid "when" keyword
    on_failure = never     # Error: Invalid "on_failure" keyword
    command    = "x"
  }
  provisioner "remote-exec" {
    inline = ["a"]
    connection {
      host = self.id
    }
    connection { # Error: Duplicate connection block
      host = "x"
    }
  }
  provisioner "x" "y" {} # Error: Extraneous label for provisioner
}
