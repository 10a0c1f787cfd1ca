package inventory

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// strings reads texts in quotes; several that follow each other are one.
func (p *literalParser) strings() (any, error) {
	var out strings.Builder
	bytesSeen, textSeen := false, false
	for {
		open := literalQuote.FindStringSubmatch(p.text[p.at:])
		if open == nil {
			break
		}
		prefix := strings.ToLower(open[1])
		switch prefix {
		case "", "r", "u":
			textSeen = true
		case "b", "br", "rb":
			bytesSeen = true
		default: // f"…" is evaluated, so it is no literal; the others do not exist
			return nil, errNoLiteral
		}
		p.at += len(open[0])
		text, err := p.quoted(open[2], strings.Contains(prefix, "r"))
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
		p.space()
	}
	switch {
	case bytesSeen && textSeen:
		return nil, errNoLiteral
	case bytesSeen:
		return nil, strangeError("a string of bytes")
	}
	return out.String(), nil
}

// quoted reads up to the mark that closes it.
func (p *literalParser) quoted(mark string, raw bool) (string, error) {
	var out strings.Builder
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case strings.HasPrefix(rest, mark):
			p.at += len(mark)
			return out.String(), nil
		case rest[0] == '\\' && raw && len(rest) > 1:
			out.WriteString(rest[:2])
			p.at += 2
		case rest[0] == '\\' && !raw:
			if err := p.escape(&out); err != nil {
				return "", err
			}
		default:
			out.WriteByte(rest[0])
			p.at++
		}
	}
	return "", errNoLiteral
}

var escapes = map[byte]string{'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

// escape reads what begins with a backslash. One that means nothing stays, as Python has it.
func (p *literalParser) escape(out *strings.Builder) error {
	p.at++
	if p.at >= len(p.text) {
		return errNoLiteral
	}
	c := p.text[p.at]
	p.at++
	if plain, ok := escapes[c]; ok {
		out.WriteString(plain)
		return nil
	}
	switch {
	case c == 'x':
		return p.code(out, 2, 16)
	case c == 'u':
		return p.code(out, 4, 16)
	case c == 'U':
		return p.code(out, 8, 16)
	case c == 'N':
		return strangeError("a character by its name")
	case c >= '0' && c <= '7':
		p.at--
		n := 1
		for n < 3 && p.at+n < len(p.text) && p.text[p.at+n] >= '0' && p.text[p.at+n] <= '7' {
			n++
		}
		return p.code(out, n, 8)
	}
	out.WriteByte('\\')
	out.WriteByte(c)
	return nil
}

// code reads a character by its number, of so many digits.
func (p *literalParser) code(out *strings.Builder, digits, base int) error {
	if p.at+digits > len(p.text) {
		return errNoLiteral
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+digits], base, 32)
	if err != nil || n > utf8.MaxRune {
		return errNoLiteral
	}
	if n >= 0xd800 && n <= 0xdfff {
		return strangeError("half a character")
	}
	p.at += digits
	out.WriteRune(rune(n))
	return nil
}
