package inventory

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory/sshconfig"
)

// ansibleVariable finds a host of Ansible that is called like a keyword of ssh_config.
var ansibleVariable = regexp.MustCompile(`\sansible_\w+=`)

// isSSHConfig looks at the first line that says something: ssh_config starts it with one of its
// keywords and no colon.
func isSSHConfig(text string) bool {
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		return sshconfig.IsDirective(line) && !ansibleVariable.MatchString(line)
	}
	return false
}

// readSSHConfig takes the concrete Host entries of an ssh_config, each with what the file says of it.
// Commands of "Match exec" are not run: reading an inventory must do nothing.
func readSSHConfig(path string, file *source.File, t *troubles) *draft {
	d := decoder{troubles: t, seen: map[string]*source.Node{}}
	resolver, err := sshconfig.New(sshconfig.Options{Files: []string{path}})
	if err != nil {
		d.addAll(file, err)
		return &d.draft
	}
	if len(resolver.Entries()) == 0 {
		t.add(&source.Problem{File: file, Warning: true, Message: "names no host; its Host lines have only wildcards"})
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = path
	}
	for _, entry := range resolver.Entries() {
		node := &source.Node{File: file, Kind: source.Scalar, Text: entry.Name, Pos: source.Pos{Line: entry.Line, Column: 1}}
		if entry.File != path { // it comes from an Include
			node.File = &source.File{Name: entry.File}
		}
		config, err := resolver.Resolve(entry.Name, sshconfig.Given{})
		if err != nil {
			d.add(node.Problem(err.Error(), ""))
			continue
		}
		keys := &hostKeys{sshConfig: absolute}
		if config.Values["hostname"].Line > 0 {
			keys.addr = canonical(config.HostName)
		}
		if config.Values["user"].Line > 0 {
			keys.user = config.User
		}
		if config.Values["port"].Line > 0 {
			keys.port = config.Port
		}
		keys.jump = config.ProxyJump
		if config.Values["identityfile"].Line > 0 && len(config.IdentityFiles) > 0 {
			keys.identity = config.IdentityFiles[0]
		}
		d.sshHost(node, keys)
	}
	return &d.draft
}

// sshHost takes a host whose name may be "[::1]" or hold what only ssh accepts.
func (d *decoder) sshHost(node *source.Node, keys *hostKeys) {
	name := canonical(node.Text)
	if err := CheckHostName(name); err != nil {
		d.add(node.Problem(err.Error(), ""))
		return
	}
	if d.seen[name] == nil && name != All && name != Local {
		d.seen[name] = node
		d.draft.hosts = append(d.draft.hosts, hostDraft{name: name, node: node, keys: keys})
	}
}
