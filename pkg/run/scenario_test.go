package run

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// The files testdata/run/*.txt tell runs as event traces. A file holds scenarios, each begun by a
// line "=== name", followed by what it shows in plain words, and by three parts:
//
//	--- runbook, N web hosts    the YAML; "name:" and "hosts: web" are added where they are left out. The
//	                            inventory is web1…webN, db1 and local
//	--- script                  what happens, in any order of lines:
//	  HOST/STEP [ACT] OUTCOME…  how the attempts at an act (do where none is said) end, one after the other;
//	                            "failed+" may have changed the host; never_ran is said by the host itself.
//	                            What is not said: a do changed something, a check says no, and yes after
//	                            the do, all else is ok
//	  HOST/STEP skip            its if says no
//	  HOST/STEP gives up        retry.if says no (else a retry comes after 1s)
//	  STEP answers yes|no|skip  a person who is asked before the step (else yes); "no" stops the run
//	  HOST/STEP chooses retry…  a person who is asked after a failure: one choice after the other
//	  slow HOST[/STEP]          its attempts end last
//	  unreachable HOST          at preflight
//	  drill HOST/STEP [itself]  the run goes back after the op, or the op is judged as failed itself
//	  at LINE: STOP             when LINE of the trace has happened, interrupt, term, hangup, deadline,
//	                            or crash: the journal ends there, and the run is resumed
//	  then resume               when the run has ended; also: then retry (what failed is tried again), then rollback run, then rollback HOST…,
//	                            then HOST/STEP is OUTCOME (a person resolves an unknown outcome)
//	--- trace                   what the run did, exactly, then where every op stands, step by step
//
// In a trace, ">" begins an attempt and "<" ends it; times count from the start. Traces are rewritten by
//
//	go test ./pkg/run -run TestScenarios -update
//
// and reviewed as a diff, line by line, against SEMANTICS.
var update = flag.Bool("update", false, "rewrite the traces of testdata/run")

const scenarioFiles = "../../testdata/run/*.txt"

type scenario struct {
	name, story, runbook, script, trace string
	hosts                               int
}

var partText = regexp.MustCompile(`(?m)^--- (?:runbook, (\d+) web hosts?|script|trace)\n`)

func readScenarios(t *testing.T, file string) []scenario {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []scenario
	for _, part := range strings.Split("\n"+string(text), "\n=== ")[1:] {
		part = strings.TrimSuffix(part, "\n") + "\n"
		at := partText.FindAllStringSubmatchIndex(part, -1)
		if len(at) != 3 {
			t.Fatalf("%s: a scenario has the parts runbook, script and trace:\n%s", file, part)
		}
		hosts, err := strconv.Atoi(part[at[0][2]:at[0][3]])
		if err != nil {
			t.Fatal(err)
		}
		name, story, _ := strings.Cut(part[:at[0][0]], "\n")
		list = append(list, scenario{
			name: name, story: story, hosts: hosts,
			runbook: part[at[0][1]:at[1][0]], script: part[at[1][1]:at[2][0]], trace: part[at[2][1]:],
		})
	}
	return list
}

func (sc scenario) String() string {
	s := "s"
	if sc.hosts == 1 {
		s = ""
	}
	return fmt.Sprintf("=== %s\n%s--- runbook, %d web host%s\n%s--- script\n%s--- trace\n%s", sc.name, sc.story, sc.hosts, s, sc.runbook, sc.script, sc.trace)
}

func (sc scenario) plan(t testing.TB) *plan.Plan {
	text := sc.runbook
	if !strings.Contains("\n"+text, "\nhosts:") {
		text = "hosts: web\n" + text
	}
	if !strings.Contains("\n"+text, "\nname:") {
		text = "name: x\n" + text
	}
	for line := range strings.Lines(sc.script) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "drill" {
			host, step, _ := strings.Cut(words[1], "/")
			return buildDrill(t, text, sc.hosts, &plan.Drill{Step: step, Host: host, After: len(words) == 2})
		}
	}
	return buildPlan(t, text, sc.hosts)
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(scenarioFiles)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", scenarioFiles, err)
	}
	told := 0
	for _, file := range files {
		list := readScenarios(t, file)
		told += len(list)
		for i, sc := range list {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+sc.name, func(t *testing.T) {
				p := newPlayer(t, sc)
				p.play()
				if p.err != nil {
					t.Fatalf("%v\n%s", p.err, p.trace())
				}
				p.allUsed()
				got := strings.TrimRight(p.trace(), "\n") + "\n"
				if list[i].trace = got; !*update && got != strings.TrimRight(sc.trace, "\n")+"\n" {
					t.Errorf("%sgot\n%swant\n%s", sc.story, got, sc.trace)
				}
				p.cutAnywhere()
			})
		}
		if *update {
			var text []string
			for _, sc := range list {
				text = append(text, sc.String())
			}
			if err := os.WriteFile(file, []byte(strings.Join(text, "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if told < 45 {
		t.Errorf("%d scenarios; at least 45 are promised", told)
	}
}

// player plays a scenario.
type player struct {
	world
	t        *testing.T
	sc       scenario
	outcomes map[string][]string // "web1/a do" → words
	skipped  map[string]bool
	givesUp  map[string]bool
	answers  map[string][]string
	slow     []string
	missing  []string
	at       []occasion
	then     []string
	open     []Open // in the order in which they were started
}

type occasion struct {
	line string
	stop string
}

const afterScript = "as the script says"

func newPlayer(t *testing.T, sc scenario) *player {
	p := &player{t: t, sc: sc, outcomes: map[string][]string{}, skipped: map[string]bool{}, givesUp: map[string]bool{}, answers: map[string][]string{}}
	p.made, p.unknown = map[string]bool{}, map[string]bool{}
	p.world.plan = sc.plan(t)
	p.state, p.now = New(p.world.plan, Limits{}), time.Unix(0, 0)
	for line := range strings.Lines(sc.script) {
		if line = strings.TrimSpace(line); line != "" {
			p.read(line)
		}
	}
	return p
}

func (p *player) read(line string) {
	words := strings.Fields(line)
	switch {
	case words[0] == "drill": // is part of the plan
	case words[0] == "slow":
		p.slow = append(p.slow, words[1])
	case words[0] == "unreachable":
		p.missing = append(p.missing, words[1:]...)
	case words[0] == "then":
		p.then = append(p.then, strings.Join(words[1:], " "))
	case words[0] == "at":
		end := strings.LastIndex(line, ": ")
		p.at = append(p.at, occasion{line: line[len("at "):end], stop: line[end+2:]})
	case line == words[0]+" skip":
		p.skipped[words[0]] = true
	case words[1] == "answers" || words[1] == "chooses":
		p.answers[words[0]] = words[2:]
	case line == words[0]+" gives up":
		p.givesUp[words[0]] = true
	case slices.Contains([]string{"check", "save", "do", "undo"}, words[1]):
		p.outcomes[words[0]+" "+words[1]] = words[2:]
	default:
		p.outcomes[words[0]+" do"] = words[1:]
	}
}

func (p *player) play() {
	p.emit(Event{Kind: RunStarted})
	for _, host := range p.missing {
		p.emit(Event{Kind: HostUnreachable, Op: Op{Host: host}})
	}
	p.goOn()
}

func (p *player) goOn() {
	for range 2000 {
		p.settle()
		switch {
		case p.err != nil:
			return
		case p.state.Finished() != nil:
			if !p.thenLine() {
				return
			}
		case len(p.open) > 0:
			p.endOne()
		default:
			if p.now = p.state.Wake(); p.now.IsZero() {
				p.err = fmt.Errorf("nothing is proposed, nothing runs, and no time is waited for")
				return
			}
		}
	}
	p.err = fmt.Errorf("the run does not end")
}

// settle carries out what is proposed; each event may be the occasion of a stop.
func (p *player) settle() {
	for range 2000 {
		list := p.state.Next(p.now)
		if len(list) == 0 || p.err != nil {
			return
		}
		for _, proposal := range list {
			if p.err == nil && p.state.Stands(proposal) {
				p.carryOut(proposal)
			}
		}
	}
	p.err = fmt.Errorf("Next never becomes quiet")
}

func (p *player) carryOut(proposal Proposal) {
	step := p.world.plan.StepOf(proposal.Index)
	switch proposal.Kind {
	case Fact:
		e := proposal.Event
		if e.Kind == WaveFinished {
			for _, r := range p.world.plan.Rollouts {
				if r.Block == e.Step && e.Wave < len(r.Waves) && r.Soak > 0 {
					e.NotBefore = p.now.Add(r.Soak)
				}
			}
		}
		p.happens(e)
	case Decide:
		e := Event{Kind: OpDecided, Op: proposal.Op}
		if !p.givesUp[proposal.Op.String()] {
			e.NotBefore = p.now.Add(time.Second)
		}
		p.happens(e)
	case Ask:
		p.answer(proposal)
	case Start:
		if proposal.Act != Undo && p.state.LeftOut(proposal.Index) && p.state.See(proposal.Index).Status == StatusPending {
			p.happens(Event{Kind: OpSkipped, Op: proposal.Op})
			return
		}
		if proposal.Act != Undo && step.HasIf && p.skipped[proposal.Op.String()] && p.state.See(proposal.Index).Status == StatusPending {
			p.happens(Event{Kind: OpSkipped, Op: proposal.Op})
			return
		}
		p.happens(Event{Kind: AttemptStarted, Op: proposal.Op, Act: proposal.Act, Number: proposal.Number})
	}
}

// answer lets a person answer at once.
func (p *player) answer(proposal Proposal) {
	e := Event{Kind: PersonAsked, Op: proposal.Op, Wave: proposal.Event.Wave}
	p.happens(e)
	name, answer := proposal.Op.Step, "yes"
	if proposal.Op.Host != "" {
		name, answer = proposal.Op.String(), "stop"
	}
	given := 0
	for _, past := range p.events {
		if past.Kind == PersonAnswered && past.Op == proposal.Op && past.Wave == proposal.Event.Wave {
			given++
		}
	}
	if list := p.answers[name]; given < len(list) {
		answer = list[given]
	}
	if p.state.Stopping() != "" {
		return
	}
	e.Kind, e.Answer = PersonAnswered, Answer(answer)
	p.happens(e)
	if e.Answer == No {
		p.happens(Event{Kind: RunStopping, Stop: StopRefused})
	}
}

// happens applies an event, and what the script says happens then.
func (p *player) happens(e Event) {
	p.emit(e)
	if e.Kind == AttemptStarted {
		i, err := p.state.Find(e.Op)
		if err != nil {
			p.err = err
			return
		}
		p.open = append(p.open, Open{Index: i, Op: e.Op, Act: e.Act, Number: e.Number})
	}
	p.occasions(p.told(len(p.events) - 1))
}

func (p *player) occasions(line string) {
	for i, o := range p.at {
		if o.line != line || o.stop == "" {
			continue
		}
		p.at[i].stop = ""
		if o.stop == "crash" {
			p.crash()
			continue
		}
		p.happens(Event{Kind: RunStopping, Stop: StopKind(o.stop)})
	}
}

// crash throws the State away and folds the events anew, as resume does.
func (p *player) crash() {
	if p.err = p.replay(); p.err == nil {
		p.happens(Event{Kind: RunResumed})
	}
}

func (p *player) thenLine() bool {
	done := 0
	for _, e := range p.events {
		if e.Reason == afterScript && e.Kind != RollbackStarted {
			done++
		}
	}
	if done >= len(p.then) {
		return false
	}
	words := strings.Fields(p.then[done])
	e := Event{Kind: RunResumed, Reason: afterScript}
	switch {
	case words[0] == "resume":
	case words[0] == "retry":
		e.Again = true
	case words[0] == "rollback" && words[1] == "run":
		e.Scope = "run"
	case words[0] == "rollback":
		e.Scope, e.Hosts = "hosts", words[1:]
	default:
		host, step, _ := strings.Cut(words[0], "/")
		e = Event{Kind: OpResolved, Op: Op{Step: step, Host: host}, Outcome: Outcome(words[2]), Reason: afterScript}
	}
	p.happens(e)
	return true
}

// endOne lets the attempt that was started first end; slow ones wait for all others.
func (p *player) endOne() {
	next := slices.IndexFunc(p.open, func(o Open) bool {
		return !slices.Contains(p.slow, o.Op.Host) && !slices.Contains(p.slow, o.Op.String())
	})
	next = max(next, 0)
	o := p.open[next]
	p.open = slices.Delete(p.open, next, next+1)
	p.happens(p.ending(o))
}

// ending gives how an attempt ends, the same however often it is asked.
func (p *player) ending(o Open) Event {
	e := Event{Kind: AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number, Outcome: OK}
	step := p.world.plan.StepOf(o.Index)
	if words := p.outcomes[o.Op.String()+" "+string(o.Act)]; o.Number <= len(words) {
		word := words[o.Number-1]
		switch {
		case word == "yes" || word == "no":
			e.Answer = Answer(word)
		case word == "never_ran":
			e.Outcome, e.Class = Unreachable, NeverRan
		default:
			e.Outcome = Outcome(strings.TrimSuffix(word, "+"))
			e.Effects = strings.HasSuffix(word, "+") || word == "changed" || word == "unknown"
		}
		return e
	}
	switch {
	case o.Act == Check:
		if e.Answer = No; p.state.ops[o.Index].rechecked {
			e.Answer = Yes
		}
	case o.Act == Do && !step.Read:
		e.Outcome, e.Effects = Changed, true
	}
	return e
}
