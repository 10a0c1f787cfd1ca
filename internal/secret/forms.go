package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of the masker, in one place.
const (
	charsMin    = 4    // a shorter secret, or line of one, is not masked
	patternMin  = 4    // bytes; the index is by the first four of a pattern
	patternMax  = 4096 // bytes; a longer form is looked for in pieces, so that comparing has an end
	patternCut  = 64   // bytes of such a piece
	wrappedMin  = 48   // characters of base64 or hex that some tool may break into lines
	wrappedBits = 48   // of the secret, in the part of such a text that is found alone
)

// forms lists every text in which a secret is looked for, some of them twice.
func forms(secret string) []string {
	var found []string
	for _, text := range texts(secret) {
		found = append(found, text)
		found = append(found, base64Forms(text)...)
		found = append(found, hexForms(text)...)
		found = append(found, percentForms(text)...)
		found = append(found, quotedForms(text)...)
		found = append(found, shellForms(text)...)
	}
	return found
}

// texts are the secret itself, without surrounding space (a file read by $(cat) loses its last
// newline), and each of its lines.
func texts(secret string) []string {
	list := []string{secret, strings.TrimSpace(secret), strings.ReplaceAll(secret, "\n", "\r\n")}
	for line := range strings.Lines(secret) {
		if !strings.HasPrefix(line, "-----") { // the armour of a key is no secret
			list = append(list, strings.TrimRight(line, "\r\n"), strings.TrimSpace(line))
		}
	}
	seen := map[string]bool{}
	kept := list[:0]
	for _, text := range list {
		if utf8.RuneCountInString(text) >= charsMin && !seen[text] {
			seen[text] = true
			kept = append(kept, text)
		}
	}
	return kept
}

// base64Forms finds the text alone and inside of a longer base64 text: there it can start at one
// of three alignments, and what depends on it alone begins after, and ends before, the characters
// it shares with its neighbours.
func base64Forms(text string) []string {
	var found []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		raw := enc.WithPadding(base64.NoPadding)
		found = append(found, enc.EncodeToString([]byte(text)), raw.EncodeToString([]byte(text)))
		for before, shared := range []int{0, 2, 3} {
			whole := raw.EncodeToString(append(make([]byte, before), text...))
			own := whole[shared : 8*(before+len(text))/6]
			found = append(found, own)
			found = append(found, parts(own, text, 6, 6*shared-8*before)...)
		}
	}
	return found
}

func hexForms(text string) []string {
	lower := hex.EncodeToString([]byte(text))
	upper := strings.ToUpper(lower)
	found := []string{lower, upper}
	found = append(found, parts(lower, text, 4, 0)...)
	found = append(found, parts(upper, text, 4, 0)...)
	for _, pair := range []string{"%02x:", "%02X:", "%02x ", "%02X ", `\x%02x`, `\x%02X`, `\%03o`} {
		found = append(found, strings.TrimRight(eachByte(text, pair), ": "))
	}
	return found
}

// parts cuts a long encoded text into pieces that are looked for alone, because base64, openssl
// and xxd break long lines where they like. Neighbours are merged again by the masker. What
// encodes the dashes around a key is left out: other people's certificates have them too.
// A character of encoded stands for the given bits, the first one begins at bit skip of text.
func parts(encoded, text string, bits, skip int) []string {
	if len(encoded) < wrappedMin {
		return nil
	}
	size := wrappedBits / bits
	var found []string
	for at := 0; at+size <= len(encoded); at += size {
		from, to := (at*bits+skip)/8, min(((at+size)*bits+skip+7)/8, len(text))
		if !strings.Contains(text[from:to], "---") {
			found = append(found, encoded[at:at+size])
		}
	}
	return found
}

func percentForms(text string) []string {
	query, path := url.QueryEscape(text), url.PathEscape(text)
	return []string{
		query, lowerPercent(query), path, lowerPercent(path),
		strings.ReplaceAll(query, "+", "%20"), lowerPercent(strings.ReplaceAll(query, "+", "%20")),
		(&url.URL{Path: text}).EscapedPath(), url.UserPassword("", text).String()[1:],
		eachByte(text, "%%%02X"), eachByte(text, "%%%02x"),
	}
}

// lowerPercent writes %2F as %2f and leaves the rest.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}

// quotedForms are the insides of the quoted strings of JSON, Go, Python, YAML and XML.
func quotedForms(text string) []string {
	var found []string
	if encoded, err := json.Marshal(text); err == nil { // a string always can be encoded
		found = append(found, inner(string(encoded)))
	}
	plain := jsonPlain(text)
	goQuoted, ascii := inner(strconv.Quote(text)), inner(strconv.QuoteToASCII(text))
	xml := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	html := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
	goHTML := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
	aposHTML := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	hexHTML := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;")
	return append(found,
		plain, strings.ReplaceAll(plain, "/", `\/`),
		jsonASCII(plain, `\u%04x`), jsonASCII(plain, `\u%04X`),
		// The log of a program that quotes JSON once more.
		jsonPlain(plain),
		goQuoted, ascii,
		strings.ReplaceAll(strings.ReplaceAll(goQuoted, `\"`, `"`), "'", `\'`), // Python's repr
		strings.ReplaceAll(text, "'", "''"),                                    // YAML and SQL
		xml.Replace(text), html.Replace(text), goHTML.Replace(text), aposHTML.Replace(text), hexHTML.Replace(text),
	)
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

// jsonPlain escapes only what JSON demands, as jq does.
func jsonPlain(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch short := strings.IndexByte("\"\\\n\r\t\b\f", c); {
		case short >= 0:
			b.WriteByte('\\')
			b.WriteByte(`"\nrtbf`[short])
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// jsonASCII escapes what is not ASCII, as Python does.
func jsonASCII(plain, escape string) string {
	var b strings.Builder
	for _, r := range plain {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, escape+escape, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&b, escape, r)
		}
	}
	return b.String()
}

// shellForms are the insides of the ways a shell quotes a word, as set -x and printf %q print it.
func shellForms(text string) []string {
	double := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")
	ansi := strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x1b", `\E`)
	return []string{
		strings.ReplaceAll(text, "'", `'\''`),
		strings.ReplaceAll(text, "'", `'"'"'`),
		double.Replace(text),
		strings.ReplaceAll(double.Replace(text), "!", `\!`),
		ansi.Replace(text),
		backslashed(text, func(c byte) bool { return c < 0x80 && !isWord(c) && !strings.ContainsRune("%+-./:=@_", rune(c)) }),
		backslashed(text, func(c byte) bool { return c < 0x80 && !isWord(c) && !strings.ContainsRune("%+-./:=@_,", rune(c)) }),
		backslashed(text, func(c byte) bool { return c < 0x80 && !isWord(c) }),
	}
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
}

func backslashed(text string, special func(byte) bool) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if special(c) {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

func eachByte(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}
