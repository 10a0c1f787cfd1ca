package fleet_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet"
)

func TestOpenSSHClient(t *testing.T) {
	client, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("no ssh: install openssh-client")
	}
	dir := t.TempDir() + "/dir"
	f, err := fleet.Start(t.Context(), fleet.Options{Dir: dir, Hosts: []string{"web1", "web2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	}()
	ssh := func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), client, append([]string{"-F", f.SSHConfig, "-o", "BatchMode=yes"}, args...)...)
		command.Stdin = strings.NewReader("typed\n")
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := ssh("web2", "echo hi; cat; pwd"); err != nil || out != "hi\ntyped\n"+f.Host("web2").Dir+"\n" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := ssh("-T", "web1", "exit 7"); err == nil || err.Error() != "exit status 7" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := ssh("-J", "web1", "web2", "echo over the hill"); err != nil || out != "over the hill\n" {
		t.Errorf("%q, %v", out, err)
	}
	f.Host("web1").Misbehave(fleet.Misbehaviour{NewHostKey: true})
	if out, err := ssh("web1", "true"); err == nil || !strings.Contains(out, "REMOTE HOST IDENTIFICATION HAS CHANGED") {
		t.Errorf("%q, %v", out, err)
	}
}
