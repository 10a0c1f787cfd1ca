package importer

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/opsctl/opsctl/internal/source"
)

// flowWidthMax is how long a list may be that is written on one line.
const flowWidthMax = 70

var (
	simple   = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_/.+-]*( [A-Za-z0-9_/.+=-]+)*$`)
	flowWord = regexp.MustCompile(`^[A-Za-z0-9_/.%+-]+$`)
)

// oneLine writes a text on one line: without quotes where it can be, else in single quotes, else in double quotes.
func oneLine(text string) string {
	if plain(text) {
		return text
	}
	if strings.IndexFunc(text, unprintable) < 0 {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return doubleQuoted(text)
}

// plain tells whether a text needs no quotes. The reader of YAML is asked, in the places where a text can stand.
func plain(text string) bool {
	if _, isText := source.ParseScalar(text).(string); !isText || strings.IndexFunc(text, unprintable) >= 0 {
		return false
	}
	if simple.MatchString(text) {
		return true
	}
	n, err := source.Parse(&source.File{Text: "k: " + text + "\n"})
	if err != nil || !isPlain(n.Get("k"), text) {
		return false
	}
	n, err = source.Parse(&source.File{Text: "- " + text + "\n"})
	return err == nil && n.Kind == source.List && len(n.Items) == 1 && isPlain(n.Items[0], text)
}

func isPlain(n *source.Node, text string) bool {
	return n != nil && n.Kind == source.Scalar && n.Style == source.Plain && n.Tag == "" && n.Text == text
}

// unprintable tells what cannot stand in a line of YAML as it is: control characters, and what YAML takes for the end of
// a line.
func unprintable(r rune) bool {
	return r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == unicode.ReplacementChar || r != ' ' && !unicode.IsPrint(r)
}

func doubleQuoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unprintable(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// scalar writes a key and a text; several lines stand in a block.
func (w *writer) scalar(indent int, key, text string) {
	lines, ok := block(text)
	if !ok {
		w.line(indent, key+": "+oneLine(text))
		return
	}
	w.line(indent, key+": "+lines[0])
	for _, line := range lines[1:] {
		if line == "" {
			w.line(0, "")
			continue
		}
		// Not by line: what a text ends its lines with belongs to it.
		w.lines = append(w.lines, strings.Repeat("  ", indent+1)+line)
		w.owners = append(w.owners, w.owner)
	}
}

// block gives the lines of a text as a literal block, its header first.
func block(text string) ([]string, bool) {
	unfit := func(r rune) bool { return r != '\n' && r != '\t' && unprintable(r) }
	body := strings.TrimRight(text, "\n")
	if !strings.Contains(strings.TrimSpace(text), "\n") && !strings.HasSuffix(text, "\n") || body == "" || strings.IndexFunc(text, unfit) >= 0 {
		return nil, false
	}
	header := "|"
	if strings.ContainsAny(text[:1], " \n\t") {
		header += "2"
	}
	lines := strings.Split(body, "\n")
	switch len(text) - len(body) {
	case 0:
		if len(lines) > 1 {
			header += "-"
		}
	case 1:
	default:
		header += "+"
		lines = append(lines, make([]string, len(text)-len(body)-1)...)
	}
	lines = append([]string{header}, lines...)
	n, err := source.Parse(&source.File{Text: "k: " + strings.Join(lines, "\n  ") + "\n"})
	if err != nil || n.Get("k") == nil || n.Get("k").Text != text {
		return nil, false
	}
	return lines, true
}

// flow writes a short list of simple words on one line.
func (w *writer) flow(list []value) (string, bool) {
	words := make([]string, len(list))
	width := 0
	for i, v := range list {
		switch v := v.(type) {
		case string:
			words[i] = v
			if _, isText := source.ParseScalar(v).(string); !isText || !flowWord.MatchString(v) || v == "-" {
				return "", false
			}
		case bare:
			words[i] = string(v)
		default:
			return "", false
		}
		width += len(words[i]) + 2
	}
	return "[" + strings.Join(words, ", ") + "]", width <= flowWidthMax
}

// harmless makes a text fit for a comment.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, text)
}
