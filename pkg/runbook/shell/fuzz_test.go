package shell

import (
	"fmt"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// shape writes the kinds of the nodes of a script, but for the parts of words, which values change.
func shape(t *testing.T, text string, lang syntax.LangVariant) string {
	t.Helper()
	file, err := parseAs(text, lang)
	if err != nil {
		t.Fatalf("cannot read what was rendered: %v\n%q", err, text)
	}
	var b strings.Builder
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.Lit, *syntax.SglQuoted, *syntax.DblQuoted:
			return false
		case nil:
			return true
		}
		fmt.Fprintf(&b, "%T ", n)
		return true
	})
	return b.String()
}

// FuzzParse looks for a script whose structure a value can change.
func FuzzParse(f *testing.F) {
	for _, script := range []string{
		"echo V", "x=V y", "echo \"aV\" 'V' $(p V)", "cat <<EOF\nV $(q V)\nEOF\n", "cat <<-E\n\tV\n\tE\n", "case V in V) p V;; esac",
		"for x in V; do V; done", "a=(V [1]=V)", "[[ V == V ]]", "p $((V))", "p `V`", "p $'V'", "p ${x:-V}", "# V", "p $$V$x$1V", "p \\V \"\\V\"", "f() { p V; } <V >V 2>&1",
		"p <(p V) <<<V", "declare -i x=V", "a[V]=V", "p $\\\nV", "p {a,V} ~V @(V)", "((V))", "p \"$(cat <<E\nV\nE\n)\"",
	} {
		f.Add(script, "it's", false)
		f.Add(script, "$(reboot)\n`x`\nEOF\nE\n\"\\", true)
	}
	f.Fuzz(func(t *testing.T, text, value string, bash bool) {
		if strings.Contains(value, "\x00") || strings.Contains(text, "\r") || strings.Contains(value, "\r") {
			t.Skip() // the parser that checks here takes a carriage return for space
		}
		value = strings.ToValidUTF8(value, "?") // and reads UTF-8 only
		script := strings.ReplaceAll(text, "V", "${{ v }}")
		parts, uses := split(script)
		dialect, lang := Posix, syntax.LangPOSIX
		if bash {
			dialect, lang = Bash, syntax.LangBash
		}
		parsed, problems := Parse(parts, dialect, uses)
		for _, p := range problems {
			if p.Offset < 0 || p.Offset > len(script) || p.Message == "" {
				t.Fatalf("problem %+v of %q", p, script)
			}
		}
		if parsed == nil {
			return
		}
		render := func(text string) string {
			values := make([]Value, len(uses))
			for i := range values {
				values[i] = scalar(text)
			}
			out, _, err := parsed.Render(values)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		plain, nasty := render("a"), render(value)
		if a, b := shape(t, plain, lang), shape(t, nasty, lang); a != b {
			t.Errorf("%q: the shape changes\n%q\n%s\n%q\n%s", script, plain, a, nasty, b)
		}
	})
}

func benchScripts() []string {
	base := "set -eu\nif [ -f /etc/app.conf ]; then\n  systemctl restart \"$service\"\nfi\n"
	return []string{base, "systemctl is-active nginx", "curl -fsS http://127.0.0.1/health | grep -q ok", "for f in a b c; do cp \"$f\" /srv/; done"}
}

func BenchmarkParsePlain(b *testing.B) {
	scripts := benchScripts()
	for i := 0; b.Loop(); i++ {
		if _, problems := Parse([]Part{{Text: scripts[i%len(scripts)], Value: -1}}, Posix, nil); problems != nil {
			b.Fatal(problems)
		}
	}
}

func BenchmarkParseWithValues(b *testing.B) {
	parts, uses := split("set -eu\nsystemctl restart ${{ svc }}\necho \"deployed ${{ version }}\" >/srv/${{ svc }}/log\ncat <<EOF >x\n${{ body }}\nEOF\n")
	for b.Loop() {
		if _, problems := Parse(parts, Posix, uses); problems != nil {
			b.Fatal(problems)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	parts, uses := split("systemctl restart ${{ svc }}\necho \"deployed ${{ version }}\"\ncat <<EOF >x\n${{ body }}\nEOF\n")
	script, problems := Parse(parts, Posix, uses)
	if problems != nil {
		b.Fatal(problems)
	}
	values := []Value{scalar("nginx"), scalar("1.2"), scalar("a\nb\nc\n")}
	for b.Loop() {
		if _, _, err := script.Render(values); err != nil {
			b.Fatal(err)
		}
	}
}
