package plan

import (
	"fmt"
	"sort"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Options are what a plan is made of besides the runbook and the inventory.
type Options struct {
	Values map[string]any    // params, checked
	Limit  string            // pattern; "" is no limit
	Env    map[string]string // the controller's environment, for env.X
	RunID  string
	User   string
	Date   string // of the run's start, 2006-01-02
	Start  string // RFC 3339
}

// Build makes the plan. An error is source.Problems, all of them, or an inventory error about
// Options.Limit.
func Build(rb *runbook.Runbook, inv *inventory.Inventory, o Options) (*Plan, error) {
	b := &builder{
		rb: rb, inv: inv, options: o, hostIndex: map[*inventory.Host]int32{}, sets: map[string]*Targets{}, wholes: map[*runbook.Step]*Targets{},
		plan: &Plan{Runbook: rb, Secret: map[string]bool{}, Deadline: rb.Deadline}, selected: map[string][]*inventory.Host{},
	}
	if err := b.values(); err != nil {
		return nil, err
	}
	if err := b.limit(); err != nil {
		return nil, err
	}
	for _, s := range rb.Root.Steps {
		if s.Path == rootID {
			b.problem(s.Node, "no step can be called %q", rootID).Hint = "it names the runbook as a block"
		}
	}
	b.targets(rb.Root, nil)
	for _, s := range rb.Finally {
		b.targets(s, b.target[rb.Root])
	}
	if err := b.done(); err != nil {
		return nil, err
	}
	if err := b.limitHit(); err != nil {
		return nil, err
	}
	b.indexHosts()
	b.block(rb.Root, instance{rollout: -1})
	b.finally()
	b.number()
	b.checkReads()
	if err := b.done(); err != nil {
		return nil, err
	}
	b.locks()
	b.plan.Digest = digest(b.plan, rb)
	return b.plan, nil
}

// rootID is the id of the runbook as a block: of its entry and of its rollout.
const rootID = "runbook"

type builder struct {
	rb        *runbook.Runbook
	inv       *inventory.Inventory
	options   Options
	plan      *Plan
	problems  source.Problems
	env       map[string]any
	target    map[*runbook.Step][]*inventory.Host // in inventory order, before the limit
	chosen    map[*runbook.Step][]*inventory.Host // after it
	places    map[*runbook.Step]*inventory.Host
	selected  map[string][]*inventory.Host
	limited   map[*inventory.Host]bool // nil: no limit
	hostIndex map[*inventory.Host]int32
	sets      map[string]*Targets
	wholes    map[*runbook.Step]*Targets
	exits     map[*runbook.Step][]int // steps of the plan that end a step of the runbook
}

func (b *builder) done() error {
	b.problems.Sort()
	return b.problems.Err()
}

func (b *builder) problem(n *source.Node, message string, args ...any) *source.Problem {
	return b.problems.Add(n.Problem(fmt.Sprintf(message, args...), ""))
}

// values computes the vars, each after those it is made of.
func (b *builder) values() error {
	values := map[string]any{}
	for k, v := range b.options.Values {
		values[k] = v
	}
	for _, p := range b.rb.Params {
		b.plan.Secret[p.Name] = p.Secret
	}
	env := map[string]any{}
	for k, v := range values {
		env[k] = v
	}
	environment := map[string]any{}
	for k, v := range b.options.Env {
		environment[k] = v
	}
	env["env"] = environment
	env["runbook"] = map[string]any{"name": b.rb.Name}
	env["run"] = map[string]any{"id": b.options.RunID, "date": b.options.Date, "started": b.options.Start, "user": b.options.User, "dry_run": false}
	for _, v := range b.rb.Vars {
		value, err := v.Compute(env)
		if err != nil {
			b.problem(v.Node, "%s", err)
			continue
		}
		values[v.Name], env[v.Name] = value, value
		b.plan.Secret[v.Name] = v.Secret
	}
	b.plan.Values, b.env = values, env
	return b.done()
}

func (b *builder) limit() error {
	if b.options.Limit == "" {
		return nil
	}
	hosts, err := b.inv.Select(b.options.Limit)
	if err != nil {
		return fmt.Errorf("--limit: %w", err)
	}
	b.limited = map[*inventory.Host]bool{}
	for _, h := range hosts {
		b.limited[h] = true
	}
	return nil
}

// limitHit makes sure that the limit left something to do: a run of nothing would be a success.
func (b *builder) limitHit() error {
	if b.limited == nil {
		return nil
	}
	for _, hosts := range b.target {
		for _, h := range hosts {
			if b.limited[h] {
				return nil
			}
		}
	}
	return fmt.Errorf("--limit %s matches no host of this runbook", b.options.Limit)
}

// indexHosts gives every host of the plan its index: inventory order, then the controller.
func (b *builder) indexHosts() {
	used := map[*inventory.Host]bool{}
	for _, hosts := range b.chosen {
		for _, h := range hosts {
			used[h] = true
		}
	}
	for _, h := range b.places {
		used[h] = true
	}
	add := func(h *inventory.Host) {
		if used[h] {
			b.hostIndex[h] = int32(len(b.plan.Hosts))
			b.plan.Hosts = append(b.plan.Hosts, h)
		}
	}
	for _, h := range b.inv.Hosts {
		add(h)
	}
	add(b.inv.Lookup(inventory.Local))
}

// set gives the shared Targets of some hosts.
func (b *builder) set(hosts []int32) *Targets {
	var key strings.Builder
	for _, h := range hosts {
		key.WriteByte(byte(h))
		key.WriteByte(byte(h >> 8))
		key.WriteByte(byte(h >> 16))
	}
	if t := b.sets[key.String()]; t != nil {
		return t
	}
	t := &Targets{Hosts: hosts, At: make([]int32, len(b.plan.Hosts))}
	for i := range t.At {
		t.At[i] = -1
	}
	for i, h := range hosts {
		t.At[h] = int32(i)
	}
	b.sets[key.String()] = t
	return t
}

func (b *builder) indices(hosts []*inventory.Host) []int32 {
	list := make([]int32, len(hosts))
	for i, h := range hosts {
		list[i] = b.hostIndex[h]
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

// number gives the ops their indices and the edges their other side.
func (b *builder) number() {
	count := 0
	for _, s := range b.plan.Steps {
		s.First = count
		count += len(s.Targets.Hosts)
		for _, e := range s.Before {
			before := b.plan.Steps[e.Step]
			before.After = append(before.After, Edge{Step: s.Index, Barrier: e.Barrier})
		}
	}
	b.plan.OpCount = count
	if count > OpsMax {
		b.problems.Add(&source.Problem{File: b.rb.File, Message: fmt.Sprintf("this would be %d ops; a plan has at most %d", count, OpsMax)})
	}
}

// locks are held for the whole run: the one the runbook names, and one for each host it may change.
func (b *builder) locks() {
	if b.rb.Lock != nil {
		if name, err := b.rb.Lock.Render(b.env); err == nil {
			b.plan.Locks = append(b.plan.Locks, name)
		}
	}
	changes := false
	for _, s := range b.plan.Steps {
		changes = changes || !s.Read
	}
	if !changes {
		return
	}
	var hosts []string
	for _, h := range b.plan.Hosts {
		hosts = append(hosts, b.rb.Name+"@"+h.Name)
	}
	sort.Strings(hosts)
	b.plan.Locks = append(b.plan.Locks, hosts...)
}
