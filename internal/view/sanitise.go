package view

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitiser makes output safe for a terminal. Text, tabs, newlines and colour pass; every other
// control sequence and every invisible or bidirectional control character is shown, not obeyed.
// Output may be cut anywhere between two calls. The zero value shows ASCII without colour.
type Sanitiser struct {
	Colour  bool // colour sequences pass; else they are left out
	Unicode bool // text outside ASCII passes; else it is shown as \u00e9
	held    []byte
}

// Sanitise makes a whole text safe for a terminal that shows UTF-8.
func Sanitise(s string) string { return (&Sanitiser{Colour: true, Unicode: true}).Whole(s) }

// Whole makes a whole text safe.
func (s *Sanitiser) Whole(text string) string {
	out := s.Append(make([]byte, 0, len(text)), []byte(text))
	return string(s.Flush(out))
}

// Append writes the safe form of p to dst. What cannot be told yet is held for the next call.
func (s *Sanitiser) Append(dst, p []byte) []byte {
	if len(s.held) > 0 {
		p = append(s.held, p...)
	}
	for len(p) > 0 {
		n, whole := s.next(p)
		if !whole {
			s.held = append(s.held[:0:0], p...)
			return dst
		}
		dst = s.write(dst, p[:n])
		p = p[n:]
	}
	s.held = s.held[:0]
	return dst
}

// Flush writes what was held: nothing more comes.
func (s *Sanitiser) Flush(dst []byte) []byte {
	p := s.held
	s.held = nil
	for len(p) > 0 {
		n, whole := s.next(p)
		if !whole {
			n = 1
		}
		dst = s.write(dst, p[:n])
		p = p[n:]
	}
	return dst
}

// next gives the length of the next unit: a rune, an invalid byte, a colour sequence, or \r\n.
// It is not whole where its kind depends on bytes still to come.
func (s *Sanitiser) next(p []byte) (n int, whole bool) {
	switch {
	case p[0] == 0x1b:
		return colourLength(p)
	case p[0] == '\r':
		if len(p) == 1 {
			return 1, false
		}
		if p[1] == '\n' {
			return 2, true
		}
		return 1, true
	case p[0] < utf8.RuneSelf:
		return 1, true
	case !utf8.FullRune(p):
		return 1, false
	}
	_, n = utf8.DecodeRune(p)
	return n, true
}

// colourLength gives the length of the SGR sequence p starts with, or 1: the ESC alone is shown.
func colourLength(p []byte) (n int, whole bool) {
	for i := 1; i < len(p); i++ {
		c := p[i]
		switch {
		case i == 1 && c == '[':
		case i > 1 && i < sgrBytesMax && (isDigit(rune(c)) || c == ';' || c == ':'):
		case i > 1 && c == 'm' && onlyColour(string(p[2:i])):
			return i + 1, true
		default:
			return 1, true
		}
	}
	return 1, false
}

// onlyColour refuses what hides or blinks: 5, 6 and 8. Arguments of 38, 48 and 58 are no codes.
func onlyColour(params string) bool {
	list := strings.Split(params, ";")
	for i := 0; i < len(list); i++ {
		code := strings.TrimLeft(list[i], "0")
		switch code {
		case "5", "6", "8":
			return false
		case "38", "48", "58":
			if i+1 < len(list) && list[i+1] == "5" {
				i += 2
			} else if i+1 < len(list) && list[i+1] == "2" {
				i += 4
			}
		default:
			if sub, _, more := strings.Cut(code, ":"); more && sub != "38" && sub != "48" && sub != "58" && sub != "4" {
				return false
			}
		}
	}
	return true
}

func (s *Sanitiser) write(dst, unit []byte) []byte {
	switch {
	case len(unit) > 2 && unit[0] == 0x1b:
		if s.Colour {
			return append(dst, unit...)
		}
		return dst
	case len(unit) == 2 && unit[0] == '\r':
		return append(dst, '\n')
	case unit[0] == '\n' || unit[0] == '\t' || unit[0] >= ' ' && unit[0] < 0x7f:
		return append(dst, unit...)
	case unit[0] < ' ' || unit[0] == 0x7f:
		return s.control(dst, unit[0])
	}
	r, n := utf8.DecodeRune(unit)
	switch {
	case r == utf8.RuneError && n <= 1:
		return fmt.Appendf(dst, `\x%02x`, unit[0])
	case !s.Unicode && r > 0xffff || hidden(r) && r > 0xffff:
		return fmt.Appendf(dst, `\U%08x`, r)
	case !s.Unicode || hidden(r):
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	return append(dst, unit...)
}

func (s *Sanitiser) control(dst []byte, c byte) []byte {
	switch {
	case !s.Unicode:
		return append(dst, '^', c^0x40)
	case c == 0x7f:
		return utf8.AppendRune(dst, '␡')
	}
	return utf8.AppendRune(dst, '␀'+rune(c))
}

// hidden tells of characters that steer a terminal or reorder text without being seen. The two
// joiners stay: some scripts cannot be written without them.
func hidden(r rune) bool {
	if r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// oneLine makes a text safe for one cell or line: no colour, no tabs, no newlines.
func (t Theme) oneLine(s string) string {
	safe := (&Sanitiser{Unicode: t.Unicode}).Whole(s)
	return strings.Join(strings.FieldsFunc(safe, func(r rune) bool { return r == '\n' || r == '\t' }), " ")
}

// lastLines gives the last n lines of a text, safe, without colour.
func (t Theme) lastLines(s string, n int) []string {
	safe := (&Sanitiser{Unicode: t.Unicode}).Whole(strings.TrimRight(s, "\r\n"))
	if safe == "" {
		return nil
	}
	lines := strings.Split(strings.ReplaceAll(safe, "\t", "    "), "\n")
	return lines[max(0, len(lines)-n):]
}

// resetAfter ends colour at the end of a line that has some.
func resetAfter(line []byte) []byte {
	if bytes.IndexByte(line, 0x1b) >= 0 {
		return append(line, "\x1b[0m"...)
	}
	return line
}
