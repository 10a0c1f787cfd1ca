package secret

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

const vault = `
db:
  password: ` + "'Kn\"ary/7 $x''+é&9<z'" + `
  port: 0123
  ratio: 1.10
  users: [ann, bob]
  certificate: |
    first
    second
  nothing:
tls.crt: dotted
`

// encryptedBench has an identity at the usual place, and vault.age encrypted to it.
func encryptedBench(t *testing.T) (f *Fetcher, recipient string) {
	t.Helper()
	f = bench(t)
	key, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.Dir, ".config", "opsctl"), 0o700); err != nil {
		t.Fatal(err)
	}
	place(t, f.Dir, ".config/opsctl/age.txt", key.Reveal(), 0o600)
	seal(t, f.Dir, "vault.age", vault, recipient)
	return f, recipient
}

func seal(t *testing.T, dir, name, text string, to ...string) {
	t.Helper()
	recipients, err := ReadRecipients(to)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := recipients.Encrypt(New(text))
	if err != nil {
		t.Fatal(err)
	}
	place(t, dir, name, sealed, 0o644)
}

func inVault(key string) Source { return Source{Kind: Age, Name: "vault.age", Key: key} }

func TestAgeKeys(t *testing.T) {
	f, _ := encryptedBench(t)
	for key, want := range map[string]string{
		"db.password": canary, "db.port": "0123", "db.ratio": "1.10", "db.users.1": "bob",
		"db.certificate": "first\nsecond\n", "tls.crt": "dotted", "": strings.TrimRight(vault, "\n"),
	} {
		f.wants(t, inVault(key), want)
	}
	for key, want := range map[string]string{
		"db.pasword":    `there is no such key` + "\n" + `did you mean "db.password"?`,
		"bd.password":   `did you mean "db.password"?`,
		"db.users.7":    "there is no such key",
		"db.password.x": "there is no such key",
		"db":            "there are several values",
		"db.users":      "there are several values",
		"db.nothing":    "there is nothing at that key",
	} {
		f.refuses(t, inVault(key), want)
	}
}

// TestAgeJSON has what YAML does not read the same: tabs, surrogates, slashes with an escape.
func TestAgeJSON(t *testing.T) {
	f, recipient := encryptedBench(t)
	asJSON, err := json.MarshalIndent(map[string]any{"a": map[string]any{"b": canary, "n": json.Number("1.10")}}, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	seal(t, f.Dir, "tabs.age", string(asJSON), recipient)
	f.wants(t, Source{Kind: Age, Name: "tabs.age", Key: "a.b"}, canary)
	f.wants(t, Source{Kind: Age, Name: "tabs.age", Key: "a.n"}, "1.10")
	seal(t, f.Dir, "escapes.age", `{"a":"\ud83d\ude00\/x"}`, recipient)
	f.wants(t, Source{Kind: Age, Name: "escapes.age", Key: "a"}, "😀/x")
}

// TestAgeTellsNothing has texts whose parsers would quote them.
func TestAgeTellsNothing(t *testing.T) {
	f, recipient := encryptedBench(t)
	for name, text := range map[string]string{
		"alias":     "a: *" + canary[1:8],
		"duplicate": "'" + strings.ReplaceAll(canary, "'", "''") + "': 1\n'" + strings.ReplaceAll(canary, "'", "''") + "': 2\n",
		"colons":    "a: b: " + canary,
		"tab":       "a:\n\t" + canary + ": 1\n",
		"unclosed":  "a: [" + canary,
		"json":      `{"a": "` + canary[1:8] + `", }`,
		"documents": "a: 1\n---\n" + canary,
	} {
		seal(t, f.Dir, name, text, recipient)
		f.refuses(t, Source{Kind: Age, Name: name, Key: "a"}, "its text is not right as YAML")
	}
	seal(t, f.Dir, "plain", canary, recipient)
	f.refuses(t, Source{Kind: Age, Name: "plain", Key: canary[9:]}, "there is no such key")
	place(t, f.Dir, "forgotten", canary+"\nage-encryption.org/v1", 0o600)
	f.refuses(t, Source{Kind: Age, Name: "forgotten"}, "it is not encrypted with age", "opsctl secret encrypt")
	place(t, f.Dir, "armored", "-----BEGIN AGE ENCRYPTED FILE-----\n"+canary+"\n-----END AGE ENCRYPTED FILE-----\n", 0o600)
	f.refuses(t, Source{Kind: Age, Name: "armored"}, "it is damaged, or was altered")
	place(t, f.Dir, "binary", "age-encryption.org/v1\n"+canary+"\n", 0o600)
	f.refuses(t, Source{Kind: Age, Name: "binary"}, "it is damaged, or was altered")
}

func TestAgeDamage(t *testing.T) {
	f, _ := encryptedBench(t)
	sealed, err := os.ReadFile(filepath.Join(f.Dir, "vault.age"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(sealed), "\n")
	place(t, f.Dir, "cut.age", strings.Join(append(lines[:len(lines)-4:len(lines)-4], lines[len(lines)-2:]...), ""), 0o644)
	f.refuses(t, Source{Kind: Age, Name: "cut.age"}, "it is damaged, or was altered")
	f.refuses(t, Source{Kind: Age, Name: "absent.age"}, "no such file")
}

func TestIdentities(t *testing.T) {
	f, recipient := encryptedBench(t)
	other, _, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(f.Dir, ".config/opsctl/age.txt")
	wrong := place(t, f.Dir, "other.txt", other.Reveal(), 0o600)
	for _, c := range []struct {
		name, path, text string
		mode             os.FileMode
		want             string
	}{
		{"wrong", wrong, other.Reveal(), 0o600, "no identity here can decrypt it (tried " + wrong + ")"},
		{"open", "open.txt", other.Reveal(), 0o644, "open.txt (its mode is 0644)"},
		{"recipient", "recipient.txt", recipient, 0o600, ":1 is not an age identity\nit is a recipient"},
		{"typo", "typo.txt", "# x\nAGE-SECRET-KEY-1" + canary[1:8], 0o600, ":2 is not an age identity"},
		{"plugin", "plugin.txt", "AGE-PLUGIN-YUBIKEY-1XYZ", 0o600, "age's plugins are programs"},
		{"none", "none.txt", "# nothing\n", 0o600, "holds no age identity"},
		{"ssh", "id_x", "-----BEGIN OPENSSH PRIVATE KEY-----\n" + canary + "\n", 0o600, "is not an SSH key that age can use"},
	} {
		path := c.path
		if !filepath.IsAbs(path) {
			path = place(t, f.Dir, path, c.text, c.mode)
		}
		g := &Fetcher{Dir: f.Dir, Env: f.Env, Identities: []string{path}}
		t.Run(c.name, func(t *testing.T) { g.refuses(t, inVault(""), c.want) })
	}
	g := &Fetcher{Dir: f.Dir, Env: f.Env, Masker: NewMasker(), Identities: []string{wrong, own}}
	g.wants(t, inVault("tls.crt"), "dotted")
	g = &Fetcher{Dir: f.Dir, Identities: []string{filepath.Join(f.Dir, "absent")}}
	g.refuses(t, inVault(""), "no such file")
	none := &Fetcher{Dir: f.Dir, Env: func(string) (string, bool) { return f.Dir + "/nowhere", true }}
	none.refuses(t, inVault(""), "no such file")
	none.Env = func(name string) (string, bool) { return f.Dir + "/nowhere", name == "HOME" }
	none.refuses(t, inVault(""), "no identity here can decrypt it", "nowhere/.config/opsctl/age.txt is not there", "sops/age/keys.txt is not there")
	byEnv := &Fetcher{Dir: f.Dir, Masker: NewMasker(), Env: func(name string) (string, bool) { return own, name == "SOPS_AGE_KEY_FILE" }}
	byEnv.wants(t, inVault("tls.crt"), "dotted")
}

// TestBrokenDefaultIdentity is passed over where another one does.
func TestBrokenDefaultIdentity(t *testing.T) {
	f, _ := encryptedBench(t)
	if err := os.MkdirAll(filepath.Join(f.Dir, ".config/sops/age"), 0o700); err != nil {
		t.Fatal(err)
	}
	place(t, f.Dir, ".config/sops/age/keys.txt", "AGE-PLUGIN-X", 0o600)
	f.wants(t, inVault("tls.crt"), "dotted")
}

func TestHybridIdentity(t *testing.T) {
	f := bench(t)
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	f.Identities = []string{place(t, f.Dir, "pq.txt", key.String()+"\n", 0o600)}
	seal(t, f.Dir, "vault.age", "a: "+"quantum", key.Recipient().String())
	f.wants(t, inVault("a"), "quantum")
}

// person answers questions in turn, the last answer again and again.
type person struct {
	answers []string
	asked   atomic.Int32
}

func (p *person) ask(_ context.Context, question string) (Secret, error) {
	n := int(p.asked.Add(1))
	if !strings.Contains(question, "passphrase of ") {
		return Secret{}, errors.New("what is meant?")
	}
	return New(p.answers[min(n, len(p.answers))-1]), nil
}

// lock encrypts with a passphrase, with as little work as there is.
func lock(t *testing.T, text, passphrase string) string {
	t.Helper()
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(2)
	var b strings.Builder
	w, err := age.Encrypt(&b, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPassphrases(t *testing.T) {
	f, recipient := encryptedBench(t)
	key, err := os.ReadFile(filepath.Join(f.Dir, ".config/opsctl/age.txt"))
	if err != nil {
		t.Fatal(err)
	}
	place(t, f.Dir, "locked.age", lock(t, "a: first\nb: second\n", canary), 0o644)
	f.Identities = []string{place(t, f.Dir, "locked.txt", lock(t, string(key), canary), 0o600)}
	seal(t, f.Dir, "more.age", "c: third", recipient)
	f.refuses(t, inVault(""), "nobody is there to be asked")

	p := &person{answers: []string{"wrong", canary}}
	f.Ask = p.ask
	f.wants(t, Source{Kind: Age, Name: "locked.age", Key: "a"}, "first")
	f.wants(t, Source{Kind: Age, Name: "locked.age", Key: "b"}, "second")
	if p.asked.Load() != 2 {
		t.Errorf("asked %d times for a file", p.asked.Load())
	}
	p = &person{answers: []string{canary}}
	f.Ask = p.ask
	f.wants(t, inVault("tls.crt"), "dotted")
	f.wants(t, Source{Kind: Age, Name: "more.age", Key: "c"}, "third")
	if p.asked.Load() != 1 {
		t.Errorf("asked %d times for an identity", p.asked.Load())
	}
	never := &Fetcher{Dir: f.Dir, Ask: (&person{answers: []string{canary[2:]}}).ask}
	never.refuses(t, Source{Kind: Age, Name: "locked.age", Key: "a"}, "was not right, 3 times")
	never.Ask = func(context.Context, string) (Secret, error) { return Secret{}, errors.New("the terminal was closed") }
	never.refuses(t, Source{Kind: Age, Name: "locked.age", Key: "a"}, "there was no answer: the terminal was closed")
}

func TestSSHKeys(t *testing.T) {
	f := bench(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	recipients := place(t, f.Dir, "recipients", "# the team\n"+string(ssh.MarshalAuthorizedKey(point)), 0o644)
	seal(t, f.Dir, "vault.age", vault, recipients)
	open, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	f.Identities = []string{place(t, f.Dir, "id_open", string(pem.EncodeToMemory(open)), 0o600)}
	f.wants(t, inVault("tls.crt"), "dotted")

	p := &person{answers: []string{"wrong", canary}}
	g := &Fetcher{Dir: f.Dir, Masker: NewMasker(), Identities: []string{place(t, f.Dir, "id_locked", string(pem.EncodeToMemory(locked)), 0o600)}}
	g.refuses(t, inVault("tls.crt"), "nobody is there to be asked")
	g.Ask = p.ask
	g.wants(t, inVault("tls.crt"), "dotted")
	g.wants(t, inVault(""), strings.TrimRight(vault, "\n"))
	if p.asked.Load() != 2 {
		t.Errorf("asked %d times", p.asked.Load())
	}
}

// TestTenKeysDecryptOnce has ten keys asked for at once: one question shows one decryption.
func TestTenKeysDecryptOnce(t *testing.T) {
	f := bench(t)
	place(t, f.Dir, "locked.age", lock(t, `{"0":"v0","1":"v1","2":"v2","3":"v3","4":"v4","5":"v5","6":"v6","7":"v7","8":"v8","9":"v9"}`, canary), 0o644)
	p := &person{answers: []string{canary}}
	f.Ask = p.ask
	var wait sync.WaitGroup
	for _, key := range strings.Split("0123456789", "") {
		wait.Go(func() { f.wants(t, Source{Kind: Age, Name: "locked.age", Key: key}, "v"+key) })
	}
	wait.Wait()
	if p.asked.Load() != 1 {
		t.Errorf("decrypted %d times", p.asked.Load())
	}
}

func TestRecipients(t *testing.T) {
	dir := t.TempDir()
	key, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	identity := place(t, dir, "identity", key.Reveal(), 0o600)
	for name, to := range map[string][]string{
		"there is no recipient to":           nil,
		`"age1x" is not a recipient`:         {"age1x"},
		":2 is not a recipient":              {identity},
		"there is no recipient":              {place(t, dir, "none", "# nobody\n", 0o644)},
		"no such file":                       {filepath.Join(dir, "absent")},
		"cannot encrypt to these recipients": {recipient, hybrid(t)},
	} {
		r, err := ReadRecipients(to)
		if err == nil {
			_, err = r.Encrypt(New(canary))
		}
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "SECRET") || NewMasker(New(canary)).Found(err.Error()) {
			t.Errorf("%s: it says %v", name, err)
		}
	}
}

func TestRecipientsAreNamedOnce(t *testing.T) {
	_, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	list := place(t, t.TempDir(), "list", "# ann\n\n "+recipient+"\r\n", 0o644)
	r, err := ReadRecipients([]string{recipient, list})
	if err != nil || len(r.Lines) != 1 || r.Lines[0] != recipient {
		t.Errorf("got %v, %v", r, err)
	}
}

func hybrid(t *testing.T) string {
	t.Helper()
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return key.Recipient().String()
}

func program(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not installed")
	}
	command := exec.Command(name, args...)
	command.Stdin = strings.NewReader(input)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, args, err)
	}
	return string(out)
}

// TestWithTheAgeProgram goes both ways between opsctl and age.
func TestWithTheAgeProgram(t *testing.T) {
	f := bench(t)
	identity := place(t, f.Dir, "theirs.txt", program(t, "", "age-keygen"), 0o600)
	recipient := strings.TrimSpace(program(t, "", "age-keygen", "-y", identity))
	f.Identities = []string{identity}
	place(t, f.Dir, "binary.age", program(t, vault, "age", "-r", recipient), 0o644)
	place(t, f.Dir, "armored.age", program(t, vault, "age", "-a", "-r", recipient), 0o644)
	f.wants(t, Source{Kind: Age, Name: "binary.age", Key: "db.password"}, canary)
	f.wants(t, Source{Kind: Age, Name: "armored.age", Key: "db.password"}, canary)

	key, own, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	place(t, f.Dir, "own.txt", key.Reveal(), 0o600)
	if got := strings.TrimSpace(program(t, "", "age-keygen", "-y", filepath.Join(f.Dir, "own.txt"))); got != own {
		t.Errorf("age sees the recipient %s, not %s", got, own)
	}
	seal(t, f.Dir, "ours.age", vault, own, recipient)
	for _, name := range []string{"own.txt", "theirs.txt"} {
		if got := program(t, "", "age", "-d", "-i", filepath.Join(f.Dir, name), filepath.Join(f.Dir, "ours.age")); got != vault {
			t.Errorf("age decrypts with %s: %q", name, got)
		}
	}
}

// TestSSHKeysOfOpenSSH are keys as people have them, with and without a passphrase.
func TestSSHKeysOfOpenSSH(t *testing.T) {
	f := bench(t)
	for _, kind := range []string{"ed25519", "rsa"} {
		for name, passphrase := range map[string]string{"open": "", "locked": "pass phrase"} {
			path := filepath.Join(f.Dir, kind+name)
			program(t, "", "ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path)
			seal(t, f.Dir, "vault.age", vault, path+".pub")
			g := &Fetcher{Dir: f.Dir, Masker: NewMasker(), Identities: []string{path}, Ask: (&person{answers: []string{passphrase}}).ask}
			g.wants(t, inVault("db.password"), canary)
		}
	}
}
