package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/remote"
	"github.com/opsctl/opsctl/pkg/run"
)

// trustFlags say where keys are pinned, and how.
type trustFlags struct {
	File    string
	Hash    bool
	Replace bool
}

func newSSHTrust(a *app) *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use:   "trust HOST|PATTERN…",
		Short: "Look at the keys of hosts, and pin them",
		Long: `Ask hosts for their host keys, of all types and by way of their jump hosts; show the fingerprints, and what is known of
them already; and pin what is new, after a confirmation, into known_hosts beside opsctl.yaml, or without a project into
the first UserKnownHostsFile. Compare the fingerprints with what "ssh-keygen -lf" says on the host itself.

A key that differs from the known one is refused. --replace takes it, where you know why it changed: the old line
becomes a comment.`,
		Example: "  opsctl ssh trust web1\n  opsctl ssh trust 'web*' --yes\n  opsctl ssh trust web1 --known-hosts ~/.ssh/known_hosts --hash\n  opsctl ssh trust web1 --replace",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("opsctl ssh trust takes hosts or patterns", "opsctl ssh trust all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.trust(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.File, "known-hosts", "", "pin in `FILE`")
	flags.BoolVar(&f.Hash, "hash", false, "hide the names of the hosts in hashes")
	flags.BoolVar(&f.Replace, "replace", false, "take keys that differ from the known ones")
	return cmd
}

// trusted is what came of asking one host.
type trusted struct {
	Host    string     `json:"host"`
	File    string     `json:"file,omitempty"` // where its keys would be pinned
	Keys    []shownKey `json:"keys,omitempty"`
	Class   string     `json:"class,omitempty"` // why there are none
	Message string     `json:"message,omitempty"`
	Hint    string     `json:"hint,omitempty"`

	pins []remote.HostKey
	hash bool
}

type shownKey struct {
	Name        string `json:"name"` // as known_hosts has it
	Type        string `json:"type"`
	Bits        int    `json:"bits"`
	Fingerprint string `json:"fingerprint"`
	State       string `json:"state"`
	At          string `json:"at,omitempty"`
}

func (a *app) trust(ctx context.Context, patterns []string, f trustFlags) error {
	hosts, err := a.sshHosts(patterns)
	if err != nil {
		return err
	}
	c, err := a.connect(newRunID(), nil, nil)
	if err != nil {
		return err
	}
	defer c.close()
	answers, ways := make([]trusted, len(hosts)), make([]way, len(hosts))
	for i, h := range hosts {
		if h.NoWay != "" {
			answers[i] = trusted{Host: h.Name, Class: "config", Message: h.NoWay}
			continue
		}
		if ways[i], err = c.way(h); err == nil {
			answers[i], err = a.trustedWhere(&ways[i], f)
		}
		if err != nil {
			return invalidWay(h.Name, err)
		}
	}
	limit := make(chan struct{}, a.settings.Forks)
	var wg sync.WaitGroup
	for i := range answers {
		if answers[i].Class != "" {
			continue
		}
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			answers[i].ask(ctx, c.dialer, ways[i].settings, f)
		})
	}
	wg.Wait()
	if err := a.showTrusted(answers); err != nil {
		return err
	}
	if err := a.pinTrusted(answers); err != nil {
		return err
	}
	return ended(trustCode(answers))
}

// trustedWhere decides the file for a host's keys. The file is also one of those that are asked.
func (a *app) trustedWhere(w *way, f trustFlags) (t trusted, err error) {
	t = trusted{Host: w.config.Host, File: f.File, hash: f.Hash}
	if t.File == "" {
		if t.File, err = a.projectKnownHosts(); err != nil {
			return t, err
		}
	}
	if t.File == "" {
		t.hash = t.hash || w.config.HashKnownHosts
		for _, file := range w.config.UserKnownHostsFiles {
			if !strings.EqualFold(file, "none") && file != "/dev/null" {
				t.File = file
				break
			}
		}
	}
	if t.File == "" {
		return t, errors.New("its UserKnownHostsFile is none; name a file with --known-hosts")
	}
	if t.File, err = filepath.Abs(t.File); err != nil {
		return t, err
	}
	if !slices.Contains(w.settings.KnownHosts, t.File) {
		w.settings.KnownHosts = append([]string{t.File}, w.settings.KnownHosts...)
	}
	return t, nil
}

// ask notes what a host shows, and what of it is to be pinned: all that is new, and what changed if
// that is taken; nothing of a host that shows a changed key otherwise, or a revoked one.
func (t *trusted) ask(ctx context.Context, d *remote.Dialer, s remote.Settings, f trustFlags) {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	keys, err := d.HostKeys(ctx, s)
	var told *executor.HostError
	switch {
	case errors.As(err, &told):
		t.Class, t.Message, t.Hint = told.Class, told.Message, told.Hint
		return
	case err != nil:
		t.Class, t.Message = "timeout", fmt.Sprintf("cannot ask %s for its keys: %v", t.Host, err)
		return
	}
	refused := false
	for _, k := range keys {
		t.Keys = append(t.Keys, shownKey{Name: k.Name, Type: k.Type, Bits: k.Bits, Fingerprint: k.Fingerprint, State: string(k.State), At: k.At})
		switch k.State {
		case remote.KeyNew:
			t.pins = append(t.pins, k)
		case remote.KeyChanged:
			refused = refused || !f.Replace || k.Shared
			t.pins = append(t.pins, k)
			if k.Shared {
				t.Hint = k.At + " is about other hosts too: change it by hand"
			}
		case remote.KeyRevoked:
			refused = true
			t.Hint = "give the host a new key"
		}
	}
	if refused {
		t.pins = nil
		if t.Hint == "" {
			t.Hint = "somebody may be in between: find out why the key changed; only then --replace"
		}
	}
}

func (t *trusted) refused() bool { return len(t.Keys) > 0 && t.Hint != "" }

// trustCode is the exit code when all that could be pinned was.
func trustCode(answers []trusted) int {
	code := 0
	for i := range answers {
		switch t := &answers[i]; {
		case t.refused() || t.Class == "host-key": // the key of a jump host
			return run.CodeFailed
		case t.Class != "":
			code = run.CodeUnreachable
		}
	}
	return code
}

func (a *app) showTrusted(answers []trusted) error {
	if a.settings.Output == "json" {
		for i := range answers {
			if err := a.printJSON(&answers[i]); err != nil {
				return err
			}
		}
		return nil
	}
	var b strings.Builder
	for i := range answers {
		t := &answers[i]
		b.WriteString(t.Host + "\n")
		var rows [][]string
		for _, k := range t.Keys {
			rows = append(rows, []string{fmt.Sprintf("  %d", k.Bits), k.Fingerprint, k.Name, "(" + keyWord(k.Type) + ")", stateWords(k)})
		}
		b.WriteString(view.Table(nil, rows, 0))
		if t.Message != "" {
			b.WriteString("  " + t.Class + ": " + t.Message + "\n")
		}
		if t.Hint != "" {
			b.WriteString("  hint: " + t.Hint + "\n")
		}
	}
	return a.print(view.Sanitise(b.String()))
}

func stateWords(k shownKey) string {
	switch remote.KeyState(k.State) {
	case remote.KeyKnown:
		return "known, " + k.At
	case remote.KeyCertified:
		return "certified by the authority of " + k.At
	case remote.KeyChanged:
		return "DIFFERS from " + k.At
	case remote.KeyRevoked:
		return "REVOKED at " + k.At
	}
	return k.State
}

// keyWord names a type as ssh-keygen -l does.
func keyWord(kind string) string {
	switch {
	case strings.HasPrefix(kind, "ecdsa-"):
		return "ECDSA"
	case strings.HasPrefix(kind, "sk-ecdsa-"):
		return "ECDSA-SK"
	case strings.HasPrefix(kind, "sk-ssh-ed25519"):
		return "ED25519-SK"
	}
	return strings.ToUpper(strings.TrimPrefix(kind, "ssh-"))
}

// pinTrusted writes the keys, a file at a time, after a confirmation.
func (a *app) pinTrusted(answers []trusted) error {
	files := map[string]*remote.Pins{}
	var order []string
	hosts, keys := 0, 0
	for i := range answers {
		t := &answers[i]
		if len(t.pins) == 0 {
			continue
		}
		if files[t.File] == nil {
			files[t.File] = &remote.Pins{Path: t.File, Hash: t.hash, Date: time.Now().Format(time.DateOnly)}
			order = append(order, t.File)
		}
		files[t.File].Keys = append(files[t.File].Keys, t.pins...)
		hosts, keys = hosts+1, keys+len(t.pins)
	}
	if keys == 0 {
		return nil
	}
	what := fmt.Sprintf("%s of %s in %s", plural(keys, "1 key", "%d keys"), plural(hosts, "1 host", "%d hosts"), strings.Join(order, ", "))
	if err := a.confirm("pin " + what + "?"); err != nil {
		return err
	}
	for _, path := range order {
		if err := files[path].Write(); err != nil {
			return usage("cannot write "+path+": "+reason(err), "--known-hosts FILE writes elsewhere")
		}
	}
	a.note("pinned " + what)
	for i := range answers {
		for _, k := range answers[i].pins {
			if k.State == remote.KeyChanged && !strings.HasPrefix(k.At, answers[i].File+":") {
				a.note(fmt.Sprintf("%s still has another key of %s, which ssh goes by", k.At, k.Name))
			}
		}
	}
	return nil
}
