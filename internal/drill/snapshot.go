package drill

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Limits of what is watched on one host.
const (
	CountMax  = 5000      // files and directories below one path
	KiBMax    = 256 << 10 // of a path and all below it
	AnswerMax = 16 << 20  // bytes of what a host says about its paths
)

// LookScript is what a host is asked with: sh, which reads what Watched gives from stdin.
//
//go:embed look.sh
var LookScript string

// LookEnv gives the limits to the script.
func LookEnv() map[string]string {
	return map[string]string{"LOOK_COUNT": fmt.Sprint(CountMax), "LOOK_KIB": fmt.Sprint(KiBMax)}
}

// Watched writes paths for the script: each with all that is below it, and the directories above it as
// such. An error names a path that cannot be watched.
func Watched(paths []string) (string, error) {
	var whole, above []string
	for _, p := range paths {
		if strings.ContainsAny(p, "\n\x00") || p == "" {
			return "", fmt.Errorf("cannot watch the path %q", p)
		}
		clean := path.Clean(p)
		whole = append(whole, clean)
		for up := path.Dir(clean); up != "/" && up != "." && up != "~"; up = path.Dir(up) {
			above = append(above, up)
		}
	}
	slices.Sort(whole)
	slices.Sort(above)
	var b strings.Builder
	for _, p := range slices.Compact(whole) {
		b.WriteString("r " + p + "\n")
	}
	for _, p := range slices.Compact(above) {
		if !slices.Contains(whole, p) {
			b.WriteString("e " + p + "\n")
		}
	}
	return b.String(), nil
}

// Place is a path on a host, or a check of it.
type Place struct {
	Host string `json:"host"`
	Path string `json:"path,omitempty"`
	Step string `json:"step,omitempty"` // of a check; then there is no path
}

// Entry is what stands at a path. Times are no part of it.
type Entry struct {
	Kind    byte   // as ls shows it: - d l …
	Mode    string // rwxr-xr-x
	Owner   string // name, or number where it has none
	Group   string
	Content string // a sum, of a file
	Target  string // of a symlink
}

// Snapshot is what was there, and what checks said.
type Snapshot struct {
	Entries map[Place]Entry
	Checks  map[Place]string
}

// NewSnapshot gives an empty one.
func NewSnapshot() *Snapshot {
	return &Snapshot{Entries: map[Place]Entry{}, Checks: map[Place]string{}}
}

// fieldCount is how many fields the script tells of an entry.
const fieldCount = 4

// Read takes up what the script said on a host. What matches a pattern of ignore, itself or a directory
// above it, by its path or its name, is left out.
func (s *Snapshot) Read(host string, answer []byte, ignore []string) error {
	fields := strings.Split(string(answer), "\x00")
	if len(fields)%fieldCount != 1 || fields[len(fields)-1] != "" {
		return fmt.Errorf("cannot understand what %s says about its files", host)
	}
	for ; len(fields) >= fieldCount; fields = fields[fieldCount:] {
		if fields[0] == "!" {
			return tooMuch(host, fields[1], fields[2])
		}
		e, ok := entryOf(fields[1], fields[2], fields[3])
		if !ok {
			return fmt.Errorf("cannot understand what %s says about %s: %q", host, fields[0], fields[1])
		}
		if !ignored(fields[0], ignore) {
			s.Entries[Place{Host: host, Path: fields[0]}] = e
		}
	}
	return nil
}

// TooMuchError says that a path cannot be watched whole.
type TooMuchError struct{ Host, Path, Why string }

func (e *TooMuchError) Error() string {
	return fmt.Sprintf("cannot watch %s on %s: %s", e.Path, e.Host, e.Why)
}

func tooMuch(host, path, what string) error {
	why := fmt.Sprintf("there are more than %d files and directories", CountMax)
	if what == "bytes" {
		why = fmt.Sprintf("there are more than %d MiB", KiBMax>>10)
	}
	return &TooMuchError{Host: host, Path: path, Why: why}
}

// entryOf reads MODE/UID/GID/USER/GROUP. A mode may end in a sign for what is beyond it.
func entryOf(stat, target, content string) (Entry, bool) {
	part := strings.Split(stat, "/")
	if len(part) != 5 || len(part[0]) < 10 {
		return Entry{}, false
	}
	e := Entry{Kind: part[0][0], Mode: part[0][1:10], Owner: part[3], Group: part[4], Content: content, Target: target}
	if e.Owner == "" || e.Owner == "UNKNOWN" {
		e.Owner = part[1]
	}
	if e.Group == "" || e.Group == "UNKNOWN" {
		e.Group = part[2]
	}
	if e.Kind == 'l' { // its mode means nothing, and differs between systems
		e.Mode = ""
	}
	return e, true
}

func ignored(p string, patterns []string) bool {
	for at := p; at != "/" && at != "."; at = path.Dir(at) {
		for _, pattern := range patterns {
			whole, err := path.Match(pattern, at)
			name, nameErr := path.Match(pattern, path.Base(at))
			if err == nil && nameErr == nil && (whole || name) {
				return true
			}
		}
	}
	return false
}
