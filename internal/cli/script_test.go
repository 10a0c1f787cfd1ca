package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// asProgram in the environment makes the test binary the program: a script's commands are
// processes of their own, with their own directory and environment.
const asProgram = "OPSCTL_TEST_AS_PROGRAM"

// scriptsDir in the environment is where the scripts are: other tests change the directory.
const scriptsDir = "OPSCTL_TEST_SCRIPTS"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := os.Unsetenv(asProgram); err != nil {
			panic(err)
		}
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	dir, err := filepath.Abs("../../testdata/script")
	if err == nil {
		err = os.Setenv(scriptsDir, dir)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestScripts runs testdata/script/*.txtar: lines of commands, then the files they start with, each
// after a line "-- NAME --". A command is one of
//
//	[!] opsctl ARG…        with ! it must fail
//	code N                 the exit code of the last opsctl
//	[!] stdout REGEXP      what it printed; . does not match a newline, ^ and $ are those of lines
//	[!] stderr REGEXP
//	cmp stdout FILE        it printed exactly that
//	[!] exists FILE…
//	[!] grep REGEXP FILE
//	env NAME=VALUE, cd DIR
//
// Words are parted by spaces, or stand in '…'; $WORK is the directory of the script. All of it but
// code is the language of testscript.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(os.Getenv(scriptsDir), "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			newScript(t, string(text)).run()
		})
	}
}

type script struct {
	*testing.T
	work, dir string
	lines     []string
	env       []string
	out, errs string // of the last opsctl
	code      int
}

var fileMark = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

func newScript(t *testing.T, text string) *script {
	t.Helper()
	work, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &script{T: t, work: work, dir: work}
	marks := fileMark.FindAllStringSubmatchIndex(text, -1)
	commands := text
	for i, m := range marks {
		if i == 0 {
			commands = text[:m[0]]
		}
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		path := filepath.Join(work, text[m[2]:m[3]])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text[m[1]:end]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.lines = strings.Split(commands, "\n")
	s.env = []string{
		"HOME=" + work, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + work, "XDG_STATE_HOME=" + filepath.Join(work, ".state"),
		"LC_ALL=C.UTF-8", "TZ=UTC", "USER=tester", asProgram + "=1",
	}
	return s
}

func (s *script) run() {
	for i, line := range s.lines {
		words, err := s.words(line)
		if err == nil && len(words) > 0 {
			err = s.command(words)
		}
		if err != nil {
			s.Fatalf("line %d: %s\n%v\nexit code %d\n[stdout]\n%s[stderr]\n%s", i+1, line, err, s.code, s.out, s.errs)
		}
	}
}

// words parts a line; a # that begins a word begins a comment.
func (s *script) words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted, begun = !quoted, true
		case quoted || r != ' ' && r != '\t':
			if r == '#' && !quoted && !begun {
				return words, nil
			}
			word.WriteRune(r)
			begun = true
		case begun:
			words = append(words, strings.ReplaceAll(word.String(), "$WORK", s.work))
			word.Reset()
			begun = false
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	return words, nil
}

func (s *script) command(words []string) error {
	not := words[0] == "!"
	if not {
		words = words[1:]
	}
	name, args := words[0], words[1:]
	var ok bool
	var err error
	switch name {
	case "opsctl":
		err = s.opsctl(args)
		ok = s.code == 0
	case "code":
		var n int
		n, err = strconv.Atoi(args[0])
		ok = n == s.code
	case "stdout":
		ok, err = regexp.MatchString("(?m)"+args[0], s.out)
	case "stderr":
		ok, err = regexp.MatchString("(?m)"+args[0], s.errs)
	case "cmp":
		ok, err = s.same(args[0], args[1])
	case "exists":
		for _, file := range args {
			if _, statErr := os.Lstat(s.path(file)); statErr == nil {
				ok = true
			} else if !not {
				return statErr
			}
		}
	case "grep":
		var text []byte
		if text, err = os.ReadFile(s.path(args[1])); err == nil {
			ok, err = regexp.Match("(?m)"+args[0], text)
		}
	case "env":
		s.env, ok = append(s.env, args[0]), true
	case "cd":
		s.dir, ok = s.path(args[0]), true
	default:
		return fmt.Errorf("there is no command %q", name)
	}
	if err == nil && ok == not {
		err = errors.New("it is not so")
	}
	return err
}

func (s *script) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

func (s *script) opsctl(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, append(s.env, "PWD="+s.dir), &out, &errs
	err = cmd.Run()
	s.out, s.errs, s.code = out.String(), errs.String(), cmd.ProcessState.ExitCode()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

func (s *script) same(what, file string) (bool, error) {
	want, err := os.ReadFile(s.path(file))
	if err != nil {
		return false, err
	}
	got := s.out
	if what == "stderr" {
		got = s.errs
	}
	return got == string(want), nil
}
