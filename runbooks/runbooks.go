package runbooks

import "embed"

// Files holds the runbooks, by file name.
//
//go:embed *.yaml
var Files embed.FS
