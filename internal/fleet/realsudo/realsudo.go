//go:build unix

package realsudo

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	dropIns   = "/etc/sudoers.d"
	triesMax  = 20
	betweenTo = 200 * time.Millisecond // tries of a tool that found the files of users locked
)

// User is a user of this machine that lives as long as its test.
type User struct {
	Name     string
	Password string
	Home     string
	UID, GID uint32
}

// Options say what a user is like.
type Options struct {
	Shell  string // of its login; "" is /bin/sh
	NoHome bool   // it has none
}

// NewUser makes a user with a password, who may not use sudo yet. Where that cannot be done, the
// test is skipped.
func NewUser(tb testing.TB, o Options) *User {
	tb.Helper()
	find(tb)
	name := "opsctl" + token()[:8]
	args := []string{"-M"}
	if !o.NoHome {
		args = []string{"-m", "-k", "/var/empty"}
	}
	if o.Shell == "" {
		o.Shell = "/bin/sh"
	}
	u := &User{Name: name, Password: `pa ss'"\$(x)%` + token()}
	tb.Cleanup(func() { u.remove(tb) })
	do(tb, "", "useradd", append(args, "-s", o.Shell, name)...)
	do(tb, name+":"+u.Password+"\n", "chpasswd")
	found, err := user.Lookup(name)
	if err != nil {
		tb.Fatal(err)
	}
	u.Home, u.UID, u.GID = found.HomeDir, number(tb, found.Uid), number(tb, found.Gid)
	return u
}

func number(tb testing.TB, text string) uint32 {
	tb.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		tb.Fatal(err)
	}
	return uint32(n)
}

func token() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // documented never to fail
	return hex.EncodeToString(b)
}

func find(tb testing.TB) {
	tb.Helper()
	if os.Getuid() != 0 {
		tb.Skip("only root can make users")
	}
	for _, program := range []string{"sudo", "visudo", "useradd", "userdel", "chpasswd"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Skipf("there is no %s here: install sudo and passwd", program)
		}
	}
}

// do runs one of the tools for users, again while another one holds their files.
func do(tb testing.TB, stdin, name string, args ...string) {
	tb.Helper()
	for try := 1; ; try++ {
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return
		}
		if !strings.Contains(string(out), "lock") || try == triesMax {
			tb.Fatalf("%s: %v: %s", name, err, out)
		}
		time.Sleep(betweenTo)
	}
}

// Allow lets the user do what a rule of sudoers says after its name, such as "ALL=(ALL) ALL", with settings of
// its own, such as "requiretty".
func (u *User) Allow(tb testing.TB, rule string, defaults ...string) {
	tb.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", u.Name, rule)
	for _, d := range defaults {
		fmt.Fprintf(&text, "Defaults:%s %s\n", u.Name, d)
	}
	// With a dot in its name, sudo reads it not before it was found whole: a broken file would break sudo for all.
	draft := filepath.Join(dropIns, u.Name+".draft")
	if err := os.WriteFile(draft, []byte(text.String()), 0o440); err != nil {
		tb.Fatal(err)
	}
	defer os.Remove(draft)
	do(tb, "", "visudo", "-cqf", draft)
	if err := os.Rename(draft, filepath.Join(dropIns, u.Name)); err != nil {
		tb.Fatal(err)
	}
	u.forget(tb)
}

// forget removes what sudo remembers of passwords that were given.
func (u *User) forget(tb testing.TB) {
	tb.Helper()
	for _, dir := range []string{"/run/sudo/ts", "/var/run/sudo/ts", "/var/db/sudo/ts", "/var/lib/sudo/ts"} {
		if err := os.RemoveAll(filepath.Join(dir, u.Name)); err != nil {
			tb.Error(err)
		}
	}
}

// Change changes the account by usermod or chage.
func (u *User) Change(tb testing.TB, tool string, args ...string) {
	tb.Helper()
	do(tb, "", tool, append(args, u.Name)...)
}

// Credential is what a process of the user runs with.
func (u *User) Credential() *syscall.Credential { return &syscall.Credential{Uid: u.UID, Gid: u.GID} }

// remove removes all traces. It goes on where something is not there.
func (u *User) remove(tb testing.TB) {
	for _, name := range []string{u.Name, u.Name + ".draft"} {
		if err := os.RemoveAll(filepath.Join(dropIns, name)); err != nil {
			tb.Error(err)
		}
	}
	u.forget(tb)
	if u.UID != 0 {
		killAll(tb, u.UID)
		if err := os.RemoveAll(fmt.Sprintf("/var/tmp/opsctl-%d", u.UID)); err != nil {
			tb.Error(err)
		}
	}
	if _, err := user.Lookup(u.Name); err == nil {
		do(tb, "", "userdel", "-f", u.Name)
		if err := os.RemoveAll(u.Home); err != nil && u.Home != "" {
			tb.Error(err)
		}
	}
}

// killAll kills the processes of a user that was made for a test.
func killAll(tb testing.TB, uid uint32) {
	tb.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		tb.Error(err)
	}
	for _, dir := range dirs {
		var st syscall.Stat_t
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err == nil && syscall.Stat(dir, &st) == nil && st.Uid == uid {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone by now
		}
	}
}
