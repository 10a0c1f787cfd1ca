package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// tame is a host whose order to reboot only says so, in a file, and then waits for its end.
type tame struct {
	executor.Host
	told string
}

func (h tame) Run(ctx context.Context, a executor.Attempt, sink executor.Sink) executor.Ending {
	if strings.Contains(a.Script, "exec reboot") {
		a.Script = "echo >" + h.told + "\nexec sleep 600"
	}
	return h.Host.Run(ctx, a, sink)
}

// memory is a journal, an observer and a masker that do next to nothing.
type memory struct {
	mu     sync.Mutex
	events []run.Event
}

func (m *memory) Append(events []run.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, events...)
	return nil
}
func (m *memory) Keep(executor.AttemptRef, executor.Stream, []byte) error { return nil }
func (m *memory) Observe([]run.Event)                                     {}
func (m *memory) String(s string) string                                  { return s }
func (m *memory) Found(string) bool                                       { return false }
func (m *memory) Stream() executor.MaskStream                             { return m }
func (m *memory) Write(p []byte) []byte                                   { return p }
func (m *memory) Flush() []byte                                           { return nil }
func (m *memory) Masked() bool                                            { return false }
func (m *memory) Add(string)                                              {}

type stored struct{ *memory }

func (stored) Output(executor.AttemptRef, executor.Stream) ([]byte, error) { return nil, nil }

type observer struct{ *memory }

func (observer) Output(executor.AttemptRef, executor.Stream, []byte) {}

// TestFault_69_APlannedReboot takes a host away while it carries out the order, and brings it back with
// another boot id: the run goes on there, and the new id is noted.
func TestFault_69_APlannedReboot(t *testing.T) {
	f := startFleet(t, "web1")
	host := f.Host("web1")
	boot, told := filepath.Join(t.TempDir(), "boot"), filepath.Join(t.TempDir(), "told")
	write := func(text string) {
		if err := os.WriteFile(boot, []byte(text+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("before")
	h := supervisor.NewHost(newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), settingsFor(f, "web1")), supervisor.Options{RunID: "r", BootFile: boot})
	defer func() { _ = h.Close() }()

	rb, _, err := runbook.LoadText("name: x\nhosts: web1\nsteps:\n  - {id: first, run: echo first >>log}\n  - {id: down, reboot: {timeout: 1m}}\n  - {id: after, run: echo after >>log}\n", "r.yaml", ".")
	if err != nil {
		t.Fatal(err)
	}
	node, err := source.Parse(&source.File{Name: "i", Text: "hosts: {web1: {}}\n"})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(rb, inv, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	crashed := make(chan error, 1)
	go func() { crashed <- crash(t.Context(), host, told, func() { write("after") }) }()
	_, state, err := executor.Run(t.Context(), executor.Options{
		Plan: p, Host: func(*inventory.Host) executor.Host { return tame{h, told} }, Journal: stored{m}, Observer: observer{m}, Masker: m,
		Forks: 1, Preflight: true, Info: executor.Info{ID: "R", Started: time.Now()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-crashed; err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(host.Dir, "log"))
	if err != nil || string(log) != "first\nafter\n" || state.Boot("web1") != "after" {
		for _, e := range m.events {
			t.Log(e.Kind, e.Step, e.Outcome, e.Message)
		}
		t.Errorf("%v, log %q, boot id %q", err, log, state.Boot("web1"))
	}
}

// crash waits until the host is told to reboot, and lets it be away while meanwhile is done.
func crash(ctx context.Context, h *fleet.Host, told string, meanwhile func()) error {
	for {
		_, err := os.Stat(told)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.Misbehave(fleet.Misbehaviour{RefuseConnections: true})
	h.CutAll()
	meanwhile()
	h.Misbehave(fleet.Misbehaviour{})
	return nil
}
