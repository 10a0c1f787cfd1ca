package main

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLinesReadsWhatTmuxCaptures(t *testing.T) {
	got := lines("plain \x1b[1mbold \x1b[38;5;196mred\n\x1b[0m\x1b[39m● \x1b[2;32mfaint\x1b[22m green\x1b[49m\n\n")
	want := [][]piece{
		{{0, "plain ", style{}}, {6, "bold ", style{bold: true}}, {11, "red", style{bold: true, fore: "#ff0000"}}},
		{{0, "● ", style{}}, {2, "faint", style{faint: true, fore: palette[2]}}, {7, " green", style{fore: palette[2]}}},
		nil,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestWordsKeepTheirColumns(t *testing.T) {
	got := piece{column: 3, text: " ● a b   c  "}.words()
	want := []piece{{column: 4, text: "● a b"}, {column: 12, text: "c"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestLinesSurvivesAnything(t *testing.T) {
	for _, text := range []string{"\x1b", "\x1b[", "\x1b[1", "\x1b]0;title\x07", "\x1b[38;5m", "\x1b[38;2;1m", "\x1b[999;x;38;5;256mz", "\x1b[48;5;240mz"} {
		lines(text)
	}
}

func TestDrawIsXMLAndWritesEqualLinesOnce(t *testing.T) {
	svg := draw([]frame{
		{0, "$ a <b> & \"c\"\n"},
		{time.Second, "$ a <b> & \"c\"\n\x1b[7mreversed\x1b[0m ✓\n"},
	})
	if got := strings.Count(svg, "&lt;b&gt;"); got != 1 {
		t.Errorf("an equal line is written %d times", got)
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
}
