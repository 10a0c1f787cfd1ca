package language

// innerObjects are the maps that stand in place of a value, in the order of the keys they belong to.
var innerObjects = []Object{
	{
		Name: "rollout", Article: "rollout", Keys: rolloutKeys,
		Text: "How the hosts of a block are let through. Sizes are numbers of hosts, or percentages of the rollout's hosts, rounded down.",
	},
	{Name: "lock", Article: "lock", Keys: lockKeys, Text: "A lock, and where it is held."},
	{Name: "spread", Article: "spread", Keys: spreadKeys, Text: "Keeps hosts that belong together from being in one wave."},
	{Name: "stdin", Article: "stdin", Keys: stdinKeys, Text: "A file here whose content the command reads."},
	{Name: "retry", Article: "retry", Keys: retryKeys, Text: "How often and when a failure is tried again."},
	{
		Name: "rollback", Article: "rollback", Keys: rollbackKeys,
		Text: "A command that takes the step back, and what is different for it. What it does not say is that of the step.",
	},
	{Name: "on_failure", Article: "on_failure", Keys: failureKeys, Text: "What a failure leads to, and how much a rollback takes back."},
	{
		Name: "script", Article: "script", Keys: scriptKeys,
		Text: "The interpreter is the one that the first line of the file names, such as `#!/bin/sh`; the file need not be executable. All that may be said of " +
			"a `run` may be said of it. With `effect: read` it leaves nothing on the host. At most 1 MiB. A file made of params and vars alone is looked " +
			"for before anything starts.",
	},
	{
		Name: "copy", Article: "copy", Keys: copyKeys, OneOf: []string{"src", "content"},
		Text: "A file, or the content of a directory. Files are replaced in one step, and only what differs is sent. A `src` made of params " +
			"and vars alone is looked for before anything starts; `validate` does not look.",
	},
	{Name: "link", Article: "link", Keys: linkKeys, Text: "A symbolic link, switched in one step."},
	{
		Name: "line", Article: "line", Keys: lineKeys, AnyOf: []string{"line", "absent"},
		Text: "The file is read here and written whole, in one step, if it is still as it was read; if somebody changed it in between, the step " +
			"fails and nothing was done. Every other byte stays: line ends of Windows, a last line without an end, mode, owner and group. A " +
			"symbolic link stands for its target. At most 8 MiB.",
	},
	{
		Name: "service", Article: "service", Keys: serviceKeys, AnyOf: []string{"state", "enabled"},
		Text: "By systemd where the host was booted with it, else by its script in `/etc/init.d`. A unit whose file was changed is read again " +
			"first. When it fails, what the service manager says of it is part of the output. Its undo starts or stops the service again, and " +
			"enables or disables it, as it was before the step; each only where the step says a word about it.",
	},
	{
		Name: "fetch", Article: "fetch", Keys: fetchKeys,
		Text: "What is here already is not sent again; symbolic links and devices are left out, and said so. Only you may read what was fetched. It " +
			"prints the names of the files; a dry run lists what would be written. There is no undo: the files stay. At most 10 000 files and 2 GiB at once.",
	},
	{
		Name: "wait", Article: "wait", Keys: waitKeys, OneOf: []string{"tcp", "http", "file", "run", "pause"},
		OnlyWith: map[string][]string{"status": {"http"}, "body": {"http"}},
		Text: "Asks again and again until it is so, from the host's point of view: TCP and HTTP go through the SSH connection. With " +
			"`delegate: local` they go from here.",
	},
	{
		Name: "http", Article: "http", Keys: httpKeys,
		OnlyWith: map[string][]string{"body": {"method"}, "json": {"method"}},
		NotWith:  map[string][]string{"json": {"body"}},
		Text: "The body of the answer is the `stdout` of the step, at most 16 MiB, and its status stands on `stderr`. GET and HEAD are of effect `read`, " +
			"the others of effect `change`, unless `effect` says otherwise. A request of effect `change` is made at most once: where it may have been received and no " +
			"answer came, its outcome is unknown, and neither `retry` nor `resume` makes it again. A GET follows a redirect on the same host; no other is " +
			"followed. Certificates are verified by the roots of this machine, and those of `SSL_CERT_FILE`. No proxy is used. The limit is the `timeout` of the step.",
	},
	{
		Name: "assert", Article: "assert", Keys: assertKeys,
		Text: "Checks what is known. No host is asked: the expressions are evaluated here.",
	},
	{
		Name: "reboot", Article: "reboot", Keys: rebootKeys,
		Text: "By `systemctl reboot`, else `shutdown -r now`, else `reboot`. A host that did not go down within `timeout` failed; one that went down and does " +
			"not answer by then is unknown. This machine is not rebooted.",
	},
	{
		Name: "notify", Article: "notify", Keys: notifyKeys,
		Text: "The target is named under [`notify` in opsctl.yaml](configuration.md#notify). One that is not there is an error before any host is touched. A message is sent at most once: " +
			"where it may have been received and no answer came, its outcome is unknown, and neither `retry` nor `resume` sends it again. One that was refused failed, and fails the run. " +
			"It has 30 s, or the `timeout` of the step. It changes no host, so there is nothing to take back, and it is `ok`, never `changed`. A dry run shows it and sends nothing.",
	},
}

var rolloutKeys = []Key{
	{
		Name: "waves", Type: many(size(1)), Required: true,
		Text:    "The sizes of the waves, in order. The last is repeated until all hosts are through; a percentage is at least one host.",
		Example: fleet("- rollout: {waves: [1, 25%, 100%]}\n  steps:\n    - run: echo restart"),
	},
	{
		Name: "max_failures", Type: size(0), Default: "0",
		Text: "How many hosts may fail over all waves. The next one stops the rollout. A host that fails within the limit is taken back alone and left out " +
			"of everything later; a wave in which no host succeeded stops the rollout whatever the limit.",
		Example: fleet("- rollout: {waves: [1, 25%], max_failures: 5%}\n  steps:\n    - run: echo restart"),
		See:     []string{"rollout.max_unreachable"},
	},
	{
		Name: "max_unreachable", Type: size(0), Default: "counted as failures",
		Text:    "How many hosts may be out of reach. Without it, they count as failed.",
		Example: fleet("- rollout: {waves: 25%, max_unreachable: 2}\n  steps:\n    - run: echo restart"),
		See:     []string{"rollout.max_failures"},
	},
	{
		Name: "soak", Type: Type{Kind: Duration, Value: true}, Default: "0s",
		Text:    "How long to wait between two waves, for trouble to show. It may be made of params and vars.",
		Example: fleet("- rollout: {waves: [1, 100%], soak: 5m}\n  steps:\n    - run: echo restart"),
		See:     []string{"rollout.gate"},
	},
	{
		Name: "gate", Type: inner("step"),
		Text: "A step that must succeed after each wave, or the rollout stops. It runs once for each wave, on the controller unless it says `hosts`. A `confirm` " +
			"makes a person decide. It has no `id`, and takes neither `foreach`, `once`, `needs` nor `delegate`.",
		Example: fleet("- rollout:\n    waves: [1, 100%]\n    gate: {confirm: Does the canary look well?}\n  steps:\n    - run: echo restart"),
		See:     []string{"rollout.soak", "confirm"},
	},
	{
		Name: "spread", Type: inner("spread"),
		Text:    "Never has too many hosts of one kind in a wave, of one rack for example. Waves get smaller where that is needed.",
		Example: fleet("- rollout:\n    waves: 50%\n    spread: {by: host.vars.rack ?? \"none\", max: 1}\n  steps:\n    - run: echo restart"),
	},
}

var spreadKeys = []Key{
	{
		Name: "by", Type: expression, Required: true,
		Text:    "An expression over `host` that tells what it belongs to. Hosts for which it gives the same value belong together.",
		Example: fleet("- rollout:\n    waves: 50%\n    spread: {by: host.vars.rack ?? \"none\", max: 1}\n  steps:\n    - run: echo restart"),
	},
	{
		Name: "max", Type: number(1, 0), Default: "1",
		Text:    "How many hosts that belong together may be in one wave.",
		Example: fleet("- rollout:\n    waves: 50%\n    spread: {by: host.vars.rack ?? \"none\", max: 2}\n  steps:\n    - run: echo restart"),
	},
}

var lockKeys = []Key{
	{
		Name: "name", Type: text, Required: true,
		Text:    "The name of the lock. It may be made of params and vars.",
		Example: runs("- run: 'true'\n  lock: {name: \"deploy-${{ version }}\"}"),
		See:     []string{"lock.scope"},
	},
	{
		Name: "scope", Type: word("controller", "hosts"), Default: "controller",
		Text:    "Where the lock is held. On the controller it keeps out other runs that are started there.",
		Example: runs("- run: 'true'\n  lock: {name: app-deploy, scope: controller}"),
	},
}

var stdinKeys = []Key{
	{
		Name: "file", Type: text, Required: true,
		Text:    "A file here, relative to the runbook. It is sent as it is, byte for byte.",
		Example: steps("- run: mysql app\n  stdin: {file: sql/schema.sql}"),
		See:     []string{"script"},
	},
}

var retryKeys = []Key{
	{
		Name: "attempts", Type: number(1, 1000), Default: "1",
		Text:    "How many tries there are in all, the first included.",
		Example: runs("- run: 'true'\n  retry: {attempts: 5}"),
	},
	{
		Name: "delay", Type: duration, Default: "1s",
		Text:    "How long to wait before the second try. Delays vary by a tenth, so that hosts do not try in step.",
		Example: runs("- run: 'true'\n  retry: {attempts: 5, delay: 2s}"),
		See:     []string{"retry.backoff"},
	},
	{
		Name: "backoff", Type: Type{Kind: Number, Min: 1, Max: 100}, Default: "1",
		Text:    "The factor by which each further delay is longer. With a delay of 2s and a backoff of 2 the delays are 2s, 4s, 8s, and so on.",
		Example: runs("- run: 'true'\n  retry: {attempts: 5, delay: 2s, backoff: 2}"),
		See:     []string{"retry.max_delay"},
	},
	{
		Name: "max_delay", Type: duration, Default: "5m",
		Text:    "No delay is longer than this, whatever the backoff.",
		Example: runs("- run: 'true'\n  retry: {attempts: 9, delay: 2s, backoff: 2, max_delay: 1m}"),
		See:     []string{"retry.backoff"},
	},
	{
		Name: "if", Type: expression,
		Text:    "Tries again only where the expression is true. `result` is that of the failed attempt.",
		Example: runs("- run: 'true'\n  retry: {attempts: 5, if: result.exit_code == 7}"),
		See:     []string{"failed_if"},
	},
}

var rollbackKeys = []Key{
	{
		Name: "run", Type: command, Required: true,
		Text:    "The command that takes it back. It may use `saved` and, where `when` is `completed`, `result`.",
		Example: runs("- run: mkdir -p ~/.opsctl-example.d\n  rollback: {run: rmdir ~/.opsctl-example.d}"),
		See:     []string{"save"},
	},
	{
		Name: "when", Type: word("completed", "started"), Default: "completed",
		Text: "Which steps are taken back: those that completed, or all that started: also after a failure, a timeout or an unknown end. Say `started` only where the " +
			"command is safe on a step that is half done.",
		Example: runs("- run: mkdir -p ~/.opsctl-example.d\n  rollback: {run: rm -rf ~/.opsctl-example.d, when: started}"),
	},
	{
		Name: "timeout", Type: limit, Default: "that of the step",
		Text:    "How long one attempt to take it back may take.",
		Example: runs("- run: 'true'\n  rollback: {run: 'true', timeout: 10m}"),
		See:     []string{"step.timeout"},
	},
	{
		Name: "retry", Type: either(number(1, 1000), inner("retry")), Default: "1",
		Text:    "How often an undo that fails is tried. An undo that fails in the end stops the rollback of its host, so some patience pays.",
		Example: runs("- run: 'true'\n  rollback: {run: 'true', retry: {attempts: 3, delay: 5s}}"),
		See:     []string{"step.retry"},
	},
	{
		Name: "sudo", Type: text, Default: "that of the step",
		Text:    "As whom it is taken back, where that differs.",
		Example: steps("- run: touch /srv/app/new\n  rollback: {run: systemctl restart app, sudo: true}"),
		See:     []string{"step.sudo"},
	},
	{
		Name: "env", Type: environment, Default: "that of the step",
		Text:    "Environment variables, added to those of the step.",
		Example: runs("- run: 'true'\n  rollback: {run: 'echo \"$WHY\"', env: {WHY: rollback}}"),
		See:     []string{"step.env"},
	},
	{
		Name: "stdin", Type: either(text, inner("stdin")), Default: "no input",
		Text:    "What the command reads from its standard input. That of the step is not taken.",
		Example: runs("- run: 'true'\n  rollback: {run: cat, stdin: \"back from ${{ version }}\"}"),
		See:     []string{"step.stdin"},
	},
	{
		Name: "dir", Type: text, Default: "that of the step",
		Text:    "The directory on the host in which the command runs.",
		Example: runs("- run: 'true'\n  rollback: {run: pwd, dir: /tmp}"),
		See:     []string{"step.dir"},
	},
}

var failureKeys = []Key{
	{
		Name: "do", Type: word(failureWords...), Required: true,
		Text:    "What the failure leads to, in one word.",
		Example: runs("- run: 'true'\n  rollback: 'true'\n  on_failure: {do: rollback, scope: hosts}"),
		See:     []string{"step.on_failure"},
	},
	{
		Name: "scope", Type: word("run", "block", "wave", "hosts"), Default: "run",
		Text: "How much a rollback takes back: all of the run, the block that says it, the wave that failed, or only the hosts that failed. What is not taken back " +
			"stays as it is, and the run then ends with exit code 1.",
		Example: fleet("- on_failure: {do: rollback, scope: wave}\n  rollout: 25%\n  steps:\n    - {run: echo on, rollback: echo off}"),
	},
}
