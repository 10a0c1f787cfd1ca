package runbook

import (
	"github.com/opsctl/opsctl/internal/source"
)

func (d *decoder) service(n *source.Node) *Service {
	s := &Service{}
	var enabled bool
	ok := d.each(n, "service", keys{
		"name": d.raw(&s.Name), "state": d.oneOf(&s.State, "started", "stopped", "restarted", "reloaded"), "enabled": d.bool(&enabled),
	})
	if !ok {
		return s
	}
	if n.Get("enabled") != nil {
		s.Enabled = &enabled
	}
	if n.Get("name") == nil {
		d.problem(n, "service needs a name").Hint = "service: {name: nginx, state: started}"
	}
	if n.Get("state") == nil && n.Get("enabled") == nil {
		d.problem(n, "service does not say how the service should be").Hint = "state: started, stopped, restarted or reloaded; enabled: true or false"
	}
	return s
}
