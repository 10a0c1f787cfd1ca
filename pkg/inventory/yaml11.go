package inventory

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Ansible reads YAML 1.1, where more words are booleans and more texts are numbers than in our own files.
var (
	yaml11Bool  = map[string]bool{"yes": true, "no": false, "true": true, "false": false, "on": true, "off": false}
	yaml11Float = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$`)
	yaml11Base  = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$`)
	yaml11Odd   = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	yaml11Int   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
)

// yaml11Scalar reads a plain scalar as PyYAML does. Dates stay text. strange tells of a value that
// cannot be kept as what it is; it is the text then.
func yaml11Scalar(text string) (value any, strange string) {
	lower := strings.ToLower(text)
	if b, ok := yaml11Bool[lower]; ok && (text == lower || text == strings.ToUpper(text) || text[1:] == lower[1:]) {
		return b, ""
	}
	switch {
	case text == "" || text == "~" || text == "null" || text == "Null" || text == "NULL":
		return nil, ""
	case yaml11Odd.MatchString(text):
		return text, "a number without end"
	case yaml11Float.MatchString(text):
		f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
		if err != nil || math.IsInf(f, 0) {
			return text, "a number without end"
		}
		return f, ""
	case yaml11Base.MatchString(text):
		return sixties(text), ""
	case yaml11Int.MatchString(text):
		return yaml11Integer(text)
	}
	return text, ""
}

func yaml11Integer(text string) (any, string) {
	digits := strings.ReplaceAll(text, "_", "")
	sign := strings.HasPrefix(digits, "-")
	digits = strings.TrimLeft(digits, "+-")
	if strings.Contains(digits, ":") {
		n := sixties(text)
		if math.Abs(n) >= 1<<62 {
			return text, "a number of more than 64 bits"
		}
		return int(n), ""
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	}
	n, err := strconv.ParseInt(digits, base, 0)
	if err != nil {
		return text, "a number of more than 64 bits"
	}
	if sign {
		n = -n
	}
	return int(n), ""
}

// sixties reads 1:30:00, which YAML 1.1 takes for a number to the base of 60.
func sixties(text string) float64 {
	text = strings.ReplaceAll(text, "_", "")
	sum := 0.0
	for _, part := range strings.Split(strings.TrimLeft(text, "+-"), ":") {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil { // the patterns above let nothing else through
			return 0
		}
		sum = sum*60 + n
	}
	if strings.HasPrefix(text, "-") {
		return -sum
	}
	return sum
}

// jsonScalar reads what stands without quotes in JSON.
func jsonScalar(text string) (value any, strange string) {
	switch text {
	case "true":
		return true, ""
	case "false":
		return false, ""
	}
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 0)
		if err != nil {
			return text, "a number of more than 64 bits"
		}
		return int(n), ""
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text, "a number without end"
	}
	return f, ""
}

// scalarReader reads a scalar that has no quotes: yaml11Scalar or jsonScalar.
type scalarReader func(text string) (value any, strange string)

// valueReader turns nodes into the values that Ansible would have of them.
type valueReader struct {
	*troubles
	scalar scalarReader
	tagged bool // the file holds "!!": tags of YAML itself, which nodes do not keep
}

func newValueReader(t *troubles, file *source.File, scalar scalarReader) valueReader {
	return valueReader{troubles: t, scalar: scalar, tagged: strings.Contains(file.Text, "!!")}
}

// value gives the value of a node. sealed tells of one that only ansible-vault can open, somewhere in it.
func (r *valueReader) value(n *source.Node) (value any, sealed bool) {
	if n.Tag != "" && n.Tag != "!unsafe" {
		if n.Tag == "!vault" || n.Tag == "!vault-encrypted" {
			return nil, true
		}
		r.add(problemAt(n, fmt.Sprintf("cannot read the tag %s", n.Tag), "Ansible has !vault and !unsafe"))
		return nil, false
	}
	switch n.Kind {
	case source.Null:
		return nil, false
	case source.List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			inner, closed := r.value(item)
			list[i], sealed = inner, sealed || closed
		}
		return list, sealed
	case source.Map:
		return r.mapping(n)
	}
	if n.Style != source.Plain || n.Tag == "!unsafe" || r.isText(n) {
		return n.Text, false
	}
	value, strange := r.scalar(n.Text)
	if strange != "" {
		r.warn(n, fmt.Sprintf("%s is %s, which opsctl does not have; it is kept as text", quote(n.Text), strange), "")
	}
	return value, false
}

func (r *valueReader) mapping(n *source.Node) (any, bool) {
	pairs := make(map[string]any, len(n.Pairs))
	sealed := false
	for _, p := range n.Pairs {
		inner, closed := r.value(p.Value)
		pairs[p.Key.Text] = inner
		sealed = sealed || closed
	}
	if len(pairs) == 1 { // what Ansible's own JSON makes of the tags
		if text, ok := pairs["__ansible_unsafe"].(string); ok {
			return text, sealed
		}
		if _, ok := pairs["__ansible_vault"]; ok {
			return nil, true
		}
	}
	return pairs, sealed
}

// isText finds the tag !!str, and refuses the others of YAML itself.
func (r *valueReader) isText(n *source.Node) bool {
	if !r.tagged {
		return false
	}
	line := []rune(n.File.Line(n.Pos.Line))
	if n.Pos.Column < 1 || n.Pos.Column > len(line) {
		return false
	}
	rest := string(line[n.Pos.Column-1:])
	if !strings.HasPrefix(rest, "!!") {
		return false
	}
	tag, _, _ := strings.Cut(rest, " ")
	if tag != "!!str" {
		r.add(n.ProblemAt(0, len(tag), fmt.Sprintf("cannot read the tag %s", quote(tag)), "write the value so that it needs none"))
	}
	return true
}
