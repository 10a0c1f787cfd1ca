package supervisor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// each runs a test in every shell that is installed.
func each(t *testing.T, f func(t *testing.T, b *bed)) {
	for name, argv := range shells(t) {
		t.Run(name, func(t *testing.T) { f(t, newBed(t, argv...)) })
	}
}

func TestFault_58_EveryExitStatusIsTrue(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		for code := range 256 {
			if b.link.argv[0] != "dash" && code%17 != 0 {
				continue // all of them in one shell, a sample in the others
			}
			e, out, _ := b.run(fmt.Sprint("c", code), executor.Command{Script: fmt.Sprintf("echo %d; exit %d", code, code)})
			if e != (executor.Ending{Exit: code}) || out != fmt.Sprintln(code) {
				t.Fatalf("exit %d: %+v %q", code, e, out)
			}
		}
	})
}

func TestAttempts(t *testing.T) {
	var all strings.Builder
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	nasty := "a'b\"c\\d $(reboot) `x` %s\n\n!\t\x01é\xff "
	big := strings.Repeat("0123456789abcde\n", 20_000)
	cases := map[string]struct {
		c        executor.Command
		exit     int
		out, err string
	}{
		"both streams":       {executor.Command{Script: "echo o; echo e >&2"}, 0, "o\n", "e\n"},
		"no newline":         {executor.Command{Script: "printf o; printf e >&2"}, 0, "o", "e"},
		"blank lines":        {executor.Command{Script: `printf '\n\n o\\n \n\n'`}, 0, "\n\n o\\n \n\n", ""},
		"every byte":         {executor.Command{Script: "cat", Stdin: all.String()}, 0, all.String(), ""},
		"bytes, no NUL":      {executor.Command{Script: "cat >&2", Stdin: all.String()[1:]}, 0, "", all.String()[1:]},
		"NUL":                {executor.Command{Script: `printf 'a\000b\n'`}, 0, "a\x00b\n", ""},
		"utf-8":              {executor.Command{Script: "printf 'é日本'"}, 0, "é日本", ""},
		"long output":        {executor.Command{Script: "cat; cat >&2 /dev/null", Stdin: big}, 0, big, ""},
		"exactly 64 KiB":     {executor.Command{Script: "cat", Stdin: big[:shownMax]}, 0, big[:shownMax], ""},
		"empty stdin":        {executor.Command{Script: "cat; echo end"}, 0, "end\n", ""},
		"env":                {executor.Command{Script: `printf %s "$V"`, Env: map[string]string{"V": nasty}}, 0, nasty, ""},
		"readonly env":       {executor.Command{Script: `echo "$op_nonce"`, Env: map[string]string{"op_nonce": "x"}}, 0, "x\n", ""},
		"long env":           {executor.Command{Script: `echo "${#V}"`, Env: map[string]string{"V": big}}, 0, fmt.Sprintln(len(big)), ""},
		"long script":        {executor.Command{Script: ": '" + big + "'\necho ok"}, 0, "ok\n", ""},
		"dir":                {executor.Command{Script: "pwd", Dir: "/usr"}, 0, "/usr\n", ""},
		"dir not there":      {executor.Command{Script: "pwd", Dir: "/not/there"}, 126, "", "*"},
		"set -e":             {executor.Command{Script: "false\necho no"}, 1, "", ""},
		"set -u":             {executor.Command{Script: `echo "$not_set"`}, -1, "", "*"},
		"syntax error":       {executor.Command{Script: "if ("}, -1, "", "*"},
		"argv":               {executor.Command{Argv: []string{"printf", "%s|", "a b", nasty}}, 0, "a b|" + nasty + "|", ""},
		"argv not found":     {executor.Command{Argv: []string{"/no/such/program"}}, 127, "", "*"},
		"bash":               {executor.Command{Shell: "bash", Script: "false | true\necho no"}, 1, "", ""},
		"bash arrays":        {executor.Command{Shell: "bash", Script: "a=(x y); echo ${a[1]}"}, 0, "y\n", ""},
		"other shell":        {executor.Command{Shell: "dash", Script: "echo $0"}, 0, "dash\n", ""},
		"no such shell":      {executor.Command{Shell: "no-such-shell", Script: "x"}, 127, "", "*"},
		"killed":             {executor.Command{Script: "kill -9 $$"}, 137, "", ""},
		"no log to spoil":    {executor.Command{Script: "echo x >&9"}, -1, "", "*"},
		"no ignored signals": {executor.Command{Script: `kill -INT $$; echo no`}, 130, "", ""},
		"no locale of ours":  {executor.Command{Script: `echo "${LC_ALL-unset}"`}, 0, "unset\n", ""},
		"no params":          {executor.Command{Script: `echo $#`}, 0, "0\n", ""},
	}
	each(t, func(t *testing.T, b *bed) {
		for name, c := range cases {
			e, out, err := b.run(strings.NewReplacer(" ", "_", ",", "").Replace(name), c.c)
			exit := c.exit
			if exit == -1 && e.Exit != 0 {
				exit = e.Exit
			}
			if e != (executor.Ending{Exit: exit}) || out != c.out || (err != c.err && (c.err != "*" || err == "")) {
				t.Errorf("%s: %+v\nout %.200q\nerr %.200q", name, e, out, err)
			}
			if strings.Contains(c.c.Script, "$$") || strings.HasPrefix(c.c.Script, "echo x >&9") {
				continue // a read is a subshell: $$ is the shell around it
			}
			var h heardOf
			a := b.Ask(context.Background(), c.c, h.sink)
			if a.Verdict != executor.Ended || (a.Exit == 0) != (c.exit == 0) || h.out.String() != c.out || (c.err != "*" && h.err.String() != c.err) {
				t.Errorf("read %s: %+v\nout %.200q\nerr %.200q", name, a, h.out.String(), h.err.String())
			}
		}
	})
}

func TestFault_53_ADaemonLeftBehindDoesNotHoldTheRun(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		begun := time.Now()
		e, out, _ := b.run("d", executor.Command{Script: "sleep 60 & echo $!"})
		if e != (executor.Ending{}) || time.Since(begun) > 30*time.Second {
			t.Fatalf("%+v", e)
		}
		var h heardOf
		a := b.Ask(context.Background(), executor.Command{Script: "sleep 60 & echo $!"}, h.sink)
		if a != (executor.Ending{}) {
			t.Fatalf("%+v", a)
		}
		b.run("k", executor.Command{Script: "kill " + strings.Fields(out)[0] + " " + strings.Fields(h.out.String())[0]})
	})
}

func TestFault_52_TimeoutKillsTheGroupThatIgnoresTERM(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		e, out, _ := b.run("t", executor.Command{
			Script:  "trap '' TERM; echo $$; sleep 30 & sleep 30; sleep 30",
			Timeout: 200 * time.Millisecond, KillAfter: 200 * time.Millisecond,
		})
		if e != (executor.Ending{Exit: 137, TimedOut: true}) {
			t.Fatalf("%+v", e)
		}
		if e, out, _ := b.run("p", executor.Command{Script: "! ps -A -o pgid= -o stat= -o args= | grep '^ *" + strings.TrimSpace(out) + " [^Z]'"}); e.Exit != 0 {
			t.Fatal("something of the process group lives on: " + out)
		}
	})
}

func TestTheHostHoldsTheDeadlineAlone(t *testing.T) {
	b := newBed(t)
	b.ready()
	down := make(chan struct{})
	b.link.dead = func() error {
		select {
		case <-down:
			return nil
		default:
			return &executor.HostError{Class: "refused", Message: "down"}
		}
	}
	mark := filepath.Join(t.TempDir(), "term")
	go func() {
		until(t, "began", exists(mark+".began"))
		b.link.cut()
		until(t, "TERM by the clock", exists(mark))
		close(down)
	}()
	e, _, _ := b.run("alone", executor.Command{
		Script:  "trap 'touch " + mark + "; exit 9' TERM; touch " + mark + ".began; sleep 60 & wait",
		Timeout: time.Second, KillAfter: time.Second,
	})
	if e != (executor.Ending{Exit: 9, TimedOut: true}) {
		t.Fatalf("%+v", e)
	}
}

func TestCancelIsConfirmed(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		ctx, cancel := context.WithCancel(context.Background())
		mark := filepath.Join(t.TempDir(), "began")
		go func() {
			until(t, "began", exists(mark))
			cancel()
		}()
		e := b.Run(ctx, executor.Attempt{ID: "x", Command: executor.Command{Script: "touch " + mark + "; sleep 60"}}, nil)
		if e != (executor.Ending{Exit: 143, Cancelled: true}) {
			t.Fatalf("%+v", e)
		}
	})
}

func TestOutputIsLive(t *testing.T) {
	b := newBed(t)
	gate := filepath.Join(t.TempDir(), "gate")
	var h heardOf
	e := b.Run(context.Background(), executor.Attempt{ID: "live", Command: executor.Command{
		Script: "echo one; until [ -e " + gate + " ]; do sleep 0.05; done; echo two; echo three >&2",
	}}, func(s executor.Stream, p []byte) {
		h.sink(s, p)
		if h.out.String() == "one\n" {
			if err := os.WriteFile(gate, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	if e != (executor.Ending{}) || h.out.String() != "one\ntwo\n" || h.err.String() != "three\n" {
		t.Fatalf("%+v %q %q", e, h.out.String(), h.err.String())
	}
}

func TestFault_55_HeadAndTailOfEndlessOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	b := newBed(t)
	const over = 10_000
	var size int
	var last, marker string
	e := b.Run(context.Background(), executor.Attempt{ID: "flood", Command: executor.Command{
		Script: fmt.Sprintf("head -c %d /dev/zero; echo; echo end", streamMax+over),
	}}, func(_ executor.Stream, p []byte) {
		size += len(p)
		last = string(p[max(0, len(p)-8):])
		if strings.Contains(string(p), "opsctl") {
			marker = string(p)
		}
	})
	want := leftOut(over + 5)
	if e != (executor.Ending{}) || marker != want || size != streamMax+len(want) || !strings.HasSuffix(last, "\nend\n") {
		t.Fatalf("%+v: %d bytes, %q, ends in %q", e, size, marker, last)
	}
}
