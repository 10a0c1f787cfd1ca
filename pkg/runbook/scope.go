package runbook

import (
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// scope is what the expressions at one place may use.
type scope struct {
	base    expression.Map // params, vars, run, runbook, env, hosts()
	step    *Step          // nil: no host, no steps
	saved   []SaveItem
	result  bool
	outcome bool           // result.outcome alone is known: of an undo of a step that may be half done
	ending  bool           // in finally: run.outcome and run.failed are known
	whole   bool           // of the runbook: there is no host
	item    bool           // of a foreach
	hosted  bool           // there is a host, but there are no steps
	secrets expression.Map // nil: none may be used here
}

var resultType = expression.Map{
	"stdout": expression.String, "stderr": expression.String, "exit_code": expression.Int, "outcome": expression.String,
}

var hostType = expression.Map{
	"name": expression.String, "addr": expression.String, "user": expression.String,
	"groups": expression.ListOf(expression.String), "vars": expression.Map{expression.Extra: expression.Any},
}

func runType(ending bool) expression.Map {
	m := expression.Map{
		"id": expression.String, "date": expression.String, "started": expression.String, "user": expression.String, "dry_run": expression.Bool,
	}
	if ending {
		m["outcome"], m["failed"] = expression.String, expression.ListOf(expression.String)
	}
	return m
}

// baseScope is what every expression of the runbook may use.
func baseScope(rb *Runbook) expression.Map {
	m := expression.Map{
		"run": runType(false), "runbook": expression.Map{"name": expression.String},
		"env": expression.Map{expression.Extra: expression.String},
	}
	for _, p := range rb.Params {
		m[p.Name] = paramType(p)
	}
	for _, v := range rb.Vars {
		m[v.Name] = varType(v)
	}
	return m
}

func paramType(p *Param) expression.Type {
	switch p.Type {
	case "int":
		return expression.Int
	case "float":
		return expression.Float
	case "bool":
		return expression.Bool
	case "list":
		return expression.ListOf(expression.Any)
	case "map":
		return expression.Map{expression.Extra: expression.Any}
	}
	return expression.String
}

func varType(v *Var) expression.Type {
	if v.Node.Kind == source.Scalar && strings.Contains(v.Node.Text, "${{") {
		pieces, err := expression.Split(v.Node.Text)
		if err == nil && len(pieces) == 1 {
			return expression.Any
		}
		return expression.String
	}
	switch v.Node.Value().(type) {
	case string:
		return expression.String
	case int:
		return expression.Int
	case float64:
		return expression.Float
	case bool:
		return expression.Bool
	case []any:
		return expression.ListOf(expression.Any)
	}
	return expression.Any
}

var stepName = regexp.MustCompile(`\bsteps\s*(?:\?\.|\.|\[\s*["'])\s*([A-Za-z0-9_]+)`)

// typesFor gives the names that are there for a text. Of the steps it holds those that the text
// names, or all of them: a runbook of a thousand steps would otherwise pay for each a thousand times.
func (sc *scope) typesFor(text string, allSteps bool) expression.Map {
	m := make(expression.Map, len(sc.base)+6)
	for k, v := range sc.base {
		m[k] = v
	}
	if sc.ending {
		m["run"] = runType(true)
	}
	if sc.item {
		m["item"] = expression.Any
	}
	if sc.hosted {
		m["host"] = hostType
	}
	if sc.step == nil {
		return m
	}
	if len(sc.secrets) > 0 {
		m["secrets"] = sc.secrets
	}
	if !sc.whole {
		m["host"] = hostType
	}
	switch {
	case sc.result:
		m["result"] = resultType
	case sc.outcome:
		m["result"] = expression.Map{"outcome": expression.String}
	}
	if sc.saved != nil {
		saved := expression.Map{}
		for _, item := range sc.saved {
			saved[item.Name] = expression.String
		}
		m["saved"] = saved
	}
	if !strings.Contains(text, "steps") {
		return m
	}
	steps := expression.Map{}
	if allSteps {
		for _, name := range sc.step.visible() {
			steps[name] = typeOf(sc.step.find(name))
		}
	} else {
		for _, match := range stepName.FindAllStringSubmatch(text, -1) {
			if found := sc.step.find(match[1]); found != nil {
				steps[match[1]] = typeOf(found)
			}
		}
	}
	m["steps"] = steps
	return m
}

// typeOf is the type of steps.<id>; of a foreach that of steps.<id>["item"].
func typeOf(s *Step) expression.Map {
	if s.ForEach != nil {
		return expression.Map{expression.Extra: typeOfOne(s)}
	}
	return typeOfOne(s)
}

func typeOfOne(s *Step) expression.Map {
	if s.Action == "steps" {
		inner := expression.Map{}
		for _, c := range s.Steps {
			inner[c.ID] = typeOf(c)
		}
		return expression.Map{"steps": inner}
	}
	if s.Action == "runbook" { // what is inside is its own affair, but for its outputs
		outputs := expression.Map{}
		if s.Include.Runbook == nil { // it could not be loaded, which is said already
			outputs[expression.Extra] = expression.Any
		} else {
			for _, o := range s.Include.Runbook.Outputs {
				outputs[o.Name] = expression.Any
			}
		}
		return expression.Map{"outputs": outputs}
	}
	one := expression.Map{"outputs": outputsType(s)}
	for k, v := range resultType {
		one[k] = v
	}
	all := expression.Map{"on": expression.Map{expression.Extra: one}}
	for k, v := range one {
		all[k] = v
	}
	listed := expression.Map{"host": expression.String}
	for k, v := range one {
		listed[k] = v
	}
	all["hosts"] = expression.ListOf(listed)
	return all
}

func outputsType(s *Step) expression.Map {
	m := expression.Map{}
	for _, o := range s.Outputs {
		m[o.Name] = expression.Any
	}
	return m
}

// siblings are the steps of the block that the step stands in, and, in its finally, those of that too.
func (s *Step) siblings() []*Step {
	if s.Parent == nil || s.IsRoot() {
		return nil
	}
	if last := s.Parent.last(); containsStep(last, s) {
		return append(append([]*Step{}, last...), s.Parent.Steps...)
	}
	return s.Parent.Steps
}

// last gives what runs at the end of a block, whatever became of its steps.
func (s *Step) last() []*Step {
	if s.IsRoot() && s.In.By == nil {
		return s.In.Finally
	}
	if s.IsRoot() && s.Always == nil { // of an included runbook that is being loaded
		return s.In.Finally
	}
	return s.Always
}

func containsStep(list []*Step, s *Step) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// outwards visits the step and the blocks around it, up to its document.
func (s *Step) outwards(visit func(*Step) bool) {
	for at := s; at != nil && !at.IsRoot(); at = at.Parent {
		if !visit(at) {
			return
		}
	}
}

// find looks a step up by id: in this block, then outwards.
func (s *Step) find(id string) (found *Step) {
	s.outwards(func(at *Step) bool {
		for _, x := range at.siblings() {
			if x.ID == id {
				found = x
				return false
			}
		}
		return true
	})
	return found
}

func (s *Step) visible() []string {
	var names []string
	s.outwards(func(at *Step) bool {
		for _, x := range at.siblings() {
			if x != at && !containsString(names, x.ID) {
				names = append(names, x.ID)
			}
		}
		return true
	})
	return names
}

// inner gives the step of a block with an id.
func (s *Step) inner(id string) *Step {
	for _, c := range s.Steps {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// refer follows steps.a.steps.b.field to the step it means; rest is what is taken from it. The item
// of a foreach is passed over: steps.a["item"].steps.b.field means the same step.
func (s *Step) refer(path []string) (found *Step, rest []string) {
	found, rest = s.find(path[1]), path[2:]
	for found != nil {
		if found.ForEach != nil && len(rest) > 0 {
			rest = rest[1:]
		}
		if found.Action != "steps" || len(rest) < 2 || rest[0] != "steps" {
			break
		}
		found, rest = found.inner(rest[1]), rest[2:]
	}
	return found, rest
}

// certain tells whether the other step is certain to be before this one.
func (s *Step) certain(other *Step) (yes bool) {
	if s == s.In.end {
		return true
	}
	s.outwards(func(at *Step) bool {
		for o := other; o != nil; o = o.Parent {
			switch {
			case at.Parent == o.Parent && at != o && at.ancestors()[o]:
				yes = true
			case o == at.Parent && containsStep(o.last(), at) && !containsStep(o.last(), child(o, other)):
				yes = true // it stands in the finally of a block around the other one
			}
		}
		return !yes
	})
	return yes
}

// child gives the step of a block that another step is, or stands in.
func child(block, s *Step) *Step {
	for s != nil && s.Parent != block {
		s = s.Parent
	}
	return s
}

// checkRefs holds what an expression takes from other steps against the order.
func (d *decoder) checkRefs(n *source.Node, sc *scope, refs []expression.Ref) {
	for _, r := range refs {
		if r.Path[0] != "steps" || sc.step == nil {
			continue
		}
		if len(r.Path) < 3 {
			d.problems.Add(n.ProblemAt(r.Offset, len(r.String()), "take something from the step here", "steps.<id>.stdout, .stderr, .exit_code, .outcome, .outputs.x"))
			continue
		}
		other, rest := sc.step.refer(r.Path)
		if other == nil || len(rest) == 0 {
			continue
		}
		if other == sc.step || !sc.step.certain(other) {
			message, hint := "step "+strconvQuote(other.ID)+" is not certain to be before this one", "let this step wait for it: needs: ["+other.ID+"]"
			if other == sc.step {
				message, hint = "a step cannot use its own result here", "its own result is result.stdout, in outputs, changed_if, failed_if and retry.if"
			}
			d.problems.Add(n.ProblemAt(r.Offset, len(r.String()), message, hint))
			continue
		}
		sc.step.Reads = append(sc.step.Reads, StepRef{Step: other, Node: n, Offset: r.Offset, Text: r.String(), AllHosts: rest[0] == "on" || rest[0] == "hosts"})
	}
}

// Lookup finds the step that a path of ids means at this step: in this block, then outwards.
func (s *Step) Lookup(ids []string) *Step {
	found := s.find(ids[0])
	for _, id := range ids[1:] {
		if found == nil {
			return nil
		}
		found = found.inner(id)
	}
	return found
}
