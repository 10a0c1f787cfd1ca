package inventory

import (
	"errors"
	"strings"
)

// shellWord is a word of a line, without its quotes, and where it starts.
type shellWord struct {
	text   string
	offset int // in bytes
}

// splitWords takes a line apart as Python's shlex.split does: quotes, backslashes, and with
// comments a "#" that ends the line, even in the middle of a word.
func splitWords(line string, comments bool) ([]shellWord, error) {
	var words []shellWord
	var word strings.Builder
	inWord, start := false, 0
	begin := func(i int) {
		if !inWord {
			inWord, start = true, i
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			if inWord {
				words = append(words, shellWord{word.String(), start})
				word.Reset()
				inWord = false
			}
		case c == '#' && comments:
			i = len(line)
		case c == '\\':
			if i++; i == len(line) {
				return nil, errors.New("nothing follows the backslash at its end")
			}
			begin(i - 1)
			word.WriteByte(line[i])
		case c == '"' || c == '\'':
			begin(i)
			end, ok := quoted(line, i, &word)
			if !ok {
				return nil, errors.New("a quote is not closed")
			}
			i = end
		default:
			begin(i)
			word.WriteByte(c)
		}
	}
	if inWord {
		words = append(words, shellWord{word.String(), start})
	}
	return words, nil
}

// quoted appends what stands in the quotes that open at from, and gives where they close. Within
// double quotes a backslash takes the meaning of a quote and of a backslash, and is itself otherwise.
func quoted(line string, from int, word *strings.Builder) (end int, ok bool) {
	mark := line[from]
	for i := from + 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == mark:
			return i, true
		case c == '\\' && mark == '"' && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\'):
			i++
			word.WriteByte(line[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0, false
}
