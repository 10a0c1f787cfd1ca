package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// wrongWord has a right one in the glossary (docs/DESIGN.md).
type wrongWord struct {
	wrong string
	right string
	// only are the packages in which the word can be taken for ours; none are all.
	only []string
	// besides are the packages in which it means something else, for the reason given.
	besides []string
	reason  string
}

// glossary lists only those wrong words that are never right by chance: item, node, server, message and the like are
// also words of YAML, of SSH, of Go.
var glossary = []wrongWord{
	{wrong: "playbook", right: "runbook", besides: []string{"pkg/inventory", "internal/importer"}, reason: "Ansible's own word, in what reads its files"},
	{wrong: "workflow", right: "runbook", besides: []string{"internal/view"}, reason: "GitHub's own word, in what speaks to it"},
	{wrong: "pipeline", right: "runbook", besides: []string{"pkg/runbook/shell", "internal/view"}, reason: "the shell's and GitLab's own word"},
	{wrong: "task", right: "step (written) or op (planned)", besides: []string{"pkg/inventory", "internal/importer"}, reason: "Ansible's and go-task's own word"},
	{wrong: "job", right: "step (written) or op (planned)", besides: []string{"pkg/executor/supervisor", "internal/view", "internal/fleet"}, reason: "a shell's job control, a CI's job"},
	{wrong: "stage", right: "block", besides: []string{"internal/cli", "pkg/executor"}, reason: "a verb there: files are staged on a host"},
	{wrong: "depends_on", right: "needs"},
	{wrong: "dependency", right: "need", only: []string{"pkg/runbook", "pkg/plan", "pkg/run"}},
	{wrong: "unit", right: "op", only: []string{"pkg/plan", "pkg/run"}},
	{wrong: "batch", right: "wave", only: []string{"pkg/plan", "pkg/runbook", "internal/cli"}, besides: []string{"pkg/runbook/shell"}, reason: "cases tried in one script"},
	{wrong: "slice", right: "wave", only: []string{"pkg/plan", "pkg/run"}},
	{wrong: "execution", right: "run"},
	{wrong: "revert", right: "undo (one op) or rollback (a run)"},
	{wrong: "compensate", right: "undo (one op) or rollback (a run)"},
	{wrong: "compensation", right: "undo (one op) or rollback (a run)"},
	{wrong: "connector", right: "prober or attempter"},
	{wrong: "wrapper", right: "supervisor, or the name of what it does"},
	{wrong: "printer", right: "view"},
	{wrong: "reporter", right: "view"},
}

var words = rule{
	name: "one thing has one word",
	why:  "who learnt a word once should meet no other for the same thing, neither in the code nor on the screen",
	way:  "say the word given; a package to which the wrong word belongs by right goes into besides of internal/tidy/words_test.go, with the reason",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			if s.dir == own {
				continue
			}
			here := slices.DeleteFunc(slices.Clone(glossary), func(w wrongWord) bool {
				return len(w.only) > 0 && !below(s.dir, w.only) || below(s.dir, w.besides)
			})
			refuse := func(at token.Pos, where string, said func(wrong string) bool) {
				for _, w := range here {
					if said(w.wrong) {
						found = append(found, t.refuse(s, at, fmt.Sprintf("%s: say %s, not %s", where, w.right, w.wrong)))
					}
				}
			}
			for _, id := range declared(s.file) {
				parts := split(id.Name)
				refuse(id.Pos(), id.Name, func(wrong string) bool { return contains(parts, wrong) })
			}
			for _, group := range s.file.Comments {
				for _, c := range group.List {
					said := wordsOf(c.Text)
					refuse(c.Pos(), "comment", func(wrong string) bool {
						return slices.Contains(said, wrong) || slices.Contains(said, plural(wrong))
					})
				}
			}
		}
		return found
	},
}

var dryRuns = rule{
	name: "dry runs are known to one file and to cli",
	why: "a dry run changes nothing because it has no attempter, not because somebody remembered to ask; code that asks whether " +
		"this is a dry run is code that can forget to",
	way: "ask what is there (an attempter or none), or let internal/cli put other parts together",
	check: func(t *tree) []refusal {
		var outside []refusal
		executor := map[string][]refusal{}
		for _, s := range t.files {
			if s.test || below(s.dir, []string{own, "internal/cli", "cmd"}) {
				continue
			}
			for _, at := range dryRunsOf(s.file) {
				r := t.refuse(s, at, "speaks of a dry run")
				if s.dir == "pkg/executor" {
					executor[s.path] = append(executor[s.path], r)
				} else {
					outside = append(outside, r)
				}
			}
		}
		if len(executor) > 1 {
			for _, found := range executor {
				outside = append(outside, found...)
			}
		}
		return outside
	},
}

func dryRunsOf(file *ast.File) (all []token.Pos) {
	for _, id := range declared(file) {
		if contains(split(id.Name), "dry_run") {
			all = append(all, id.Pos())
		}
	}
	for _, group := range file.Comments {
		if dryRun.MatchString(group.Text()) {
			all = append(all, group.Pos())
		}
	}
	return all
}

// contains looks for a word and its plural among the parts of a name; depends_on is there as dependsOn, too.
func contains(parts []string, word string) bool {
	wanted := strings.Split(word, "_")
	for i := range parts {
		if i+len(wanted) > len(parts) {
			return false
		}
		last := parts[i+len(wanted)-1]
		ending := wanted[len(wanted)-1]
		if slices.Equal(parts[i:i+len(wanted)-1], wanted[:len(wanted)-1]) && (last == ending || last == plural(ending)) {
			return true
		}
	}
	return false
}

func plural(word string) string {
	switch {
	case strings.HasSuffix(word, "y"):
		return strings.TrimSuffix(word, "y") + "ies"
	case strings.HasSuffix(word, "ch"):
		return word + "es"
	}
	return word + "s"
}

// split takes a name apart: dependsOnHTTP is depends, on, http.
func split(name string) (parts []string) {
	runes := []rune(name)
	start := 0
	cut := func(end int) {
		if part := strings.Trim(string(runes[start:end]), "_"); part != "" {
			parts = append(parts, strings.ToLower(part))
		}
		start = end
	}
	for i := 1; i < len(runes); i++ {
		up, before := unicode.IsUpper(runes[i]), unicode.IsUpper(runes[i-1])
		next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if runes[i] == '_' || up && !before || up && next {
			cut(i)
		}
	}
	cut(len(runes))
	return parts
}

// What a comment quotes is not its own word.
var (
	quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"")
	dryRun = regexp.MustCompile(`(?i)\bdry[ -]runs?\b`)
	word   = regexp.MustCompile(`[A-Za-z_]+`)
)

func wordsOf(comment string) []string {
	return word.FindAllString(strings.ToLower(quoted.ReplaceAllString(comment, " ")), -1)
}

// declared gives the names a file makes up itself: not those it takes from elsewhere.
func declared(file *ast.File) []*ast.Ident {
	all := []*ast.Ident{file.Name}
	add := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
			all = append(all, id)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			add(n.Name)
		case *ast.TypeSpec:
			add(n.Name)
		case *ast.Field:
			for _, id := range n.Names {
				add(id)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				add(id)
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if n.Tok == token.DEFINE {
					add(e)
				}
			}
		}
		return true
	})
	return all
}
