package cli

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/inventory"
)

func newHosts(a *app) *cobra.Command {
	explain, graph := "", false
	cmd := &cobra.Command{
		Use: "hosts [PATTERN]", GroupID: "fleet",
		Short: "List hosts, or explain where the settings of one come from",
		Long: `List the hosts of the inventory, or those a pattern picks. With --explain: every variable of one host with the
place that decided it, and how ssh reaches it. With --graph: the tree of groups, with the hosts in them.`,
		Example: "  opsctl hosts\n  opsctl hosts 'web*:!web3'\n  opsctl hosts --explain web1\n  opsctl hosts --graph\n  opsctl hosts --graph -i hosts -i inventory.py\n  opsctl hosts all --output json",
		Args:    atMost(1, "at most one pattern"),
		RunE: func(_ *cobra.Command, args []string) error {
			if explain != "" && (graph || len(args) > 0) {
				return usage("--explain tells of one host alone", "leave out --graph and the pattern")
			}
			if graph {
				return a.graphHosts(first(args, ""))
			}
			if explain != "" {
				return a.explainHost(explain)
			}
			hosts, err := a.selectHosts(first(args, ""))
			if err != nil {
				return err
			}
			return a.listHosts(hosts)
		},
	}
	cmd.Flags().StringVar(&explain, "explain", "", "tell where every setting of `HOST` comes from")
	cmd.Flags().BoolVar(&graph, "graph", false, "draw the tree of groups and hosts")
	return cmd
}

// hostFacts are a host as a program is told of it.
type hostFacts struct {
	Name       string            `json:"name"`
	Addr       string            `json:"addr,omitempty"`
	User       string            `json:"user,omitempty"`
	Port       int               `json:"port,omitempty"`
	Jump       string            `json:"jump,omitempty"`
	Identity   string            `json:"identity,omitempty"`
	Transport  string            `json:"transport,omitempty"`
	Connection string            `json:"connection,omitempty"` // "local": this machine under another name
	NoWay      string            `json:"no_way,omitempty"`     // why it cannot be reached
	Groups     []string          `json:"groups"`
	Vars       map[string]any    `json:"vars,omitempty"`
	Origins    map[string]string `json:"origins,omitempty"` // of vars
	At         string            `json:"at,omitempty"`      // where the host is written
	SSH        []sshFact         `json:"ssh,omitempty"`
}

// sshFact is one effective setting of the connection.
type sshFact struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

func factsOf(h *inventory.Host) hostFacts {
	return hostFacts{
		Name: h.Name, Addr: h.Addr, User: h.User, Port: h.Port, Jump: h.Jump, Identity: h.Identity, Transport: h.Transport, Connection: h.Connection, NoWay: h.NoWay, Vars: h.Vars, At: h.At, Origins: h.Origins,
		Groups: append([]string{}, h.Groups...),
	}
}

func (a *app) listHosts(hosts []*inventory.Host) error {
	if a.settings.Output == "json" {
		for _, h := range hosts {
			if err := a.printJSON(factsOf(h)); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for _, h := range hosts {
		port := ""
		if h.Port != 0 {
			port = strconv.Itoa(h.Port)
		}
		rows = append(rows, []string{h.Name, dash(h.Addr), dash(h.User), dash(port), dash(strings.Join(h.Groups, " "))})
	}
	return a.print(view.Table([]string{"NAME", "ADDR", "USER", "PORT", "GROUPS"}, rows, a.columns()))
}

// dash stands where nothing is said, so that columns can be told apart.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// columns is the width for tables: that of the terminal, and no limit in a pipe.
func (a *app) columns() int {
	if view.IsTerminal(a.out) {
		return view.Width(a.out)
	}
	return 0
}

func (a *app) explainHost(name string) error {
	inv, err := a.loadInventory("")
	if err != nil {
		return err
	}
	h := inv.Lookup(name)
	if h == nil {
		var known []string
		for _, other := range inv.Hosts {
			known = append(known, other.Name)
		}
		return usage(fmt.Sprintf("there is no host %q", name), source.DidYouMean(name, known))
	}
	facts := factsOf(h)
	here := h.IsLocal() || h.Connection == inventory.Local
	if !here && h.NoWay == "" {
		if facts.SSH, err = a.explainSSH(h); err != nil {
			return err
		}
	}
	if a.settings.Output == "json" {
		return a.printJSON(facts)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", h.Name, h.At)
	fmt.Fprintf(&b, "groups: %s\n\nvars:\n", dash(strings.Join(h.Groups, ", ")))
	b.WriteString(view.Table(nil, varRows(h), a.columns()))
	if here {
		b.WriteString("\nthis machine: opsctl needs no ssh to it\n")
		return a.print(view.Sanitise(b.String()))
	}
	if h.NoWay != "" {
		b.WriteString("\ncannot be reached: " + h.NoWay + "\n")
		return a.print(view.Sanitise(b.String()))
	}
	b.WriteString("\nssh:\n")
	var rows [][]string
	for _, f := range facts.SSH {
		rows = append(rows, []string{"  " + f.Key, f.Value, f.Origin})
	}
	b.WriteString(view.Table(nil, rows, a.columns()))
	return a.print(view.Sanitise(b.String()))
}

func varRows(h *inventory.Host) [][]string {
	keys := make([]string, 0, len(h.Vars))
	for key := range h.Vars {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	rows := [][]string{}
	for _, key := range keys {
		value, err := json.Marshal(h.Vars[key])
		if err != nil { // a number that JSON does not know, such as .inf
			value = fmt.Append(nil, h.Vars[key])
		}
		rows = append(rows, []string{"  " + key, string(value), h.Origins[key]})
	}
	if len(rows) == 0 {
		rows = append(rows, []string{"  none"})
	}
	return rows
}
