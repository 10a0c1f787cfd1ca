package secret

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

func place(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

// bench is a Fetcher in a directory of its own, whose home is there too.
func bench(t *testing.T) *Fetcher {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{"HOME": dir, "TOKEN": canary, "BLANK": ""}
	return &Fetcher{Dir: dir, Masker: NewMasker(), Env: func(name string) (string, bool) {
		text, ok := env[name]
		return text, ok
	}}
}

func (f *Fetcher) wants(t *testing.T, s Source, want string) {
	t.Helper()
	got, err := f.Fetch(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got.Reveal() != want {
		t.Errorf("%s: got %q, want %q", s, got.Reveal(), want)
	}
	if utf8.RuneCountInString(want) >= charsMin && !f.Masker.Found(want) {
		t.Errorf("%s: the masker does not know it", s)
	}
}

// refuses checks the parts of an error, and that no form of the canary is in it.
func (f *Fetcher) refuses(t *testing.T, s Source, want ...string) {
	t.Helper()
	got, err := f.Fetch(t.Context(), s)
	var failed *Error
	if !errors.As(err, &failed) || !got.Empty() {
		t.Fatalf("%s: got %q and %v, want an *Error", s, got.Reveal(), err)
	}
	said := failed.Error() + "\n" + failed.Hint
	for _, part := range append(want, "cannot get a secret from "+s.String()+": ") {
		if !strings.Contains(said, part) {
			t.Errorf("%s: it says %q, not %q", s, said, part)
		}
	}
	if NewMasker(New(canary)).Found(said) || strings.Contains(said, canary[1:8]) {
		t.Errorf("the secret is in %q", said)
	}
}

func TestSources(t *testing.T) {
	f := bench(t)
	place(t, f.Dir, "token", canary+"\n\n", 0o600)
	place(t, f.Dir, "inner", "a\nb\r\n", 0o600)
	f.Ask = func(_ context.Context, question string) (Secret, error) {
		return New("answer to " + question + "\n"), nil
	}
	for _, c := range []struct {
		name string
		from Source
		want string
	}{
		{"env", Source{Kind: Env, Name: "TOKEN"}, canary},
		{"file", Source{Kind: File, Name: "token"}, canary},
		{"absolute file", Source{Kind: File, Name: filepath.Join(f.Dir, "token")}, canary},
		{"file at home", Source{Kind: File, Name: "~/token"}, canary},
		{"only newlines at the end", Source{Kind: File, Name: "inner"}, "a\nb\r"},
		{"command", Source{Kind: Command, Argv: []string{"cat", "token"}}, canary},
		{"no shell", Source{Kind: Command, Argv: []string{"printf", "%s", "$(id) `id` *"}}, "$(id) `id` *"},
		{"nothing to read", Source{Kind: Command, Argv: []string{"sh", "-c", "cat; echo read"}}, "read"},
		{"prompt", Source{Kind: Prompt, Name: "PIN?"}, "answer to PIN?"},
	} {
		t.Run(c.name, func(t *testing.T) { f.wants(t, c.from, c.want) })
	}
}

func TestCommandHasTheEnvironment(t *testing.T) {
	t.Setenv("OPSCTL_TEST_TOKEN", "passed on")
	bench(t).wants(t, Source{Kind: Command, Argv: []string{"printenv", "OPSCTL_TEST_TOKEN"}}, "passed on")
}

func TestRefusals(t *testing.T) {
	f := bench(t)
	place(t, f.Dir, "empty", "\n", 0o600)
	place(t, f.Dir, "nul", canary+"\x00", 0o600)
	place(t, f.Dir, "long", strings.Repeat(canary, secretMax/len(canary)+1), 0o600)
	place(t, f.Dir, "open", canary, 0o640)
	if err := syscall.Mkfifo(filepath.Join(f.Dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	sh := func(script string) Source { return Source{Kind: Command, Argv: []string{"sh", "-c", script, canary}} }
	for _, c := range []struct {
		name string
		from Source
		want string
	}{
		{"unset", Source{Kind: Env, Name: "NO_TOKEN"}, "it is not set\nset it where opsctl is started: NO_TOKEN="},
		{"blank", Source{Kind: Env, Name: "BLANK"}, "it is empty"},
		{"absent", Source{Kind: File, Name: "absent"}, "no such file or directory\na relative path starts at"},
		{"directory", Source{Kind: File, Name: "."}, "is not a regular file"},
		{"fifo that nobody writes to", Source{Kind: File, Name: "fifo"}, "is not a regular file"},
		{"empty", Source{Kind: File, Name: "empty"}, "it is empty"},
		{"nul", Source{Kind: File, Name: "nul"}, "holds a NUL"},
		{"long", Source{Kind: File, Name: "long"}, "longer than 64 KiB"},
		{"open", Source{Kind: File, Name: "open"}, "open (its mode is 0640)\nchmod 600 " + filepath.Join(f.Dir, "open")},
		{"exit code", sh(`cat nul; echo "no login: $0" >&2; exit 3`), "it failed with exit status 3: no login: ***"},
		{"signal", sh("kill -9 $$"), "it failed with signal: killed, and printed nothing about why"},
		{"escapes", sh(`printf 'a\033[2Jb\n' >&2; exit 1`), "a [2Jb"},
		{"short result", sh(`printf 77; echo "pin 77" >&2; exit 1`), "pin ***"},
		{"talkative", sh("yes 'no login' | head -c 20000 >&2; exit 1"), "…"},
		{"endless complaint", sh("yes no | head -c 200000 >&2; exit 1"), "more than 128 KiB about why"},
		{"endless", Source{Kind: Command, Argv: []string{"yes", canary}}, "it printed more than 64 KiB"},
		{"command not there", Source{Kind: Command, Argv: []string{"opsctl-no-such-program"}}, "is not a program in PATH"},
		{"command not there, by path", Source{Kind: Command, Argv: []string{"./no-such-program"}}, "it cannot be started: no such file"},
		{"no command", Source{Kind: Command}, "no program is named"},
		{"nobody to ask", Source{Kind: Prompt, Name: "PIN?"}, "nobody is there to be asked"},
		{"kind", Source{Kind: "vault", Name: "x"}, "is no kind of source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.name, "exit code") { // it is told by who knows it already
				f.wants(t, Source{Kind: Env, Name: "TOKEN"}, canary)
			}
			f.refuses(t, c.from, c.want)
		})
	}
}

// A complaint is cut to its end only after it was masked, so that no half of a secret is left.
func TestComplaintIsMaskedBeforeItIsCut(t *testing.T) {
	f := bench(t)
	long := strings.Repeat("0123456789", 300)
	f.Masker.Add(New(long))
	f.refuses(t, Source{Kind: Command, Argv: []string{"sh", "-c", "echo " + long + " >&2; exit 1"}}, "exit status 1: ***")
}

// TestOwnerDecides is ssh's rule: who cannot change the mode of a file is not kept from reading it.
func TestOwnerDecides(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to somebody else")
	}
	f := bench(t)
	path := place(t, f.Dir, "theirs", canary, 0o644)
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	f.wants(t, Source{Kind: File, Name: "theirs"}, canary)
}

// childPath in the environment makes this program another user who fetches that file.
const childPath = "OPSCTL_TEST_SECRET_FILE"

func TestFetchAsChild(t *testing.T) {
	path := os.Getenv(childPath)
	if path == "" {
		t.Skip("it is started by TestAnotherUser")
	}
	_, err := (&Fetcher{}).Fetch(t.Context(), Source{Kind: File, Name: path})
	t.Logf("fetched: %v", err)
}

func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	dir, err := os.MkdirTemp("", "secret-*") // t.TempDir stands in a directory that others cannot enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("there is no /proc to copy this program from")
	}
	self := place(t, dir, "self", string(program), 0o755)
	for name, want := range map[string]string{"closed": "permission denied", "shared": "fetched: <nil>", "own": "others may use "} {
		path := place(t, dir, name, canary, map[string]os.FileMode{"closed": 0o600, "shared": 0o644, "own": 0o644}[name])
		if name == "own" {
			if err := os.Chown(path, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
		child := exec.Command(self, "-test.run=^TestFetchAsChild$", "-test.v")
		child.Env = []string{childPath + "=" + path}
		child.Dir = "/"
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		said, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(said), want) || strings.Contains(string(said), canary) {
			t.Errorf("%s: it says %s (%v), not %q", name, said, err, want)
		}
	}
}

// TestStopEndsAllThatTheCommandStarted blocks a command, and what it started, on a fifo. Both hold
// its other end open for as long as they live, so that reading from it ends when both are gone.
func TestStopEndsAllThatTheCommandStarted(t *testing.T) {
	f := bench(t)
	alive, never := filepath.Join(f.Dir, "alive"), filepath.Join(f.Dir, "never")
	for _, path := range []string{alive, never} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := f.Fetch(ctx, Source{Kind: Command, Argv: []string{"sh", "-c", `exec 3>alive; echo up >&3; cat never & cat never`}})
		failed <- err
	}()
	reader, err := os.Open(alive) // returns once the command has opened it
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	line := make([]byte, 3)
	if _, err := reader.Read(line); err != nil || string(line) != "up\n" {
		t.Fatalf("%q, %v", line, err)
	}
	stop()
	err = <-failed
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the run was told to stop while the command ran") {
		t.Errorf("it says %v", err)
	}
	if n, err := reader.Read(line); n != 0 || err == nil {
		t.Errorf("something still holds the fifo: %d, %v", n, err)
	}
}

func TestCommandThatDoesNotEnd(t *testing.T) {
	f := bench(t)
	f.CommandTime = 50 * time.Millisecond // whatever it comes to by then, it is stopped
	if err := syscall.Mkfifo(filepath.Join(f.Dir, "never"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.refuses(t, Source{Kind: Command, Argv: []string{"cat", "never"}}, "it did not end within 50ms")
}

// TestSingleFlight has many ask at once; the command leaves a line each time it runs.
func TestSingleFlight(t *testing.T) {
	f := bench(t)
	from := Source{Kind: Command, Argv: []string{"sh", "-c", "echo ran >> log; cat go; echo " + strconv.Quote("s3cret-value")}}
	if err := syscall.Mkfifo(filepath.Join(f.Dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			got, err := f.Fetch(t.Context(), from)
			if err != nil || got.Reveal() != "s3cret-value" {
				t.Errorf("%q, %v", got.Reveal(), err)
			}
		})
	}
	writer, err := os.OpenFile(filepath.Join(f.Dir, "go"), os.O_WRONLY, 0) // returns once the command waits
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	f.wants(t, from, "s3cret-value")
	if log, err := os.ReadFile(filepath.Join(f.Dir, "log")); err != nil || string(log) != "ran\n" {
		t.Errorf("the command ran: %q, %v", log, err)
	}
}

// TestWhoWaitsTakesOver stops the one who asked first: the other must not be told to stop as well.
func TestWhoWaitsTakesOver(t *testing.T) {
	f := bench(t)
	var asked atomic.Int32
	first := make(chan struct{})
	f.Ask = func(ctx context.Context, _ string) (Secret, error) {
		if asked.Add(1) == 1 {
			close(first)
			<-ctx.Done()
			return Secret{}, ctx.Err()
		}
		return New("from the second"), nil
	}
	from := Source{Kind: Prompt, Name: "PIN?"}
	ctx, stop := context.WithCancel(t.Context())
	failed, second, got := make(chan error, 1), make(chan error, 1), make(chan string, 1)
	go func() {
		_, err := f.Fetch(ctx, from)
		failed <- err
	}()
	<-first
	go func() {
		s, err := f.Fetch(t.Context(), from)
		got <- s.Reveal()
		second <- err
	}()
	stop()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the first says %v", err)
	}
	if text := <-got; text != "from the second" {
		t.Errorf("the second got %q", text)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestFailureIsNotKept asks again after what was wrong is put right.
func TestFailureIsNotKept(t *testing.T) {
	f := bench(t)
	f.refuses(t, Source{Kind: File, Name: "late"}, "no such file")
	place(t, f.Dir, "late", canary, 0o600)
	f.wants(t, Source{Kind: File, Name: "late"}, canary)
}

func TestOneQuestionAtATime(t *testing.T) {
	f := bench(t)
	var open, most atomic.Int32
	f.Ask = func(_ context.Context, question string) (Secret, error) {
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer open.Add(-1)
		return New("answer " + question), nil
	}
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() { f.wants(t, Source{Kind: Prompt, Name: strconv.Itoa(i)}, "answer "+strconv.Itoa(i)) })
	}
	wait.Wait()
	if most.Load() != 1 {
		t.Errorf("%d questions at once", most.Load())
	}
}

func TestDigest(t *testing.T) {
	// The second test case of RFC 4231.
	if got := Digest([]byte("Jefe"), New("what do ya want for nothing?")); got != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Errorf("got %s", got)
	}
	if Digest([]byte("a"), New("x")) == Digest([]byte("b"), New("x")) {
		t.Error("the key makes no difference")
	}
}

// TestOutputThatIsHeld has a command leave something behind that could still print.
func TestOutputThatIsHeld(t *testing.T) {
	f := bench(t)
	path := filepath.Join(f.Dir, "never")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f.refuses(t, Source{Kind: Command, Argv: []string{"sh", "-c", "cat never & echo early"}}, "something it started still holds its output")
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) // what was left behind ends with this
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}
