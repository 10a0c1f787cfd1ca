package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/remote"
)

// sshExplained is all that decides how one host is reached.
type sshExplained struct {
	Host       string          `json:"host"`
	At         string          `json:"at,omitempty"` // where the inventory has it
	Settings   []sshFact       `json:"settings"`
	Offered    []offeredKey    `json:"identities"`  // in order
	NotOffered []string        `json:"not_offered"` // and why
	AgentKeys  int             `json:"agent_keys"`
	KnownHosts []knownFact     `json:"known_hosts"`
	Jumps      []*sshExplained `json:"jumps,omitempty"` // first one first
}

type offeredKey struct {
	From        string `json:"from"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	Certificate bool   `json:"certificate,omitempty"`
	Agent       bool   `json:"agent,omitempty"`
	Encrypted   bool   `json:"encrypted,omitempty"`
}

type knownFact struct {
	At          string `json:"at"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	Hashed      bool   `json:"hashed,omitempty"`
	Authority   bool   `json:"authority,omitempty"`
	Revoked     bool   `json:"revoked,omitempty"`
	Portless    bool   `json:"portless,omitempty"`
}

func newSSHExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain HOST",
		Short: "Tell how a host is reached, and what decided it",
		Long: `Tell every setting by which a host is reached, with the file and line that decided it, the flag, the inventory or the
default; the same of each jump host; the keys that would be offered; and what the known_hosts files say. Nothing is
connected, and no passphrase is asked for. A host that is not in the inventory is taken as ssh would.`,
		Example: "  opsctl ssh explain web1\n  opsctl ssh explain web1 --output json\n  opsctl ssh explain web1 -F ssh_config -J bastion",
		Args:    exactly(1, "a host"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.explainWay(cmd.Context(), args[0])
		},
	}
}

var errPassphrase = errors.New("only its passphrase tells which key it is")

func (a *app) explainWay(ctx context.Context, name string) error {
	hosts, err := a.sshHosts([]string{name})
	if err != nil {
		return err
	}
	if len(hosts) != 1 {
		return usage(fmt.Sprintf("%q is %d hosts, and one is explained", name, len(hosts)), "opsctl hosts '"+name+"' lists them")
	}
	c, err := a.connect(newRunID(), nil, nil)
	if err != nil {
		return err
	}
	defer c.close()
	w, err := c.way(hosts[0])
	if err != nil {
		return invalidWay(hosts[0].Name, err)
	}
	// A dialer of its own: that of the roster would ask for passphrases.
	d := remote.NewDialer(remote.Options{AgentSocket: os.Getenv("SSH_AUTH_SOCK"), Passphrase: func(context.Context, string) ([]byte, error) {
		return nil, errPassphrase
	}})
	defer func() { _ = d.Close() }() // only what was asked of an agent ends with it
	x := a.explained(ctx, d, &w)
	x.Host, x.At = hosts[0].Name, hosts[0].At
	for i := range w.jumps {
		x.Jumps = append(x.Jumps, a.explained(ctx, d, &w.jumps[i]))
	}
	if a.settings.Output == "json" {
		return a.printJSON(x)
	}
	return a.print(view.Sanitise(a.explainedText(x)))
}

// invalidWay tells what is wrong with how a host would be reached.
func invalidWay(host string, err error) error {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit
	}
	return invalid(host+": "+err.Error(), "")
}

func (a *app) explained(ctx context.Context, d *remote.Dialer, w *way) *sshExplained {
	x := &sshExplained{
		Host: w.settings.Name, Settings: a.allFacts(w), AgentKeys: d.AgentKeys(w.settings),
		Offered: []offeredKey{}, NotOffered: []string{}, KnownHosts: []knownFact{},
	}
	s := w.settings
	if w.config.IdentityDefault { // nobody asked for those that are not there
		s.IdentityFiles = slices.DeleteFunc(slices.Clone(s.IdentityFiles), func(path string) bool { return !isFile(path) && !isFile(path+".pub") })
	}
	offered, missing := d.Identities(ctx, s)
	x.NotOffered = append(x.NotOffered, missing...)
	for _, k := range offered {
		x.Offered = append(x.Offered, offeredKey(k))
	}
	lines, err := d.KnownLines(w.settings)
	var told *executor.HostError
	if errors.As(err, &told) {
		x.Settings = append(x.Settings, sshFact{"known hosts are not usable", told.Message, told.Hint})
	}
	for _, l := range lines {
		x.KnownHosts = append(x.KnownHosts, knownFact{
			At: fmt.Sprintf("%s:%d", l.Path, l.Line), Type: l.Type, Fingerprint: l.Fingerprint, Hashed: l.Hashed,
			Authority: l.Authority, Revoked: l.Revoked, Portless: l.Portless,
		})
	}
	return x
}

// allFacts are the settings that opsctl uses, each with what decided it.
func (a *app) allFacts(w *way) []sshFact {
	facts := a.keyFacts(w)
	c := &w.config
	for _, f := range []struct{ name, option, value string }{
		{"jump hosts", "proxyjump", c.ProxyJump},
		{"proxy command", "proxycommand", w.settings.ProxyCommand},
		{"agent", "identityagent", orElse(c.IdentityAgent, "SSH_AUTH_SOCK")},
		{"identities only", "identitiesonly", yesNo(c.IdentitiesOnly)},
		{"certificate files", "certificatefile", strings.Join(c.CertificateFiles, " ")},
		{"host key alias", "hostkeyalias", c.HostKeyAlias},
		{"hash known hosts", "hashknownhosts", yesNo(w.settings.HashKnownHosts)},
		{"connect timeout", "connecttimeout", lapse(c.ConnectTimeout)},
		{"alive interval", "serveraliveinterval", lapse(c.ServerAliveInterval)},
		{"alive count", "serveralivecountmax", fmt.Sprint(c.ServerAliveCountMax)},
		{"address family", "addressfamily", c.AddressFamily},
		{"bind address", "bindaddress", c.BindAddress},
		{"ciphers", "ciphers", c.Ciphers},
		{"macs", "macs", c.MACs},
		{"key exchanges", "kexalgorithms", c.KexAlgorithms},
		{"host key algorithms", "hostkeyalgorithms", c.HostKeyAlgorithms},
		{"pubkey algorithms", "pubkeyacceptedalgorithms", c.PubkeyAcceptedAlgorithms},
	} {
		if f.value != "" {
			facts = append(facts, sshFact{f.name, f.value, a.origin(w, f.option)})
		}
	}
	return append(facts, ignoredFacts(w)...)
}

// ignoredOptions are those that ssh has and that say nothing to opsctl: no terminal, no forwarding, no
// environment of this machine.
var ignoredOptions = []string{
	"controlmaster", "controlpath", "controlpersist", "dynamicforward", "forwardagent", "forwardx11", "gssapiauthentication",
	"localcommand", "localforward", "preferredauthentications", "remotecommand", "remoteforward", "requesttty",
	"sendenv", "setenv",
}

func ignoredFacts(w *way) (facts []sshFact) {
	for _, option := range ignoredOptions {
		if v, ok := w.config.Values[option]; ok {
			facts = append(facts, sshFact{option, strings.ReplaceAll(v.Text, "\n", " ") + " (not used)", v.At()})
		}
	}
	return facts
}

func (a *app) explainedText(x *sshExplained) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n", x.Host, x.At)
	a.writeExplained(&b, x)
	for i, jump := range x.Jumps {
		fmt.Fprintf(&b, "\njump host %d: %s\n\n", i+1, jump.Host)
		a.writeExplained(&b, jump)
	}
	return b.String()
}

func (a *app) writeExplained(b *strings.Builder, x *sshExplained) {
	var rows [][]string
	for _, f := range x.Settings {
		rows = append(rows, []string{"  " + f.Key, f.Value, f.Origin})
	}
	b.WriteString(view.Table(nil, rows, a.columns()))
	fmt.Fprintf(b, "\n  keys offered, in order (the agent holds %d):\n", x.AgentKeys)
	rows = nil
	for _, k := range x.Offered {
		rows = append(rows, []string{"    " + k.From, k.Type, k.Fingerprint, remarks(remark{k.Certificate, "certificate"}, remark{k.Agent, "by the agent"}, remark{k.Encrypted, "asks for a passphrase"})})
	}
	for _, why := range x.NotOffered {
		rows = append(rows, []string{"    not: " + why})
	}
	b.WriteString(tableOr(rows, "    none", a.columns()))
	b.WriteString("\n  known_hosts:\n")
	rows = nil
	for _, k := range x.KnownHosts {
		rows = append(rows, []string{
			"    " + k.At, k.Type, k.Fingerprint,
			remarks(remark{k.Hashed, "hashed"}, remark{k.Authority, "authority"}, remark{k.Revoked, "revoked"}, remark{k.Portless, "without its port"}),
		})
	}
	b.WriteString(tableOr(rows, "    nothing is known of it: opsctl ssh trust "+x.Host, a.columns()))
}

func tableOr(rows [][]string, none string, width int) string {
	if len(rows) == 0 {
		return none + "\n"
	}
	return view.Table(nil, rows, width)
}

// remark is a word that may be said.
type remark struct {
	said bool
	word string
}

func remarks(list ...remark) string {
	var out []string
	for _, m := range list {
		if m.said {
			out = append(out, m.word)
		}
	}
	return strings.Join(out, ", ")
}
