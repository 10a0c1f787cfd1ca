package cli

import (
	"errors"
	"time"

	"github.com/opsctl/opsctl/pkg/executor/openssh"
	"github.com/opsctl/opsctl/pkg/executor/remote"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
	"github.com/opsctl/opsctl/pkg/inventory"
)

// transport tells what carries the connection to a host: what was asked for, else what the inventory says.
func (c *roster) transport(h *inventory.Host) string {
	switch {
	case c.app.settings.Transport != "":
		return c.app.settings.Transport
	case h.Transport != "":
		return h.Transport
	}
	return inventory.Builtin
}

// byOpenSSH is the way to a host by the ssh program, which is told what ssh_config cannot know.
func (c *roster) byOpenSSH(h *inventory.Host) (supervisor.Linker, error) {
	if h.NoWay != "" {
		return nil, errors.New(h.NoWay)
	}
	said := c.app.settings
	first := func(words ...string) string {
		for _, w := range words {
			if w != "" {
				return w
			}
		}
		return ""
	}
	s := openssh.Settings{
		Name: h.Name, Addr: h.Addr, Port: h.Port, User: first(said.User, h.User), Jump: first(said.Jump, h.Jump),
		Identity: first(said.Identity, h.Identity), Config: first(said.SSHConfig, h.SSHConfig), Options: said.SSHOptions,
		AcceptNew: said.HostKey == "accept-new",
	}
	// What we cannot read of ssh_config, ssh may: then its own words on time hold.
	s.AliveInterval, s.ConnectTimeout = -1, -1
	if read, err := c.settings(h); err == nil {
		s.AcceptNew = read.HostKey == remote.AcceptNew
		s.AliveInterval, s.ConnectTimeout = saidOr(read.AliveInterval), saidOr(read.ConnectTimeout)
	}
	return c.openssh.Linker(s), nil
}

// saidOr leaves to ssh_config what it says, and to opsctl what it does not.
func saidOr(d time.Duration) time.Duration {
	if d != 0 {
		return -1
	}
	return 0
}
