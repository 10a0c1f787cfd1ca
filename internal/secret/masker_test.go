package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const canary = `Kn"ary/7 $x'+é&9<z`

// Threat T13, the masker's part.
func TestMaskerFindsEncodings(t *testing.T) {
	m := NewMasker(New(canary))
	asJSON, err := json.Marshal(map[string]string{"password": canary})
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	printed := map[string]string{
		"plain":              "password is " + canary + ", really",
		"json":               string(asJSON),
		"json in json":       strconv.Quote(jsonPlain(canary)),
		"base64":             b64([]byte(canary)),
		"base64 raw":         base64.RawStdEncoding.EncodeToString([]byte(canary)),
		"base64 url":         base64.URLEncoding.EncodeToString([]byte(canary)),
		"base64 raw url":     base64.RawURLEncoding.EncodeToString([]byte(canary)),
		"hex":                hex.EncodeToString([]byte(canary)),
		"hex upper":          strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"hex dump":           eachByte(canary, "%02x "),
		"query":              "https://x/?p=" + url.QueryEscape(canary) + "&q",
		"path":               "https://x/" + url.PathEscape(canary) + "/y",
		"userinfo":           (&url.URL{Scheme: "https", User: url.UserPassword("me", canary), Host: "x"}).String(),
		"query lower":        lowerPercent(url.QueryEscape(canary)),
		"percent everything": eachByte(canary, "%%%02X"),
		"single quoted":      "'" + strings.ReplaceAll(canary, "'", `'\''`) + "'",
		"go quoted":          fmt.Sprintf("%q", canary),
		"go ascii":           fmt.Sprintf("%+q", canary),
		"html":               html.EscapeString(canary),
		"python json":        `"` + jsonASCII(jsonPlain(canary), `\u%04x`) + `"`,
		"c escapes":          eachByte(canary, `\x%02x`),
	}
	for before := range 4 {
		for after := range 4 {
			text := strings.Repeat("a", before) + canary + strings.Repeat("b", after)
			printed[fmt.Sprintf("base64 %d+%d", before, after)] = b64([]byte(text))
		}
	}
	for name, text := range printed {
		masked := m.String(text)
		if !strings.Contains(masked, Mask) {
			t.Errorf("%s: %q is not masked", name, text)
		}
		if strings.Contains(masked, canary) || strings.Contains(masked, b64([]byte(canary))[4:12]) {
			t.Errorf("%s: the secret is left in %q", name, masked)
		}
		for i := range text {
			if got := pieces(m, []byte(text), i); got != masked {
				t.Fatalf("%s: split at %d: got %q, want %q", name, i, got, masked)
			}
		}
	}
}

func TestMaskerFindsWhatShellsPrint(t *testing.T) {
	m := NewMasker(New(canary))
	for _, c := range [][2]string{
		{"bash", `printf %q "$1"`},
		{"bash", `printf %s "${1@Q}"`},
		{"bash", `set -x; : "$1"`},
		{"sh", `set -x; : "$1"`},
		{"sh", `printf %s "$1" | base64`},
	} {
		shell, script := c[0], c[1]
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not here", shell)
			continue
		}
		cmd := exec.Command(shell, "-c", script, "sh", canary)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s -c %q: %v: %s", shell, script, err, out)
		}
		if masked := m.String(string(out)); !strings.Contains(masked, Mask) {
			t.Errorf("%s -c %q: %q is not masked", shell, script, out)
		}
	}
}

func TestMaskerMultiLine(t *testing.T) {
	key := "-----BEGIN KEY-----\n" + strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0\nZ9\n", 20) + "-----END KEY-----\n"
	m := NewMasker(New(key))
	if got := m.String("a\n" + key + "b\n"); got != "a\n***b\n" {
		t.Errorf("whole: %q", got)
	}
	if got := m.String("line: QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0."); got != "line: ***." {
		t.Errorf("one line: %q", got)
	}
	if got := m.String(strings.ReplaceAll(key, "\n", "\r\n")); got != Mask {
		t.Errorf("with CRLF: %q", got)
	}
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte("xxxxx"[:before+2] + key))
		var wrapped strings.Builder
		for i, c := range encoded {
			if i%76 == 75 {
				wrapped.WriteByte('\n')
			}
			wrapped.WriteRune(c)
		}
		for line := range strings.Lines(m.String(wrapped.String())) {
			if left := strings.TrimSpace(strings.ReplaceAll(line, Mask, "")); len(left) > 40 {
				t.Errorf("too much left of a wrapped line: %q", line)
			}
		}
	}
	other := "-----BEGIN KEY-----\nMIIB\n"
	if encoded := base64.StdEncoding.EncodeToString([]byte(other)); m.String(other) != other || !strings.HasPrefix(m.String(encoded), "LS0tLS1C") {
		t.Errorf("another key is masked: %q, %q", m.String(other), m.String(encoded))
	}
}

func TestMaskerOverlaps(t *testing.T) {
	m := NewMasker(New("abcdef"), New("defghi"), New("abcd"), New("hunter2\n"))
	for in, want := range map[string]string{
		"abcdefghi":         "***",
		"abcdabcd":          "***",
		"xabcdeabcdefx":     "x***e***x",
		"abc def":           "abc def",
		"pass=hunter2;":     "pass=***;",
		"hunterhunter2":     "hunter***",
		"":                  "",
		"abc":               "abc",
		"abcdefgh and more": "***gh and more",
	} {
		if got := m.String(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMaskerLongSecret(t *testing.T) {
	var long strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&long, "%d,", i*i)
	}
	m := NewMasker(New(long.String()))
	if got := m.String("<" + long.String() + ">"); got != "<***>" {
		t.Errorf("got %d bytes", len(got))
	}
	same := strings.Repeat("a", 100_000)
	m.Add(New(same))
	if got := m.String(same + "b" + same); got != "***b***" {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestMaskerShort(t *testing.T) {
	m := NewMasker(New(""), New("abc"), New("éàü"), New("abc"))
	if m.Short() != 2 {
		t.Errorf("got %d short secrets, want 2", m.Short())
	}
	if got := m.String("abc éàü"); got != "abc éàü" {
		t.Errorf("got %q", got)
	}
	m.Add(New("abcd"))
	if !m.Found("xabcdx") || m.Found("abc") {
		t.Error("Found is wrong")
	}
}

func TestStreamPassesThrough(t *testing.T) {
	p := []byte("nothing to hide here")
	for _, m := range []*Masker{NewMasker(), NewMasker(New("something else"))} {
		s := m.Stream()
		if got := s.Write(p); &got[0] != &p[0] || len(got) != len(p) {
			t.Error("the bytes were copied")
		}
	}
}

func TestStreamEverySplit(t *testing.T) {
	m := NewMasker(New(canary), New("abcabcabd"), New("abcabc"))
	text := []byte("x abcabcabcabd " + canary + canary[:7] + " " + base64.StdEncoding.EncodeToString([]byte(canary)) + " abcab")
	want := m.String(string(text))
	for i := range text {
		for j := i; j < len(text); j += 3 {
			if got := pieces(m, text, i, j); got != want {
				t.Fatalf("split at %d and %d: got %q, want %q", i, j, got, want)
			}
		}
	}
}

// pieces masks text cut at the given places; each piece is overwritten once it was given.
func pieces(m *Masker, text []byte, cuts ...int) string {
	s, from := m.Stream(), 0
	var out bytes.Buffer
	for _, to := range append(cuts, len(text)) {
		p := append([]byte(nil), text[from:to]...)
		out.Write(s.Write(p))
		clear(p)
		from = to
	}
	out.Write(s.Flush())
	return out.String()
}

func FuzzStream(f *testing.F) {
	f.Add("secret", "my secret is secret", uint16(4), uint16(9))
	f.Add("aabaab", "aabaabaabaab", uint16(3), uint16(7))
	f.Add("line one\nline two", "bGluZSBvbmUKbGluZSB0d28=", uint16(3), uint16(7))
	f.Fuzz(func(t *testing.T, text, around string, i, j uint16) {
		m := NewMasker(New(text))
		if m.Short() > 0 || text == "" || strings.Contains(Mask, text) || strings.Trim(text, "*") == "" {
			t.Skip()
		}
		for _, form := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)), url.QueryEscape(text)} {
			all := []byte(around + form + around)
			a := int(i) % (len(all) + 1)
			b := a + int(j)%(len(all)-a+1)
			got := pieces(m, all, a, b)
			if want := m.String(string(all)); got != want {
				t.Fatalf("split at %d and %d of %q: got %q, want %q", a, b, all, got, want)
			}
			if !strings.Contains(got, Mask) {
				t.Fatalf("nothing is masked in %q", all)
			}
			// With stars in it, a secret can be made of a mask and what stands beside it.
			if !strings.Contains(text, "*") && strings.Contains(got, text) {
				t.Fatalf("%q is left in %q", text, got)
			}
		}
	})
}

func BenchmarkStream(b *testing.B) {
	m := NewMasker(New(canary), New(strings.Repeat("QUJDREVGR0hJSktM\n", 100)))
	p := bytes.Repeat([]byte("Nov 23 02:10:52 web1 nginx[812]: 10.0.0.7 GET /index.html 200\n"), 1000)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		m.Stream().Write(p)
	}
}
