package language

const howText = "Blocks and the runbook may say most of these too; steps inherit them, and the innermost word wins, `sudo: false` too. " +
	"They hold for `check`, `save` and undo as well."

var howKeys = []Key{
	{
		Name: "env", On: shared, Type: environment,
		Text: "Environment variables of the command. Those of the blocks around are added. Names that begin with `OPSCTL_` are taken. For a shell whose " +
			"quoting opsctl does not know, this is the way for values into the script.",
		Example: runs("- run: echo \"$GREETING\"\n  env: {GREETING: \"hello, ${{ version }}\"}"),
		See:     []string{"shell", "stdin"},
	},
	{
		Name: "dir", On: shared, Type: text, Default: "the home directory",
		Text:    "The directory on the host in which the command runs. It must exist.",
		Example: runs("- run: pwd\n  dir: /tmp"),
	},
	{
		Name: "shell", On: shared, Type: matching(shellPattern, "a shell is a program found in PATH: sh, bash, python3; or none"), Default: "sh",
		Text: "The shell that reads the scripts. `sh` is called with `set -eu`, `bash` also with `pipefail`: the first command that fails ends the script. " +
			"Any other program that reads a script from a file can stand here, such as `python3`; its values go by `env`. `none` is for network gear: the command is sent to the host as it stands, and what it says and its exit " +
			"status come back; a value in it must be a plain word, and `env`, `dir` and `sudo` cannot stand beside it.",
		Example: runs("- shell: sh\n  run: |\n    for word in one two; do\n      echo \"$word\"\n    done"),
		See:     []string{"env", "run"},
	},
	{
		Name: "sudo", On: shared, Type: text, Default: "false",
		Text: "Runs the command as another user: `true` is root, `false` takes back what a block said, anything else is the user's name. It is done by " +
			"`sudo`, and tried before anything starts; a password is asked for by `-K`.",
		Example: steps("- run: systemctl restart app\n  sudo: true\n- run: psql -c 'select 1'\n  sudo: postgres"),
	},
	{
		Name: "stdin", On: Single, Type: either(text, inner("stdin")), Default: "no input",
		Text:    "What the command reads from its standard input: a text, or a file here. `check` and `save` read it too. `assert`, `manual` and `confirm` read nothing.",
		Example: runs("- run: cat\n  stdin: |\n    release ${{ version }}"),
		See:     []string{"env", "copy"},
	},
	{
		Name: "timeout", On: shared, Type: limit, Default: "1h",
		Text: "How long one attempt may take; `none` is no limit. It is kept on the host, so it holds even where the connection is lost. Then the command is " +
			"told to end, and after `kill_after` it is killed. `wait` and `reboot` have limits of their own.",
		Example: runs("- run: sleep 0\n  timeout: 30s"),
		See:     []string{"kill_after", "retry", "runbook.deadline"},
	},
	{
		Name: "kill_after", On: shared, Type: duration, Default: "10s",
		Text:    "How long a command that is being ended has between TERM and KILL. Give it what a clean shutdown takes.",
		Example: runs("- run: sleep 0\n  timeout: 5m\n  kill_after: 30s"),
		See:     []string{"timeout"},
	},
	{
		Name: "retry", On: shared, Type: either(number(1, 1000), inner("retry")), Default: "1",
		Text: "How often a step that fails is tried. A number alone is short for `attempts`. Delays vary by a tenth. An attempt whose end is unknown is " +
			"never tried again: it may have done its work.",
		Example: runs("- run: 'true'\n  retry: 3"),
		See:     []string{"retry.attempts", "on_failure"},
	},
}

const resultText = "What the result of a step means, and what of it is kept for others."

var resultKeys = []Key{
	{
		Name: "outputs", On: Single, Type: mapOf(expression),
		Text:    "Values that later steps use as `steps.ID.outputs.NAME`. The expressions are evaluated on the controller when the step has ended well; `result` is its result.",
		Example: runs("- id: ask\n  effect: read\n  run: uname -sr\n  outputs: {kernel: 'split(result.stdout, \" \")[0]'}\n- run: echo ${{ steps.ask.outputs.kernel }}"),
		See:     []string{"runbook.outputs", "changed_if"},
	},
	{
		Name: "ok_codes", On: Single, Type: many(number(0, 255)), Default: "[0]",
		Text:    "The exit codes that are no failure. The list replaces the default, so name 0 too.",
		Example: runs("- run: grep -q nobody-here /etc/passwd\n  effect: read\n  ok_codes: [0, 1]"),
		See:     []string{"failed_if"},
	},
	{
		Name: "failed_if", On: Single, Type: expression,
		Text:    "An expression that decides, in place of the exit code, whether the attempt failed. `result` is its result.",
		Example: runs("- run: echo all is well\n  effect: read\n  failed_if: result.stdout contains \"ERROR\""),
		See:     []string{"ok_codes", "changed_if"},
	},
	{
		Name: "changed_if", On: Single, Type: expression, Default: "true",
		Text: "An expression that tells whether the step changed something. Where it is false the step ended well and is `ok`; a rollback " +
			"then has nothing to take back.",
		Example: runs("- run: echo 0 upgraded\n  changed_if: not (result.stdout startsWith \"0 \")"),
		See:     []string{"check", "effect"},
	},
	{
		Name: "sensitive", On: shared, Type: boolean, Default: "false",
		Text: "Keeps the output of the step out of screen, journal and reports. Later steps can still use it, but after a `resume` it is " +
			"gone, and what needs it is blocked.",
		Example: runs("- id: token\n  sensitive: true\n  effect: read\n  run: echo s3cret"),
		See:     []string{"runbook.secrets", "param.secret"},
	},
	{
		Name: "effect", On: Single, Type: word("read", "change", "destroy"), Default: "change",
		Text: "What the step does to its hosts. `read` changes nothing, so it also runs in a dry run and can be asked again without harm. `destroy` " +
			"cannot be made good: it asks first, or needs `--yes`. `wait` and `assert` are always `read`.",
		Example: runs("- run: df -h\n  effect: read"),
		See:     []string{"changed_if", "confirm"},
	},
}

const undoText = "When a run goes backwards, what was done is taken back in the reverse of the order in which it was done, host by host. " +
	"See [the guide](../guide/failure-and-rollback.md)."

var undoKeys = []Key{
	{
		Name: "save", On: Single, Type: mapOf(command),
		Text: "Commands whose output is read before the first attempt, and kept in the journal. It is `saved.NAME` in `run` and `rollback` of the step, without trailing " +
			"newlines. They run in dry runs too, so they must not change anything; if one fails, the step failed, unchanged.",
		Example: runs("- save: {before: cat ~/.opsctl-example 2>/dev/null || echo none}\n  run: echo ${{ version }} > ~/.opsctl-example\n" +
			"  rollback: echo ${{ saved.before }} > ~/.opsctl-example"),
		See: []string{"rollback", "save_files"},
	},
	{
		Name: "save_files", On: Single, Type: many(text),
		Text: "Files on the host that are kept before the step, and put back exactly by a rollback, also their absence. It is the undo of any step that edits " +
			"files; they are put back before `rollback` runs, if there is one.",
		Example: steps("- run: sed -i 's/^Port .*/Port 2222/' /etc/ssh/sshd_config\n  save_files: [/etc/ssh/sshd_config]\n  sudo: true"),
		See:     []string{"save", "rollback", "copy"},
	},
	{
		Name: "rollback", On: shared, Type: either(command, word("none"), inner("rollback")),
		Text: "How the step is taken back: a command, or a map. `none` says that there is nothing to take back, or nothing that could be. On a block it runs on each host " +
			"after the steps of the block were undone there. What it will run is sealed before the step starts. A step of effect `read` has none.",
		Example: runs("- run: mkdir -p ~/.opsctl-example.d\n  rollback: rmdir ~/.opsctl-example.d\n- run: logger deployed || true\n  rollback: none"),
		See:     []string{"rollback.when", "save", "on_failure", "point_of_no_return"},
	},
	{
		Name: "point_of_no_return", On: Single, Type: boolean, Default: "false",
		Text: "Once this step completed, nothing that came before it is taken back. That holds on its host, and everywhere if the step runs `once` or behind a barrier. What came " +
			"before is then listed as left in place.",
		Example: runs("- {run: 'true', rollback: 'true'}\n- {id: cut_over, run: 'true', point_of_no_return: true, rollback: none}"),
		See:     []string{"rollback", "on_failure"},
	},
	{
		Name: "on_failure", On: shared, Type: either(word(failureWords...), inner("on_failure")), Default: "`rollback` if any step has a rollback, else `stop`",
		Text: "What a failure leads to; the innermost word wins. `rollback`: nothing new starts, and what was done is taken back. `stop`: nothing new starts. " +
			"`continue`: only what follows on that host is blocked, and the run ends as failed. `ignore`: it counts as done for what follows. `ask`: a person at the terminal decides, also to try again; where nobody is, it is the default.",
		Example: runs("- run: 'true'\n  on_failure: continue"),
		See:     []string{"on_failure.do", "retry", "rollback", "finally"},
	},
	{
		Name: "finally", On: Top | Block, Type: stepList,
		Text: "Steps that run last, whatever happened, also after a rollback, on the hosts that were reached. They have 10 minutes in all, are never taken " +
			"back, and start no rollback. They know `run.outcome` and `run.failed`.",
		Example: runsWhole("name: tidy\nsteps: [{run: 'true'}]\nfinally:\n  - run: echo it ${{ run.outcome }}"),
		See:     []string{"on_failure"},
	},
}

var failureWords = []string{"rollback", "stop", "continue", "ignore", "ask"}
