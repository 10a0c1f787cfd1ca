package plan

import (
	"fmt"
	"strings"
	"testing"
)

func TestDurable(t *testing.T) {
	for _, tt := range []struct{ steps, want string }{
		{"- {hosts: web, run: x}", "web1 web2 web3 web4 web5"},
		{"- {hosts: web, shell: none, run: x}", ""},
		{"- {hosts: web, shell: none, run: x}\n- {hosts: 'web[0]', run: x}", "web1"},
		{"- {hosts: web, shell: none, run: x}\n- {hosts: web, assert: {that: ['true']}}\n- {hosts: web, manual: look}", ""},
		{"- {hosts: web, shell: none, steps: [{wait: {tcp: 'x:1'}}, {run: x, check: y, rollback: z}]}", ""},
		{"- {hosts: web, shell: none, run: x}\n- {hosts: local, delegate: web1, run: x}", "web1"},
		{"- {hosts: web, shell: none, steps: [{run: x}, {shell: sh, run: x}]}", "web1 web2 web3 web4 web5"},
		{"- {hosts: web, assert: {that: ['true']}}", "web1 web2 web3 web4 web5"},
	} {
		p, err := build(t, "name: x\nsteps:\n"+tt.steps, Options{})
		if err != nil {
			t.Fatalf("%s: %v", tt.steps, err)
		}
		var got []string
		for i, durable := range p.Durable() {
			if durable && strings.HasPrefix(p.Hosts[i].Name, "web") {
				got = append(got, p.Hosts[i].Name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: durable are %q, want %q", tt.steps, got, tt.want)
		}
	}
}

func TestNoShellIsNotForThisMachine(t *testing.T) {
	for _, steps := range []string{
		"- {shell: none, run: x}",
		"- {hosts: web, shell: none, delegate: local, run: x}",
		"- {hosts: web, shell: none, steps: [{run: x}, {delegate: local, run: x}]}",
		"- {hosts: web, shell: none, rollout: {waves: 1, gate: {run: x}}, steps: [{run: x}]}",
		"- {shell: none, manual: look, check: x}",
	} {
		_, err := build(t, "name: x\nsteps:\n"+steps, Options{})
		if err == nil || strings.Count(err.Error(), "by this machine itself") != 1 {
			t.Errorf("%s: %v", steps, fmt.Sprint(err))
		}
	}
	if _, err := build(t, "name: x\nhosts: web\nshell: none\nsteps: [{run: x}, {delegate: local, shell: sh, run: x}, {delegate: local, assert: {that: ['true']}}]", Options{}); err != nil {
		t.Error(err)
	}
}
