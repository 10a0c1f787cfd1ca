//go:build unix

package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/relay"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

func TestFault_32_BlackHoleInAStep(t *testing.T) {
	w := newRoad(t)
	w.through(t, "hole", func() { w.relay.Strike(relay.Fault{DropUp: true, DropDown: true}) })
}

func TestFault_33_ResetInAStep(t *testing.T) {
	w := newRoad(t)
	w.through(t, "reset", w.relay.CutAll)
}

// Every packet to the host in turn is replaced by a reset, and then every packet from it: a step
// that was begun is followed to its end, one that was not is proved never to have run.
func TestFault_34_ResetAtEveryPacket(t *testing.T) {
	w := newRoad(t)
	clean, s := w.held("clean"), &said{}
	clean.open(t)
	up, down := w.relay.Traffic()
	clean.whole(t, w.host.Run(patience(t), clean.Attempt, s.sink), s)
	newUp, newDown := w.relay.Traffic()
	up, down = newUp-up, newDown-down
	verdicts := map[executor.Verdict]int{}
	for n := int64(1); n <= max(up, down); n += 23 { // less than any packet of SSH has
		for way, f := range map[string]relay.Fault{"up": {CutUp: n}, "down": {CutDown: n}} {
			if way == "up" && n > up || way == "down" && n > down {
				continue
			}
			h, s := w.held(fmt.Sprint(way, n)), &said{}
			h.open(t)
			w.relay.Strike(f)
			e := w.host.Run(patience(t), h.Attempt, s.sink)
			verdicts[e.Verdict]++
			if e.Verdict == executor.NeverRan {
				if h.ran(t) != 0 || s.out.Len() > 0 {
					t.Errorf("%s, byte %d: it never ran, says %+v, and it did", way, n, e)
				}
				continue
			}
			h.whole(t, e, s)
		}
	}
	t.Logf("%d bytes up, %d down: %d ended, %d never ran", up, down, verdicts[executor.Ended], verdicts[executor.NeverRan])
}

// The host loses its side of the connection without a word, as in a crash of a router or of the host.
func TestFault_35_HalfOpenConnection(t *testing.T) {
	w := newRoad(t)
	w.through(t, "half", func() { w.relay.Strike(relay.Fault{HalfOpen: true}) })
}

func TestFault_36_LossInOneDirection(t *testing.T) {
	w := newRoad(t)
	w.through(t, "up", func() { w.relay.Strike(relay.Fault{DropUp: true}) })
	w.through(t, "down", func() { w.relay.Strike(relay.Fault{DropDown: true}) })
}

// The jump host goes away with the connections of all hosts behind it: one connection to it serves
// them all again, and every step is followed to its end.
func TestFault_38_JumpHostDiesUnderAttempts(t *testing.T) {
	const hosts = 4
	f := startSSHD(t, 1+hosts)
	r := startRelay(t, f.Hosts[0].Addr)
	gate, times := watchful(behind(realSettings(f, 0), r))
	d := newTestDialer(t, Options{Timeouts: times})
	dir := t.TempDir()
	var steps sync.WaitGroup
	var all []held
	for i := range hosts {
		s := realSettings(f, 1+i)
		s.Jumps = []Settings{gate}
		w := &road{t: t, linker: newTestLinker(t, d, s), dir: dir}
		host := supervisor.NewHost(w.linker, supervisor.Options{RunID: s.Name})
		t.Cleanup(func() { _ = host.Close() })
		h, printed := w.held(s.Name), &said{}
		all = append(all, h)
		steps.Go(func() { h.whole(t, host.Run(patience(t), h.Attempt, printed.sink), printed) })
	}
	eventually(t, "all steps begin", func() bool {
		for _, h := range all {
			if !h.begun() {
				return false
			}
		}
		return true
	})
	r.CutAll()
	eventually(t, "the jump host is there again", func() bool { return r.Accepted() == 2 })
	for _, h := range all {
		h.open(t)
	}
	steps.Wait()
	if r.Accepted() != 2 {
		t.Errorf("the jump host was dialed %d times", r.Accepted())
	}
}

// Much goes both ways while the server renews the keys every few packets.
func TestFault_45_KeysAreRenewedInAStream(t *testing.T) {
	f := startSSHD(t, 1, "RekeyLimit 1M")
	sh, err := newTestLinker(t, newTestDialer(t, Options{}), realSettings(f, 0)).Upload(patience(t)) // a shell may read ahead
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sh.Close() })                    // closed only to be done with it
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	go func() {
		_, _ = io.WriteString(sh, "exec cat\n")
		_, _ = sh.Write(body)
		_ = sh.CloseWrite()
	}()
	sum := sha256.New()
	if n, err := io.Copy(sum, sh); err != nil || n != int64(len(body)) {
		t.Fatalf("%d of %d bytes came back, %v", n, len(body), err)
	}
	if want := sha256.Sum256(body); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("they are not the same")
	}
}

// A host that takes nothing more is not waited for without end.
func TestFault_46_AWindowThatNeverOpens(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: Timeouts{WriteStall: 200 * time.Millisecond}}), settingsFor(f, "web1"))
	sh := mustShell(t, l)
	if _, err := io.WriteString(sh, "echo ready; exec sleep 1000\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(sh, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	k, err := l.connected(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 1<<20); err == nil; { // until the window is full, and beyond
		_, err = sh.Write(chunk)
	}
	if why := k.wire.why(); why == nil || !strings.Contains(why.Error(), "took nothing") {
		t.Errorf("it ended because of %v", why)
	}
}

// A quarter of a second there and back, and 64 kbit/s: only slower.
func TestFault_47_ASlowNetwork(t *testing.T) {
	w := newRoad(t)
	// A link that is slow is not dead: the limits are those that users have.
	s := w.linker.settings
	s.AliveInterval = 0
	w.linker = newTestLinker(t, newTestDialer(t, Options{}), s)
	w.relay.Set(relay.Fault{Delay: 125 * time.Millisecond, Rate: 8 << 10})
	host := w.newHost(time.Minute, true)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for i := range 2 {
		h, printed := w.held(fmt.Sprint("slow", i)), &said{}
		h.open(t)
		h.whole(t, host.Run(ctx, h.Attempt, printed.sink), printed)
	}
	if w.relay.Accepted() != 2 {
		t.Errorf("a slow connection was given up: there were %d", w.relay.Accepted())
	}
}

// A bit that changed on its way, in either direction, ends the connection, and the step is followed over another.
func TestFault_48_CorruptedPackets(t *testing.T) {
	w := newRoad(t)
	w.through(t, "up", func() { w.relay.Strike(relay.Fault{FlipUp: 20}) })
	w.through(t, "down", func() { w.relay.Strike(relay.Fault{FlipDown: 20}) })
}

// The connection ends in the very moment when something is asked: the SSH library forgets who asked, and we do not.
func TestFault_33_ForgottenByTheLibrary(t *testing.T) {
	forgotten, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(forgotten) })
	close(done)
	l := &link{times: Timeouts{}.withDefaults(), done: done}
	_, err := within(t.Context(), l, func() (int, error) { <-forgotten; return 0, errClosed }, func(int) {})
	if !errors.Is(err, errStuck) {
		t.Errorf("got %v", err)
	}
}
