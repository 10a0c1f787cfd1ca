package language

// InventorySchemaID is where the schema of inventories can be had.
const InventorySchemaID = "https://raw.githubusercontent.com/opsctl/opsctl/main/docs/schema/inventory.schema.json"

// The keys of an inventory in opsctl's own YAML; other sources have schemas of their own, or none.
var inventoryObjects = []Object{
	{Name: "inventory", Article: "an inventory", Text: "The hosts, the groups they are in, and their vars.", Keys: inventoryKeys},
	{Name: "host", Article: "a host", Text: "How a host is reached, and its vars. What is not said here is that of ssh_config.", Keys: hostKeys},
	{Name: "group", Article: "a group", Text: "A named set of hosts. The group `all` holds every host, and takes only vars and transport.", Keys: groupKeys},
}

// freeMap is a map whose names are checked by its reader.
func freeMap(of Type) Type { return Type{Kind: Map, Of: []Type{of}} }

func orNothing(t ...Type) Type { return Type{Kind: Either, Of: append(t, nothing)} }

var inventoryKeys = []Key{
	{
		Name: "hosts", Type: orNothing(freeMap(orNothing(inner("host"))), list(plain)),
		Text:    "The hosts, in inventory order. A range such as `web[1:20]` or `web[a:f]` stands for many.",
		Example: Example{Text: "hosts:\n  web[1:3]: {user: deploy}\n  db1: {addr: 10.0.0.9, port: 2222}"},
	},
	{
		Name: "groups", Type: orNothing(freeMap(orNothing(inner("group")))),
		Text:    "Named sets of hosts. A host can be in many.",
		Example: Example{Text: "hosts: [web1, web2, db1]\ngroups:\n  web: {hosts: [web*]}\n  prod: {groups: [web], hosts: [db1]}"},
	},
	{
		Name: "vars", Type: orNothing(freeMap(anything)),
		Text:    "Vars of all hosts. Those of groups and of the host itself are stronger.",
		Example: Example{Text: "hosts: [web1]\nvars: {ntp: time.example.com}"},
	},
}

var hostKeys = []Key{
	{
		Name: "addr", Type: plain, Default: "the name, as ssh_config resolves it",
		Text:    "Where to connect: a name or an address. It cannot be said of a range.",
		Example: Example{Text: "hosts:\n  db1: {addr: 10.0.0.9}"},
	},
	{
		Name: "user", Type: plain, Default: "that of ssh_config",
		Text:    "Whom to log in as.",
		Example: Example{Text: "hosts:\n  web[1:3]: {user: deploy}"},
	},
	{
		Name: "port", Type: Type{Kind: Int, Min: 1, Max: 65535}, Default: "that of ssh_config, or 22",
		Text:    "The port of its SSH server.",
		Example: Example{Text: "hosts:\n  db1: {port: 2222}"},
	},
	{
		Name: "jump", Type: plain, Default: "that of ssh_config",
		Text:    "The hosts to go through, as ProxyJump has them: `[user@]host[:port]`, several with commas, or `none`.",
		Example: Example{Text: "hosts:\n  db1: {jump: bastion}\n  bastion:"},
	},
	{
		Name: "identity", Type: plain, Default: "that of ssh_config",
		Text:    "A file with a private key, tried before all others.",
		Example: Example{Text: "hosts:\n  db1: {identity: ~/.ssh/db}"},
	},
	{
		Name: "transport", Type: word("builtin", "openssh"), Default: "that of the groups, or `builtin`",
		Text: "What carries the connection: opsctl itself, or the `ssh` program of this machine, for GSSAPI, PKCS#11 and security keys without an agent. " +
			"`--transport` says it for all hosts.",
		Example: Example{Text: "hosts:\n  db1: {transport: openssh}"},
	},
	{
		Name: "vars", Type: orNothing(freeMap(anything)),
		Text:    "Vars of the host, `host.vars.NAME` in expressions.",
		Example: Example{Text: "hosts:\n  web1: {vars: {port: 8080}}"},
	},
}

var groupKeys = []Key{
	{
		Name: "hosts", Type: orNothing(many(plain)),
		Text:    "Its hosts: names, ranges and globs; `:!` takes away and `:&` keeps only what is in both.",
		Example: Example{Text: "hosts: [web1, web2, web3]\ngroups:\n  web: {hosts: [\"web[1:3]\", \":!web2\"]}"},
	},
	{
		Name: "groups", Type: orNothing(many(plain)),
		Text:    "Groups whose hosts are in this one too.",
		Example: Example{Text: "hosts: [web1]\ngroups:\n  web: {hosts: [web1]}\n  prod: {groups: [web]}"},
	},
	{
		Name: "transport", Type: word("builtin", "openssh"), Default: "that of outer groups, or `builtin`",
		Text:    "What carries the connections to its hosts. Inner groups and the host itself are stronger.",
		Example: Example{Text: "hosts: [web1]\ngroups:\n  web: {hosts: [web1], transport: openssh}"},
	},
	{
		Name: "vars", Type: orNothing(freeMap(anything)),
		Text:    "Vars of its hosts. Those of inner groups and of the host itself are stronger.",
		Example: Example{Text: "hosts: [web1]\ngroups:\n  web: {hosts: [web1], vars: {port: 8080}}"},
	},
}

// InventorySchema gives the JSON Schema of inventories in opsctl's own YAML.
func InventorySchema() []byte {
	return schemaOf(inventoryObjects, schema{"$id": InventorySchemaID, "title": "opsctl inventory"})
}
