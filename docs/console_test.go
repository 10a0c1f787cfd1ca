package docs_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet"
)

// In a console block each line "$ COMMAND" is run by sh in the project of the page. It must exit 0,
// or with the code it says: "$ opsctl run x.yaml  # exit 3". Lines below it are its output, standard
// output and standard error together; where there are none, any output will do. "…" stands for any
// text, alone on a line for any lines. Times, run ids, and runs of spaces may differ. The person is
// called ops, the machine control, the project /home/ops/shop.

// update rewrites the output that is shown by what is printed, for a review as a diff.
var update = flag.Bool("update", false, "rewrite the output in console blocks")

// commandTime bounds one command of a page.
const commandTime = 30 * time.Second

func TestConsole(t *testing.T) {
	house := houseInventory(t)
	for _, p := range pages(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			var s *session
			for i := range p.blocks {
				b := &p.blocks[i]
				if b.lang == "console" && !b.has("skip") && s == nil {
					s = newSession(t, p, house)
				}
				s.take(b)
			}
			if *update && s != nil && !t.Failed() {
				s.rewrite()
			}
		})
	}
}

// session is a project, with a fleet to work on.
type session struct {
	*testing.T
	page    *page
	dir, at string
	env     []string
	lines   []string // of the page, as update has them
	shift   int      // lines that update has added so far
}

func newSession(t *testing.T, p *page, house string) *session {
	t.Helper()
	root := t.TempDir()
	s := &session{T: t, page: p, dir: filepath.Join(root, "shop"), lines: strings.Split(p.text, "\n")}
	s.at = s.dir
	home := filepath.Join(root, "home")
	for _, dir := range []string{s.dir, home} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	f, err := fleet.Start(context.Background(), fleet.Options{Dir: filepath.Join(root, "fleet"), Hosts: []string{"web1", "web2", "web3", "db1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "TZ=UTC",
		"XDG_STATE_HOME=" + filepath.Join(root, "state"), "OPSCTL_SSH_CONFIG=" + f.SSHConfig,
	}
	s.write("inventory.yaml", house)
	for i := range p.blocks {
		if p.blocks[i].lang == "console" && !p.blocks[i].has("skip") {
			break
		}
		s.take(&p.blocks[i])
	}
	return s
}

func (s *session) write(name, text string) {
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// take does with a block what the page says: files are written, commands run.
func (s *session) take(b *block) {
	if s == nil {
		return
	}
	for _, word := range []string{"runbook", "inventory", "file"} {
		if name := b.words[word]; name != "" {
			s.write(name, b.text)
		}
	}
	if b.lang != "console" || b.has("skip") {
		return
	}
	var c *command
	for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
		if text, is := strings.CutPrefix(line, "$ "); is {
			c.try(s)
			c = newCommand(b.line+i, text)
		} else if c != nil {
			c.shown = append(c.shown, line)
		}
	}
	c.try(s)
}

// command is one command of a page, with what it is said to print.
type command struct {
	line  int
	text  string
	exit  int
	shown []string
}

var exitSaid = regexp.MustCompile(`\s+# exit (\d+)$`)

func newCommand(line int, text string) *command {
	c := &command{line: line, text: text}
	if m := exitSaid.FindStringSubmatch(text); m != nil {
		c.text = strings.TrimSuffix(text, m[0])
		c.exit, _ = strconv.Atoi(m[1]) // the expression lets only digits through
	}
	return c
}

func (c *command) try(s *session) {
	if c == nil {
		return
	}
	if dir, is := strings.CutPrefix(c.text, "cd "); is {
		s.at = filepath.Join(s.at, dir)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", c.text)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.at, append(s.env, "PWD="+s.at), &out, &out
	err := cmd.Run()
	place := fmt.Sprintf("docs/%s:%d: %s", s.page.name, c.line, c.text)
	if cmd.ProcessState == nil {
		s.Fatalf("%s: %v", place, err)
	}
	printed := strings.Split(strings.TrimRight(s.retold(out.String()), "\n"), "\n")
	if got := cmd.ProcessState.ExitCode(); got != c.exit {
		s.Errorf("%s: exit %d, want %d\n%s", place, got, c.exit, strings.Join(printed, "\n"))
		return
	}
	shown := strings.Split(strings.TrimRight(strings.Join(c.shown, "\n"), "\n"), "\n")
	if len(c.shown) == 0 || len(shown) == 1 && shown[0] == "" || fits(shown, printed) {
		return
	}
	if *update {
		s.replace(c.line, len(c.shown), printed)
		return
	}
	s.Errorf("%s: this is printed:\n%s", place, strings.Join(printed, "\n"))
}

// retold gives an output with the names that the pages use.
func (s *session) retold(text string) string {
	text = strings.ReplaceAll(text, s.dir, "/home/ops/shop")
	text = strings.ReplaceAll(text, filepath.Dir(s.dir)+"/home", "/home/ops")
	text = strings.ReplaceAll(text, filepath.Dir(s.dir)+"/fleet", "/home/ops/.ssh")
	text = strings.ReplaceAll(text, filepath.Dir(s.dir)+"/state", "/home/ops/.local/state")
	if u, err := user.Current(); err == nil {
		text = renamed(text, u.Username, "ops")
	}
	if name, err := os.Hostname(); err == nil {
		text = renamed(text, name, "control")
	}
	return text
}

// renamed replaces a name, and keeps the columns behind it.
func renamed(text, from, to string) string {
	return regexp.MustCompile(`\b`+regexp.QuoteMeta(from)+`\b(  +)?`).ReplaceAllStringFunc(text, func(found string) string {
		if len(found) == len(from) {
			return to
		}
		return to + strings.Repeat(" ", max(2, len(found)-len(to)))
	})
}

func (s *session) replace(line, count int, printed []string) {
	at := line + s.shift // the line after the command, counted from 0
	rest := append([]string{}, s.lines[at+count:]...)
	s.lines = append(append(s.lines[:at:at], printed...), rest...)
	s.shift += len(printed) - count
}

func (s *session) rewrite() {
	if text := strings.Join(s.lines, "\n"); text != s.page.text {
		if err := os.WriteFile(s.page.name, []byte(text), 0o644); err != nil {
			s.Error(err)
		}
	}
}

// fits tells whether what was printed is what is shown.
func fits(shown, printed []string) bool {
	if len(shown) == 0 {
		return len(printed) == 0
	}
	if strings.TrimSpace(shown[0]) == "…" {
		for skip := 0; skip <= len(printed); skip++ {
			if fits(shown[1:], printed[skip:]) {
				return true
			}
		}
		return false
	}
	return len(printed) > 0 && fitsLine(shown[0], printed[0]) && fits(shown[1:], printed[1:])
}

// differing is what differs from one time to the next.
var differing = []*regexp.Regexp{
	regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?Z?)?`),
	regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`),
	regexp.MustCompile(`\b(\d+m)?\d+(\.\d+)?( ?ms|s)\b`),
	regexp.MustCompile(`\b01[0-9A-HJKMNP-TV-Z]{8}([0-9A-HJKMNP-TV-Z]{16})?\b`),
	regexp.MustCompile(`\b(127\.0\.0\.1:|port )\d+\b`),
}

var spaces = regexp.MustCompile(`\s+`)

func plainly(line string) string {
	for _, re := range differing {
		line = re.ReplaceAllString(line, "0")
	}
	return strings.TrimSpace(spaces.ReplaceAllString(line, " "))
}

func fitsLine(shown, printed string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(plainly(shown)), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(plainly(printed))
}
