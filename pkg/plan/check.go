package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// checkReads holds every use of another step's result against who the hosts are: steps.x.stdout
// is the same host's result, or the single one where x runs on one host.
func (b *builder) checkReads() {
	targets := map[*runbook.Step]map[*inventory.Host]bool{}
	b.visit(func(n *node) {
		if targets[n.src] == nil {
			targets[n.src] = map[*inventory.Host]bool{}
		}
		for _, h := range n.target {
			targets[n.src][h] = true
		}
	})
	seen := map[*runbook.Step]bool{}
	b.visit(func(n *node) {
		if seen[n.src] {
			return
		}
		seen[n.src] = true
		for _, read := range n.src.Reads {
			from := targets[read.Step]
			if read.AllHosts || read.Step.Once || len(from) <= 1 || within(n.target, from) {
				continue
			}
			b.problems.Add(read.Node.ProblemAt(read.Offset, len(read.Text),
				fmt.Sprintf("step %q has no single result here: it runs on other hosts than this one", read.Step.Path),
				fmt.Sprintf("name the host: steps.%s.on[\"host\"].stdout, or go over steps.%s.hosts", read.Step.ID, read.Step.ID)))
		}
	})
}

// within tells whether every host is one of a set.
func within(hosts []*inventory.Host, set map[*inventory.Host]bool) bool {
	for _, h := range hosts {
		if !set[h] {
			return false
		}
	}
	return true
}

// checkLimits refuses a block that lets few hosts in at once, while steps in it wait for all of them.
func (b *builder) checkLimits() {
	for _, limit := range b.plan.Limits {
		inside := map[int]bool{}
		for _, index := range limit.Steps {
			inside[index] = true
		}
		for _, index := range limit.Steps {
			s := b.plan.Steps[index]
			for _, e := range s.Before {
				other := b.plan.Steps[e.Step]
				if e.Barrier && inside[e.Step] && other.Wave == s.Wave && len(other.Targets.Hosts) > limit.Max {
					p := b.problem(s.Source.Node, "%s waits for all hosts, and max_parallel lets only %d of them into the block at once", s.ID, limit.Max)
					p.Hint = "max_parallel on the steps themselves, or a rollout"
				}
			}
		}
	}
}

// digest names all that decides what is done: the runbook's text, the values, the hosts of each
// step. Secret values are not in it.
func digest(p *Plan) string {
	h := sha256.New()
	for _, scope := range p.Scopes {
		values := map[string]any{}
		for k, v := range scope.Values {
			if !scope.Secret[k] {
				values[k] = v
			}
		}
		encoded, err := json.Marshal(values)
		if err != nil { // values came from YAML and expressions: JSON can hold them
			encoded = []byte(fmt.Sprint(values))
		}
		fmt.Fprintf(h, "%s\n%s\n", scope.Runbook.File.Text, encoded)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(h, "%s %d %v %s\n", s.ID, s.Wave, s.Targets.Hosts, s.Skip)
	}
	for _, host := range p.Hosts {
		fmt.Fprintf(h, "%s %s %s %d\n", host.Name, host.Addr, host.User, host.Port)
	}
	if p.Drill != nil {
		fmt.Fprintf(h, "drill: %s\n", p.Drill)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
