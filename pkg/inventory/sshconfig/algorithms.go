package sshconfig

import (
	"slices"
	"strings"
)

// Algorithms applies what Ciphers, MACs, KexAlgorithms or HostKeyAlgorithms say to a list of
// defaults: a list replaces it, "+a,b" appends, "^a,b" puts to the front, "-a*" removes by pattern.
func Algorithms(spec string, defaults []string) []string {
	if spec == "" {
		return append([]string(nil), defaults...)
	}
	mode, names := spec[0], strings.Split(strings.TrimLeft(spec, "+-^"), ",")
	var out []string
	add := func(list []string) {
		for _, name := range list {
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	switch mode {
	case '+':
		add(defaults)
		add(names)
	case '^':
		add(names)
		add(defaults)
	case '-':
		for _, name := range defaults {
			if !fits(names, name) {
				add([]string{name})
			}
		}
	default:
		add(names)
	}
	return out
}

func fits(patterns []string, name string) bool {
	for _, p := range patterns {
		if Match(p, name) {
			return true
		}
	}
	return false
}
