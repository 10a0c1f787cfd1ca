package graph

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// invented makes a runbook by chance: blocks in blocks, needs, barriers, undo, ids and names of all lengths.
func invented(r *rand.Rand) string {
	left := 4 + r.IntN(30)
	var b strings.Builder
	b.WriteString("name: invented\nhosts: web\nsteps:\n")
	var block func(indent string, depth int, waves bool)
	block = func(indent string, depth int, waves bool) {
		var ids []string
		for range 1 + r.IntN(6) {
			if left--; left < 0 && len(ids) > 0 {
				return
			}
			id := fmt.Sprintf("s%d%s", len(ids), strings.Repeat("_wm", r.IntN(12)*r.IntN(2)))
			fmt.Fprintf(&b, "%s- id: %s\n", indent, id)
			if r.IntN(3) == 0 {
				fmt.Fprintf(&b, "%s  name: '%s'\n", indent, strings.Repeat("Words & <more> ☃ 漢字 ", r.IntN(6)))
			}
			if r.IntN(2) == 0 && len(ids) > 0 {
				fmt.Fprintf(&b, "%s  needs: [%s]\n", indent, ids[r.IntN(len(ids))])
			}
			ids = append(ids, id)
			if depth < 4 && r.IntN(4) == 0 {
				inWaves := !waves && r.IntN(3) == 0
				if inWaves {
					fmt.Fprintf(&b, "%s  rollout: {waves: [1, 2]}\n", indent)
				}
				fmt.Fprintf(&b, "%s  steps:\n", indent)
				block(indent+"    ", depth+1, waves || inWaves)
				continue
			}
			fmt.Fprintf(&b, "%s  run: 'true'\n", indent)
			hosts := "hosts: db1"
			if waves { // other hosts than those of the rollout are refused
				hosts = "hosts: web[0:2]"
			}
			for _, line := range []string{hosts, "once: true", "point_of_no_return: true", "effect: destroy", "rollback: " + strings.Repeat("undo", 1+r.IntN(30)), "check: 'true'"} {
				if r.IntN(4) == 0 {
					fmt.Fprintf(&b, "%s  %s\n", indent, line)
				}
			}
		}
	}
	block("  ", 0, false)
	if r.IntN(2) == 0 {
		b.WriteString("finally:\n  - {id: tell, hosts: local, run: 'true'}\n")
	}
	return b.String()
}

func TestInventedPicturesOverlapNowhere(t *testing.T) {
	for seed := range uint64(80) {
		text := invented(rand.New(rand.NewPCG(seed, 1)))
		for _, planned := range []bool{true, false} {
			p := New(known(t, text, planned))
			if problem := overlap(p.sheet()); problem != "" {
				t.Fatalf("seed %d, planned %v: %s\n%s", seed, planned, problem, text)
			}
			wellFormed(t, p.SVG())
			plain(p, 80)
		}
	}
}

// overlap finds two boxes that meet, a label outside its box, or anything outside the sheet.
func overlap(s *sheet) string {
	var found string
	say := func(format string, args ...any) {
		if found == "" {
			found = fmt.Sprintf(format, args...)
		}
	}
	var solid []*cell
	var look func(c *cell, around area)
	look = func(c *cell, around area) {
		drawn := c.node != nil || c.gate != nil || c.dashed != ""
		if drawn {
			if !around.holds(c.area) {
				say("%s %v is not within %v", nameOf(c), c.area, around)
			}
			around = c.area
		}
		if len(c.inner) == 0 && drawn {
			solid = append(solid, c)
		}
		for _, l := range c.labels {
			if !c.holds(l.area()) {
				say("label %q %v is not within %s %v", l.text, l.area(), nameOf(c), c.area)
			}
			for _, inner := range c.inner {
				inner.walk(func(x *cell) {
					if (x.node != nil || x.gate != nil) && l.area().meets(x.area) {
						say("label %q meets %s", l.text, nameOf(x))
					}
				})
			}
		}
		for _, band := range c.bands {
			if !c.holds(band) {
				say("a band %v is not within %s %v", band, nameOf(c), c.area)
			}
		}
		for _, trail := range c.trails {
			for _, p := range trail.points {
				if !s.holds(area{p.x, p.y, 0, 0}) {
					say("a line leads to %v, outside", p)
				}
			}
		}
		for _, inner := range c.inner {
			look(inner, around)
		}
	}
	look(s.body, s.area)
	for i, a := range solid {
		for _, b := range solid[:i] {
			if a.meets(b.area) {
				say("%s %v meets %s %v", nameOf(a), a.area, nameOf(b), b.area)
			}
		}
	}
	for _, l := range s.head {
		if !s.holds(l.area()) || l.area().meets(s.body.area) {
			say("%q is out of its place", l.text)
		}
	}
	for _, e := range s.legend {
		if !s.holds(e.area) || e.meets(s.body.area) {
			say("the legend's %q is out of its place", e.word)
		}
	}
	s.crossed(solid, say)
	return found
}

// crossed finds a straight line that runs through a card or a bar.
func (s *sheet) crossed(solid []*cell, say func(string, ...any)) {
	s.body.walk(func(c *cell) {
		for _, t := range c.trails {
			for i := 1; i < len(t.points) && !t.smooth; i++ {
				a, b := t.points[i-1], t.points[i]
				line := area{min(a.x, b.x), min(a.y, b.y), max(a.x, b.x) - min(a.x, b.x), max(a.y, b.y) - min(a.y, b.y)}
				for _, x := range solid {
					inside := area{x.x + 1, x.y + 1, x.w - 2, x.h - 2}
					if line.meets(inside) || inside.holds(line) {
						say("a line %s from %v to %v runs through %s %v", t.class, a, b, nameOf(x), x.area)
					}
				}
			}
		}
	})
}

func nameOf(c *cell) string {
	switch {
	case c.node != nil:
		return c.node.ID
	case c.gate != nil:
		return c.gate.label()
	}
	return c.dashed
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
}

// hostile is a runbook whose texts would be markup if they were let.
const hostile = `name: "</title><script>alert(1)</script>"
hosts: web
steps:
  - {id: a, name: "]]> <b>\" & -->; \\\" ]); click", run: x, rollback: "x\" ]; evil [label=\"\\"}
  - {id: end, name: "%% \u202e\u0007\u0000 #quot; \n end", run: "true", if: "host.name != '<x>'"}
  - {id: s, name: "subgraph [\"", steps: [{id: graph, run: "a"}]}
`

func TestHostileTextsStayTexts(t *testing.T) {
	text := strings.ReplaceAll(hostile, `\u0000`, "") // YAML has no place for it
	p := New(known(t, text, true))
	svg := p.SVG()
	wellFormed(t, svg)
	for _, bad := range []string{"<script", "<b>", "\u202e", "\a", "href", "onload"} {
		if strings.Contains(svg, bad) {
			t.Errorf("%q is in the SVG", bad)
		}
	}
	label := regexp.MustCompile(`"[^"]*"`)
	for _, line := range strings.Split(p.Mermaid(), "\n") {
		if rest := label.ReplaceAllString(line, "L"); strings.ContainsAny(rest, `"<&;%#`) && !strings.Contains(line, "classDef") {
			t.Errorf("a label is not closed: %s", line)
		}
	}
	dot(t, p.DOT())
}

// dot has Graphviz read a graph, and gives the SVG that it makes of it.
func dot(t *testing.T, text string) string {
	t.Helper()
	if _, err := exec.LookPath("dot"); err != nil {
		t.Skip("no dot (graphviz) here")
	}
	cmd := exec.Command("dot", "-Tsvg")
	cmd.Stdin = strings.NewReader(text)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("dot: %v %s\n%s", err, said.String(), text)
	}
	return string(out)
}

func TestGraphvizReadsIt(t *testing.T) {
	for _, name := range runbooks {
		p := New(known(t, read(t, name+".yaml"), true))
		svg := dot(t, p.DOT())
		nodes := strings.Count(svg, `class="node"`)
		want := 1 + len(p.Gates) + len(p.Joints)
		p.Root.walk(func(n *Node) {
			if n.Kind != Block {
				want++
			}
		})
		if edges := strings.Count(svg, `class="edge"`); nodes != want || edges != len(p.Links)+len(p.Undo) {
			t.Errorf("%s: %d nodes, want %d; %d edges, want %d", name, nodes, want, edges, len(p.Links)+len(p.Undo))
		}
	}
	dot(t, story(t, "story").DOT())
}

// measure asks a browser how large each text and what is around it really are, with the fonts that are there.
const measure = `<html><meta charset="utf-8"><body>%s<pre id="out"></pre><script>
let found = [];
const sheet = document.querySelector("svg").viewBox.baseVal;
for (const text of document.querySelectorAll("svg text")) {
  const t = text.getBBox();
  let box = {x: 0, y: 0, width: sheet.width, height: sheet.height};
  const around = text.parentNode.querySelector(":scope > rect");
  if (around && text.parentNode.getAttribute("aria-label") != "legend") box = around.getBBox();
  if (t.x < box.x || t.y < box.y || t.x + t.width > box.x + box.width || t.y + t.height > box.y + box.height)
    found.push(text.textContent + " leaves its box by " + (t.x + t.width - box.x - box.width));
}
document.getElementById("out").textContent = "measured " + document.querySelectorAll("svg text").length + "\n" + found.join("\n") + "\nend";
</script></body></html>`

func TestTextsFitInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	dir := t.TempDir()
	for i, p := range []*Picture{
		story(t, "story"), New(known(t, read(t, "nested.yaml"), true)), New(known(t, invented(rand.New(rand.NewPCG(7, 1))), true)),
	} {
		page := filepath.Join(dir, strconv.Itoa(i)+".html")
		if err := os.WriteFile(page, fmt.Appendf(nil, measure, p.SVG()), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", "file://"+page)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("chromium: %v", err)
		}
		_, said, _ := strings.Cut(string(out), `<pre id="out">`)
		said, _, _ = strings.Cut(said, "</pre>")
		if want := fmt.Sprintf("measured %d\n\nend", strings.Count(p.SVG(), "<text")); said != want {
			t.Errorf("picture %d: %s", i, said)
		}
	}
}
