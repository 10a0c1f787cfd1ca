package inventory

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

var (
	iniHeader = regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`)
	iniGroup  = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

// iniBreaks are taken for the end of a line by Ansible, and by nobody else.
const iniBreaks = "\v\f\x1c\x1d\x1e\u0085\u2028\u2029"

// iniReader reads Ansible's INI: sections of hosts, of vars and of children.
type iniReader struct {
	*ansibleDraft
	file    *source.File
	section string // a group; what stands before the first section is in none
	kind    string // "hosts", "vars" or "children"
}

// decodeINI is the reader of Ansible's INI.
func decodeINI(file *source.File, t *troubles) *draft {
	r := iniReader{ansibleDraft: newAnsibleDraft(t), file: file, section: Ungrouped, kind: "hosts"}
	text := strings.TrimPrefix(file.Text, "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	for n, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		indent := utf8.RuneCountInString(line[:strings.Index(line, trimmed)])
		r.line(&source.Node{File: file, Kind: source.Scalar, Text: trimmed, Pos: source.Pos{Line: n + 1, Column: indent + 1}})
	}
	return &r.draft
}

func (r *iniReader) line(node *source.Node) {
	if i := strings.IndexAny(node.Text, iniBreaks); i >= 0 {
		bad, _ := utf8.DecodeRuneInString(node.Text[i:])
		r.add(node.ProblemAt(i, 1, fmt.Sprintf("%s ends a line for Ansible, and nowhere else", describeRune(bad)), "remove it"))
		return
	}
	if header := iniHeader.FindStringSubmatch(node.Text); header != nil {
		r.header(node, header[1], header[2])
		return
	}
	if strings.HasPrefix(node.Text, "[") && strings.HasSuffix(node.Text, "]") {
		r.add(node.ProblemAt(0, utf8.RuneCountInString(node.Text), "this is no section: it is [group], [group:vars] or [group:children], without spaces", ""))
		return
	}
	switch r.kind {
	case "hosts":
		r.hostLine(node)
	case "vars":
		r.varLine(node)
	case "children":
		r.childLine(node)
	}
}

func (r *iniReader) header(node *source.Node, name, kind string) {
	r.section, r.kind = name, kind
	word := r.part(node, shellWord{name, 1})
	switch kind {
	case "":
		r.kind = "hosts"
		fallthrough
	case "hosts", "children":
		r.group(name, word).onlyVars = nil
	case "vars":
		_, known := r.groupAt[name]
		g := r.group(name, word)
		if !known && name != All && name != Ungrouped {
			g.onlyVars = word
		}
	default:
		r.kind = "skipped" // one mistake is told once
		r.add(node.ProblemAt(2+len(name), len(kind), fmt.Sprintf("a section of %s is not known", quote(kind)), "there are [group], [group:vars] and [group:children]"))
	}
}

// part is a word of the line, with its place.
func (r *iniReader) part(line *source.Node, w shellWord) *source.Node {
	n := *line
	n.Text, n.Pos = w.text, line.At(w.offset)
	return &n
}

func (r *iniReader) hostLine(node *source.Node) {
	words, err := splitWords(node.Text, true)
	if err != nil {
		r.add(node.ProblemAt(0, utf8.RuneCountInString(node.Text), "cannot take this line apart: "+err.Error(), ""))
		return
	}
	line, ok := r.pattern(r.part(node, words[0]))
	if !ok {
		return
	}
	for _, w := range words[1:] {
		word := r.part(node, w)
		name, text, found := strings.Cut(w.text, "=")
		if !found || name == "" {
			r.add(word.ProblemAt(0, utf8.RuneCountInString(w.text), fmt.Sprintf("behind a host stands name=value, not %s", quote(w.text)), "a value with spaces is written in quotes"))
			return
		}
		line.vars = append(line.vars, r.variable(name, word, r.literal(word, text), "host "+line.node.Text))
	}
	r.hosts(line, r.section)
}

func (r *iniReader) varLine(node *source.Node) {
	name, text, found := strings.Cut(node.Text, "=")
	name, text = strings.TrimRightFunc(name, unicode.IsSpace), strings.TrimLeftFunc(text, unicode.IsSpace)
	if !found || name == "" {
		r.add(node.ProblemAt(0, utf8.RuneCountInString(node.Text), fmt.Sprintf("in [%s:vars] stands name=value, not %s", r.section, quote(node.Text)), ""))
		return
	}
	r.groupVar(r.section, r.variable(name, node, r.literal(node, text), ownerOf(r.section)))
}

func (r *iniReader) childLine(node *source.Node) {
	name := iniGroup.FindStringSubmatch(node.Text)
	if name == nil {
		r.add(node.ProblemAt(0, utf8.RuneCountInString(node.Text), fmt.Sprintf("in [%s:children] stands the name of a group, not %s", r.section, quote(node.Text)), ""))
		return
	}
	r.child(r.section, r.part(node, shellWord{name[1], 0}))
}

// literal reads a value as Ansible does: what Python would take for a literal is one, all else is text.
func (r *iniReader) literal(node *source.Node, text string) any {
	value, strange := pythonLiteral(text)
	if strange != "" {
		r.warn(node, fmt.Sprintf("%s is %s, which opsctl does not have; it is kept as text", quote(text), strange), "")
		return text
	}
	return value
}
