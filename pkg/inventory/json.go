package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

// Limits of a JSON document, which a program wrote and which may be long.
const (
	jsonDepthMax = source.DepthMax
	jsonNodesMax = 2_000_000
)

// jsonReader turns JSON into nodes with places. Of a key given twice the later wins, as in Python.
type jsonReader struct {
	file  *source.File
	dec   *json.Decoder
	nodes int

	at           int // in bytes, up to where line and column are counted
	line, column int
}

// parseJSON reads one JSON document.
func parseJSON(file *source.File) (*source.Node, *source.Problem) {
	r := jsonReader{file: file, dec: json.NewDecoder(strings.NewReader(file.Text)), line: 1, column: 1}
	r.dec.UseNumber()
	node, err := r.value(0)
	if err == nil {
		if _, err = r.dec.Token(); err == nil {
			return nil, &source.Problem{File: file, Pos: r.start(r.dec.InputOffset() - 1), Message: "something follows the end of the JSON"}
		}
		if errors.Is(err, io.EOF) {
			return node, nil
		}
	}
	return nil, r.problem(err)
}

// problem describes why the document cannot be read.
func (r *jsonReader) problem(err error) *source.Problem {
	var p *source.Problem
	if errors.As(err, &p) {
		return p
	}
	p = &source.Problem{File: r.file, Message: "cannot read this as JSON: it ends too early"}
	p.Pos = r.place(len(strings.TrimRight(r.file.Text, " \t\r\n")))
	// The decoder of tokens is off by some characters; that of whole documents knows the place.
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal([]byte(r.file.Text), &raw), &syntax) && int(syntax.Offset) < len(r.file.Text) {
		again := jsonReader{file: r.file, line: 1, column: 1}
		p.Pos = again.place(int(max(0, syntax.Offset-1)))
		p.Message = "cannot read this as JSON: " + syntax.Error()
	}
	return p
}

// place counts lines and columns on to a byte; it never goes back.
func (r *jsonReader) place(offset int) source.Pos {
	offset = min(max(offset, r.at), len(r.file.Text))
	for _, c := range r.file.Text[r.at:offset] {
		r.column++
		if c == '\n' {
			r.line, r.column = r.line+1, 1
		}
	}
	r.at = offset
	return source.Pos{Line: r.line, Column: r.column}
}

// start gives where the token begins that comes after a byte.
func (r *jsonReader) start(offset int64) source.Pos {
	at := int(offset)
	for at < len(r.file.Text) && strings.IndexByte(" \t\r\n:,", r.file.Text[at]) >= 0 {
		at++
	}
	return r.place(at)
}

func (r *jsonReader) value(depth int) (*source.Node, error) {
	before := r.dec.InputOffset()
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	node := &source.Node{File: r.file, Pos: r.start(before)}
	if r.nodes++; r.nodes > jsonNodesMax || depth > jsonDepthMax {
		what := fmt.Sprintf("nested deeper than %d", jsonDepthMax)
		if r.nodes > jsonNodesMax {
			what = fmt.Sprintf("more than %d values", jsonNodesMax)
		}
		return nil, node.Problem(what, "")
	}
	switch t := token.(type) {
	case nil:
		node.Kind = source.Null
	case string:
		node.Kind, node.Style, node.Text = source.Scalar, source.Quoted, t
	case json.Number:
		node.Kind, node.Text = source.Scalar, t.String()
	case bool:
		node.Kind, node.Text = source.Scalar, fmt.Sprint(t)
	case json.Delim:
		return node, r.inside(node, t, depth)
	}
	return node, nil
}

// inside reads up to the closing bracket.
func (r *jsonReader) inside(node *source.Node, open json.Delim, depth int) error {
	node.Kind = source.List
	var index map[string]int
	if open == '{' {
		node.Kind, index = source.Map, map[string]int{}
	}
	for r.dec.More() {
		if open == '[' {
			item, err := r.value(depth + 1)
			if err != nil {
				return err
			}
			node.Items = append(node.Items, item)
			continue
		}
		key, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if at, twice := index[key.Text]; twice {
			node.Pairs[at] = source.Pair{Key: key, Value: value}
			continue
		}
		index[key.Text] = len(node.Pairs)
		node.Pairs = append(node.Pairs, source.Pair{Key: key, Value: value})
	}
	_, err := r.dec.Token()
	return err
}

// parseAnsible reads what Ansible reads as "YAML": JSON if it is that, else YAML 1.1. It gives nil
// where there is nothing but comments; problems are noted.
func parseAnsible(file *source.File, t *troubles) (*source.Node, scalarReader) {
	if strings.HasPrefix(file.Text, "$ANSIBLE_VAULT;") {
		t.add(&source.Problem{
			File: file, Pos: source.Pos{Line: 1, Column: 1}, Width: len("$ANSIBLE_VAULT"), Warning: true,
			Message: "is encrypted with ansible-vault, which opsctl does not open; what it holds is not known", Hint: "give secrets to the runbook as params: {secret: true}",
		})
		return nil, nil
	}
	if saysNothing(file.Text) {
		return nil, nil
	}
	if strings.HasPrefix(strings.TrimSpace(file.Text), "{") && utf8.ValidString(file.Text) {
		if node, bad := parseJSON(file); bad == nil {
			return node, jsonScalar
		}
	}
	node, err := source.Parse(file)
	if err != nil {
		t.addAll(file, err)
		return nil, nil
	}
	return node, yaml11Scalar
}

// saysNothing tells of a document of comments and "---".
func saysNothing(text string) bool {
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && line != "---" && line != "..." {
			return false
		}
	}
	return true
}
