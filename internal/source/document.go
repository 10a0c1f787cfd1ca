package source

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits of a document. A runbook that needs more is a program, and an attack needs much more.
const (
	BytesMax = 1 << 20 // of the text
	DepthMax = 64      // of nesting
	NodesMax = 100_000 // after aliases are expanded
)

// Kind tells what a Node is.
type Kind int

// The kinds of a node.
const (
	Null Kind = iota
	Scalar
	List
	Map
)

// Node is a value in a document, with its place.
type Node struct {
	File  *File
	Pos   Pos
	Kind  Kind
	Text  string // of a scalar, as written (after quotes and escapes were taken off)
	Style Style
	Tag   string // an explicit tag such as "!x", else ""
	Items []*Node
	Pairs []Pair // in the order written; keys are unique

	width int
}

// Style tells how a scalar was written.
type Style int

// The styles of a scalar.
const (
	Plain Style = iota
	Quoted
	Block // | or >
)

// Pair is a key and its value.
type Pair struct {
	Key   *Node
	Value *Node
}

// ReadFile reads and parses the file at path; name is what problems call it.
// What the file system says is returned as it is; what is wrong inside, as Problems.
func ReadFile(path, name string) (*Node, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	file := &File{Name: name}
	whole := func(message, hint string) error {
		return Problems{{File: file, Message: message, Hint: hint}}
	}
	if info.IsDir() {
		return nil, whole("is a directory, not a file", "name the YAML file inside it")
	}
	if info.Mode().IsRegular() && info.Size() > BytesMax {
		return nil, whole(fmt.Sprintf("is %d bytes long; the limit is %d", info.Size(), BytesMax), "split it into several files")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file.Text = string(text)
	return Parse(file)
}

// Parse reads one YAML document. An error is always Problems.
func Parse(file *File) (*Node, error) {
	var problems Problems
	if p := unreadable(file); p != nil {
		return nil, append(problems, p)
	}
	file.Text = strings.TrimPrefix(file.Text, "\ufeff")
	var docs []yaml.Node
	err := yaml.Load([]byte(file.Text), &docs, yaml.WithAllDocuments(), yaml.WithUniqueKeys(false))
	if err != nil {
		return nil, append(problems, syntaxProblem(file, err))
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil, append(problems, &Problem{File: file, Message: "is empty"})
	}
	if len(docs) > 1 {
		n := docs[1].Content[0]
		return nil, append(problems, &Problem{
			File: file, Pos: Pos{n.Line, n.Column},
			Message: "a second document starts here; a file holds one", Hint: `remove the "---", or split the file`,
		})
	}
	r := reader{file: file, problems: &problems}
	node := r.read(docs[0].Content[0], 0)
	problems.Sort()
	return node, problems.Err()
}

// unreadable finds what a YAML parser would only describe badly.
func unreadable(file *File) *Problem {
	text := file.Text
	switch {
	case strings.TrimSpace(text) == "":
		return &Problem{File: file, Message: "is empty"}
	case len(text) > BytesMax:
		return &Problem{File: file, Message: fmt.Sprintf("is %d bytes long; the limit is %d", len(text), BytesMax)}
	case strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text):
		return &Problem{File: file, Message: "is not text (it is binary, or not UTF-8)", Hint: "runbooks and inventories are YAML in UTF-8"}
	}
	return nil
}

type reader struct {
	file     *File
	problems *Problems
	nodes    int
	full     bool
}

func (r *reader) problem(n *yaml.Node, message, hint string) {
	width := utf8.RuneCountInString(n.Value)
	r.problems.Add(&Problem{File: r.file, Pos: Pos{n.Line, n.Column}, Width: width, Message: message, Hint: hint})
}

// read turns the library's tree into ours: aliases expanded and merge keys applied within limits.
func (r *reader) read(n *yaml.Node, depth int) *Node {
	r.nodes++
	out := &Node{File: r.file, Pos: Pos{n.Line, n.Column}, Kind: Null}
	if r.full {
		return out
	}
	if r.nodes > NodesMax || depth > DepthMax {
		r.full = true
		what := fmt.Sprintf("nested deeper than %d", DepthMax)
		if r.nodes > NodesMax {
			what = fmt.Sprintf("more than %d values after aliases are expanded", NodesMax)
		}
		r.problem(n, what, "")
		return out
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.read(n.Alias, depth+1)
	case yaml.SequenceNode:
		out.Kind = List
		for _, c := range n.Content {
			out.Items = append(out.Items, r.read(c, depth+1))
		}
	case yaml.MappingNode:
		out.Kind = Map
		r.readPairs(out, n, depth)
	case yaml.ScalarNode:
		r.readScalar(out, n)
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		out.Tag = n.Tag
	}
	return out
}

func (r *reader) readScalar(out *Node, n *yaml.Node) {
	out.Kind, out.Text = Scalar, n.Value
	out.width = utf8.RuneCountInString(n.Value)
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		out.Style, out.width = Block, 1
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		out.Style = Quoted
		out.width += 2
	case n.Tag == "!!null":
		out.Kind = Null
	}
}

func (r *reader) readPairs(out *Node, n *yaml.Node, depth int) {
	seen := map[string]*Node{}
	var merged []Pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			r.problem(k, "a key must be a plain word", r.templateHint(k))
			continue
		}
		if k.Tag == "!!merge" {
			merged = append(merged, r.mergedPairs(v, depth)...)
			continue
		}
		key := r.read(k, depth+1)
		key.Kind, key.Text = Scalar, k.Value
		if first := seen[k.Value]; first != nil {
			r.problem(k, fmt.Sprintf("%q is given twice", k.Value), fmt.Sprintf("the first one stands in line %d", first.Pos.Line))
			continue
		}
		seen[k.Value] = key
		out.Pairs = append(out.Pairs, Pair{key, r.read(v, depth+1)})
	}
	for _, p := range merged { // what is written here wins over what is merged in
		if seen[p.Key.Text] == nil {
			seen[p.Key.Text] = p.Key
			out.Pairs = append(out.Pairs, p)
		}
	}
}

// templateHint is for those who come from templates of another kind.
func (r *reader) templateHint(n *yaml.Node) string {
	if strings.Contains(r.file.Line(n.Line), "{{") {
		return `a value is written ${{ name }}, and in flow style quoted: "${{ name }}"`
	}
	return ""
}

func (r *reader) mergedPairs(v *yaml.Node, depth int) []Pair {
	from := r.read(v, depth+1)
	switch from.Kind {
	case Map:
		return from.Pairs
	case List:
		var all []Pair
		for _, item := range from.Items {
			all = append(all, item.Pairs...)
		}
		return all
	}
	r.problem(v, "<< takes a map or a list of maps", "")
	return nil
}

// Get returns the value of a key of a map, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			return p.Value
		}
	}
	return nil
}

// Problem makes a problem at the node, its text underlined.
func (n *Node) Problem(message, hint string) *Problem {
	return &Problem{File: n.File, Pos: n.Pos, Width: n.width, Message: message, Hint: hint}
}

// ProblemAt makes a problem at a byte offset inside a scalar's text.
func (n *Node) ProblemAt(offset, width int, message, hint string) *Problem {
	return &Problem{File: n.File, Pos: n.At(offset), Width: width, Message: message, Hint: hint}
}

// At gives the place of a byte offset inside a scalar's text. It is exact for plain and
// block scalars and for quoted ones without escapes; else it is near.
func (n *Node) At(offset int) Pos {
	offset = max(0, min(offset, len(n.Text)))
	before := n.Text[:offset]
	lines := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	if n.Style == Block {
		at := n.Pos.Line + 1 + lines
		line := n.File.Line(n.Pos.Line + 1)
		for k := n.Pos.Line + 1; strings.TrimSpace(line) == "" && k < n.Pos.Line+50; k++ {
			line = n.File.Line(k)
		}
		return Pos{at, len(line) - len(strings.TrimLeft(line, " ")) + column + 1}
	}
	if n.Style == Quoted {
		column++
	}
	if lines > 0 && n.Text == n.File.Text { // the node is the file
		return Pos{1 + lines, column + 1}
	}
	if lines > 0 {
		return n.Pos
	}
	return Pos{n.Pos.Line, n.Pos.Column + column}
}

// Describe names what the node is, for messages: `a list`, `a map`, `the text "x"`.
func (n *Node) Describe() string {
	switch n.Kind {
	case List:
		return "a list"
	case Map:
		return "a map"
	case Null:
		return "nothing"
	}
	text := n.Text
	if utf8.RuneCountInString(text) > 40 {
		text = string([]rune(text)[:40]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

var (
	intText   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	floatText = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// Value gives the data the node holds, by the core schema of YAML 1.2: string, int, float64,
// bool, nil, []any, map[string]any. "yes" and "on" are strings, "010" is the number ten.
func (n *Node) Value() any {
	switch n.Kind {
	case List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.Value()
		}
		return list
	case Map:
		m := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			m[p.Key.Text] = p.Value.Value()
		}
		return m
	case Null:
		return nil
	}
	if n.Style != Plain {
		return n.Text
	}
	return ParseScalar(n.Text)
}

// ParseScalar reads a plain scalar by the core schema of YAML 1.2.
func ParseScalar(text string) any {
	switch text {
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	case "", "~", "null", "Null", "NULL":
		return nil
	}
	if intText.MatchString(text) {
		if i, err := strconv.Atoi(strings.TrimPrefix(text, "+")); err == nil {
			return i
		}
	}
	if floatText.MatchString(text) {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	}
	return text
}
