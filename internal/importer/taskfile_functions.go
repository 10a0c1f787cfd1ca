package importer

// goFunctions are those whose last argument is what they work on.
var goFunctions = map[string]struct {
	function string
	sort     sort
	args     int // before the last
	swap     bool
}{
	"trim": {"trim", text, 0, false}, "lower": {"lower", text, 0, false}, "upper": {"upper", text, 0, false},
	"trimSuffix": {"trimSuffix", text, 1, true}, "trimPrefix": {"trimPrefix", text, 1, true},
	"splitList": {"split", list, 1, true}, "split": {"split", list, 1, true}, "join": {"join", text, 1, true},
	"toString": {"string", text, 0, false}, "int": {"int", number, 0, false}, "first": {"first", anything, 0, false},
	"last": {"last", anything, 0, false}, "uniq": {"uniq", list, 0, false}, "toJson": {"toJSON", text, 0, false},
	"b64enc": {"toBase64", text, 0, false},
}

// pipe reads a term and the functions it is given to.
func (g *goTemplate) pipe() (phrase, error) {
	if g.depth++; g.depth > nestingMax {
		return phrase{}, unsaid("a template nested deeper than %d", nestingMax)
	}
	defer func() { g.depth-- }()
	p, err := g.term(nil)
	for err == nil && g.sign("|") {
		p, err = g.term(&p)
	}
	return p, err
}

func (g *goTemplate) sign(s string) bool {
	if g.at < len(g.words) && g.words[g.at].kind == wordSign && g.words[g.at].text == s {
		g.at++
		return true
	}
	return false
}

// term reads a value, or a call; piped is its last argument.
func (g *goTemplate) term(piped *phrase) (phrase, error) {
	if g.at >= len(g.words) {
		return phrase{}, unsaid("an empty template")
	}
	w := g.words[g.at]
	if w.kind == wordName && w.text[0] != '.' {
		g.at++
		return g.call(w.text, piped)
	}
	if piped != nil {
		return phrase{}, unsaid("%q after |", w.text)
	}
	return g.value()
}

// value reads a var, a text, a number, or what stands in parentheses.
func (g *goTemplate) value() (phrase, error) {
	w := g.words[g.at]
	g.at++
	switch {
	case w.kind == wordString:
		return fixedText(w.text), nil
	case w.kind == wordNumber:
		p := fixedText(w.text)
		return p, nil
	case w.kind == wordName && w.text[0] == '.':
		return g.names(w.text[1:], g.byDefault())
	case w.kind == wordSign && w.text == "(":
		p, err := g.pipe()
		if err == nil && !g.sign(")") {
			err = unsaid("parentheses that are not closed")
		}
		return p, err
	}
	return phrase{}, unsaid("%q in a template", w.text)
}

// byDefault looks ahead, or back, for the text that stands in for a var: {{.X | default "y"}}, {{default "y" .X}}.
func (g *goTemplate) byDefault() string {
	is := func(i int, text string) bool { return i >= 0 && i < len(g.words) && g.words[i].text == text }
	if is(g.at, "|") && is(g.at+1, "default") && g.at+2 < len(g.words) && g.words[g.at+2].kind == wordString {
		return g.words[g.at+2].text
	}
	if is(g.at-3, "default") && g.words[g.at-2].kind == wordString {
		return g.words[g.at-2].text
	}
	return ""
}

func (g *goTemplate) call(name string, piped *phrase) (phrase, error) {
	var args []phrase
	for g.at < len(g.words) && !(g.words[g.at].kind == wordSign && g.words[g.at].text != "(") {
		if w := g.words[g.at]; w.kind == wordName && w.text[0] != '.' {
			return phrase{}, unsaid("%s in a template", w.text)
		}
		a, err := g.value()
		if err != nil {
			return a, err
		}
		args = append(args, a)
	}
	if piped != nil {
		args = append(args, *piped)
	}
	if f, ok := goFunctions[name]; ok && len(args) == f.args+1 {
		if f.swap {
			args[0], args[1] = args[1], args[0]
		}
		return call(f.function, f.sort, args...), nil
	}
	switch {
	case name == "default" && len(args) == 2:
		if args[1].fixed && args[1].known != "" {
			return args[1], nil
		}
		if args[1].fixed {
			return args[0], nil
		}
		return args[1].orDefault(args[0]), nil
	case name == "env" && len(args) == 1 && args[0].fixed && dataName.MatchString(args[0].known):
		return atom("env."+args[0].known, text), nil
	case (name == "quote" || name == "squote" || name == "q" || name == "shellQuote") && len(args) == 1:
		return args[0], nil // a value is one word here
	case name == "replace" && len(args) == 3:
		return call("replace", text, args[2], args[0], args[1]), nil
	}
	return phrase{}, unsaid("%s in a template", name)
}

// orDefault is another value where a text is empty. A param or var of ours has its default already.
func (p phrase) orDefault(other phrase) phrase {
	if dataName.MatchString(p.expr) && !p.late {
		return p
	}
	if p.sort == text && p.late {
		return choice(p, p, other)
	}
	return otherwise(p, other)
}
