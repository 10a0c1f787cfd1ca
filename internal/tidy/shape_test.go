package tidy

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

const (
	fileLinesMax     = 400
	functionLinesMax = 60
)

// longFiles and longFunctions are the exceptions, each with its reason. A function is "path:name".
var (
	longFiles     = map[string]string{}
	longFunctions = map[string]string{}
)

var fileSizes = rule{
	name: "files are short",
	why:  fmt.Sprintf("a file of more than %d lines holds more than one thing", fileLinesMax),
	way:  "move what has a noun or verb of its own into a file of that name; an exception gets its reason in longFiles of internal/tidy/shape_test.go",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			lines := strings.Count(strings.TrimSuffix(t.texts[s.path], "\n"), "\n") + 1
			if !s.test && lines > fileLinesMax && longFiles[s.path] == "" {
				found = append(found, refusal{path: s.path, what: fmt.Sprintf("has %d lines", lines)})
			}
		}
		return found
	},
}

var functionSizes = rule{
	name: "functions fit a screen",
	why:  fmt.Sprintf("a function of more than %d lines cannot be seen at once", functionLinesMax),
	way:  "ifs up, fors down: the parent keeps the branches, pure helpers do the rest; an exception gets its reason in longFunctions of internal/tidy/shape_test.go",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			for _, d := range s.file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || s.test {
					continue
				}
				lines := t.line(f.End()) - t.line(f.Pos()) + 1
				if lines > functionLinesMax && longFunctions[s.path+":"+f.Name.Name] == "" {
					found = append(found, t.refuse(s, f.Pos(), fmt.Sprintf("%s has %d lines", f.Name.Name, lines)))
				}
			}
		}
		return found
	},
}

var emptyNames = []string{
	"util", "utils", "common", "helper", "helpers", "types", "models", "model", "misc", "base", "shared", "lib", "core", "manager",
}

var packageNames = rule{
	name: "packages and files are named for what they hold",
	why:  "a name that fits everything says nothing, and soon everything is in there",
	way:  "name it by a noun or verb of the glossary; what cannot be named so has no place yet",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
			switch {
			case slices.Contains(emptyNames, path.Base(s.dir)), slices.Contains(emptyNames, strings.TrimSuffix(s.file.Name.Name, "_test")):
				found = append(found, refusal{path: s.path, what: fmt.Sprintf("package %s says nothing", s.file.Name.Name)})
			case slices.Contains(emptyNames, name):
				found = append(found, refusal{path: s.path, what: fmt.Sprintf("file name %s says nothing", name)})
			}
		}
		return found
	},
}

var packageDocs = rule{
	name: "every package says what it is",
	why:  "a package that does not say what it is unaware of soon learns it",
	way:  "write doc.go: \"Package x is ...\", then what it is unaware of; a command says it above package main",
	check: func(t *tree) (found []refusal) {
		for dir, files := range t.packages() {
			if !documented(dir, files) {
				found = append(found, refusal{path: dir, what: "has no doc.go that begins with \"Package " + path.Base(dir) + "\""})
			}
		}
		return found
	},
}

func documented(dir string, files []*source) bool {
	if slices.ContainsFunc(files, func(s *source) bool { return s.file.Name.Name == "main" }) {
		return slices.ContainsFunc(files, func(s *source) bool { return s.file.Doc != nil })
	}
	if !slices.ContainsFunc(files, func(s *source) bool { return !strings.HasSuffix(s.file.Name.Name, "_test") }) {
		return true // only tests from outside: there is no package to describe
	}
	return slices.ContainsFunc(files, func(s *source) bool {
		return path.Base(s.path) == "doc.go" && strings.HasPrefix(s.file.Doc.Text(), "Package "+path.Base(dir)+" ")
	})
}

var inits = rule{
	name: "nothing happens before main",
	why:  "init runs for every command, --version and --help too, in an order nobody reads",
	way:  "make it a function and call it where it is needed",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			for _, d := range s.file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					found = append(found, t.refuse(s, f.Pos(), "has an init function"))
				}
			}
		}
		return found
	},
}

// exceptions names the files our tables make an exception for.
func exceptions() map[string]bool {
	all := map[string]bool{}
	for _, table := range []map[string]string{longFiles, longFunctions, sleepers, variableExceptions, readers} {
		for key := range table {
			name, _, _ := strings.Cut(key, ":")
			all[name] = true
		}
	}
	return all
}
