package inventory

import "sort"

// Snapshot is an inventory as plain data: what a run keeps, so that it can go on, or be taken
// back, when the files it was read from have changed since.
type Snapshot struct {
	Hosts  []SnapshotHost      `json:"hosts"`
	Groups map[string][]string `json:"groups,omitempty"`
}

// SnapshotHost is one host of a Snapshot.
type SnapshotHost struct {
	Name       string         `json:"name"`
	Addr       string         `json:"addr,omitempty"`
	User       string         `json:"user,omitempty"`
	Port       int            `json:"port,omitempty"`
	Jump       string         `json:"jump,omitempty"`
	Identity   string         `json:"identity,omitempty"`
	Transport  string         `json:"transport,omitempty"`
	Connection string         `json:"connection,omitempty"`
	NoWay      string         `json:"no_way,omitempty"`
	SSHConfig  string         `json:"ssh_config,omitempty"`
	Groups     []string       `json:"groups,omitempty"`
	Vars       map[string]any `json:"vars,omitempty"`
}

// Snapshot gives the inventory as plain data.
func (inv *Inventory) Snapshot() Snapshot {
	s := Snapshot{Groups: map[string][]string{}}
	for _, h := range inv.Hosts {
		s.Hosts = append(s.Hosts, SnapshotHost{
			Name: h.Name, Addr: h.Addr, User: h.User, Port: h.Port, Jump: h.Jump, Identity: h.Identity,
			SSHConfig: h.SSHConfig, Transport: h.Transport, Connection: h.Connection, NoWay: h.NoWay, Groups: h.Groups, Vars: h.Vars,
		})
	}
	for _, g := range inv.Groups {
		names := []string{}
		for _, h := range g.Hosts {
			names = append(names, h.Name)
		}
		s.Groups[g.Name] = names
	}
	return s
}

// Restore makes the inventory of a snapshot.
func Restore(s Snapshot) *Inventory {
	inv := &Inventory{hosts: map[string]*Host{}, groups: map[string]*Group{}, local: &Host{Name: Local, index: -1}}
	for i, h := range s.Hosts {
		host := &Host{
			Name: h.Name, Addr: h.Addr, User: h.User, Port: h.Port, Jump: h.Jump, Identity: h.Identity,
			SSHConfig: h.SSHConfig, Transport: h.Transport, Connection: h.Connection, NoWay: h.NoWay, Groups: h.Groups, Vars: h.Vars, index: i,
		}
		inv.Hosts = append(inv.Hosts, host)
		inv.hosts[host.Name] = host
	}
	for name, members := range s.Groups {
		g := &Group{Name: name}
		for _, m := range members {
			g.Hosts = append(g.Hosts, inv.hosts[m])
		}
		inv.Groups = append(inv.Groups, g)
		inv.groups[name] = g
	}
	sort.Slice(inv.Groups, func(i, j int) bool { return inv.Groups[i].Name < inv.Groups[j].Name })
	return inv
}
