package shell

import "strings"

// Quote makes any text without NUL one word of a POSIX shell, by single quotes: inside them nothing
// is special but the quote itself (POSIX.1-2024, XCU 2.2.2). The result is quoted even where it need
// not be, so that it is never taken for a keyword, a number before > or an assignment.
func Quote(s string) string {
	return "'" + quoteInner(s) + "'"
}

// quoteInner makes text stand between single quotes that are already open.
func quoteInner(s string) string {
	return strings.ReplaceAll(s, "'", `'\''`)
}

// documentText makes text stand in the body of an unquoted here-document, where the
// shell looks for these three only (POSIX.1-2024, XCU 2.7.4).
func documentText(s string) string {
	if !strings.ContainsAny(s, "\\$`") {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`").Replace(s)
}
