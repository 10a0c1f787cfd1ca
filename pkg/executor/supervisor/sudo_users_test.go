//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsudo"
	"github.com/opsctl/opsctl/pkg/executor"
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

// What is staged for a user is in that user's own run directory: the home of the login user is closed.
func TestStageForAnotherUser(t *testing.T) {
	login, u := realsudo.NewUser(t, realsudo.Options{}), realsudo.NewUser(t, realsudo.Options{Shell: "/bin/false"})
	for _, defaults := range [][]string{nil, {"requiretty"}} {
		t.Run(fmt.Sprint(defaults), func(t *testing.T) {
			login.Allow(t, all, defaults...)
			if err := os.Chmod(login.Home, 0o700); err != nil {
				t.Fatal(err)
			}
			s := newSudoBed(t, login, &login.Password)
			big := strings.Repeat("0123456789\n\x00", 200_000)
			file := func(name, text string) executor.StagedFile {
				return executor.StagedFile{Path: name, Mode: 0o600, Size: int64(len(text)), Open: func() (io.ReadCloser, error) {
					return io.NopCloser(strings.NewReader(text)), nil
				}}
			}
			for _, user := range []string{u.Name, "root"} {
				dir, err := s.Stage(t.Context(), user, "k", []executor.StagedFile{file("small", "x\n"), file("big", big)})
				if err != nil {
					t.Fatal(err)
				}
				e, out, errs := s.run("a-"+user, executor.Command{Script: fmt.Sprintf("cd %s; cat small; cksum <big", dir), Sudo: user})
				if want := "x\n" + cksum(t, big); e != (executor.Ending{}) || out != want {
					t.Errorf("as %s: %+v %q %q, not %q", user, e, out, errs, want)
				}
			}
		})
	}
}

func cksum(t *testing.T, text string) string {
	t.Helper()
	cmd := exec.Command("cksum")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
