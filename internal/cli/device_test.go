package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/device"
)

const deviceRunbook = `name: vlan
params: {vlan: {}}
hosts: all
shell: none
steps:
  - {id: known, effect: read, run: show vlan}
  - id: add
    save: {before: show count}
    run: vlan ${{ vlan }}
    rollback: no vlan ${{ vlan }} was ${{ saved.before }}
  - {id: apply, run: apply, failed_if: 'result.stdout contains "Invalid"'}
`

// TestNetworkGear plans, runs and takes back a runbook on a host that has no shell. Whatever is sent
// there is what the runbook says, to the letter.
func TestNetworkGear(t *testing.T) {
	var mu sync.Mutex
	vlans := []string{"1"}
	d := device.Start(t, func(e *device.Exec) {
		mu.Lock()
		defer mu.Unlock()
		words := strings.Fields(e.Command)
		switch words[0] {
		case "show":
			if words[1] == "count" {
				e.Print(fmt.Sprintln(len(vlans)))
			} else {
				e.Print(strings.Join(vlans, " ") + "\n")
			}
		case "vlan":
			vlans = append(vlans, words[1])
		case "no":
			vlans = slices.DeleteFunc(vlans, func(v string) bool { return v == words[2] })
		case "apply":
			if slices.Contains(vlans, "13") {
				e.Print("% Invalid vlan\n")
			}
		default:
			e.Complain("% Unknown command\n")
			e.Exit(1)
			return
		}
		e.Close()
	})
	b := &bench{T: t, dir: t.TempDir()}
	b.write("vlan.yaml", deviceRunbook)
	b.write("opsctl.yaml", "ssh-config: "+d.SSHConfig+"\nstate-dir: state\ninventory: "+d.Name+",\n")
	if out := b.want(0, "plan", "vlan.yaml", "-p", "vlan=7"); !strings.Contains(out, "note: durable: no on "+d.Name) {
		t.Errorf("the plan does not say it:\n%s", out)
	}
	if out := b.want(0, "plan", "vlan.yaml", "-p", "vlan=7", "--output", "json"); strings.Count(out, `"durable":false`) != 3 {
		t.Errorf("the plan does not say it:\n%s", out)
	}
	before := len(d.Heard())
	b.want(0, "run", "vlan.yaml", "-p", "vlan=7")
	if got, want := d.Heard()[before:], []string{"show vlan", "show count", "vlan 7", "apply"}; !slices.Equal(got, want) {
		t.Errorf("it sent %q, want %q", got, want)
	}
	before = len(d.Heard())
	b.want(3, "run", "vlan.yaml", "-p", "vlan=13")
	if got := d.Heard()[before:]; got[len(got)-1] != "no vlan 13 was 2" {
		t.Errorf("it sent %q", got)
	}
	before = len(d.Heard())
	if _, out, errs := b.opsctl("run", "vlan.yaml", "-p", "vlan=7; reload"); !strings.Contains(out+errs, `cannot put "7; reload"`) {
		t.Errorf("%s\n%s", out, errs)
	}
	if got := d.Heard()[before:]; slices.ContainsFunc(got, func(c string) bool { return strings.Contains(c, "reload") }) {
		t.Errorf("it sent %q", got)
	}
	if _, out, errs := b.opsctl("ping"); !strings.Contains(out+errs, "shell: none") {
		t.Errorf("ping:\n%s\n%s", out, errs)
	}
}

// TestNetworkGearThatIsCut loses the connection in the middle of a change: it is unknown, and sent once.
func TestNetworkGearThatIsCut(t *testing.T) {
	d := device.Start(t, func(e *device.Exec) { e.HangUp() })
	b := &bench{T: t, dir: t.TempDir()}
	b.write("r.yaml", "name: r\nhosts: all\nshell: none\nsteps: [{id: reload, run: reload}]\n")
	b.write("opsctl.yaml", "ssh-config: "+d.SSHConfig+"\nstate-dir: state\ninventory: "+d.Name+",\n")
	code, out, errs := b.opsctl("run", "r.yaml")
	if code == 0 || !strings.Contains(out+errs, "unknown") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	if got := d.Heard(); !slices.Equal(got, []string{"reload"}) {
		t.Errorf("it sent %q", got)
	}
}
