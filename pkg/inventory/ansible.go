package inventory

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// groupPriority is the variable of a group that orders it among those of its depth.
const groupPriority = "ansible_group_priority"

// ansibleDraft is a draft in the making; Ansible's three formats all end here.
type ansibleDraft struct {
	*troubles
	draft   draft
	hostAt  map[string]int
	groupAt map[string]int
}

func newAnsibleDraft(t *troubles) *ansibleDraft {
	return &ansibleDraft{troubles: t, draft: draft{ansible: true}, hostAt: map[string]int{}, groupAt: map[string]int{}}
}

// hostLine is what one place of an inventory says of some hosts.
type hostLine struct {
	node  *source.Node // the name or the range, as written
	names []string
	port  int // behind the name; 0 when there is none
	vars  []variable
}

// pattern reads "web[1:3]:2222", which Ansible takes wherever a host is written by hand.
func (a *ansibleDraft) pattern(node *source.Node) (line hostLine, ok bool) {
	line.node = node
	text, port, hasPort := cutPort(node.Text)
	if hasPort {
		n, err := parsePort(port)
		if err != nil {
			a.add(node.ProblemAt(len(node.Text)-len(port), len(port), err.Error(), ""))
			return line, false
		}
		line.port = n
	}
	// An open beginning is the first number there is.
	names, bad := a.expand(strings.ReplaceAll(text, "[:", "[0:"))
	if bad != nil {
		a.add(node.ProblemAt(min(bad.offset, len(node.Text)), bad.width, bad.message, bad.hint))
		return line, false
	}
	line.names = names
	return line, true
}

// cutPort parts "name:22" and "[::1]:22". The colons of an address without brackets, and of a range, are no ports.
func cutPort(text string) (name, port string, found bool) {
	if end := strings.LastIndexByte(text, ']'); strings.HasPrefix(text, "[") && end > 0 && !strings.ContainsAny(text[1:end], "[]") && canonical(text[:end+1]) != text[:end+1] {
		port, found = strings.CutPrefix(text[end+1:], ":")
		if found {
			return text[1:end], port, true
		}
		return text, "", false
	}
	depth, colon, colons := 0, -1, 0
	for i := range len(text) {
		switch text[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ':':
			if depth == 0 {
				colon, colons = i, colons+1
			}
		}
	}
	if colons != 1 {
		return text, "", false
	}
	return text[:colon], text[colon+1:], true
}

// hosts notes the hosts of a line, in the group given unless that is "all" or "ungrouped".
func (a *ansibleDraft) hosts(line hostLine, group string) {
	for _, name := range line.names {
		name = canonical(name)
		if err := CheckHostName(name); err != nil {
			a.add(line.node.ProblemAt(0, len([]rune(line.node.Text)), err.Error(), ""))
			return
		}
		if name == All || name == Local {
			a.add(problemAt(line.node, reservedMessage(name), ""))
			return
		}
		h := a.host(name, line)
		if h == nil {
			return
		}
		h.keys.vars = append(h.keys.vars, line.vars...)
		if group != All && group != Ungrouped {
			member := *line.node
			member.Text = name
			g := a.group(group, line.node)
			g.words = append(g.words, &member)
		}
	}
}

// host gives the draft of a host. Ansible takes a port behind a name only where the host is new.
func (a *ansibleDraft) host(name string, line hostLine) *hostDraft {
	port := variable{name: "ansible_port", value: line.port, node: line.node, origin: place(line.node) + " (host " + line.node.Text + ")", onlyNew: true}
	if at, known := a.hostAt[name]; known {
		if line.port != 0 {
			a.portIgnored(&port, name)
		}
		return &a.draft.hosts[at]
	}
	if len(a.draft.hosts) >= HostsMax {
		a.add(problemAt(line.node, fmt.Sprintf("more than %d hosts", HostsMax), ""))
		return nil
	}
	a.hostAt[name] = len(a.draft.hosts)
	keys := &hostKeys{}
	if line.port != 0 {
		keys.vars = append(keys.vars, port)
	}
	a.draft.hosts = append(a.draft.hosts, hostDraft{name: name, node: line.node, keys: keys})
	return &a.draft.hosts[len(a.draft.hosts)-1]
}

func (t *troubles) portIgnored(v *variable, host string) {
	t.warn(v.node, fmt.Sprintf("the port %v of %s is not taken: the host was given before, and Ansible takes a port only there", v.value, quote(host)),
		"write ansible_port=…, which is always taken")
}

// group gives the draft of a group, made when it is first met; node is where.
func (a *ansibleDraft) group(name string, node *source.Node) *groupDraft {
	if at, known := a.groupAt[name]; known {
		return &a.draft.groups[at]
	}
	if name != All {
		if err := checkGroupName(name); err != nil {
			a.add(node.ProblemAt(0, len([]rune(node.Text)), err.Error(), ""))
		}
	}
	a.groupAt[name] = len(a.draft.groups)
	a.draft.groups = append(a.draft.groups, groupDraft{name: name, node: node})
	return &a.draft.groups[len(a.draft.groups)-1]
}

// child puts a group into another. What is in "all" already needs no mention, but has to be there.
func (a *ansibleDraft) child(parent string, word *source.Node) {
	if parent == Ungrouped {
		a.add(problemAt(word, `the group "ungrouped" has no groups in it: its hosts are those that no group has`, ""))
		return
	}
	g := a.group(parent, word)
	g.children = append(g.children, word)
}

// groupVar notes a variable of a group. The priority of a group is not one.
func (a *ansibleDraft) groupVar(group string, v variable) {
	g := a.group(group, v.node)
	if v.name != groupPriority {
		g.vars = append(g.vars, v)
		return
	}
	n, err := pythonInt(v.value)
	if err != nil {
		a.add(problemAt(v.node, "cannot take "+groupPriority+": "+err.Error(), ""))
		return
	}
	g.priority = &n
}

// variable makes one; value was read from node by the rules of its format.
func (a *ansibleDraft) variable(name string, key *source.Node, value any, owner string) variable {
	v := variable{name: name, value: value, node: key, origin: place(key) + " (" + owner + ")"}
	if !settingNames[name] && hasTemplate(value) {
		a.template(key, name)
	}
	return v
}

// ownerOf names who a variable of a group belongs to.
func ownerOf(group string) string {
	if group == All {
		return All
	}
	return "group " + group
}

// hasTemplate tells whether a value holds text that Ansible would evaluate.
func hasTemplate(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "{{") || strings.Contains(v, "{%")
	case []any:
		for _, item := range v {
			if hasTemplate(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if hasTemplate(item) {
				return true
			}
		}
	}
	return false
}
