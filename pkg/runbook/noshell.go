package runbook

import (
	"slices"

	"github.com/opsctl/opsctl/internal/source"
)

// NoShell is the shell of a host that has none, such as network gear: a command is sent to it as
// it stands, to be executed by the host itself.
const NoShell = "none"

// Bare tells whether the commands of the step are sent as they stand.
func (s *Step) Bare() bool { return s.ShellName() == NoShell }

// Commands lists every command that the step's author wrote for its hosts.
func (s *Step) Commands() []*Script {
	list := []*Script{s.Run, s.Check}
	for _, item := range s.Save {
		list = append(list, item.Run)
	}
	if s.Wait != nil {
		list = append(list, s.Wait.Run)
	}
	if s.Rollback != nil {
		list = append(list, s.Rollback.Run)
	}
	return slices.DeleteFunc(list, func(c *Script) bool { return c == nil })
}

// shellActions need a POSIX shell on the host, whatever shell the step is written for.
var shellActions = []string{"script", "copy", "link", "line", "service", "fetch", "reboot"}

// bareAction refuses what cannot be done on a host without a shell.
func (c *compiler) bareAction(s *Step) {
	if !s.Bare() {
		return
	}
	const hint = "shell: sh, if this host has one"
	switch {
	case slices.Contains(shellActions, s.Action):
		c.problem(s.Key, "%s needs a shell on the host, and \"shell: none\" says that there is none", s.Action).Hint = hint
	case s.Wait != nil && s.Wait.File != nil:
		c.problem(s.Key, "wait.file needs a shell on the host, and \"shell: none\" says that there is none").Hint = hint
	case len(s.SaveFiles) > 0:
		c.problem(s.Node.Get("save_files"), "save_files needs a shell on the host, and \"shell: none\" says that there is none").Hint = hint
	}
}

// bareKeys refuses what says how a shell is to be run, where there is none.
func (c *compiler) bareKeys(s *Step) {
	commands := s.Commands()
	if !s.Bare() || len(commands) == 0 {
		return
	}
	for _, command := range commands {
		if command.Argv != nil {
			c.problem(command.Node, "a list of words cannot be sent as they stand: with \"shell: none\" nothing says how they are kept apart").Hint = "write the command as one text"
		}
	}
	for at := s; at != nil; at = at.Parent {
		if len(at.Env) > 0 {
			c.bareKey(at.Node.Get("env"), "env")
		}
	}
	if _, owner := Said(s, func(s *Step) *Text { return s.Dir }); owner != nil {
		c.bareKey(owner.Node.Get("dir"), "dir")
	}
	if sudo, owner := Said(s, func(s *Step) *Text { return s.Sudo }); owner != nil && sudo.Node.Text != "false" {
		c.bareKey(owner.Node.Get("sudo"), "sudo")
	}
	if s.KillAfter != nil {
		c.bareKey(s.Node.Get("kill_after"), "kill_after")
	}
	if r := s.Rollback; r != nil {
		for _, key := range []string{"env", "dir", "sudo"} {
			c.bareKey(r.Run.keyBeside(s.Node.Get("rollback"), key), key)
		}
	}
}

// keyBeside gives a key of the map that the command stands in, or nil.
func (s *Script) keyBeside(n *source.Node, key string) *source.Node {
	if s == nil || n == nil || n.Kind != source.Map {
		return nil
	}
	return n.Get(key)
}

// bareKey says once that a key means nothing to a command without a shell.
func (c *compiler) bareKey(n *source.Node, key string) {
	if n == nil || c.bare[n] {
		return
	}
	if c.bare == nil {
		c.bare = map[*source.Node]bool{}
	}
	c.bare[n] = true
	hint := "say " + key + " on the steps that have a shell"
	if key == "kill_after" {
		hint = "timeout bounds how long the answer is waited for"
	}
	c.problem(n, "%s means nothing to a command with \"shell: none\": it is sent as it stands", key).Hint = hint
}
