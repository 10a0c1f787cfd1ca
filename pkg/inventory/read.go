package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

// format is one kind of inventory file: how its content is known, and its reader. A reader
// notes every problem in troubles and returns what it could read.
type format struct {
	name string
	is   func(text string) bool
	read func(path string, file *source.File, t *troubles) *draft
}

// formats are asked in this order; the last one takes what nobody knows.
func formats() []format {
	return []format{
		{name: "ssh_config", is: isSSHConfig, read: readSSHConfig},
		{name: "YAML", is: func(string) bool { return true }, read: readYAML},
	}
}

// Load reads and merges inventories; what a later one says wins, key by key. A source is the path
// of a file, or hosts with commas: "web1,deploy@web2:2222,". Without sources there is only the
// controller. An error is source.Problems, all of them at once.
func Load(sources []string) (*Inventory, error) {
	var t troubles
	var drafts []*draft
	unread := false
	for i, src := range sources {
		if strings.Contains(src, ",") {
			drafts = append(drafts, readHostList(src, i, &t))
			continue
		}
		if d := readPath(src, &t); d != nil {
			drafts = append(drafts, d)
		} else {
			unread = true
		}
	}
	if unread { // names missing because a file could not be read are no mistakes
		_, err := t.end()
		return nil, err
	}
	return build(drafts, &t)
}

func readPath(path string, t *troubles) *draft {
	file := &source.File{Name: path}
	text, message, hint := readText(path)
	if message != "" {
		t.add(&source.Problem{File: file, Message: message, Hint: hint})
		return nil
	}
	file.Text = text
	for _, f := range formats() {
		if f.is(text) {
			return f.read(path, file, t)
		}
	}
	return nil
}

// readText gives the content of a file, or says for the operator why it cannot.
func readText(path string) (text, message, hint string) {
	if path == "" {
		return "", "the inventory has no name", "give a file, or hosts with commas: web1,web2,"
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		hint := ""
		if !strings.ContainsAny(path, "/") {
			hint = fmt.Sprintf("for a list of hosts put a comma behind it: %q", path+",")
		}
		return "", "cannot read the inventory: there is no such file", hint
	}
	if err != nil {
		return "", "cannot read the inventory: " + cause(err), ""
	}
	if info.IsDir() {
		return "", "is a directory, not a file", "name the inventory file inside it"
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "cannot read the inventory: " + cause(err), ""
	}
	content, err := io.ReadAll(io.LimitReader(f, SourceBytesMax+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return "", "cannot read the inventory: " + cause(err), ""
	case len(content) > SourceBytesMax:
		return "", fmt.Sprintf("is longer than %d bytes", SourceBytesMax), "split it; -i takes several"
	case strings.TrimSpace(string(content)) == "":
		return "", "is empty", ""
	case strings.IndexByte(string(content), 0) >= 0 || !utf8.Valid(content):
		return "", "is not text (it is binary, or not UTF-8)", "inventories are YAML or ssh_config, in UTF-8"
	}
	return string(content), "", ""
}

// cause is what the system says, without the path that is already told.
func cause(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

var iniSection = regexp.MustCompile(`^\[[\w.:-]+\]\s*$`)

// foreign names inventories of other tools, which a YAML parser would only describe badly.
func foreign(file *source.File) *source.Problem {
	if strings.HasPrefix(file.Text, "#!") {
		return &source.Problem{
			File: file, Pos: source.Pos{Line: 1, Column: 1}, Message: "this is a program; this version reads inventories, and does not run them",
			Hint: "write what it prints as hosts: and groups: in YAML",
		}
	}
	for n, line := range strings.Split(file.Text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if !iniSection.MatchString(line) {
			break
		}
		return &source.Problem{
			File: file, Pos: source.Pos{Line: n + 1, Column: 1}, Message: "this is an Ansible inventory in INI, which this version does not read",
			Hint: "write it in YAML:\n  hosts: {web1: {addr: 10.0.0.1}}\n  groups: {web: {hosts: [web1]}}",
		}
	}
	return nil
}

func readYAML(_ string, file *source.File, t *troubles) *draft {
	if p := foreign(file); p != nil {
		t.add(p)
		return nil
	}
	node, err := source.Parse(file)
	if err == nil {
		return decodeDraft(node, t)
	}
	problems, ok := source.AsProblems(err)
	if !ok {
		problems = source.Problems{{File: file, Message: err.Error()}}
	}
	for _, p := range problems {
		t.add(p)
	}
	return nil
}

var listWord = regexp.MustCompile(`[^,]+`)

// readHostList reads "web1,deploy@web2:2222,". Ranges are allowed.
func readHostList(text string, index int, t *troubles) *draft {
	name := "-i"
	if index > 0 {
		name = fmt.Sprintf("-i (number %d)", index+1)
	}
	file := &source.File{Name: name, Text: text}
	d := decoder{troubles: t, seen: map[string]*source.Node{}}
	given := map[string]address{}
	for _, at := range listWord.FindAllStringIndex(text, -1) {
		word := strings.TrimSpace(text[at[0]:at[1]])
		if word == "" {
			continue
		}
		start := at[0] + strings.Index(text[at[0]:at[1]], word)
		node := &source.Node{File: file, Pos: source.Pos{Line: 1, Column: utf8.RuneCountInString(text[:start]) + 1}, Kind: source.Scalar, Text: word}
		d.listed(node, given)
	}
	if len(d.draft.hosts) == 0 && t.list.Err() == nil {
		t.add(&source.Problem{File: file, Message: "the list of hosts is empty"})
	}
	return &d.draft
}

// listed notes the hosts of one word. A host given twice does no harm, unless it is given differently.
func (d *decoder) listed(node *source.Node, given map[string]address) {
	width := utf8.RuneCountInString(node.Text)
	texts := []string{node.Text}
	if _, err := parseAddress(node.Text); err != nil && strings.Contains(node.Text, "[") {
		names, bad := d.expand(node.Text)
		if bad != nil {
			d.add(node.ProblemAt(bad.offset, bad.width, bad.message, bad.hint))
			return
		}
		texts = names
	}
	for _, text := range texts {
		a, err := parseAddress(text)
		if err != nil {
			hint := ""
			if strings.Contains(text, "/") {
				hint = "a source with a comma is a list of hosts, not a file"
			}
			d.add(node.ProblemAt(0, width, err.Error(), hint))
			return
		}
		if first, twice := given[a.host]; twice {
			if first != a {
				d.add(node.ProblemAt(0, width, fmt.Sprintf("host %s is given twice, differently", quote(a.host)),
					"to reach one address in several ways, name each in an inventory file: hosts: {a: {addr: …, port: …}}"))
			}
			continue
		}
		given[a.host] = a
		named := *node
		named.Text = a.host
		d.host(&named, &hostKeys{user: a.user, port: a.port})
	}
}
