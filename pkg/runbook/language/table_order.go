package language

const stepText = "An entry of `steps`. It says what it does by exactly one [action](#actions), or only asks with `confirm`. An entry whose " +
	"action is `steps` is a block: it holds steps of its own, which inherit what it says."

var identityKeys = []Key{
	{
		Name: "id", On: entry, Type: matching(idPattern, "an id is a lowercase letter, then lowercase letters, digits and _"), Default: "made of `name`, or of the action and its place: `run_3`",
		Text: "Names the step for `needs`, for `steps.ID` in expressions and on the command line. It is unique in its block; the full id of a nested " +
			"step is `block/step`. No step can be called `finally`.",
		Example: runs("- id: ask\n  effect: read\n  run: uname -s\n- run: echo this is ${{ steps.ask.stdout }}"),
		See:     []string{"step.name", "needs"},
	},
	{
		Name: "name", On: entry, Type: plain, Default: "the id",
		Text:    "The title that people are shown. Without an `id`, the id is made of it: `Drain the LB` is `drain_the_lb`.",
		Example: runs("- name: Look at the kernel\n  effect: read\n  run: uname -r"),
		See:     []string{"id", "why"},
	},
	{
		Name: "why", On: entry, Type: plain,
		Text:    "Says in a plain sentence why the step is there. For people, and for reports that are read by those who do not read scripts.",
		Example: runs("- run: 'true'\n  why: The load balancer needs a moment to forget the host."),
		See:     []string{"step.name"},
	},
	{
		Name: "tags", On: entry, Type: many(plain),
		Text:    "Words to pick steps by, with `--tags` and `--skip-tags`. A tag of a block is one of all its steps.",
		Example: runs("- run: 'true'\n  tags: [config, slow]"),
		See:     []string{"runbook.tags"},
	},
}

const orderText = "Steps run in the order written. Between steps of the same set of hosts the order holds host by host: a fast host does " +
	"not wait for a slow one. Between targets that differ, and at the edges of a rollout, a step waits for all hosts. An op " +
	"that was skipped counts as done; one that failed blocks what follows on its host."

var orderKeys = []Key{
	{
		Name: "hosts", On: shared, Type: many(text), Default: "those of the block; at the top, this machine",
		Text: "The target, as a [pattern](patterns.md) over the inventory; a list means or. It may use what is known before the " +
			"run: params, vars, `env`; a value in it stands for one host or group name. A pattern that matches no host is an error. " +
			"Inside a rollout the target is cut down to the hosts of the wave.",
		Example: fleet("- run: uptime\n  hosts: web[0]\n- run: uptime\n  hosts: ['web:!web3', db]"),
		See:     []string{"allow_empty", "once", "delegate", "max_parallel"},
	},
	{
		Name: "allow_empty", On: shared, Type: boolean, Default: "false",
		Text:    "Lets a pattern match no host. The step is then skipped, and counts as done for what follows.",
		Example: fleet("- run: uptime\n  hosts: 'web:!web*'\n  allow_empty: true"),
		See:     []string{"hosts"},
	},
	{
		Name: "needs", On: entry, Type: many(plain), Default: "all steps written before it in its block",
		Text: "The ids of the steps of the same block that this one waits for, and for those alone. It may then run beside the others. `[]` waits " +
			"for none. A loop is an error that prints it.",
		Example: runs("- {id: fetch, run: 'true'}\n- {id: scan, run: 'true', needs: [fetch]}\n- {id: index, run: 'true', needs: [fetch]}   # beside scan"),
		See:     []string{"parallel", "barrier"},
	},
	{
		Name: "parallel", On: shared, Type: boolean, Default: "false",
		Text:    "Starts all steps of the block side by side, but for those that say `needs`. Beside `foreach`, also on a single step, it lets the items run side by side.",
		Example: runs("- parallel: true\n  steps:\n    - run: echo one\n    - run: echo two"),
		See:     []string{"needs", "foreach"},
	},
	{
		Name: "barrier", On: entry, Type: boolean, Default: "false",
		Text:    "Waits for all hosts to be through what comes before, where the order would hold host by host. So nobody begins before everybody is ready.",
		Example: fleet("- {id: stop, run: 'true'}\n- {id: migrate, run: 'true', barrier: true}"),
		See:     []string{"needs", "hosts"},
	},
	{
		Name: "once", On: Single, Type: boolean, Default: "false",
		Text: "Runs the step on the first host of its target only, once per run. In a rollout that is in the first wave, not in each; with `foreach` " +
			"once for each item. If that host is out of reach the next one is taken.",
		Example: fleet("- run: echo migrate the database\n  once: true"),
		See:     []string{"hosts", "delegate"},
	},
	{
		Name: "delegate", On: shared, Type: text,
		Text: "Where the step runs, in place of its hosts: `local`, or the name of a host. It runs there once for each host of the " +
			"target, and `host` is that of the target. On a block it holds for all its steps. For order, rollout and rollback it belongs to the target.",
		Example: fleet("- run: echo drain ${{ host.name }}\n  delegate: local"),
		See:     []string{"hosts", "once"},
	},
	{
		Name: "foreach", On: entry, Type: either(list(anything), value),
		Text: "Makes one step, or one block, of each item, in order. The value is a list, or a `${{ }}` that gives one and is known before the run. " +
			"`item` is the item, and the ids are `step[a]`. What a host prints cannot be looped over here; do that in the script.",
		Example: runs("- id: greet\n  foreach: [anna, bert]\n  run: echo hello ${{ item }}"),
		See:     []string{"parallel", "runbook.params"},
	},
	{
		Name: "max_parallel", On: shared, Type: number(1, 0), Default: "no limit but `--forks`",
		Text:    "How many hosts may be in the step, or in the block, at the same time. Unlike a rollout it has no waves: when one host is through, the next begins.",
		Example: fleet("- run: echo restart\n  max_parallel: 2"),
		See:     []string{"rollout"},
	},
	{
		Name: "lock", On: shared, Type: either(text, inner("lock")), Default: "no lock",
		Text: "Two runs that hold the same lock never overlap, whatever their runbooks. Without it, runs of the same runbook on the same host " +
			"exclude each other. All locks are taken before the run begins, and held to its end. A run that finds the lock taken ends with exit code 7, or waits with `--on-locked wait`.",
		Example: runsWhole("name: deploy\nlock: app-deploy\nsteps: [{run: 'true'}]"),
		See:     []string{"runbook.name"},
	},
	{
		Name: "rollout", On: Top | Block, Type: either(size(1), list(size(1)), inner("rollout")),
		Text: "Lets the hosts of the block through in waves, so that a mistake does not hit all of them. A size or a list alone is short for " +
			"`waves`. The wave after begins when every host of the one before has ended. A rollout cannot stand inside a rollout. See [the guide](../guide/rollouts.md).",
		Example: fleet("- rollout: 25%\n  steps:\n    - run: echo restart"),
		See:     []string{"rollout.waves", "max_parallel"},
	},
}

const whetherText = "These are asked on the host, or about it, before the step is done there. None of them changes anything, and but for `confirm` they are asked in dry runs too."

var whetherKeys = []Key{
	{
		Name: "if", On: shared, Type: expression,
		Text: "An expression; where it is false the step is skipped on that host, and counts as done. On a block it is asked once a host, on entry. " +
			"One that begins with `!` or `\"` is quoted as a whole, or says `not`.",
		Example: runs("- {id: ask, effect: read, run: uname -s}\n- if: steps.ask.stdout == \"Linux\"\n  run: echo on Linux"),
		See:     []string{"check"},
	},
	{
		Name: "check", On: shared, Type: command,
		Text: "A command that succeeds where it is already so, and nothing is to be done. After the step ran it is asked again: if it still says no, " +
			"the step failed. Exit codes 126 and 127, a signal and a timeout are failures, not a no. It runs where and as the step does.",
		Example: runs("- check: test -d /tmp\n  run: mkdir /tmp"),
		See:     []string{"if", "changed_if"},
	},
	{
		Name: "confirm", On: shared, Type: text,
		Text: "A question that a person answers before the step, or the block, starts. It is asked once, in a rollout once for each wave, and lists the hosts. " +
			"No stops the run with exit code 6, skip leaves the step out, and `--yes` answers it. A step may also do nothing but ask.",
		Example: fleet("- confirm: Take ${{ version }} to production?\n- run: echo deploy"),
		See:     []string{"manual", "effect", "rollout.gate"},
	},
}
