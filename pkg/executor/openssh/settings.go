package openssh

import (
	"strconv"
	"strings"
	"time"
)

// Settings say how one host is reached, as far as ssh is to be told: all else is in its own configuration.
type Settings struct {
	Name     string   // as ssh_config knows the host
	Config   string   // ssh_config file; "" is the user's and the system's
	Options  []string // KEY=VALUE, the strongest of all
	Addr     string   // "" is as ssh resolves the name
	User     string
	Port     int
	Jump     string // as ProxyJump takes it
	Identity string // path of a private key

	AcceptNew      bool          // pin the keys of unknown hosts, instead of refusing them
	AliveInterval  time.Duration // 0 is 5 s; less than 0: ssh_config says it
	ConnectTimeout time.Duration // 0 is 10 s; less than 0: ssh_config says it
}

// fixed is what the way of working here needs, whatever the configuration says: no questions, one
// command and nothing else, and no change of what is known of host keys.
var fixed = []string{
	"BatchMode=yes", "RequestTTY=no", "RemoteCommand=none", "PermitLocalCommand=no", "ClearAllForwardings=yes",
	"ForwardX11=no", "UpdateHostKeys=no", "EscapeChar=none",
}

// environ is what ssh gets of our environment: all but the locale, which many a configuration sends
// to hosts.
func environ(all []string) []string {
	var env []string
	for _, e := range all {
		if name, _, _ := strings.Cut(e, "="); name != "LANG" && name != "LANGUAGE" && !strings.HasPrefix(name, "LC_") {
			env = append(env, e)
		}
	}
	return env
}

// flags are the words before the host's name; the first word on an option wins.
func (s *Settings) flags(socket, master, level string) []string {
	var words []string
	option := func(list ...string) {
		for _, o := range list {
			words = append(words, "-o", o)
		}
	}
	if s.Config != "" {
		words = append(words, "-F", s.Config)
	}
	option("ControlPath="+strings.ReplaceAll(socket, "%", "%%"), "ControlMaster="+master, "ControlPersist="+strconv.Itoa(persist), "LogLevel="+level)
	option(fixed...)
	checking := "yes"
	if s.AcceptNew {
		checking = "accept-new"
	}
	option("StrictHostKeyChecking=" + checking)
	option(s.Options...)
	if s.Addr != "" {
		option("HostName=" + s.Addr)
	}
	if s.User != "" {
		option("User=" + s.User)
	}
	if s.Port != 0 {
		option("Port=" + strconv.Itoa(s.Port))
	}
	if s.Jump != "" {
		option("ProxyJump=" + s.Jump)
	}
	if s.Identity != "" {
		option("IdentityFile=" + s.Identity)
	}
	if s.AliveInterval >= 0 {
		option("ServerAliveInterval="+seconds(s.AliveInterval, 5), "ServerAliveCountMax=3")
	}
	if s.ConnectTimeout >= 0 {
		option("ConnectTimeout=" + seconds(s.ConnectTimeout, 10))
	}
	return words
}

func seconds(d time.Duration, otherwise int) string {
	if n := int(d / time.Second); n > 0 {
		return strconv.Itoa(n)
	}
	return strconv.Itoa(otherwise)
}
