package supervisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
)

func TestFault_66_WithoutSetsid(t *testing.T) {
	for _, instead := range []string{"perl", "python3", ""} {
		if _, err := exec.LookPath(instead); instead != "" && err != nil {
			continue
		}
		b := newBed(t)
		bin := t.TempDir()
		b.link.env = append(b.link.env, "PATH="+bin)
		for _, name := range []string{"sh", "mkdir", "head", "tail", "grep", "sleep", "rm", "cat", "wc", "kill", instead} {
			path, err := exec.LookPath(name)
			if name == "" || err != nil {
				continue
			}
			if name == "python3" {
				path = "/usr/bin/python3" // not a shim of a version manager
			}
			if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat("/usr/bin/python3"); instead == "python3" && err != nil {
			continue
		}
		if instead == "" {
			refusedAs(t, "nothing instead", b, "no-setsid")
			continue
		}
		e, out, errs := b.run("x", executor.Command{Script: `read -r _ _ _ _ pgrp session _ </proc/$$/stat; [ $$ = "$pgrp" ] && [ $$ = "$session" ] && echo leads`})
		if e != (executor.Ending{}) || out != "leads\n" {
			t.Errorf("%s: %+v %q %q", instead, e, out, errs)
		}
	}
}
