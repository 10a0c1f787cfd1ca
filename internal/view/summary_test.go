package view

import (
	"testing"

	"github.com/opsctl/opsctl/pkg/run"
)

func TestSummaryGolden(t *testing.T) {
	tests := []struct {
		name, hosts, trace string
		ledger             Ledger
	}{
		{"rolled_back", "web[1:6]", rolledBack, Ledger{}},
		{"succeeded", "web[1:3]", `
1 attempt_finished web1 upload do changed
1 attempt_finished web2 upload do changed
1 attempt_finished web3 upload do ok
2 attempt_finished web1 migrate do changed
3 attempt_finished web1 switch/restart do failed exit=1
4 attempt_started web1 switch/restart do n=2
5 attempt_finished web1 switch/restart do changed n=2
6 attempt_finished web2 warm do failed exit=1 tail=cold
9 run_finished result=succeeded`, Ledger{}},
		{"nothing_to_do", "web[1:3]", "1 attempt_finished web1 upload do ok\n2 run_finished result=succeeded", Ledger{}},
		{"failed", "web[1:6]", `
1 attempt_finished web1 upload do changed
1 attempt_finished web2 upload do failed exit=1 class=disk-full message=no_space_left_on_device tail=cannot_write:_No_space_left_on_device effects=1
1 attempt_finished web3 upload do failed exit=1 class=disk-full message=no_space_left_on_device tail=cannot_write:_No_space_left_on_device effects=1
1 attempt_finished web4 upload do failed exit=1 class=disk-full message=no_space_left_on_device tail=cannot_write:_No_space_left_on_device effects=1
1 attempt_finished web6 upload do timed_out class=timeout
2 run_finished result=failed code=1`, Ledger{}},
		{"unreachable", "web[1:6]", `
1 host_unreachable web2 class=dns message=no_such_host_web2
1 host_unreachable web3 class=dns message=no_such_host_web3
1 host_unreachable web5 class=auth message=no_key_was_accepted
2 run_finished result=unreachable code=4`, Ledger{}},
		{"person_needed", "web[1:3]", `
1 attempt_finished web1 upload do changed
1 attempt_finished web2 upload do changed
1 attempt_finished web3 upload do unknown class=link message=the_connection_broke_and_the_host_does_not_answer effects=1
2 rollback_started scope=run reason=web3/upload_is_unknown
3 attempt_finished web1 upload undo failed exit=2 tail=rm:_cannot_remove
3 attempt_finished web2 upload undo unreachable class=timeout
4 run_finished result=person_needed code=5`, Ledger{}},
		{"asked_back", "web[1:3]", `
1 attempt_finished web1 upload do changed
2 run_finished result=succeeded
90 run_resumed scope=run
90 rollback_started scope=run
91 attempt_finished web1 upload undo changed
92 run_finished result=rolled_back`, Ledger{}},
		{"tolerated_host", "web[1:3]", `
1 attempt_finished web2 switch/restart do failed exit=1
1 host_left web2 switch reason=switch/restart_failed
2 rollback_started web2 switch scope=run reason=tolerated_failure
2 attempt_finished web2 switch/drain undo changed
3 run_finished result=failed code=1`, Ledger{}},
		{"stopped", "web[1:3]", `
1 attempt_finished web1 upload do changed
2 run_stopping stop=interrupt
3 run_finished result=stopped code=130`, Ledger{Left: []run.Op{{Host: "web1", Step: "upload"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := trace(t, tt.trace)
			b := NewBoard(testPlan(t, deploy, tt.hosts), testInfo)
			last := len(events) - 1
			for _, e := range events[:last] {
				b.Apply(e)
			}
			golden(t, "summary_"+tt.name, Summary(b, events[last], tt.ledger, Theme{Unicode: true}, 80))
		})
	}
}

func TestPreviewGolden(t *testing.T) {
	p := Preview{
		Title: "rolling-deploy on web[1-6], version=v1.4.2",
		Rows: []PreviewRow{
			{Step: "build", Hosts: []string{"local"}, Class: ClassRead},
			{Step: "upload", Hosts: []string{"web1"}, Class: ClassChange, Undo: "yes", Diff: "@@ -1 +1 @@\n-old\x1b[2J\n+new\n"},
			{Step: "upload", Hosts: []string{"web2", "web3", "web4"}, Class: ClassChange, Undo: "yes"},
			{Step: "upload", Hosts: []string{"web6"}, Class: ClassChange, Undo: "yes"},
			{Step: "upload", Hosts: []string{"web5"}, Class: ClassUnreachable, Reason: "connection refused"},
			{Step: "migrate", Hosts: []string{"web1"}, Class: ClassChange, Undo: "no"},
			{Step: "switch/link", Title: "link", Hosts: []string{"web1"}, Class: ClassNoChange, Wave: 1, Block: 1},
			{Step: "switch/restart", Title: "restart", Hosts: []string{"web1"}, Class: ClassUnknown, Reason: "needs the output of upload, which is not known before it was run", Undo: "started", Wave: 1, Block: 1},
			{Step: "switch/link", Title: "link", Hosts: []string{"web2", "web3"}, Class: ClassSkipped, Reason: "if is false", Wave: 2, Block: 1},
		},
		Notes: []string{"web5 was not asked"}, NotDurable: []string{"switch1", "switch2"},
	}
	golden(t, "preview_80", RenderPlan(p, 80, Theme{Unicode: true}))
	golden(t, "preview_40", RenderPlan(p, 40, Theme{}))
	back := Preview{Title: "rollback of 01JAB3CDEF", Rows: []PreviewRow{
		{Step: "migrate", Hosts: []string{"web1"}, Class: ClassNoUndo, Reason: "it declares no undo"},
		{Step: "upload", Hosts: []string{"web1", "web2"}, Class: ClassUndo},
	}}
	golden(t, "preview_rollback", RenderPlan(back, 80, Theme{}))
}
