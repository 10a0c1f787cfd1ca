package language

// The keys of actions that deal with what a host has of its own.

var (
	address   = Type{Kind: Plain, Pattern: `^https?://|\$\{\{`, Hint: "a URL starts with http:// or https://", Name: "text"}
	lineMatch = Type{Kind: Plain, Pattern: `.`, Hint: "an empty pattern matches every line", Name: "text"}
)

var lineKeys = []Key{
	{
		Name: "path", Type: text, Required: true,
		Text:    "A file that is there: an absolute path on the host, or `~/…`. Where it is not there, `absent` has nothing to do.",
		Example: steps("- line: {path: /etc/hosts, line: 10.0.0.9 db1}"),
	},
	{
		Name: "match", Type: lineMatch,
		Text:    "A regular expression (RE2) that is looked for anywhere in a line. Without it, the line itself is looked for, whole. A value in it stands for itself: `${{ host.name }}` matches its dots as dots, and `raw(x)` is a pattern.",
		Example: steps("- line: {path: /etc/ssh/sshd_config, match: '^#?Port ', line: Port 2222}"),
		See:     []string{"line.line", "line.absent"},
	},
	{
		Name: "line", Type: text,
		Text:    "The line, without its end. It takes the place of the last line that matches; where none does, and it is not there already, it is appended.",
		Example: steps("- line: {path: /etc/hosts, line: 10.0.0.9 db1}"),
	},
	{
		Name: "absent", Type: boolean, Default: "false",
		Text:    "Takes out all lines that match. It goes with one of `match` and `line`.",
		Example: steps("- line: {path: /etc/hosts, match: ' db1$', absent: true}"),
		See:     []string{"line.match"},
	},
}

var serviceKeys = []Key{
	{
		Name: "name", Type: text, Required: true,
		Text:    "A unit, such as `nginx` or `backup.timer`, or an init script.",
		Example: steps("- service: {name: nginx, state: started}\n  sudo: true"),
	},
	{
		Name: "state", Type: word("started", "stopped", "restarted", "reloaded"),
		Text: "What it is to be; left out, it is left alone. `started` and `stopped` do nothing where it is so already; `restarted` and `reloaded` always do " +
			"something, and have no undo.",
		Example: steps("- service: {name: nginx, state: reloaded}\n  sudo: true"),
	},
	{
		Name: "enabled", Type: boolean,
		Text:    "Whether it starts when the host boots. What is started by others, a static unit, stays as it is.",
		Example: steps("- service: {name: nginx, state: started, enabled: true}\n  sudo: true"),
	},
}

var fetchKeys = []Key{
	{
		Name: "src", Type: text, Required: true,
		Text:    "A file on the host, or a directory whose regular files are meant: an absolute path, or `~/…`, and no symbolic link.",
		Example: fleet("- fetch: {src: /var/log/app.log, dest: collected}"),
	},
	{
		Name: "dest", Type: text, Required: true,
		Text:    "The directory here, relative to the runbook, below which each host gets a directory of its own: `dest/HOST/…`.",
		Example: fleet("- fetch: {src: /etc/app/, dest: \"collected/${{ run.date }}\"}"),
	},
}

var waitKeys = []Key{
	{
		Name: "tcp", Type: text,
		Text:    "Waits until `host:port` accepts a connection.",
		Example: steps("- wait: {tcp: 'localhost:5432', timeout: 1m}"),
	},
	{
		Name: "http", Type: text,
		Text:    "Waits until a GET of this URL answers with `status`. Redirects are not followed.",
		Example: steps("- wait: {http: 'http://localhost:8080/health'}"),
		See:     []string{"wait.status", "wait.body", "step.http"},
	},
	{
		Name: "file", Type: text,
		Text:    "Waits until this path exists on the host.",
		Example: runs("- wait: {file: /tmp, timeout: 10s}"),
	},
	{
		Name: "run", Type: command,
		Text:    "Waits until this command succeeds. It must not change anything.",
		Example: runs("- wait: {run: test -d /tmp, timeout: 10s}"),
	},
	{
		Name: "pause", Type: duration,
		Text:    "Waits for this time, whatever happens.",
		Example: runs("- wait: {pause: 10ms}"),
		See:     []string{"rollout.soak"},
	},
	{
		Name: "status", Type: number(100, 0), Default: "200",
		Text:    "The status that the answer to `http` must have.",
		Example: steps("- wait: {http: 'http://localhost:8080/', status: 301}"),
	},
	{
		Name: "body", Type: text,
		Text:    "A text that the answer to `http` must hold.",
		Example: steps("- wait: {http: 'http://localhost:8080/health', body: ok}"),
	},
	{
		Name: "every", Type: duration, Default: "1s",
		Text:    "How long to wait between two tries.",
		Example: runs("- wait: {file: /tmp, every: 100ms}"),
	},
	{
		Name: "stable", Type: number(1, 0), Default: "1",
		Text:    "How many times in a row it must be so. It tells what is up from what comes up and falls over.",
		Example: runs("- wait: {file: /tmp, every: 10ms, stable: 3}"),
	},
	{
		Name: "timeout", Type: limitValue, Default: "5m",
		Text:    "How long to wait in all; then the step has failed. It may be a `${{ }}` that gives a duration.",
		Example: runs("- wait: {file: /tmp, timeout: 10s}"),
		See:     []string{"step.timeout"},
	},
}

var httpKeys = []Key{
	{
		Name: "url", Type: address, Required: true,
		Text:    "Where the request goes. It starts with `http://` or `https://`.",
		Example: steps("- http: {url: 'http://localhost:8080/version'}"),
	},
	{
		Name: "method", Type: matching(`^[A-Z]+$`, "a method is in capital letters: GET, POST"), Default: "GET",
		Text:    "The method of the request, in capital letters. It is needed where there is a body.",
		Example: steps("- http: {url: 'http://localhost:8080/cache', method: DELETE}"),
	},
	{
		Name: "headers", Type: Type{Kind: Map, Of: []Type{text}, Pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},
		Text:    "Headers of the request.",
		Example: steps("- http: {url: 'http://localhost:8080/version', headers: {Accept: text/plain}}"),
	},
	{
		Name: "body", Type: text,
		Text:    "The body of the request, as it stands.",
		Example: steps("- http: {url: 'http://localhost:8080/note', method: POST, body: \"deployed ${{ version }}\"}"),
		See:     []string{"http.json"},
	},
	{
		Name: "json", Type: anything,
		Text:    "A value that is sent as JSON, with its `Content-Type`, in place of `body`. A text in it that is one `${{ }}` keeps its type.",
		Example: steps("- http: {url: 'http://localhost:8080/note', method: POST, json: {version: \"${{ version }}\", hosts: 3}}"),
		See:     []string{"http.body"},
	},
	{
		Name: "status", Type: many(number(100, 599)), Default: "200 to 299",
		Text:    "The statuses that are no failure. Name them all.",
		Example: steps("- http: {url: 'http://localhost:8080/cache', method: DELETE, status: [204, 404]}"),
	},
}

var rebootKeys = []Key{
	{
		Name: "timeout", Type: Type{Kind: Duration, Min: 1, Value: true}, Default: "10m",
		Text:    "How long it may take from the order until the host is up again. It may be a `${{ }}` that gives a duration.",
		Example: fleet("- reboot: {timeout: 15m}\n  sudo: true"),
	},
}
