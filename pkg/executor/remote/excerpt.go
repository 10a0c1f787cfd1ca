package remote

import "strings"

// excerpt shows a server's words in a message: printable ASCII, one line, not long.
func excerpt(words string) string {
	var b strings.Builder
	space := false
	for _, r := range words {
		if b.Len() >= excerptMax {
			b.WriteString("…")
			break
		}
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}
