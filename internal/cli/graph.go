package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/graph"
	"github.com/opsctl/opsctl/internal/view"
)

// graphOptions are what a drawing is asked for.
type graphOptions struct {
	params paramFlags
	format string
	file   string // "" is standard output
	run    string
}

// graphFormats are the formats of drawings, by the extension of a file.
var graphFormats = map[string]string{".txt": "text", ".svg": "svg", ".mmd": "mermaid", ".dot": "dot", ".gv": "dot"}

func newGraph(a *app) *cobra.Command {
	var o graphOptions
	cmd := &cobra.Command{
		Use: "graph [RUNBOOK]", GroupID: "write",
		Short: "Draw a runbook, or what became of a run",
		Long: `Draw what waits for what: blocks, steps side by side, waves, where all hosts are waited for, how each step is taken
back, and the points of no return. Where there is an inventory, and the params are known, with hosts and waves.

With --run a run of the past is drawn instead, from its journal: how each step ended on how many hosts, how long it
took, and the critical path, which is the chain of ops that decided how long the run took.`,
		Example: "  opsctl graph deploy.yaml\n  opsctl graph deploy.yaml -p version=v1.4.2 -o deploy.svg\n  opsctl graph deploy.yaml --format mermaid\n  opsctl graph deploy.yaml --format dot | dot -Tpdf > deploy.pdf\n  opsctl graph --run last\n  opsctl graph --run last:deploy -o what-happened.svg",
		Args:    atMost(1, "one runbook"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.graph(first(args, ""), o) },
	}
	o.params.declare(cmd)
	cmd.Flags().StringVar(&o.format, "format", "", "`FORMAT`: text, svg, mermaid, dot (default that of the file, else text)")
	cmd.Flags().StringVarP(&o.file, "out", "o", "", "write to `FILE`: .txt, .svg, .mmd, .dot or .gv")
	cmd.Flags().StringVar(&o.run, "run", "", "draw what became of `RUN`: an id, its unique end or beginning, last, last:NAME")
	// Elsewhere -o is an option of ssh. A drawing connects to nothing, and who draws expects a file there: the flag that
	// stands in the way is taken and not used.
	cmd.Flags().StringArray("ssh-option", nil, "")
	cmd.Flag("ssh-option").Hidden = true
	return cmd
}

func (a *app) graph(name string, o graphOptions) error {
	if err := o.settle(name); err != nil {
		return err
	}
	theme := a.viewOptions().Theme(a.out)
	if o.file != "" { // a file has no terminal's colours, and no terminal's letters
		theme = view.Theme{Unicode: true}
	}
	known := graph.Options{ASCII: o.format == "text" && !theme.Unicode}
	var err error
	if o.run != "" {
		err = a.knowRun(o.run, &known)
	} else {
		err = a.knowRunbook(name, &o.params, &known)
	}
	if err != nil {
		return err
	}
	drawn := draw(graph.New(known), o.format, graph.TextOptions{Width: view.Width(a.out), Theme: theme})
	if o.file == "" {
		return a.print(drawn)
	}
	if err := os.WriteFile(o.file, []byte(drawn), 0o644); err != nil {
		return fmt.Errorf("cannot write the drawing: %w", err)
	}
	return nil
}

// settle decides the format, and refuses what does not go together.
func (o *graphOptions) settle(name string) error {
	switch {
	case name == "" && o.run == "":
		return usage("a runbook is needed, or --run", "opsctl graph --help")
	case name != "" && o.run != "":
		return usage("a run is drawn from its journal: give a runbook or --run, not both", "")
	}
	ofFile, known := graphFormats[strings.ToLower(filepath.Ext(o.file))]
	switch {
	case o.format == "" && o.file != "" && !known:
		return usage(fmt.Sprintf("cannot tell the format of %q by its name", o.file), "opsctl graph --format svg -o "+o.file)
	case o.format == "" && known:
		o.format = ofFile
	case o.format == "":
		o.format = "text"
	}
	if formats := []string{"text", "svg", "mermaid", "dot"}; !slices.Contains(formats, o.format) {
		return usage(fmt.Sprintf("--format: %q is not one of %s", o.format, strings.Join(formats, ", ")), "")
	}
	return nil
}

func draw(p *graph.Picture, format string, o graph.TextOptions) string {
	switch format {
	case "svg":
		return p.SVG()
	case "mermaid":
		return p.Mermaid()
	case "dot":
		return p.DOT()
	}
	return p.Text(o)
}

// knowRunbook finds what is known of a runbook before it runs.
func (a *app) knowRunbook(name string, params *paramFlags, known *graph.Options) error {
	rb, path, err := a.loadRunbook(name)
	if err != nil {
		return err
	}
	j, why, err := a.planIfKnown(rb, path, params)
	if err != nil {
		return err
	}
	known.Runbook = rb
	if j == nil {
		a.note("without hosts and waves: " + why)
		return nil
	}
	known.Plan = j.plan
	return nil
}

// knowRun reads a run from its journal, with the runbook and the inventory that it was made of.
func (a *app) knowRun(ref string, known *graph.Options) error {
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, err := store.Find(ref)
	if err != nil {
		return err
	}
	events, damage := store.Read(info.ID)
	if damage != nil && events == nil {
		return damage
	}
	raw, err := store.Inputs(info.ID)
	if err != nil {
		return err
	}
	var in inputs
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf("cannot read what run %s was made of: %w", info.ID, err)
	}
	j, err := reread(info.ID, in)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot plan run %s any more, so it cannot be drawn", shortID(info.ID)), err)
	}
	if damage != nil {
		a.note("not all of the journal can be read: " + damage.Error())
	}
	known.Runbook, known.Plan, known.Events, known.RunID = j.runbook, j.plan, events, shortID(info.ID)
	return nil
}
