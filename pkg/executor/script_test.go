package executor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
)

// everyByte is a text that holds each byte but NUL.
func everyByte() string {
	var b strings.Builder
	for i := 1; i < 256; i++ {
		b.WriteByte(byte(i))
	}
	return b.String()
}

// TestScriptsArriveWhole runs scripts as hosts would whose sh is each of these shells: as an attempt,
// which has a directory, and as a question, which must leave nothing there.
func TestScriptsArriveWhole(t *testing.T) {
	args := []string{"a b", "", "-n", "it's", "$(id)", "é\n", "OPSCTL_END"}
	body := "printf '%s|' \"$@\"\ncat\nprintf %s \"$X\" >&2\ncat <<'E'\n" + everyByte() + "\nOPSCTL_END\nE\nexit 7\n"
	python := "import sys, os\nsys.stdout.write('|'.join(sys.argv[1:]) + '|')\nsys.stdout.write(sys.stdin.read())\nsys.stderr.write(os.environ['X'])\nsys.exit(7)"
	for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"ksh"}, {"zsh", "--emulate", "sh"}} {
		t.Run(sh[0], func(t *testing.T) {
			if _, err := exec.LookPath(sh[0]); err != nil {
				t.Skip("not installed: ", sh[0])
			}
			for name, text := range map[string]string{
				"sh": "#!/bin/sh\n" + body, "word": "#! /bin/sh -e \nfalse || true\n" + body, "env": "#!/usr/bin/env sh\n" + body,
				"much": "#!/bin/sh\n" + strings.Repeat("# "+everyByte()[31:]+"\n", 2000) + body, "python3": "#!/usr/bin/env python3\n" + python,
			} {
				t.Run(name, func(t *testing.T) {
					if _, err := exec.LookPath("python3"); name == "python3" && err != nil {
						t.Skip("not installed: python3")
					}
					want := strings.Join(args, "|") + "|in\n"
					if name != "python3" {
						want += everyByte() + "\nOPSCTL_END\n"
					}
					sendScript(t, sh, name, text, args, want)
				})
			}
		})
	}
}

// sendScript runs a script that way, both as an attempt and as a question.
func sendScript(t *testing.T, sh []string, name, text string, args []string, want string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadScript(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, question := range []bool{false, true} {
		dir := t.TempDir()
		c := s.command(Command{Argv: args}, "a.do.1", question)
		cmd := exec.Command(sh[0], append(append([]string{}, sh[1:]...), "-c", "eval \"$(cat "+file+".c)\"")...)
		if err := os.WriteFile(file+".c", []byte("set -eu\n"+c.Script), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(os.Environ(), "OPSCTL_RUN_DIR="+dir, "X=x y")
		cmd.Stdin = strings.NewReader("in\n")
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		left, dirErr := os.ReadDir(dir)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 7 || out.String() != want || errs.String() != "x y" || dirErr != nil || (len(left) == 0) != question {
			t.Errorf("question %v: %v, %d files, said %q\n%q\nis not\n%q", question, err, len(left), errs.String(), out.String(), want)
		}
	}
}

func TestScriptsThatCannotBeSent(t *testing.T) {
	for text, want := range map[string]string{
		"echo hello\n":             "its first line does not name an interpreter",
		"#!sh\n":                   "its first line does not name an interpreter",
		"":                         "its first line does not name an interpreter",
		"#!/bin/sh\r\necho\r\n":    "its lines end as on Windows",
		"\x7fELF\x00":              "it is a program",
		"#!/bin/sh\n" + blank(1e6): "",
		"#!/bin/sh\n" + blank(2e6): "it is larger than",
	} {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadScript(file)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := ReadScript("/nowhere/f"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func blank(n int) string { return strings.Repeat("\n", n) }

// TestScriptsRunAsCommandsDo goes through a run and its rollback with values in the words.
func TestScriptsRunAsCommandsDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(file, []byte("#!/bin/sh\necho\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `
name: x
vars: {list: [one two, three]}
steps:
  - {id: look, effect: read, script: {file: FILE, args: [-q]}, outputs: {v: result.stdout}}
  - {id: fix, save: {old: cat old}, script: {file: FILE, args: ["${{ list }}", "${{ saved.old }}", "${{ steps.look.outputs.v }}"]}, rollback: 'undo ${{ saved.old }}'}
  - {id: bad, run: bad}
`
	send := "cat >\"$OPSCTL_RUN_DIR\"/'script.fix.do.1' <<'OPSCTL_END'\n#!/bin/sh\necho\nOPSCTL_END\nexec '/bin/sh' \"$OPSCTL_RUN_DIR\"/'script.fix.do.1' "
	look := "exec '/bin/sh' /dev/fd/9 '-q' 9<<'OPSCTL_END'\n#!/bin/sh\necho\nOPSCTL_END"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["local cat old"], w.prints["local "+look], w.answers["local bad"] = "old one\n", "seen\n", []Ending{exit(1)}
		w.run(strings.ReplaceAll(text, "FILE", file))
		want := "ask local " + look + "\nask local cat old\nrun local " + send + "'one two' 'three' 'old one' 'seen'\nrun local bad\nrun local undo 'old one'"
		if w.did() != want {
			t.Errorf("got\n%s\nwant\n%s", w.did(), want)
		}
		w.ran = nil
		forecasts := Preview(context.Background(), PreviewOptions{
			Plan: w.plan(strings.ReplaceAll(text, "FILE", file), nil), Prober: func(h *inventory.Host) Prober { return scripted{w, h.Name} }, Masker: noMask{}, Forks: 1,
			Info: Info{Started: time.Now()},
		})
		if forecasts[0].Class != WasRead || forecasts[1].Class != WouldChange || w.did() != "ask local "+look+"\nask local cat old" {
			t.Errorf("%+v\n%s", forecasts, w.did())
		}
		w.ran = nil
		if finished := w.run(strings.ReplaceAll(text, "FILE", file+".gone")); finished.Result == run.Succeeded || w.did() != "" {
			t.Errorf("without the file: %s\n%s", finished.Result, w.did())
		}
	})
}
