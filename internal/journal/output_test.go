package journal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

func TestOutputByteForByte(t *testing.T) {
	s := open(t, stateDir(t))
	r := must(s.Create(header("01RUN1")))(t)
	ref := refOf(event(1))
	var want bytes.Buffer
	for i := range 3000 {
		p := bytes.Repeat([]byte{byte(i), 0, 0xff}, i%997+1)
		want.Write(p)
		check(t, r.Keep(ref, executor.Stdout, p))
		clear(p) // it is ours only during the call
		if i%1000 == 0 {
			check(t, r.Keep(ref, executor.Stderr, []byte("warning\n")))
			if got := must(r.Output(ref, executor.Stdout))(t); !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("after %d pieces: got %d bytes, want %d", i, len(got), want.Len())
			}
		}
	}
	check(t, r.Append(events(1, 2)))
	for _, read := range []func() ([]byte, error){
		func() ([]byte, error) { return r.Output(ref, executor.Stdout) },
		func() ([]byte, error) { return s.Output("01RUN1", ref, executor.Stdout) },
	} {
		if got := must(read())(t); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("got %d bytes, want %d", len(got), want.Len())
		}
	}
	if got := must(s.Output("01RUN1", ref, executor.Stderr))(t); string(got) != strings.Repeat("warning\n", 3) {
		t.Errorf("got %q", got)
	}
	none := ref
	none.Number = 9
	if got := must(s.Output("01RUN1", none, executor.Stdout))(t); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	if len(r.streams) != 0 {
		t.Error("a finished attempt is kept in memory")
	}
	check(t, r.Close())
}

func TestFault_55_OutputHasALimit(t *testing.T) {
	if testing.Short() {
		t.Skip("it prints 100 MB")
	}
	s := open(t, stateDir(t))
	r := must(s.Create(header("01RUN1")))(t)
	ref := refOf(event(1))
	const lines = 5_000_000 // of 20 bytes
	block := new(bytes.Buffer)
	for i := 0; i < lines; i++ {
		fmt.Fprintf(block, "line %014d\n", i)
		if block.Len() >= 100_000 {
			check(t, r.Keep(ref, executor.Stdout, block.Bytes()))
			block.Reset()
		}
		if i == 4_000_000 {
			check(t, r.Append([]run.Event{event(1)})) // in the middle of the tail
		}
		if st := r.streams[streamKey{ref, executor.Stdout}]; r.pending > pendingMax || st != nil && st.held > tailMax+chunkMax {
			t.Fatal("too much is in memory")
		}
	}
	check(t, r.Keep(ref, executor.Stdout, block.Bytes()))
	check(t, r.Append([]run.Event{event(2)}))
	got := must(s.Output("01RUN1", ref, executor.Stdout))(t)
	if len(got) > outputMax+100 || len(got) < outputMax-4*chunkMax {
		t.Errorf("got %d bytes", len(got))
	}
	if !bytes.HasPrefix(got, []byte("line 00000000000000\nline")) || !bytes.HasSuffix(got, []byte("line 00000004999999\n")) {
		t.Errorf("it begins %q and ends %q", got[:30], got[len(got)-30:])
	}
	attempts := must(s.Attempts("01RUN1"))(t)
	if len(attempts) != 1 || attempts[0].Stdout.Total != lines*20 || attempts[0].Outcome != run.Changed || attempts[0].Started.IsZero() {
		t.Fatalf("got %+v", attempts)
	}
	notice := fmt.Sprintf("\n[%d bytes dropped here]\n", attempts[0].Stdout.Dropped)
	if at := bytes.Index(got, []byte(notice)); at != headMax {
		t.Errorf("the notice %q is at %d", notice, at)
	}
	check(t, r.Close())
}

func BenchmarkKeep(b *testing.B) {
	r := must(open(b, stateDir(b)).Create(header("01RUN1")))(b)
	p := bytes.Repeat([]byte("0123456789abcde\n"), 2048)
	b.SetBytes(int64(len(p)))
	for i := int64(0); b.Loop(); i++ {
		e := event(1)
		e.Number = int(i >> 10)
		check(b, r.Keep(refOf(e), executor.Stdout, p))
	}
	check(b, r.Append(nil))
	check(b, r.Close())
}
