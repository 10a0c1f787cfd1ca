package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryCommandAndFlagIsTold holds reference/cli.md against the man pages that opsctl writes of itself.
func TestEveryCommandAndFlagIsTold(t *testing.T) {
	text := readPage(t, "reference/cli.md").text
	dir := t.TempDir()
	opsctl(t, "man", dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d man pages, %v", len(files), err)
	}
	var commands []string
	for _, file := range files {
		man, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".1"), "-", " ")
		title := name
		if name == "opsctl" {
			title = "Flags of every command"
		}
		commands = append(commands, title)
		sameFlags(t, title, flagsOf(string(man)), section(text, title))
	}
	commands = append(commands, "opsctl help exit-codes") // a topic, of which no man page tells
	for _, m := range regexp.MustCompile("(?m)^#+ (opsctl [a-z -]+)$").FindAllStringSubmatch(text, -1) {
		if !slices.Contains(commands, m[1]) {
			t.Errorf("reference/cli.md tells of %q, which is no command", m[1])
		}
	}
}

var (
	manFlag  = regexp.MustCompile(`\\fB--([a-z-]+)\\fP`)
	toldFlag = regexp.MustCompile("(?m)^\\| `(?:-[A-Za-z], )?--([a-z-]+)")
)

func flagsOf(man string) (flags []string) {
	_, rest, ok := strings.Cut(man, ".SH OPTIONS\n")
	if !ok {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "\n.SH ")
	for _, m := range manFlag.FindAllStringSubmatch(rest, -1) {
		if m[1] != "help" {
			flags = append(flags, m[1])
		}
	}
	return flags
}

func sameFlags(t *testing.T, title string, flags []string, told string) {
	t.Helper()
	if told == "" {
		t.Errorf("reference/cli.md has no section %q", title)
		return
	}
	var have []string
	for _, m := range toldFlag.FindAllStringSubmatch(told, -1) {
		have = append(have, m[1])
		if !slices.Contains(flags, m[1]) && m[1] != "version" { // the root has it, beside its flags
			t.Errorf("reference/cli.md, %q: there is no --%s", title, m[1])
		}
	}
	for _, f := range flags {
		if !slices.Contains(have, f) {
			t.Errorf("reference/cli.md, %q: --%s is not told", title, f)
		}
	}
}

func opsctl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("opsctl", args...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("opsctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestEveryExitCodeIsTold holds the page against what opsctl says of itself.
func TestEveryExitCodeIsTold(t *testing.T) {
	text := readPage(t, "reference/exit-codes.md").text
	said := regexp.MustCompile(`(?m)^  (\d+) `).FindAllStringSubmatch(opsctl(t, "help", "exit-codes"), -1)
	told := regexp.MustCompile("(?m)^\\| `?(\\d+)`? \\|").FindAllStringSubmatch(text, -1)
	if len(said) < 10 || len(said) != len(told) {
		t.Fatalf("opsctl says %d exit codes, reference/exit-codes.md tells %d", len(said), len(told))
	}
	for i := range said {
		if said[i][1] != told[i][1] {
			t.Errorf("opsctl says %s where reference/exit-codes.md tells %s", said[i][1], told[i][1])
		}
	}
}

// TestEveryEventIsTold holds the page against the constants of package run.
func TestEveryEventIsTold(t *testing.T) {
	text := readPage(t, "reference/events.md").text
	for _, kind := range []string{"Kind", "Act", "Outcome", "Result", "StopKind"} {
		words := constants(t, "../pkg/run/event.go", kind)
		if len(words) < 3 {
			t.Fatalf("only %d constants of type %s", len(words), kind)
		}
		for _, word := range words {
			if !strings.Contains(text, "`"+word+"`") {
				t.Errorf("reference/events.md does not tell `%s`, a %s", word, kind)
			}
		}
	}
}

// constants gives the texts of the constants of a type in a file.
func constants(t *testing.T, file, kind string) (words []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != kind {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				if word, err := strconv.Unquote(lit.Value); err == nil {
					words = append(words, word)
				}
			}
		}
		return true
	})
	return words
}
