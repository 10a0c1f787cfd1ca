package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

// format is one kind of inventory file: how its content is known, and its reader. A reader
// notes every problem in troubles and returns what it could read.
type format struct {
	name     string
	bytesMax int
	is       func(path, text string) bool
	read     func(path string, file *source.File, t *troubles) *draft
}

// formats are asked in this order; the last one takes what nobody knows.
func formats() []format {
	return []format{
		{name: "ssh_config", bytesMax: SourceBytesMax, is: func(_, text string) bool { return isSSHConfig(text) }, read: readSSHConfig},
		{name: "Ansible's INI", bytesMax: longBytesMax, is: isINI, read: func(_ string, file *source.File, t *troubles) *draft { return decodeINI(file, t) }},
		{name: "JSON", bytesMax: longBytesMax, is: func(_, text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "{") }, read: readBraces},
		{name: "YAML", bytesMax: SourceBytesMax, is: func(_, _ string) bool { return true }, read: readYAML},
	}
}

// loader reads sources into drafts.
type loader struct {
	troubles
	drafts []*draft
	dirs   []string // in which Ansible's group_vars and host_vars may be, in the order of the sources
	unread bool     // something could not be read
}

// Load reads and merges inventories; what a later one says wins, key by key. A source is the path
// of a file, of a program that prints an inventory, or of a directory of these; or hosts with commas:
// "web1,deploy@web2:2222,". Without sources there is only the controller. An error is
// source.Problems, all of them at once.
func Load(sources []string) (*Inventory, error) {
	var l loader
	for i, src := range sources {
		if strings.Contains(src, ",") {
			l.drafts = append(l.drafts, readHostList(src, i, &l.troubles))
			continue
		}
		l.source(src)
	}
	if l.unread { // names missing because a file could not be read are no mistakes
		_, err := l.end()
		return nil, err
	}
	return build(l.drafts, l.varsTrees(), &l.troubles)
}

// source reads what -i names. Vars beside it belong to it when something in it is Ansible's.
func (l *loader) source(path string) {
	before := len(l.drafts)
	dir := path
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		l.directory(path, 0)
	} else {
		dir = filepath.Dir(path)
		l.file(path)
	}
	for _, d := range l.drafts[before:] {
		if d.ansible {
			l.dirs = append(slices.DeleteFunc(l.dirs, func(known string) bool { return known == dir }), dir)
			return
		}
	}
}

func (l *loader) refuse(path, message, hint string) {
	l.unread = true
	l.add(&source.Problem{File: &source.File{Name: path}, Message: message, Hint: hint})
}

func (l *loader) keep(d *draft) {
	if d == nil {
		l.unread = true
		return
	}
	l.drafts = append(l.drafts, d)
}

func (l *loader) file(path string) {
	text, message, hint := readText(path, longBytesMax)
	if runs, why := isProgram(path, text); runs {
		l.keep(l.program(path))
		return
	} else if why != "" {
		l.refuse(path, why, "chmod +x "+path)
		return
	}
	if message != "" {
		l.refuse(path, message, hint)
		return
	}
	file := &source.File{Name: path, Text: text}
	if p := foreign(file); p != nil {
		l.unread = true
		l.add(p)
		return
	}
	for _, f := range formats() {
		if !f.is(path, text) {
			continue
		}
		if len(text) > f.bytesMax {
			l.refuse(path, fmt.Sprintf("is longer than %d bytes", f.bytesMax), "split it; -i takes several")
			return
		}
		l.keep(f.read(path, file, &l.troubles))
		return
	}
}

// readText gives the content of a file, or says for the operator why it cannot. The content is given,
// too, where it is not text.
func readText(path string, bytesMax int) (text, message, hint string) {
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
		return "", "is a directory, not a file", ""
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "cannot read the inventory: " + cause(err), ""
	}
	content, err := io.ReadAll(io.LimitReader(f, int64(bytesMax)+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return "", "cannot read the inventory: " + cause(err), ""
	case len(content) > bytesMax:
		return string(content), fmt.Sprintf("is longer than %d bytes", bytesMax), "split it; -i takes several"
	case strings.TrimSpace(string(content)) == "":
		return "", blankFile, ""
	case strings.IndexByte(string(content), 0) >= 0 || !utf8.Valid(content):
		return string(content), "is not text (it is binary, or not UTF-8)", "inventories are YAML, INI, JSON or ssh_config, in UTF-8"
	}
	return string(content), "", ""
}

// blankFile is what is said of a file of nothing but space.
const blankFile = "is empty"

// cause is what the system says, without the path that is already told.
func cause(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// foreign names what is an inventory for Ansible and not for us, and what is none.
func foreign(file *source.File) *source.Problem {
	problem := source.Problem{File: file, Pos: source.Pos{Line: 1, Column: 1}}
	switch {
	case strings.HasPrefix(file.Text, "$ANSIBLE_VAULT;"):
		problem.Message = "is encrypted with ansible-vault, which opsctl does not open"
		problem.Hint = "ansible-vault view " + file.Name
	case filepath.Ext(file.Name) == ".toml":
		problem.Message = "is TOML, which opsctl does not read"
		problem.Hint = "ansible-inventory -i " + file.Name + " --list > inventory.json"
	default:
		return nil
	}
	return &problem
}

var (
	yamlStart   = regexp.MustCompile(`^(?:---|%YAML|[{\-?&!]\s*|(?:[^\s'"\[][^\s]*|'[^']*'|"[^"]*"|[\w.-]+( [\w.-]+)+)\s*:(?:\s|$))`)
	hostWithVar = regexp.MustCompile(`^\S*[^\s:]\s+[\w.-]+=`)
)

// isINI looks at the first line that says something: YAML begins with a key and a colon, with a brace,
// a dash or "---"; INI with a section in brackets or the name of a host.
func isINI(path, text string) bool {
	if end := filepath.Ext(path); end == ".yaml" || end == ".yml" || end == ".json" {
		return strings.HasPrefix(firstWords(text), "[") && iniHeader.MatchString(firstWords(text))
	}
	line := firstWords(text)
	return line != "" && (hostWithVar.MatchString(line) || !yamlStart.MatchString(line))
}

// firstWords gives the first line that is neither empty nor a comment.
func firstWords(text string) string {
	for _, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			return line
		}
	}
	return ""
}

// readBraces reads what begins with "{": JSON of Ansible, or YAML that is written so.
func readBraces(path string, file *source.File, t *troubles) *draft {
	node, bad := parseJSON(file)
	switch {
	case bad == nil && isDynamic(node):
		return decodeDynamic(node, t, nil)
	case bad == nil && isAnsibleMap(node):
		return decodeAnsibleYAML(node, jsonScalar, t)
	}
	return readYAML(path, file, t)
}

func readYAML(_ string, file *source.File, t *troubles) *draft {
	node, err := source.Parse(file)
	if err != nil {
		t.addAll(file, err)
		return nil
	}
	if isAnsibleMap(node) {
		return decodeAnsibleYAML(node, yaml11Scalar, t)
	}
	return decodeDraft(node, t)
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
