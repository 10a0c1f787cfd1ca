package view

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
)

func marks() []Mark {
	file := &source.File{Name: "dir with space/a,b.yaml", Text: "name: x\nsteps: [{rnu: x}]\n"}
	return []Mark{
		MarkOf(&source.Problem{File: file, Pos: source.Pos{Line: 2, Column: 10}, Width: 3, Message: "unknown key \"rnu\": 100%", Hint: "did you mean \"run\"?"}),
		{File: "b.yaml", Line: 1, Column: 1, EndColumn: 2, Level: "warning", Rule: "sudo-in-script", Message: "two\nlines"},
		{Level: "note", Message: "of no file"},
	}
}

func TestGitHubAnnotations(t *testing.T) {
	var b strings.Builder
	if err := WriteGitHub(&b, marks()); err != nil {
		t.Fatal(err)
	}
	want := `::error file=dir with space/a%2Cb.yaml,line=2,col=10,endColumn=13::unknown key "rnu": 100%25%0Ahint: did you mean "run"?
::warning file=b.yaml,line=1,col=1,endColumn=2,title=sudo-in-script::two%0Alines
::notice ::of no file
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSARIFHasWhatReadersNeed(t *testing.T) {
	text, err := SARIF("1.2.3", []MarkRule{{"sudo-in-script", "sudo inside a script"}}, marks())
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct{ ID string }
				}
			}
			ColumnKind string
			Results    []struct {
				RuleID, Level string
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn, EndColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	known := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		known[r.ID] = true
	}
	if log.Version != "2.1.0" || run.Tool.Driver.Version != "1.2.3" || len(run.Results) != 3 || run.ColumnKind != "unicodeCodePoints" {
		t.Fatalf("%s", text)
	}
	for _, r := range run.Results {
		if !known[r.RuleID] || r.Message.Text == "" {
			t.Errorf("%+v", r)
		}
	}
	first := run.Results[0].Locations[0].PhysicalLocation
	if first.ArtifactLocation.URI != "dir%20with%20space/a,b.yaml" || first.Region.StartLine != 2 || first.Region.EndColumn != 13 {
		t.Errorf("%+v", first)
	}
}
