package sshconfig

import (
	"fmt"
	"strconv"
	"strings"
)

// config decodes what was set, once everything is decided.
func (w *resolution) config() (Config, error) {
	c := Config{
		Host: w.host, HostName: w.target, User: w.currentUser(), Port: defaultPort,
		BindAddress: w.first("bindaddress"), HostKeyAlias: strings.ToLower(w.first("hostkeyalias")),
		Ciphers: w.first("ciphers"), MACs: w.first("macs"),
		KexAlgorithms: w.first("kexalgorithms"), HostKeyAlgorithms: w.first("hostkeyalgorithms"),
		PubkeyAcceptedAlgorithms: w.first("pubkeyacceptedalgorithms"),
		AddressFamily:            "any", StrictHostKeyChecking: "ask", ServerAliveCountMax: aliveCount,
	}
	for _, decode := range []func(*Config) error{w.account, w.proxies, w.words, w.times, w.identities, w.knownHosts} {
		if err := decode(&c); err != nil {
			return Config{}, err
		}
	}
	c.Values = make(map[string]Value, len(w.set))
	for key, list := range w.set {
		v := Value{Text: list[0].text(), File: list[0].file, Line: list[0].line}
		for _, d := range list[1:] {
			v.Text += "\n" + d.text()
		}
		c.Values[key] = v
	}
	return c, nil
}

// wrong names the place of a value that cannot be used for this host.
func (w *resolution) wrong(d *directive, err error) error {
	return fmt.Errorf("%s: cannot use %s for host %s: %w", d.at(), d.key, w.host, err)
}

// destination decides the name to connect to, but for canonicalization.
func (w *resolution) destination() error {
	name := w.host
	if list := w.set["hostname"]; len(list) > 0 {
		expanded, err := expand(list[0].args[0], func(t byte) (string, bool) { return w.host, t == 'h' })
		if err == nil {
			err = safeHost(expanded)
		}
		if err != nil {
			return w.wrong(list[0], err)
		}
		name = expanded
	}
	w.target = plainAddress(name)
	w.name = w.target
	return nil
}

func (w *resolution) account(c *Config) error {
	if err := safeUser(c.User); err != nil {
		if list := w.set["user"]; len(list) > 0 {
			return w.wrong(list[0], err)
		}
		return err
	}
	if list := w.set["port"]; len(list) > 0 {
		port, err := parsePort(list[0].args[0])
		if err != nil {
			return w.wrong(list[0], err)
		}
		c.Port = port
	}
	return nil
}

func (w *resolution) proxies(c *Config) error {
	for _, p := range []struct {
		key string
		to  *string
	}{{"proxyjump", &c.ProxyJump}, {"proxycommand", &c.ProxyCommand}} {
		list := w.set[p.key]
		if len(list) == 0 || strings.EqualFold(list[0].args[0], "none") {
			continue
		}
		text, err := expand(list[0].args[0], w.proxyTokens())
		if err == nil && p.key == "proxyjump" {
			err = safeJump(text)
		}
		if err != nil {
			return w.wrong(list[0], err)
		}
		*p.to = text
	}
	return nil
}

// safeJump refuses hops that would be read as options.
func safeJump(text string) error {
	for hop := range strings.SplitSeq(text, ",") {
		hop = strings.TrimPrefix(hop, "ssh://")
		host := hop
		if i := strings.LastIndexByte(hop, '@'); i >= 0 {
			if err := safeUser(hop[:i]); err != nil {
				return err
			}
			host = hop[i+1:]
		}
		if err := safeHost(host); err != nil {
			return err
		}
	}
	return nil
}

func (w *resolution) words(c *Config) error {
	if word := w.choice("stricthostkeychecking"); word != "" {
		c.StrictHostKeyChecking = word
	}
	if family := w.choice("addressfamily"); family != "" {
		c.AddressFamily = family
	}
	c.IdentitiesOnly, c.HashKnownHosts, c.ProxyUseFdpass = w.flag("identitiesonly"), w.flag("hashknownhosts"), w.flag("proxyusefdpass")
	if ask := w.first("knownhostscommand"); !strings.EqualFold(ask, "none") {
		c.KnownHostsCommand = ask
	}
	if list := w.set["serveralivecountmax"]; len(list) > 0 {
		count, err := strconv.Atoi(list[0].args[0])
		if err != nil {
			return w.wrong(list[0], err)
		}
		c.ServerAliveCountMax = count
	}
	return nil
}

// choice is the meaning of a word that check let pass, or "".
func (w *resolution) choice(key string) string {
	meaning, err := oneOf(w.first(key), choices[key]...)
	if err != nil { // it is not set
		return ""
	}
	return meaning
}

// flag is a yes or no that check let pass.
func (w *resolution) flag(key string) bool {
	yes, err := parseBool(w.first(key))
	return err == nil && yes
}

// Refused tells of a setting that ssh would follow and that cannot be followed here, with its place.
func (c *Config) Refused() error {
	why := func(key, what string) error {
		v := c.Values[key]
		return fmt.Errorf("%s: %s", v.At(), what)
	}
	switch {
	case c.KnownHostsCommand != "":
		return why("knownhostscommand", "cannot ask a KnownHostsCommand for host keys; name a file with UserKnownHostsFile, or set KnownHostsCommand none for this host")
	case c.ProxyUseFdpass && c.ProxyCommand != "":
		return why("proxyusefdpass", "cannot take the connection that a ProxyCommand passes on (ProxyUseFdpass); let it copy both ways instead")
	}
	return nil
}

func (w *resolution) times(c *Config) error {
	if list := w.set["connecttimeout"]; len(list) > 0 && list[0].args[0] != "none" {
		limit, err := parseTime(list[0].args[0])
		if err != nil {
			return w.wrong(list[0], err)
		}
		c.ConnectTimeout = limit
	}
	if list := w.set["serveraliveinterval"]; len(list) > 0 && list[0].args[0] != "none" {
		interval, err := parseTime(list[0].args[0])
		if err != nil {
			return w.wrong(list[0], err)
		}
		c.ServerAliveInterval = interval
	}
	return nil
}

func (w *resolution) identities(c *Config) error {
	var err error
	if c.IdentityFiles, err = w.paths(w.set["identityfile"]); err != nil {
		return err
	}
	if len(w.set["identityfile"]) == 0 {
		c.IdentityDefault = true
		for _, name := range []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"} {
			c.IdentityFiles = append(c.IdentityFiles, w.r.options.Home+"/.ssh/"+name)
		}
	}
	if c.CertificateFiles, err = w.paths(w.set["certificatefile"]); err != nil {
		return err
	}
	list := w.set["identityagent"]
	if len(list) == 0 {
		return nil
	}
	agent := list[0].args[0]
	named := agent == "SSH_AUTH_SOCK" || agent == "none" || strings.HasPrefix(agent, "$") && !strings.HasPrefix(agent, "${")
	if !named {
		if agent, err = w.path(agent); err != nil {
			return w.wrong(list[0], err)
		}
	}
	c.IdentityAgent = agent
	return nil
}

// paths expands the files of options that accumulate; "none" is no file.
func (w *resolution) paths(list []*directive) ([]string, error) {
	var out []string
	for _, d := range list {
		if strings.EqualFold(d.args[0], "none") {
			continue
		}
		path, err := w.path(d.args[0])
		if err != nil {
			return nil, w.wrong(d, err)
		}
		out = append(out, path)
	}
	return out, nil
}

func (w *resolution) knownHosts(c *Config) error {
	home := w.r.options.Home + "/.ssh/"
	c.UserKnownHostsFiles = []string{home + "known_hosts", home + "known_hosts2"}
	c.GlobalKnownHostsFiles = []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	if list := w.set["globalknownhostsfile"]; len(list) > 0 {
		c.GlobalKnownHostsFiles = nil
		for _, arg := range list[0].args {
			path, err := w.r.tilde(arg)
			if err != nil {
				return w.wrong(list[0], err)
			}
			c.GlobalKnownHostsFiles = append(c.GlobalKnownHostsFiles, path)
		}
	}
	list := w.set["userknownhostsfile"]
	if len(list) == 0 {
		return nil
	}
	c.UserKnownHostsFiles = nil
	for _, arg := range list[0].args {
		path, err := w.path(arg)
		if err != nil {
			return w.wrong(list[0], err)
		}
		c.UserKnownHostsFiles = append(c.UserKnownHostsFiles, path)
	}
	return nil
}
