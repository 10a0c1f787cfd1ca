package inventory

import (
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// Limits of an inventory.
const (
	HostsMax       = 100_000 // hosts of an inventory, and names one range may stand for
	GroupsMax      = 10_000
	NameBytesMax   = 253 // as DNS has it
	PatternMax     = 64 << 10
	TermsMax       = 10_000 // of one pattern
	PositionMax    = 1_000_000
	SourceBytesMax = source.BytesMax
	expandedMax    = 1_000_000 // names that all ranges of one load stand for
	rangeBytesMax  = 4 * NameBytesMax
	nearestMax     = 20 // problems of one load for which a near name is looked for

	longBytesMax     = 16 << 20         // of an INI or JSON file
	varsBytesMax     = 64 << 20         // of all files in group_vars and host_vars
	directoryMax     = 8                // directories within each other
	outputBytesMax   = 64 << 20         // that a program prints
	complaintMax     = 4 << 10          // bytes of its standard error that are kept
	complaintLineMax = 3                // and lines of these that are told
	programTimeMax   = 60 * time.Second // for its answer to --list
	hostTimeMax      = 5 * time.Minute  // for its answers about all hosts, one by one
)

// The names that mean something in every inventory.
const (
	All   = "all"   // every host, not the controller
	Local = "local" // the controller, where opsctl itself runs

	// Ungrouped is the group of the hosts that no other group has, where there is an inventory of Ansible.
	Ungrouped = "ungrouped"
)

// The transports.
const (
	Builtin = "builtin" // opsctl speaks SSH itself
	OpenSSH = "openssh" // the ssh program of this machine
)

// Host is one machine as the inventory describes it. Its maps may share values
// with other hosts and are not to be changed.
type Host struct {
	Name     string // as in the inventory; what people see
	Addr     string // to dial; "" where the name itself, or ssh_config, tells
	User     string // "" where ssh_config decides
	Port     int    // 0 where ssh_config decides
	Jump     string // as ProxyJump takes it; "" where ssh_config decides
	Identity string // path of a private key; "" where ssh_config decides

	// Transport is what carries the connection: Builtin, OpenSSH, or "" where it is not said.
	Transport string

	// Connection is how an Ansible inventory says the host is reached: "" is SSH, "local" is that it
	// is this machine under another name.
	Connection string
	// NoWay says why the host cannot be reached with what its inventory says of it; "" where it can.
	NoWay string
	// SettingOrigins tells where the settings above came from, for those that Ansible variables gave:
	// addr, user, port, jump, identity, connection.
	SettingOrigins map[string]string

	Groups  []string          // sorted: all it is in, directly or through parents, without "all"
	Vars    map[string]any    // merged: all < parent groups < groups < host
	Origins map[string]string // variable → where its value came from: "inventory.yaml:12:5 (group web)"
	At      string            // where the host itself is written: "inventory.yaml:3:3"

	// SSHConfig is the ssh_config file the host was read from, "" for the others.
	// Settings without a field of their own are still to be found in it.
	SSHConfig string

	index int // in Inventory.Hosts; -1 is the controller
}

// IsLocal tells whether the host is the controller.
func (h *Host) IsLocal() bool { return h.index < 0 }

// ByProcess tells whether commands for the host are run by this machine itself, and not over SSH.
func (h *Host) ByProcess() bool { return h.IsLocal() || h.Connection == Local }

// Group is a named set of hosts.
type Group struct {
	Name   string
	Hosts  []*Host  // inventory order; its own and those of the groups in it
	Groups []string // sorted: the groups directly in it
}

// Inventory is all hosts and groups.
type Inventory struct {
	Hosts    []*Host  // in the order written, without the controller
	Groups   []*Group // sorted by name, without "all"
	Warnings source.Problems

	local  *Host
	hosts  map[string]*Host
	groups map[string]*Group
}

// Lookup returns the host of that name, the controller for "local", or nil.
func (inv *Inventory) Lookup(name string) *Host {
	if name == Local {
		return inv.local
	}
	if h := inv.hosts[name]; h != nil {
		return h
	}
	return inv.hosts[canonical(name)]
}

// Group returns the group of that name, or nil. "all" is one, "local" is not.
func (inv *Inventory) Group(name string) *Group {
	if name == All {
		return &Group{Name: All, Hosts: inv.Hosts}
	}
	return inv.groups[name]
}

// names gives every name a pattern may say, for finding the nearest.
func (inv *Inventory) names() []string {
	names := make([]string, 0, len(inv.Hosts)+len(inv.Groups)+2)
	names = append(names, All, Local)
	for _, g := range inv.Groups {
		names = append(names, g.Name)
	}
	for _, h := range inv.Hosts {
		names = append(names, h.Name)
	}
	return names
}
