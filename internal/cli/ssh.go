package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/pkg/inventory"
)

func newSSH(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ssh", GroupID: "fleet",
		Short: "Explain how a host is reached, and trust its host keys",
		Long: `What works with "ssh host" works with opsctl: it reads the same configuration. "explain" tells what comes out of it
for one host and why; "trust" looks at the keys of hosts and pins them.`,
		Example: "  opsctl ssh explain web1\n  opsctl ssh trust 'web*'",
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSSHExplain(a), newSSHTrust(a))
	return cmd
}

// sshHosts gives the hosts of patterns. A name that no inventory has is a host as it is for ssh.
func (a *app) sshHosts(patterns []string) ([]*inventory.Host, error) {
	inv, err := a.loadInventory("")
	if err != nil {
		return nil, err
	}
	var hosts []*inventory.Host
	seen := map[string]bool{}
	for _, pattern := range patterns {
		found, err := inv.Select(pattern)
		var unknown *inventory.UnknownError
		if errors.As(err, &unknown) && inventory.CheckHostName(pattern) == nil {
			found, err = []*inventory.Host{{Name: pattern, At: "not in the inventory"}}, nil
		}
		if err != nil {
			return nil, err
		}
		for _, h := range found {
			if !h.IsLocal() && h.Connection != inventory.Local && !seen[h.Name] {
				seen[h.Name] = true
				hosts = append(hosts, h)
			}
		}
	}
	if len(hosts) == 0 {
		return nil, usage("no host that is reached over SSH matches", "opsctl hosts lists them; this machine needs no SSH")
	}
	return hosts, nil
}
