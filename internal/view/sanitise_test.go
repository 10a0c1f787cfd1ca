package view

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSanitise(t *testing.T) {
	tests := []struct{ name, in, want, ascii string }{
		{"text", "a\tb\nc", "a\tb\nc", "a\tb\nc"},
		{"colour", "\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m", "red"},
		{"rgb with an 8 in it", "\x1b[38;2;8;5;6mx\x1b[38;5;8my", "\x1b[38;2;8;5;6mx\x1b[38;5;8my", "xy"},
		{"colons", "\x1b[38:2::1:2:3mx", "\x1b[38:2::1:2:3mx", "x"},
		{"hidden text", "\x1b[8msecret", "␛[8msecret", "^[[8msecret"},
		{"blinking", "\x1b[1;05mx", "␛[1;05mx", "^[[1;05mx"},
		{"title", "\x1b]0;owned\x07", "␛]0;owned␇", "^[]0;owned^G"},
		{"clear", "\x1b[2J", "␛[2J", "^[[2J"},
		{"private", "\x1b[?1049h", "␛[?1049h", "^[[?1049h"},
		{"key modifiers", "\x1b[>4;2m", "␛[>4;2m", "^[[>4;2m"},
		{"device control", "\x1bP1$r\x1b\\", "␛P1$r␛\\", "^[P1$r^[\\"},
		{"c1 as a byte", "\x9b2J", `\x9b2J`, `\x9b2J`},
		{"c1 as a rune", "\u009b2J", `\u009b2J`, `\u009b2J`},
		{"bidi", "a\u202eb\u2066c", `a\u202eb\u2066c`, `a\u202eb\u2066c`},
		{"bom, zero width, tags", "\ufeff\u200b\U000e0041", `\ufeff\u200b\U000e0041`, `\ufeff\u200b\U000e0041`},
		{"joiner", "क्\u200dष", "क्\u200dष", `\u0915\u094d\u200d\u0937`},
		{"invalid", "a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"windows lines", "a\r\nb\rc", "a\nb␍c", "a\nb^Mc"},
		{"backspace, bell, delete, nul", "a\bb\a\x7f\x00", "a␈b␇␡␀", "a^Hb^G^?^@"},
		{"an escape at the end", "a\x1b", "a␛", "a^["},
		{"umlaut", "größe", "größe", `gr\u00f6\u00dfe`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sanitise(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := (&Sanitiser{}).Whole(tt.in); got != tt.ascii {
				t.Errorf("ascii: got %q, want %q", got, tt.ascii)
			}
		})
	}
}

// checkSafe fails on anything outside the whitelist.
func checkSafe(t *testing.T, out string, ascii bool) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("not UTF-8: %q", out)
	}
	for i, r := range out {
		switch {
		case r == '\n' || r == '\t' || r >= ' ' && r < 0x7f:
		case r == 0x1b && !ascii:
			params, _, found := strings.Cut(out[i+1:], "m")
			if !found || !strings.HasPrefix(params, "[") || strings.Trim(params[1:], "0123456789;:") != "" {
				t.Fatalf("a sequence that is no colour at %d of %q", i, out)
			}
		case ascii:
			t.Fatalf("%U in an ASCII text: %q", r, out)
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control):
			t.Fatalf("%U at %d of %q", r, i, out)
		}
	}
}

func FuzzSanitise(f *testing.F) {
	for _, seed := range []string{"a\x1b[31mb", "\x1b]0;x\x07", "\xe2\x80\xae\x9b\xc2\x9b", "\r\n\r\x1b[38;5;8m", "\x1b[\x1b[8m\xf0\x9f", "\x1b[4:3m\u061c"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, at int) {
		whole := Sanitise(string(in))
		checkSafe(t, whole, false)
		checkSafe(t, (&Sanitiser{}).Whole(string(in)), true)
		s := Sanitiser{Colour: true, Unicode: true}
		if at < 0 || at > len(in) {
			at = len(in) / 2
		}
		parts := s.Flush(s.Append(s.Append(nil, in[:at]), in[at:]))
		if string(parts) != whole {
			t.Fatalf("cut at %d: %q, whole: %q", at, parts, whole)
		}
		theme := Theme{Unicode: true}
		if line := theme.oneLine(string(in)); strings.ContainsAny(line, "\n\t\x1b") {
			t.Fatalf("not one line: %q", line)
		}
	})
}

func TestSplitterCutsAnywhere(t *testing.T) {
	in := "one\r\ntwo\n\n50%\r100%\rlast " + strings.Repeat("x", 2*lineBytesMax) + "\nrest"
	want := "one|two||50%|100%|last " + strings.Repeat("x", lineBytesMax-5) + " [cut]|rest"
	for _, size := range []int{1, 2, 3, 7, len(in)} {
		var s splitter
		var got []string
		note := func(line []byte) { got = append(got, string(line)) }
		for rest := in; rest != ""; {
			n := min(size, len(rest))
			s.feed([]byte(rest[:n]), note)
			rest = rest[n:]
		}
		s.rest(note)
		if strings.Join(got, "|") != want {
			t.Errorf("pieces of %d: %.80q", size, got)
		}
	}
}

func TestColorMode(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for _, p := range pairs {
				if k, v, _ := strings.Cut(p, "="); k == name {
					return v
				}
			}
			return ""
		}
	}
	tests := []struct {
		mode string
		env  func(string) string
		tty  bool
		want bool
	}{
		{"auto", env("TERM=xterm"), true, true},
		{"", env("TERM=xterm"), true, true},
		{"auto", env("TERM=xterm"), false, false},
		{"auto", env("TERM=dumb"), true, false},
		{"auto", env(), true, false},
		{"auto", env("TERM=xterm", "NO_COLOR=1"), true, false},
		{"auto", env("TERM=xterm", "CI=true"), true, false},
		{"auto", env("TERM=xterm", "CI=false"), true, true},
		{"always", env("NO_COLOR=1"), false, true},
		{"never", env("TERM=xterm"), true, false},
	}
	for i, tt := range tests {
		if got := ColorMode(tt.mode, tt.env, tt.tty); got != tt.want {
			t.Errorf("%d: got %v", i, got)
		}
	}
	for locale, want := range map[string]bool{"LANG=C.UTF-8": true, "LANG=de_DE.utf8": true, "LANG=C": false, "": false} {
		if got := UnicodeMode(env(locale)); got != want {
			t.Errorf("%s: got %v", locale, got)
		}
	}
	if UnicodeMode(env("LANG=C.UTF-8", "LC_ALL=C")) {
		t.Error("LC_ALL stands above LANG")
	}
}
