package lint

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/opsctl/opsctl/pkg/runbook"
)

func readingRules() []Rule {
	return []Rule{
		{
			Name: "check-writes", Severity: Warning, Summary: "a check, a save or a read that looks as if it writes",
			Why:   "Checks, saves and steps of effect read also run in a dry run, and may run again at any time. They must not change anything.",
			Bad:   "name: x\nsteps:\n  - id: conf\n    check: cp app.conf /etc/app.conf && test -s /etc/app.conf\n    run: bin/configure\n",
			Good:  "name: x\nsteps:\n  - id: conf\n    check: cmp -s app.conf /etc/app.conf\n    run: bin/configure\n",
			check: checkWrites,
		},
		{
			Name: "missing-effect", Severity: Note, Summary: "a step that only reads and does not say so",
			Why:   "A step of effect read runs in a dry run too, so that more is known in a plan, and it is not listed among the changes. Without it, opsctl takes the step for a change.",
			Bad:   "name: x\nsteps:\n  - run: df -h /srv\n",
			Good:  "name: x\nsteps:\n  - run: df -h /srv\n    effect: read\n",
			check: missingEffect,
		},
	}
}

// writes says what a command looks as if it did, "" if it only reads.
func (c *call) writes() string {
	words := c.peeled()
	if len(words) == 0 {
		return ""
	}
	name := words[0].name()
	args := words[1:]
	switch {
	case asking[name] != nil && hasOption(args, asking[name]):
		return ""
	case slices.Contains(writers, name) || strings.HasPrefix(name, "mkfs."):
		if c.temporary(args) {
			return ""
		}
		return name
	case name == "tar" && len(args) > 0 && !strings.HasPrefix(args[0].text, "-") && strings.ContainsAny(args[0].text, "xcru") && len(args[0].text) < 8:
		return name + " that writes"
	case name == "date" && slices.ContainsFunc(args, func(w word) bool { return w.text == "-s" }):
		return name + " that sets the clock"
	case name == "tee":
		for _, a := range args {
			if !strings.HasPrefix(a.text, "-") && a.text != "/dev/null" && a.text != "/dev/stderr" {
				return name
			}
		}
		return ""
	case name == "curl" && (writingMethod(args) || hasOption(args, writingOptions[name])):
		if outputs(args, "-o", "--output") == "/dev/null" && !writingMethod(args) && !hasOption(args, []string{"-d", "-T", "-F"}) {
			return ""
		}
		return name + " that sends or stores something"
	case name == "wget":
		if hasOption(args, []string{"--spider"}) || slices.Contains([]string{"-", "/dev/null", "/dev/stdout"}, outputs(args, "-O", "--output-document")) {
			return ""
		}
		return name + " that stores a file"
	}
	return c.writesByArgument(name, args)
}

func (c *call) writesByArgument(name string, args []word) string {
	if asking[name] != nil && hasOption(args, asking[name]) {
		return ""
	}
	if name != "curl" && hasOption(args, writingOptions[name]) {
		return name + " that writes"
	}
	if verbs := writingWords[name]; verbs != nil {
		for _, a := range args {
			if strings.HasPrefix(a.text, "-") && !slices.Contains(verbs, a.text) {
				continue
			}
			if slices.Contains(verbs, a.text) {
				return name + " " + a.text
			}
			if name != "service" {
				return ""
			}
		}
	}
	return ""
}

// outputs gives where an option of a command sends what it fetches: -O - or -O-.
func outputs(args []word, options ...string) string {
	for i, a := range args {
		for _, o := range options {
			switch {
			case a.text == o && i+1 < len(args):
				return args[i+1].text
			case strings.HasPrefix(a.text, o+"="):
				return a.text[len(o)+1:]
			case len(a.text) > 1 && !strings.HasPrefix(o, "--") && !strings.HasPrefix(a.text, "--") && a.text[0] == '-' && strings.Contains(a.text, o[1:]):
				if rest := a.text[strings.Index(a.text, o[1:])+1:]; rest != "" {
					return rest
				} else if i+1 < len(args) {
					return args[i+1].text
				}
			}
		}
	}
	return ""
}

func writingMethod(args []word) bool {
	method := outputs(args, "-X", "--request")
	return method != "" && !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method)
}

// hasOption looks for options, also for a letter in a group of them: -ri holds -i.
func hasOption(args []word, options []string) bool {
	for _, a := range args {
		if len(a.text) < 2 || a.text[0] != '-' {
			continue
		}
		for _, o := range options {
			long := strings.HasPrefix(o, "--") || len(o) > 2
			switch {
			case a.text == o || long && strings.HasPrefix(a.text, o+"="):
				return true
			case !long && a.text[1] != '-' && len(a.text) < 8 && strings.Contains(a.text[1:], o[1:]):
				return true
			}
		}
	}
	return false
}

// temporary tells whether a script makes temporary files, and all the command is given are names it
// learns while it runs: these are most likely them.
func (c *call) temporary(args []word) bool {
	if !strings.Contains(c.script.text, "mktemp") {
		return false
	}
	for _, a := range args {
		if a.literal && !strings.HasPrefix(a.text, "-") {
			return false
		}
	}
	return true
}

// redirections lists the words of files that a script writes to.
func (c *script) redirections() []word {
	var list []word
	if c.file == nil {
		return nil
	}
	for node := range syntax.Preorder(c.file) {
		r, ok := node.(*syntax.Redirect)
		if !ok {
			continue
		}
		switch r.Op {
		case syntax.RdrOut, syntax.AppOut, syntax.RdrInOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
		default:
			continue
		}
		w := word{from: offset(r.Pos()), to: offset(r.End())}
		w.text, w.literal = c.literal(r.Word)
		if slices.Contains(harmless, w.text) || !w.literal && strings.Contains(c.text, "mktemp") {
			continue
		}
		list = append(list, w)
	}
	return list
}

func checkWrites(p *pass) {
	for _, c := range p.scripts {
		var what string
		switch {
		case c.role == "check" || c.role == "save":
			what = "this " + c.role + " looks as if it writes"
		case c.role == "run" && c.step.Effect == runbook.Read, c.role == "wait":
			what = "this step is of effect read, and looks as if it writes"
		default:
			continue
		}
		const hint = "check, save and read run in a dry run too, and change nothing"
		for _, one := range c.calls {
			if did := one.writes(); did != "" {
				w := word{from: one.from, to: one.from + len(firstLine(one.node.Text[one.from:one.to]))}
				one.report(p, w, what+": "+did, hint)
			}
		}
		for _, r := range c.redirections() {
			p.reportAt(c.step, c.node, r.from, r.to-r.from, what+": a redirection into a file", hint)
		}
	}
}
