package shell

import (
	"strings"
	"testing"
)

// split turns a script with {{name}} places into parts; "raw:" and "secret:" before a name set its use.
func split(script string) (parts []Part, uses []Use) {
	at := 0
	for {
		i := strings.Index(script[at:], "${{")
		if i < 0 {
			break
		}
		end := at + i + strings.Index(script[at+i:], "}}") + 2
		if i > 0 {
			parts = append(parts, Part{Text: script[at : at+i], Value: -1, Offset: at})
		}
		source := script[at+i : end]
		parts = append(parts, Part{Text: source, Value: len(uses), Offset: at + i})
		uses = append(uses, Use{Raw: strings.Contains(source, "raw("), Secret: strings.Contains(source, "secrets.")})
		at = end
	}
	if at < len(script) {
		parts = append(parts, Part{Text: script[at:], Value: -1, Offset: at})
	}
	return parts, uses
}

func scalar(s string) Value { return Value{Words: []string{s}} }

func list(words ...string) Value { return Value{Words: words, List: true} }

func TestRenderInEveryContext(t *testing.T) {
	nasty := scalar("it's $(x)")
	quoted := `'it'\''s $(x)'`
	rows := []struct {
		name, script string
		dialect      Dialect
		value        Value
		want         string
	}{
		{"argument", "echo ${{ v }}", Posix, nasty, "echo " + quoted},
		{"empty argument", "echo ${{ v }} x", Posix, scalar(""), "echo '' x"},
		{"command", "${{ v }} x", Posix, nasty, quoted + " x"},
		{"part of a path", "ls /srv/${{ v }}/x", Posix, nasty, "ls /srv/" + quoted + "/x"},
		{"option", "ls --a=${{ v }}", Posix, nasty, "ls --a=" + quoted},
		{"beside quotes", `ls 'a'${{ v }}"b"`, Posix, nasty, `ls 'a'` + quoted + `"b"`},
		{"after braces", "ls ${x}${{ v }}$y", Posix, nasty, "ls ${x}" + quoted + "$y"},
		{"assignment", "x=${{ v }}", Posix, nasty, "x=" + quoted},
		{"assignment before a command", "x=${{ v }} y", Posix, nasty, "x=" + quoted + " y"},
		{"export", "export x=${{ v }}", Posix, nasty, "export x=" + quoted},
		{"export in quotes", `export "x=${{ v }}"`, Bash, nasty, `export "x="` + quoted + `""`},
		{"local", "f() { local x=${{ v }}; }", Posix, nasty, "f() { local x=" + quoted + "; }"},
		{"append", "x+=${{ v }}", Bash, nasty, "x+=" + quoted},
		{"redirect", "echo >${{ v }}", Posix, nasty, "echo >" + quoted},
		{"number before a redirect", "echo ${{ v }}>x", Posix, scalar("2"), "echo '2'>x"},
		{"both redirects", "echo &>${{ v }}", Bash, nasty, "echo &>" + quoted},
		{"here-string", "cat <<<${{ v }}", Bash, nasty, "cat <<<" + quoted},
		{"case word", "case ${{ v }} in a) ;; esac", Posix, nasty, "case " + quoted + " in a) ;; esac"},
		{"case pattern", "case x in ${{ v }}*) ;; esac", Posix, scalar("*"), "case x in '*'*) ;; esac"},
		{"if, while, and, pipe", "if a ${{ v }} && b | c; then :; fi", Posix, nasty, "if a " + quoted + " && b | c; then :; fi"},
		{"else", "if a; then b; elif c; then d; else e ${{ v }}; fi", Posix, nasty, "if a; then b; elif c; then d; else e " + quoted + "; fi"},
		{"for", "for x in ${{ v }}; do :; done", Posix, list("a", "b c"), "for x in 'a' 'b c'; do :; done"},
		{"while body", "while a; do ( { b ${{ v }}; } ) done", Posix, nasty, "while a; do ( { b " + quoted + "; } ) done"},
		{"[", "[ \"$a\" = ${{ v }} ]", Posix, nasty, "[ \"$a\" = " + quoted + " ]"},
		{"[[", "[[ $a == ${{ v }}* ]]", Bash, nasty, "[[ $a == " + quoted + "* ]]"},
		{"[[ -n", "[[ -n ${{ v }} ]]", Bash, nasty, "[[ -n " + quoted + " ]]"},
		{"array", "a=(${{ v }} x)", Bash, list("a b", "c"), "a=('a b' 'c' x)"},
		{"array element", "a=([1]=${{ v }})", Bash, list("a b", "c"), "a=([1]='a b c')"},
		{"double quotes", `echo "a${{ v }}b"`, Posix, nasty, `echo "a"` + quoted + `"b"`},
		{"apostrophe in double quotes", `echo "it's ${{ v }}"`, Posix, nasty, `echo "it's "` + quoted + `""`},
		{"single quotes", "echo 'a${{ v }}b'", Posix, nasty, `echo 'ait'\''s $(x)b'`},
		{"backslash in single quotes", `echo 'a\${{ v }}'`, Posix, scalar("b"), `echo 'a\b'`},
		{"substitution", "echo $(a ${{ v }})", Posix, nasty, "echo $(a " + quoted + ")"},
		{"substitution in quotes", `echo "$(a "b${{ v }}" '${{ v }}')"`, Posix, scalar("x"), `echo "$(a "b"'x'"" 'x')"`},
		{"process substitution", "diff <(a ${{ v }}) b", Bash, nasty, "diff <(a " + quoted + ") b"},
		{"here-document", "cat <<EOF\n<${{ v }}>\nEOF\n", Posix, scalar("a\\b$c`d\"'"), "cat <<EOF\n<a\\\\b\\$c\\`d\"'>\nEOF\n"},
		{"here-document, its delimiter", "cat <<EOF\n${{ v }}\nEOF\n", Posix, scalar("a\nEOF\nreboot"), "cat <<EOF_1\na\nEOF\nreboot\nEOF_1\n"},
		{"here-document, delimiter put together", "cat <<EOF\nE${{ v }}\nEOF", Posix, scalar("OF"), "cat <<EOF_1\nEOF\nEOF_1"},
		{"here-document, delimiter continued", "cat <<EOF\nE\\\n${{ v }}\nEOF", Posix, scalar("OF"), "cat <<EOF_1\nE\\\nOF\nEOF_1"},
		{"here-document, a line dash would garble", "cat <<EOF\n${{ v }}\nEOF", Posix, scalar("Eé\nAx"), "cat <<A_EOF\nEé\nAx\nA_EOF"},
		{"here-document, no delimiter fits", "cat <<EOF\n${{ v }}\nEOF", Posix, scalar(strings.Join(strings.Split(initials, ""), "é\n") + "é"), "cat <<EOF\n${OPSCTL_VALUE_1}\nEOF"},
		{"two here-documents", "cat <<A <<B\n${{ v }}\nA\n${{ v }}\nB\n", Posix, scalar("B"), "cat <<A <<B_1\nB\nA\nB\nB_1\n"},
		{"list, several words", "ls ${{ v }}", Posix, list("a", "-b", "c d"), "ls 'a' '-b' 'c d'"},
		{"list, in a longer word", "ls x${{ v }}", Posix, list("a", "b"), "ls x'a b'"},
		{"list, in quotes", `ls "${{ v }}"`, Posix, list("a", "b"), `ls ""'a b'""`},
		{"list, assigned", "x=${{ v }}", Posix, list("a", "b"), "x='a b'"},
		{"list, empty", "ls ${{ v }} x", Posix, list(), "ls  x"},
		{"list, empty, command", "${{ v }} x", Posix, list(), "'' x"},
		{"list, empty, for", "for x in ${{ v }}; do :; done", Posix, list(), "for x in ; do :; done"},
		{"raw", "echo ${{ raw(v) }} $((1 + ${{ raw(v) }}))", Posix, scalar("2"), "echo 2 $((1 + 2))"},
		{"raw in a name", "x${{ raw(v) }}=1", Posix, scalar("2"), "x2=1"},
		{"secret", "echo ${{ secrets.v }}", Posix, nasty, `echo "$OPSCTL_VALUE_1"`},
		{"secret in a word", "echo a${{ secrets.v }}b", Posix, nasty, `echo a"$OPSCTL_VALUE_1"b`},
		{"secret in double quotes", `echo "a${{ secrets.v }}b"`, Posix, nasty, `echo "a${OPSCTL_VALUE_1}b"`},
		{"secret in single quotes", `echo 'a${{ secrets.v }}b'`, Posix, nasty, `echo 'a'"${OPSCTL_VALUE_1}"'b'`},
		{"secret in a here-document", "cat <<EOF\n${{ secrets.v }}\nEOF\n", Posix, nasty, "cat <<EOF\n${OPSCTL_VALUE_1}\nEOF\n"},
		{"secret list", "ls ${{ secrets.v }}", Posix, list("a", "b"), `ls "$OPSCTL_VALUE_1" "$OPSCTL_VALUE_2"`},
		{"secret beside a name in use", "OPSCTL_VALUE_1=x; ls ${{ secrets.v }}", Posix, nasty, `OPSCTL_VALUE_1=x; ls "$OPSCTL_VALUE_2"`},
		{"stripped here-document", "cat <<-EOF\n\t${{ v }}\n\tEOF\n", Posix, scalar("\tx"), "cat <<-EOF\n\t${OPSCTL_VALUE_1}\n\tEOF\n"},
		{"here-document in a substitution", "a=$(cat <<EOF\n${{ v }}\nEOF\n)", Posix, nasty, "a=$(cat <<EOF\n${OPSCTL_VALUE_1}\nEOF\n)"},
		{"substitution in a here-document", "cat <<EOF\n$(echo ${{ v }} 'a${{ v }}')\nEOF\n", Posix, nasty, "cat <<EOF\n$(echo \"$OPSCTL_VALUE_1\" 'a'\"${OPSCTL_VALUE_2}\"'')\nEOF\n"},
		{"go template", "docker ps --format '{{.Names}}' ${{ v }}", Posix, nasty, "docker ps --format '{{.Names}}' " + quoted},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			parts, uses := split(row.script)
			script, problems := Parse(parts, row.dialect, uses)
			if len(problems) > 0 {
				t.Fatalf("problems: %+v", problems)
			}
			values := make([]Value, len(uses))
			for i := range values {
				values[i] = row.value
			}
			got, env, err := script.Render(values)
			if err != nil {
				t.Fatal(err)
			}
			if got != row.want {
				t.Errorf("\n got %q\nwant %q", got, row.want)
			}
			if strings.Contains(got, "$OPSCTL") != (len(env) > 0) && strings.Contains(got, "${OPSCTL") != (len(env) > 0) {
				t.Errorf("environment %v does not fit %q", env, got)
			}
		})
	}
}

func TestPlacesWithoutSafeForm(t *testing.T) {
	rows := []struct {
		script  string
		dialect Dialect
		want    string // the text under the caret
		message string
	}{
		{"echo $((1 + ${{ v }}))", Posix, "${{ v }}", "arithmetic"},
		{"echo $[1 + ${{ v }}]", Posix, "${{ v }}", "arithmetic"},
		{"echo \"$[1 + ${{ v }}]\"", Posix, "${{ v }}", "arithmetic"},
		{"((x = ${{ v }}))", Posix, "${{ v }}", "arithmetic"},
		{"((x = ${{ v }}))", Bash, "${{ v }}", "arithmetic"},
		{"let x=${{ v }}", Posix, "${{ v }}", "arithmetic"},
		{"let x=${{ v }}", Bash, "${{ v }}", "arithmetic"},
		{"for ((i=${{ v }};;)); do :; done", Bash, "${{ v }}", "arithmetic"},
		{"declare -i x=${{ v }}", Bash, "${{ v }}", "arithmetic"},
		{"typeset -i x=${{ v }}", Posix, "${{ v }}", "arithmetic"},
		{"a[${{ v }}]=1", Bash, "${{ v }}", "subscript"},
		{"a[${{ v }}]=1", Posix, "${{ v }}", "subscript"},
		{"echo ${a[${{ v }}]}", Bash, "${{ v }}", "inside ${…}"},
		{"[[ $x -eq ${{ v }} ]]", Bash, "${{ v }}", "numeric operator"},
		{"[[ $x =~ ${{ v }} ]]", Bash, "${{ v }}", "regular expression"},
		{"[[ -v ${{ v }} ]]", Bash, "${{ v }}", "variable name"},
		{"[ -v ${{ v }} ]", Posix, "${{ v }}", "variable name"},
		{"unset ${{ v }}", Posix, "${{ v }}", "variable name"},
		{"read ${{ v }}", Posix, "${{ v }}", "variable name"},
		{"printf -v ${{ v }} x", Bash, "${{ v }}", "variable name"},
		{"export ${{ v }}", Posix, "${{ v }}", "variable name"},
		{"echo $'a${{ v }}'", Bash, "${{ v }}", "$'…'"},
		{"echo $'a${{ v }}'", Posix, "${{ v }}", "$'…'"},
		{"echo $\"a${{ v }}\"", Bash, "${{ v }}", `$"…"`},
		{"echo `a ${{ v }}`", Posix, "${{ v }}", "backquotes"},
		{"echo \"`a ${{ v }}`\"", Posix, "${{ v }}", "backquotes"},
		{"cat <<'EOF'\n${{ v }}\nEOF\n", Posix, "${{ v }}", "quoted here-document"},
		{"cat <<\\EOF\n${{ v }}\nEOF\n", Posix, "${{ v }}", "quoted here-document"},
		{"cat <<${{ v }}\nx\n${{ w }}\n", Posix, "", ""},
		{"# about ${{ v }}\necho", Posix, "${{ v }}", "comment"},
		{"echo a # ${{ v }}", Posix, "${{ v }}", "comment"},
		{"${{ v }}() { :; }", Posix, "${{ v }}", "function name"},
		{"${{ v }}=1", Posix, "${{ v }}", "variable name"},
		{"x${{ v }}=1 y", Posix, "${{ v }}", "variable name"},
		{"echo ${${{ v }}}", Posix, "${{ v }}", "variable name"},
		{"echo ${x:-${{ v }}}", Posix, "${{ v }}", "inside ${…}"},
		{"echo \"${x:-${{ v }}}\"", Posix, "${{ v }}", "inside ${…}"},
		{"echo ${x#${{ v }}}", Posix, "${{ v }}", "inside ${…}"},
		{"for ${{ v }} in a; do :; done", Posix, "${{ v }}", "variable name"},
		{"echo $x${{ v }}", Posix, "${{ v }}", "without braces"},
		{"echo \"$x${{ v }}\"", Posix, "${{ v }}", "without braces"},
		{"echo $${{ v }}", Posix, "${{ v }}", ""},
		{"cat <<EOF\n$1${{ v }}\nEOF\n", Posix, "${{ v }}", "without braces"},
		{"echo $$${{ v }}", Posix, "${{ v }}", "after $$"},
		{"echo $$'a${{ v }}'", Posix, "${{ v }}", "after $$"},
		{"echo \"$#${{ secrets.v }}\"", Posix, "${{ secrets.v }}", "without braces"},
		{`echo \${{ v }}`, Posix, "${{ v }}", "backslash"},
		{`echo "\${{ v }}"`, Posix, "${{ v }}", "backslash"},
		{"cat <<EOF\n\\${{ v }}\nEOF\n", Posix, "${{ v }}", "backslash"},
		{"echo ~${{ v }}/x", Posix, "${{ v }}", "after ~"},
		{"echo 2>&${{ v }}", Posix, "${{ v }}", "file descriptor"},
		{"echo @(a|${{ v }})", Bash, "${{ v }}", "extended pattern"},
		{"echo ${{ raw(secrets.v) }}", Posix, "${{ raw(secrets.v) }}", "raw()"},
		{"echo ${{ v }}\r\n", Posix, "\r", "carriage return"},
		{"echo 'abc ${{ v }}", Posix, "'", "without closing quote"},
		{"if ${{ v }}; then", Posix, "t", "`then` must be followed"},
		{"echo ${{ v }} )", Posix, ")", "cannot read"},
		{"a=(x)", Posix, "(", "arrays are not part of POSIX sh"},
		{"[[ a = b ]]", Posix, "[[", "not part of POSIX sh"},
		{"diff <(a) b", Posix, "<", "cannot read the script"},
		{"function f { :; }", Posix, "{", "not part of POSIX sh"},
		{"echo a\x00b", Posix, "\x00", "NUL"},
	}
	for _, row := range rows {
		t.Run(row.script, func(t *testing.T) {
			parts, uses := split(row.script)
			_, problems := Parse(parts, row.dialect, uses)
			if len(problems) == 0 {
				t.Fatal("no problem")
			}
			p := problems[0]
			if !strings.Contains(p.Message, row.message) {
				t.Errorf("message %q does not hold %q", p.Message, row.message)
			}
			if strings.Contains(p.Message+p.Hint, "OpsctlPlace") {
				t.Errorf("the placeholder shows: %+v", p)
			}
			if got := row.script[p.Offset:min(p.Offset+p.Width, len(row.script))]; row.want != "" && got != row.want {
				t.Errorf("problem %+v is at %q, want %q", p, got, row.want)
			}
			t.Logf("%s (%s)", p.Message, p.Hint)
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	parts, uses := split("echo $((${{ a }})) ${{ b }} `${{ c }}`\n# ${{ d }}\n")
	script, problems := Parse(parts, Posix, uses)
	if script != nil || len(problems) != 3 {
		t.Errorf("problems: %+v", problems)
	}
}

func TestPosixScriptThatIsBash(t *testing.T) {
	for _, script := range []string{"a=(x)", "diff <(a) b", "function f { :; }", "echo &>x", "cat <<<x", "echo ${x/a/b}", "a |& b"} {
		_, problems := Parse([]Part{{Text: script, Value: -1}}, Posix, nil)
		if len(problems) != 1 || problems[0].Hint != bashHint {
			t.Errorf("%s: %+v", script, problems)
		}
	}
}

func TestNULInValue(t *testing.T) {
	parts, uses := split("echo ${{ v }}")
	script, problems := Parse(parts, Posix, uses)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, _, err := script.Render([]Value{scalar("a\x00b")}); err == nil {
		t.Error("a NUL was let through")
	}
}

func TestSecretIsNotInTheText(t *testing.T) {
	parts, uses := split("a ${{ secrets.v }} \"${{ secrets.v }}\" '${{ secrets.v }}' x=${{ secrets.v }} <<E\n${{ secrets.v }}\nE\n")
	script, problems := Parse(parts, Posix, uses)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	values := make([]Value, len(uses))
	for i := range values {
		values[i] = scalar("hunter2")
	}
	text, env, err := script.Render(values)
	if err != nil || strings.Contains(text, "hunter2") || len(env) != len(uses) {
		t.Errorf("%q %v %v", text, env, err)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"": "''", "a": "'a'", "a'b": `'a'\''b'`, "a\nb": "'a\nb'", "-": "'-'", "\\": `'\'`} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}
