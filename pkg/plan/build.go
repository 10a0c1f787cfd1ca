package plan

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
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
	Select Select // which steps
	Drill  *Drill // where the run is to fail; nil: nowhere
}

// Build makes the plan. An error is source.Problems, all of them, or an inventory error about
// Options.Limit.
func Build(rb *runbook.Runbook, inv *inventory.Inventory, o Options) (*Plan, error) {
	b := &builder{
		rb: rb, inv: inv, options: o, hostIndex: map[*inventory.Host]int32{}, sets: map[string]*Targets{}, selected: map[string][]*inventory.Host{},
		plan: &Plan{Runbook: rb, Deadline: rb.Deadline},
	}
	b.general = general(inv, o)
	if err := b.values(); err != nil {
		return nil, err
	}
	if err := b.limit(); err != nil {
		return nil, err
	}
	root, last := b.expand(rb)
	if err := b.done(); err != nil {
		return nil, err
	}
	b.targets(root, []*inventory.Host{inv.Lookup(inventory.Local)})
	for _, n := range last {
		b.targets(n, root.target)
	}
	if err := b.done(); err != nil {
		return nil, err
	}
	b.nodesOf = append([]*node{root}, last...)
	if err := b.limitHit(); err != nil {
		return nil, err
	}
	b.indexHosts()
	b.block(root, instance{rollout: -1})
	if len(last) > 0 {
		b.steps(last, instance{rollout: -1, blocks: []string{"finally"}})
	}
	b.number()
	b.checkReads()
	b.checkLimits()
	b.checkBare()
	b.selects()
	b.drill()
	if err := b.done(); err != nil {
		return nil, err
	}
	if b.locks(); len(b.problems) > 0 {
		return nil, b.done()
	}
	b.plan.Digest = digest(b.plan)
	return b.plan, nil
}

// rootID is the id of a runbook as a block: of its entry and of its rollout.
const rootID = "runbook"

type builder struct {
	rb        *runbook.Runbook
	inv       *inventory.Inventory
	options   Options
	plan      *Plan
	problems  source.Problems
	general   map[string]any // names that mean the same everywhere
	nodes     int            // made of items
	nodesOf   []*node        // the runbook, and the steps of its finally
	selected  map[string][]*inventory.Host
	limited   map[*inventory.Host]bool // nil: no limit
	hostIndex map[*inventory.Host]int32
	sets      map[string]*Targets
}

// general gives the names that mean the same in every document.
func general(inv *inventory.Inventory, o Options) map[string]any {
	environment := map[string]any{}
	for k, v := range o.Env {
		environment[k] = v
	}
	return map[string]any{
		"env":                    environment,
		"run":                    map[string]any{"id": o.RunID, "date": o.Date, "started": o.Start, "user": o.User, "dry_run": false},
		expression.HostsFunction: HostsOf(inv.Select),
	}
}

// HostsOf gives the function hosts("pattern") of expressions.
func HostsOf(find func(...string) ([]*inventory.Host, error)) func(string) ([]any, error) {
	return func(pattern string) ([]any, error) {
		hosts, err := find(pattern)
		if err != nil {
			return nil, fmt.Errorf("hosts(%q): %w", pattern, err)
		}
		list := make([]any, len(hosts))
		for i, h := range hosts {
			list[i] = h.Values()
		}
		return list, nil
	}
}

// visit calls do for every node.
func (b *builder) visit(do func(*node)) {
	for _, n := range b.nodesOf {
		n.walk(do)
	}
}

func (b *builder) done() error {
	b.problems.Sort()
	return b.problems.Err()
}

func (b *builder) problem(n *source.Node, message string, args ...any) *source.Problem {
	return b.problems.Add(n.Problem(fmt.Sprintf(message, args...), ""))
}

// values makes the scope of the runbook itself.
func (b *builder) values() error {
	scope := &Scope{Runbook: b.rb, Secret: map[string]bool{}}
	for _, p := range b.rb.Params {
		scope.Secret[p.Name] = p.Secret
		b.hostParam(p)
	}
	b.plan.Scopes = []*Scope{scope}
	b.compute(scope, b.options.Values)
	return b.done()
}

// hostParam holds a param of type host against the inventory.
func (b *builder) hostParam(p *runbook.Param) {
	name, ok := b.options.Values[p.Name].(string)
	if p.Type != "host" || !ok || b.inv.Lookup(name) != nil {
		return
	}
	var names []string
	for _, h := range b.inv.Hosts {
		names = append(names, h.Name)
	}
	b.problem(p.Node, "param %q: there is no host %q", p.Name, name).Hint = source.DidYouMean(name, names)
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
	hit := false
	b.visit(func(n *node) {
		for _, h := range n.target {
			hit = hit || b.limited[h]
		}
	})
	if hit {
		return nil
	}
	return fmt.Errorf("--limit %s matches no host of this runbook", b.options.Limit)
}

// indexHosts gives every host of the plan its index: inventory order, then the controller.
func (b *builder) indexHosts() {
	used := map[*inventory.Host]bool{}
	b.visit(func(n *node) {
		for _, h := range n.chosen {
			used[h] = true
		}
		if n.place != nil {
			used[n.place] = true
		}
	})
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

// locks are held for the whole run: those that the runbook and its steps name, and one for each host
// it may change.
func (b *builder) locks() {
	named, changes := map[string]bool{}, false
	b.visit(func(n *node) {
		if n.src.Lock == nil || n.src.Lock.Name == nil {
			return
		}
		name, err := n.src.Lock.Name.Render(n.env)
		if err != nil {
			b.problem(n.src.Lock.Node, "%s", err)
			return
		}
		named[name] = true
	})
	for _, s := range b.plan.Steps {
		changes = changes || !s.Read
	}
	b.plan.Locks = slices.Sorted(maps.Keys(named))
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
