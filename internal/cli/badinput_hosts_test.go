package cli

import (
	"testing"

	"github.com/opsctl/opsctl/internal/fleet"
)

func TestProbe(t *testing.T) {
	b := newBench(t, 2)
	b.write("r.yaml", "name: r\nhosts: web\nsteps: [{run: echo hi >> log}]\n")
	show := func(name string, args ...string) {
		b.Helper()
		code, out, errs := b.opsctl(args...)
		t.Logf("=== %s: %v: exit %d\n%s--\n%s", name, args, code, out, errs)
	}
	w := b.fleet.Host("web1")
	for _, m := range []struct {
		name string
		m    fleet.Misbehaviour
		args []string
	}{
		{"refuse", fleet.Misbehaviour{RefuseConnections: true}, nil},
		{"silent", fleet.Misbehaviour{SilentBanner: true}, []string{"-o", "ConnectTimeout=1"}},
		{"garbage", fleet.Misbehaviour{GarbageBanner: "220 mail ready\r\n"}, nil},
		{"garbage2", fleet.Misbehaviour{GarbageBanner: "\x1b[31mHTTP/1.1 400 Bad Request\x1b]0;pwned\x07\r\n"}, nil},
		{"reject", fleet.Misbehaviour{RejectAuth: true}, nil},
		{"newkey", fleet.Misbehaviour{NewHostKey: true}, nil},
		{"nosessions", fleet.Misbehaviour{RefuseSessions: fleet.NoSessions}, nil},
		{"noise", fleet.Misbehaviour{Noise: "Welcome to web1!\nfortune\n"}, nil},
		{"blackhole", fleet.Misbehaviour{Blackhole: true}, []string{"-o", "ConnectTimeout=1", "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"}},
	} {
		w.Misbehave(m.m)
		show(m.name, append([]string{"run", "r.yaml"}, m.args...)...)
		w.CutAll()
	}
	w.Misbehave(fleet.Misbehaviour{RefuseConnections: true})
	show("ref", "run", "r.yaml")
	w.Misbehave(fleet.Misbehaviour{})
	show("resume", "resume")
	t.Logf("%q %q", b.file("web1", "log"), b.file("web2", "log"))
	show("unknown key", "run", "r.yaml", "-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null")
	show("closed port", "run", "r.yaml", "-o", "Port=1")
	show("invalid", "run", "r.yaml", "-o", "HostName=web.invalid")
	show("wrong key", "run", "r.yaml", "--identity", "nowhere")
	show("ping", "ping", "-o", "Port=1")
	show("exec", "exec", "-l", "web", "-o", "Port=1", "--", "true")
	show("plan", "plan", "r.yaml", "-o", "Port=1")
}
