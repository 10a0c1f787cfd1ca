package inventory

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pythonSays reads texts as Ansible does, with what Python and PyYAML say of each. An answer is {"v": value},
// or {} for what is no value, or {"odd": true} for one that JSON cannot hold.
const pythonSays = `
import ast, json, math, shlex, sys, warnings, yaml
warnings.simplefilter("ignore")

def literal(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text

def words(text):
    return shlex.split(text, comments=True)

def scalar(text):
    return yaml.load("[" + text + "]", Loader=yaml.SafeLoader)[0]

def odd(v):
    if isinstance(v, (bytes, complex, set, type(...))):
        return True
    if isinstance(v, (list, tuple)):
        return any(odd(x) for x in v)
    if isinstance(v, dict):
        return any(odd(x) or not isinstance(k, (str, int, type(None))) for k, x in v.items()) or len({json.dumps(k) for k in v}) != len(v)
    if isinstance(v, float):
        return math.isinf(v) or math.isnan(v)
    if isinstance(v, int) and not isinstance(v, bool):
        return not -2**63 < v < 2**63
    if isinstance(v, str):
        return any(0xd800 <= ord(c) <= 0xdfff for c in v)
    return False

reader = {"literal": literal, "words": words, "scalar": scalar}[sys.argv[1]]
answers = []
for text in json.load(sys.stdin):
    try:
        value = reader(text)
        if not isinstance(value, (str, int, float, bool, list, tuple, dict, type(None), bytes, complex, set, type(...))):
            value = text  # a date
        answers.append({"odd": True} if odd(value) else {"v": value})
    except Exception:
        answers.append({})
json.dump(answers, sys.stdout)
`

type pythonAnswer struct {
	V   any  `json:"v"`
	Odd bool `json:"odd"`

	none bool
}

// askPython gives an answer for each text.
func askPython(t *testing.T, reader string, texts []string) []pythonAnswer {
	t.Helper()
	needAnsible(t, "python3", "ansible") // which brings PyYAML
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("python3", "-c", pythonSays, reader)
	c.Stdin = strings.NewReader(string(in))
	var complaint strings.Builder
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(out, &raw); err != nil || len(raw) != len(texts) {
		t.Fatalf("%d answers, %v", len(raw), err)
	}
	answers := make([]pythonAnswer, len(raw))
	for i := range raw {
		dec := json.NewDecoder(strings.NewReader(string(raw[i])))
		dec.UseNumber()
		if err := dec.Decode(&answers[i]); err != nil {
			t.Fatal(err)
		}
		answers[i].V = plain(answers[i].V)
		answers[i].none = string(raw[i]) == "{}"
	}
	return answers
}

// made puts texts together from pieces, by a fixed seed.
func made(pieces []string, count, longest int) []string {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it is no secret
	texts := append([]string{}, pieces...)
	for range count {
		var b strings.Builder
		for range 1 + random.IntN(longest) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		texts = append(texts, b.String())
	}
	return texts
}

// TestLiteralsAgree holds values of an INI against Python.
func TestLiteralsAgree(t *testing.T) {
	pieces := []string{
		"1", "0", "7", "10", "_", ".", "e", "E5", "0x", "0b", "0o", "f", "A", "-", "+", "'", "\"", "'a'", "\"b\"", "'''", "(", ")", "[", "]", "{", "}", ",", ":", " ",
		"\t", "True", "False", "None", "set()", "b'x'", "r'\\d'", "u'é'", "f'x'", "\\", "\\n", "\\x41", "\\u00e9", "\\7", "#", "=", "j", "foo", "é", "...", "*", "1.5",
		"'k':", "[1, 2]", "{'a': 1}", "(1,)", "1e3", "not ", "12345678901234567890", "1e999", "nan",
	}
	texts := made(pieces, 30_000, 7)
	for i, answer := range askPython(t, "literal", texts) {
		value, strange := pythonLiteral(texts[i])
		switch {
		case answer.Odd && (strange != "" || value == texts[i]), answer.none:
		case answer.Odd:
			t.Errorf("%q: got %#v, and Python has a value that JSON does not", texts[i], value)
		case strange != "" && answer.V == texts[i]: // it is no literal after all, further on
		case strange != "":
			t.Errorf("%q: got %q, want %#v", texts[i], strange, answer.V)
		case !cmp.Equal(value, answer.V):
			t.Errorf("%q: got %#v, want %#v", texts[i], value, answer.V)
		}
	}
}

// TestWordsAgree holds how a line is taken apart against Python's shlex.
func TestWordsAgree(t *testing.T) {
	pieces := []string{"a", "b=c", " ", "  ", "\t", "'", "\"", "\\", "\\\"", "\\'", "#", " #", "''", "\"\"", "é", "=", "'x y'", "\"x\\y\"", "$", ";"}
	texts := made(pieces, 20_000, 8)
	for i, answer := range askPython(t, "words", texts) {
		words, err := splitWords(texts[i], true)
		if answer.none || err != nil {
			if answer.none != (err != nil) {
				t.Errorf("%q: got %v, want %#v", texts[i], err, answer)
			}
			continue
		}
		got := []any{}
		for _, w := range words {
			got = append(got, w.text)
			if w.offset >= len(texts[i]) {
				t.Errorf("%q: %q stands at %d", texts[i], w.text, w.offset)
			}
		}
		if !cmp.Equal(any(got), answer.V) {
			t.Errorf("%q: got %q, want %q", texts[i], got, answer.V)
		}
	}
}

// TestScalarsAgree holds the scalars of Ansible's YAML against PyYAML.
func TestScalarsAgree(t *testing.T) {
	pieces := []string{
		"0", "1", "8", "12", "59", "60", "_", ".", ":", "+", "-", "e", "E+3", "e-2", "0x", "0b", "0o", "f", "b1", "yes", "No", "ON", "off", "true", "TRUE", "tRue", "y", "n", "null",
		"Null", "nULL", "~", ".inf", ".NaN", "2024-01-02", "a", "1:30", "1e3", "12345678901234567890",
	}
	texts := made(pieces, 20_000, 4)
	for i, answer := range askPython(t, "scalar", texts) {
		value, strange := yaml11Scalar(texts[i])
		switch {
		case answer.none || strings.HasSuffix(texts[i], ":"): // no scalar, or a key
		case answer.Odd != (strange != ""):
			t.Errorf("%q: got %#v, %q; want %#v", texts[i], value, strange, answer)
		case !answer.Odd && !cmp.Equal(value, answer.V):
			t.Errorf("%q: got %#v, want %#v", texts[i], value, answer.V)
		}
	}
}
