package runbook

import (
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// localScript is the action called script; a script of the document is read by script.
func (d *decoder) localScript(n *source.Node) *LocalScript {
	s := &LocalScript{Args: &Script{Node: n, Argv: []*Text{}}}
	ok := d.each(n, "script", keys{
		"file": d.raw(&s.File),
		"args": func(n *source.Node) {
			for _, item := range d.items(n) {
				var word *Text
				if d.raw(&word)(item); word != nil {
					s.Args.Argv = append(s.Args.Argv, word)
				}
			}
		},
	})
	if !ok && n.Kind == source.Scalar {
		d.problems[len(d.problems)-1].Hint = "script: {file: " + n.Text + "}; commands in the runbook itself go into run"
	}
	if ok && n.Get("file") == nil {
		d.problem(n, "script needs a file").Hint = "file: a script beside the runbook; commands in the runbook itself go into run"
	}
	return s
}

func (d *decoder) fetch(n *source.Node) *Fetch {
	f := &Fetch{}
	if !d.each(n, "fetch", keys{"src": d.raw(&f.Src), "dest": d.raw(&f.Dest)}) {
		return f
	}
	if n.Get("src") == nil || n.Get("dest") == nil {
		d.problem(n, "fetch needs src and dest").Hint = "fetch: {src: /var/log/app.log, dest: logs/} writes logs/HOST/app.log"
	}
	d.hostPath(n.Get("src"))
	return f
}

func (d *decoder) reboot(n *source.Node) *Reboot {
	r := &Reboot{Timeout: RebootTimeout}
	limit := func(n *source.Node) {
		var v time.Duration
		before := len(d.problems)
		if d.duration(&v)(n); len(d.problems) > before {
			return
		}
		if r.Timeout = v; v == 0 {
			d.problem(n, "no host reboots in no time").Hint = "timeout: 10m"
		}
	}
	if d.each(n, "reboot", keys{"timeout": d.durationOrText(limit, &r.TimeoutText)}); n.Kind != source.Map {
		d.problems[len(d.problems)-1].Hint = "reboot: {}, or reboot: {timeout: 10m}"
	}
	return r
}
