package cli

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opsctl/opsctl/internal/fleet"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/runbooks"
)

// demoFiles are the programs of the releases: bin/ is in both, health/ has one for each.
//
//go:embed demo
var demoFiles embed.FS

const (
	demoRunbook = "rolling-deploy"
	releaseGood = "v1.0.0"
	releaseBad  = "v1.1.0"
	demoPort    = 8080 // on which each web host answers, seen from itself
)

// demoSchemas are the schemas of the database that the releases need.
var demoSchemas = map[string]string{releaseGood: "1", releaseBad: "2"}

// newDemoHosts makes the project and starts the hosts. Nothing is left when it fails.
func newDemoHosts(ctx context.Context, a *app) (*demo, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "opsctl-demo-")
	if err != nil {
		return nil, err
	}
	d := &demo{
		app: a, dir: dir, project: filepath.Join(dir, "project"), program: program,
		theme: view.Options{Color: a.settings.Color}.Theme(a.out),
	}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.stop(false))
	}
	return d, nil
}

func (d *demo) start(ctx context.Context) error {
	names := []string{}
	for i := range demoWebs {
		names = append(names, fmt.Sprintf("web%d", i+1))
	}
	var err error
	// The hosts outlive an interrupt, until those who talk to them have left.
	d.fleet, err = fleet.Start(context.WithoutCancel(ctx), fleet.Options{Dir: filepath.Join(d.dir, "fleet"), Hosts: append(names, "db1")})
	if err != nil {
		return err
	}
	for _, h := range d.fleet.Hosts {
		if err := os.MkdirAll(filepath.Join(appOf(h), "shared"), 0o755); err != nil {
			return err
		}
	}
	// What makes the bad release pass its health check on this host alone.
	if err := os.Mkdir(filepath.Join(appOf(d.fleet.Hosts[0]), "shared", "cache"), 0o755); err != nil {
		return err
	}
	for _, h := range d.webs() {
		s, err := openSite(h)
		if err != nil {
			return err
		}
		d.sites = append(d.sites, s)
	}
	return d.writeProject()
}

// appOf is the directory of the application on a host.
func appOf(h *fleet.Host) string { return filepath.Join(h.Dir, "srv", "app") }

func (d *demo) webs() []*fleet.Host { return d.fleet.Hosts[:demoWebs] }
func (d *demo) db() *fleet.Host     { return d.fleet.Hosts[demoWebs] }

// writeProject makes what a user of the runbook would have: a configuration, an inventory, the
// runbook, and a release in dist/ for each version.
func (d *demo) writeProject() error {
	for _, dir := range []string{"runbooks", "dist"} {
		if err := os.MkdirAll(filepath.Join(d.project, dir), 0o755); err != nil {
			return err
		}
	}
	text, err := runbooks.Files.ReadFile(demoRunbook + ".yaml")
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"opsctl.yaml":                       []byte("inventory: inventory.yaml\nssh-config: " + d.fleet.SSHConfig + "\nstate-dir: state\n"),
		"inventory.yaml":                    []byte(d.inventory()),
		"runbooks/" + demoRunbook + ".yaml": text,
		"dist/" + releaseGood + "/SCHEMA":   []byte(demoSchemas[releaseGood] + "\n"),
		"dist/" + releaseBad + "/SCHEMA":    []byte(demoSchemas[releaseBad] + "\n"),
	}
	for _, release := range []string{releaseGood, releaseBad} {
		if err := addPrograms(files, release); err != nil {
			return err
		}
	}
	for name, text := range files {
		path := filepath.Join(d.project, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.Contains(name, "/bin/") {
			mode = 0o755
		}
		if err := os.WriteFile(path, text, mode); err != nil {
			return err
		}
	}
	return nil
}

// addPrograms adds the programs of a release to the files of the project.
func addPrograms(files map[string][]byte, release string) error {
	programs, err := fs.ReadDir(demoFiles, "demo/bin")
	if err != nil {
		return err
	}
	for _, p := range programs {
		if files["dist/"+release+"/bin/"+p.Name()], err = demoFiles.ReadFile("demo/bin/" + p.Name()); err != nil {
			return err
		}
	}
	files["dist/"+release+"/bin/health"], err = demoFiles.ReadFile("demo/health/" + release)
	return err
}

// inventory names the hosts; how they are reached is in the ssh_config of the fleet.
func (d *demo) inventory() string {
	var b strings.Builder
	b.WriteString("hosts:\n")
	for _, h := range d.fleet.Hosts {
		fmt.Fprintf(&b, "  %s: {vars: {app: %q}}\n", h.Name, appOf(h))
	}
	fmt.Fprintf(&b, "groups:\n  web: {hosts: [\"web[1:%d]\"]}\n  db: {hosts: [db1]}\n", demoWebs)
	return b.String()
}
