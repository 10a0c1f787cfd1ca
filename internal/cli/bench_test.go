package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
)

// rounds of each benchmark, interleaved: A B C, A B C. The machine is noisy, so medians count.
const rounds = 7

// runner is one way to do the same work.
type runner struct {
	name string
	do   func() error
}

// compare runs all ways in turn and reports the median of each, and its ratio to the first.
func compare(b *testing.B, ways []runner) {
	b.Helper()
	took := map[string][]time.Duration{}
	for range rounds {
		for _, w := range ways {
			began := time.Now()
			if err := w.do(); err != nil {
				b.Fatalf("%s: %v", w.name, err)
			}
			took[w.name] = append(took[w.name], time.Since(began))
		}
	}
	floor := median(took[ways[0].name])
	for _, w := range ways {
		m := median(took[w.name])
		b.ReportMetric(float64(m.Microseconds())/1000, w.name+"-ms")
		b.Logf("%-14s median %7.1f ms  min %7.1f ms  × %.2f of %s", w.name, ms(m), ms(took[w.name][0]), float64(m)/float64(floor), ways[0].name)
	}
	b.ReportMetric(0, "ns/op")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(list []time.Duration) time.Duration {
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list[len(list)/2]
}

// BenchmarkTenSteps does ten trivial steps, one after the other, on 1, 10 and 100 real sshd hosts on
// loopback: the floor, a program that is x/crypto/ssh and nothing else, with an exec channel a step and
// with one persistent shell; and opsctl as a whole process, journal and all.
func BenchmarkTenSteps(b *testing.B) {
	opsctl := binary(b)
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			f := realsshd.Start(b, realsshd.Options{Hosts: n, Config: []string{"SetEnv HOME=" + b.TempDir(), "MaxStartups 500:30:1000", "MaxSessions 100"}})
			dir := b.TempDir()
			var inventory, changes, reads strings.Builder
			inventory.WriteString("hosts:\n")
			for _, h := range f.Hosts {
				fmt.Fprintf(&inventory, "  %s: {}\n", h.Name)
			}
			changes.WriteString("name: ten\nhosts: all\non_failure: stop\nsteps:\n")
			reads.WriteString(changes.String())
			for i := range 10 {
				fmt.Fprintf(&changes, "  - {id: s%d, run: echo step %d}\n", i, i)
				fmt.Fprintf(&reads, "  - {id: s%d, run: echo step %d, effect: read}\n", i, i)
			}
			for name, text := range map[string]string{
				"inventory.yaml": inventory.String(), "changes.yaml": changes.String(), "reads.yaml": reads.String(),
				"opsctl.yaml": "state-dir: state\ninventory: inventory.yaml\nforks: 100\nssh-config: " + f.SSHConfig + "\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			program := func(runbook string) func() error {
				return func() error {
					out, err := exec.Command(opsctl, "-C", dir, "run", runbook, "--output", "quiet").CombinedOutput()
					if err != nil {
						return fmt.Errorf("%w\n%s", err, out)
					}
					return nil
				}
			}
			compare(b, []runner{
				{"floor-exec", func() error { return f.Floor(false) }},
				{"opsctl-change", program("changes.yaml")},
				{"floor-shell", func() error { return f.Floor(true) }},
				{"opsctl-read", program("reads.yaml")},
			})
		})
	}
}

// BenchmarkStart measures what every invocation pays, and a plan of a million ops.
func BenchmarkStart(b *testing.B) {
	opsctl := binary(b)
	dir := b.TempDir()
	var steps strings.Builder
	steps.WriteString("name: big\nhosts: all\nsteps:\n")
	for i := range 1000 {
		fmt.Fprintf(&steps, "  - {id: s%d, run: echo step %d}\n", i, i)
	}
	for name, text := range map[string]string{"big.yaml": steps.String(), "inventory.yaml": "hosts: {\"h[1:1000]\": {user: x}}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	peak := map[string]int64{}
	program := func(args ...string) func() error {
		return func() error {
			cmd := exec.Command(opsctl, append([]string{"-C", dir}, args...)...)
			cmd.Stdout = io.Discard
			if err := cmd.Run(); err != nil {
				return err
			}
			peak[args[0]] = max(peak[args[0]], maxRSS(cmd.ProcessState))
			return nil
		}
	}
	compare(b, []runner{
		{"version", program("--version")},
		{"validate", program("validate", "big.yaml")},
		{"plan", program("plan", "big.yaml", "--offline")},
	})
	for name, kib := range peak {
		b.Logf("%-10s peak memory %d MiB", name, kib>>10)
	}
}
