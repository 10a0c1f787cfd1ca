package view

import (
	"strings"
	"testing"
)

func TestFoldHosts(t *testing.T) {
	tests := []struct{ names, want string }{
		{"", ""},
		{"db1", "db1"},
		{"web1 web2 web3 web4 web6 db1", "web[1-4,6],db1"},
		{"web6 web1 web3 web2 web4", "web[1-4,6]"},
		{"db1 web2 web1", "db1,web[1-2]"},
		{"web01 web02 web09 web10 web11", "web[01-02,09-11]"},
		{"web1 web01", "web1,web01"},
		{"web9 web10", "web[9-10]"},
		{"web1.example.com web2.example.com web3.example.org", "web[1-2].example.com,web3.example.org"},
		{"rack1-web3 rack1-web4 rack2-web3", "rack1-web[3-4],rack2-web3"},
		{"10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.[1-3]"},
		{"web1.s3.example.com web2.s3.example.com", "web[1-2].s3.example.com"},
		{"local alpha local", "local,alpha"},
		{"web1 web1", "web1"},
		{"a99999999999999999999 a99999999999999999998", "a99999999999999999999,a99999999999999999998"},
	}
	for _, tt := range tests {
		if got := FoldHosts(strings.Fields(tt.names)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.names, got, tt.want)
		}
	}
}

func TestFoldWithinCountsWhatDoesNotFit(t *testing.T) {
	names := strings.Fields("web1 web2 web3 alpha beta gamma delta epsilon zeta eta theta")
	for width, want := range map[int]string{
		80: "web[1-3],alpha,beta,gamma,delta,epsilon,zeta,eta,theta",
		30: "web[1-3] and 8 more",
		10: "11 hosts",
	} {
		if got := foldWithin(names, width); got != want {
			t.Errorf("%d: got %s, want %s", width, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	got := Table([]string{"host", "état", "what"}, [][]string{{"web1", "日本", "a long reason that does not fit"}, {"x", "", "short"}}, 30)
	want := "host  état  what\nweb1  日本  a long reason tha~\nx           short\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Table(nil, nil, 80); got != "" {
		t.Errorf("got %q", got)
	}
}
