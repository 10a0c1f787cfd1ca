package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
)

// TestTransportOfOpenSSH runs, takes back and explains over the ssh program, by the inventory and by the flag.
func TestTransportOfOpenSSH(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("not installed: ssh")
	}
	f := realsshd.Start(t, realsshd.Options{Hosts: 2, Config: []string{"SetEnv HOME=" + t.TempDir()}})
	b := &bench{T: t, dir: t.TempDir()}
	b.write("r.yaml", "name: r\nhosts: all\nsteps:\n- {id: a, run: echo $SSH_CONNECTION, rollback: 'echo undone'}\n- {id: b, hosts: host1, if: env.FAIL == 'yes', run: exit 255}\n")
	b.write("inventory.yaml", "hosts: {host1: {transport: openssh}, host2: {}}\n")
	b.write("opsctl.yaml", "ssh-config: "+f.SSHConfig+"\nstate-dir: state\ninventory: inventory.yaml\n")
	sockets := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("TMPDIR", sockets)
	t.Setenv("FAIL", "no")
	b.want(0, "run", "r.yaml")
	t.Setenv("FAIL", "yes")
	for _, args := range [][]string{nil, {"--transport", "openssh"}, {"--transport", "builtin"}} {
		if out := b.want(3, append([]string{"run", "r.yaml", "--output", "json"}, args...)...); !strings.Contains(out, `"exit":255`) {
			t.Errorf("%q: the exit status is not told:\n%s", args, out)
		}
	}
	if out := b.want(0, "hosts", "--explain", "host1"); !strings.Contains(out, "openssh: the ssh program") {
		t.Errorf("it is not explained:\n%s", out)
	}
	if out := b.want(0, "hosts", "--explain", "host2"); strings.Contains(out, "openssh: the ssh program") {
		t.Errorf("it is explained wrongly:\n%s", out)
	}
	if code, _, errs := b.opsctl("ping", "--transport", "telnet"); code != 2 && code != 64 || !strings.Contains(errs, `"telnet" is not one of builtin, openssh`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	if left, err := os.ReadDir(sockets); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
