package fleet_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/internal/fleet"
)

// echo starts a listener that answers what it is told, after its name.
func echo(t *testing.T, name string) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			told, err := io.ReadAll(c)
			if err == nil {
				_, err = c.Write(append([]byte(name+" "), told...))
			}
			if err := errors.Join(err, c.Close()); err != nil {
				t.Error(err)
			}
		}
	}()
	return l.Addr()
}

func ask(t *testing.T, c *ssh.Client, addr string) string {
	t.Helper()
	conn, err := c.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestForward(t *testing.T) {
	f := start(t, "web1", "web2")
	one, two := echo(t, "one"), echo(t, "two")
	f.Host("web1").Forward(8080, one.String())
	f.Host("web2").Forward(8080, two.String())
	c := dial(t, f, f.Host("web1"))
	if got := ask(t, c, "localhost:8080"); got != "one hello" {
		t.Errorf("web1 answers %q", got)
	}
	if got := ask(t, c, two.String()); got != "two hello" {
		t.Errorf("a real port answers %q", got)
	}
	if got := ask(t, dial(t, f, f.Host("web2")), "127.0.0.1:8080"); got != "two hello" {
		t.Errorf("web2 answers %q", got)
	}
}

func TestForwardRefused(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	c := dial(t, f, h)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, addr string
		m          fleet.Misbehaviour
		want       ssh.RejectionReason
	}{
		{"nobody listens", closed.Addr().String(), fleet.Misbehaviour{}, ssh.ConnectionFailed},
		{"elsewhere", "192.0.2.1:80", fleet.Misbehaviour{}, ssh.Prohibited},
		{"forbidden", closed.Addr().String(), fleet.Misbehaviour{ForbidForwarding: true}, ssh.Prohibited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.Misbehave(tt.m)
			_, err := c.Dial("tcp", tt.addr)
			var open *ssh.OpenChannelError
			if !errors.As(err, &open) || open.Reason != tt.want {
				t.Errorf("got %v", err)
			}
		})
	}
}
