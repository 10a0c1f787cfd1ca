package main

import (
	"strconv"
	"strings"
)

// style is how text looks. Colours are SVG colours, "" is the default.
type style struct {
	fore, back                              string
	bold, faint, italic, underline, reverse bool
}

// piece is text of one style.
type piece struct {
	column int
	text   string
	style  style
}

// palette are the sixteen colours of a terminal, on a dark ground.
var palette = []string{
	"#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
	"#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff",
}

// lines reads what tmux captured: text with SGR sequences (ECMA-48, 8.3.117), whose effect lasts over the ends of lines.
func lines(text string) [][]piece {
	var all [][]piece
	var now style
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var pieces []piece
		column := 0
		for line != "" {
			start := strings.IndexByte(line, 0x1b)
			if start != 0 {
				plain := line
				if start > 0 {
					plain = line[:start]
				}
				pieces = append(pieces, piece{column, plain, now})
				column += len([]rune(plain))
				line = line[len(plain):]
				continue
			}
			var codes string
			codes, line = sequence(line)
			now = now.apply(codes)
		}
		all = append(all, pieces)
	}
	return all
}

// sequence takes a control sequence off the line: the parameters of an SGR, or nothing of any other.
func sequence(line string) (codes, rest string) {
	if !strings.HasPrefix(line, "\x1b[") {
		return "", line[min(2, len(line)):]
	}
	end := strings.IndexFunc(line[2:], func(r rune) bool { return r >= 0x40 && r <= 0x7e })
	if end < 0 {
		return "", ""
	}
	end += 2
	if line[end] == 'm' {
		codes = line[2:end]
		if codes == "" {
			codes = "0"
		}
	}
	return codes, line[end+1:]
}

func (s style) apply(codes string) style {
	fields := strings.FieldsFunc(codes, func(r rune) bool { return r == ';' || r == ':' })
	for i := 0; i < len(fields); i++ {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			continue
		}
		switch {
		case n == 0:
			s = style{}
		case n == 1:
			s.bold = true
		case n == 2:
			s.faint = true
		case n == 3:
			s.italic = true
		case n == 4:
			s.underline = true
		case n == 7:
			s.reverse = true
		case n == 22:
			s.bold, s.faint = false, false
		case n == 23:
			s.italic = false
		case n == 24:
			s.underline = false
		case n == 27:
			s.reverse = false
		case n >= 30 && n <= 37:
			s.fore = palette[n-30]
		case n == 38:
			var skip int
			s.fore, skip = extended(fields[i+1:])
			i += skip
		case n == 39:
			s.fore = ""
		case n >= 40 && n <= 47:
			s.back = palette[n-40]
		case n == 48:
			var skip int
			s.back, skip = extended(fields[i+1:])
			i += skip
		case n == 49:
			s.back = ""
		case n >= 90 && n <= 97:
			s.fore = palette[n-90+8]
		case n >= 100 && n <= 107:
			s.back = palette[n-100+8]
		}
	}
	return s
}

// extended reads 5;N, a colour of 256, or 2;R;G;B.
func extended(fields []string) (colour string, used int) {
	numbers := make([]int, 0, 4)
	for _, f := range fields[:min(4, len(fields))] {
		n, err := strconv.Atoi(f)
		if err != nil || n < 0 || n > 255 {
			break
		}
		numbers = append(numbers, n)
	}
	switch {
	case len(numbers) >= 2 && numbers[0] == 5:
		return indexed(numbers[1]), 2
	case len(numbers) == 4 && numbers[0] == 2:
		return rgb(numbers[1], numbers[2], numbers[3]), 4
	}
	return "", len(numbers)
}

// indexed gives a colour of 256: sixteen of the palette, a cube of 6 × 6 × 6, and 24 greys.
func indexed(n int) string {
	switch {
	case n < 16:
		return palette[n]
	case n >= 232:
		grey := 8 + 10*(n-232)
		return rgb(grey, grey, grey)
	}
	level := func(n int) int {
		if n == 0 {
			return 0
		}
		return 55 + 40*n
	}
	n -= 16
	return rgb(level(n/36), level(n/6%6), level(n%6))
}

func rgb(r, g, b int) string {
	const hex = "0123456789abcdef"
	return string([]byte{'#', hex[r>>4], hex[r&15], hex[g>>4], hex[g&15], hex[b>>4], hex[b&15]})
}
