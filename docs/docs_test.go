package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What is told to users is tried here. How a block of code is tried is said by its info string:
//
//	yaml runbook=FILE           written into the page's project, loaded, and planned where its params are known
//	yaml runbook=FILE with=K=V  the same, planned with these params (joined by ";")
//	yaml runbook=FILE invalid   must be refused
//	yaml steps                  steps of a runbook on web; only loaded, and planned
//	yaml inventory=FILE         written into the project, decoded
//	yaml file=FILE              written into the project; only read as YAML
//	yaml                        only read as YAML
//	console                     lines that begin with "$ " are run in the project, see console_test.go
//	console skip=REASON         not run
//	sh                          read by sh -n
//	json                        only read as JSON
//	text, ini                   not tried
//
// Every page has a project of its own, with an inventory, the one shown in README.md, and hosts that
// can be reached: web1, web2, web3 and db1.

// TestMain builds the opsctl that the pages are tried with, and puts it first in PATH.
func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "opsctl-docs-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// The tag brings the command that writes man pages, which reference_test.go asks what there is.
	build := exec.Command("go", "build", "-tags", "manpages", "-o", filepath.Join(dir, "opsctl"), "../cmd/opsctl")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build opsctl: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// page is one page for users.
type page struct {
	name   string // README.md, guide/runbooks.md
	text   string
	blocks []block
}

// block is one fenced block of a page.
type block struct {
	line  int // of its first line of content, from 1
	lang  string
	words map[string]string // the rest of the info string
	text  string
}

func (b *block) has(word string) bool { _, ok := b.words[word]; return ok }

// pages reads the pages that are for users; those for builders stand beside them.
func pages(t *testing.T) []*page {
	t.Helper()
	var names []string
	for _, pattern := range []string{"../README.md", "README.md", "quickstart.md", "reliability.md", "guide/*.md", "reference/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("there is no page %s: %v", pattern, err)
		}
		names = append(names, found...)
	}
	var list []*page
	for _, name := range names {
		list = append(list, readPage(t, name))
	}
	return list
}

func readPage(t *testing.T, name string) *page {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{name: filepath.ToSlash(name), text: string(text)}
	var open *block
	for i, line := range strings.Split(p.text, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			open = newBlock(i+2, fence)
		case isFence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is not closed", name, open.line)
	}
	return p
}

func newBlock(line int, info string) *block {
	b := &block{line: line, words: map[string]string{}}
	for i, word := range strings.Fields(info) {
		if i == 0 {
			b.lang = word
			continue
		}
		key, value, _ := strings.Cut(word, "=")
		b.words[key] = value
	}
	return b
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	header = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced = regexp.MustCompile("(?ms)^```.*?^```$")
)

func TestLinksLeadSomewhere(t *testing.T) {
	anchors := map[string]map[string]bool{}
	list := pages(t)
	for _, p := range list {
		anchors[p.name] = anchorsOf(p)
	}
	for _, p := range list {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(p.text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := filepath.ToSlash(filepath.Join(filepath.Dir(p.name), target))
			if target == "" {
				path = p.name
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %s leads nowhere", p.name, m[1])
			}
			if known := anchors[path]; anchor != "" && known != nil && !known[anchor] {
				t.Errorf("%s: there is no #%s in %s", p.name, anchor, path)
			}
		}
	}
}

func anchorsOf(p *page) map[string]bool {
	anchors := map[string]bool{}
	for _, m := range header.FindAllStringSubmatch(fenced.ReplaceAllString(p.text, ""), -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(m[1]) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				b.WriteRune(r)
			}
		}
		anchors[b.String()] = true
	}
	return anchors
}

// TestIndexNamesEveryPage keeps the index whole.
func TestIndexNamesEveryPage(t *testing.T) {
	list := pages(t)[1:] // the project's README is not one of them, the index is the first
	for _, p := range list[1:] {
		if !strings.Contains(list[0].text, "("+p.name+")") {
			t.Errorf("README.md does not name %s", p.name)
		}
	}
}
