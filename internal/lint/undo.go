package lint

import (
	"fmt"

	"github.com/opsctl/opsctl/pkg/runbook"
)

func undoRules() []Rule {
	return []Rule{
		{
			Name: "missing-rollback", Severity: Warning, Summary: "a change that says nothing of its rollback, where others do",
			Why:   "When the run is taken back, the step is left in place and listed as such, because nobody said what else to do. `rollback: none` says that it was thought of.",
			Bad:   "name: x\nsteps:\n  - id: one\n    run: useradd app\n    rollback: userdel app\n  - id: two\n    run: systemctl restart app\n",
			Good:  "name: x\nsteps:\n  - id: one\n    run: useradd app\n    rollback: userdel app\n  - id: two\n    run: systemctl restart app\n    rollback: none\n",
			check: missingRollback,
		},
		{
			Name: "rollback-reads-result", Severity: Warning, Summary: "a rollback made of what its own step printed",
			Why:   "What a rollback will run is kept before the step starts. One that needs the output of its own step is only complete after it, and if the connection is lost in between there is nothing to take the step back with. `save` reads what is needed before the change.",
			Bad:   "name: x\nsteps:\n  - id: two\n    run: mktemp -d\n    rollback: rmdir ${{ result.stdout }}\n",
			Good:  "name: x\nsteps:\n  - id: two\n    save: {version: cat /etc/app-version}\n    run: echo 2 >/etc/app-version\n    rollback: echo ${{ saved.version }} >/etc/app-version\n",
			check: rollbackReadsResult,
		},
		{
			Name: "fails-after-no-return", Severity: Warning, Summary: "a change after a point of no return that does not say what its failure leads to",
			Why:   "Once the point of no return is passed, a failure cannot be answered by going back. What comes after it should be tried again, be ignored, or be able to take itself back; else the hosts are left half way.",
			Bad:   "name: x\nsteps:\n  - id: drop\n    run: psql -f drop.sql\n    rollback: none\n    point_of_no_return: true\n  - id: switch\n    run: systemctl reload app\n    rollback: none\n",
			Good:  "name: x\nsteps:\n  - id: drop\n    run: psql -f drop.sql\n    rollback: none\n    point_of_no_return: true\n  - id: switch\n    run: systemctl reload app\n    rollback: none\n    retry: {attempts: 5, delay: 2s}\n",
			check: failsAfterNoReturn,
		},
		{
			Name: "once-not-taken-back", Severity: Warning, Summary: "a step with once whose rollback the scope leaves out",
			Why:   "A rollback of scope hosts or wave takes back the hosts that failed. What ran once was for all hosts, so it is left in place then: only scope run or block takes it back.",
			Bad:   "name: x\nhosts: web\nsteps:\n  - id: both\n    on_failure: {do: rollback, scope: hosts}\n    steps:\n      - id: migrate\n        once: true\n        run: bin/migrate up\n        rollback: bin/migrate down\n      - id: restart\n        run: bin/restart\n        rollback: bin/restart old\n",
			Good:  "name: x\nhosts: web\nsteps:\n  - id: both\n    on_failure: {do: rollback, scope: block}\n    steps:\n      - id: migrate\n        once: true\n        run: bin/migrate up\n        rollback: bin/migrate down\n      - id: restart\n        run: bin/restart\n        rollback: bin/restart old\n",
			check: onceNotTakenBack,
		},
	}
}

func missingRollback(p *pass) {
	declared := false
	p.rb.All(func(s *runbook.Step) { declared = declared || s.Rollback != nil && !s.Rollback.None })
	if !declared {
		return
	}
	reading := map[*runbook.Step]bool{} // another rule speaks of them
	for _, c := range p.scripts {
		reading[c.step] = reading[c.step] || c.onlyReads()
	}
	for _, s := range p.steps {
		if changes(s) && s.Rollback == nil && !s.HasUndo() && !s.Finally && !reading[s] {
			p.report(s, head(s), fmt.Sprintf("%s changes something and does not say how it is taken back", quote(s)), "rollback: COMMAND, save_files: [PATH], or rollback: none where there is nothing to take back")
		}
	}
}

func rollbackReadsResult(p *pass) {
	for _, c := range p.scripts {
		if c.role != "rollback" {
			continue
		}
		for _, at := range usesIn(c.node, func(name string) bool { return name == "result" }) {
			p.reportAt(c.step, at.node, at.offset, at.width, fmt.Sprintf("the rollback of %s needs what the step printed", quote(c.step)), "read it before the change: save: {x: COMMAND}, then saved.x")
		}
	}
}

func failsAfterNoReturn(p *pass) {
	for _, point := range p.steps {
		if !point.PointOfNoReturn {
			continue
		}
		for _, s := range p.steps {
			if changes(s) && !s.Finally && p.after(s, point) && !p.answersFailure(s) {
				p.report(s, head(s), fmt.Sprintf("%s may fail after %q, from where there is no way back", quote(s), point.Path), "say what its failure leads to: retry, on_failure, or a rollback of its own")
			}
		}
	}
}

// answersFailure tells whether a step, or a block around it, says what becomes of its failure.
func (p *pass) answersFailure(s *runbook.Step) bool {
	if s.HasUndo() {
		return true
	}
	for _, at := range p.around(s) {
		if at.OnFailure != nil || at.Retry != nil {
			return true
		}
	}
	return p.rb.Root.Retry != nil
}

func onceNotTakenBack(p *pass) {
	for _, s := range p.steps {
		if !s.Once || !s.HasUndo() {
			continue
		}
		policy := p.rb.Default
		for _, at := range p.around(s) {
			if at.OnFailure != nil {
				policy = *at.OnFailure
				break
			}
		}
		if policy.Do == "rollback" && (policy.Scope == "hosts" || policy.Scope == "wave") {
			p.report(s, key(s.Node, "once"), fmt.Sprintf("%s runs once for all hosts, and a rollback of scope %s leaves it in place", quote(s), policy.Scope), "scope: block or scope: run, or rollback: none here")
		}
	}
}
