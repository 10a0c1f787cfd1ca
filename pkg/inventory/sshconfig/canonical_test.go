package sshconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// names is a pretend resolver: absolute names, and what they are aliases of.
func names(known map[string]string, asked *[]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		*asked = append(*asked, name)
		alias, found := known[name]
		return alias, found
	}
}

func TestCanonicalizeHostname(t *testing.T) {
	known := map[string]string{"web.b.example.": "", "db.a.example.": "db1.a.example.", "x.b.example.": "cdn.other.", "full.example.": ""}
	tests := []struct{ name, config, host, want, asked string }{
		{"off", "CanonicalDomains b.example\n", "web", "web", ""},
		{"second domain", "CanonicalizeHostname yes\nCanonicalDomains a.example b.example\n", "web", "web.b.example", "web.a.example. web.b.example."},
		{"upper case", "CanonicalizeHostname yes\nCanonicalDomains b.example\n", "WEB", "web.b.example", "web.b.example."},
		{"not found", "CanonicalizeHostname yes\nCanonicalDomains a.example\n", "web", "web", "web.a.example."},
		{"must be found", "CanonicalizeHostname yes\nCanonicalDomains a.example\nCanonicalizeFallbackLocal no\n", "web", "config:3: cannot use canonicalizefallbacklocal for host web: web is in none of the CanonicalDomains", "web.a.example."},
		{"dots", "CanonicalizeHostname yes\nCanonicalDomains b.example\n", "a.b.c", "a.b.c", ""},
		{"more dots", "CanonicalizeHostname yes\nCanonicalizeMaxDots 2\nCanonicalDomains b.example\n", "a.b.c", "a.b.c", "a.b.c.b.example."},
		{"absolute", "CanonicalizeHostname yes\n", "full.example.", "full.example", "full.example."},
		{"alias", "CanonicalizeHostname yes\nCanonicalDomains a.example\nCanonicalizePermittedCNAMEs no*:* *.a.example:*.a.example\n", "db", "db1.a.example", "db.a.example."},
		{"alias elsewhere", "CanonicalizeHostname yes\nCanonicalDomains b.example\nCanonicalizePermittedCNAMEs *.b.example:*.b.example\n", "x", "x.b.example", "x.b.example."},
		{"any alias", "CanonicalizeHostname yes\nCanonicalDomains b.example\nCanonicalizePermittedCNAMEs *\n", "x", "cdn.other", "x.b.example."},
		{"by way of a proxy", "CanonicalizeHostname yes\nCanonicalDomains b.example\nProxyJump j\n", "web", "web", ""},
		{"always", "CanonicalizeHostname always\nCanonicalDomains b.example\nProxyJump j\n", "web", "web.b.example", "web.b.example."},
		{"address", "CanonicalizeHostname always\nCanonicalDomains b.example\n", "127.1", "127.0.0.1", ""},
		{"of a HostName", "CanonicalizeHostname yes\nCanonicalDomains b.example\nHost w\n HostName web\n", "w", "web.b.example", "web.b.example."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			o := memory(map[string]string{"config": tt.config})
			o.Files, o.Lookup = []string{"config"}, names(known, &asked)
			r, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Resolve(tt.host, Given{})
			got := c.HostName
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || strings.Join(asked, " ") != tt.asked {
				t.Errorf("got %s, want %s; asked for %q", got, tt.want, asked)
			}
		})
	}
}

func TestTheNameFoundIsMatchedAgain(t *testing.T) {
	var asked []string
	o := memory(map[string]string{"/home/me/.ssh/config": "CanonicalizeHostname yes\nCanonicalDomains b.example\nHost *.b.example\n Port 7\nMatch canonical host web.b.example originalhost web\n User found\n"})
	o.Lookup = names(map[string]string{"web.b.example.": ""}, &asked)
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Resolve("web", Given{})
	if err != nil || c.Port != 7 || c.User != "found" || c.Values["hostname"].At() != "/home/me/.ssh/config:1" {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err = r.Resolve("other", Given{}); err != nil || c.Port != 22 || c.HostName != "other" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestOverridesAreNotForJumpHosts(t *testing.T) {
	o := memory(map[string]string{"/home/me/.ssh/config": "Host j\n Port 7\n"})
	o.Overrides, o.User = []string{"Port=9", "ProxyJump=j"}, "flag"
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Resolve("j", Given{Hop: true})
	if err != nil || c.Port != 7 || c.User != "me" || c.ProxyJump != "" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestRefusedSettingsHaveTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"\nKnownHostsCommand /bin/x %H\n":          "/home/me/.ssh/config:2: cannot ask a KnownHostsCommand for host keys; ",
		"ProxyCommand nc -F\nProxyUseFdpass yes\n": "/home/me/.ssh/config:2: cannot take the connection that a ProxyCommand passes on (ProxyUseFdpass); ",
		"ProxyUseFdpass yes\n":                     "",
		"KnownHostsCommand none\n":                 "",
	} {
		r, err := New(memory(map[string]string{"/home/me/.ssh/config": text}))
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Resolve("a", Given{})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Refused()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestIncludedFilesMustBeTrusted(t *testing.T) {
	dir := t.TempDir()
	included := filepath.Join(dir, "included")
	for path, text := range map[string]string{included: "Port 1\n", filepath.Join(dir, "config"): "Include " + dir + "/inc*\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Files: []string{filepath.Join(dir, "config")}}
	if _, err := New(o); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(included, 0o622); err != nil { //nolint:gosec // this is the point
		t.Fatal(err)
	}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "config:1:1: "+included+" can be written by others") {
		t.Errorf("got %v", err)
	}
}
