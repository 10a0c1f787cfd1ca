package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor/remote"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/inventory/sshconfig"
)

// way is how one host is reached: what was resolved, and what is made of it.
type way struct {
	config   sshconfig.Config
	settings remote.Settings
	jumps    []way           // the hops before it, first one first
	host     *inventory.Host // nil of a hop
	by       string          // of a hop: what made it one
	project  bool            // the project's known_hosts is asked first
}

// settings resolves how a host is reached: the inventory's word, then ssh_config.
func (c *roster) settings(h *inventory.Host) (remote.Settings, error) {
	w, err := c.way(h)
	return w.settings, err
}

func (c *roster) way(h *inventory.Host) (way, error) {
	if h.NoWay != "" {
		return way{}, errors.New(h.NoWay)
	}
	r, err := c.resolver(h.SSHConfig)
	if err != nil {
		return way{}, err
	}
	given := sshconfig.Given{User: h.User, Port: h.Port, HostName: h.Addr, Jump: h.Jump, Identity: h.Identity}
	if c.app.settings.Jump != "" {
		given.Jump = c.app.settings.Jump
	}
	if c.app.settings.Identity != "" {
		given.Identity = c.app.settings.Identity
	}
	return c.resolved(r, h, h.Name, given, nil)
}

const jumpsMax = 8

// resolved follows the jump hosts; h is nil for one of them, and path are those that led here.
func (c *roster) resolved(r *sshconfig.Resolver, h *inventory.Host, name string, given sshconfig.Given, path []string) (way, error) {
	if len(path) > jumpsMax {
		return way{}, fmt.Errorf("more than %d jump hosts one behind the other: %s", jumpsMax, strings.Join(path, " "))
	}
	config, err := r.Resolve(name, given)
	if err != nil {
		return way{}, err
	}
	if err := config.Refused(); err != nil {
		return way{}, err
	}
	w := way{config: config, settings: c.settingsOf(&config), host: h}
	project, err := c.app.projectKnownHosts()
	if err != nil {
		return way{}, err
	}
	if w.project = project != "" && isFile(project); w.project {
		w.settings.KnownHosts = append([]string{project}, w.settings.KnownHosts...)
		w.settings.HashKnownHosts = false // it is there to be read by people
	}
	place := placeOf(&w)
	if slices.Contains(path, place) {
		return way{}, fmt.Errorf("the jump hosts go round in a circle: %s", strings.Join(append(path, place), ", "))
	}
	err = c.follow(r, &w, append(slices.Clone(path), place))
	return w, err
}

func placeOf(w *way) string {
	return fmt.Sprintf("%s@%s:%d", w.config.User, w.config.HostName, w.config.Port)
}

// follow resolves the hops of a ProxyJump. As with ssh, the first of them may be behind others itself;
// those after it are reached by way of it and nothing else. A host that would be behind itself, because
// all hosts are behind it, is reached at once.
func (c *roster) follow(r *sshconfig.Resolver, w *way, path []string) error {
	for i, text := range list(w.config.ProxyJump) {
		hop, given, err := parseJump(text)
		if err != nil {
			return err
		}
		if given.Hop = true; i > 0 {
			given.Jump = "none"
		}
		if c.itself(r, w, hop, given) {
			continue
		}
		jump, err := c.resolved(r, nil, hop, given, path)
		if err != nil {
			return err
		}
		if i > 0 {
			jump.settings.ProxyCommand = ""
		}
		jump.by = c.app.origin(w, "proxyjump")
		w.jumps = append(append(w.jumps, jump.jumps...), jump)
	}
	for i := range w.jumps {
		w.jumps[i].jumps, w.jumps[i].settings.Jumps = nil, nil
		w.settings.Jumps = append(w.settings.Jumps, w.jumps[i].settings)
	}
	return nil
}

// itself tells whether a hop is the host before which it stands.
func (c *roster) itself(r *sshconfig.Resolver, w *way, hop string, given sshconfig.Given) bool {
	config, err := r.Resolve(hop, given)
	return err == nil && placeOf(&way{config: config}) == placeOf(w) // an error is told by resolved
}

func (c *roster) settingsOf(config *sshconfig.Config) remote.Settings {
	s := remote.Settings{
		Name: config.Host, Addr: config.HostName, Port: config.Port, User: config.User,
		IdentityFiles: config.IdentityFiles, CertificateFiles: config.CertificateFiles, IdentityAgent: agentSocket(config.IdentityAgent),
		IdentitiesOnly: config.IdentitiesOnly, HostKeyAlias: config.HostKeyAlias, HashKnownHosts: config.HashKnownHosts,
		Ciphers: list(config.Ciphers), MACs: list(config.MACs), KeyExchanges: list(config.KexAlgorithms),
		HostKeyAlgorithms: list(config.HostKeyAlgorithms), PubkeyAlgorithms: list(config.PubkeyAcceptedAlgorithms), ConnectTimeout: config.ConnectTimeout, AliveInterval: config.ServerAliveInterval,
		AliveCount: config.ServerAliveCountMax, ProxyCommand: config.ProxyCommand, BindAddress: config.BindAddress, AddressFamily: config.AddressFamily,
	}
	if c.app.settings.HostKey == "accept-new" || config.StrictHostKeyChecking == "accept-new" {
		s.HostKey = remote.AcceptNew
	}
	for _, file := range slices.Concat(config.UserKnownHostsFiles, config.GlobalKnownHostsFiles) {
		if !strings.EqualFold(file, "none") {
			s.KnownHosts = append(s.KnownHosts, file)
		}
	}
	return s
}

// projectKnownHosts is the known_hosts file beside opsctl.yaml, which may not exist yet; "" without a
// project. One that others may write is refused, as opsctl.yaml is: it says who is believed.
func (a *app) projectKnownHosts() (string, error) {
	if a.project == "" {
		return "", nil
	}
	path := filepath.Join(a.project, "known_hosts")
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o022 != 0 {
		return "", &exitError{
			code: codeConfig, hint: "chmod go-w " + path,
			message: fmt.Sprintf("%s: others may write to it (mode %04o)", path, info.Mode().Perm()),
		}
	}
	return path, nil
}

// agentSocket takes an IdentityAgent of the form $NAME from the environment; not set, there is no agent.
func agentSocket(agent string) string {
	name, variable := strings.CutPrefix(agent, "$")
	if !variable {
		return agent
	}
	if socket := os.Getenv(name); socket != "" {
		return socket
	}
	return "none"
}

// lookupLimit bounds one question to the resolver for CanonicalizeHostname.
const lookupLimit = 5 * time.Second

// lookup finds an absolute name, and what it is an alias of, for CanonicalizeHostname.
func lookup(name string) (alias string, found bool) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupLimit)
	defer cancel()
	alias, err := net.DefaultResolver.LookupCNAME(ctx, name)
	return alias, err == nil
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// parseJump reads [ssh://][user@]host[:port].
func parseJump(text string) (host string, given sshconfig.Given, err error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(text, "ssh://"), "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		given.User, rest = rest[:i], rest[i+1:]
	}
	host = rest
	if h, port, splitErr := net.SplitHostPort(rest); splitErr == nil {
		if given.Port, err = strconv.Atoi(port); err != nil {
			return "", given, fmt.Errorf("jump host %q: %q is not a port", text, port)
		}
		host = h
	}
	return strings.Trim(host, "[]"), given, nil
}
