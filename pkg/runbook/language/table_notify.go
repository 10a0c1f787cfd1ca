package language

const noticeText = "An entry of the `notify` of the runbook: when a target is told how a run ended, and what. A name alone is short for `{to: NAME}`."

var (
	notifyKeys = []Key{
		{
			Name: "to", Type: text, Required: true,
			Text:    "The name of a target. It may be made of params, vars and the `item` of a `foreach`.",
			Example: steps("- notify: {to: ops, message: \"${{ version }} is out\"}"),
			See:     []string{"notify.message"},
		},
		{
			Name: "message", Type: text, Required: true,
			Text: "What is told. Secrets in it are masked. It is plain text: no value in it becomes markup, or calls everybody in a channel. At most 4 KiB; what is " +
				"longer is cut.",
			Example: steps("- notify: {to: ops, message: \"${{ version }} goes out now, says ${{ run.user }}\"}"),
			See:     []string{"notify.to"},
		},
	}
	noticeKeys = []Key{
		{
			Name: "to", Type: text, Required: true,
			Text:    "The name of a target. It may be made of params and vars.",
			Example: whole("name: nightly\nnotify: {to: ops}\nsteps: [{run: 'true'}]"),
		},
		{
			Name: "on", Type: many(word("always", "success", "failure", "succeeded", "failed", "rolled_back", "unreachable", "person_needed", "stopped")), Default: "always",
			Text:    "After which outcomes. `failure` is every outcome but `succeeded`, which is also called `success`; the others are those of `run.outcome`.",
			Example: whole("name: nightly\nnotify: [{to: ops, on: [failed, person_needed]}]\nsteps: [{run: 'true'}]"),
		},
		{
			Name: "message", Type: text, Default: "a sentence",
			Text:    "What is told. It may use params, vars, and `run` with `run.outcome` and `run.failed`; no steps, hosts and secrets.",
			Example: whole("name: nightly\nnotify: [{to: ops, message: \"${{ runbook.name }}: ${{ run.outcome }}\"}]\nsteps: [{run: 'true'}]"),
			See:     []string{"notify.message"},
		},
	}
)
