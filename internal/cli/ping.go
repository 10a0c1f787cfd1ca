package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
)

// pong is what became of the attempt to reach one host.
type pong struct {
	Host    string `json:"host"`
	OK      bool   `json:"ok"`
	Millis  int64  `json:"ms"` // until the first answer of a shell there
	Class   string `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// pingLimit bounds the wait for one host.
const pingLimit = 60 * time.Second

func newPing(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "ping [PATTERN]", GroupID: "fleet",
		Short:   "Connect hosts, log in, and run nothing but an empty command",
		Long:    "Connect hosts, log in, and run nothing but an empty command; with --sudo, behind sudo, which tells whether that\nlets you in.",
		Example: "  opsctl ping\n  opsctl ping 'web*:!web3'\n  opsctl ping all --output json\n  opsctl ping --sudo -K",
		Args:    atMost(1, "at most one pattern"),
		RunE: func(cmd *cobra.Command, args []string) error {
			hosts, err := a.selectHosts(first(args, ""))
			if err != nil {
				return err
			}
			return a.ping(cmd.Context(), hosts)
		},
	}
}

// selectHosts gives the hosts of a pattern, or of --limit, or all.
func (a *app) selectHosts(pattern string) ([]*inventory.Host, error) {
	inv, err := a.loadInventory("")
	if err != nil {
		return nil, err
	}
	if pattern == "" {
		pattern = a.settings.Limit
	}
	if pattern == "" {
		pattern = inventory.All
	}
	hosts, err := inv.Select(pattern)
	if err != nil {
		return nil, err
	}
	if len(hosts) == 0 {
		hint := ""
		if len(inv.Hosts) == 0 {
			hint = "there is no inventory: -i FILE, -i web1,web2, or inventory.yaml here"
		}
		return nil, usage(fmt.Sprintf("no host matches %q", pattern), hint)
	}
	return hosts, nil
}

func (a *app) ping(ctx context.Context, hosts []*inventory.Host) error {
	c, err := a.connect(newRunID(), nil, secret.NewMasker())
	if err != nil {
		return err
	}
	defer c.close()
	user := ""
	if a.settings.Sudo {
		user = "root"
	}
	pongs := make([]pong, len(hosts))
	limit := make(chan struct{}, a.settings.Forks)
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			pongs[i] = pingOne(ctx, c.Host(h), h.Name, user)
		})
	}
	wg.Wait()
	missing := 0
	for _, p := range pongs {
		if !p.OK {
			missing++
		}
	}
	if err := a.showPongs(pongs); err != nil {
		return err
	}
	if missing > 0 {
		return ended(run.CodeUnreachable)
	}
	return nil
}

func pingOne(ctx context.Context, h executor.Host, name, user string) pong {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	began := time.Now()
	ending := h.Ask(ctx, executor.Command{Script: ":", Shell: "sh", Sudo: user}, func(executor.Stream, []byte) {})
	p := pong{Host: name, OK: ending.Verdict == executor.Ended && ending.Exit == 0, Millis: time.Since(began).Milliseconds()}
	if !p.OK {
		p.Class, p.Message, p.Hint = ending.Class, ending.Message, ending.Hint
		if p.Class == "link" && p.Hint == "" && h.Reach(ctx) == nil {
			p.Hint = "it lets us in, and does not answer as a shell: steps for network gear say shell: none"
		}
	}
	return p
}

func (a *app) showPongs(pongs []pong) error {
	if a.settings.Output == "json" {
		enc := json.NewEncoder(a.out)
		for _, p := range pongs {
			if err := enc.Encode(p); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	hinted := map[string]bool{} // many hosts often share one cause
	for _, p := range pongs {
		word := fmt.Sprintf("ok  %d ms", p.Millis)
		if !p.OK {
			word = p.Class + ": " + view.Sanitise(p.Message)
		}
		rows = append(rows, []string{p.Host, word})
		if p.Hint != "" && !hinted[p.Hint] {
			hinted[p.Hint] = true
			rows = append(rows, []string{"", "hint: " + view.Sanitise(p.Hint)})
		}
	}
	_, err := fmt.Fprint(a.out, view.Table(nil, rows, 0))
	return err
}
