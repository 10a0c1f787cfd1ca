package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/opsctl/opsctl/internal/view"
)

func newConfig(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", GroupID: "self",
		Short:   "Show the configuration",
		Example: "  opsctl config show",
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "show",
		Short: "Show every key with its value and where it comes from",
		Long: `Show every key with its value and what decided it: a flag, a variable, a file, or the default. Strongest first:
flags, OPSCTL_*, the nearest opsctl.yaml upwards, the user's opsctl/config.yaml, /etc/opsctl/config.yaml.`,
		Example: "  opsctl config show\n  opsctl config show --output json",
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.showConfig(cmd.Root()) },
	})
	return cmd
}

// configKey is one key of the configuration. Command names the commands that know it; "" is all.
type configKey struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
	Command string `json:"command,omitempty"`
}

func (a *app) showConfig(root *cobra.Command) error {
	keys, err := a.configKeys(root)
	if err != nil {
		return err
	}
	if a.settings.Output == "json" {
		for _, k := range keys {
			if err := a.printJSON(k); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for _, k := range keys {
		rows = append(rows, []string{k.Key, dash(k.Value), k.Origin, k.Command})
	}
	return a.print(view.Sanitise(view.Table([]string{"KEY", "VALUE", "ORIGIN", "ONLY FOR"}, rows, a.columns())))
}

// configKeys gives the keys of all commands first, then those that only some commands know.
func (a *app) configKeys(root *cobra.Command) ([]configKey, error) {
	var keys []configKey
	seen := map[string]int{}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !notConfig[f.Name] {
			keys = append(keys, configKey{Key: f.Name, Value: f.Value.String(), Origin: a.origins[f.Name]})
			seen[f.Name] = -1
		}
	})
	for i := range keys {
		k := &keys[i]
		k.Value = strings.TrimSuffix(strings.TrimPrefix(k.Value, "["), "]")
		if k.Key == "state-dir" && k.Value == "" {
			dir, err := a.stateDir()
			if err != nil {
				return nil, err
			}
			k.Value = dir
		}
	}
	files, err := a.configFiles()
	if err != nil {
		return nil, err
	}
	known, layers := knownKeys(root), make([]layer, len(files))
	for i, file := range files {
		if layers[i], err = readConfig(file, known); err != nil {
			return nil, err
		}
	}
	var failed error
	for _, c := range root.Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			at, again := seen[f.Name]
			switch {
			case failed != nil || f.Hidden || notConfig[f.Name] || again && at < 0:
			case again:
				keys[at].Command += " " + c.Name()
			default:
				if failed = a.apply(f, files, layers); failed == nil {
					seen[f.Name] = len(keys)
					keys = append(keys, configKey{Key: f.Name, Value: f.Value.String(), Origin: a.origins[f.Name], Command: c.Name()})
				}
			}
		})
	}
	for _, name := range a.targetNames() {
		keys = append(keys, configKey{Key: "notify." + name, Value: a.targets[name].told(), Origin: a.targets[name].file})
	}
	return keys, failed
}
