package runbook

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// sharedKeys are what every step and block may say, and a runbook too.
func (d *decoder) sharedKeys(s *Step) keys {
	return keys{
		"hosts": func(n *source.Node) {
			s.HostsNode = n
			for _, item := range d.items(n) {
				var t *Text
				if d.raw(&t)(item); t != nil {
					s.Hosts = append(s.Hosts, t)
				}
			}
		},
		"allow_empty":  d.bool(&s.AllowEmpty),
		"max_parallel": d.int(&s.MaxParallel, 1),
		"lock":         func(n *source.Node) { s.Lock = d.lock(n) },
		"confirm":      d.raw(&s.Confirm),
		"sensitive":    func(n *source.Node) { s.Sensitive = new(bool); d.bool(s.Sensitive)(n) },
		"delegate":     d.raw(&s.Delegate),
		"parallel":     d.bool(&s.Parallel),
		"env":          func(n *source.Node) { s.Env = d.env(n) },
		"dir":          d.raw(&s.Dir),
		"shell":        d.shell(&s.Shell),
		"sudo":         d.raw(&s.Sudo),
		"timeout":      d.durationOrNone(&s.Timeout),
		"kill_after":   d.durationTo(&s.KillAfter),
		"retry":        func(n *source.Node) { s.Retry = d.retry(n) },
		"on_failure":   func(n *source.Node) { s.OnFailure = d.onFailure(n) },
		"if":           d.cond(&s.If),
		"check":        d.script(&s.Check),
		"rollback":     func(n *source.Node) { s.Rollback = d.rollback(n) },
	}
}

func (d *decoder) durationTo(target **time.Duration) func(*source.Node) {
	return func(n *source.Node) {
		var v time.Duration
		d.duration(&v)(n)
		*target = &v
	}
}

func (d *decoder) steps(n *source.Node, parent *Step) []*Step {
	if n.Kind == source.List && len(n.Items) == 0 {
		d.problem(n, "there are no steps in it").Hint = "- run: uptime"
		return nil
	}
	if n.Kind != source.List {
		d.problem(n, "steps is a list of at least one step, this is %s", n.Describe()).Hint = "- run: uptime"
		return nil
	}
	var list []*Step
	for i, item := range n.Items {
		d.stepCount++
		if d.stepCount > StepsMax {
			d.problem(item, "a runbook has at most %d steps", StepsMax)
			return list
		}
		s := d.step(item)
		s.Parent, s.Index = parent, i
		list = append(list, s)
	}
	return list
}

func (d *decoder) step(n *source.Node) *Step {
	s := &Step{Node: n, In: d.rb}
	k := d.sharedKeys(s)
	k["id"] = func(n *source.Node) {
		if d.text(&s.ID)(n); !idText.MatchString(s.ID) {
			d.problem(n, "%s cannot be an id", n.Describe()).Hint = idHint(s.ID)
		}
		s.idGiven = true
	}
	k["name"], k["why"], k["tags"] = d.text(&s.Name), d.text(&s.Why), d.strings(&s.Tags)
	k["needs"] = func(n *source.Node) { s.Needs, s.NeedsGiven, s.needsNode = d.items(n), true, n }
	k["barrier"], k["once"] = d.bool(&s.Barrier), d.bool(&s.Once)
	k["foreach"] = func(n *source.Node) { s.ForEach = d.forEach(n) }
	k["stdin"] = func(n *source.Node) { s.Stdin = d.stdin(n) }
	k["save_files"] = func(n *source.Node) { s.SaveFiles = d.hostPaths(n) }
	k["with"] = func(n *source.Node) { d.with(s, n) }
	k["finally"] = func(n *source.Node) { s.Always = d.finally(n, s) }
	k["outputs"] = d.outputs(&s.Outputs)
	k["ok_codes"] = func(n *source.Node) { s.OKCodes = d.codes(n) }
	k["changed_if"], k["failed_if"] = d.cond(&s.ChangedIf), d.cond(&s.FailedIf)
	k["effect"] = func(n *source.Node) {
		d.oneOf((*string)(&s.Effect), string(Read), string(Change), string(Destroy))(n)
		s.effectGiven = true
	}
	k["save"] = func(n *source.Node) { d.save(s, n) }
	k["point_of_no_return"] = d.bool(&s.PointOfNoReturn)
	k["rollout"] = func(n *source.Node) { s.Rollout = d.rollout(n, s) }
	actions := d.actionKeys(s)
	for name, do := range actions {
		k[name] = do
	}
	if known := d.each(n, "a step", k); n.Kind == source.Map {
		d.whichAction(n, s, actions, known)
	}
	return s
}

func (d *decoder) codes(n *source.Node) []int {
	var codes []int
	for _, item := range d.items(n) {
		code := -1
		if d.int(&code, 0)(item); code > 255 {
			d.problem(item, "an exit code is at most 255")
		}
		codes = append(codes, code)
	}
	return codes
}

func (d *decoder) env(n *source.Node) []EnvVar {
	if n.Kind != source.Map {
		d.problem(n, "env is a map of names and texts, this is %s", n.Describe()).Hint = "env: {LANG: C}"
		return nil
	}
	var list []EnvVar
	for _, p := range n.Pairs {
		v := EnvVar{Name: p.Key.Text}
		if !nameText.MatchString(v.Name) || strings.HasPrefix(v.Name, "OPSCTL_") {
			d.problem(p.Key, "%q cannot be the name of an environment variable", v.Name).Hint = "letters, digits and _; names that begin with OPSCTL_ are taken"
		}
		if d.raw(&v.Text)(p.Value); v.Text != nil {
			list = append(list, v)
		}
	}
	return list
}

var shellText = regexp.MustCompile(`^[a-z][a-z0-9.]*$`)

func (d *decoder) shell(target *string) func(*source.Node) {
	return func(n *source.Node) {
		if d.text(target)(n); n.Kind == source.Scalar && !shellText.MatchString(n.Text) {
			d.problem(n, "%s is not a shell", n.Describe()).Hint = "sh, bash, python3; none for a host that has no shell"
		}
	}
}

func (d *decoder) retry(n *source.Node) *Retry {
	r := &Retry{Attempts: 1, Delay: time.Second, Backoff: 1, MaxDelay: 5 * time.Minute}
	if n.Kind == source.Scalar {
		d.int(&r.Attempts, 1)(n)
		d.attempts(r, n)
		return r
	}
	d.each(n, "retry", keys{
		"attempts": d.int(&r.Attempts, 1), "delay": d.duration(&r.Delay), "max_delay": d.duration(&r.MaxDelay), "if": d.cond(&r.If),
		"backoff": func(n *source.Node) {
			switch v := n.Value().(type) {
			case int:
				r.Backoff = float64(v)
			case float64:
				r.Backoff = v
			default:
				r.Backoff = 0
			}
			if r.Backoff < 1 || r.Backoff > 100 {
				d.problem(n, "backoff is a factor from 1 to 100, this is %s", n.Describe()).Hint = "backoff: 2 doubles the delay each time"
				r.Backoff = 1
			}
		},
	})
	d.attempts(r, n)
	return r
}

func (d *decoder) attempts(r *Retry, n *source.Node) {
	if r.Attempts > AttemptsMax {
		d.problem(n, "a step is tried at most %d times", AttemptsMax)
		r.Attempts = 1
	}
}

var failureWords = []string{"rollback", "stop", "continue", "ignore", "ask"}

func (d *decoder) onFailure(n *source.Node) *OnFailure {
	f := &OnFailure{Scope: "run"}
	if n.Kind == source.Scalar {
		d.oneOf(&f.Do, failureWords...)(n)
		return f
	}
	ok := d.each(n, "on_failure", keys{"do": d.oneOf(&f.Do, failureWords...), "scope": d.oneOf(&f.Scope, "run", "block", "wave", "hosts")})
	if ok && n.Get("do") == nil {
		d.problem(n, "on_failure needs do").Hint = "on_failure: {do: rollback, scope: block}"
	}
	return f
}

func (d *decoder) save(s *Step, n *source.Node) {
	if n.Kind != source.Map {
		d.problem(n, "save is a map of names and commands, this is %s", n.Describe())
		return
	}
	for _, p := range n.Pairs {
		item := SaveItem{Name: p.Key.Text}
		if !nameText.MatchString(item.Name) {
			d.problem(p.Key, "%q cannot be the name of a saved value", item.Name).Hint = "letters, digits and _"
		}
		if d.script(&item.Run)(p.Value); item.Run != nil {
			s.Save = append(s.Save, item)
		}
	}
}

func (d *decoder) rollback(n *source.Node) *Rollback {
	r := &Rollback{When: "completed"}
	if n.Kind == source.Scalar && n.Text == "none" {
		r.None = true
		return r
	}
	if n.Kind != source.Map {
		d.script(&r.Run)(n)
		return r
	}
	known := d.each(n, "rollback", keys{
		"run": d.script(&r.Run), "when": d.oneOf(&r.When, "completed", "started"), "timeout": d.durationOrNone(&r.Timeout),
		"retry": func(n *source.Node) { r.Retry = d.retry(n) }, "sudo": d.raw(&r.Sudo),
		"env": func(n *source.Node) { r.Env = d.env(n) }, "stdin": func(n *source.Node) { r.Stdin = d.stdin(n) }, "dir": d.raw(&r.Dir),
	})
	if known && r.Run == nil && n.Get("run") == nil {
		d.problem(n, "rollback needs a command").Hint = "rollback: {run: …}, or rollback: none"
	}
	return r
}

func idHint(id string) string {
	if better := Slug(id); better != "" && better != id {
		return "id: " + better
	}
	return "a lowercase letter, then lowercase letters, digits and _"
}

// Slug makes an id of a name: "Drain the LB" is drain_the_lb. It is empty where nothing of the name can begin one.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "_") {
			b.WriteByte('_')
		}
	}
	id := strings.Trim(b.String(), "_")
	if id == "" || id[0] < 'a' {
		return ""
	}
	return id
}

func defaultID(s *Step) string {
	if id := Slug(s.Name); id != "" {
		return id
	}
	action := s.Action
	switch action {
	case "steps":
		action = "block"
	case "runbook":
		if id := Slug(strings.TrimSuffix(path.Base(s.Include.File.Text), path.Ext(s.Include.File.Text))); id != "" {
			return id
		}
	}
	return fmt.Sprintf("%s_%d", action, s.Index+1)
}
