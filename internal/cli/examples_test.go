package cli

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamples holds every command to what its help promises: it says what it is for, it has its
// place in the list, and its examples are commands that opsctl understands.
func TestExamples(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, inner := range c.Commands() {
			visit(inner)
		}
		if !c.Runnable() || strings.HasPrefix(c.CommandPath(), "opsctl completion") || c.Name() == "help" {
			return
		}
		t.Run(c.CommandPath(), func(t *testing.T) {
			if c.Short == "" || c.Example == "" {
				t.Error("it has no description, or no example")
			}
			if c.HasParent() && !c.Parent().HasParent() && c.GroupID == "" && !c.Hidden {
				t.Error("it has no place in the list of commands")
			}
			for _, line := range strings.Split(c.Example, "\n") {
				understood(t, c, line)
			}
		})
	}
	visit(testRoot())
}

func testRoot() *cobra.Command {
	return newRoot(&app{in: strings.NewReader(""), out: io.Discard, err: io.Discard, origins: map[string]string{}})
}

// understood parses one example with a root of its own: flags keep what they were given.
func understood(t *testing.T, of *cobra.Command, line string) {
	t.Helper()
	words := exampleWords(line)
	for i, w := range words {
		if w == "|" || w == ">" || w == "&&" { // from here on it is the shell's
			words = words[:i]
			break
		}
	}
	if len(words) == 0 || words[0] != "opsctl" {
		return
	}
	c, args, err := testRoot().Find(words[1:])
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if of.HasParent() && !strings.HasPrefix(c.CommandPath(), of.CommandPath()) {
		t.Errorf("%s: an example of %s stands at %s", line, c.CommandPath(), of.CommandPath())
	}
	if err := c.ParseFlags(args); err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

var exampleWord = regexp.MustCompile(`'([^']*)'|(#.*)|(\S+)`)

// exampleWords parts the line of an example: words stand between spaces or in '…', # begins a comment.
func exampleWords(line string) []string {
	var words []string
	for _, m := range exampleWord.FindAllStringSubmatch(line, -1) {
		switch {
		case m[2] != "":
			return words
		case m[3] != "":
			words = append(words, m[3])
		default:
			words = append(words, m[1])
		}
	}
	return words
}
