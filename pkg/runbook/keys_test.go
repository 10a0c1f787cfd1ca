package runbook_test

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/language"
)

// strange is a key that nothing knows: the refusal lists those that are known.
const strange = "zzqqxxjjkkvv"

// probes are runbooks with a key of each object of the language on a line of its own.
var probes = map[string]string{
	"runbook":    "name: x\nsteps: [{run: 'true'}]\nKEY\n",
	"param":      "name: x\nparams: {a: {\nKEY\n}}\nsteps: [{run: 'true'}]\n",
	"secret":     "name: x\nsecrets: {a: {BESIDE\nKEY\n}}\nsteps: [{run: 'true'}]\n",
	"step":       "name: x\nsteps:\n- {BESIDE\nKEY\n}\n",
	"rollout":    "name: x\nsteps: [{steps: [{run: 'true'}], rollout: {\nKEY\n}}]\n",
	"lock":       "name: x\nsteps: [{run: 'true', lock: {\nKEY\n}}]\n",
	"spread":     "name: x\nsteps: [{steps: [{run: 'true'}], rollout: {waves: 1, spread: {\nKEY\n}}}]\n",
	"stdin":      "name: x\nsteps: [{run: 'true', stdin: {\nKEY\n}}]\n",
	"retry":      "name: x\nsteps: [{run: 'true', retry: {\nKEY\n}}]\n",
	"rollback":   "name: x\nsteps: [{run: 'true', rollback: {\nKEY\n}}]\n",
	"on_failure": "name: x\nsteps: [{run: 'true', on_failure: {\nKEY\n}}]\n",
	"script":     "name: x\nsteps: [{script: {\nKEY\n}}]\n",
	"copy":       "name: x\nsteps: [{copy: {\nKEY\n}}]\n",
	"link":       "name: x\nsteps: [{link: {\nKEY\n}}]\n",
	"line":       "name: x\nsteps: [{line: {\nKEY\n}}]\n",
	"service":    "name: x\nsteps: [{service: {\nKEY\n}}]\n",
	"fetch":      "name: x\nsteps: [{fetch: {\nKEY\n}}]\n",
	"wait":       "name: x\nsteps: [{wait: {\nKEY\n}}]\n",
	"http":       "name: x\nsteps: [{http: {\nKEY\n}}]\n",
	"assert":     "name: x\nsteps: [{assert: {\nKEY\n}}]\n",
	"reboot":     "name: x\nsteps: [{reboot: {\nKEY\n}}]\n",
	"notify":     "name: x\nsteps: [{notify: {\nKEY\n}}]\n",
	"notice":     "name: x\nnotify: [{\nKEY\n}]\nsteps: [{run: 'true'}]\n",
}

// probe gives the runbook with a key and a value, and the line they stand in.
func probe(object, key, value string) (text string, line int) {
	text = probes[object]
	if object == "runbook" { // it is not given twice
		for _, given := range []string{"name: x\n", "steps: [{run: 'true'}]\n"} {
			if strings.HasPrefix(given, key+":") {
				text = strings.Replace(text, given, "", 1)
			}
		}
	}
	beside := "run: 'true',"
	switch {
	case object == "secret" && key == "key":
		beside = "age: secrets.age,"
	case object == "secret":
		beside = ""
	case slices.Contains(language.Actions(), key):
		beside = ""
	case key == "with":
		beside = "runbook: other.yaml,"
	case key == "rollout" || key == "finally":
		beside = "steps: [{run: 'true'}],"
	}
	text = strings.Replace(text, "BESIDE", beside, 1)
	before, after, _ := strings.Cut(text, "KEY")
	return before + key + ": " + value + after, strings.Count(before, "\n") + 1
}

// refusals gives what the decoder says of one line; ok is false where it could not read the document.
func refusals(t *testing.T, text string, line int) (found []*source.Problem, ok bool) {
	t.Helper()
	other := func(string) (string, error) {
		return "name: other\nparams: {a: {default: text}}\nsteps: [{run: 'true'}]\n", nil
	}
	_, _, err := runbook.Loader{Read: other}.LoadText(text, "x.yaml", ".")
	problems, is := source.AsProblems(err)
	if err != nil && !is {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Message, "cannot read this as YAML") {
			return nil, false
		}
		if p.Pos.Line == line && !p.Warning {
			found = append(found, p)
		}
	}
	return found, true
}

// TestTheTableAndTheDecoderKnowTheSameKeys asks the decoder for the keys it takes at each place, as it lists them itself.
func TestTheTableAndTheDecoderKnowTheSameKeys(t *testing.T) {
	for _, o := range language.Objects() {
		if probes[o.Name] == "" {
			t.Errorf("there is no probe for %s", o.Name)
			continue
		}
		text, line := probe(o.Name, strange, "1")
		found, _ := refusals(t, text, line)
		var taken []string
		for _, p := range found {
			if list, ok := strings.CutPrefix(p.Hint, "it takes "); ok {
				taken = strings.Split(list, ", ")
			}
		}
		if (len(taken) == 0) != o.Later {
			t.Errorf("%s: the table says that it is not taken yet: %v; the decoder takes %v", o.Name, o.Later, taken)
			continue
		}
		for _, k := range o.Keys {
			if have := slices.Contains(taken, k.Name); have == k.Later && !o.Later {
				t.Errorf("%s.%s: the table says that it is not taken yet: %v; the decoder takes it: %v", o.Name, k.Name, k.Later, have)
			}
		}
		for _, name := range taken {
			if _, ok := o.Key(name); !ok {
				t.Errorf("%s.%s: the decoder takes it, and the table has no such key", o.Name, name)
			}
		}
	}
}

// TestWhatIsNotYetIsRefused holds the list of what is to come against the decoder: what it takes has no place there.
func TestWhatIsNotYetIsRefused(t *testing.T) {
	for _, path := range language.NotYet() {
		object, key, _ := strings.Cut(path, ".")
		value := "1"
		if name, word, ok := strings.Cut(key, "="); ok {
			key, value = name, word
		} else if name, _, ok := strings.Cut(key, "{"); ok {
			key, value = name, "{}"
		}
		text, line := probe(object, key, value)
		if object == "rollout" || object == "step" && key == "finally" {
			text = strings.Replace(text, "waves: 1, ", "", 1)
		}
		if found, _ := refusals(t, text, line); len(found) == 0 {
			t.Errorf("%s is told as not yet, and the decoder takes it; take it out of notYet in pkg/runbook/language", path)
		}
	}
}

// values are tried for every key. They are written in flow style, and hold no expression that could be wrong.
var values = []string{
	"true", "false", "null", "0", "1", "3", "-1", "2.5", "700", "99999", "text", "'text'", "''", "'true'", "'1'", "30s", "0s", "-5s", "'30'", "2d", "1h30m", "none",
	"25%", "0%", "101%", "0644", "'0644'", "0999", "rollback", "read", "started", "run", "sh", "string", "/abs/path", "~/path", "'${{ 1 }}'", "'${{ run.id }}'",
	"[]", "[1]", "[text]", "[text, other]", "[300]", "[[text]]", "[25%]", "[true]", "[null]", "[{}]",
	"{}", "{a: 1}", "{a: text}", "{a: [text]}", "{a: {}}", "{a-b: text}", "{OPSCTL_A: text}", "{a: null}",
}

// onlyDecoder are refusals that are about more than the type of a value, which is all that a schema can see.
var onlyDecoder = regexp.MustCompile(strings.Join([]string{
	`^there is no "`, `^a yes or no is needed here`, `^cannot read the expression`, `and this block has no such step$`,
	`^the default of param`, `^the pattern is not a regular expression`, `^cannot read the script`, `is not an absolute path on the host$`,
	`^permissions are written in octal`, `is not supported by this version of opsctl$`, `^the path of a`, `^a runbook outside of the project`, `^runbook "other" has no param`,
	`is written out: it is read before`, `^no step can be called`, `^a step of effect read changes nothing`, `^step ".*" needs itself$`,
}, "|"))

// lax are values that the decoder takes and should not; what is mended is taken out. Each is tried: none may be left for nothing.
var lax = map[string]string{
	"retry.attempts: 99999": "the problem is told of the map, which begins in another line",
}

// TestTheTypesOfTheTableAreThoseOfTheDecoder tries the same values of every key with the decoder and with the schema.
func TestTheTypesOfTheTableAreThoseOfTheDecoder(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(language.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource(language.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	tried, unmet := 0, maps.Clone(lax)
	for _, o := range language.Objects() {
		for _, k := range o.Keys {
			if o.Later || k.Later {
				continue
			}
			at := "#/$defs/" + o.Name + "/properties/" + k.Name
			if o.Name == "runbook" {
				at = "#/properties/" + k.Name
			}
			schema, err := compiler.Compile(language.SchemaID + at)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range values {
				met, difference := compare(t, o.Name, k.Name, value, schema)
				path := o.Name + "." + k.Name
				if lax[path] == "" {
					path += ": " + value
				}
				if difference != "" && lax[path] == "" {
					t.Errorf("%s.%s: %s: %s", o.Name, k.Name, value, difference)
				} else if difference != "" {
					delete(unmet, path)
				}
				if met {
					tried++
				}
			}
		}
	}
	for path := range unmet {
		t.Errorf("%s is mended: take it out of lax", path)
	}
	if tried < 3000 {
		t.Errorf("only %d values were tried", tried)
	}
}

// compare tells where the decoder and the schema of a key differ about a value; ok is false where no document can hold it.
func compare(t *testing.T, object, key, value string, schema *jsonschema.Schema) (ok bool, difference string) {
	t.Helper()
	text, line := probe(object, key, value)
	found, ok := refusals(t, text, line)
	if !ok {
		return false, ""
	}
	n, err := source.Parse(&source.File{Name: "value", Text: value})
	if err != nil {
		t.Fatal(err)
	}
	refused := schema.Validate(n.Value())
	switch {
	case refused != nil && len(found) == 0:
		return true, "the schema refuses what the decoder takes: " + refused.Error()
	case refused == nil && len(found) > 0 && !onlyDecoder.MatchString(found[0].Message):
		return true, "the decoder refuses what the schema takes: " + found[0].Message
	}
	return true, ""
}
