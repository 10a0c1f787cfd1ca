package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

// exception is a comment that takes findings out: # opsctl:ignore rule[,rule] reason
type exception struct {
	line, column int
	width        int
	target       int // the line it speaks of
	rules        []string
	reason       string
	used         map[string]bool
}

var exceptionText = regexp.MustCompile(`(?:^|\s)(#\s*opsctl:ignore)(?:\s+(.*))?$`)

// exceptions finds the comments. One on a line of its own speaks of the next line with content.
func exceptions(file *source.File) []*exception {
	var list []*exception
	lines := strings.Split(file.Text, "\n")
	for i, line := range lines {
		m := exceptionText.FindStringSubmatchIndex(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		e := &exception{line: i + 1, column: 1 + utf8.RuneCountInString(line[:m[2]]), target: i + 1, used: map[string]bool{}}
		e.width = utf8.RuneCountInString(strings.TrimRight(line[m[2]:], " \t\r"))
		if m[4] >= 0 {
			e.read(strings.Fields(line[m[4]:m[5]]))
		}
		if strings.TrimSpace(line[:m[2]]) == "" {
			e.target = nextContent(lines, i)
		}
		list = append(list, e)
	}
	return list
}

// read takes the names of rules, with commas between them, and the reason after them.
func (e *exception) read(words []string) {
	for more := true; more && len(words) > 0; words = words[1:] {
		for _, name := range strings.Split(words[0], ",") {
			if name != "" {
				e.rules = append(e.rules, name)
			}
		}
		more = strings.HasSuffix(words[0], ",")
	}
	e.reason = strings.Join(words, " ")
}

// nextContent gives the number of the next line, after the one at the index, that is no comment and not blank.
func nextContent(lines []string, at int) int {
	for i := at + 1; i < len(lines); i++ {
		if text := strings.TrimSpace(lines[i]); text != "" && text[0] != '#' {
			return i + 1
		}
	}
	return len(lines) + 1
}

// except takes out the findings for which the runbook makes an exception, and adds what is wrong with these.
func (p *pass) except() []Finding {
	list := exceptions(p.rb.File)
	var kept []Finding
	for _, f := range p.found {
		if !excepted(list, &f) {
			kept = append(kept, f)
		}
	}
	p.found = kept
	for _, e := range list {
		p.judge(e)
	}
	return p.found
}

func excepted(list []*exception, f *Finding) bool {
	found := false
	for _, e := range list {
		here := e.target == f.Pos.Line || slices.Contains(f.lines, e.target)
		if here && e.reason != "" && slices.Contains(e.rules, f.Rule) {
			e.used[f.Rule], found = true, true
		}
	}
	return found
}

// judge says what is wrong with an exception: no reason, an unknown rule, nothing to make an exception of.
func (p *pass) judge(e *exception) {
	say := func(rule, message, hint string) {
		p.rule = Find(rule)
		p.add(nil, &source.Problem{File: p.rb.File, Pos: source.Pos{Line: e.line, Column: e.column}, Width: e.width, Message: message, Hint: hint})
	}
	names := Names()
	if len(e.rules) == 0 || e.reason == "" {
		say("bare-ignore", "an exception needs the name of a rule and a reason", "# opsctl:ignore RULE the reason, in a few words")
	}
	for _, name := range e.rules {
		switch {
		case !slices.Contains(names, name):
			hint := source.DidYouMean(name, names)
			if hint == "" {
				hint = "opsctl lint --list lists the rules"
			}
			say("unknown-rule", fmt.Sprintf("there is no rule %q", name), hint)
		case e.reason != "" && !e.used[name]:
			say("unused-ignore", fmt.Sprintf("nothing here is found by %s", name), "take the exception away")
		}
	}
}

func exceptionRules() []Rule {
	return []Rule{
		{
			Name: "bare-ignore", Severity: Warning, Summary: "an exception without a rule or a reason",
			Why:  "Whoever meets an exception later has to know why it was made, or nobody dares to take it away. Without a reason it has no effect.",
			Bad:  "name: x\nsteps:\n  # opsctl:ignore sudo-in-script\n  - run: sudo uptime\n",
			Good: "name: x\nsteps:\n  # opsctl:ignore sudo-in-script this host knows sudo for this one command only\n  - run: sudo uptime\n    effect: read\n",
		},
		{
			Name: "unused-ignore", Severity: Warning, Summary: "an exception where nothing is found",
			Why:  "What it excused was mended. Left in place, it would excuse the next mistake on this line.",
			Bad:  "name: x\nsteps:\n  - run: uptime # opsctl:ignore sudo-in-script it has to\n    effect: read\n",
			Good: "name: x\nsteps:\n  - run: uptime\n    effect: read\n",
		},
		{
			Name: "unknown-rule", Severity: Warning, Summary: "an exception for a rule that does not exist",
			Why:  "A misspelt name excuses nothing.",
			Bad:  "name: x\nsteps:\n  - run: uptime # opsctl:ignore sudo-in-skript it has to\n    effect: read\n",
			Good: "name: x\nsteps:\n  - run: sudo uptime # opsctl:ignore sudo-in-script it has to\n    effect: read\n",
		},
	}
}
