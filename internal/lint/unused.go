package lint

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func unusedRules() []Rule {
	return []Rule{
		{
			Name: "unused-param", Severity: Warning, Summary: "a param that nothing uses",
			Why:   "Whoever gives it believes that it does something. A runbook that renders a template file may use it there, which is not looked at: nothing is said then.",
			Bad:   "name: x\nparams:\n  version: {type: string, default: v1}\n  port: {type: int, default: 80}\nsteps:\n  - run: bin/install ${{ version }}\n",
			Good:  "name: x\nparams:\n  version: {type: string, default: v1}\nsteps:\n  - run: bin/install ${{ version }}\n",
			check: unusedParams,
		},
		{
			Name: "unused-var", Severity: Warning, Summary: "a var that nothing uses",
			Why:   "It is read by people who look for what it does, and is most likely a name that was changed in one place only.",
			Bad:   "name: x\nvars:\n  dir: /srv/app\n  releases: /srv/app/releases\nsteps:\n  - run: bin/install ${{ dir }}\n",
			Good:  "name: x\nvars:\n  dir: /srv/app\nsteps:\n  - run: bin/install ${{ dir }}\n",
			check: unusedVars,
		},
		{
			Name: "unused-output", Severity: Warning, Summary: "an output of a step, or a saved value, that nothing uses",
			Why:   "An output is there for later steps, a saved value for the step's own run and rollback. One that is not used may be the misspelt half of a pair; a saved value also costs a command on every host.",
			Bad:   "name: x\nsteps:\n  - id: ask\n    run: cat /etc/app-version\n    effect: read\n    outputs: {version: result.stdout, size: len(result.stdout)}\n  - run: bin/install ${{ steps.ask.outputs.version }}\n",
			Good:  "name: x\nsteps:\n  - id: ask\n    run: cat /etc/app-version\n    effect: read\n    outputs: {version: result.stdout}\n  - run: bin/install ${{ steps.ask.outputs.version }}\n",
			check: unusedOutputs,
		},
		{
			Name: "unused-secret", Severity: Warning, Summary: "a secret that nothing uses",
			Why:   "It is never fetched, and whoever keeps it where it comes from does not know that it is not needed.",
			Bad:   "name: x\nsecrets:\n  token: {env: TOKEN}\n  key: {file: key.txt}\nsteps:\n  - run: bin/install\n    env: {TOKEN: \"${{ secrets.token }}\"}\n",
			Good:  "name: x\nsecrets:\n  token: {env: TOKEN}\nsteps:\n  - run: bin/install\n    env: {TOKEN: \"${{ secrets.token }}\"}\n",
			check: unusedSecrets,
		},
		{
			Name: "unused-item", Severity: Warning, Summary: "a foreach that does the same for every item",
			Why:   "Nothing in the step says `item`, so it does one thing several times.",
			Bad:   "name: x\nsteps:\n  - run: useradd app\n    foreach: [ann, bob]\n",
			Good:  "name: x\nsteps:\n  - run: useradd ${{ item }}\n    foreach: [ann, bob]\n",
			check: unusedItems,
		},
	}
}

// rendersFile tells whether a step renders a template that stands in another file.
func (p *pass) rendersFile() bool {
	for _, s := range p.steps {
		if s.Copy != nil && s.Copy.Template && s.Copy.Src != nil {
			return true
		}
	}
	return false
}

func unusedParams(p *pass) {
	if p.rendersFile() {
		return
	}
	used := names(p.rb.Root.Node)
	for _, param := range p.rb.Params {
		if used[param.Name] == 0 {
			p.report(nil, param.Node, fmt.Sprintf("nothing uses the param %q", param.Name), "take it away, or use it: ${{ "+param.Name+" }}")
		}
	}
}

func unusedVars(p *pass) {
	if p.rendersFile() {
		return
	}
	used := names(p.rb.Root.Node)
	vars := p.rb.Root.Node.Get("vars")
	for _, v := range p.rb.Vars {
		if used[v.Name] == 0 {
			p.report(nil, key(vars, v.Name), fmt.Sprintf("nothing uses the var %q", v.Name), "take it away, or use it: ${{ "+v.Name+" }}")
		}
	}
}

func unusedOutputs(p *pass) {
	used := names(p.rb.Root.Node)
	for _, s := range p.steps {
		if !p.rendersFile() {
			for _, o := range s.Outputs {
				if !mentioned(used, s, o) {
					p.report(s, key(s.Node.Get("outputs"), o.Name), fmt.Sprintf("nothing uses the output %q of %s", o.Name, quote(s)), fmt.Sprintf("take it away, or use it: steps.%s.outputs.%s", s.ID, o.Name))
				}
			}
		}
		inStep := names(s.Node)
		for _, item := range s.Save {
			if inStep["saved"] == 0 || inStep[item.Name] == 0 {
				p.report(s, key(s.Node.Get("save"), item.Name), fmt.Sprintf("nothing uses what %s saves as %q", quote(s), item.Name), "take it away, or use it: ${{ saved."+item.Name+" }}")
			}
		}
	}
}

func unusedSecrets(p *pass) {
	if p.rendersFile() {
		return
	}
	used := names(p.rb.Root.Node)
	for _, s := range p.rb.Secrets {
		if used["secrets"] == 0 || used[s.Name] == 0 {
			p.report(nil, s.Node, fmt.Sprintf("nothing uses the secret %q", s.Name), "take it away, or use it: ${{ secrets."+s.Name+" }}")
		}
	}
}

func unusedItems(p *pass) {
	for _, s := range p.steps {
		if s.ForEach != nil && names(s.Node)["item"] == 0 && !p.rendersFile() {
			p.report(s, key(s.Node, "foreach"), fmt.Sprintf("%s does the same for every item", quote(s)), "use it: ${{ item }}")
		}
	}
}

// mentioned tells whether an output's name stands in an expression other than its own; the step has to be named, too.
func mentioned(used map[string]int, s *runbook.Step, o runbook.Output) bool {
	own := map[string]int{}
	if o.Expr != nil && o.Expr.Node.Kind == source.Scalar {
		for _, name := range identifier.FindAllString(strings.TrimSpace(o.Expr.Node.Text), -1) {
			own[name]++
		}
	}
	return used["steps"] > 0 && used[o.Name] > own[o.Name] && used[s.ID] > 0
}
