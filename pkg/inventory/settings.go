package inventory

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// settingNames are the variables of Ansible that say how a host is reached. Templates in them are told
// of where they are used, and not as those of other variables.
var settingNames = map[string]bool{
	"ansible_host": true, "ansible_ssh_host": true, "ansible_port": true, "ansible_ssh_port": true,
	"ansible_user": true, "ansible_ssh_user": true, "ansible_private_key_file": true, "ansible_ssh_private_key_file": true,
	"ansible_connection": true, "ansible_ssh_args": true, "ansible_ssh_common_args": true, "ansible_ssh_extra_args": true,
}

// unusedNames are variables that mean something to Ansible and nothing here, with the way out.
var unusedNames = map[string]string{
	"ansible_become":           "sudo: true on a step, a block or the runbook does it",
	"ansible_become_user":      "sudo: NAME on a step, a block or the runbook does it",
	"ansible_become_method":    "opsctl uses sudo",
	"ansible_become_password":  "-K asks for it, --sudo-password-file gives it",
	"ansible_become_pass":      "-K asks for it, --sudo-password-file gives it",
	"ansible_password":         "opsctl logs in by key, agent or certificate",
	"ansible_ssh_pass":         "opsctl logs in by key, agent or certificate",
	"ansible_ssh_executable":   "opsctl speaks SSH itself",
	"ansible_shell_executable": "shell: of a step says it",
}

// passwords are not even kept as variables: they do nothing here, and a run keeps the variables of its hosts.
var passwords = map[string]bool{
	"ansible_become_password": true, "ansible_become_pass": true, "ansible_password": true, "ansible_ssh_pass": true,
}

// toldOnce is a variable, with what is wrong with it for some host.
type toldOnce struct {
	node *source.Node
	what string
}

// tell notes a problem of a variable once, for however many hosts it decides.
func (b *builder) tell(v *variable, message, hint string, warning bool) {
	once := toldOnce{v.node, message}
	if b.told[once] {
		return
	}
	if b.told == nil {
		b.told = map[toldOnce]bool{}
	}
	b.told[once] = true
	p := problemAt(v.node, message, hint)
	p.Warning = warning
	b.add(p)
}

// settings turns variables of Ansible into the settings of hosts. What our own YAML says wins.
func (b *builder) settings() {
	for i, given := range b.given {
		if len(given) == 0 {
			continue
		}
		s := hostSettings{builder: b, h: b.inv.Hosts[i], given: given}
		s.reach()
		s.login()
		s.arguments()
		s.connection()
		s.unused()
	}
}

// hostSettings works out the settings of one host.
type hostSettings struct {
	*builder
	h     *Host
	given map[string]*variable
}

// first gives the variable that decides: of names in one meaning, the first that has a value.
func (s *hostSettings) first(names ...string) *variable {
	for _, name := range names {
		v := s.given[name]
		if v != nil && v.sealed {
			s.noWay(v, name+" is encrypted with ansible-vault", "")
		}
		if v != nil && !v.sealed && v.value != nil && v.value != "" {
			return v
		}
	}
	return nil
}

// took notes where a setting came from.
func (s *hostSettings) took(setting string, v *variable) {
	if s.h.SettingOrigins == nil {
		s.h.SettingOrigins = map[string]string{}
	}
	s.h.SettingOrigins[setting] = v.origin
}

// text gives the value of a variable as text, simple templates filled in; "" where it cannot be had,
// and then the host cannot be reached.
func (s *hostSettings) text(v *variable) string {
	var text string
	switch value := v.value.(type) {
	case string:
		text = value
	case int:
		text = strconv.Itoa(value)
	default:
		s.tell(v, fmt.Sprintf("%s is a word, not %v", v.name, v.value), "", false)
		return ""
	}
	if !hasTemplate(text) {
		return text
	}
	filled, err := s.fill(text)
	if err != nil {
		s.noWay(v, fmt.Sprintf("%s holds a template that opsctl cannot fill in: %s", v.name, err), "it fills in {{ inventory_hostname }} and other variables of the host, without filters")
		return ""
	}
	return filled
}

// noWay refuses the host when it is to be reached, and not before: most runs touch few hosts.
func (s *hostSettings) noWay(v *variable, message, hint string) {
	if s.h.NoWay == "" {
		s.h.NoWay = message + " (" + v.origin + ")"
	}
	s.tell(v, message+"; such hosts cannot be reached", hint, true)
}

var simpleTemplate = regexp.MustCompile(`\{\{-?\s*([A-Za-z_][A-Za-z_0-9]*)\s*-?\}\}`)

// fill replaces "{{ name }}" by a variable of the host that is a word itself.
func (s *hostSettings) fill(text string) (string, error) {
	var bad error
	filled := simpleTemplate.ReplaceAllStringFunc(text, func(found string) string {
		name := simpleTemplate.FindStringSubmatch(found)[1]
		var value any
		switch name {
		case "inventory_hostname":
			value = s.h.Name
		case "inventory_hostname_short":
			value, _, _ = strings.Cut(s.h.Name, ".")
			if strings.Contains(s.h.Name, ":") || ipv4Shape.MatchString(s.h.Name) {
				value = s.h.Name
			}
		default:
			value = s.h.Vars[name]
		}
		switch value := value.(type) {
		case string:
			if !hasTemplate(value) {
				return value
			}
		case int:
			return strconv.Itoa(value)
		}
		bad = fmt.Errorf("%s is no plain word", quote(name))
		return found
	})
	if bad == nil && hasTemplate(filled) {
		bad = errors.New(quote(text))
	}
	return filled, bad
}

var ipv4Shape = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)

func (s *hostSettings) reach() {
	if v := s.first("ansible_ssh_host", "ansible_host"); v != nil && s.h.Addr == "" {
		if addr := canonical(s.text(v)); addr != "" && s.fine(v, CheckHostName(addr)) {
			s.h.Addr = addr
			s.took("addr", v)
		}
	}
	if v := s.first("ansible_ssh_port", "ansible_port"); v != nil && s.h.Port == 0 {
		text := s.text(v)
		if text == "" {
			return
		}
		port, err := parsePort(text)
		if s.fine(v, err) {
			s.h.Port = port
			s.took("port", v)
		}
	}
}

func (s *hostSettings) fine(v *variable, err error) bool {
	if err != nil {
		s.tell(v, err.Error(), "", false)
	}
	return err == nil
}

func (s *hostSettings) login() {
	if v := s.first("ansible_ssh_user", "ansible_user"); v != nil && s.h.User == "" {
		if user := s.text(v); user != "" && s.fine(v, checkUser(user)) {
			s.h.User = user
			s.took("user", v)
		}
	}
	if v := s.first("ansible_ssh_private_key_file", "ansible_private_key_file"); v != nil && s.h.Identity == "" {
		if path := s.text(v); path != "" && s.fine(v, checkPath(path)) {
			s.h.Identity = path
			s.took("identity", v)
		}
	}
}

// overSSH are the connections of Ansible that are what opsctl does.
var overSSH = map[string]bool{"ssh": true, "smart": true, "paramiko": true, "paramiko_ssh": true, "openssh": true}

func (s *hostSettings) connection() {
	v := s.first("ansible_connection")
	if v == nil {
		return
	}
	name := strings.TrimPrefix(s.text(v), "ansible.builtin.")
	switch {
	case name == "" || overSSH[name]:
	case name == Local:
		s.h.Connection = Local
		s.took("connection", v)
	default:
		s.noWay(v, fmt.Sprintf("Ansible reaches it by %s, and opsctl only by SSH", quote(name)), "")
	}
}

// unused tells, once for each name, of variables that look as if they did something.
func (s *hostSettings) unused() {
	for name, hint := range unusedNames {
		v := s.given[name]
		if v == nil || v.value == nil || v.value == false || s.told[toldOnce{nil, name}] {
			continue
		}
		message := name + " is a variable like others here, and does nothing"
		if passwords[name] {
			message = name + " is left out: passwords of an inventory are not used"
		}
		s.tell(v, message, hint, true)
		s.told[toldOnce{nil, name}] = true
	}
}

// pythonInt reads what Python's int() would.
func pythonInt(value any) (int, error) {
	switch v := value.(type) {
	case int:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case float64:
		return int(v), nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%v is no whole number", value)
}
