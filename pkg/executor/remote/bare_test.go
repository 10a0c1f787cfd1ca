package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/device"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func startDevice(t *testing.T, answer func(*device.Exec)) (*device.Device, *supervisor.Host) {
	t.Helper()
	d := device.Start(t, answer)
	dialer := newTestDialer(t, Options{Timeouts: short()})
	l := dialer.Linker(Settings{
		Name: d.Name, Addr: d.IP, Port: d.Port, User: d.User, IdentityFiles: []string{d.ClientKey}, IdentityAgent: "none", KnownHosts: []string{d.KnownHosts},
	})
	host := supervisor.NewHost(l, supervisor.Options{RunID: "bare"})
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, host
}

// router answers what a device answers: by exit status, or without one.
func router(e *device.Exec) {
	switch name, rest, _ := strings.Cut(e.Command, " "); name {
	case "show":
		e.Print("you asked for " + rest + "\n")
		e.Close()
	case "fail":
		e.Complain("% Invalid input\n")
		e.Exit(7)
	case "killed":
		e.Killed("KILL")
	case "echo":
		e.Print(e.Stdin())
		e.Exit(0)
	case "last": // the connection ends right behind the channel
		e.Print("bye\n")
		e.Close()
		e.HangUp()
	case "daemon": // something holds the channel open
		e.Print("started\n")
		e.Status(0)
	case "reload":
		e.Print("going down\n")
		e.HangUp()
	case "hang":
	}
}

func bareCommand(text string) executor.Command {
	return executor.Command{Script: text, Shell: runbook.NoShell, Timeout: 20 * time.Second}
}

func TestBareCommands(t *testing.T) {
	d, host := startDevice(t, router)
	cases := []struct {
		command string
		want    executor.Ending
		output  string
	}{
		{"show version", executor.Ending{}, "1:you asked for version\n"},
		{"fail", executor.Ending{Exit: 7}, "2:% Invalid input\n"},
		{"killed", executor.Ending{Exit: 128, Signal: "KILL"}, ""},
		{"daemon", executor.Ending{}, "1:started\n"},
	}
	var sent []string
	for _, c := range cases {
		for _, way := range []string{"run", "ask"} {
			out := &outputs{}
			var end executor.Ending
			if way == "run" {
				end = host.Run(patience(t), executor.Attempt{ID: "x", Command: bareCommand(c.command)}, out.sink)
			} else {
				end = host.Ask(patience(t), bareCommand(c.command), out.sink)
			}
			if end != c.want || out.String() != c.output {
				t.Errorf("%s %s: %+v, %q", way, c.command, end, out)
			}
			sent = append(sent, c.command)
		}
	}
	if got := d.Heard(); !slices.Equal(got, sent) { // each once, and nothing of our own
		t.Errorf("the device heard %q", got)
	}
	if n := d.Logins(); n != 1 {
		t.Errorf("there were %d logins", n)
	}
}

type outputs struct{ strings.Builder }

func (o *outputs) sink(s executor.Stream, p []byte) { fmt.Fprintf(o, "%d:%s", s, p) }

func TestBareStdin(t *testing.T) {
	_, host := startDevice(t, router)
	out := &outputs{}
	c := bareCommand("echo")
	c.Stdin = "hostname x\n"
	if end := host.Run(patience(t), executor.Attempt{ID: "x", Command: c}, out.sink); end != (executor.Ending{}) || out.String() != "1:hostname x\n" {
		t.Errorf("%+v, %q", end, out)
	}
}

// A device that ends the connection behind each channel, without an exit status, ended in order;
// the next command connects again.
func TestBareConnectionThatEndsInOrder(t *testing.T) {
	d, host := startDevice(t, router)
	for i := range 5 {
		out := &outputs{}
		end := host.Run(patience(t), executor.Attempt{ID: fmt.Sprint(i), Command: bareCommand("last")}, out.sink)
		if end != (executor.Ending{}) || out.String() != "1:bye\n" {
			t.Fatalf("%+v, %q", end, out)
		}
	}
	if got := d.Heard(); len(got) != 5 {
		t.Errorf("the device heard %q", got)
	}
}

// A change whose connection breaks in the middle is unknown, and was sent once.
func TestBareChangeThatIsCut(t *testing.T) {
	d, host := startDevice(t, router)
	for i := range 5 {
		out := &outputs{}
		end := host.Run(patience(t), executor.Attempt{ID: fmt.Sprint(i), Command: bareCommand("reload")}, out.sink)
		if end.Verdict != executor.NotLearned || end.Class != "link" || out.String() != "1:going down\n" {
			t.Errorf("%+v, %q", end, out)
		}
		if got := d.Heard(); len(got) != i+1 {
			t.Fatalf("the device heard %q", got)
		}
	}
}

// A read is asked again, and gives each answer once.
func TestBareReadThatIsCut(t *testing.T) {
	var asked atomic.Int32
	d, host := startDevice(t, func(e *device.Exec) {
		e.Print("version 1\n")
		if asked.Add(1) < 3 {
			e.HangUp()
			return
		}
		e.Exit(0)
	})
	out := &outputs{}
	if end := host.Ask(patience(t), bareCommand("show version"), out.sink); end != (executor.Ending{}) || out.String() != "1:version 1\n" {
		t.Errorf("%+v, %q", end, out)
	}
	if got := d.Heard(); len(got) != 3 {
		t.Errorf("the device heard %q", got)
	}
}

func TestBareReadThatIsCutAlways(t *testing.T) {
	_, host := startDevice(t, func(e *device.Exec) { e.Print("half"); e.HangUp() })
	out := &outputs{}
	if end := host.Ask(patience(t), bareCommand("show version"), out.sink); end.Verdict != executor.NotLearned || out.String() != "1:half" {
		t.Errorf("%+v, %q", end, out)
	}
}

func TestBareCommandThatHangs(t *testing.T) {
	_, host := startDevice(t, router)
	c := bareCommand("hang")
	c.Timeout = 50 * time.Millisecond
	end := host.Run(patience(t), executor.Attempt{ID: "x", Command: c}, nil)
	if end.Verdict != executor.NotLearned || end.Class != "timeout" || !strings.Contains(end.Message, "no answer in 50ms") {
		t.Errorf("%+v", end)
	}
	if end := host.Ask(patience(t), c, nil); end.Verdict != executor.NotLearned || end.Class != "timeout" {
		t.Errorf("%+v", end)
	}
	ctx, cancel := context.WithCancel(patience(t))
	time.AfterFunc(50*time.Millisecond, cancel)
	end = host.Run(ctx, executor.Attempt{ID: "y", Command: bareCommand("hang")}, nil)
	if end.Verdict != executor.NotLearned || end.Class != "cancelled" {
		t.Errorf("%+v", end)
	}
	out := &outputs{}
	if end := host.Ask(patience(t), bareCommand("show clock"), out.sink); end != (executor.Ending{}) || out.String() == "" {
		t.Errorf("the connection is of no use any more: %+v", end)
	}
}

// What is not sent never ran.
func TestBareCommandThatCannotBeSent(t *testing.T) {
	d, host := startDevice(t, router)
	for _, c := range []executor.Command{{Env: map[string]string{"A": "b"}}, {Dir: "/"}, {Sudo: "root"}, {Argv: []string{"x"}}, {Prepare: ":"}} {
		c.Shell, c.Script = runbook.NoShell, "show version"
		if end := host.Run(patience(t), executor.Attempt{ID: "x", Command: c}, nil); end.Verdict != executor.NeverRan {
			t.Errorf("%+v: %+v", c, end)
		}
		if end := host.Ask(patience(t), c, nil); end.Verdict != executor.NeverRan {
			t.Errorf("%+v: %+v", c, end)
		}
	}
	if err := host.Reach(patience(t)); err != nil {
		t.Error(err)
	}
	eventually(t, "somebody logs in", func() bool { return d.Logins() == 1 })
	if got := d.Heard(); len(got) != 0 {
		t.Errorf("the device heard %q", got)
	}
}

func TestBareHostThatIsDown(t *testing.T) {
	f := startFleet(t, "web1")
	s := settingsFor(f, "web1")
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	host := supervisor.NewHost(newTestLinker(t, newTestDialer(t, Options{}), s), supervisor.Options{RunID: "bare"})
	if end := host.Run(patience(t), executor.Attempt{ID: "x", Command: bareCommand("show version")}, nil); end.Verdict != executor.NeverRan || end.Class != "refused" {
		t.Errorf("%+v", end)
	}
	wantClass(t, host.Reach(patience(t)), "refused", "web1")
}

// What ends a channel with a connection that the host took leave of by a message is no order.
func TestDisorder(t *testing.T) {
	s := &shell{closed: make(chan struct{}), link: &link{wire: newWire(nil), done: make(chan struct{}), settings: &Settings{Name: "x"}}}
	if err := s.disorder(); err != nil {
		t.Errorf("a connection that lives on: %v", err)
	}
	close(s.link.done)
	var told *executor.HostError
	if err := s.disorder(); !errors.As(err, &told) || !strings.Contains(told.Message, errCutShort.Error()) {
		t.Errorf("a farewell: %v", err)
	}
	s.link.wire.failed.Store(true)
	if err := s.disorder(); !errors.As(err, &told) {
		t.Errorf("a broken connection: %v", err)
	}
	close(s.closed)
	if err := s.disorder(); !errors.Is(err, errShellClosed) {
		t.Errorf("closed here: %v", err)
	}
}
