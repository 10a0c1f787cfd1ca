package importer

import (
	"regexp"
	"strings"
)

// inScript puts phrases one after the other into a script. What the other tool would insert as code, where it stands without
// quotes, is inserted as it stands here too.
func inScript(pieces []phrase) script {
	var b strings.Builder
	writeScript(&b, pieces)
	return script(b.String())
}

func writeScript(b *strings.Builder, pieces []phrase) {
	for _, p := range pieces {
		switch {
		case len(p.pieces) > 0:
			writeScript(b, p.pieces)
		case p.code && !inQuotes(b.String()):
			b.WriteString("${{ raw(" + p.expr + ") }}")
		default:
			b.WriteString(p.inText())
		}
	}
}

// inQuotes tells whether a place of a script stands inside '…' or "…".
func inQuotes(before string) bool {
	var open byte
	for i := 0; i < len(before); i++ {
		switch c := before[i]; {
		case c == '\\' && open != '\'':
			i++
		case open == c:
			open = 0
		case open == 0 && (c == '\'' || c == '"'):
			open = c
		case open == 0 && c == '#' && (i == 0 || strings.IndexByte(" \n\t;", before[i-1]) >= 0):
			end := strings.IndexByte(before[i:], '\n')
			if end < 0 {
				return false
			}
			i += end
		}
	}
	return open != 0
}

var (
	safeWord  = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,~^-]+$`)
	shellSign = regexp.MustCompile("[|&;<>()$`*?#\\[\\]{}!\n]")
	manyWords = regexp.MustCompile("[\\s|&;<>()$`*?#\\\\'\"]")
	compound  = regexp.MustCompile(`[;&|\n#]`)
	bashism   = regexp.MustCompile(`\[\[ |<\(|&>|\bdeclare \b|\bpushd\b|\bsource \b|<<<|\bset -o pipefail|\bset -[a-z]*o pipefail|=\(`)
)

// shellWord writes a text as one word of a shell script.
func shellWord(s string) string {
	if safeWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// wordOf writes phrases as one word of a shell script. Values need no quotes: they always are one word.
func wordOf(pieces []phrase) string {
	var b strings.Builder
	writeWord(&b, pieces)
	if b.Len() == 0 {
		return "''"
	}
	return b.String()
}

func writeWord(b *strings.Builder, pieces []phrase) {
	for _, p := range pieces {
		switch {
		case len(p.pieces) > 0:
			writeWord(b, p.pieces)
		case !p.fixed:
			b.WriteString(p.inText())
		case p.known != "":
			b.WriteString(plainText(shellWord(p.known)))
		}
	}
}

// grouped makes one command of a script that may be several.
func grouped(s string) string {
	s = strings.TrimSpace(s)
	if !compound.MatchString(s) {
		return s
	}
	if strings.ContainsAny(s, "\n#") {
		return "(\n" + s + "\n)"
	}
	return "(" + s + ")"
}

// orSay fails with a message where a script fails.
func orSay(s, message string) script {
	if message == "" {
		return script(s)
	}
	return script(grouped(s) + " || { echo " + message + " >&2; exit 1; }")
}

// shellWords takes a command apart as a shell does, which a tool that uses no shell does as well. {{ }} is not looked into.
func shellWords(s string) ([]string, error) {
	var words []string
	var b strings.Builder
	open, begun := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case strings.HasPrefix(s[i:], "{{"):
			end := templateEnd(s[i+2:])
			if end < 0 {
				return nil, unsaid("{{ without }} in %q", brief(s))
			}
			b.WriteString(s[i : i+2+end+2])
			i, begun = i+end+3, true
		case c == '\\' && open != '\'' && i+1 < len(s):
			i++
			if open == '"' && s[i] != '"' && s[i] != '\\' {
				b.WriteByte(c)
			}
			b.WriteByte(s[i])
			begun = true
		case c == open && open != 0:
			open = 0
		case open == 0 && (c == '\'' || c == '"'):
			open, begun = c, true
		case open == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if begun {
				words = append(words, b.String())
			}
			b.Reset()
			begun = false
		default:
			b.WriteByte(c)
			begun = true
		}
	}
	if open != 0 {
		return nil, unsaid("a quote that is not closed in %q", brief(s))
	}
	if begun {
		words = append(words, b.String())
	}
	return words, nil
}
