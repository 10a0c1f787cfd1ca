package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/opsctl/opsctl/pkg/inventory"
)

// settings are the flags that every command knows, after flags, environment and files.
type settings struct {
	Inventory        []string
	Limit            string
	Forks            int
	User             string
	SSHConfig        string
	Jump             string
	Identity         string
	SSHOptions       []string
	HostKey          string
	Transport        string
	Sudo             bool
	AskSudoPassword  bool
	SudoPasswordFile string
	Output           string
	Color            string
	Verbose          int
	Quiet            bool
	Yes              bool
	StateDir         string
	Chdir            string
	Config           string
	ConnectTimeout   string
}

// globalFlags declares the settings. Each is also OPSCTL_<NAME> and a key of opsctl.yaml.
func (a *app) globalFlags(root *cobra.Command) {
	f, s := root.PersistentFlags(), &a.settings
	f.StringArrayVarP(&s.Inventory, "inventory", "i", nil, "inventory `SRC`: ours or Ansible's (file, directory, program), ssh_config, or hosts such as web1,web2, (repeatable)")
	f.StringVarP(&s.Limit, "limit", "l", "", "only hosts that match the `PATTERN`")
	f.IntVarP(&s.Forks, "forks", "f", 50, "how many hosts at once")
	f.StringVarP(&s.User, "user", "u", "", "log in as `USER`")
	f.StringVarP(&s.SSHConfig, "ssh-config", "F", "", "ssh_config `FILE` instead of ~/.ssh/config")
	f.StringVarP(&s.Jump, "jump", "J", "", "jump hosts `[USER@]HOST[:PORT],…`")
	f.StringVar(&s.Identity, "identity", "", "private key `FILE`")
	f.StringArrayVarP(&s.SSHOptions, "ssh-option", "o", nil, "ssh_config option `KEY=VALUE` (repeatable)")
	f.StringVar(&s.HostKey, "host-key", "strict", "unknown host keys: `strict` refuses them, accept-new pins them")
	f.StringVar(&s.Transport, "transport", "", "what carries SSH: `builtin` (the default), or openssh for the ssh program of this machine")
	f.BoolVarP(&s.Sudo, "sudo", "b", false, "run every step by sudo that does not say otherwise")
	f.BoolVarP(&s.AskSudoPassword, "ask-sudo-password", "K", false, "ask for the sudo password, once")
	f.StringVar(&s.SudoPasswordFile, "sudo-password-file", "", "`FILE` with the sudo password, for nobody else to read")
	f.StringVar(&s.Output, "output", "auto", "how to show: `auto`, plain, json, quiet, tui, github; sarif for validate and lint")
	f.StringVar(&s.Color, "color", "auto", "`auto`, always, never")
	f.CountVarP(&s.Verbose, "verbose", "v", "show the output of steps")
	f.BoolVarP(&s.Quiet, "quiet", "q", false, "show only what went wrong")
	f.BoolVarP(&s.Yes, "yes", "y", false, "answer confirmations with yes")
	f.StringVar(&s.StateDir, "state-dir", "", "`DIR` of the journal, outputs and locks (default $XDG_STATE_HOME/opsctl)")
	f.StringVarP(&s.Chdir, "chdir", "C", "", "work in `DIR`")
	f.StringVar(&s.Config, "config", "", "configuration `FILE` instead of the nearest opsctl.yaml")
}

// notConfig are flags that make no sense in a file or the environment.
var notConfig = map[string]bool{"help": true, "version": true, "chdir": true, "config": true, "param": true, "params-file": true, "to": true, "out": true, "replace": true, "demo": true, "force": true, "yes-destroy": true}

// configure applies environment and files to the flags that were not given, strongest first:
// flags, OPSCTL_*, the nearest opsctl.yaml, the user's config.yaml, /etc/opsctl/config.yaml.
func (a *app) configure(cmd *cobra.Command) error {
	if a.settings.Chdir != "" {
		if err := os.Chdir(a.settings.Chdir); err != nil {
			return usage("cannot work in "+a.settings.Chdir+": "+reason(err), "")
		}
	}
	if err := a.takeSudoPassword(); err != nil {
		return err
	}
	files, err := a.configFiles()
	if err != nil {
		return err
	}
	known := knownKeys(cmd.Root())
	layers := make([]layer, len(files))
	for i, file := range files {
		if layers[i], err = readConfig(file, known); err != nil {
			return err
		}
		a.adoptTargets(layers[i].targets)
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if failed == nil && !notConfig[f.Name] {
			failed = a.apply(f, files, layers)
		}
	})
	if failed != nil {
		return failed
	}
	return a.checkSettings(cmd)
}

func (a *app) apply(f *pflag.Flag, files []string, layers []layer) error {
	if f.Changed {
		a.origins[f.Name] = "--" + f.Name
		return nil
	}
	name := envName(f.Name)
	if text, ok := os.LookupEnv(name); ok && text != "" {
		return a.set(f, text, name)
	}
	for i, layer := range layers {
		value, ok := layer.values[f.Name]
		if !ok {
			continue
		}
		if list, isList := value.([]any); isList {
			for _, item := range list {
				if err := a.set(f, a.besideConfig(f.Name, fmt.Sprint(item), files[i]), files[i]); err != nil {
					return err
				}
			}
			return nil
		}
		return a.set(f, a.besideConfig(f.Name, fmt.Sprint(value), files[i]), files[i])
	}
	a.origins[f.Name] = "default"
	return nil
}

// besideConfig resolves paths of a configuration file relative to that file.
func (a *app) besideConfig(flag, text, file string) string {
	if flag != "inventory" && flag != "ssh-config" && flag != "identity" && flag != "state-dir" && flag != "sudo-password-file" {
		return text
	}
	if text == "" || filepath.IsAbs(text) || strings.HasPrefix(text, "~") || strings.Contains(text, ",") {
		return text
	}
	return filepath.Join(filepath.Dir(file), text)
}

func (a *app) set(f *pflag.Flag, text, origin string) error {
	if err := f.Value.Set(text); err != nil {
		return &exitError{code: codeConfig, message: origin + ": " + notValue(f, text, err)}
	}
	a.origins[f.Name] = origin
	return nil
}

func envName(flag string) string {
	return "OPSCTL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// configFiles lists the configuration files there are, strongest first.
func (a *app) configFiles() ([]string, error) {
	var files []string
	if a.settings.Config != "" {
		if _, err := os.Stat(a.settings.Config); err != nil {
			return nil, &exitError{code: codeConfig, message: "cannot read the configuration " + a.settings.Config + ": " + reason(err)}
		}
		files = append(files, a.settings.Config)
	} else if dir, err := os.Getwd(); err == nil {
		for {
			if file := filepath.Join(dir, "opsctl.yaml"); isFile(file) {
				files = append(files, file)
				a.project = dir
				break
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	if base, err := os.UserConfigDir(); err == nil {
		files = appendFile(files, filepath.Join(base, "opsctl", "config.yaml"))
	}
	return appendFile(files, "/etc/opsctl/config.yaml"), nil
}

func appendFile(files []string, path string) []string {
	if isFile(path) {
		return append(files, path)
	}
	return files
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func knownKeys(root *cobra.Command) []string {
	seen := map[string]bool{}
	add := func(f *pflag.Flag) {
		if !notConfig[f.Name] {
			seen[f.Name] = true
		}
	}
	root.PersistentFlags().VisitAll(add)
	for _, c := range root.Commands() {
		c.Flags().VisitAll(add)
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (a *app) checkSettings(cmd *cobra.Command) error {
	s := &a.settings
	check := func(flag, value string, words ...string) error {
		for _, w := range words {
			if value == w {
				return nil
			}
		}
		code := codeUsage
		if !strings.HasPrefix(a.origins[flag], "--") {
			code = codeConfig
		}
		return &exitError{code: code, message: fmt.Sprintf("%s: %q is not one of %s", a.origins[flag], value, strings.TrimPrefix(strings.Join(words, ", "), ", "))}
	}
	if s.Quiet && s.Output == "auto" {
		s.Output = "quiet"
	}
	if s.Output == "sarif" && cmd.Name() != "validate" && cmd.Name() != "lint" {
		return usage("--output sarif is for opsctl validate and opsctl lint, which look at files", "--output github annotates what else goes wrong")
	}
	if s.Forks < 1 {
		code := codeUsage
		if !strings.HasPrefix(a.origins["forks"], "--") {
			code = codeConfig
		}
		return &exitError{code: code, message: fmt.Sprintf("%s: forks must be at least 1, not %d", a.origins["forks"], s.Forks)}
	}
	// What ssh_config would expand cannot be looked up here; of a key in an agent the public half is enough.
	if s.Identity != "" && !strings.ContainsAny(s.Identity, "~%$") && !isFile(s.Identity) && !isFile(s.Identity+".pub") {
		return usage("cannot read the key "+s.Identity+" of "+a.origins["identity"]+": there is no such file", "")
	}
	return errors.Join(
		check("output", s.Output, "auto", "plain", "json", "quiet", "tui", "github", "sarif"),
		check("color", s.Color, "auto", "always", "never"),
		check("host-key", s.HostKey, "strict", "accept-new"),
		check("transport", s.Transport, "", inventory.Builtin, inventory.OpenSSH),
	)
}

// reason gives what went wrong without the path that the message names already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// stateDir is where the journal, outputs and locks are.
func (a *app) stateDir() (string, error) {
	if a.settings.StateDir != "" {
		return a.settings.StateDir, nil
	}
	if base := os.Getenv("XDG_STATE_HOME"); base != "" {
		return filepath.Join(base, "opsctl"), nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/opsctl", nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &exitError{code: codeConfig, message: "cannot find a place for the journal: " + err.Error(), hint: "--state-dir DIR"}
	}
	return filepath.Join(home, ".local", "state", "opsctl"), nil
}
