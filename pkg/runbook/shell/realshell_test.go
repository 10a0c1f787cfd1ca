package shell

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// realShells are the shells that may stand behind sh; those not installed are skipped by name.
var realShells = []struct {
	name    string
	argv    []string
	dialect Dialect
}{
	{"dash", []string{"dash"}, Posix},
	{"bash", []string{"bash"}, Bash},
	{"bash as sh", []string{"bash", "--posix"}, Posix},
	{"busybox", []string{"busybox", "sh"}, Posix},
	{"ksh93", []string{"ksh93"}, Posix},
	{"mksh", []string{"mksh"}, Posix},
	{"yash", []string{"yash"}, Posix},
	{"zsh as sh", []string{"zsh", "--emulate", "sh"}, Posix},
}

// A template is a place to try: V stands for the value. Its command shows what it saw by
// p (the count of its arguments and each of them, ended by NUL) or in the form `see` gives.
type template struct {
	script string
	see    func(v Value) string
	bash   bool // not in POSIX
}

func args(words ...string) string {
	return strconv.Itoa(len(words)) + "\x00" + strings.Join(words, "\x00") + "\x00"
}

func joined(v Value) string { return strings.Join(v.Words, " ") }

// around sees one argument: the value between two texts.
func around(before, after string) func(Value) string {
	return func(v Value) string { return args(before + joined(v) + after) }
}

// chomped sees what $( … ) leaves of a text.
func chomped(before, after string) func(Value) string {
	return func(v Value) string { return args(strings.TrimRight(before+joined(v)+after, "\n")) }
}

func plain(before, after string) func(Value) string {
	return func(v Value) string { return before + joined(v) + after }
}

func several(v Value) string {
	if !v.List {
		return args(joined(v))
	}
	if len(v.Words) == 0 {
		return "0\x00"
	}
	return args(v.Words...)
}

func templates() []template {
	one := around("", "")
	return []template{
		{"p V", several, false},
		{"p /srv/V/x", around("/srv/", "/x"), false},
		{"p --opt=V", around("--opt=", ""), false},
		{"p a'b'V\"c\"", around("ab", "c"), false},
		{"p *V", around("*", ""), false},
		{"p [V]", around("[", "]"), false},
		{"x=V; p \"$x\"", one, false},
		{"x=aV:b p x; p \"aV:b\"", func(v Value) string { return args("x") + args("a"+joined(v)+":b") }, false},
		{"export x=V; p \"$x\"", one, false},
		{"export \"x=V\"; p \"$x\"", one, false},
		{"readonly rNUMBER=V; p \"$rNUMBER\"", one, false},
		{"p \"V\"", one, false},
		{"p \"a V b\"", around("a ", " b"), false},
		{"p \"it's V\"", around("it's ", ""), false},
		{"p \"\\\\V\\\"\"", around("\\", "\""), false},
		{"p \"$1V\"", one, false},
		{"p \"${empty}V$empty\"", one, false},
		{"x=${$}V; p \"${x#\"$$\"}\"", one, false},
		{"p \\$V", around("$", ""), false},
		{"p \"\\$V$\"", around("$", "$"), false},
		{"p \"$$V\" >/dev/null; p x", func(Value) string { return args("x") }, false},
		{"p $?V$#'V'", func(v Value) string { return args("0" + joined(v) + "0" + joined(v)) }, false},
		{"p 'V'", one, false},
		{"p 'a \"V\" b'", around(`a "`, `" b`), false},
		{"p 'a\\V'", around(`a\`, ""), false},
		{"for x in V; do p \"$x\"; done", func(v Value) string {
			if !v.List {
				return args(joined(v))
			}
			out := ""
			for _, w := range v.Words {
				out += args(w)
			}
			return out
		}, false},
		{"x=V; case V in \"$x\") p same;; *) p other;; esac", func(Value) string { return args("same") }, false},
		{"x=aVb; case $x in a\"V\"b) p same;; *) p other;; esac", func(Value) string { return args("same") }, false},
		{"x=V; case $x in V) p same;; *) p other;; esac", func(Value) string { return args("same") }, false},
		{"x=V; case $x in *'V') p same;; *) p other;; esac", func(Value) string { return args("same") }, false},
		{"f() { p \"$1\" V; }; f V", nil, false},
		{"p \"$(printf '%s.' V)\"", nil, false},
		{"p \"$(q \"V\")\"", around("", "."), false},
		{"p \"$(q 'V')\"", around("", "."), false},
		{"p \"a $(q \"$(q \"b V\")\") c\"", around("a b ", ".. c"), false},
		{"x=$(q \"V\"); p \"$x\"", around("", "."), false},
		{"( p V'') ; { p ''V; }", func(v Value) string { return args(joined(v)) + args(joined(v)) }, false},
		{"if [ \"a\"V = aV ]; then p same; fi", func(Value) string { return args("same") }, false},
		{"cat <<EOF\nV\nEOF\n", plain("", "\n"), false},
		{"cat <<EOF\na \"V\" 'V'V$empty\nEOF\n", func(v Value) string { j := joined(v); return "a \"" + j + "\" '" + j + "'" + j + "\n" }, false},
		{"cat <<EOF\n\\$x V\\\\\nEOF\n", plain("$x ", "\\\n"), false},
		{"cat <<EOF\nE\\\nV\nEOF\n", plain("E", "\n"), false},
		{"p a\\\nV", around("a", ""), false},
		{"p \"a\\\nV\\\nb\"", around("a", "b"), false},
		{"cat <<-EOF\n\tx\n\tV\n\tEOF\n", plain("x\n", "\n"), false},
		{"cat <<EOF\n$(q \"V\") $(q 'V') $(q ''V)\nEOF\n", func(v Value) string { j := joined(v); return j + ". " + j + ". " + j + ".\n" }, false},
		{"p \"$(cat <<EOF\nV\nEOF\n)\"", chomped("", ""), false},
		{"{ cat <<A; cat <<B; } <<C\nA V\nA\nB V\nB\nC V\nC\n", func(v Value) string { return "A " + joined(v) + "\nB " + joined(v) + "\n" }, false},
		{"a=(V); p \"${#a[@]}\" ${a[@]+\"${a[@]}\"}", func(v Value) string {
			if !v.List {
				return args("1", joined(v))
			}
			return args(append([]string{strconv.Itoa(len(v.Words))}, v.Words...)...)
		}, true},
		{"a=([2]=V); p \"${a[2]}\"", one, true},
		{"a=(\"xV\"); p \"${a[@]}\"", around("x", ""), true},
		{"f() { local x=V; p \"$x\"; }; f", one, true},
		{"f() { local -a a=(\"\"V); p \"${a[@]}\"; }; f", one, true},
		{"declare -A m=([k]=V); p \"${m[k]}\"", one, true},
		{"x=a; x+=V; p \"$x\"", around("a", ""), true},
		{"x=V; [[ $x == V ]] && p same", func(Value) string { return args("same") }, true},
		{"x=aVb; [[ $x == a\"V\"* && $x != V'' ]] && p same", func(Value) string { return args("same") }, true},
		{"[[ -n aV || -z V ]] && p same", func(Value) string { return args("same") }, true},
		{"IFS= read -r -d '' x <<<V; p \"${x%?}\"", one, true},
		{"p \"$(q <(:) V'' | tr -d '/')\" >/dev/null; p x", func(Value) string { return args("x") }, true},
		{"p {a,V}", func(v Value) string { return args("a", joined(v)) }, true},
	}
}

// dash and busybox use the bytes 0x81 to 0x88 as marks of their own in the text they have read.
var fragments = []string{
	"'", `"`, "\n", "\t", " ", `\`, "$", "`", "$(reboot)", "`reboot`", "${x}", "$((1+1))", "$x", "$1", "!", "!!", "*", "?", "[a]", "~", "~root",
	"-", "--", "-n", "-e", "#", ";", "&", "|", "<", ">", "(", ")", "{", "}", "{a,b}", "=", "x=1", "%", "%s", "EOF", "OF", "\nEOF\n", "\nA\n", "A", "B", "EOF_1",
	"é", "日本", "\u2028", "\xff", "\xc3", "\x80", "\x81", "\x82", "\x83", "\x84", "\x85", "\x86", "\x87", "\x88", "\x01", "\x02", "\x1b[31m", "\x7f", "\x08", "\r",
	"\\\n", "\\n", "\\0", "\\c", "'\\''", `"'"`, "$'", `$"`, "a", "b c", "0", "1..3", "fi", "done", "if", ".", "/", ",", ":", "@", "+(a)", "^",
}

func nasty(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(7) {
		if r.IntN(8) == 0 {
			b.WriteByte(byte(1 + r.IntN(255)))
			continue
		}
		b.WriteString(fragments[r.IntN(len(fragments))])
	}
	if r.IntN(6) == 0 {
		b.WriteString(strings.Repeat("\n", r.IntN(3)))
	}
	return b.String()
}

const prelude = "p() { printf '%s\\0' \"$#\" \"$@\"; }\nq() { printf '%s.' \"$@\"; }\nempty=\n"

// caseCount is how many cases each shell is given; the environment raises it.
func caseCount(t *testing.T) int {
	if text := os.Getenv("OPSCTL_SHELL_CASES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 500
	}
	return 3000
}

// batch is many cases in one script, so that one process tries them all.
type batch struct {
	parts  []Part
	uses   []Use
	values []Value
	want   []string // of each case
	labels []string
	offset int
}

func (b *batch) literal(s string) {
	b.parts = append(b.parts, Part{Text: s, Value: -1, Offset: b.offset})
	b.offset += len(s)
}

func (b *batch) add(t template, v Value, use Use) {
	number := strconv.Itoa(len(b.want))
	pieces := strings.Split(strings.ReplaceAll(t.script, "NUMBER", number), "V")
	for i, piece := range pieces {
		if i > 0 {
			b.parts = append(b.parts, Part{Text: "${{ v }}", Value: len(b.values), Offset: b.offset})
			b.offset += len("${{ v }}")
			b.values = append(b.values, v)
			b.uses = append(b.uses, use)
		}
		b.literal(piece)
	}
	b.literal("\nprintf '\\0<" + number + ">\\0'\n")
	see := t.see
	if see == nil {
		see = b.irregular(t, v)
	}
	b.want = append(b.want, see(v))
	b.labels = append(b.labels, fmt.Sprintf("%q with %q (%+v)", t.script, v.Words, use))
}

// irregular sees the templates where a list gives several words beside others.
func (b *batch) irregular(t template, _ Value) func(Value) string {
	return func(v Value) string {
		words := v.Words
		if !v.List {
			words = []string{joined(v)}
		}
		if strings.HasPrefix(t.script, "f()") {
			first := ""
			if len(words) > 0 {
				first = words[0]
			}
			return args(append([]string{first}, words...)...)
		}
		if len(words) == 0 {
			return args(".")
		}
		return args(strings.Join(words, ".") + ".")
	}
}

func (b *batch) run(t *testing.T, dir string, argv []string, dialect Dialect, locale string) {
	t.Helper()
	script, problems := Parse(b.parts, dialect, b.uses)
	if len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	text, env, err := script.Render(b.values)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "script")
	empty := filepath.Join(dir, "empty") // patterns match nothing there, and so stand for themselves
	if err := os.MkdirAll(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], file)...)
	command.Dir = empty
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=" + locale}
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	rest := out.String()
	for i, want := range b.want {
		marker := "\x00<" + strconv.Itoa(i) + ">\x00"
		got, after, ok := strings.Cut(rest, marker)
		if !ok || got != want {
			t.Fatalf("case %s:\n got %q\nwant %q\nstderr %s", b.labels[i], got[:min(len(got), 400)], want, tail(errs.String()))
		}
		rest = after
	}
}

func tail(s string) string { return s[max(0, len(s)-400):] }

// TestRealShells gives random values to commands in every context and compares what they saw.
func TestRealShells(t *testing.T) {
	const perProcess = 250
	for _, sh := range realShells {
		t.Run(sh.name, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(sh.argv[0])
			if err != nil {
				t.Skipf("%s is not installed", sh.argv[0])
			}
			argv := append([]string{path}, sh.argv[1:]...)
			dir := t.TempDir()
			seed := uint64(len(sh.name)) + 42
			r := rand.New(rand.NewPCG(seed, seed))
			all := templates()
			for done := 0; done < caseCount(t); done += perProcess {
				b := &batch{}
				b.literal(prelude)
				for n := 0; n < perProcess; n++ {
					tpl := all[(done+n)%len(all)]
					if tpl.bash && sh.dialect != Bash || ownFault(sh.name, tpl) {
						tpl = all[r.IntN(20)]
					}
					v := Value{Words: []string{nasty(r)}}
					if r.IntN(5) == 0 {
						v = Value{List: true}
						for range r.IntN(4) {
							v.Words = append(v.Words, nasty(r))
						}
					}
					b.add(tpl, v, Use{Secret: secretFits(tpl) && r.IntN(4) == 0})
				}
				b.run(t, dir, argv, sh.dialect, []string{"C", "C.UTF-8"}[done/perProcess%2])
			}
		})
	}
}

// secretFits leaves out the templates where a variable without braces stands before the value.
func secretFits(t template) bool {
	return !strings.Contains(t.script, "$1V") && !strings.Contains(t.script, "$$V")
}

// ownFault tells what a shell does wrong without any value: ksh93 does not join continued lines in here-documents.
func ownFault(shell string, t template) bool {
	return shell == "ksh93" && strings.Contains(t.script, "E\\\n")
}
