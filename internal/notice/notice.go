package notice

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/opsctl/opsctl/pkg/executor"
)

// Limits, all of them.
const (
	messageMax   = 4 << 10         // bytes of a message; what is longer is cut
	excuseMax    = 256             // bytes of an answer, or a complaint, that are shown
	leftOpenTime = 2 * time.Second // for what a command leaves running to close its output
)

// Kind tells what a target is.
type Kind string

// The kinds of targets.
const (
	Webhook Kind = "webhook" // takes all facts as JSON
	Slack   Kind = "slack"   // and what understands its webhooks: Mattermost, Rocket.Chat
	Teams   Kind = "teams"   // Microsoft Teams
	Command Kind = "command" // a program here
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{Webhook, Slack, Teams, Command} }

// Target is somebody who can be told something.
type Target struct {
	Kind Kind
	URL  string   // of all kinds but a command; it may be a secret as a whole
	Argv []string // of a command
	Dir  string   // where a command is run
}

// Send sends a notice to a target, at most once; it is an executor.Notify for one target. No part of a URL
// but its host is ever in what it says.
func Send(ctx context.Context, t Target, n executor.Notice) executor.Ending {
	n.Message = plainText(n.Message)
	if t.Kind == Command {
		return runCommand(ctx, t, n)
	}
	return post(ctx, t, n)
}

// refused is an ending before anything was sent.
func refused(message string) executor.Ending {
	return executor.Ending{Exit: 1, Class: "action", Message: message}
}

// plainText takes out of a message what is no text, and what is too much.
func plainText(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.TrimSpace(text)
	if len(text) <= messageMax {
		return text
	}
	end := messageMax
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// firstLine is the beginning of what the other end says: it often tells why.
func firstLine(text string) string {
	line, _, _ := strings.Cut(plainText(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return ""
	}
	return ": " + line
}
