//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsudo"
)

// The login shells that are not POSIX read the command alike.
func TestFault_67_SudoBehindLoginShells(t *testing.T) {
	for _, shell := range []string{"dash", "bash", "zsh", "ksh", "busybox", "fish", "tcsh"} {
		for _, defaults := range [][]string{nil, {"requiretty"}} {
			t.Run(fmt.Sprint(shell, defaults), func(t *testing.T) {
				path, err := exec.LookPath(shell)
				if err != nil {
					t.Skip("there is no ", shell)
				}
				u := realsudo.NewUser(t, realsudo.Options{Shell: path})
				u.Allow(t, all, defaults...)
				s := newSudoBed(t, u, &u.Password)
				if s.link.via = path; shell == "busybox" {
					s.link.via = busyboxSh(t)
				}
				s.becomes("root")
			})
		}
	}
}

func busyboxSh(t *testing.T) string {
	t.Helper()
	path := filepath.Join(pathWithout(t, "busybox"), "ash")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(busybox, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFault_59_SudoToOddUsers(t *testing.T) {
	login := realsudo.NewUser(t, realsudo.Options{})
	login.Allow(t, all)
	for _, c := range []struct {
		name string
		o    realsudo.Options
		home func(u *realsudo.User) error
	}{
		{"nologin", realsudo.Options{Shell: "/usr/sbin/nologin"}, nil},
		{"false", realsudo.Options{Shell: "/bin/false"}, nil},
		{"no home", realsudo.Options{NoHome: true, Shell: "/bin/false"}, nil},
		{"home of somebody else", realsudo.Options{}, func(u *realsudo.User) error {
			return errors.Join(os.Chown(u.Home, 0, 0), os.Chmod(u.Home, 0o700))
		}},
		{"home that cannot be entered", realsudo.Options{}, func(u *realsudo.User) error { return os.Chmod(u.Home, 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := realsudo.NewUser(t, c.o)
			if c.home != nil {
				if err := c.home(u); err != nil {
					t.Fatal(err)
				}
			}
			s := newSudoBed(t, login, &login.Password)
			s.becomes(u.Name)
			// The whole of it again, as a run that goes on.
			s.o.Resumed = true
			s.Host = NewHost(s.link, s.o)
			s.becomes(u.Name)
		})
	}
}
