package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// paramFlags are how params are given.
type paramFlags struct {
	params []string
	files  []string
}

func (p *paramFlags) declare(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&p.params, "param", "p", nil, "param `NAME=VALUE` (repeatable)")
	cmd.Flags().StringArrayVarP(&p.files, "params-file", "P", nil, "YAML `FILE` of params (repeatable)")
	cmd.Flags().StringArrayVarP(&p.params, "extra-vars", "e", nil, "the same as --param, for Ansible's hands")
	if f := cmd.Flags().Lookup("extra-vars"); f != nil {
		f.Hidden = true
	}
}

// given gathers the params, strongest last: environment, files in order, -p in order. Of a run
// that goes on, whose params are settled, the environment gives the secret ones only.
func (p *paramFlags) given(rb *runbook.Runbook, settled bool) (map[string]runbook.Given, error) {
	given := map[string]runbook.Given{}
	for _, param := range rb.Params {
		if settled && !param.Secret { // of a run that goes on: the environment has no say in it
			continue
		}
		if text, ok := os.LookupEnv("OPSCTL_PARAM_" + strings.ToUpper(param.Name)); ok {
			given[param.Name] = runbook.Given{Text: &text}
		}
	}
	for _, file := range p.files {
		values, err := runbook.ReadParams(file)
		if err != nil {
			return nil, err
		}
		for k, v := range values {
			given[k] = v
		}
	}
	for _, pair := range p.params {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usage(fmt.Sprintf("-p takes NAME=VALUE, not %q", pair), "")
		}
		given[name] = runbook.Given{Text: &text}
	}
	return given, nil
}

// values checks the params; at a terminal the required ones that are missing are asked for.
func (a *app) values(rb *runbook.Runbook, p *paramFlags) (map[string]any, error) {
	given, err := p.given(rb, false)
	if err != nil {
		return nil, err
	}
	if a.asks() {
		for _, param := range rb.Params {
			if _, ok := given[param.Name]; ok || param.Given {
				continue
			}
			text, err := a.askParam(param)
			if err != nil {
				return nil, err
			}
			given[param.Name] = runbook.Given{Text: &text}
		}
	}
	return rb.Values(given)
}

// asks tells whether somebody is there to be asked: a terminal on both ends, and not a CI.
func (a *app) asks() bool {
	return view.IsTerminal(a.in) && view.IsTerminal(a.err) && os.Getenv("CI") == "" && a.settings.Output != "json" && a.settings.Output != "quiet"
}

func (a *app) askParam(p *runbook.Param) (string, error) {
	question := p.Name
	if p.Help != "" {
		question += " (" + p.Help + ")"
	}
	if p.Secret {
		return a.askSecret(question + ": ")
	}
	return a.ask(question + ": ")
}

// ask asks one line at the terminal.
func (a *app) ask(question string) (string, error) {
	fmt.Fprint(a.err, question)
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && line == "" {
		return "", &exitError{code: 6, message: "no answer"}
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// confirm asks for a yes; without a terminal only --yes is one.
func (a *app) confirm(question string) error {
	if a.settings.Yes {
		return nil
	}
	if !a.asks() {
		return &exitError{code: 6, message: question + " (nobody is there to be asked)", hint: "--yes answers it"}
	}
	answer, err := a.ask(question + " [y/N] ")
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return &exitError{code: 6, message: "refused; nothing was changed"}
	}
	return nil
}
