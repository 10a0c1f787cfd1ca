package runbook

import (
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// The pace of a wait that does not say one, and its limit.
const (
	WaitEvery   = time.Second
	WaitTimeout = 5 * time.Minute
)

// actionKeys are the keys of which a step has exactly one.
func (d *decoder) actionKeys(s *Step) keys {
	return keys{
		"run":     d.script(&s.Run),
		"copy":    func(n *source.Node) { s.Copy = d.copy(n) },
		"link":    func(n *source.Node) { s.Link = d.link(n) },
		"wait":    func(n *source.Node) { s.Wait = d.wait(n) },
		"assert":  func(n *source.Node) { s.Assert = d.assert(n) },
		"line":    func(n *source.Node) { s.Line = d.line(n) },
		"service": func(n *source.Node) { s.Service = d.service(n) },
		"script":  func(n *source.Node) { s.Script = d.localScript(n) },
		"http":    func(n *source.Node) { s.HTTP = d.http(n) },
		"fetch":   func(n *source.Node) { s.Fetch = d.fetch(n) },
		"reboot":  func(n *source.Node) { s.Reboot = d.reboot(n) },
		"manual":  d.raw(&s.Manual),
		"notify":  func(n *source.Node) { s.Notify = d.notify(n) },
		"steps":   func(n *source.Node) { s.Steps = d.steps(n, s) },
		"runbook": func(n *source.Node) {
			if s.Include == nil {
				s.Include = &Include{}
			}
			s.Include.File = d.includePath(n)
		},
	}
}

func (d *decoder) copy(n *source.Node) *Copy {
	c := &Copy{}
	ok := d.each(n, "copy", keys{
		"src": d.raw(&c.Src), "content": d.raw(&c.Content), "dest": d.raw(&c.Dest), "mode": d.mode(&c.Mode),
		"owner": d.raw(&c.Owner), "group": d.raw(&c.Group), "template": d.bool(&c.Template), "delete": d.bool(&c.Delete),
		"exclude": d.strings(&c.Exclude),
	})
	if !ok {
		return c
	}
	if (n.Get("src") == nil) == (n.Get("content") == nil) {
		d.problem(n, "copy takes one of src and content").Hint = "src: a path beside the runbook; content: the text itself"
	}
	if n.Get("dest") == nil {
		d.problem(n, "copy needs a dest").Hint = "dest: an absolute path on the host"
	}
	d.hostPath(n.Get("dest"))
	return c
}

// includePath reads the path of a runbook, which is known before anything else is.
func (d *decoder) includePath(n *source.Node) *source.Node {
	if n.Kind != source.Scalar || n.Text == "" {
		d.problem(n, "the path of a runbook is needed here, this is %s", n.Describe())
		return n
	}
	if strings.Contains(n.Text, "${{") {
		d.problem(n, "the path of an included runbook is written out: it is read before any value is known").Hint = "include each of them under an if"
	}
	return n
}

// hostPaths reads a list of paths on the host.
func (d *decoder) hostPaths(n *source.Node) []*Text {
	var list []*Text
	for _, item := range d.items(n) {
		var t *Text
		if d.raw(&t)(item); t != nil {
			d.hostPath(item)
			list = append(list, t)
		}
	}
	return list
}

// hostPath refuses a path on a host that would depend on where a shell happens to start, as far as
// it can be seen before its values are known.
func (d *decoder) hostPath(n *source.Node) {
	if n == nil || n.Kind != source.Scalar || n.Text == "" || n.Text == "~" || strings.HasPrefix(n.Text, "~/") || strings.HasPrefix(n.Text, "/") || strings.HasPrefix(n.Text, "${{") {
		return
	}
	d.problem(n, "%q is not an absolute path on the host", n.Text).Hint = "/… is absolute, and ~/ is the home directory"
}

func (d *decoder) link(n *source.Node) *Link {
	l := &Link{}
	if d.each(n, "link", keys{"path": d.raw(&l.Path), "to": d.raw(&l.To)}) && (n.Get("path") == nil || n.Get("to") == nil) {
		d.problem(n, "link needs path and to").Hint = "link: {path: /srv/app/current, to: /srv/app/releases/v1}"
	}
	if n.Kind == source.Map {
		d.hostPath(n.Get("path"))
	}
	return l
}

func (d *decoder) wait(n *source.Node) *Wait {
	w := &Wait{Every: WaitEvery, Timeout: WaitTimeout, Stable: 1}
	var limit *time.Duration
	ok := d.each(n, "wait", keys{
		"tcp": d.raw(&w.TCP), "http": d.raw(&w.HTTP), "file": d.raw(&w.File), "run": d.script(&w.Run), "pause": d.duration(&w.Pause),
		"status": d.int(&w.Status, 100), "body": d.raw(&w.Body), "every": d.duration(&w.Every), "stable": d.int(&w.Stable, 1),
		"timeout": d.durationOrText(d.durationOrNone(&limit), &w.TimeoutText),
	})
	if !ok {
		return w
	}
	if limit != nil {
		w.Timeout = *limit
	}
	d.hostPath(n.Get("file"))
	count := 0
	for _, key := range []string{"tcp", "http", "file", "run", "pause"} {
		if n.Get(key) != nil {
			count++
		}
	}
	if count != 1 {
		d.problem(n, "wait takes exactly one of tcp, http, file, run, pause")
	}
	if n.Get("http") == nil && (n.Get("status") != nil || n.Get("body") != nil) {
		d.problem(n, "status and body belong to wait: {http: …}")
	}
	if w.Status == 0 {
		w.Status = 200
	}
	return w
}

func (d *decoder) assert(n *source.Node) *Assert {
	a := &Assert{}
	ok := d.each(n, "assert", keys{
		"that": func(n *source.Node) {
			for _, item := range d.items(n) {
				var c *Cond
				if d.cond(&c)(item); c != nil {
					a.That = append(a.That, c)
				}
			}
		},
		"message": d.raw(&a.Message),
	})
	if ok && n.Get("that") == nil {
		d.problem(n, "assert needs that").Hint = "assert: {that: [\"version != ''\"], message: …}"
	}
	return a
}
