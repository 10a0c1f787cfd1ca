package plan

import "testing"

// TestAGateIsLeftOutWithItsBlock covers both places of a rollout: a block, and the runbook itself.
func TestAGateIsLeftOutWithItsBlock(t *testing.T) {
	const inBlock = "name: x\nhosts: web\nsteps:\n- {id: a, rollout: {waves: [2, 100%], gate: {run: 'true'}}, steps: [{id: b, run: 'true'}]}\n- {id: c, run: 'true'}\n"
	const atTop = "name: x\nhosts: web\nrollout: {waves: [2, 100%], gate: {run: 'true'}}\nsteps: [{id: b, run: 'true'}, {id: c, run: 'true'}]\n"
	for _, tt := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"block, all", inBlock, Options{}, ""},
		{"block, all of it left out", inBlock, Options{Select: Select{Skip: []string{"b"}}}, "--skip"},
		{"block, another step left out", inBlock, Options{Select: Select{Skip: []string{"c"}}}, ""},
		{"top, all", atTop, Options{}, ""},
		{"top, one left out", atTop, Options{Select: Select{Skip: []string{"b"}}}, ""},
		{"top, all left out", atTop, Options{Select: Select{Skip: []string{"b", "c"}}}, "--skip"},
	} {
		p, err := build(t, tt.text, tt.o)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		gates := 0
		for _, s := range p.Steps {
			if !s.Gate {
				continue
			}
			gates++
			if s.Skip != tt.want {
				t.Errorf("%s: the gate %s is left out by %q, want %q", tt.name, s.ID, s.Skip, tt.want)
			}
		}
		if gates != 2 {
			t.Errorf("%s: %d gates", tt.name, gates)
		}
	}
}
