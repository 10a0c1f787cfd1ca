package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"

	"github.com/opsctl/opsctl/internal/secret"
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
	sudo    *sudoGiver // nil: there is no password to give

	mu        sync.Mutex
	resolvers map[string]*sshconfig.Resolver // by ssh_config file; "" is the user's
	hosts     map[*inventory.Host]executor.Host
}

// connect makes the hosts of a run. The sudo password is masked by m; without m nobody will use sudo.
func (a *app) connect(runID string, resumed map[string]bool, m *secret.Masker) (*roster, error) {
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
	if m != nil {
		var err error
		if c.sudo, err = a.sudoGiver(m); err != nil {
			return nil, err
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
		host = local.New(local.Options{RunID: c.directory(h), Resumed: c.resumed[h.Name], SudoPassword: c.sudo.on(h.Name)})
	} else if link, err := c.link(h); err != nil {
		host = unusable{err: &executor.HostError{Class: "config", Hop: h.Name, Message: err.Error()}}
	} else {
		host = supervisor.NewHost(link, supervisor.Options{RunID: c.directory(h), Resumed: c.resumed[h.Name], SudoPassword: c.sudo.on(h.Name)})
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
	o := sshconfig.Options{Overrides: c.app.settings.SSHOptions, User: c.app.settings.User, Home: home, LocalUser: userName(), Exec: matchExec, Lookup: lookup}
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

func (u unusable) Stage(context.Context, string, string, []executor.StagedFile) (string, error) {
	return "", u.err
}

func (u unusable) Run(context.Context, executor.Attempt, executor.Sink) executor.Ending {
	return u.ending()
}

func (u unusable) Settle(context.Context, executor.Attempt, string, executor.Sink) executor.Ending {
	return executor.Ending{Verdict: executor.NotLearned, Class: u.err.Class, Message: u.err.Message}
}
func (u unusable) Close() error { return nil }
