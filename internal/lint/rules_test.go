package lint

import (
	"fmt"
	"strings"
	"testing"
)

// TestRules holds each rule against steps (indented below "steps:" in line 10), and against whole runbooks. What is
// wanted of each finding of the rule is its place, the words it underlines, and a part of its message.
func TestRules(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			text := c.text
			if !strings.HasPrefix(text, "name:") {
				text = "name: x\nhosts: web\nparams:\n  tool: {type: string}\n  token: {secret: true}\n  n: {type: int, default: 1}\n\n\n\nsteps:\n  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
			}
			var got []string
			for _, f := range check(t, "x.yaml", text, Options{Only: []string{c.rule}}) {
				line := []rune(f.File.Line(f.Pos.Line))
				got = append(got, fmt.Sprintf("%d:%d %s « %s", f.Pos.Line, f.Pos.Column, string(line[f.Pos.Column-1:f.EndColumn-1]), f.Message))
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %d findings, want %d:\n%s\n%s", len(got), len(c.want), strings.Join(got, "\n"), text)
			}
			for i, want := range c.want {
				place, message, _ := strings.Cut(want, " « ")
				if !strings.HasPrefix(got[i], place+" « ") || !strings.Contains(got[i], message) {
					t.Errorf("got  %s\nwant %s", got[i], want)
				}
			}
		})
	}
}

type ruleCase struct {
	rule, name, text string
	want             []string
}

func cases() []ruleCase {
	return []ruleCase{
		{"missing-rollback", "nobody declares one", "- run: useradd a", nil},
		{"missing-rollback", "actions know their own", "- {run: a, rollback: b}\n- copy: {content: a, dest: /a}\n- {run: ls, effect: read}\n- wait: {pause: 1s}", nil},
		{"missing-rollback", "inside of a block with one", "- rollback: b\n  steps:\n    - id: inner\n      run: a", []string{`13:13 inner « step "block_1/inner" changes`}},
		{"missing-rollback", "finally is never taken back", "name: x\nsteps: [{run: a, rollback: b}]\nfinally: [{run: c}]\n", nil},
		{"rollback-reads-result", "in a list of words", "- run: a\n  rollback: [rm, \"${{ result.stdout }}\"]", []string{"12:21 ${{ result.stdout }} « needs what the step printed"}},
		{"rollback-reads-result", "of another step", "- {id: one, run: a}\n- {run: b, rollback: \"rm ${{ steps.one.stdout }}\"}", nil},
		{"fails-after-no-return", "ignored", "- {run: a, point_of_no_return: true}\n- {run: b, on_failure: ignore}", nil},
		{"fails-after-no-return", "in a later block", "- {id: p, run: a, point_of_no_return: true}\n- steps: [{id: b, run: b}]\n- {on_failure: continue, steps: [{run: b}]}\n- {run: ls, effect: read}", []string{`12:18 b « step "block_2/b" may fail after "p"`}},
		{"fails-after-no-return", "beside it", "- {id: p, run: a, point_of_no_return: true}\n- {run: b, needs: []}", nil},
		{"once-not-taken-back", "nothing to take back", "- {once: true, run: a, rollback: none, on_failure: {do: rollback, scope: hosts}}", nil},
		{"once-not-taken-back", "of a wave", "- {once: true, run: a, rollback: b, on_failure: {do: rollback, scope: wave}}", []string{"11:6 once « scope wave"}},

		{"check-writes", "reads", "- run: a\n  check: grep -q x /etc/a && test -e /b && curl -fsS localhost >/dev/null 2>&1", nil},
		{"check-writes", "a redirection", "- run: a\n  check: ls > /tmp/list", []string{"12:15 > /tmp/list « this check looks as if it writes: a redirection"}},
		{"check-writes", "an appending one, in a block", "- run: a\n  check: |\n    date\n    date >>/var/log/x", []string{"14:12 >>/var/log/x « redirection"}},
		{"check-writes", "null and file descriptors", "- run: a\n  check: ls >&2 2>/dev/null >/dev/stderr", nil},
		{"check-writes", "save", "- run: a\n  save: {old: \"touch /a; cat /b\"}\n  rollback: echo ${{ saved.old }}", []string{"12:18 touch /a « this save looks as if it writes: touch"}},
		{"check-writes", "effect read", "- run: systemctl restart app\n  effect: read", []string{"11:10 systemctl restart app « effect read, and looks as if it writes: systemctl restart"}},
		{"check-writes", "options before the verb", "- {run: systemctl --no-block stop app, effect: read}", []string{"11:11 systemctl --no-block stop app « systemctl stop"}},
		{"check-writes", "asking systemctl", "- {run: systemctl is-active app, effect: read}", nil},
		{"check-writes", "sed", "- {run: \"sed s/a/b/ x; sed -ri s/a/b/ y\", effect: read}", []string{"11:26 sed -ri s/a/b/ y « sed that writes"}},
		{"check-writes", "behind sudo and env", "- {run: sudo -u app env A=b rm -f /x, effect: read}", []string{"11:11 sudo -u app env A=b rm -f /x « rm"}},
		{"check-writes", "inside of a condition", "- run: a\n  check: if kill -0 1; then apt-get install -y x; fi", []string{"12:31 apt-get install -y x « apt-get install"}},
		{"check-writes", "tee", "- {run: \"a | tee /dev/null; b | tee out\", effect: read}", []string{"11:35 tee out « tee"}},
		{"check-writes", "curl", "- {run: \"curl -o /dev/null x; curl -X GET x; curl -XPOST x\", effect: read}", []string{"11:48 curl -XPOST x « curl that sends"}},
		{"check-writes", "wget", "- {run: \"wget -qO- x; wget --spider x; wget x\", effect: read}", []string{"11:42 wget x « wget"}},
		{"check-writes", "tar and find", "- {run: \"tar -tzf a; find / -name b; tar xf a; find . -delete\", effect: read}", []string{"11:40 tar xf a « tar", "11:50 find . -delete « find"}},
		{"check-writes", "a list of words", "- {run: [rm, -rf, /x], effect: read}", []string{"11:12 rm « rm"}},
		{"check-writes", "only asked", "- {run: \"rpm -qi bash; date -Is; kill -0 1; unzip -l x; apt-get -s install y; rsync -n a b; service app status\", effect: read}", nil},
		{"check-writes", "a program of that name", "- {run: \"bin/install a; ./rm; date -u\", effect: read}", nil},
		{"check-writes", "the clock", "- {run: date -s 12:00, effect: read}", []string{"11:11 date -s 12:00 « date"}},
		{"check-writes", "with its directory", "- {run: /usr/bin/rm a, effect: read}", []string{"11:11 /usr/bin/rm a « rm"}},
		{"check-writes", "options in a group", "- {run: \"curl -fsSo /dev/null x; curl -fsSo out x\", effect: read}", []string{"11:36 curl -fsSo out x « curl"}},
		{"check-writes", "handed on", "- {run: \"find . -name x | xargs -r -n 1 rm\", effect: read}", []string{"11:29 xargs -r -n 1 rm « rm"}},
		{"check-writes", "with a limit", "- {run: timeout -k 5 10 touch a, effect: read}", []string{"11:11 timeout -k 5 10 touch a « touch"}},
		{"check-writes", "temporary files", "- run: a\n  check: |\n    f=$(mktemp)\n    ls >\"$f\"\n    rm \"$f\"", nil},
		{"check-writes", "a wait", "- wait: {run: touch /x}", []string{"11:17 touch /x « touch"}},
		{"missing-effect", "a change among them", "- run: df; rm x", nil},
		{"missing-effect", "said already", "- {run: df, effect: change}", nil},
		{"missing-effect", "nothing is read", "- run: sleep 1; exit 0", nil},
		{"missing-effect", "pipes", "- run: ps aux | grep x | wc -l", []string{`11:5 run « only reads`}},
		{"missing-effect", "a list of words", "- run: [systemctl, is-active, app]", []string{`11:5 run « only reads`}},
		{"missing-effect", "unknown command", "- run: cat a; ./tool", nil},
		{"missing-effect", "into a file", "- run: cat a > b", nil},

		{"value-as-command", "an argument", "- run: echo ${{ tool }}", nil},
		{"value-as-command", "in double quotes", "- run: '\"bin/${{ tool }}\" x'", nil},
		{"value-as-command", "behind sudo", "- run: sudo ${{ tool }}", []string{"11:15 ${{ tool }} « the name of the command"}},
		{"value-as-command", "a list of words", "- run: [\"${{ tool }}\", x]", []string{"11:11 \"${{ tool }}\" « the name of the command"}},
		{"value-as-command", "behind sudo, in a list of words", "- run: [sudo, \"${{ tool }}\", x]", []string{"11:17 \"${{ tool }}\" « the name of the command"}},
		{"value-as-command", "in the second line", "- run: |\n    true\n    ${{ tool }} x", []string{"13:7 ${{ tool }} « the name"}},
		{"sudo-in-script", "every script", "- run: true\n  check: sudo -n true\n  rollback: cd /; sudo rm x", []string{"12:12 sudo « sudo", "13:21 sudo « sudo"}},
		{"sudo-in-script", "a word", "- run: echo sudo", nil},
		{"download-to-shell", "with sudo and more pipes", "- run: wget -qO- x | gunzip | sudo bash -s", []string{"11:10 wget -qO- x | gunzip | sudo bash -s « downloaded"}},
		{"download-to-shell", "in a substitution", "- run: sh -c \"$(curl -fsSL x)\"", []string{"11:10 sh -c \"$(curl -fsSL x)\" « downloaded"}},
		{"download-to-shell", "in bash", "- run: bash <(curl -fsSL x)\n  shell: bash", []string{"11:10 bash <(curl -fsSL x) « downloaded"}},
		{"download-to-shell", "into jq", "- run: curl x | jq .", nil},
		{"hidden-exit-code", "tee", "- run: make | tee log", []string{"11:15 | tee log « that of tee"}},
		{"hidden-exit-code", "tee in bash", "- run: make | tee log\n  shell: bash", nil},
		{"hidden-exit-code", "inside of a substitution", "- run: x=$(grep a b || true)", nil},
		{"hidden-exit-code", "a check may", "- run: a\n  check: b || true", nil},
		{"hidden-exit-code", "a colon", "- run: |\n    a\n    b || :", []string{"13:9 || : « hidden"}},

		{"bashism", "sh as it is", "- run: |\n    f() { local x=1; echo \"$x\" '{a,b}' {} \\{a,b}; }\n    . ./x; [ a = b ]; read -r y; printf '%s' \"${y#a}\" >&2", nil},
		{"bashism", "echo -e", "- run: echo -e a", []string{"11:15 -e « echo -e"}},
		{"bashism", "test ==", "- run: '[ a == b ] && test a == b'", []string{"11:15 == « ==", "11:32 == « =="}},
		{"bashism", "arithmetic", "- run: ((n++)) || true", []string{"11:10 (( « (( ))"}},
		{"bashism", "variables", "- run: echo $RANDOM ${BASH_SOURCE}", []string{"11:15 $RANDOM « $RANDOM", "11:23 ${BASH_SOURCE} « $BASH_SOURCE"}},
		{"bashism", "dollar quotes", "- run: printf $'a\\n'", []string{"11:17 $'a\\n' « $'…'"}},
		{"bashism", "declare, let, +=", "- run: |\n    declare -a x\n    let n=1\n    n+=1", []string{"12:7 declare « declare", "13:7 let « let", "14:7 n+=1 « +="}},
		{"bashism", "redirections", "- run: ls >& x; ls >&2", []string{"11:13 >& x « with a file"}},
		{"bashism", "options", "- run: |\n    set -o pipefail\n    trap x ERR\n    read -p q x\n    type -p x", []string{"12:14 pipefail « pipefail", "13:14 ERR « trap ERR", "14:12 -p « read -p", "15:12 -p « type -p"}},
		{"bashism", "under bash", "- run: source x; ((n++))\n  shell: bash", nil},
		{"bashism", "after a value", "- run: echo ${{ tool }}; source x", []string{"11:28 source « source"}},
		{"bashism", "after characters of several bytes", "- run: echo äöü; source x", []string{"11:20 source « source"}},

		{"unreachable-step", "a contradiction", "- {run: a, if: 1 > 2}", []string{"11:18 1 > 2 « always false"}},
		{"unreachable-step", "a param decides", "- {run: a, if: n > 2}", nil},
		{"unreachable-step", "after a false assertion", "- {id: no, assert: {that: 'false'}}\n- {id: late, run: a}", []string{`12:10 late « what "no" asserts`}},
		{"unreachable-step", "a pattern without itself", "- {run: a, hosts: 'web:!web'}", []string{"11:21 'web:!web' « web:!web is no host"}},
		{"unreachable-step", "local in a rollout of all", "- {hosts: all, rollout: 50%, steps: [{run: a, hosts: local}]}", []string{"11:56 local « local is not among"}},
		{"runs-beside", "needs the one before", "- {id: a, run: a}\n- {id: b, run: a, needs: [a]}\n- {id: c, run: c}", nil},
		{"runs-beside", "starts at once", "- {id: a, run: a}\n- {id: b, run: a, needs: []}\n- {id: c, run: c}", []string{`12:21 needs « runs beside a`}},
		{"no-timeout", "a step", "- {run: a, timeout: none}", []string{"11:23 none « nothing ends this"}},
		{"no-timeout", "a limit", "- {run: a, timeout: 5m}", nil},
		{"no-timeout", "the runbook", "name: x\ntimeout: none\nsteps: [{run: a}]\n", []string{"2:10 none « nothing ends this"}},
		{"wait-default-timeout", "another wait", "- wait: {tcp: 'localhost:1'}", nil},

		{"secret-shown", "name and why", "- run: a\n  name: with ${{ token }}\n  why: |\n    because\n    of ${{ token }}", []string{"12:16 ${{ token }} « shown to people", "15:10 ${{ token }} « shown to people"}},
		{"secret-shown", "a var made of it", "name: x\nparams: {token: {secret: true}}\nvars: {header: \"Bearer ${{ token }}\"}\ndescription: ${{ header }}\nsteps: [{run: a}]\n", []string{"4:14 ${{ header }} « shown"}},
		{"secret-shown", "another param", "- {run: a, name: \"the ${{ tool }}\"}", nil},
		{"literal-password", "names of variables", "- run: export DB_PASSWORD=s3cr3tword", []string{"11:29 s3cr3tword « password"}},
		{"literal-password", "a variable", "- run: export DB_PASSWORD=\"$X\" TOKEN=${{ token }}", nil},
		{"literal-password", "env", "- {run: a, env: {API_TOKEN: abcdefgh}}", []string{`11:31 abcdefgh « "API_TOKEN" looks like a secret`}},
		{"literal-password", "a URL", "- run: git clone https://bot:hunter22@example.com/x", []string{"11:25 ://bot:hunter22@ « key or a password"}},
		{"literal-password", "keys of issuers", "- run: aws --key AKIAIOSFODNN7EXAMPLE", []string{"11:20 AKIAIOSFODNN7EXAMPLE « key"}},
		{"literal-password", "a default", "name: x\nparams: {db_password: {default: hunter2}, other: {secret: true, default: none}}\nsteps: [{run: a}]\n", []string{`2:33 hunter2 « default of "db_password"`}},
		{"literal-password", "words about it", "- run: \"echo the password is wrong; passwd --status app; vault token lookup\"", nil},

		{"unused-param", "used bare", "name: x\nparams: {a: {type: bool, default: true}}\nsteps: [{run: x, if: a}]\n", nil},
		{"unused-param", "used by a var", "name: x\nparams: {a: {type: string}}\nvars: {b: \"${{ a }}\"}\nsteps: [{run: x}]\n", nil},
		{"unused-param", "a template file", "name: x\nparams: {a: {type: string}}\nsteps: [{copy: {src: x, dest: /x, template: true}}]\n", nil},
		{"unused-var", "only its name stands there", "name: x\nvars: {dir: a}\nsteps: [{run: mkdir dir}]\n", []string{`2:8 dir « the var "dir"`}},
		{"unused-output", "saved", "- run: a\n  save: {old: cat x}\n  rollback: b", []string{`12:12 old « saves as "old"`}},
		{"unused-output", "saved and used", "- run: a\n  save: {old: cat x}\n  rollback: b ${{ saved.old }}", nil},

		{"yaml-trap", "words", "name: x\nvars: {a: yes, b: Off, c: \"no\", d: 'true'}\nsteps: [{run: x}]\n", []string{"2:11 yes « yes is a text", "2:19 Off « Off is a text"}},
		{"yaml-trap", "numbers", "name: x\nvars: {a: 010, b: 1.10, c: 1.5, d: 10, e: 12:30}\nsteps: [{run: x}]\n", []string{"2:11 010 « the number 10", "2:19 1.10 « the number 1.1", "2:43 12:30 « base of 60"}},
		{"yaml-trap", "in lists", "name: x\nvars: {a: [1.0, no]}\nsteps: [{run: x}]\n", []string{"2:12 1.0 « the number 1", "2:17 no « no is"}},
		{"yaml-trap", "nothing", "name: x\nvars: {a: ~, b: null, c: }\nsteps: [{run: x}]\n", []string{"2:11 ~ « ~ is nothing"}},
		{"yaml-trap", "params", "name: x\nparams:\n  v: {type: string, default: 1.10}\n  m: {type: list, default: [1.10]}\nsteps: [{run: x}]\n", []string{"4:29 1.10 « the number 1.1"}},
		{"yaml-trap", "env", "- {run: a, env: {A: yes, B: 1.10, C: 010}}", []string{"11:23 yes « yes is a text"}},
		{"undocumented", "elsewhere", "- run: a", nil},

		{"missing-rollback", "saved files", "- {run: a, rollback: b}\n- {run: c, save_files: [/etc/a]}", nil},
		{"missing-rollback", "a confirmation changes nothing", "- {run: a, rollback: b}\n- confirm: sure?", nil},
		{"missing-rollback", "where only what is included declares one", "- {id: a, run: a}\n- {runbook: inner.yaml, with: {who: b}}", []string{`11:10 a « step "a" changes`}},
		{"missing-rollback", "finally of a block", "- {run: a, rollback: b}\n- steps: [{run: a, rollback: b}]\n  finally: [{run: c}]", nil},
		{"sudo-in-script", "what is included has its own", "- {runbook: inner.yaml, with: {who: b}}", nil},
		{"sudo-in-script", "finally of a block, and a gate", "- rollout: {waves: [1], gate: {run: sudo a}}\n  steps: [{run: b}]\n  finally: [{run: sudo c}]", []string{"11:39 sudo « sudo", "13:21 sudo « sudo"}},
		{"runs-beside", "in finally", "- steps: [{run: b}]\n  finally: [{id: a, run: a}, {id: b, run: b, needs: []}]", []string{`12:48 needs « runs beside a`}},
		{"secret-shown", "a question and a task for a person", "name: x\nparams: {t: {secret: true}}\nsteps:\n  - {run: a, confirm: \"with ${{ t }}?\"}\n  - manual: type ${{ t }}\n", []string{"4:29 ${{ t }} « shown", "5:18 ${{ t }} « shown"}},
		{"secret-shown", "messages", "name: x\nparams: {t: {secret: true}}\nnotify: {to: ops, message: \"${{ t }}\"}\nsteps:\n  - notify: {to: ops, message: \"${{ t }}\"}\n", []string{"3:29 ${{ t }} « shown", "5:33 ${{ t }} « shown"}},
		{"notify-each-host", "here, once, on one host", "name: x\nhosts: web\nsteps:\n  - {hosts: local, notify: {to: a, message: b}}\n  - {once: true, notify: {to: a, message: b}}\n  - {hosts: 'web[-1]', notify: {to: a, message: b}}\n  - {rollout: {waves: 1, gate: {notify: {to: a, message: b}}}, steps: [{run: c}]}\n", nil},
		{"notify-each-host", "no hosts are said", "name: x\nsteps: [{notify: {to: a, message: b}}]\n", nil},
		{"notify-each-host", "in a block, and one host by name, which may be a group", "name: x\nsteps:\n  - {hosts: web, steps: [{delegate: local, notify: {to: a, message: b}}]}\n  - {hosts: [a, b], notify: {to: a, message: b}}\n", []string{"3:44 notify « once for each host", "4:21 notify « once for each host"}},
		{"missing-rollback", "a message", "name: x\nsteps:\n  - {run: a, rollback: b}\n  - notify: {to: a, message: b}\n", nil},
		{"literal-password", "where a secret comes from", "name: x\nsecrets: {t: {command: [vault, read, --token=hunter22]}}\nsteps: [{run: a}]\n", []string{"2:46 hunter22 « password"}},
		{"unused-secret", "by a source of another host", "name: x\nsecrets: {t: {env: T}, u: {env: T}}\nsteps: [{run: a, stdin: \"${{ secrets.u }}\"}]\n", []string{`2:11 t « the secret "t"`}},
		{"unused-item", "inside of a block", "- foreach: [a]\n  steps: [{run: \"echo ${{ item }}\"}]", nil},
		{"unused-item", "given to what is included", "- {runbook: inner.yaml, with: {who: \"${{ item }}\"}, foreach: [a]}", nil},
		{"unused-param", "in a foreach", "name: x\nparams: {l: {type: list}}\nsteps: [{run: \"echo ${{ item }}\", foreach: \"${{ l }}\"}]\n", nil},
		{"yaml-trap", "items and what is given to an include", "- {run: \"a ${{ item }}\", foreach: [no, a]}\n- {runbook: inner.yaml, with: {who: off}}", []string{"11:38 no « no is", "12:39 off « off is"}},
	}
}

func TestSeverities(t *testing.T) {
	found := check(t, "x.yaml", "name: x\nsteps:\n  - {run: a, env: {A: yes}}\n", Options{})
	if len(found) != 1 || found[0].Severity != Note || Worst(found) != Note {
		t.Errorf("got %+v", found)
	}
	if f := found[0]; f.Rule != "yaml-trap" || f.Step != "run_1" || f.Pos.Line != 3 || f.Pos.Column != 23 || f.EndColumn != 26 {
		t.Errorf("got %+v", f)
	}
	if Worst(nil) != "" {
		t.Error("nothing found, and it weighs something")
	}
}

func TestOptions(t *testing.T) {
	text := "name: x\nsteps:\n  - run: sudo ls | tee x\n"
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{}, "sudo-in-script hidden-exit-code"},
		{Options{Only: []string{"hidden-exit-code"}}, "hidden-exit-code"},
		{Options{Skip: []string{"hidden-exit-code"}}, "sudo-in-script"},
	} {
		var got []string
		for _, f := range check(t, "x.yaml", text, c.options) {
			got = append(got, f.Rule)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: got %v, want %s", c.options, got, c.want)
		}
	}
}

func TestExceptions(t *testing.T) {
	for _, c := range []struct{ name, steps, want string }{
		{"on the line", "- run: sudo a # opsctl:ignore sudo-in-script it must", ""},
		{"above", "# opsctl:ignore sudo-in-script it must\n- run: sudo a", ""},
		{"above, with comments between", "# opsctl:ignore sudo-in-script it must\n# more\n\n- run: sudo a", ""},
		{"at the step", "# opsctl:ignore sudo-in-script it must\n- id: a\n  run: |\n    true\n    sudo a", ""},
		{"at the key", "- id: a\n  # opsctl:ignore sudo-in-script it must\n  run: |\n    true\n    sudo a", ""},
		{"in the script", "- id: a\n  run: |\n    true\n    sudo a # opsctl:ignore sudo-in-script it must", ""},
		{"two rules", "# opsctl:ignore sudo-in-script,hidden-exit-code they must\n- run: sudo a | tee x", ""},
		{"two rules, with a blank", "# opsctl:ignore sudo-in-script, hidden-exit-code they must\n- run: sudo a | tee x", ""},
		{"two comments", "# opsctl:ignore sudo-in-script it must\n# opsctl:ignore hidden-exit-code it must\n- run: sudo a | tee x", ""},
		{"at another step", "# opsctl:ignore sudo-in-script it must\n- run: a\n- run: sudo a", "3:unused-ignore 5:sudo-in-script"},
		{"at the block", "# opsctl:ignore sudo-in-script it must\n- steps:\n    - run: sudo a", "3:unused-ignore 5:sudo-in-script"},
		{"no reason", "- run: sudo a # opsctl:ignore sudo-in-script", "3:sudo-in-script 3:bare-ignore"},
		{"nothing", "- run: sudo a # opsctl:ignore", "3:sudo-in-script 3:bare-ignore"},
		{"misspelt", "- run: sudo a # opsctl:ignore sudo-in-scrpt it must", "3:sudo-in-script 3:unknown-rule"},
		{"one of two unused", "- run: sudo a # opsctl:ignore sudo-in-script,yaml-trap they must", "3:unused-ignore"},
		{"another word", "- run: a # opsctl:ignored", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "name: x\nsteps:\n  " + strings.ReplaceAll(c.steps, "\n", "\n  ") + "\n"
			var got []string
			for _, f := range check(t, "x.yaml", text, Options{}) {
				got = append(got, fmt.Sprintf("%d:%s", f.Pos.Line, f.Rule))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}
