package sshconfig

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// oracleTests are configurations that the system's own ssh resolves too. Each is asked for
// every one of its hosts; "@" in a file's text is the directory of the test.
var oracleTests = []struct {
	name  string
	files map[string]string // beside "config"
	text  string
	hosts string
	args  []string // for both: -o, -l, -p
}{
	{name: "empty", text: "# nothing\n", hosts: "a"},
	{name: "host", text: "Host a\n HostName 10.0.0.1\n Port 2222\n User deploy\n", hosts: "a b"},
	{name: "first value wins", text: "Host a*\n Port 1\nHost ab\n Port 2\n User x\nHost *\n User y\n", hosts: "a ab b"},
	{name: "negation", text: "Host * !b*\n Port 7\nHost !a\n User never\nHost b1 !b1\n User never\n", hosts: "a b1 b2"},
	{name: "question mark", text: "Host web?\n Port 7\nHost ?\n Port 8\n", hosts: "web web1 web12 w"},
	{name: "before the first host", text: "User first\nHost a\n User second\n Port 3\n", hosts: "a b"},
	{name: "equals", text: "Host=a\nPort=1\nUser = x\nHostName= \"h\"\nBindAddress =1.2.3.4\n", hosts: "a"},
	{name: "quotes", text: "Host \"a\" 'b'\n User \"me\"\n IdentityFile \"~/my key\"\n UserKnownHostsFile \"/tmp/x y\" '/tmp/z'\n", hosts: "a b"},
	{name: "backslash", text: "Host a\n IdentityFile /tmp/a\\ b\n UserKnownHostsFile /tmp/\\\"q\\\" /tmp/\\\\w\n", hosts: "a"},
	{name: "comments", text: "  # one\nHost a # b\n Port 3 # three\n\t\n#Port 4\n User x#y\n", hosts: "a b"},
	{name: "case", text: "hOST a\n pORT 9\n HOSTNAME H.Example.COM\n", hosts: "a A"},
	{name: "upper case host", text: "Host A\n Port 9\nMatch host a\n User m\n", hosts: "a A"},
	{name: "hostname tokens", text: "Host *\n HostName %h.example.com\n User 100%\n", hosts: "a b"},
	{name: "percent", text: "Host a\n HostName x%%y\n", hosts: "a"},
	{name: "identities", text: "IdentityFile ~/one\nHost a\n IdentityFile ~/two\n IdentityFile ~/one\n IdentityFile /abs/%h\nMatch all\n IdentityFile none\n CertificateFile ~/c\n CertificateFile ~/d\n", hosts: "a b"},
	{name: "agent", text: "Host a\n IdentityAgent ~/agent-%r-%h\nHost b\n IdentityAgent none\nHost c\n IdentityAgent SSH_AUTH_SOCK\nHost d\n IdentityAgent $MY_SOCK\nHost *\n IdentitiesOnly yes\n", hosts: "a b c d e"},
	{name: "agent environment", text: "IdentityAgent ${OPSCTL_TEST_DIR}/sock\nUserKnownHostsFile ${OPSCTL_TEST_DIR}/%h\n", hosts: "a"},
	{name: "proxy jump", text: "Host a\n ProxyJump me@bastion:2200\nHost b\n ProxyJump one,two\nHost c\n ProxyJump none\nHost *\n ProxyCommand nc %h %p\n", hosts: "a b c d"},
	{name: "proxy command", text: "Host a\n ProxyCommand ssh -W '[%h]:%p' \"x y\" # kept\nHost b\n ProxyCommand none\nHost *\n ProxyJump later\n", hosts: "a b c"},
	{name: "proxy none", text: "Host a c\n ProxyJump none\nHost b\n ProxyCommand none\nHost *\n ProxyJump later\nHost c\n ProxyCommand nc\n", hosts: "a b c d"},
	{name: "match all negated", text: "Match host a all\n Port 5\nMatch !all\n User never\n", hosts: "a b"},
	{name: "proxy command equals", text: "ProxyCommand=nc %h %p\n", hosts: "a"},
	{name: "known hosts", text: "UserKnownHostsFile ~/.ssh/kh_%h /tmp/%n_%p_%r_%u_%L\nGlobalKnownHostsFile /g1 /g2\nHostKeyAlias MyAlias\n", hosts: "a"},
	{name: "known hosts tokens", text: "Host a\n UserKnownHostsFile %d/kh %% /tmp/%l /tmp/%k /tmp/%i /tmp/%C\n", hosts: "a"},
	{name: "strict", text: "Host a\n StrictHostKeyChecking accept-new\nHost b\n StrictHostKeyChecking off\nHost c\n StrictHostKeyChecking YES\nHost d\n StrictHostKeyChecking true\n", hosts: "a b c d e"},
	{name: "times", text: "Host a\n ConnectTimeout 1m30\n ServerAliveInterval 1h\n ServerAliveCountMax 7\nHost b\n ConnectTimeout none\n ServerAliveInterval 90s\nHost c\n ConnectTimeout 5\n ServerAliveCountMax 0\n", hosts: "a b c d"},
	{name: "algorithms", text: "Host a\n Ciphers +aes128-cbc\n MACs -*sha1*,umac*\n KexAlgorithms ^ecdh-sha2-nistp521\n HostKeyAlgorithms ssh-ed25519,rsa-sha2-512\nHost b\n Ciphers aes256-ctr\n MACs hmac-sha2-256\n KexAlgorithms -diffie*\n HostKeyAlgorithms ^rsa-sha2-512\n", hosts: "a b c"},
	{name: "family", text: "Host a\n AddressFamily inet\nHost b\n AddressFamily INET6\nHost c\n AddressFamily any\n BindAddress 127.0.0.1\n", hosts: "a b c"},
	{name: "match host", text: "Host a\n HostName real.example.com\nMatch host *.example.com,!no.example.com\n Port 5\nMatch host a\n User wrong\nMatch originalhost A\n User right\n", hosts: "a b no.example.com x.example.com"},
	{name: "match negated", text: "Match !host a*\n Port 5\nMatch host a* !user root,x\n User never\nMatch host !ab,a*\n ConnectTimeout 3\n", hosts: "a ab b"},
	{name: "match user", text: "Host a\n User deploy\nMatch user deploy\n Port 6\nMatch user dep* host a\n ConnectTimeout 2\nMatch localuser nobody\n User never\nMatch !localuser nobody\n ServerAliveInterval 4\n", hosts: "a b"},
	{name: "match equals and quotes", text: "Match host=\"a,b\" user=*\n Port 6\n", hosts: "a b c"},
	{name: "match all", text: "Match host a\n Port 6\nMatch all\n User x\n", hosts: "a b"},
	{name: "match final", text: "Match final host *.example.com\n Port 6\n IdentityFile ~/final\nHost a\n HostName a.example.com\n IdentityFile ~/early\nMatch final all\n User late\nMatch !final\n ConnectTimeout 8\nMatch canonical\n ServerAliveInterval 2\n", hosts: "a b"},
	{name: "match exec", text: "Match exec \"test %h = a\"\n Port 6\nMatch host b !exec false\n User x\nMatch host b exec \"test %n-%p-%r = b-22-x\"\n ConnectTimeout 9\n", hosts: "a b"},
	{name: "include", files: map[string]string{"one.conf": "Host a\n Port 11\n", "two.conf": "User everyone\nHost b\n Port 12\n"}, text: "Include @/*.conf\nHost *\n ConnectTimeout 3\n", hosts: "a b c"},
	{name: "include in a host", files: map[string]string{"in": "ConnectTimeout 4\nHost b\n Port 12\nHost *\n ServerAliveInterval 5\n"}, text: "Host a b\n Include @/in\n User inside\nHost c\n Include @/in @/missing*\nHost *\n Port 99\n", hosts: "a b c d"},
	{name: "include nested", files: map[string]string{"x": "Host a*\n Include @/y\n IdentityFile ~/after\n", "y": "Match host ab\n Port 5\n"}, text: "Include \"@/x\"\nUser root2\n", hosts: "a ab b"},
	{name: "include in a match", files: map[string]string{"x": "Port 5\nHost z\n User z\n"}, text: "Match host a,z\n Include @/x\n IdentityFile ~/k\n", hosts: "a b z"},
	{name: "debian", text: "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n    GSSAPIAuthentication yes\n", hosts: "a"},
	{name: "red hat", text: "Match final all\n\tGSSAPIAuthentication yes\n\tForwardX11Trusted yes\n\tCiphers aes256-gcm@openssh.com,aes256-ctr\n\tSendEnv LANG LC_CTYPE\n\tSendEnv XMODIFIERS\n", hosts: "a"},
	{name: "overrides", text: "Host a\n Port 1\n User f\n IdentityFile ~/f\nMatch user over\n ConnectTimeout 2\n", hosts: "a b", args: []string{"-o", "Port=7", "-o", "User over", "-o", "IdentityFile=~/o", "-o", "Port=8"}},
	{name: "override proxy", text: "ProxyJump b\n", hosts: "a", args: []string{"-o", "ProxyCommand=none"}},
	{name: "addresses", text: "Host 10.0.0.*\n User net\nHost ::1 fe80*\n User six\n", hosts: "10.0.0.1 ::1 2001:db8::1"},
	{name: "carriage returns", text: "Host a\r\n Port 4\r\n User x\r\n", hosts: "a"},
}

func TestAsSSHResolves(t *testing.T) {
	ssh := findSSH(t)
	defaults := ask(t, ssh, "-F", "none", "host.invalid")
	for _, tt := range oracleTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, tt.files, tt.text)
			r, err := New(Options{Files: []string{path}, Overrides: overridesOf(tt.args), Exec: runShell, Env: testEnv})
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range strings.Fields(tt.hosts) {
				compare(t, r, host, defaults, ask(t, ssh, append(slices.Clone(tt.args), "-F", path, host)...))
			}
		})
	}
}

// refusedTests are files that ssh refuses as a whole.
var refusedTests = []struct{ text, want string }{
	{"Host a\n  Port 0\n", "config:2:3: cannot take \"0\" as a port: it must be a number from 1 to 65535"},
	{"Port\n", "config:1:1: the value is missing"},
	{"Host a\n Port 1 2\n", "config:2:2: cannot take \"2\": only one value is allowed here"},
	{"User \"x\n", "config:1:1: a quote is not closed"},
	{"Match\n", "config:1:1: the value is missing"},
	{"Match host\n", "config:1:1: the value of \"host\" is missing"},
	{"Match color red\n", "config:1:1: cannot understand the condition \"color\" of Match"},
	{"Match all host a\n", "config:1:1: \"all\" cannot be combined with other conditions of Match"},
	{"StrictHostKeyChecking maybe\n", "config:1:1: cannot take \"maybe\": it is one of yes, true, no, false, off, ask, accept-new"},
	{"ConnectTimeout soon\n", "config:1:1: cannot read \"soon\" as a time: it is written like 30, 90s or 1h30m"},
	{"AddressFamily ipx\n", "config:1:1: cannot take \"ipx\": it is one of any, inet, inet6"},
	{"ServerAliveCountMax many\n", "config:1:1: cannot read \"many\" as a count"},
	{"IdentitiesOnly often\n", "config:1:1: cannot take \"often\": it is one of yes, no, true, false"},
	{"Include @/config\n", "config:1:1: includes are nested deeper than 16"},
}

func TestRefusesWhatSSHRefuses(t *testing.T) {
	for _, tt := range refusedTests {
		t.Run(tt.want, func(t *testing.T) {
			path := write(t, nil, tt.text)
			_, err := New(Options{Files: []string{path}})
			if err == nil {
				t.Fatal("it was accepted")
			}
			first, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", ""), "\n")
			if first != tt.want {
				t.Errorf("got  %s\nwant %s", first, tt.want)
			}
		})
	}
	ssh := findSSH(t)
	for _, tt := range refusedTests {
		path := write(t, nil, tt.text)
		if err := exec.Command(ssh, "-T", "-G", "-F", path, "a").Run(); err == nil {
			t.Errorf("ssh accepts %q", tt.text)
		}
	}
}

func findSSH(t *testing.T) string {
	t.Helper()
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ssh is not installed; install openssh-client")
		}
		t.Skip("ssh (openssh-client) is not installed")
	}
	return ssh
}

func write(t *testing.T, files map[string]string, config string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "@", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(replaceDir(config, dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replaceDir puts the directory in for "@/", and leaves other "@" alone.
func replaceDir(text, dir string) string { return strings.ReplaceAll(text, "@/", dir+"/") }

func overridesOf(args []string) []string {
	var list []string
	for i := 0; i+1 < len(args); i += 2 {
		list = append(list, args[i+1])
	}
	return list
}

func runShell(command string) bool { return exec.Command("/bin/sh", "-c", command).Run() == nil }

// ask gives what ssh -G says; options that repeat are joined by newlines.
func ask(t *testing.T, ssh string, args ...string) map[string]string {
	t.Helper()
	command := exec.Command(ssh, append([]string{"-T", "-G"}, args...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	command.Env = append(os.Environ(), "OPSCTL_TEST_DIR=/tmp/opsctl")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("ssh -G %q: %v\n%s", args, err, stderr.String())
	}
	values := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if before, ok := values[key]; ok {
			value = before + "\n" + value
		}
		values[key] = value
	}
	return values
}

// dump says a Config in the words of ssh -G.
func dump(c Config, defaults map[string]string) map[string]string {
	algorithms := func(key, spec string) string {
		return strings.Join(Algorithms(spec, strings.Split(defaults[key], ",")), ",")
	}
	return map[string]string{
		"hostname": c.HostName, "user": c.User, "port": strconv.Itoa(c.Port),
		"identityfile": strings.Join(c.IdentityFiles, "\n"), "certificatefile": strings.Join(c.CertificateFiles, "\n"),
		"identityagent": c.IdentityAgent, "identitiesonly": yes(c.IdentitiesOnly),
		"proxyjump": strings.ReplaceAll(c.ProxyJump, "ssh://", ""), "proxycommand": c.ProxyCommand,
		"userknownhostsfile": strings.Join(c.UserKnownHostsFiles, " "), "globalknownhostsfile": strings.Join(c.GlobalKnownHostsFiles, " "),
		"hostkeyalias": c.HostKeyAlias, "stricthostkeychecking": c.StrictHostKeyChecking,
		"connecttimeout": strconv.Itoa(int(c.ConnectTimeout.Seconds())), "serveraliveinterval": strconv.Itoa(int(c.ServerAliveInterval.Seconds())),
		"serveralivecountmax": strconv.Itoa(c.ServerAliveCountMax), "addressfamily": c.AddressFamily, "bindaddress": c.BindAddress,
		"ciphers": algorithms("ciphers", c.Ciphers), "macs": algorithms("macs", c.MACs),
		"kexalgorithms": algorithms("kexalgorithms", c.KexAlgorithms), "hostkeyalgorithms": algorithms("hostkeyalgorithms", c.HostKeyAlgorithms),
		"host": c.Host, "pubkeyacceptedalgorithms": algorithms("pubkeyacceptedalgorithms", c.PubkeyAcceptedAlgorithms),
		"hashknownhosts": yes(c.HashKnownHosts), "knownhostscommand": c.KnownHostsCommand, "proxyusefdpass": yes(c.ProxyUseFdpass),
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// normal expands what ssh -G leaves as written, with the tokens of its own answer.
func normal(r *Resolver, key, value string) string {
	switch key {
	case "proxyjump":
		return strings.ReplaceAll(value, "ssh://", "")
	case "globalknownhostsfile":
		return strings.ReplaceAll(value, "~/", r.options.Home+"/")
	case "stricthostkeychecking":
		if word, ok := map[string]string{"true": "yes", "false": "no"}[value]; ok {
			return word
		}
	case "connecttimeout":
		if value == "none" {
			return "0"
		}
	case "identityfile", "certificatefile":
		var files []string
		for file := range strings.Lines(value) {
			file = strings.TrimSuffix(file, "\n")
			if old := strings.HasSuffix(file, "/.ssh/id_dsa") || strings.HasSuffix(file, "/.ssh/id_xmss"); old || file == "none" {
				continue
			}
			if rest, ok := strings.CutPrefix(file, "~/"); ok {
				file = r.options.Home + "/" + rest
			}
			files = append(files, file)
		}
		return strings.Join(files, "\n")
	}
	return value
}
