//go:build unix

package realsshd_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
)

func dial(t *testing.T, f *realsshd.Fleet, h realsshd.Host) *ssh.Client {
	t.Helper()
	pem, err := os.ReadFile(f.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New(f.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", h.Addr, &ssh.ClientConfig{
		User: f.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestHostsAnswer(t *testing.T) {
	f := realsshd.Start(t, realsshd.Options{Hosts: 18})
	for _, h := range []realsshd.Host{f.Hosts[0], f.Hosts[1], f.Hosts[15], f.Hosts[17]} {
		s, err := dial(t, f, h).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Output("echo $XDG_STATE_HOME")
		if err != nil || string(out) != f.StateHome+"\n" {
			t.Errorf("%s: %q, %v", h.Name, out, err)
		}
	}
}

func TestNothingIsLeft(t *testing.T) {
	var pid string
	t.Run("fleet", func(t *testing.T) {
		f := realsshd.Start(t, realsshd.Options{})
		s, err := dial(t, f, f.Hosts[0]).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Output("setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!")
		if err != nil {
			t.Fatal(err)
		}
		pid = strings.TrimSpace(string(out))
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s still runs", pid)
		}
	}
}

func TestExtraConfigWins(t *testing.T) {
	f := realsshd.Start(t, realsshd.Options{Config: []string{"MaxSessions 1"}})
	c := dial(t, f, f.Hosts[0])
	if _, err := c.NewSession(); err != nil {
		t.Fatal(err)
	}
	var refused *ssh.OpenChannelError
	if _, err := c.NewSession(); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}
