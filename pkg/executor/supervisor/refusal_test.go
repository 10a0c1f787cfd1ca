package supervisor

import (
	"strings"
	"testing"
)

// What several versions of sudo say, and several shells where there is none.
func TestWhatSudoSays(t *testing.T) {
	for _, c := range []struct {
		refusal
		want string // in the message and the hint
	}{
		{refusal{said: "sudo: a password is required"}, "-K asks for it"},
		{refusal{said: "sudo: sorry, a password is required to run sudo"}, "-K asks for it"},
		{refusal{said: "sudo: Ein Passwort ist notwendig"}, "`sudo -n` said: sudo: Ein Passwort ist notwendig"},
		{refusal{said: "sudo: sorry, you must have a tty to run sudo"}, "requiretty"},
		{refusal{said: "deploy is not in the sudoers file. This incident will be reported."}, "not in sudoers"},
		{refusal{said: "Sorry, user deploy may not run sudo on web1."}, "/bin/sh"},
		{refusal{said: "Sorry, user deploy is not allowed to execute '/bin/sh' as root on web1."}, "/bin/sh"},
		{refusal{said: "sudo: unknown user: pgsql"}, "no such user"},
		{refusal{said: "sudo: unknown user pgsql sudo: error initializing audit plugin sudoers_audit"}, "no such user"},
		{refusal{said: `sudo: Account expired or PAM config lacks an "account" section for sudo, contact your system administrator`}, "chage"},
		{refusal{said: "sudo: account validation failure, is your account locked?"}, "chage"},
		{refusal{said: "sh: 1: exec: sudo: not found"}, "no sudo on the host"},
		{refusal{said: "bash: line 1: exec: sudo: not found"}, "no sudo on the host"},
		{refusal{said: "zsh:1: command not found: sudo"}, "no sudo on the host"},
		{refusal{said: "sudo: Command not found."}, "no sudo on the host"},
		{refusal{said: "fish: Unknown command: sudo"}, "no sudo on the host"},
		{refusal{said: "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set"}, "cannot gain privileges"},
		{refusal{said: `sudo: The "no new privileges" flag is set, which prevents sudo from running as root.`}, "cannot gain privileges"},
		{refusal{said: "/etc/sudoers.d/web:1:8: syntax error"}, "visudo -c"},
		{refusal{gave: true, m: manner{password: true}, said: "sudo: 1 incorrect password attempt"}, "wrong sudo password"},
		{refusal{gave: true, m: manner{password: true}, again: true, said: "Das hat nicht funktioniert, bitte nochmal probieren."}, "wrong sudo password"},
		{refusal{gave: true, m: manner{password: true}, again: true}, "something more after the password"},
		{refusal{gave: true, m: manner{password: true}, said: "sudo: PAM-Fehler"}, "`sudo -S` said: sudo: PAM-Fehler"},
	} {
		c.user = "root"
		e := c.hostError()
		if text := e.Message + "\n" + e.Hint; e.Class != "sudo" || !strings.HasPrefix(text, "cannot become root: ") || !strings.Contains(text, c.want) {
			t.Errorf("%q is told as %q, which does not say %q", c.said, text, c.want)
		}
	}
}

// Whether a password may help is not told by what sudo says in English: only what is hopeless is.
func TestWhatAPasswordMayHelp(t *testing.T) {
	for said, may := range map[string]bool{
		"sudo: a password is required": true, "sudo: il est nécessaire de saisir un mot de passe": true,
		"sh: 1: exec: sudo: not found": false, "sudo: unknown user nosuch": false,
	} {
		if got := (&refusal{said: said}).mayWantPassword(); got != may {
			t.Errorf("%q: %v", said, got)
		}
	}
}
