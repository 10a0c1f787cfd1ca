package inventory

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// harmlessOptions change how fast or how loud ssh is, or ask for what opsctl does anyway.
var harmlessOptions = map[string]bool{
	"controlmaster": true, "controlpersist": true, "controlpath": true, "compression": true, "loglevel": true, "batchmode": true,
	"preferredauthentications": true, "passwordauthentication": true, "kbdinteractiveauthentication": true, "pubkeyauthentication": true,
	"connectionattempts": true, "tcpkeepalive": true, "requesttty": true, "serveraliveinterval": true, "serveralivecountmax": true,
	"connecttimeout": true, "gssapiauthentication": true, "checkhostip": true, "visualhostkey": true, "forwardx11": true,
}

// sshOptionLetters take a word behind them.
const sshOptionLetters = "BbcDEeFIiJLlmOopQRSWw"

// sshArgs are the arguments of an ssh command that mean something here.
type sshArgs struct {
	jump, user, identity, port string
	forward                    string   // of -W
	words                      []string // that are no options: the host and its command
	ignored                    []string // options that mean something to ssh and nothing here
}

// parseSSHArgs reads arguments as ssh does: of a setting given twice, the first counts.
func parseSSHArgs(words []string) sshArgs {
	var a sshArgs
	for i := 0; i < len(words); i++ {
		word := words[i]
		if len(word) < 2 || word[0] != '-' || len(a.words) > 1 {
			a.words = append(a.words, word)
			continue
		}
		for at := 1; at < len(word); at++ {
			letter := word[at]
			if strings.IndexByte(sshOptionLetters, letter) < 0 {
				a.flag(letter)
				continue
			}
			value := word[at+1:]
			if value == "" && i+1 < len(words) {
				i++
				value = words[i]
			}
			a.option(letter, value)
			break
		}
	}
	return a
}

func (a *sshArgs) flag(letter byte) {
	if strings.IndexByte("CqvTtxanNk46", letter) < 0 { // -A lends the agent out, -g opens ports, …
		a.ignored = append(a.ignored, "-"+string(letter))
	}
}

func once(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func (a *sshArgs) option(letter byte, value string) {
	switch letter {
	case 'J':
		once(&a.jump, value)
	case 'l':
		once(&a.user, value)
	case 'i':
		once(&a.identity, value)
	case 'p':
		once(&a.port, value)
	case 'W':
		once(&a.forward, value)
	case 'S', 'E': // the socket of a shared connection, a log
	case 'o':
		a.keyword(value)
	default:
		a.ignored = append(a.ignored, "-"+string(letter)+" "+value)
	}
}

func (a *sshArgs) keyword(text string) {
	text = strings.TrimSpace(text)
	end := strings.IndexAny(text, " \t=")
	if end < 0 {
		a.ignored = append(a.ignored, "-o "+text)
		return
	}
	value := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text[end:]), "="))
	switch keyword := strings.ToLower(text[:end]); {
	case keyword == "proxyjump":
		once(&a.jump, value)
	case keyword == "proxycommand":
		a.proxy(value)
	case keyword == "user":
		once(&a.user, value)
	case keyword == "identityfile":
		once(&a.identity, value)
	case keyword == "port":
		once(&a.port, value)
	case !harmlessOptions[keyword]:
		a.ignored = append(a.ignored, "-o "+text)
	}
}

// proxy understands a ProxyCommand that is a jump: "ssh -W %h:%p bastion", or nc at its end.
func (a *sshArgs) proxy(command string) {
	if command == "none" {
		once(&a.jump, "none")
		return
	}
	if jump := jumpOf(command); jump != "" {
		once(&a.jump, jump)
		return
	}
	a.ignored = append(a.ignored, "-o ProxyCommand="+command)
}

// jumpOf gives the host that a ProxyCommand goes through, as ProxyJump takes it, or "".
func jumpOf(command string) string {
	split, err := splitWords(command, false)
	if err != nil {
		return ""
	}
	var words []string
	for _, w := range split {
		words = append(words, w.text)
	}
	if len(words) > 0 && words[0] == "exec" {
		words = words[1:]
	}
	if len(words) < 2 || path.Base(words[0]) != "ssh" {
		return ""
	}
	p := parseSSHArgs(words[1:])
	// Keys and host keys of the bastion are looked up in ssh_config and known_hosts; one that is
	// given here cannot be said with ProxyJump.
	strict := slices.DeleteFunc(slices.Clone(p.ignored), func(o string) bool {
		return strings.HasPrefix(o, "-o StrictHostKeyChecking") || strings.HasPrefix(o, "-o UserKnownHostsFile") || o == "-A"
	})
	if len(strict) > 0 || p.identity != "" || p.jump != "" || len(p.words) == 0 {
		return ""
	}
	forwards := len(p.words) == 1 && (p.forward == "%h:%p" || p.forward == "[%h]:%p")
	netcat := p.forward == "" && len(p.words) >= 4 && (p.words[1] == "nc" || p.words[1] == "netcat") && slices.Equal(p.words[len(p.words)-2:], []string{"%h", "%p"})
	if !forwards && !netcat {
		return ""
	}
	jump := p.words[0]
	if p.user != "" && !strings.Contains(jump, "@") {
		jump = p.user + "@" + jump
	}
	if p.port != "" {
		jump += ":" + p.port
	}
	if checkJump(jump) != nil {
		return ""
	}
	return jump
}

// arguments takes what it can from the arguments that Ansible would give to ssh, in its order.
func (s *hostSettings) arguments() {
	for _, name := range []string{"ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"} {
		v := s.first(name)
		if v == nil {
			continue
		}
		text := s.text(v)
		if text == "" {
			continue
		}
		split, err := splitWords(text, false)
		if err != nil {
			s.tell(v, fmt.Sprintf("cannot take %s apart: %s", name, err), "", false)
			continue
		}
		var words []string
		for _, w := range split {
			words = append(words, w.text)
		}
		s.take(v, parseSSHArgs(words))
	}
}

func (s *hostSettings) take(v *variable, a sshArgs) {
	a.ignored = append(a.ignored, a.words...)
	if len(a.ignored) > 0 {
		hint := "what ssh should do is said in ssh_config"
		if strings.Contains(strings.Join(a.ignored, " "), "StrictHostKeyChecking") {
			hint = "host keys are always checked; --host-key accept-new pins those of new hosts"
		}
		s.tell(v, fmt.Sprintf("%s: not applied here: %s", v.name, strings.Join(a.ignored, ", ")), hint, true)
	}
	for _, part := range []struct {
		setting, value string
		to             *string
		check          func(string) error
	}{
		{"jump", a.jump, &s.h.Jump, checkJump},
		{"user", a.user, &s.h.User, checkUser},
		{"identity", a.identity, &s.h.Identity, checkPath},
	} {
		if part.value != "" && *part.to == "" && s.fine(v, part.check(part.value)) {
			*part.to = part.value
			s.took(part.setting, v)
		}
	}
	if a.port != "" && s.h.Port == 0 {
		port, err := parsePort(a.port)
		if s.fine(v, err) {
			s.h.Port = port
			s.took("port", v)
		}
	}
}
