package importer

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// word is a token of Jinja.
type word struct {
	kind wordKind
	text string // of a string: its content
}

type wordKind int

const (
	wordEnd wordKind = iota
	wordName
	wordNumber
	wordString
	wordSign
)

var (
	jinjaName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	jinjaNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?`)
	jinjaSign   = regexp.MustCompile(`^(==|!=|<=|>=|//|\*\*|[-+*/%~<>|.,()\[\]{}:=])`)
)

// jinjaWords takes an expression of Jinja apart.
func jinjaWords(s string) ([]word, error) {
	var words []word
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t\r\n") {
		switch {
		case jinjaName.MatchString(s):
			t := jinjaName.FindString(s)
			words, s = append(words, word{wordName, t}), s[len(t):]
		case jinjaNumber.MatchString(s):
			t := jinjaNumber.FindString(s)
			words, s = append(words, word{wordNumber, t}), s[len(t):]
		case jinjaSign.MatchString(s):
			t := jinjaSign.FindString(s)
			words, s = append(words, word{wordSign, t}), s[len(t):]
		case s[0] == '"' || s[0] == '\'':
			t, rest, ok := jinjaString(s)
			if !ok {
				return nil, unsaid("a text that is not closed in %q", s)
			}
			words, s = append(words, word{wordString, t}), rest
		default:
			_, size := utf8.DecodeRuneInString(s)
			return nil, unsaid("%q in an expression", s[:size])
		}
	}
	return append(words, word{}), nil
}

func jinjaString(s string) (content, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == s[0]:
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\\', '\'', '"':
				b.WriteByte(s[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// part is a piece of a template: a text, or what stands between {{ and }}.
type part struct {
	text     string
	template bool
}

// templateParts takes a text apart at {{ and }}, past the strings inside.
func templateParts(s string) ([]part, error) {
	var parts []part
	for s != "" {
		begin := strings.Index(s, "{{")
		if begin < 0 {
			return append(parts, part{text: s}), nil
		}
		if begin > 0 {
			parts = append(parts, part{text: s[:begin]})
		}
		end := templateEnd(s[begin+2:])
		if end < 0 {
			return nil, unsaid("{{ without }} in %q", brief(s[begin:]))
		}
		parts = append(parts, part{s[begin+2 : begin+2+end], true})
		s = s[begin+2+end+2:]
	}
	return parts, nil
}

func templateEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'', '`':
			end := i + 1
			for ; end < len(s) && s[end] != c; end++ {
				if s[end] == '\\' && c != '`' {
					end++
				}
			}
			i = end
		case '{':
			depth++
		case '}':
			if depth == 0 && i+1 < len(s) && s[i+1] == '}' {
				return i
			}
			depth--
		}
	}
	return -1
}

// brief shortens a text for a message.
func brief(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > 60 {
		return string([]rune(s)[:60]) + "…"
	}
	return s
}
