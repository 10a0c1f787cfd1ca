package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// checkReads holds every use of another step's result against who the hosts are: steps.x.stdout
// is the same host's result, or the single one where x runs on one host.
func (b *builder) checkReads() {
	for _, s := range b.plan.Steps {
		for _, read := range s.Source.Reads {
			if read.AllHosts {
				continue
			}
			from := b.target[read.Step]
			if read.Step.Once || len(from) <= 1 || b.within(s.Source, read.Step) {
				continue
			}
			b.problems.Add(read.Node.ProblemAt(read.Offset, len(read.Text),
				fmt.Sprintf("step %q has no single result here: it runs on other hosts than this one", read.Step.Path),
				fmt.Sprintf("name the host: steps.%s.on[\"host\"].stdout, or go over steps.%s.hosts", read.Step.ID, read.Step.ID)))
		}
	}
}

// within tells whether every host of a step is one of the other step's.
func (b *builder) within(s, other *runbook.Step) bool {
	hosts := map[string]bool{}
	for _, h := range b.target[other] {
		hosts[h.Name] = true
	}
	for _, h := range b.target[s] {
		if !hosts[h.Name] {
			return false
		}
	}
	return true
}

// digest names all that decides what is done: the runbook's text, the values, the hosts of each
// step. Secret values are not in it.
func digest(p *Plan, rb *runbook.Runbook) string {
	h := sha256.New()
	values := map[string]any{}
	for k, v := range p.Values {
		if !p.Secret[k] {
			values[k] = v
		}
	}
	encoded, err := json.Marshal(values)
	if err != nil { // values came from YAML and expressions: JSON can hold them
		encoded = []byte(fmt.Sprint(values))
	}
	fmt.Fprintf(h, "%s\n%s\n", rb.File.Text, encoded)
	for _, s := range p.Steps {
		fmt.Fprintf(h, "%s %d %v\n", s.ID, s.Wave, s.Targets.Hosts)
	}
	for _, host := range p.Hosts {
		fmt.Fprintf(h, "%s %s %s %d\n", host.Name, host.Addr, host.User, host.Port)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
