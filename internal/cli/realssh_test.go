package cli

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/runbooks"
)

// TestRollingDeployOverRealSSH does the main work on real sshd: the shipped runbook, a good release, and
// a bad one that is noticed in the second wave and taken back on every host.
func TestRollingDeployOverRealSSH(t *testing.T) {
	f := realsshd.Start(t, realsshd.Options{Hosts: 4, Config: []string{"SetEnv HOME=" + t.TempDir()}})
	b := &bench{T: t, dir: t.TempDir()}
	apps := map[string]string{}
	var inventory strings.Builder
	inventory.WriteString("hosts:\n")
	for _, h := range f.Hosts {
		apps[h.Name] = t.TempDir()
		if err := os.Mkdir(filepath.Join(apps[h.Name], "shared"), 0o700); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&inventory, "  %s: {vars: {app: %q}}\n", h.Name, apps[h.Name])
	}
	inventory.WriteString("groups: {web: {hosts: [host1, host2, host3]}, db: {hosts: [host4]}}\n")
	current := func(host string) string {
		to, err := os.Readlink(filepath.Join(apps[host], "current"))
		if err != nil {
			return ""
		}
		return filepath.Base(to)
	}
	// All hosts are this machine, so one server answers for them: the bad release is well on one
	// host, and falls ill as soon as a second one has it.
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		ill := 0
		for host := range apps {
			if current(host) == "v1.1.0" {
				ill++
			}
		}
		if ill > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer site.Close()
	_, port, err := net.SplitHostPort(site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	text, err := runbooks.Files.ReadFile("rolling-deploy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"dist/v1.0.0/SCHEMA": []byte("1\n"), "dist/v1.1.0/SCHEMA": []byte("2\n")}
	for _, release := range []string{"v1.0.0", "v1.1.0"} {
		if err := addPrograms(files, release); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.write("rolling-deploy.yaml", string(text))
	b.write("inventory.yaml", inventory.String())
	b.write("opsctl.yaml", "ssh-config: "+f.SSHConfig+"\nstate-dir: state\ninventory: inventory.yaml\n")
	deploy := func(code int, version string) string {
		return b.want(code, "run", "rolling-deploy.yaml", "-p", "version="+version, "-p", "artifacts=dist", "-p", "port="+port,
			"-p", "soak=0s", "-p", "patience=1s", "--output", "plain")
	}
	deploy(0, "v1.0.0")
	out := deploy(3, "v1.1.0")
	if !strings.Contains(out, "wave 2") || !strings.Contains(out, "status 503") {
		t.Errorf("it does not say what went wrong, and where:\n%s", out)
	}
	for _, host := range []string{"host1", "host2", "host3"} {
		if got := current(host); got != "v1.0.0" {
			t.Errorf("%s serves %q", host, got)
		}
		if _, err := os.Stat(filepath.Join(apps[host], "releases", "v1.1.0")); !os.IsNotExist(err) {
			t.Errorf("%s still has the bad release: %v", host, err)
		}
	}
	schema, err := os.ReadFile(filepath.Join(apps["host4"], "shared", "schema"))
	if err != nil || strings.TrimSpace(string(schema)) != "1" {
		t.Errorf("schema %q, %v", schema, err)
	}
	b.want(0, "rollback", "last:rolling-deploy", "--yes") // nothing is left to take back
}
