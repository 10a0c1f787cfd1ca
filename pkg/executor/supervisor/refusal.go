package supervisor

import (
	"regexp"

	"github.com/opsctl/opsctl/pkg/executor"
)

// refusal is the word of sudo against us. It is an error, and what a person is told is its hostError.
type refusal struct {
	user  string
	m     manner
	gave  bool   // a password was given
	again bool   // it was asked for once more
	said  string // since then
}

func (r *refusal) Error() string { return r.hostError().Message }

// reasons are what sudo says in English, and what it means. What is said in another language is
// shown as it is: the prompts alone decide what opsctl does.
var reasons = []struct {
	said *regexp.Regexp
	why  string
	hint string
}{
	{wantsTerminal, "sudoers there insists on a terminal (requiretty)", "install script (of util-linux) there, or add `Defaults:LOGIN !requiretty` to sudoers"},
	{regexp.MustCompile(`not in the sudoers file`), "the login user is not in sudoers", "add a rule for it to sudoers, or log in as somebody who may: -u USER"},
	{regexp.MustCompile(`is not allowed to (execute|run)|may not run sudo`), "sudoers does not let the login user do that", "opsctl runs `sh` behind sudo: sudoers must allow that, LOGIN ALL=(USER) /bin/sh"},
	{regexp.MustCompile(`(?i)(account|password) (has |is )?expired|account validation failure|password expired|Account or password is expired|PAM config lacks an "account"`), "an account is expired or locked there", "see `chage -l USER` on the host"},
	{regexp.MustCompile(`unknown user`), "there is no such user on the host", "check the name after `sudo:`"},
	{regexp.MustCompile(`(?i)sudo: (command )?not found|command not found: sudo|(unknown command|could not find command|execute process|executable):? *['"]?sudo|sudo.*no such file`), "there is no sudo on the host", "install it, or log in as root: -u root"},
	{regexp.MustCompile(`script: not found`), "sudoers there insists on a terminal (requiretty), and there is no script(1) to make one", "install script (of util-linux) there, or add `Defaults:LOGIN !requiretty` to sudoers"},
	{regexp.MustCompile(`effective uid is not 0|no new privileges`), "sudo cannot gain privileges there", "its file system is mounted nosuid, or it is in a container that forbids it"},
	{regexp.MustCompile(`(?i)syntax error|parse error|no valid sudoers`), "sudoers there is broken", "run `visudo -c` on the host"},
}

var (
	wantsTerminal = regexp.MustCompile(`must have a tty`)
	wantsPassword = regexp.MustCompile(`password is required|no password was provided`)
	wrongPassword = regexp.MustCompile(`incorrect password attempt|(?i)sorry, try again`)
)

func (r *refusal) wantsTerminal() bool { return wantsTerminal.MatchString(r.said) }

// mayWantPassword is true of what is not known to be hopeless: whether sudo asks for a password
// is told by its prompt, in every language.
func (r *refusal) mayWantPassword() bool {
	why, _ := r.reason()
	return why == ""
}

// wrong tells whether it was the password that sudo did not like.
func (r *refusal) wrong() bool {
	why, _ := r.reason()
	return r.gave && !r.second() && why == ""
}

// second tells whether something else was asked for after the password: a wrong password is
// answered by a word of complaint before the next prompt.
func (r *refusal) second() bool { return r.again && r.said == "" }

func (r *refusal) reason() (why, hint string) {
	for _, k := range reasons {
		if k.said.MatchString(r.said) {
			return k.why, k.hint
		}
	}
	return "", ""
}

// hostError tells a person what was tried, what sudo said, and what to do.
func (r *refusal) hostError() *executor.HostError {
	e := &executor.HostError{Class: "sudo", Message: "cannot become " + r.user + ": "}
	why, hint := r.reason()
	switch {
	case r.second():
		e.Message += "sudo asks for something more after the password, such as a one-time code"
		e.Hint = "opsctl has only a password to give: let sudoers or PAM there do without the other"
		return e
	case r.wrong() && (r.again || wrongPassword.MatchString(r.said)):
		e.Message += "wrong sudo password; it was tried once, and is not tried again"
		e.Hint = "`opsctl ping --sudo -K` tries another one"
		return e
	case why != "":
		e.Message, e.Hint = e.Message+why+": ", hint
	case !r.gave && wantsPassword.MatchString(r.said):
		e.Message += "sudo wants a password, and there is none: "
		e.Hint = "-K asks for it at the terminal, --sudo-password-file FILE and OPSCTL_SUDO_PASSWORD give it; or allow it without one in sudoers (NOPASSWD)"
	}
	e.Message += "`" + r.m.String() + "` said: " + r.said
	return e
}

func (m manner) String() string {
	switch {
	case m.password:
		return "sudo -S"
	default:
		return "sudo -n"
	}
}
