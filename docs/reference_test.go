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

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// strange is a key that nothing knows: the refusal lists those that are known.
const strange = "zzqqxxjjkkvv"

// places are where a map of keys can stand in a runbook, by the section that tells of them.
var places = map[string]string{
	"Top level":        "name: x\nsteps: [{run: 'true'}]\nKEY: 1\n",
	"Every step":       "name: x\nsteps: [{run: 'true', KEY: 1}]\n",
	"Params":           "name: x\nparams: {a: {KEY: 1}}\nsteps: [{run: 'true'}]\n",
	"copy":             "name: x\nsteps: [{copy: {content: a, dest: /a, KEY: 1}}]\n",
	"link":             "name: x\nsteps: [{link: {path: /a, to: /b, KEY: 1}}]\n",
	"line":             "name: x\nsteps: [{line: {path: /a, line: a, KEY: 1}}]\n",
	"service":          "name: x\nsteps: [{service: {name: a, state: started, KEY: 1}}]\n",
	"script":           "name: x\nsteps: [{script: {file: a, KEY: 1}}]\n",
	"fetch":            "name: x\nsteps: [{fetch: {src: /a, dest: a, KEY: 1}}]\n",
	"http":             "name: x\nsteps: [{http: {url: 'http://a', KEY: 1}}]\n",
	"reboot":           "name: x\nhosts: web\nsteps: [{reboot: {KEY: 1}}]\n",
	"wait":             "name: x\nsteps: [{wait: {pause: 1s, KEY: 1}}]\n",
	"assert":           "name: x\nsteps: [{assert: {that: 'true', KEY: 1}}]\n",
	"retry":            "name: x\nsteps: [{run: 'true', retry: {KEY: 1}}]\n",
	"rollback":         "name: x\nsteps: [{run: 'true', rollback: {run: 'true', KEY: 1}}]\n",
	"on_failure":       "name: x\nsteps: [{run: 'true', on_failure: {do: stop, KEY: 1}}]\n",
	"rollout":          "name: x\nsteps: [{rollout: {waves: [1], KEY: 1}, steps: [{run: 'true'}]}]\n",
	"Keys not yet":     "",
	"Order and target": "",
}

// TestEveryKeyIsTold holds the keys the decoder takes, as it lists them itself, against the reference.
func TestEveryKeyIsTold(t *testing.T) {
	text := readPage(t, "reference/runbook.md").text
	for title, doc := range places {
		told := section(text, title)
		if told == "" {
			t.Errorf("reference/runbook.md has no section %q", title)
		}
		if doc == "" {
			continue
		}
		for _, key := range known(t, doc) {
			where := told
			if title == "Every step" || title == "Top level" {
				where = text // their keys are told in the sections of what they are about
			}
			if !strings.Contains(where, "`"+key+"`") {
				t.Errorf("reference/runbook.md, %q: key `%s` is not told", title, key)
			}
		}
	}
}

// known asks the decoder for the keys it takes at a place.
func known(t *testing.T, doc string) []string {
	t.Helper()
	_, _, err := runbook.LoadText(strings.Replace(doc, "KEY", strange, 1), "x.yaml", ".")
	problems, _ := source.AsProblems(err)
	for _, p := range problems {
		if list, ok := strings.CutPrefix(p.Hint, "it takes "); ok {
			return strings.Split(list, ", ")
		}
	}
	t.Fatalf("the decoder does not list its keys: %v", err)
	return nil
}

// TestKeysNotYet holds the honest list against the decoder.
func TestKeysNotYet(t *testing.T) {
	told := section(readPage(t, "reference/runbook.md").text, "Keys not yet")
	keys := regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(told, -1)
	if len(keys) == 0 {
		t.Fatal("there is no list")
	}
	for _, m := range keys {
		_, _, err := runbook.LoadText(strings.Replace(places["Every step"], "KEY", m[1], 1), "x.yaml", ".")
		if err == nil || !strings.Contains(rendered(err), "is not supported by this version") {
			t.Errorf("%s is told as not yet, and the decoder says: %v", m[1], err)
		}
	}
}

// section gives the text below a heading, to the next one of its level or above.
func section(text, title string) string {
	var b strings.Builder
	level := 0
	code := false
	for _, line := range strings.Split(text, "\n") {
		code = code != strings.HasPrefix(line, "```")
		if hashes := len(line) - len(strings.TrimLeft(line, "#")); hashes > 0 && !code {
			if level > 0 && hashes <= level {
				return b.String()
			}
			if strings.Trim(line, "#` ") == title {
				level = hashes
			}
		}
		if level > 0 {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

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
