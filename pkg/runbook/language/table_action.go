package language

const actionText = "A step has exactly one of these keys. What is common to all actions is told above; `sudo`, `check`, `timeout` and the other keys of a " +
	"step apply to them too."

// actionFacts tells what an action does by itself: its effect, whether it knows what there is to do, and its way back.
var actionFacts = []struct{ name, effect, check, undo string }{
	{"run", "as said", "", ""},
	{"script", "as said", "", ""},
	{"copy", "change", "yes", "yes"},
	{"link", "change", "yes", "yes"},
	{"line", "change", "yes", "yes"},
	{"service", "change", "yes, but for restart and reload", "the former state"},
	{"fetch", "read", "lists", ""},
	{"wait", "read", "", ""},
	{"http", "read for GET and HEAD, else change", "", ""},
	{"assert", "read", "evaluated", ""},
	{"manual", "as said", "", ""},
	{"notify", "tells, and changes no host", "", ""},
	{"reboot", "change", "", ""},
	{"runbook", "a block", "", ""},
	{"steps", "a block", "", ""},
}

var actionKeys = []Key{
	{
		Name: "run", On: Single, Type: command,
		Text: "A command: a script for the shell, or a list of words that no shell reads. Values in a script are quoted for the place where they stand, so none can become " +
			"code: see [shell values](shell-values.md). A script that is no list is checked for its syntax when the runbook is loaded. A plain text cannot hold `: ` or ` #`; " +
			"write it with `|`, or in quotes.",
		Example: runs("- run: uptime\n- run: [echo, 'release ${{ version }}']     # no shell\n- run: |\n    cd /tmp\n    ls | wc -l"),
		See:     []string{"shell", "script", "effect", "check"},
	},
	{
		Name: "script", On: Single, Type: inner("script"),
		Text:    "A script that is a file here, sent and run. For what is too long for `run`, or is used elsewhere too.",
		Example: steps("- script: {file: scripts/rotate.sh, args: [--keep, '7']}"),
		See:     []string{"run", "shell"},
	},
	{
		Name: "copy", On: Single, Type: inner("copy"),
		Text: "Puts a file, or the content of a directory, on the host. It is its own check: nothing is sent where nothing differs. It is its own undo: content, mode, owner, times " +
			"and absence come back exactly.",
		Example: steps("- copy: {src: dist/, dest: /srv/app, delete: true, exclude: [\"*.log\", cache/**]}\n- copy: {content: \"${{ version }}\\n\", dest: /etc/app/version, mode: 0644}"),
		See:     []string{"copy.src", "line", "fetch"},
	},
	{
		Name: "link", On: Single, Type: inner("link"),
		Text:    "Makes a symbolic link, or switches one in a single step, so that it is never missing. It knows its own undo.",
		Example: steps("- link: {path: /srv/app/current, to: \"/srv/app/releases/${{ version }}\"}"),
		See:     []string{"copy"},
	},
	{
		Name: "line", On: Single, Type: inner("line"),
		Text:    "Keeps one line of a file on the host as it should be, or takes lines out of it. It shows a diff, and knows its own undo. For more than a line, `copy` the file.",
		Example: steps("- line: {path: /etc/ssh/sshd_config, match: '^#?PermitRootLogin ', line: PermitRootLogin no}\n  sudo: true"),
		See:     []string{"copy", "save_files"},
	},
	{
		Name: "service", On: Single, Type: inner("service"),
		Text:    "Starts, stops, restarts or reloads a service, and says whether it starts at boot. It puts the former state back when it is undone; a restart cannot be.",
		Example: steps("- service: {name: nginx, state: restarted}\n  sudo: true"),
		See:     []string{"reboot"},
	},
	{
		Name: "fetch", On: Single, Type: inner("fetch"),
		Text:    "Brings a file or directory of each host here, below `dest/HOST/`. It changes nothing on the host.",
		Example: fleet("- fetch: {src: /var/log/app.log, dest: collected}"),
		See:     []string{"copy"},
	},
	{
		Name: "wait", On: Single, Type: inner("wait"),
		Text:    "Waits until a port answers, a file is there, or a command succeeds, or for some time. It fails when `timeout` is over.",
		Example: steps("- wait: {http: 'http://localhost:8080/health', status: 200, body: ok, every: 2s, stable: 3}"),
		See:     []string{"wait.tcp", "wait.timeout", "retry"},
	},
	{
		Name: "http", On: Single, Type: inner("http"),
		Text:    "Makes one request from the host's point of view, through the SSH connection; with `delegate: local`, from here. Use `wait` for asking until something answers.",
		Example: steps("- http: {url: 'https://api.example.com/deployments', method: POST, json: {version: \"${{ version }}\"}, status: 201}\n  delegate: local"),
		See:     []string{"wait", "fetch"},
	},
	{
		Name: "assert", On: Single, Type: inner("assert"),
		Text:    "Fails unless expressions are true. No host is asked, so it costs nothing; put it before the first change.",
		Example: runs("- assert: {that: version startsWith \"v\", message: \"${{ version }} is no release\"}"),
		See:     []string{"if", "param.pattern"},
	},
	{
		Name: "manual", On: Single, Type: text,
		Text:    "Something that a person does, and says that it is done. `--yes` never answers it. With a `check` it is verified afterwards.",
		Example: fleet("- manual: Move the network cable of ${{ host.name }} to the new switch.\n  check: ping -c1 gateway"),
		See:     []string{"confirm", "check"},
	},
	{
		Name: "notify", On: Single, Type: inner("notify"),
		Text: "Sends a message to a target that `opsctl.yaml` names: a chat, a webhook, a program. It is sent from here, once for each host of the step, so say " +
			"`hosts: local`, or `once: true`. Most useful in `finally`, where `run.outcome` and `run.failed` are known.",
		Example: whole("name: deploy\nhosts: web\nsteps: [{run: ./deploy}]\nfinally:\n  - hosts: local\n    notify: {to: ops, message: \"${{ runbook.name }}: ${{ run.outcome }}\"}"),
		See:     []string{"notify.to", "runbook.notify", "finally"},
	},
	{
		Name: "reboot", On: Single, Type: inner("reboot"),
		Text:    "Restarts the host, and waits until it answers again with another boot id.",
		Example: fleet("- reboot: {timeout: 15m}\n  sudo: true\n  max_parallel: 1"),
		See:     []string{"service", "wait"},
	},
	{
		Name: "runbook", On: Block, Type: plain,
		Text: "A block whose steps come from another runbook, relative to this one. It has its own params and vars; nothing of this runbook is seen in there but what `with` " +
			"gives. What lies outside the project is refused, and a loop prints its chain. Its `deadline` is ignored. The path is written out: it is read before any value is known.",
		Example: beside(backup, "- runbook: backup.yaml\n  with: {keep: 3}"),
		See:     []string{"with", "steps"},
	},
	{
		Name: "with", On: Block, Type: Type{Kind: Map, Of: []Type{anything}},
		Text:    "The params of the runbook that `runbook` includes. They are checked as those of a run are.",
		Example: beside(backup, "- runbook: backup.yaml\n  with: {keep: 3, label: \"before ${{ version }}\"}"),
		See:     []string{"step.runbook", "runbook.params"},
	},
	{
		Name: "steps", On: Top | Block, Type: stepList, Required: true,
		Text: "The steps of a block, or of the runbook: at least one. A block says once what holds for all its steps; `if`, `check` and `hosts` of a block are asked once a host, on entry. " +
			"Blocks stand in blocks.",
		Example: runs("- id: prepare\n  env: {LANG: C}\n  steps:\n    - run: date\n    - run: uptime"),
		See:     []string{"rollout", "parallel", "finally"},
	},
}

// backup is a runbook that others include.
const backup = "name: backup\nparams:\n  keep: {type: int, default: 7}\n  label: {default: nightly}\nsteps:\n  - run: echo keep ${{ keep }} of ${{ label }}"

var scriptKeys = []Key{
	{
		Name: "file", Type: text, Required: true,
		Text:    "The file here, relative to the runbook. Its first line says which program reads it.",
		Example: steps("- script: {file: scripts/rotate.sh}"),
	},
	{
		Name: "args", Type: many(text),
		Text:    "The words that the script is given, each exactly as it is. A text that is one `${{ }}` and gives a list is several words.",
		Example: steps("- script: {file: scripts/rotate.sh, args: [--keep, '7']}"),
	},
}

var copyKeys = []Key{
	{
		Name: "src", Type: text,
		Text:    "A file or directory here, relative to the runbook. Of a directory the content is copied, not the directory itself.",
		Example: steps("- copy: {src: conf/nginx.conf, dest: /etc/nginx/nginx.conf}"),
		See:     []string{"copy.content", "copy.template"},
	},
	{
		Name: "content", Type: text,
		Text:    "The text of the file itself, in place of `src`. End it with a newline.",
		Example: runs("- copy: {content: \"release ${{ version }}\\n\", dest: ~/.opsctl-example.txt}"),
		See:     []string{"copy.src"},
	},
	{
		Name: "dest", Type: text, Required: true,
		Text:    "Where it goes: an absolute path on the host, or `~/…`. With `/` at its end, a file goes into that directory.",
		Example: runs("- copy: {content: \"hello\\n\", dest: ~/.opsctl-example}"),
	},
	{
		Name: "mode", Type: octal, Default: "0755 if the owner may execute it here, else 0644",
		Text:    "The permission bits of the files, in octal as `chmod` has them. `0644` and `644` are the same.",
		Example: runs("- copy: {content: \"secret\\n\", dest: ~/.opsctl-example, mode: 0600}"),
		See:     []string{"copy.owner"},
	},
	{
		Name: "owner", Type: text, Default: "left as it is",
		Text:    "The user that the files belong to. It needs the right to give files away, so mostly `sudo`.",
		Example: steps("- copy: {content: \"a=1\\n\", dest: /etc/app.conf, owner: app, group: app}\n  sudo: true"),
		See:     []string{"copy.group", "sudo"},
	},
	{
		Name: "group", Type: text, Default: "left as it is",
		Text:    "The group that the files belong to.",
		Example: steps("- copy: {content: \"a=1\\n\", dest: /etc/app.conf, group: www-data, mode: 0640}\n  sudo: true"),
		See:     []string{"copy.owner"},
	},
	{
		Name: "template", Type: boolean, Default: "false",
		Text:    "Fills in `${{ }}` inside the files of `src`, as plain text. The files are checked before anything starts.",
		Example: steps("- copy: {src: app.conf.tmpl, dest: ~/app.conf, template: true}"),
	},
	{
		Name: "delete", Type: boolean, Default: "false",
		Text:    "Removes what is in `dest` and not in `src`. A rollback brings it back.",
		Example: steps("- copy: {src: dist/, dest: /srv/app, delete: true}"),
		See:     []string{"copy.exclude"},
	},
	{
		Name: "exclude", Type: many(plain),
		Text:    "Patterns of what is neither copied nor deleted: `*`, `?`, `**`. One without a slash matches at any depth.",
		Example: steps("- copy: {src: dist/, dest: /srv/app, exclude: [\"*.log\", cache/**]}"),
		See:     []string{"copy.delete"},
	},
}

var linkKeys = []Key{
	{
		Name: "path", Type: text, Required: true,
		Text:    "The link: an absolute path on the host, or `~/…`. What is there must be a symbolic link, or nothing.",
		Example: runs("- link: {path: ~/.opsctl-example-link, to: /tmp}"),
	},
	{
		Name: "to", Type: text, Required: true,
		Text:    "What the link points to, as it stands in the link. A relative one is relative to where the link is.",
		Example: steps("- link: {path: /srv/app/current, to: \"releases/${{ version }}\"}"),
	},
}

var assertKeys = []Key{
	{
		Name: "that", Type: many(expression), Required: true,
		Text:    "The expressions that must all be true.",
		Example: runs("- assert: {that: [version != \"\", run.user != \"\"]}"),
	},
	{
		Name: "message", Type: text, Default: "the expression",
		Text:    "What is shown when one is not true.",
		Example: runs("- assert: {that: version startsWith \"v\", message: \"${{ version }} is no release\"}"),
	},
}
