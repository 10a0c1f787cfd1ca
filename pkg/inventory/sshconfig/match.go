package sshconfig

import (
	"errors"
	"fmt"
	"strings"
)

// Match tells whether a pattern of "*" and "?" fits a whole name, case counting.
// It takes time proportional to the product of the lengths at worst.
func Match(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchList evaluates "a*,!b": one must fit and no negated one may.
func matchList(list, name string, fold bool) bool {
	if fold {
		list, name = strings.ToLower(list), strings.ToLower(name)
	}
	matched := false
	for pattern := range strings.SplitSeq(list, ",") {
		bare, negated := strings.CutPrefix(pattern, "!")
		if Match(bare, name) {
			if negated {
				return false
			}
			matched = true
		}
	}
	return matched
}

// hostPattern is one word of a Host line.
type hostPattern struct {
	negated bool
	text    string
}

func parseHosts(args []string) []hostPattern {
	patterns := make([]hostPattern, len(args))
	for i, arg := range args {
		bare, negated := strings.CutPrefix(arg, "!")
		patterns[i] = hostPattern{negated: negated, text: bare}
	}
	return patterns
}

func matchHosts(patterns []hostPattern, host string) bool {
	matched := false
	for _, p := range patterns {
		if Match(p.text, host) {
			if p.negated {
				return false
			}
			matched = true
		}
	}
	return matched
}

// concrete gives the only names that can match, or nil when any can.
func concrete(patterns []hostPattern) []string {
	if patterns == nil {
		return nil
	}
	names := []string{}
	for _, p := range patterns {
		switch {
		case p.negated:
		case strings.ContainsAny(p.text, "*?"):
			return nil
		default:
			names = append(names, p.text)
		}
	}
	return names
}

// criterion is one condition of a Match line.
type criterion struct {
	negated bool
	kind    string
	arg     string
}

// parseCriteria reads a Match line.
func parseCriteria(line string) ([]criterion, error) {
	_, rest := splitKeyword(line)
	words, err := splitCriteria(rest)
	if err != nil {
		return nil, err
	}
	var list []criterion
	for i := 0; i < len(words); i++ {
		kind, negated := strings.CutPrefix(strings.ToLower(words[i]), "!")
		c := criterion{negated: negated, kind: kind}
		switch kind {
		case "all":
			if i+1 < len(words) || len(list) > 1 { // exactly as strict as OpenSSH
				return nil, errors.New(`"all" cannot be combined with other conditions of Match`)
			}
		case "canonical", "final":
		case "host", "originalhost", "user", "localuser", "exec", "localnetwork", "tagged", "sessiontype", "command", "version":
			if i++; i >= len(words) {
				return nil, fmt.Errorf("the value of %q is missing", kind)
			}
			c.arg = words[i]
		default:
			return nil, fmt.Errorf("cannot understand the condition %q of Match", words[i])
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("Match needs a condition")
	}
	return list, nil
}

// splitCriteria splits at spaces and "="; of quotes, those around a whole word.
func splitCriteria(text string) ([]string, error) {
	var words []string
	for {
		text = strings.TrimLeft(text, whitespace)
		if text == "" || text[0] == '#' {
			return words, nil
		}
		if quote := text[0]; quote == '"' || quote == '\'' {
			end := strings.IndexByte(text[1:], quote)
			if end < 0 {
				return nil, errors.New("a quote is not closed")
			}
			words = append(words, text[1:end+1])
			text = text[end+2:]
			continue
		}
		end := strings.IndexAny(text, whitespace+`="`)
		if end < 0 {
			return append(words, text), nil
		}
		words = append(words, text[:end])
		text = strings.TrimLeft(text[end:], whitespace)
		text = strings.TrimPrefix(text, "=")
	}
}
