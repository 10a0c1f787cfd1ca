package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// FoldHosts writes names shortly: web1 web2 web3 db1 becomes web[1-3],db1. Kinds of names stand in
// the order of their first host, numbers ascending; leading zeros are kept.
func FoldHosts(names []string) string { return strings.Join(foldParts(names), ",") }

// foldWithin is FoldHosts that counts what does not fit into width columns.
func foldWithin(names []string, width int) string {
	parts := foldParts(names)
	whole := strings.Join(parts, ",")
	if ansi.StringWidth(whole) <= width || len(names) < 2 {
		return whole
	}
	if len(parts) > 1 && ansi.StringWidth(parts[0]) <= width-12 {
		rest := len(names) - countIn(parts[0])
		if first := ansi.StringWidth(parts[0]); first > 0 && rest > 0 {
			return fmt.Sprintf("%s and %d more", parts[0], rest)
		}
	}
	return fmt.Sprintf("%d hosts", len(names))
}

// countIn gives how many names a folded part stands for.
func countIn(part string) int {
	open, end := strings.LastIndexByte(part, '['), strings.LastIndexByte(part, ']')
	if open < 0 || end < open {
		return 1
	}
	count := 0
	for _, r := range strings.Split(part[open+1:end], ",") {
		low, high, isRange := strings.Cut(r, "-")
		if !isRange {
			count++
			continue
		}
		a, errA := strconv.Atoi(low)
		b, errB := strconv.Atoi(high)
		if errA != nil || errB != nil {
			return 1
		}
		count += b - a + 1
	}
	return count
}

// numbered is a name around the number that varies.
type numbered struct{ prefix, digits, suffix string }

type foldKey struct {
	prefix, suffix string
	width          int // of zero-padded numbers; 0: not padded
}

type foldGroup struct {
	key     foldKey
	name    string // a name without a number
	numbers []int
}

func foldParts(names []string) []string {
	padded := map[foldKey]bool{}
	split := make([]numbered, len(names))
	for i, name := range names {
		n := splitName(name)
		split[i] = n
		if len(n.digits) > 1 && n.digits[0] == '0' {
			padded[foldKey{n.prefix, n.suffix, len(n.digits)}] = true
		}
	}
	groups := map[foldKey]*foldGroup{}
	plain := map[string]bool{}
	var order []*foldGroup
	for i, name := range names {
		n := split[i]
		if n.digits == "" {
			if !plain[name] {
				plain[name] = true
				order = append(order, &foldGroup{name: name})
			}
			continue
		}
		key := foldKey{n.prefix, n.suffix, len(n.digits)}
		if !padded[key] {
			key.width = 0
		}
		g := groups[key]
		if g == nil {
			g = &foldGroup{key: key}
			groups[key] = g
			order = append(order, g)
		}
		number, err := strconv.Atoi(n.digits)
		if err != nil { // cannot be: digitsMax digits, and nothing else
			continue
		}
		g.numbers = append(g.numbers, number)
	}
	parts := make([]string, len(order))
	for i, g := range order {
		parts[i] = g.String()
	}
	return parts
}

// splitName finds the number that varies: the last one of the first label, of an address the
// last one of all.
func splitName(name string) numbered {
	label, _, _ := strings.Cut(name, ".")
	if strings.Trim(name, "0123456789.") == "" {
		label = name
	}
	end := strings.LastIndexFunc(label, isDigit) + 1
	start := end
	for start > 0 && isDigit(rune(label[start-1])) {
		start--
	}
	if start == end || end-start > digitsMax || strings.ContainsAny(name, "[],") {
		return numbered{prefix: name}
	}
	return numbered{name[:start], name[start:end], name[end:]}
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func (g *foldGroup) String() string {
	if g.name != "" || len(g.numbers) == 0 {
		return g.name
	}
	slices.Sort(g.numbers)
	numbers := slices.Compact(g.numbers)
	if len(numbers) == 1 {
		return g.key.prefix + g.text(numbers[0]) + g.key.suffix
	}
	var ranges []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i == j {
			ranges = append(ranges, g.text(numbers[i]))
		} else {
			ranges = append(ranges, g.text(numbers[i])+"-"+g.text(numbers[j]))
		}
		i = j + 1
	}
	return g.key.prefix + "[" + strings.Join(ranges, ",") + "]" + g.key.suffix
}

func (g *foldGroup) text(n int) string { return fmt.Sprintf("%0*d", g.key.width, n) }
