package cli

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// inputs are all that a run was made of, kept in its journal: with them it goes on, or is taken
// back, whatever became of the files since.
type inputs struct {
	Text      string             `json:"text"`            // of the runbook
	Files     map[string]string  `json:"files,omitempty"` // texts of the runbooks it includes, by path
	Path      string             `json:"path"`            // absolute
	Params    map[string]any     `json:"params"`
	Secrets   map[string]string  `json:"secrets,omitempty"` // keyed digests of secret params
	Inventory inventory.Snapshot `json:"inventory"`
	Limit     string             `json:"limit,omitempty"`
	Select    plan.Select        `json:"select,omitzero"`
	Drill     *plan.Drill        `json:"drill,omitempty"`
	Started   time.Time          `json:"started"`
	User      string             `json:"user"`
	Env       map[string]string  `json:"env,omitempty"` // the variables that the runbook uses
	Settings  runSettings        `json:"settings"`
}

// runSettings are the settings of a run that hold for its resume too, unless said anew.
type runSettings struct {
	User       string   `json:"user,omitempty"`
	SSHConfig  string   `json:"ssh_config,omitempty"`
	Jump       string   `json:"jump,omitempty"`
	Identity   string   `json:"identity,omitempty"`
	SSHOptions []string `json:"ssh_options,omitempty"`
	Transport  string   `json:"transport,omitempty"`
	Forks      int      `json:"forks,omitempty"`
	Sudo       bool     `json:"sudo,omitempty"` // settled: what ran as root is taken back as root
}

// request is a runbook with everything it needs to be planned.
type request struct {
	id      string
	path    string
	runbook *runbook.Runbook
	inv     *inventory.Inventory
	values  map[string]any
	started time.Time
	user    string
	limit   string
	picks   plan.Select
	drill   *plan.Drill
	env     map[string]string
	plan    *plan.Plan
	before  *plan.Plan // of a run that goes on with changes: as it was
}

func (j *request) build() error {
	var err error
	j.plan, err = plan.Build(j.runbook, j.inv, plan.Options{
		Values: j.values, Limit: j.limit, Select: j.picks, Drill: j.drill, Env: j.env, RunID: j.id, User: j.user,
		Date: j.started.Format("2006-01-02"), Start: j.started.Format(time.RFC3339),
	})
	return err
}

// load gathers a request from the command line: the runbook, the inventory, the params.
func (a *app) load(name string, params *paramFlags, picks plan.Select) (*request, error) {
	rb, path, err := a.loadRunbook(name)
	if err != nil {
		return nil, err
	}
	inv, err := a.loadInventory(path)
	if err != nil {
		return nil, err
	}
	values, err := a.values(rb, params)
	if err != nil {
		return nil, err
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if a.settings.Sudo {
		rb.SudoByDefault()
	}
	j := &request{
		id: newRunID(), path: path, runbook: rb, inv: inv, values: values, started: time.Now(), user: userName(),
		limit: a.settings.Limit, picks: picks, env: usedEnv(rb),
	}
	if err := j.build(); err != nil {
		return nil, err
	}
	return j, a.checkSources(j.plan)
}

// usedEnv gives the variables of the controller's environment that the runbook may ask for. Only
// these are kept with the run.
func usedEnv(rb *runbook.Runbook) map[string]string {
	used := map[string]string{}
	texts := []string{rb.File.Text}
	for _, text := range rb.Files() {
		texts = append(texts, text)
	}
	for _, m := range envUse.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		if value, ok := os.LookupEnv(m[1]); ok {
			used[m[1]] = value
		}
	}
	return used
}

// envUse finds env.NAME and env["NAME"].
var envUse = regexp.MustCompile(`\benv\s*(?:\?\.|\.|\[\s*["'])\s*([A-Za-z_][A-Za-z0-9_]*)`)

// keep makes the inputs of a request. Secret params are kept as a digest only.
func (a *app) keep(j *request) ([]byte, error) {
	in := inputs{
		Text: j.runbook.File.Text, Files: kept(j.runbook), Path: j.path, Select: j.picks, Drill: j.drill, Params: map[string]any{}, Secrets: map[string]string{}, Inventory: j.inv.Snapshot(),
		Limit: j.limit, Started: j.started, User: j.user, Env: j.env, Settings: a.runSettings(),
	}
	for _, p := range j.runbook.Params {
		if p.Secret {
			in.Secrets[p.Name] = digest(j.id, j.values[p.Name])
			continue
		}
		in.Params[p.Name] = j.values[p.Name]
	}
	return json.Marshal(in)
}

// kept gives the texts of included runbooks under absolute paths.
func kept(rb *runbook.Runbook) map[string]string {
	files := map[string]string{}
	for path, text := range rb.Files() {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		files[path] = text
	}
	return files
}

// reload reads the runbook of a run from what was kept of it.
func (in *inputs) reload() (*runbook.Runbook, error) {
	loader := runbook.Loader{Root: "/", Read: func(path string) (string, error) {
		text, ok := in.Files[path]
		if !ok {
			return "", fmt.Errorf("it was not kept with the run: %w", os.ErrNotExist)
		}
		return text, nil
	}}
	rb, _, err := loader.LoadText(in.Text, in.Path, filepath.Dir(in.Path))
	return rb, err
}

func (a *app) runSettings() runSettings {
	s := a.settings
	abs := func(path string) string {
		if full, err := filepath.Abs(path); err == nil && path != "" {
			return full
		}
		return path
	}
	return runSettings{User: s.User, SSHConfig: abs(s.SSHConfig), Jump: s.Jump, Identity: abs(s.Identity), SSHOptions: s.SSHOptions, Transport: s.Transport, Forks: s.Forks, Sudo: s.Sudo}
}

func digest(id string, value any) string {
	mac := hmac.New(sha256.New, []byte(id))
	fmt.Fprint(mac, value)
	return hex.EncodeToString(mac.Sum(nil))
}

// restore makes the request of a run that is in the journal. Secret params are given anew.
func (a *app) restore(id string, raw []byte, params *paramFlags) (*request, *inputs, error) {
	var in inputs
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, nil, fmt.Errorf("cannot read what run %s was made of: %w", id, err)
	}
	rb, err := in.reload()
	if err != nil {
		return nil, nil, err
	}
	given, err := params.given(rb, true)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range rb.Params {
		if !p.Secret {
			if _, again := given[p.Name]; again {
				return nil, nil, usage(fmt.Sprintf("param %q of this run is settled; only secret ones are given again", p.Name), "")
			}
			given[p.Name] = runbook.Given{Value: in.Params[p.Name]}
		}
	}
	values, err := rb.Values(intsBack(rb, given))
	if err != nil {
		return nil, nil, err
	}
	for name, sum := range in.Secrets {
		if digest(id, values[name]) != sum {
			return nil, nil, invalid(fmt.Sprintf("secret param %q is not what the run was started with", name), "")
		}
	}
	a.adopt(in.Settings)
	if a.settings.Sudo = in.Settings.Sudo; a.settings.Sudo {
		rb.SudoByDefault()
	}
	j := &request{
		id: id, path: in.Path, runbook: rb, inv: inventory.Restore(in.Inventory), values: values, started: in.Started,
		user: in.User, limit: in.Limit, picks: in.Select, drill: in.Drill, env: in.Env,
	}
	return j, &in, j.build()
}

// intsBack gives whole numbers their type again: JSON has only one kind of number.
func intsBack(rb *runbook.Runbook, given map[string]runbook.Given) map[string]runbook.Given {
	for _, p := range rb.Params {
		if f, ok := given[p.Name].Value.(float64); ok && p.Type == "int" {
			given[p.Name] = runbook.Given{Value: int(f)}
		}
	}
	return given
}

// adopt takes over the settings of the run where this invocation says nothing else.
func (a *app) adopt(s runSettings) {
	take := func(flag string, target *string, value string) {
		if a.origins[flag] == "default" || a.origins[flag] == "" {
			*target = value
		}
	}
	take("user", &a.settings.User, s.User)
	take("ssh-config", &a.settings.SSHConfig, s.SSHConfig)
	take("jump", &a.settings.Jump, s.Jump)
	take("identity", &a.settings.Identity, s.Identity)
	take("transport", &a.settings.Transport, s.Transport)
	if a.origins["ssh-option"] == "default" {
		a.settings.SSHOptions = s.SSHOptions
	}
	if a.origins["forks"] == "default" && s.Forks > 0 {
		a.settings.Forks = s.Forks
	}
}

// changed tells how a run's runbooks differ from the files they came from, or "".
func (in *inputs) changed() string {
	if change := changedFile(in.Path, in.Text); change != "" {
		return change
	}
	for path, text := range in.Files {
		if change := changedFile(path, text); change != "" {
			return "in " + path + " " + change
		}
	}
	return ""
}

func changedFile(path, kept string) string {
	text, err := os.ReadFile(path)
	if err != nil || string(text) == kept {
		return "" // a file that is gone changed nothing that could be mixed up
	}
	old, now := strings.Split(kept, "\n"), strings.Split(string(text), "\n")
	for i := range max(len(old), len(now)) {
		var before, after string
		if i < len(old) {
			before = old[i]
		}
		if i < len(now) {
			after = now[i]
		}
		if before != after {
			return fmt.Sprintf("line %d was %q and is now %q", i+1, before, after)
		}
	}
	return ""
}
