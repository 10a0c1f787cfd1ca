package language

const topText = "A runbook is one YAML 1.2 document: `yes`, `no`, `on`, `off` are text; duplicate and unknown keys are errors. It is at " +
	"most 1 MiB, and has at most 10 000 steps. The smallest one is a name and a step; it runs on this machine.\n\n" +
	"A runbook is also a block: it may say what every block may, and its steps inherit that. Those keys are told below, in " +
	"[Order and target](#order-and-target), [Whether](#whether), [How](#how) and [Undo and failure](#undo-and-failure)."

var topKeys = []Key{
	{
		Name: "name", On: Top, Type: plain, Required: true,
		Text: "Names the runbook. It stands in the history, in locks and in summaries, so change it seldom: runs of the " +
			"same name on the same host exclude each other.",
		Example: runsWhole("name: uptime\nsteps: [{run: uptime}]"),
		See:     []string{"runbook.description", "runbook.lock"},
	},
	{
		Name: "description", On: Top, Type: plain,
		Text:    "Says what the runbook is for, in a sentence or a few. For people; nothing depends on it.",
		Example: runsWhole("name: disk-usage\ndescription: See how full the disks are.\nsteps: [{run: df -h, effect: read}]"),
		See:     []string{"runbook.owner", "runbook.docs", "why"},
	},
	{
		Name: "owner", On: Top, Type: plain,
		Text:    "Says whom to ask about the runbook. For people.",
		Example: runsWhole("name: disk-usage\nowner: platform@example.com\nsteps: [{run: df -h, effect: read}]"),
	},
	{
		Name: "docs", On: Top, Type: plain,
		Text:    "A link to what there is to read about the runbook. For people.",
		Example: runsWhole("name: disk-usage\ndocs: https://wiki.example.com/disks\nsteps: [{run: df -h, effect: read}]"),
	},
	{
		Name: "tags", On: Top, Type: many(plain),
		Text:    "Words to group runbooks by. For people; steps are picked by tags of their own.",
		Example: runsWhole("name: disk-usage\ntags: [storage, daily]\nsteps: [{run: df -h, effect: read}]"),
		See:     []string{"step.tags"},
	},
	{
		Name: "params", On: Top, Type: mapOf(either(inner("param"), nothing)),
		Text: "The inputs of a run, by name, each with a type and limits. They are checked before anything is connected, all " +
			"of them at once; expressions use them by their bare name. They are given with `-p NAME=VALUE`, with " +
			"`-P FILE.yaml`, as `OPSCTL_PARAM_NAME`, or at a terminal asked for. Params and vars share one set of names.",
		Example: runsWhole("name: greet\nparams:\n  who: {default: world, help: whom to greet}\n  times: {type: int, default: 1, min: 1, max: 10}\n" +
			"steps:\n  - run: for i in $(seq ${{ times }}); do echo hello ${{ who }}; done"),
		See: []string{"param.type", "param.default", "runbook.vars"},
	},
	{
		Name: "secrets", On: Top, Type: mapOf(inner("secret")),
		Text: "Values that are never shown, by name, each with the source it is fetched from. Expressions use them as " +
			"`secrets.NAME`. A secret is fetched when it is first needed, held for the run, and masked in every output; the " +
			"journal keeps only a keyed digest, to notice that it changed. A source that uses `host` gives one value for each host.",
		Example: whole("name: backup\nsecrets:\n  password: {env: BACKUP_PASSWORD}\nsteps:\n  - run: pg_dump app > app.sql\n" +
			"    env: {PGPASSWORD: \"${{ secrets.password }}\"}"),
		See: []string{"secret.env", "param.secret", "sensitive"},
	},
	{
		Name: "vars", On: Top, Type: mapOf(anything),
		Text: "Values computed once, from params, other vars, `env`, `run` and `runbook`. They may use each other in any order; a " +
			"loop is an error that prints it. A text that is exactly one `${{ }}` keeps the type of its value, and " +
			"expressions also stand inside lists and maps.",
		Example: runsWhole("name: paths\nparams: {version: {default: v1.4.2}}\nvars:\n  release: /srv/app/releases/${{ version }}\n" +
			"  number: ${{ trimPrefix(version, \"v\") }}\nsteps:\n  - run: echo ${{ number }} goes to ${{ release }}"),
		See: []string{"runbook.params"},
	},
	{
		Name: "outputs", On: Top, Type: mapOf(expression),
		Text: "What the run gives to whoever started it. The expressions are evaluated after all steps of a run that succeeded, " +
			"and printed on standard output as `NAME=VALUE`; with `--output json` they stand in the last event. For a step " +
			"that ran on several hosts say of which: `steps.x.on[\"web1\"].stdout`, or `steps.x.hosts`.",
		Example: runsWhole("name: kernel\nsteps:\n  - {id: ask, effect: read, run: uname -r}\noutputs:\n  version: steps.ask.stdout"),
		See:     []string{"step.outputs"},
	},
	{
		Name: "deadline", On: Top, Type: duration, Default: "no limit",
		Text: "How long the whole run may take. Then nothing new starts, what runs is ended, and the exit code is 124. Undo and " +
			"`finally` have limits of their own, and a run that is resumed has what was left.",
		Example: runsWhole("name: nightly\ndeadline: 2h\nsteps: [{run: 'true'}]"),
		See:     []string{"timeout", "kill_after"},
	},
	{
		Name: "notify", On: Top, Type: many(either(text, inner("notice"))),
		Text: "Whom to tell how the run ended: targets that `opsctl.yaml` names. A name alone is told always, in a sentence of opsctl's own. It is told when the run is over, " +
			"also after an interrupt, a resume and a rollback, never in a dry run. One that cannot be told is a warning, and changes no exit code. That of an included runbook " +
			"is ignored.",
		Example: whole("name: nightly\nnotify:\n  - ops\n  - {to: chat, on: failure, message: \"${{ runbook.name }} ${{ run.outcome }}: ${{ run.failed }}\"}\nsteps: [{run: 'true'}]"),
		See:     []string{"notice.on", "step.notify"},
	},
}

const paramText = "An entry of `params`. One that says nothing, `name: {}`, is a required text.\n\n" +
	"Names are letters, digits and `_`. Taken are `host` `hosts` `steps` `result` `saved` `secrets` `item` `run` `runbook` `env` " +
	"`raw` and the words of expressions."

var paramKeys = []Key{
	{
		Name: "type", Type: word("string", "int", "float", "bool", "duration", "list", "map", "host"), Default: "string",
		Text: "What sort of value the param takes. On a command line a list is `a,b` or YAML, and a map is YAML; a `host` is a " +
			"text that names a host.",
		Example: runsWhole("name: types\nparams:\n  replicas: {type: int, default: 3}\n  ratio: {type: float, default: 0.5}\n  force: {type: bool, default: false}\n" +
			"  pause: {type: duration, default: 30s}\n  disks: {type: list, default: [sda, sdb]}\n  labels: {type: map, default: {tier: web}}\n" +
			"steps: [{run: 'echo ${{ replicas }} ${{ disks }} ${{ labels.tier }}'}]"),
		See: []string{"param.min", "param.enum"},
	},
	{
		Name: "default", Type: anything,
		Text:    "The value where none is given. Without a default the param is required. It is held against the other keys of the param when the runbook is loaded.",
		Example: runsWhole("name: defaults\nparams:\n  version: {default: latest}\nsteps: [{run: 'echo ${{ version }}'}]"),
	},
	{
		Name: "enum", Type: many(anything),
		Text:    "The values that are allowed. Any other is refused before the run.",
		Example: runsWhole("name: colours\nparams:\n  tier: {enum: [blue, green], default: blue}\nsteps: [{run: 'echo ${{ tier }}'}]"),
		See:     []string{"param.pattern"},
	},
	{
		Name: "pattern", Type: plain,
		Text: "A regular expression (RE2) that the text must match somewhere. Anchor it with `^` and `$` to speak of the whole text, and put it in " +
			"single quotes, in which a backslash is a backslash.",
		Example: runsWhole("name: versions\nparams:\n  version: {pattern: '^v\\d+\\.\\d+\\.\\d+$', default: v1.4.2}\nsteps: [{run: 'echo ${{ version }}'}]"),
		See:     []string{"param.enum"},
	},
	{
		Name: "min", Type: either(Type{Kind: Number}, duration),
		Text:    "The least value of a number or duration, or the least length of a text or list. It holds for the default too.",
		Example: runsWhole("name: limits\nparams:\n  keep: {type: int, min: 1, default: 3}\nsteps: [{run: 'echo ${{ keep }}'}]"),
		See:     []string{"param.max"},
	},
	{
		Name: "max", Type: either(Type{Kind: Number}, duration),
		Text:    "The greatest value of a number or duration, or the greatest length of a text or list. It holds for the default too.",
		Example: runsWhole("name: limits\nparams:\n  pause: {type: duration, max: 5m, default: 30s}\nsteps: [{run: 'echo ${{ pause }}'}]"),
		See:     []string{"param.min"},
	},
	{
		Name: "help", Type: plain,
		Text:    "Says what to give. It is shown when the param is asked for, missing or wrong.",
		Example: whole("name: install\nparams:\n  version: {help: \"release to install, e.g. v1.4.2\"}\nsteps: [{run: 'echo ${{ version }}'}]"),
	},
	{
		Name: "secret", Type: boolean, Default: "false",
		Text: "Shows the value as `***` everywhere, and keeps only a digest of it in the journal. So it is asked for again by " +
			"`resume` and `rollback`.",
		Example: runsWhole("name: login\nparams:\n  token: {secret: true, default: none}\nsteps:\n  - run: test -n \"$TOKEN\"\n    env: {TOKEN: \"${{ token }}\"}"),
		See:     []string{"runbook.secrets", "sensitive"},
	},
}

const secretText = "An entry of `secrets`: exactly one source. Sources may use params, and `host`. A secret is at most 64 KiB, and not empty; it is " +
	"fetched once for a run, however many steps and hosts use it. More is told in [secrets](secrets.md)."

// What the schema says where these names are not right.
var (
	variableName = Type{Kind: Plain, Pattern: namePattern, Hint: "the name of a variable is letters, digits and _", Name: "name of a variable"}
	keyPath      = Type{Kind: Plain, Pattern: keyPattern, Hint: "a path of names such as db.password", Name: "path of names"}
)

var secretSources = []string{"env", "file", "command", "age", "sops", "prompt"}

var secretKeys = []Key{
	{
		Name: "env", Type: variableName,
		Text:    "The name of a variable in the environment of opsctl. Unset and empty are errors, told when the secret is needed.",
		Example: whole("name: env\nsecrets: {token: {env: DEPLOY_TOKEN}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
		See:     []string{"param.secret"},
	},
	{
		Name: "file", Type: text,
		Text:    "A file here, relative to the runbook, or `~/…`. Its content without newlines at the end is the secret. One that belongs to you and that others may read is refused, as `ssh` does with keys.",
		Example: whole("name: file\nsecrets: {token: {file: ~/.config/deploy/token}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
	},
	{
		Name: "command", Type: Type{Kind: List, Of: []Type{text}, Min: 1},
		Text: "A program here, as a list of words; no shell reads them. What it prints, without newlines at the end, is the " +
			"secret, so any password manager can be a source. It has a minute, and no terminal to ask at.",
		Example: whole("name: command\nsecrets: {token: {command: [pass, show, deploy/token]}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
	},
	{
		Name: "age", Type: text,
		Text:    "A file encrypted with age, relative to the runbook. With `key` it is YAML or JSON, and the secret is one value in it; without, it is the whole text. The program age is not needed.",
		Example: whole("name: age\nsecrets: {token: {age: secrets.yaml.age, key: deploy.token}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
		See:     []string{"secret.key"},
	},
	{
		Name: "sops", Type: text,
		Text:    "A file encrypted with sops, relative to the runbook. It is decrypted by the program `sops`, which has to be installed here.",
		Example: whole("name: sops\nsecrets: {token: {sops: secrets.yaml, key: deploy.token}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
		See:     []string{"secret.key"},
	},
	{
		Name: "key", Type: keyPath,
		Text:    "Which value of the decrypted file of `age` or `sops` is the secret. Keys of inner maps are joined by dots; in a list, a number counts from 0.",
		Example: whole("name: key\nsecrets: {token: {sops: secrets.yaml, key: deploy.token}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
	},
	{
		Name: "prompt", Type: text,
		Text:    "The question that a person at the terminal is asked. What is typed is not shown; without a terminal the secret cannot be had.",
		Example: whole("name: prompt\nsecrets: {token: {prompt: Token of the registry}}\nsteps: [{run: 'deploy', env: {TOKEN: \"${{ secrets.token }}\"}}]"),
	},
}
