package fleet_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/opsctl/opsctl/internal/fleet"
)

func TestMisbehaviourBeforeTheSession(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	tests := []struct {
		name string
		m    fleet.Misbehaviour
		is   func(error) bool
	}{
		{"refuses", fleet.Misbehaviour{RefuseConnections: true}, func(err error) bool {
			return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
		}},
		{"babbles", fleet.Misbehaviour{GarbageBanner: "220 mail ready\r\n"}, func(err error) bool {
			return err != nil
		}},
		{"rejects", fleet.Misbehaviour{RejectAuth: true}, func(err error) bool {
			return strings.Contains(err.Error(), "unable to authenticate")
		}},
		{"changes its key", fleet.Misbehaviour{NewHostKey: true}, func(err error) bool {
			var key *knownhosts.KeyError
			return errors.As(err, &key) && len(key.Want) == 1
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.Misbehave(tt.m)
			if _, err := ssh.Dial("tcp", h.Addr, clientConfig(t, f)); err == nil || !tt.is(err) {
				t.Errorf("got %v", err)
			}
			h.Misbehave(fleet.Misbehaviour{})
			dial(t, f, h)
		})
	}
}

func TestGarbageBannerArrives(t *testing.T) {
	f := start(t)
	f.Hosts[0].Misbehave(fleet.Misbehaviour{GarbageBanner: "what?\r\n"})
	c, err := net.Dial("tcp", f.Hosts[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "SSH-2.0-me\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "what?\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestSilentBanner(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	h.Misbehave(fleet.Misbehaviour{SilentBanner: true})
	c, err := net.Dial("tcp", h.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "SSH-2.0-me\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestSessionLimit(t *testing.T) {
	tests := []struct {
		name   string
		refuse int
		max    int
	}{
		{"as OpenSSH", 0, 10},
		{"three", 3, 3},
		{"none", fleet.NoSessions, 0},
	}
	f := start(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.Hosts[0].Misbehave(fleet.Misbehaviour{RefuseSessions: tt.refuse})
			c := dial(t, f, f.Hosts[0])
			for range tt.max {
				newSession(t, c)
			}
			_, err := c.NewSession()
			var open *ssh.OpenChannelError
			if !errors.As(err, &open) || open.Reason != ssh.ConnectionFailed {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSessionsAreGivenBack(t *testing.T) {
	f := start(t)
	f.Hosts[0].Misbehave(fleet.Misbehaviour{RefuseSessions: 1})
	c := dial(t, f, f.Hosts[0])
	for range 5 {
		var s *ssh.Session
		await(t, "a session", func() (ok bool) {
			var err error
			s, err = c.NewSession()
			return err == nil
		})
		if err := s.Run("true"); err != nil {
			t.Error(err)
		}
	}
}

func TestCutAfterBytes(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	c := dial(t, f, h)
	h.Misbehave(fleet.Misbehaviour{CutAfterBytes: 100_000})
	s := newSession(t, c)
	s.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
	if err := soon(t, "the cut", func() error { return s.Run("cat >got; touch ended") }); err == nil {
		t.Error("it went well")
	}
	await(t, "the command's end of input", func() bool { return exists(h.Dir + "/ended") })
	info, err := os.Stat(h.Dir + "/got")
	if err != nil || info.Size() > 100_000 {
		t.Errorf("%d bytes came through, %v", info.Size(), err)
	}
	dial(t, f, h) // counts for itself
}

func TestCutAfterBytesIsNotBeforeAuthentication(t *testing.T) {
	f := start(t)
	f.Hosts[0].Misbehave(fleet.Misbehaviour{CutAfterBytes: 1})
	c := dial(t, f, f.Hosts[0])
	if _, err := c.NewSession(); err == nil {
		t.Error("a session opened")
	}
}

func TestCutAfterWrites(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	h.Misbehave(fleet.Misbehaviour{CutAfterWrites: 50_000})
	s := newSession(t, dial(t, f, h))
	var out []byte
	err := soon(t, "the cut", func() (err error) {
		out, err = s.Output("head -c 1000000 /dev/zero")
		return err
	})
	if err == nil || len(out) > 50_000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestCutResets(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	h.Misbehave(fleet.Misbehaviour{SilentBanner: true})
	c, err := net.Dial("tcp", h.Addr)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	err = soon(t, "the reset", func() error {
		for {
			h.CutAll() // the host may not have accepted it the first time
			select {
			case err := <-read:
				return err
			case <-time.After(time.Millisecond):
			}
		}
	})
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestBlackhole(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	c := dial(t, f, h)
	s := newSession(t, c)
	if _, err := s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start("touch begun; cat; touch ended"); err != nil {
		t.Fatal(err)
	}
	await(t, "the beginning", func() bool { return exists(h.Dir + "/begun") })
	h.Misbehave(fleet.Misbehaviour{Blackhole: true})

	answered := make(chan error, 1)
	go func() {
		_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	h.Misbehave(fleet.Misbehaviour{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err == nil {
		t.Error("answered after all")
	}
	if exists(h.Dir + "/ended") {
		t.Error("the host saw the client leave")
	}
	dial(t, f, h) // others are well
	h.CutAll()
	await(t, "the end of input", func() bool { return exists(h.Dir + "/ended") })
}

func TestNoise(t *testing.T) {
	f := start(t)
	f.Hosts[0].Misbehave(fleet.Misbehaviour{Noise: "Welcome!\n"})
	out, err := newSession(t, dial(t, f, f.Hosts[0])).Output("echo hi")
	if err != nil || string(out) != "Welcome!\nhi\n" {
		t.Errorf("%q, %v", out, err)
	}
}
