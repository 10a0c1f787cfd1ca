package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// A range of names, "web[01:20].example.com", stands for many; it may hold several brackets.
// Bounds are inclusive. Numbers keep the width of a zero-padded first bound, letters
// run within one case, and a third number is the stride: [0:10:5].

type rangeError struct {
	offset, width int
	message, hint string
}

func (e *rangeError) Error() string { return e.message }

// expandRange gives every name a text stands for, in order; the text itself when it holds no range.
func expandRange(text string) ([]string, *rangeError) {
	if !strings.ContainsAny(text, "[]") || canonical(text) != text && strings.HasPrefix(text, "[") {
		return []string{canonical(text)}, nil
	}
	if len(text) > rangeBytesMax {
		return nil, &rangeError{width: 1, message: fmt.Sprintf("a range longer than %d bytes", rangeBytesMax)}
	}
	names := []string{""}
	for at := 0; at < len(text); {
		open := strings.IndexAny(text[at:], "[]")
		if open < 0 {
			names = appendEach(names, []string{text[at:]})
			break
		}
		open += at
		end := strings.IndexByte(text[open:], ']')
		if text[open] == ']' || end < 0 {
			return nil, &rangeError{offset: open, width: 1, message: fmt.Sprintf("cannot read the range in %s: the bracket has no partner", quote(text))}
		}
		end += open
		parts, why := expandBracket(text[open+1 : end])
		if why != "" {
			return nil, &rangeError{
				offset: open, width: end + 1 - open,
				message: fmt.Sprintf("cannot read the range %s: %s", quote(text[open:end+1]), why),
				hint:    "ranges are [1:20], [01:20], [a:f] or [0:10:5], both ends included",
			}
		}
		if len(parts)*len(names) > HostsMax {
			return nil, &rangeError{offset: open, width: end + 1 - open, message: fmt.Sprintf("cannot take the range %s: it stands for more than %d hosts", quote(text), HostsMax)}
		}
		names = appendEach(appendEach(names, []string{text[at:open]}), parts)
		at = end + 1
	}
	return names, nil
}

func appendEach(heads, tails []string) []string {
	out := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			out = append(out, h+t)
		}
	}
	return out
}

// expandBracket gives what "1:20" stands for, or says why it cannot.
func expandBracket(text string) (parts []string, why string) {
	bounds := strings.Split(text, ":")
	if len(bounds) < 2 || len(bounds) > 3 {
		return nil, "it needs a first and a last"
	}
	stride := 1
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil || n < 1 || n > HostsMax {
			return nil, "the stride must be a number above 0"
		}
		stride = n
	}
	first, last := bounds[0], bounds[1]
	if letter(first) && letter(last) {
		if (first[0] >= 'a') != (last[0] >= 'a') {
			return nil, "both ends must be of one case"
		}
		if first > last {
			return nil, "it runs backwards"
		}
		for c := int(first[0]); c <= int(last[0]); c += stride {
			parts = append(parts, string(rune(c)))
		}
		return parts, ""
	}
	if !digits(first) || !digits(last) {
		return nil, "its ends must be two numbers or two letters"
	}
	from, _ := strconv.Atoi(first)
	to, _ := strconv.Atoi(last)
	width := 0
	if len(first) > 1 && first[0] == '0' {
		width = len(first)
		if len(last) != width {
			return nil, "with zeros in front both ends must have the same length"
		}
	}
	if from > to {
		return nil, "it runs backwards"
	}
	if (to-from)/stride >= HostsMax {
		return nil, fmt.Sprintf("it stands for more than %d hosts", HostsMax)
	}
	for n := from; n <= to; n += stride {
		number := strconv.Itoa(n)
		parts = append(parts, strings.Repeat("0", max(0, width-len(number)))+number)
	}
	return parts, ""
}

func letter(s string) bool {
	return len(s) == 1 && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

// digits also bounds the length, so that the number always fits.
func digits(s string) bool {
	return s != "" && len(s) <= 9 && strings.Trim(s, "0123456789") == ""
}
