// Command opsctl runs runbooks on this machine and over SSH, with dry run and rollback.
package main

import (
	"os"

	"github.com/opsctl/opsctl/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
