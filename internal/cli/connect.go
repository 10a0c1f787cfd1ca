package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/local"
	"github.com/opsctl/opsctl/pkg/executor/openssh"
	"github.com/opsctl/opsctl/pkg/executor/remote"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/inventory/sshconfig"
)

// roster gives each host of the inventory its executor.Host: this machine, or one over SSH.
type roster struct {
	app     *app
	runID   string
	resumed map[string]bool // hosts on which the run's directory must exist already
	dialer  *remote.Dialer
	openssh *openssh.Transport

	mu        sync.Mutex
	resolvers map[string]*sshconfig.Resolver // by ssh_config file; "" is the user's
	hosts     map[*inventory.Host]executor.Host
}

func (a *app) connect(runID string, resumed map[string]bool) (*roster, error) {
	c := &roster{
		app: a, runID: runID, resumed: resumed, resolvers: map[string]*sshconfig.Resolver{}, hosts: map[*inventory.Host]executor.Host{},
	}
	if _, err := c.resolver(""); err != nil {
		return nil, err
	}
	o := remote.Options{Forks: a.settings.Forks, AgentSocket: os.Getenv("SSH_AUTH_SOCK"), Accepted: func(host, fingerprint string) {
		a.note(fmt.Sprintf("%s: its host key %s is pinned from now on", host, fingerprint))
	}}
	if a.asks() {
		o.Passphrase = func(_ context.Context, file string) ([]byte, error) {
			text, err := a.askSecret("passphrase of " + file + ": ")
			return []byte(text), err
		}
	}
	c.dialer = remote.NewDialer(o)
	c.openssh = openssh.New(openssh.Options{Forks: a.settings.Forks})
	return c, nil
}

// Host gives the same executor.Host for the same host.
func (c *roster) Host(h *inventory.Host) executor.Host {
	c.mu.Lock()
	defer c.mu.Unlock()
	if host := c.hosts[h]; host != nil {
		return host
	}
	var host executor.Host
	if h.ByProcess() {
		host = local.New(local.Options{RunID: c.directory(h), Resumed: c.resumed[h.Name]})
	} else if link, err := c.link(h); err != nil {
		host = unusable{err: &executor.HostError{Class: "config", Hop: h.Name, Message: err.Error()}}
	} else {
		host = supervisor.NewHost(link, supervisor.Options{RunID: c.directory(h), Resumed: c.resumed[h.Name]})
	}
	c.hosts[h] = host
	return host
}

// link is the way to a host over SSH, by the transport that is said for it.
func (c *roster) link(h *inventory.Host) (supervisor.Linker, error) {
	if c.transport(h) == inventory.OpenSSH {
		return c.byOpenSSH(h)
	}
	settings, err := c.settings(h)
	if err != nil {
		return nil, err
	}
	return c.dialer.Linker(settings), nil
}

// directory names the run's directory on a host. The host's name is part of it: several hosts of
// an inventory may share a home directory, or be one machine, and their attempts must not meet.
func (c *roster) directory(h *inventory.Host) string {
	return c.runID + "." + strings.ReplaceAll(h.Name, ":", "_")
}

func (c *roster) close() {
	c.mu.Lock()
	hosts := c.hosts
	c.hosts = map[*inventory.Host]executor.Host{}
	c.mu.Unlock()
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(func() { _ = h.Close() }) // the run is over; what a close says changes nothing
	}
	wg.Wait()
	_ = c.dialer.Close()
	_ = c.openssh.Close()
}

// resolver reads an ssh_config once.
func (c *roster) resolver(file string) (*sshconfig.Resolver, error) {
	if r := c.resolvers[file]; r != nil {
		return r, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	o := sshconfig.Options{Overrides: c.app.settings.SSHOptions, User: c.app.settings.User, Home: home, LocalUser: userName(), Exec: matchExec}
	switch {
	case c.app.settings.SSHConfig != "":
		o.Files = []string{c.app.settings.SSHConfig}
	case file != "":
		o.Files = []string{file}
	default:
		o.Files = []string{filepath.Join(home, ".ssh", "config"), "/etc/ssh/ssh_config"}
	}
	r, err := sshconfig.New(o)
	if err != nil {
		return nil, err
	}
	c.resolvers[file] = r
	return r, nil
}

// matchExec runs the command of a "Match exec" of ssh_config, as ssh does.
func matchExec(command string) bool {
	return exec.Command("/bin/sh", "-c", command).Run() == nil
}

// settings resolves how a host is reached: the inventory's word, then ssh_config.
func (c *roster) settings(h *inventory.Host) (remote.Settings, error) {
	if h.NoWay != "" {
		return remote.Settings{}, errors.New(h.NoWay)
	}
	r, err := c.resolver(h.SSHConfig)
	if err != nil {
		return remote.Settings{}, err
	}
	given := sshconfig.Given{User: h.User, Port: h.Port, HostName: h.Addr, Jump: h.Jump, Identity: h.Identity}
	if c.app.settings.Jump != "" {
		given.Jump = c.app.settings.Jump
	}
	if c.app.settings.Identity != "" {
		given.Identity = c.app.settings.Identity
	}
	return c.resolved(r, h.Name, given, 0)
}

const jumpsMax = 8

func (c *roster) resolved(r *sshconfig.Resolver, name string, given sshconfig.Given, depth int) (remote.Settings, error) {
	if depth > jumpsMax {
		return remote.Settings{}, errors.New("more than " + strconv.Itoa(jumpsMax) + " jump hosts one behind the other")
	}
	config, err := r.Resolve(name, given)
	if err != nil {
		return remote.Settings{}, err
	}
	s := remote.Settings{
		Name: name, Addr: config.HostName, Port: config.Port, User: config.User,
		IdentityFiles: config.IdentityFiles, CertificateFiles: config.CertificateFiles, IdentityAgent: config.IdentityAgent,
		IdentitiesOnly: config.IdentitiesOnly, KnownHosts: append(append([]string{}, config.UserKnownHostsFiles...), config.GlobalKnownHostsFiles...),
		HostKeyAlias: config.HostKeyAlias, Ciphers: list(config.Ciphers), MACs: list(config.MACs), KeyExchanges: list(config.KexAlgorithms),
		HostKeyAlgorithms: list(config.HostKeyAlgorithms), ConnectTimeout: config.ConnectTimeout, AliveInterval: config.ServerAliveInterval,
		AliveCount: config.ServerAliveCountMax, ProxyCommand: config.ProxyCommand, BindAddress: config.BindAddress, AddressFamily: config.AddressFamily,
	}
	if c.app.settings.HostKey == "accept-new" || config.StrictHostKeyChecking == "accept-new" {
		s.HostKey = remote.AcceptNew
	}
	for _, jump := range list(config.ProxyJump) {
		if jump == "none" {
			continue
		}
		hop, given, err := parseJump(jump)
		if err != nil {
			return s, err
		}
		settings, err := c.resolved(r, hop, given, depth+1)
		if err != nil {
			return s, err
		}
		s.Jumps = append(s.Jumps, settings.Jumps...)
		settings.Jumps = nil
		s.Jumps = append(s.Jumps, settings)
	}
	return s, nil
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// parseJump reads [ssh://][user@]host[:port].
func parseJump(text string) (host string, given sshconfig.Given, err error) {
	rest := strings.TrimPrefix(text, "ssh://")
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

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// unusable is a host whose settings are wrong: every use of it says so.
type unusable struct{ err *executor.HostError }

func (u unusable) ending() executor.Ending {
	return executor.Ending{Verdict: executor.NeverRan, Class: u.err.Class, Message: u.err.Message}
}

func (u unusable) Ask(context.Context, executor.Command, executor.Sink) executor.Ending {
	return u.ending()
}

func (u unusable) Reach(context.Context) error { return u.err }

func (u unusable) Dial(context.Context, string, string) (net.Conn, error) { return nil, u.err }

func (u unusable) Ready(context.Context, []string) (executor.Facts, error) {
	return executor.Facts{}, u.err
}

func (u unusable) Stage(context.Context, string, []executor.StagedFile) (string, error) {
	return "", u.err
}

func (u unusable) Run(context.Context, executor.Attempt, executor.Sink) executor.Ending {
	return u.ending()
}

func (u unusable) Settle(context.Context, executor.Attempt, string, executor.Sink) executor.Ending {
	return executor.Ending{Verdict: executor.NotLearned, Class: u.err.Class, Message: u.err.Message}
}
func (u unusable) Close() error { return nil }
