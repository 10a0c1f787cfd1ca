package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor/remote"
	"github.com/opsctl/opsctl/pkg/inventory"
)

// explainSSH gives in short how the host will be reached, with the line that decided each setting.
func (a *app) explainSSH(h *inventory.Host) ([]sshFact, error) {
	c, err := a.connect(newRunID(), nil, nil)
	if err != nil {
		return nil, err
	}
	defer c.close()
	w, err := c.way(h)
	if err != nil {
		return nil, invalid(h.Name+": "+err.Error(), "")
	}
	facts := a.keyFacts(&w)
	for _, jump := range w.settings.Jumps {
		facts = append(facts, sshFact{"by way of", fmt.Sprintf("%s@%s:%d", jump.User, jump.Addr, jump.Port), a.origin(&w, "proxyjump")})
	}
	if command := w.settings.ProxyCommand; command != "" {
		facts = append(facts, sshFact{"proxy command", command, a.origin(&w, "proxycommand")})
	}
	if c.transport(h) == inventory.OpenSSH {
		from := "inventory"
		if a.settings.Transport != "" {
			from = a.origins["transport"]
		}
		facts = append(facts, sshFact{"transport", "openssh: the ssh program, by its own reading of ssh_config", from})
	}
	return facts, nil
}

// keyFacts are what people ask for first.
func (a *app) keyFacts(w *way) []sshFact {
	s := &w.settings
	checked := "strict: unknown keys are refused"
	if s.HostKey == remote.AcceptNew {
		checked = "accept-new: unknown keys are pinned"
	}
	knownBy := a.origin(w, "userknownhostsfile")
	if w.project {
		knownBy = "the project, then " + knownBy
	}
	return []sshFact{
		{"hostname", s.Addr, a.origin(w, "hostname")},
		{"port", strconv.Itoa(s.Port), a.origin(w, "port")},
		{"user", s.User, a.origin(w, "user")},
		{"identity files", strings.Join(s.IdentityFiles, " "), a.origin(w, "identityfile")},
		{"known hosts", strings.Join(s.KnownHosts, " "), knownBy},
		{"host keys", checked, a.origin(w, "stricthostkeychecking")},
	}
}

// settingOf names the setting of an inventory that stands for an option of ssh_config.
var settingOf = map[string]string{"hostname": "addr", "port": "port", "user": "user", "proxyjump": "jump", "identityfile": "identity"}

// origin is the place that decided an option: a line of a file, the inventory, a flag, or the default.
func (a *app) origin(w *way, option string) string {
	if option == "stricthostkeychecking" && a.settings.HostKey == "accept-new" {
		return a.origins["host-key"]
	}
	v, ok := w.config.Values[option]
	switch {
	case !ok:
		return "default"
	case v.At() == "-u":
		return a.origins["user"]
	case v.At() == "-o":
		return a.origins["ssh-option"]
	case v.At() == "inventory":
		return a.givenBy(w, settingOf[option])
	}
	return v.At()
}

// givenBy is the place of what was said before any ssh_config was read.
func (a *app) givenBy(w *way, setting string) string {
	switch {
	case w.by != "":
		return w.by
	case setting == "jump" && a.settings.Jump != "", setting == "identity" && a.settings.Identity != "":
		return a.origins[setting]
	case w.host != nil && w.host.SettingOrigins[setting] != "":
		return w.host.SettingOrigins[setting]
	}
	return "inventory"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// lapse is "" where ssh has none.
func lapse(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
