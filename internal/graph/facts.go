package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// wavesMax is how many waves a drawing names; of more, the first and the last are.
const wavesMax = 6

// facts are what a drawing says of a step, in a few words each.
func (b *builder) facts(s *runbook.Step) []string {
	var facts []string
	add := func(is bool, fact string) {
		if is {
			facts = append(facts, fact)
		}
	}
	switch {
	case s.Include != nil && s.Include.File != nil:
		facts = append(facts, "runbook "+s.Include.File.Text)
	case !s.IsBlock():
		facts = append(facts, s.Action)
	}
	add(s.Name != "" && !s.IsRoot(), `"`+s.Name+`"`)
	facts = append(facts, b.target(s)...)
	if s.ForEach != nil {
		facts = append(facts, b.items(s))
	}
	add(s.Once, "once")
	add(s.MaxParallel > 0, fmt.Sprintf("at most %d hosts at once", s.MaxParallel))
	if s.Confirm != nil {
		asks := "asks first "
		if s.Action == "confirm" {
			asks = ""
		}
		facts = append(facts, asks+`"`+s.Confirm.Node.Text+`"`)
	}
	if s.Manual != nil {
		facts = append(facts, `"`+s.Manual.Node.Text+`"`)
	}
	if s.Delegate != nil {
		facts = append(facts, "takes place on "+s.Delegate.Node.Text)
	}
	if s.If != nil {
		facts = append(facts, "if "+s.If.Source)
	}
	add(s.Check != nil, "check")
	add(len(s.Save) > 0, "save")
	add(len(s.SaveFiles) > 0, "keeps files")
	if s.Lock != nil && s.Parent != nil {
		facts = append(facts, "lock "+s.Lock.Name.Node.Text)
	}
	if s.Rollout != nil {
		facts = append(facts, b.rolloutFacts(s)...)
	}
	add(s.Read() && !s.Finally && !s.IsBlock() && s.Action != "confirm", "read")
	add(s.Effect == runbook.Destroy, "destroys")
	add(s.Rollback != nil && s.Rollback.When == "started" && !s.Rollback.None, "undone also when half done")
	add(s.PointOfNoReturn, "point of no return")
	if s.OnFailure != nil {
		facts = append(facts, "on failure "+failureWords(*s.OnFailure))
	}
	return facts
}

// itemsMax is how many items of a foreach a drawing names.
const itemsMax = 6

// items says what a step is done for each of: the items, where there is a plan, else what is written.
func (b *builder) items(s *runbook.Step) string {
	if b.Plan == nil {
		if n := s.ForEach.Node; len(n.Items) == 0 {
			return "for each of " + n.Text
		}
	}
	var keys []string
	if b.Plan != nil {
		keys = b.itemKeys()[s]
	} else {
		for _, item := range s.ForEach.Node.Items {
			keys = append(keys, item.Text)
		}
	}
	words := "for each of "
	if s.Parallel {
		words = "side by side for each of "
	}
	if more := len(keys) - itemsMax; more > 0 {
		return fmt.Sprintf("%s%s and %d more", words, strings.Join(keys[:itemsMax], ", "), more)
	}
	return words + strings.Join(keys, ", ")
}

func (b *builder) itemKeys() map[*runbook.Step][]string {
	if b.keys != nil {
		return b.keys
	}
	type place struct {
		step *runbook.Step
		key  string
	}
	b.keys = map[*runbook.Step][]string{}
	seen := map[place]bool{}
	for _, p := range b.Plan.Steps {
		for _, item := range p.Items {
			if at := (place{item.Step, item.Key}); !seen[at] {
				seen[at] = true
				b.keys[item.Step] = append(b.keys[item.Step], item.Key)
			}
		}
	}
	return b.keys
}

func failureWords(f runbook.OnFailure) string {
	if f.Do == "rollback" && f.Scope != "" && f.Scope != "run" {
		return f.Do + " of the " + f.Scope
	}
	return f.Do
}

func (b *builder) rolloutFacts(block *runbook.Step) []string {
	r := block.Rollout
	var waves []string
	for _, size := range r.Waves {
		waves = append(waves, sizeText(size))
	}
	facts := []string{"waves of " + strings.Join(waves, ", ")}
	if r.MaxFailures.Count > 0 {
		facts = append(facts, sizeText(r.MaxFailures)+" may fail")
	}
	if r.MaxUnreachable != nil {
		facts = append(facts, sizeText(*r.MaxUnreachable)+" may be unreachable")
	}
	if r.Spread != nil {
		facts = append(facts, fmt.Sprintf("at most %d of one %s in a wave", r.Spread.Max, r.Spread.By.Source))
	}
	if soak := b.soak(block); soak != "" {
		facts = append(facts, "soak "+soak)
	}
	return facts
}

// soak is known where there is a plan; else it may be an expression.
func (b *builder) soak(block *runbook.Step) string {
	if block.SoakText == nil {
		if block.Soak > 0 {
			return block.Soak.String()
		}
		return ""
	}
	if b.Plan != nil {
		for _, r := range b.Plan.Rollouts {
			if r.Source == block {
				return r.Soak.String()
			}
		}
	}
	return block.SoakText.Node.Text
}

func sizeText(s runbook.Size) string {
	if s.Percent {
		return fmt.Sprintf("%d%%", s.Count)
	}
	return fmt.Sprint(s.Count)
}

// rootFacts are what a drawing says of the runbook as a whole.
func (b *builder) rootFacts() []string {
	rb := b.Runbook
	var facts []string
	switch {
	case b.Plan != nil:
		hosts := b.targets(rb.Root)
		facts = append(facts, hostWords(hosts))
		if others := len(b.Plan.Hosts) - len(hosts); others > 0 {
			facts = append(facts, fmt.Sprintf("%d hosts in all", len(b.Plan.Hosts)))
		}
	case rb.Root.Hosts != nil:
		facts = append(facts, "hosts "+written(rb.Root.Hosts))
	}
	if rb.Root.Rollout != nil {
		facts = append(facts, b.rolloutFacts(rb.Root)...)
	}
	facts = append(facts, "on failure "+failureWords(rb.Default))
	if rb.Root.Lock != nil {
		facts = append(facts, "lock "+rb.Root.Lock.Name.Node.Text)
	}
	if rb.Deadline > 0 {
		facts = append(facts, "deadline "+rb.Deadline.String())
	}
	for i, fact := range facts {
		facts[i] = b.safe(fact)
	}
	return facts
}

// waveLines name the waves of a planned rollout with their hosts.
func (b *builder) waveLines(block *runbook.Step) []string {
	if b.Plan == nil || block.Rollout == nil {
		return nil
	}
	var lines []string
	for _, r := range b.Plan.Rollouts {
		if r.Source != block {
			continue
		}
		for i, indices := range r.Waves {
			var hosts []string
			for _, h := range indices {
				hosts = append(hosts, b.Plan.Hosts[h].Name)
			}
			lines = append(lines, b.safe(fmt.Sprintf("wave %d: %s", i+1, hostWords(hosts))))
		}
	}
	if more := len(lines) - wavesMax; more > 0 {
		between := fmt.Sprintf("%d more waves", more+1)
		lines = slices.Concat(lines[:wavesMax-2], []string{between}, lines[len(lines)-1:])
	}
	return lines
}

// target says who a step is for, where it is not for the hosts that the block around it is for.
func (b *builder) target(s *runbook.Step) []string {
	if b.Plan == nil {
		if s.Hosts == nil {
			return nil
		}
		return []string{"hosts " + written(s.Hosts)}
	}
	hosts := b.targets(s)
	if s.Parent != nil && slices.Equal(hosts, b.targets(s.Parent)) {
		return nil
	}
	return []string{hostWords(hosts)}
}

// targets gives the hosts of a step in all its waves; of a block, those of the steps in it that say no others.
func (b *builder) targets(s *runbook.Step) []string {
	if b.hosts == nil {
		b.hosts = b.hostsOfAll()
	}
	var list []string
	for i, in := range b.hosts[s] {
		if in {
			list = append(list, b.Plan.Hosts[i].Name)
		}
	}
	return list
}

func (b *builder) hostsOfAll() map[*runbook.Step][]bool {
	inherited, all := map[*runbook.Step][]bool{}, map[*runbook.Step][]bool{}
	note := func(in map[*runbook.Step][]bool, s *runbook.Step, hosts []int32) {
		if in[s] == nil {
			in[s] = make([]bool, len(b.Plan.Hosts))
		}
		for _, h := range hosts {
			in[s][h] = true
		}
	}
	for _, p := range b.Plan.Steps {
		if p.Entry {
			continue
		}
		says := false
		for s := p.Source; s != nil; s = s.Parent {
			if !p.Gate || s == p.Source {
				note(all, s, p.Targets.Hosts)
			}
			if !says {
				note(inherited, s, p.Targets.Hosts)
			}
			says = says || s.Hosts != nil || p.Gate // who looks at a wave is none of its hosts
		}
	}
	for s, hosts := range all { // a block of which every step says its own hosts
		if inherited[s] == nil {
			inherited[s] = hosts
		}
	}
	return inherited
}

func written(texts []*runbook.Text) string {
	var parts []string
	for _, t := range texts {
		parts = append(parts, t.Node.Text)
	}
	return strings.Join(parts, ", ")
}

func hostWords(hosts []string) string {
	switch len(hosts) {
	case 0:
		return "no hosts"
	case 1:
		return hosts[0]
	}
	return fmt.Sprintf("%s (%d hosts)", view.FoldHosts(hosts), len(hosts))
}
