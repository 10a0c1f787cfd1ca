package language_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/language"
)

// TestEveryKeyIsToldWhole holds each entry to what the tables promise.
func TestEveryKeyIsToldWhole(t *testing.T) {
	for _, o := range language.Objects() {
		seen := map[string]bool{}
		for _, k := range o.Keys {
			at := language.Path(o.Name, k.Name)
			if seen[k.Name] {
				t.Errorf("%s is told twice", at)
			}
			seen[k.Name] = true
			if len(k.Text) < 20 || !strings.HasSuffix(k.Text, ".") || strings.Contains(k.Short(), "\n") || len(k.Short()) > 140 {
				t.Errorf("%s: its text is no sentence, or the first one is long: %s", at, k.Short())
			}
			if (k.On == 0) != !slices.Contains([]string{"runbook", "step"}, o.Name) {
				t.Errorf("%s: it says wrongly where it may stand", at)
			}
			for _, path := range k.See {
				if len(matches(path)) == 0 || path == at {
					t.Errorf("%s: see also %q, which leads nowhere", at, path)
				}
			}
			for _, name := range k.Type.Inners() {
				if _, ok := language.Find(name); !ok {
					t.Errorf("%s: there is no object %q", at, name)
				}
			}
		}
		for _, name := range slices.Concat(o.OneOf, o.AnyOf) {
			if _, ok := o.Key(name); !ok {
				t.Errorf("%s has no key %q", o.Name, name)
			}
		}
	}
}

func matches(path string) []language.Match {
	found, _ := language.Lookup(path)
	return found
}

// TestEveryExampleUsesItsKey reads each example, and finds the key at its place in it.
func TestEveryExampleUsesItsKey(t *testing.T) {
	schema := compiled(t, language.Schema(), language.SchemaID)
	for _, o := range language.Objects() {
		for _, k := range o.Keys {
			at := language.Path(o.Name, k.Name)
			n, err := source.Parse(&source.File{Name: at, Text: k.Example.Runbook()})
			if err != nil {
				t.Errorf("%s: %v", at, err)
				continue
			}
			uses := slices.ContainsFunc(language.Uses(n), func(u language.Use) bool { return u.Key.Name == k.Name && (u.Object == o.Name || k.On != 0) })
			if !uses && !o.Later { // to what is not taken yet nothing leads
				t.Errorf("%s: its example does not use it:\n%s", at, k.Example.Runbook())
			}
			_, warnings, err := runbook.Loader{Read: k.Example.Read}.LoadText(k.Example.Runbook(), at, ".")
			if later := o.Later || k.Later; (err != nil) != later {
				t.Errorf("%s: not taken yet: %v; its example: %v\n%s", at, later, err, k.Example.Runbook())
			}
			if err := schema.Validate(n.Value()); (err != nil) != (o.Later || k.Later) {
				t.Errorf("%s: not taken yet: %v; its example and the schema: %v", at, o.Later || k.Later, err)
			}
			for _, w := range warnings {
				t.Errorf("%s: %s", at, w.Render())
			}
		}
	}
}

// TestTextsMarkKeysAsCode keeps what is meant as code in backquotes: keys of the language are not English words.
func TestTextsMarkKeysAsCode(t *testing.T) {
	bare := regexp.MustCompile(`(^|[^\w` + "`" + `.=-])([a-z]+_[a-z_]+)($|[^\w` + "`" + `=])`)
	code := regexp.MustCompile("`[^`]*`")
	for _, o := range language.Objects() {
		for _, k := range o.Keys {
			if m := bare.FindString(code.ReplaceAllString(k.Text, "x")); m != "" {
				t.Errorf("%s: put %q into backquotes", language.Path(o.Name, k.Name), m)
			}
			if strings.Count(k.Text, "`")%2 != 0 {
				t.Errorf("%s: a backquote is not closed", language.Path(o.Name, k.Name))
			}
		}
	}
}

func TestLookup(t *testing.T) {
	tests := []struct {
		word string
		want []string
	}{
		{"retry", []string{"retry", "rollback.retry"}},
		{"step.retry", []string{"retry"}},
		{"retry.backoff", []string{"retry.backoff"}},
		{"step.retry.backoff", []string{"retry.backoff"}},
		{"rollback.retry.backoff", []string{"retry.backoff"}},
		{"copy.dest", []string{"copy.dest"}},
		{"step.if", []string{"if"}},
		{"if", []string{"if", "retry.if"}},
		{"dest", []string{"copy.dest", "fetch.dest"}},
		{"params.type", []string{"param.type"}},
		{"param.type", []string{"param.type"}},
		{"runbook.name", []string{"runbook.name"}},
		{"runbook.if", []string{"if"}},
		{"rollout.spread.by", []string{"spread.by"}},
		{"block.rollout", []string{"rollout"}},
		{"wait.timeout", []string{"wait.timeout"}},
		{"name", []string{"runbook.name", "name", "lock.name", "service.name"}},
	}
	for _, tt := range tests {
		var got []string
		found, near := language.Lookup(tt.word)
		for _, m := range found {
			got = append(got, m.Path())
		}
		if !slices.Equal(got, tt.want) || near != nil {
			t.Errorf("%s: got %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestLookupOffersWhatIsNear(t *testing.T) {
	for word, want := range map[string]string{
		"rety": "retry", "copy.dst": "copy.dest", "retry.backof": "retry.backoff", "step.hots": "step.hosts", "wiat.tcp": "wait.tcp", "param.defualt": "param.default",
	} {
		found, near := language.Lookup(word)
		if len(found) > 0 || source.Nearest(word, near) != want {
			t.Errorf("%s: found %d, offered %q of %d, want %q", word, len(found), source.Nearest(word, near), len(near), want)
		}
	}
}
