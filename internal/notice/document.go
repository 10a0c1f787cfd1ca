package notice

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// version is that of the document a webhook gets: it grows when a field changes its meaning or goes.
const version = 1

// document is what a webhook gets.
type document struct {
	Version int      `json:"version"`
	Kind    string   `json:"kind"` // step end test
	To      string   `json:"to"`
	Message string   `json:"message"`
	Runbook string   `json:"runbook"`
	Run     string   `json:"run"`
	Outcome string   `json:"outcome"` // running, or as run.outcome
	Failed  []string `json:"failed"`
	User    string   `json:"user"`
	Started string   `json:"started"`
	Time    string   `json:"time"`
	Step    string   `json:"step,omitempty"`
	Host    string   `json:"host,omitempty"`
}

func documentOf(n executor.Notice) document {
	d := document{
		Version: version, Kind: "end", To: n.To, Message: n.Message, Runbook: n.Runbook, Run: n.Run, Outcome: string(n.Outcome), Failed: n.Failed,
		User: n.User, Started: n.Started.Format(time.RFC3339), Time: n.Time.Format(time.RFC3339), Step: n.Step, Host: n.Host,
	}
	switch {
	case n.Run == "":
		d.Kind = "test"
	case n.Step != "":
		d.Kind = "step"
	}
	if d.Outcome == "" && d.Kind == "step" {
		d.Outcome = "running"
	}
	if d.Failed == nil {
		d.Failed = []string{} // a list, always
	}
	return d
}

// body gives the document that a kind of target understands. The message is text in it, and cannot become
// markup or a call to everybody.
func body(kind Kind, n executor.Notice) ([]byte, error) {
	switch kind {
	case Slack:
		return json.Marshal(map[string]any{"text": slackText(n.Message), "mrkdwn": false})
	case Teams:
		return json.Marshal(teamsCard(n.Message))
	}
	return json.Marshal(documentOf(n))
}

// callAll finds what calls everybody in a channel.
var callAll = regexp.MustCompile(`(?i)@(channel|here|everyone|all)\b`)

// slackText escapes what begins markup (docs.slack.dev, Formatting message text), and breaks what
// Mattermost and Rocket.Chat read in plain text too.
func slackText(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return callAll.ReplaceAllString(text, "@\u200b$1")
}

// teamsCard is an Adaptive Card. A TextRun, unlike a TextBlock, knows no Markdown.
func teamsCard(text string) any {
	type object map[string]any
	return object{"type": "message", "attachments": []object{{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": object{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
			"body": []object{{"type": "RichTextBlock", "inlines": []object{{"type": "TextRun", "text": text}}}},
		},
	}}}
}
