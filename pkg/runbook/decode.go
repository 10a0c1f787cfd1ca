package runbook

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// Load reads the runbook at path by itself: what it includes stands beside or below it.
func Load(path string) (*Runbook, source.Problems, error) { return Loader{}.Load(path) }

// LoadText is Load for a text that is at hand.
func LoadText(text, name, dir string) (*Runbook, source.Problems, error) {
	return Loader{}.LoadText(text, name, dir)
}

// shaky tells whether something is wrong with what everything else is built on: with the names that
// expressions use, or with a key of the runbook itself. What is found on top of that would mislead.
func (d *decoder) shaky(root *source.Node) bool {
	for i, p := range root.Pairs {
		switch p.Key.Text {
		case "steps", "finally":
			continue
		}
		last := 1 << 30
		if i+1 < len(root.Pairs) {
			last = root.Pairs[i+1].Key.Pos.Line
		}
		for _, problem := range d.problems {
			if !problem.Warning && problem.File == root.File && problem.Pos.Line >= p.Key.Pos.Line && (problem.Pos.Line < last || p.Key.Pos.Line == last) {
				return true
			}
		}
	}
	return false
}

type decoder struct {
	loader    *Loader
	count     *int     // of included runbooks
	rb        *Runbook // whose steps are being read
	problems  source.Problems
	stepCount int
}

func (d *decoder) problem(n *source.Node, message string, args ...any) *source.Problem {
	return d.problems.Add(n.Problem(fmt.Sprintf(message, args...), ""))
}

// keys tells what each key of a map does with its value.
type keys map[string]func(*source.Node)

// later are keys of the language that this version does not know yet, so that the message is honest.
var later = map[string]bool{
	"schedule": true,
}

// each hands the values of a map to its keys; unknown keys are problems. It tells whether all of them
// are known: what seems to be missing may stand there under another name.
func (d *decoder) each(n *source.Node, what string, k keys) bool {
	if n.Kind != source.Map {
		d.problem(n, "%s is a map of keys, this is %s", what, n.Describe()).Hint = mapHints[what]
		return false
	}
	whole := true
	for _, p := range n.Pairs {
		if p.Value.Tag != "" {
			problem := d.problem(p.Value, "%q begins a YAML tag here", p.Value.Tag)
			problem.Width = len(p.Value.Tag)
			problem.Hint = "quote the whole value; in an expression, write \"not x\" for \"!x\""
			continue
		}
		if do, ok := k[p.Key.Text]; ok {
			do(p.Value)
			continue
		}
		if later[p.Key.Text] {
			d.problem(p.Key, "%q of %s is not supported by this version of opsctl", p.Key.Text, what)
			continue
		}
		whole = false
		d.problem(p.Key, "unknown key %q in %s", p.Key.Text, what).Hint = unknownHint(p.Key.Text, k)
	}
	return whole
}

// mapHints are what is most often meant by a text where a map of keys belongs.
var mapHints = map[string]string{
	"a step": "run: the command", "copy": "copy: {src: dist/, dest: /srv/app}", "link": "link: {path: /srv/app/current, to: /srv/app/v1}",
	"wait": "wait: {tcp: 'localhost:80'}, wait: {pause: 30s}", "assert": "assert: {that: 'version != \"\"'}", "a runbook": "name: x, and steps: [{run: uptime}]",
	"notify": `notify: {to: ops, message: "${{ run.outcome }}"}`,
}

func unknownHint(word string, k keys) string {
	names := make([]string, 0, len(k))
	for name := range k {
		names = append(names, name)
	}
	sort.Strings(names)
	if hint := instead(word, names); hint != "" {
		return hint
	}
	return "it takes " + strings.Join(names, ", ")
}

// The readers of single values. Each notes a problem and leaves the target alone when the value has another type.

func (d *decoder) text(target *string) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Scalar {
			d.problem(n, "a text is needed here, this is %s", n.Describe())
			return
		}
		*target = n.Text
	}
}

func (d *decoder) bool(target *bool) func(*source.Node) {
	return func(n *source.Node) {
		if v, ok := n.Value().(bool); ok {
			*target = v
			return
		}
		p := d.problem(n, "true or false is needed here, this is %s", n.Describe())
		switch strings.ToLower(n.Text) {
		case "yes", "on", "y":
			p.Hint = `YAML 1.2 reads this as text; write true`
		case "no", "off", "n":
			p.Hint = `YAML 1.2 reads this as text; write false`
		}
	}
}

func (d *decoder) int(target *int, least int) func(*source.Node) {
	return func(n *source.Node) {
		v, ok := n.Value().(int)
		if !ok {
			d.problem(n, "a whole number is needed here, this is %s", n.Describe())
			return
		}
		if v < least {
			d.problem(n, "the number must be at least %d", least)
			return
		}
		*target = v
	}
}

func (d *decoder) strings(target *[]string) func(*source.Node) {
	return func(n *source.Node) {
		for _, item := range d.items(n) {
			var s string
			d.text(&s)(item)
			*target = append(*target, s)
		}
	}
}

// items gives the items of a list; a single value is a list of one.
func (d *decoder) items(n *source.Node) []*source.Node {
	switch n.Kind {
	case source.List:
		return n.Items
	case source.Scalar, source.Map:
		return []*source.Node{n}
	}
	d.problem(n, "a list is needed here, this is %s", n.Describe())
	return nil
}

func (d *decoder) raw(target **Text) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Scalar {
			p := d.problem(n, "a text is needed here, this is %s", n.Describe())
			if n.Kind == source.Null {
				p.Hint = `quote it: an unquoted "#" starts a comment, and nothing is not an empty text ("")`
			} else if n.Kind == source.Map {
				p.Hint = `quote the whole value: "${{ … }}"`
			}
			return
		}
		*target = &Text{Node: n}
	}
}

func (d *decoder) cond(target **Cond) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Scalar {
			d.problem(n, "an expression is needed here, this is %s", n.Describe()).Hint = `quote the whole expression if it starts with !, ", [ or {`
			return
		}
		*target = &Cond{Node: n}
	}
}

func (d *decoder) script(target **Script) func(*source.Node) {
	return func(n *source.Node) {
		s := &Script{Node: n}
		switch n.Kind {
		case source.Scalar:
			if strings.TrimSpace(n.Text) == "" {
				d.problem(n, "the command is empty")
				return
			}
		case source.List:
			for _, item := range n.Items {
				var word *Text
				if d.raw(&word)(item); word != nil {
					s.Argv = append(s.Argv, word)
				}
			}
			if len(n.Items) == 0 {
				d.problem(n, "the command is empty")
				return
			}
		default:
			p := d.problem(n, "a command is needed here, this is %s", n.Describe())
			if p.Hint = "run: the command itself, or a list of words"; n.Kind == source.Null {
				p.Hint = `quote it: an unquoted "#" starts a comment`
			}
			return
		}
		*target = s
	}
}

var daysText = regexp.MustCompile(`^(\d+)d$`)

// ParseDuration reads 30s, 5m, 1h30m, 2d. A number alone is refused: it has no unit.
func ParseDuration(text string) (time.Duration, error) {
	if m := daysText.FindStringSubmatch(text); m != nil {
		days, err := strconv.Atoi(m[1])
		if err != nil || days > 10_000 {
			return 0, fmt.Errorf("%q is too long", text)
		}
		return time.Duration(days) * 24 * time.Hour, nil
	}
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 30s, 5m or 1h30m", text)
	}
	return v, nil
}

func (d *decoder) duration(target *time.Duration) func(*source.Node) {
	return func(n *source.Node) {
		v, err := ParseDuration(n.Text)
		if n.Kind != source.Scalar || err != nil {
			p := d.problem(n, "a duration such as 30s, 5m or 1h30m is needed here, this is %s", n.Describe())
			if _, isInt := n.Value().(int); isInt {
				p.Hint = fmt.Sprintf("with a unit: %ss", n.Text)
			}
			return
		}
		*target = v
	}
}

// durationOrNone reads a duration; "none" is 0.
func (d *decoder) durationOrNone(target **time.Duration) func(*source.Node) {
	return func(n *source.Node) {
		var v time.Duration
		if n.Kind != source.Scalar || n.Text != "none" {
			before := len(d.problems)
			if d.duration(&v)(n); len(d.problems) > before {
				return
			}
			if v == 0 {
				d.problem(n, "a limit of zero lets nothing through").Hint = `write "none" for no limit`
				return
			}
		}
		*target = &v
	}
}

func (d *decoder) oneOf(target *string, words ...string) func(*source.Node) {
	return func(n *source.Node) {
		for _, w := range words {
			if n.Kind == source.Scalar && n.Text == w {
				*target = w
				return
			}
		}
		d.problem(n, "%s is not one of %s", n.Describe(), strings.Join(words, ", ")).Hint = instead(n.Text, words)
	}
}

// durationOrText reads a duration, or keeps the text that will give one.
func (d *decoder) durationOrText(read func(*source.Node), text **Text) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind == source.Scalar && strings.Contains(n.Text, "${{") {
			*text = &Text{Node: n}
			return
		}
		read(n)
	}
}

var (
	idText    = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	nameText  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	octalText = regexp.MustCompile(`^0?o?([0-7]{3,4})$`)
)

// mode reads permission bits from the source text, as octal.
func (d *decoder) mode(target **uint32) func(*source.Node) {
	return func(n *source.Node) {
		m := octalText.FindStringSubmatch(n.Text)
		if n.Kind != source.Scalar || m == nil {
			d.problem(n, "permissions are written in octal, this is %s", n.Describe()).Hint = "mode: 0644"
			return
		}
		v, err := strconv.ParseUint(m[1], 8, 32)
		if err != nil {
			d.problem(n, "permissions are written in octal")
			return
		}
		bits := uint32(v)
		*target = &bits
	}
}
