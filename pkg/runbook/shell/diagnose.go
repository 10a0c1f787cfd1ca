package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

const variableHint = "assign it to a variable first: v=${{ … }}"

// trees reads the script again, with its comments, which only a mistake makes necessary.
func (a *assembly) trees() []*syntax.File {
	var trees []*syntax.File
	for _, lang := range []syntax.LangVariant{syntax.LangPOSIX, syntax.LangBash} {
		if file, err := parseAs(a.source, lang, syntax.KeepComments(true)); err == nil {
			trees = append(trees, file)
		}
	}
	return trees
}

// diagnose says why a place has no safe form: the innermost construct around it that is known to be the reason.
func (a *assembly) diagnose(trees []*syntax.File, at int) (message, hint string) {
	message, hint = "no form of a value is safe here", variableHint+`; then "$v"`
	for _, tree := range trees {
		for node := range syntax.Preorder(tree) {
			if m, h := a.reason(node, at); m != "" {
				message, hint = m, h
			}
		}
	}
	return message, hint
}

func inside(n syntax.Node, at int) bool {
	return int(n.Pos().Offset()) <= at && at < int(n.End().Offset())
}

func (a *assembly) reason(node syntax.Node, at int) (message, hint string) {
	switch n := node.(type) {
	case *syntax.Comment:
		if inside(n, at) {
			return "a value stands in a comment, which a newline in it would end", "take it out of the comment"
		}
	case *syntax.Assign:
		return assignReason(n, at)
	case *syntax.Redirect:
		return redirectReason(n, at)
	case *syntax.FuncDecl:
		if n.Name != nil && inside(n.Name, at) {
			return "a value stands where a function name goes", "write the name itself"
		}
	case *syntax.WordIter:
		if inside(n.Name, at) {
			return nameMessage, nameHint
		}
	case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CStyleLoop:
		if inside(n, at) {
			return arithmeticMessage, arithmeticHint
		}
	case *syntax.BinaryTest, *syntax.UnaryTest:
		return testReason(n, at)
	default:
		if inside(node, at) {
			return a.partReason(node, at)
		}
	}
	return "", ""
}

func assignReason(n *syntax.Assign, at int) (message, hint string) {
	switch {
	case n.Name != nil && inside(n.Name, at), n.Naked && n.Value != nil && inside(n.Value, at):
		return nameMessage, nameHint
	case n.Index != nil && inside(n.Index, at):
		return "a value stands in an array subscript, which would evaluate it", "assign it first: i=${{ … }}; then a[$i]=…"
	}
	return "", ""
}

func redirectReason(n *syntax.Redirect, at int) (message, hint string) {
	document := n.Op == syntax.Hdoc || n.Op == syntax.DashHdoc
	switch {
	case n.N != nil && inside(n.N, at), !document && inside(n.Word, at) && (n.Op == syntax.DplIn || n.Op == syntax.DplOut):
		return "a value stands where a file descriptor goes", "write the number; for a file write >${{ … }}"
	case document && inside(n.Word, at):
		return "a value stands in the delimiter of a here-document", "write a fixed word such as EOF"
	case document && n.Hdoc != nil && inside(n.Hdoc, at) && (n.Word.Lit() == "" || strings.Contains(n.Word.Lit(), `\`)):
		return "no value can go into a quoted here-document", "write <<EOF without quotes, and \\$ where a dollar is meant"
	}
	return "", ""
}

func testReason(node syntax.Node, at int) (message, hint string) {
	if !inside(node, at) {
		return "", ""
	}
	switch n := node.(type) {
	case *syntax.UnaryTest:
		if n.Op == syntax.TsVarSet || n.Op == syntax.TsRefVar {
			return nameMessage, nameHint
		}
	case *syntax.BinaryTest:
		switch n.Op {
		case syntax.TsReMatch:
			return "a value stands in a regular expression", "assign it first: re=${{ … }}; then [[ … =~ $re ]]"
		case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
			return "a value stands in [[ … ]] with a numeric operator, which would evaluate it", `write [ … ] instead: [ "$x" -eq ${{ … }} ]`
		}
	}
	return "", ""
}

func (a *assembly) partReason(node syntax.Node, at int) (message, hint string) {
	switch n := node.(type) {
	case *syntax.SglQuoted:
		if n.Dollar {
			return "a value stands in $'…'", "close the quotes before it: $'…'${{ … }}"
		}
	case *syntax.DblQuoted:
		if n.Dollar {
			return `a value stands in $"…"`, `write "…" without the dollar`
		}
	case *syntax.ExtGlob:
		return "a value stands in an extended pattern", variableHint
	case *syntax.CmdSubst:
		if n.Backquotes {
			return "a value stands in backquotes, which have a level of backslashes of their own", "use $(…)"
		}
	case *syntax.ParamExp:
		return a.expansionReason(n, at)
	}
	return "", ""
}

func (a *assembly) expansionReason(n *syntax.ParamExp, at int) (message, hint string) {
	switch {
	case n.Param == nil || !inside(n.Param, at):
		return "a value stands inside ${…}, where shells quote differently", variableHint + "; then use $v inside the braces"
	case n.Short && int(n.Param.Pos().Offset()) == at:
		return "a dollar stands right before a value", `for a dollar sign write \$ before the value; else leave it away`
	case n.Short:
		name := strings.ReplaceAll(a.source[n.Param.Pos().Offset():at], "\\\n", "")
		return "a value stands right after a variable without braces", "write ${" + name + "} before it"
	}
	return nameMessage, nameHint
}
