package view

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Mark is a remark about a place in a file, for the programs that show it there.
type Mark struct {
	File      string // as people know it; "" is no file
	Line      int    // from 1; 0 is the file as a whole
	Column    int    // from 1, in characters
	EndColumn int    // behind the last character
	Level     string // error warning note
	Rule      string // its name; "" is that of everything that keeps a runbook from being loaded
	Message   string
	Hint      string
}

// RuleInvalid names, in SARIF, whatever keeps a runbook or an inventory from being loaded.
const RuleInvalid = "invalid"

// MarkOf gives a problem as a Mark.
func MarkOf(p *source.Problem) Mark {
	m := Mark{Line: p.Pos.Line, Column: p.Pos.Column, EndColumn: p.Pos.Column + max(1, p.Width), Level: "error", Message: p.Message, Hint: p.Hint}
	if p.File != nil {
		m.File = p.File.Name
	}
	if p.Warning {
		m.Level = "warning"
	}
	return m
}

func (m Mark) text() string {
	if m.Hint == "" {
		return m.Message
	}
	return m.Message + "\nhint: " + m.Hint
}

var (
	annotationData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	annotationProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// WriteGitHub writes marks as workflow commands of GitHub Actions, which shows them beside the lines.
// Source: docs.github.com, "Workflow commands for GitHub Actions".
func WriteGitHub(w io.Writer, marks []Mark) error {
	for _, m := range marks {
		command := map[string]string{"warning": "warning", "note": "notice"}[m.Level]
		if command == "" {
			command = "error"
		}
		var properties []string
		add := func(key, value string) { properties = append(properties, key+"="+annotationProperty.Replace(value)) }
		if m.File != "" {
			add("file", filepath.ToSlash(m.File))
		}
		if m.Line > 0 {
			add("line", fmt.Sprint(m.Line))
			add("col", fmt.Sprint(m.Column))
			add("endColumn", fmt.Sprint(m.EndColumn))
		}
		if m.Rule != "" {
			add("title", m.Rule)
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(properties, ","), annotationData.Replace(m.text())); err != nil {
			return err
		}
	}
	return nil
}

// MarkRule describes a rule that marks refer to.
type MarkRule struct{ Name, Summary string }

// SARIF gives marks as a log of the Static Analysis Results Interchange Format, version 2.1.0 (OASIS):
// what code hosts and editors read.
func SARIF(version string, rules []MarkRule, marks []Mark) ([]byte, error) {
	type text struct {
		Text string `json:"text"`
	}
	type region struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndColumn   int `json:"endColumn"`
	}
	type physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *region `json:"region,omitempty"`
	}
	type location struct {
		Physical physical `json:"physicalLocation"`
	}
	type result struct {
		Rule      string     `json:"ruleId"`
		Level     string     `json:"level"`
		Message   text       `json:"message"`
		Locations []location `json:"locations,omitempty"`
	}
	type rule struct {
		ID      string `json:"id"`
		Summary text   `json:"shortDescription"`
	}
	described := []rule{{ID: RuleInvalid, Summary: text{"it cannot be loaded as it is"}}}
	for _, r := range rules {
		described = append(described, rule{ID: r.Name, Summary: text{r.Summary}})
	}
	results := []result{}
	for _, m := range marks {
		r := result{Rule: m.Rule, Level: m.Level, Message: text{m.text()}}
		if r.Rule == "" {
			r.Rule = RuleInvalid
		}
		if m.File != "" {
			var at location
			at.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(m.File)}).String()
			if m.Line > 0 {
				at.Physical.Region = &region{m.Line, m.Column, m.EndColumn}
			}
			r.Locations = []location{at}
		}
		results = append(results, r)
	}
	driver := map[string]any{"name": "opsctl", "version": version, "rules": described}
	return json.MarshalIndent(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{"tool": map[string]any{"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}},
	}, "", "  ")
}
