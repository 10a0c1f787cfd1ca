package runbook

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// Param is a typed input of a runbook, checked before anything runs.
type Param struct {
	Name    string
	Node    *source.Node
	Type    string // string int float bool duration list map host
	Default any
	Given   bool // a default is given: the param is not required
	Enum    []any
	Pattern *regexp.Regexp
	Min     *float64
	Max     *float64
	Help    string
	Secret  bool
}

var paramTypes = []string{"string", "int", "float", "bool", "duration", "list", "map", "host"}

func (d *decoder) params(rb *Runbook, n *source.Node) {
	if n.Kind != source.Map {
		d.problem(n, "params is a map of names, this is %s", n.Describe())
		return
	}
	for _, p := range n.Pairs {
		if !nameText.MatchString(p.Key.Text) {
			d.problem(p.Key, "%q cannot be the name of a param", p.Key.Text).Hint = "letters, digits and _"
			continue
		}
		rb.Params = append(rb.Params, d.param(p.Key, p.Value))
	}
}

func (d *decoder) param(key, n *source.Node) *Param {
	p := &Param{Name: key.Text, Node: key, Type: "string"}
	var defaultNode *source.Node
	limit := func(target **float64) func(*source.Node) {
		return func(n *source.Node) {
			v, err := limitValue(n)
			if err != nil {
				d.problem(n, "%s", err)
				return
			}
			*target = &v
		}
	}
	k := keys{
		"type": d.oneOf(&p.Type, paramTypes...), "help": d.text(&p.Help), "secret": d.bool(&p.Secret),
		"default": func(n *source.Node) { defaultNode = n }, "min": limit(&p.Min), "max": limit(&p.Max),
		"enum": func(n *source.Node) {
			for _, item := range d.items(n) {
				p.Enum = append(p.Enum, item.Value())
			}
		},
		"pattern": func(n *source.Node) {
			if n.Kind != source.Scalar {
				d.problem(n, "a regular expression is needed here, this is %s", n.Describe())
				return
			}
			var err error
			if p.Pattern, err = regexp.Compile(n.Text); err != nil {
				d.problem(n, "the pattern is not a regular expression (RE2): %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			}
		},
	}
	if n.Kind == source.Null || n.Kind == source.Map && len(n.Pairs) == 0 {
		return p
	}
	if d.each(n, "a param", k); n.Kind != source.Map {
		d.problems[len(d.problems)-1].Hint = fmt.Sprintf("%s: {type: string, default: %s}", key.Text, n.Text)
		return p
	}
	for i, v := range p.Enum {
		if value, err := p.convert(v); err == nil {
			p.Enum[i] = value
		}
	}
	if defaultNode != nil {
		p.Given = true
		var raw any = defaultNode.Value()
		if p.Type == "string" && defaultNode.Kind == source.Scalar {
			raw = defaultNode.Text
		}
		value, err := p.check(raw)
		if err != nil {
			d.problem(defaultNode, "the default of param %q is wrong: %s", p.Name, err)
		}
		p.Default = value
	}
	return p
}

// limitValue reads min and max: a number, or a duration in seconds.
func limitValue(n *source.Node) (float64, error) {
	switch v := n.Value().(type) {
	case int:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		if dur, err := ParseDuration(v); err == nil {
			return dur.Seconds(), nil
		}
	}
	return 0, errors.New("a number is needed here")
}

// Parse reads a value given as text, on a command line or in the environment.
func (p *Param) Parse(text string) (any, error) {
	switch p.Type {
	case "list":
		if node, ok := parseYAML(text); ok && node.Kind == source.List {
			return p.check(node.Value())
		}
		if strings.HasPrefix(strings.TrimSpace(text), "[") {
			return nil, fmt.Errorf("%q is not a list; write it as YAML: [a, b], or as a,b", text)
		}
		list := []any{} // an empty one is written [], and not null
		for _, item := range strings.Split(text, ",") {
			if text != "" {
				list = append(list, strings.TrimSpace(item))
			}
		}
		return p.check(list)
	case "map":
		node, ok := parseYAML(text)
		if !ok || node.Kind != source.Map {
			return nil, fmt.Errorf("%q is not a map; write it as YAML: {key: value}", text)
		}
		return p.check(node.Value())
	case "string", "host", "duration":
		return p.check(text)
	}
	return p.check(source.ParseScalar(text))
}

func parseYAML(text string) (*source.Node, bool) {
	node, err := source.Parse(&source.File{Name: "value", Text: text})
	return node, err == nil
}

// check converts a value to the param's type and holds it against its limits.
func (p *Param) check(raw any) (any, error) {
	value, err := p.convert(raw)
	if err != nil {
		return nil, err
	}
	if s, ok := value.(string); ok && strings.ContainsRune(s, 0) {
		return nil, errors.New("it holds a NUL character")
	}
	if p.Pattern != nil {
		if s, ok := value.(string); !ok || !p.Pattern.MatchString(s) {
			return nil, fmt.Errorf("%s does not match %s", p.quote(value), p.Pattern)
		}
	}
	if len(p.Enum) > 0 && !contains(p.Enum, value) {
		words := make([]string, len(p.Enum))
		for i, v := range p.Enum {
			words[i] = fmt.Sprint(v)
		}
		return nil, fmt.Errorf("%s is not one of %s", p.quote(value), strings.Join(words, ", "))
	}
	return value, p.bounds(value)
}

// quote shows a value in a message, unless it is secret.
func (p *Param) quote(v any) string {
	if p.Secret {
		return "the value"
	}
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	text, err := expression.Format(v)
	if err != nil {
		return "nothing"
	}
	return text
}

func (p *Param) bounds(value any) error {
	if p.Min == nil && p.Max == nil {
		return nil
	}
	var size float64
	what := "it"
	switch v := value.(type) {
	case int:
		size = float64(v)
	case float64:
		size = v
	case []any:
		size, what = float64(len(v)), "its length"
	case string:
		size, what = float64(len([]rune(v))), "its length"
		if d, err := ParseDuration(v); p.Type == "duration" && err == nil {
			size, what = d.Seconds(), "it"
		}
	}
	if p.Min != nil && size < *p.Min {
		return fmt.Errorf("%s must be at least %s", what, p.bound(*p.Min))
	}
	if p.Max != nil && size > *p.Max {
		return fmt.Errorf("%s must be at most %s", what, p.bound(*p.Max))
	}
	return nil
}

// bound writes a limit as it was given.
func (p *Param) bound(limit float64) string {
	if p.Type == "duration" {
		text := time.Duration(limit * float64(time.Second)).String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	return strconv.FormatFloat(limit, 'f', -1, 64)
}

func contains(list []any, value any) bool {
	for _, v := range list {
		if fmt.Sprint(v) == fmt.Sprint(value) {
			return true
		}
	}
	return false
}

// convert makes a value of the param's type of what YAML or a command line gave.
func (p *Param) convert(raw any) (any, error) {
	switch v := raw.(type) {
	case string:
		switch p.Type {
		case "string", "host":
			return v, nil
		case "duration":
			_, err := ParseDuration(v)
			return v, err
		}
	case int:
		switch p.Type {
		case "int":
			return v, nil
		case "float":
			return float64(v), nil
		}
	case float64:
		if p.Type == "float" {
			return v, nil
		}
	case bool:
		if p.Type == "bool" {
			return v, nil
		}
	case []any:
		if p.Type == "list" {
			return v, nil
		}
	case map[string]any:
		if p.Type == "map" {
			return v, nil
		}
	}
	article := "a"
	if strings.ContainsAny(p.Type[:1], "aeiou") {
		article = "an"
	}
	return nil, fmt.Errorf("%s is not %s %s", p.quote(raw), article, p.Type)
}

// ParamError is one wrong or missing param.
type ParamError struct {
	Name    string
	Message string
	Hint    string
}

func (e *ParamError) Error() string {
	s := fmt.Sprintf("param %q: %s", e.Name, e.Message)
	if e.Hint != "" {
		s += "\n  hint: " + e.Hint
	}
	return s
}

// ParamErrors is all that is wrong with the params of a run.
type ParamErrors []*ParamError

func (es ParamErrors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Given is a param as it was given: text of a command line, or a value of a params file.
type Given struct {
	Text  *string
	Value any
}

// Values checks the given params against the runbook and fills in the defaults. An error is ParamErrors.
func (rb *Runbook) Values(given map[string]Given) (map[string]any, error) {
	var errs ParamErrors
	values := map[string]any{}
	names := make([]string, 0, len(rb.Params))
	for _, p := range rb.Params {
		names = append(names, p.Name)
		g, ok := given[p.Name]
		switch {
		case !ok && p.Given:
			values[p.Name] = p.Default
		case !ok:
			errs = append(errs, missing(p))
		default:
			value, err := p.from(g)
			if err != nil {
				errs = append(errs, &ParamError{Name: p.Name, Message: err.Error(), Hint: p.Help})
				continue
			}
			values[p.Name] = value
		}
	}
	for _, name := range sortedKeys(given) {
		if !containsString(names, name) {
			hint := source.DidYouMean(name, names)
			if hint == "" && len(names) > 0 {
				hint = "it takes " + strings.Join(names, ", ")
			} else if hint == "" {
				hint = "it takes none"
			}
			errs = append(errs, &ParamError{Name: name, Message: fmt.Sprintf("runbook %q has no such param", rb.Name), Hint: hint})
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return values, nil
}

func missing(p *Param) *ParamError {
	e := &ParamError{Name: p.Name, Message: "is required"}
	if p.Help != "" {
		e.Message += ": " + p.Help
	}
	e.Hint = fmt.Sprintf("-p %s=…", p.Name)
	return e
}

func (p *Param) from(g Given) (any, error) {
	if g.Text != nil {
		return p.Parse(*g.Text)
	}
	if n, ok := g.Value.(int); ok && p.Type == "string" { // version: 12 in a params file
		return p.check(strconv.Itoa(n))
	}
	return p.check(g.Value)
}

// ReadParams reads a params file: a map of names and values.
func ReadParams(path string) (map[string]Given, error) {
	node, err := source.ReadFile(path, path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("cannot read the params file: %s does not exist", path)
		}
		return nil, err
	}
	if node.Kind != source.Map {
		return nil, source.Problems{node.Problem("a params file is a map of names and values", "version: v1.4.2")}
	}
	given := map[string]Given{}
	for _, p := range node.Pairs {
		given[p.Key.Text] = Given{Value: p.Value.Value()}
		if p.Value.Kind == source.Scalar { // the source text decides: 1.10 stays 1.10
			text := p.Value.Text
			given[p.Key.Text] = Given{Text: &text}
		}
	}
	return given, nil
}
