package view

import (
	"fmt"
	"strings"
	"testing"
)

func TestDrillGolden(t *testing.T) {
	many := make([]string, drillDifferMax+3)
	for i := range many {
		many[i] = fmt.Sprintf("web1: /srv/app/f%d appeared (file)", i)
	}
	d := Drill{
		Title: "rolling-deploy on web[1-5],db1  version=v1.4.2", Crash: true,
		Last: "The drill stopped: after switch/config the hosts are not as before. --force goes on.",
		Rows: []DrillRow{
			{Step: "sane", Verdict: "not_drilled", Why: "it only reads"},
			{Step: "upload", Host: "web1", Verdict: "proved"},
			{Step: "migrate", Host: "db1", Verdict: "missing", Why: "it declares no undo; what it did is left in place", Differ: []string{"db1: /srv/app/schema has another content"}},
			{Step: "prune", Host: "web1", Verdict: "none", Why: "it says rollback: none"},
			{Step: "switch/config", Host: "web1", Verdict: "wrong", Why: "its undo ended well, and the state is not as before; apart from what migrate leaves", Differ: many},
			{Step: "switch/restart", Verdict: "not_reached", Why: "the drill stopped at switch/config"},
			{Step: "evil\x1b[31m\n", Host: "web1", Verdict: "proved"},
		},
	}
	for _, width := range []int{40, 80} {
		golden(t, fmt.Sprintf("drill_%d", width), RenderDrill(d, width, Theme{Unicode: width == 80}))
	}
	if text := RenderDrill(d, 80, Theme{}); strings.ContainsAny(text, "\x1b") {
		t.Errorf("a control sequence gets through: %q", text)
	}
}
