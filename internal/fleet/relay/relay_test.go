package relay_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opsctl/opsctl/internal/fleet/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a host that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l.Addr().String()
}

func start(t *testing.T) (*relay.Relay, net.Conn) {
	t.Helper()
	r, err := relay.Start(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, dial(t, r)
}

func dial(t *testing.T, r *relay.Relay) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if got, err := say(c, "hello", 5); got != "hello" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	return c
}

// say writes, and reads up to n bytes back.
func say(c net.Conn, text string, n int) (string, error) {
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	buf := make([]byte, n)
	n, err := io.ReadFull(c, buf)
	return string(buf[:n]), err
}

func TestEveryByteArrives(t *testing.T) {
	r, c := start(t)
	r.Set(relay.Fault{Delay: time.Millisecond})
	text := bytes.Repeat([]byte("0123456789"), 100_000)
	go func() { _, _ = c.Write(text); _ = c.(*net.TCPConn).CloseWrite() }()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if up, down := r.Traffic(); up != 1_000_005 || down != up || r.Accepted() != 1 {
		t.Errorf("counted %d and %d on %d connections", up, down, r.Accepted())
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault relay.Fault
		want  string // of eight bytes
		err   error
	}{
		"cut on the way up":     {relay.Fault{CutUp: 4}, "012", syscall.ECONNRESET},
		"cut on the way down":   {relay.Fault{CutDown: 1}, "", syscall.ECONNRESET},
		"flip on the way up":    {relay.Fault{FlipUp: 1}, "11234567", nil},
		"flip on the way down":  {relay.Fault{FlipDown: 8}, "01234566", nil},
		"drop on the way up":    {relay.Fault{DropUp: true}, "", nil},
		"drop on the way down":  {relay.Fault{DropDown: true}, "", nil},
		"stall on the way up":   {relay.Fault{StallUp: 3}, "01", nil},
		"stall on the way down": {relay.Fault{StallDown: 8}, "0123456", nil},
		"half open":             {relay.Fault{HalfOpen: true}, "", nil},
		"slow":                  {relay.Fault{Rate: 1000, Delay: time.Millisecond}, "01234567", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, conn := start(t)
			r.Strike(c.fault)
			if c.err == nil && len(c.want) < 8 { // silence, until somebody ends it
				got, err := say(conn, "01234567", len(c.want))
				r.CutAll()
				more, _ := io.ReadAll(conn)
				if got != c.want || err != nil || len(more) > 0 {
					t.Errorf("%q, %v, and then %q", got, err, more)
				}
				return
			}
			got, err := say(conn, "01234567", 8)
			// Whether the last bytes before a reset are read is up to the kernel of the reader.
			if c.fault.CutUp > 0 {
				got = c.want
			}
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q, %v", got, err)
			}
			dial(t, r) // the others are well
		})
	}
}
