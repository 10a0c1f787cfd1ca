package plan

import "github.com/opsctl/opsctl/pkg/runbook"

// checkBare refuses commands without a shell where there is nothing to send them to: this machine
// runs programs, and what reads a line as a command is a shell.
func (b *builder) checkBare() {
	said := map[*runbook.Step]bool{}
	for _, s := range b.plan.Steps {
		src := s.Source
		if !src.Bare() || said[src] || len(src.Commands()) == 0 {
			continue
		}
		for k := range s.Targets.Hosts {
			host := b.plan.Hosts[s.Place(int32(k))]
			if !host.ByProcess() {
				continue
			}
			said[src] = true
			p := b.problem(src.Commands()[0].Node, "%s runs on %s, by this machine itself, and \"shell: none\" sends a command over SSH", s.ID, host.Name)
			p.Hint = "shell: sh on this step, or hosts: those it is for"
			break
		}
	}
}

// Durable tells of each host of the plan whether its attempts are claimed and supervised there, so
// that after a broken connection it can be asked what became of them. A host all of whose steps say
// `shell: none` is not: a change whose connection breaks in the middle stays unknown.
func (p *Plan) Durable() []bool {
	bare, shells := make([]bool, len(p.Hosts)), make([]bool, len(p.Hosts))
	for _, s := range p.Steps {
		if s.Skip != "" || !s.asks() {
			continue
		}
		for k := range s.Targets.Hosts {
			if place := s.Place(int32(k)); s.Source.Bare() {
				bare[place] = true
			} else {
				shells[place] = true
			}
		}
	}
	durable := make([]bool, len(p.Hosts))
	for i := range durable {
		durable[i] = shells[i] || !bare[i]
	}
	return durable
}

// asks tells whether anything of a step is put to its hosts.
func (s *Step) asks() bool {
	if s.Entry {
		return s.HasCheck || s.Undo != NoUndo
	}
	switch s.Source.Action {
	case "assert", "confirm", "manual":
		return len(s.Source.Commands()) > 0
	}
	return true
}
