package lint

import (
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func shapeRules() []Rule {
	return []Rule{
		{
			Name: "value-as-command", Severity: Warning, Summary: "a value as the name of a command",
			Why:   "A value is one word, whatever it holds: with \"ls -l\" the shell looks for a command of that name, with a blank in it. And whoever gives the value decides what is run.",
			Bad:   "name: x\nparams: {tool: {type: string}}\nsteps:\n  - run: ${{ tool }} --apply\n",
			Good:  "name: x\nparams: {tool: {type: string, enum: [puppet, chef]}}\nsteps:\n  - run: |\n      case ${{ tool }} in\n        puppet) puppet agent -t ;;\n        chef) chef-client ;;\n      esac\n",
			check: valueAsCommand,
		},
		{
			Name: "sudo-in-script", Severity: Warning, Summary: "sudo inside of a script",
			Why:   "`sudo: true` on the step is tried on every host before anything starts, gives the password where one is needed, and lets the limits of the step hold for what runs as root. Sudo inside of a script may wait for a password that nobody types.",
			Bad:   "name: x\nsteps:\n  - run: sudo systemctl restart app\n",
			Good:  "name: x\nsteps:\n  - run: systemctl restart app\n    sudo: true\n",
			check: sudoInScript,
		},
		{
			Name: "download-to-shell", Severity: Warning, Summary: "a download that is run without a look at it",
			Why:   "What is run is whatever the other end sends at that moment, also half of it when the connection breaks. Fetch it, compare its checksum, then run it.",
			Bad:   "name: x\nsteps:\n  - run: curl -fsSL https://example.com/install | sh\n",
			Good:  "name: x\nsteps:\n  - run: |\n      curl -fsSL -o install.sh https://example.com/install\n      echo \"5f2d...  install.sh\" | sha256sum -c\n      sh install.sh\n",
			check: downloadToShell,
		},
		{
			Name: "hidden-exit-code", Severity: Warning, Summary: "a failure that the script hides",
			Why:   "In sh the exit code of `a | tee log` is that of tee, and `a || true` never fails: the step looks well whatever happened. opsctl keeps the output of every step, and says of a failure that it was tolerated.",
			Bad:   "name: x\nsteps:\n  - run: ./migrate up || true\n",
			Good:  "name: x\nsteps:\n  - run: ./migrate up\n    on_failure: ignore\n",
			check: hiddenExitCode,
		},
	}
}

func valueAsCommand(p *pass) {
	for _, c := range p.scripts {
		for _, one := range c.calls {
			if words := one.peeled(); len(words) > 0 && words[0].value {
				one.report(p, words[0], "the name of the command is a value: it is one word, whatever it holds", "write the name; to choose between some, case ${{ … }} in")
			}
		}
	}
}

func sudoInScript(p *pass) {
	for _, c := range p.scripts {
		for _, one := range c.calls {
			if name := one.words[0].name(); name == "sudo" || name == "doas" {
				one.report(p, one.words[0], fmt.Sprintf("%s inside of a script", name), "sudo: true on the step, or sudo: USER")
			}
		}
	}
}

var (
	downloaders = []string{"curl", "wget", "fetch"}
	interpreted = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "python", "python3", "perl", "ruby", "node"}
)

func downloadToShell(p *pass) {
	for _, c := range p.scripts {
		if c.file == nil {
			continue
		}
		for node := range syntax.Preorder(c.file) {
			switch n := node.(type) {
			case *syntax.BinaryCmd:
				if (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) && c.downloads(n.X) {
					if last := c.first(n.Y); last != nil && slices.Contains(interpreted, last.peeledName()) {
						p.downloaded(c, n)
					}
				}
			case *syntax.CallExpr:
				if len(n.Args) > 0 && c.evaluatesDownload(n) {
					p.downloaded(c, n)
				}
			}
		}
	}
}

func (p *pass) downloaded(c *script, n syntax.Node) {
	from := offset(n.Pos())
	p.reportAt(c.step, c.node, from, len(firstLine(c.text[from:offset(n.End())])), "what is downloaded is run without a look at it", "fetch it into a file, compare its checksum, then run it")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// downloads tells whether a statement, or the beginning of a chain of pipes, downloads something.
func (c *script) downloads(s *syntax.Stmt) bool {
	if chain, ok := s.Cmd.(*syntax.BinaryCmd); ok {
		return c.downloads(chain.X)
	}
	one := c.first(s)
	return one != nil && slices.Contains(downloaders, one.peeledName())
}

// evaluatesDownload finds sh -c "$(curl …)" and the like.
func (c *script) evaluatesDownload(n *syntax.CallExpr) bool {
	one := c.call(n)
	name := one.peeledName()
	if !slices.Contains(interpreted, name) && !slices.Contains([]string{"eval", "source", "."}, name) {
		return false
	}
	for _, arg := range n.Args {
		for inner := range syntax.Preorder(arg) {
			var stmts []*syntax.Stmt
			switch s := inner.(type) {
			case *syntax.CmdSubst:
				stmts = s.Stmts
			case *syntax.ProcSubst:
				stmts = s.Stmts
			}
			if len(stmts) > 0 && c.downloads(stmts[0]) {
				return true
			}
		}
	}
	return false
}

// first gives the command of a statement, if it is a simple one.
func (c *script) first(s *syntax.Stmt) *call {
	if simple, ok := s.Cmd.(*syntax.CallExpr); ok && len(simple.Args) > 0 {
		one := c.call(simple)
		return &one
	}
	return nil
}

func (c *call) peeledName() string {
	if words := c.peeled(); len(words) > 0 {
		return words[0].name()
	}
	return ""
}

// passers hand their input on and end well, whatever came before them.
var passers = []string{"tee", "cat", "logger", "ts", "systemd-cat"}

func hiddenExitCode(p *pass) {
	for _, c := range p.scripts {
		if c.file == nil || c.role != "run" && c.role != "rollback" {
			continue
		}
		strict := c.shell == "bash" || strings.Contains(c.text, "pipefail")
		for _, stmt := range c.file.Stmts {
			chain, ok := stmt.Cmd.(*syntax.BinaryCmd)
			if !ok {
				continue
			}
			last := c.first(chain.Y)
			if last == nil {
				continue
			}
			from := offset(chain.OpPos)
			width := offset(chain.Y.End()) - from
			switch name := last.peeledName(); {
			case chain.Op == syntax.Pipe && !strict && slices.Contains(passers, name):
				p.reportAt(c.step, c.node, from, width, fmt.Sprintf("the exit code is that of %s, whatever happened before it", name), "leave it out: opsctl logs shows the output; or shell: bash, which has pipefail")
			case chain.Op == syntax.OrStmt && (name == "true" || name == ":"):
				p.reportAt(c.step, c.node, from, width, "a failure is hidden: the step looks well whatever happened", "on_failure: ignore, which says that it was tolerated; or ok_codes: [0, 1]")
			}
		}
	}
}
