// Package inventory knows the machines: their names, how they are reached,
// the groups they are in, the variables each of them gets, and the patterns
// that pick some of them.
//
// It is built in three steps. A reader (one file for each format, see
// formats in read.go) turns a source into a draft: names and settings with
// their places, nothing resolved. Drafts are merged, the later one winning
// key by key. Build resolves memberships and variables, and finds every
// mistake at its place. Only the readers (read*.go) touch files and run
// programs; the rest is pure.
//
// Ansible's formats (ini.go, ansible_yaml.go, dynamic.go, vars.go) become
// such drafts, too. What its variables say of a connection is turned into
// settings when all variables are known (settings.go).
//
// It is unaware of runs, of connections and of secrets. What the inventory
// leaves open about a connection is decided by ssh_config, which package
// sshconfig evaluates.
package inventory
