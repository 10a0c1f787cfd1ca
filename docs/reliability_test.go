package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	faultRow  = regexp.MustCompile(`(?m)^\| (\d+) \| .* \|$`)
	faultName = regexp.MustCompile(`TestFault_(\d+)_\w+`)
	faultFunc = regexp.MustCompile(`(?m)^func (TestFault_(\d+)_\w+)\(`)
)

// The faults that the page is about.
const firstFault, lastFault = 28, 79

// Every fault stands on the page once, with the tests there are; one without says where to look or why there is none.
func TestReliabilityNamesItsTests(t *testing.T) {
	text, err := os.ReadFile("reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	exist := faultTests(t)
	rows := map[int]int{}
	for _, row := range faultRow.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		rows[n]++
		if strings.Contains(row[0], "see sudo") {
			continue
		}
		named := faultName.FindAllString(row[0], -1)
		slices.Sort(named)
		if len(named) == 0 && !strings.Contains(row[0], "not tested here:") {
			t.Errorf("row %d has no test, and does not say why", n)
		}
		if !slices.Equal(named, exist[n]) {
			t.Errorf("row %d names %q, and there are %q", n, named, exist[n])
		}
	}
	for n := firstFault; n <= lastFault; n++ {
		if rows[n] != 1 {
			t.Errorf("fault %d stands %d times on the page", n, rows[n])
		}
	}
}

// faultTests are the tests of each fault that there are.
func faultTests(t *testing.T) map[int][]string {
	t.Helper()
	found := map[int][]string{}
	for _, root := range []string{"../pkg", "../internal"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range faultFunc.FindAllStringSubmatch(string(text), -1) {
				n, err := strconv.Atoi(m[2])
				if err != nil {
					return err
				}
				found[n] = append(found[n], m[1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, names := range found {
		slices.Sort(names)
	}
	return found
}
