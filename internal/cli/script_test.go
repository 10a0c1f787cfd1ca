package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// codeFile in the environment is where the program, run by a script, leaves its exit code.
const codeFile = "OPSCTL_TEST_CODE"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"opsctl": func() {
		code := Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		if path := os.Getenv(codeFile); path != "" {
			if err := os.WriteFile(path, []byte(strconv.Itoa(code)), 0o600); err != nil {
				panic(err)
			}
		}
		os.Exit(code)
	}})
}

// TestScripts runs testdata/script/*.txtar: the program, told as command-line sessions. Besides the
// commands of testscript, "code N" checks the exit code of the last opsctl.
func TestScripts(t *testing.T) {
	dir, err := filepath.Abs("../../testdata/script")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, ".state"))
			e.Setenv("LC_ALL", "C.UTF-8")
			e.Setenv("TZ", "UTC")
			e.Setenv("USER", "tester")
			e.Setenv(codeFile, filepath.Join(e.WorkDir, ".code"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: code N")
				}
				if got := strings.TrimSpace(ts.ReadFile(filepath.Join(ts.Getenv("WORK"), ".code"))); got != args[0] {
					ts.Fatalf("exit code %s, want %s", got, args[0])
				}
			},
		},
	})
}
