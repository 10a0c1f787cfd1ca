// Package view shows a run to people and to programs. It alone writes to the terminal.
//
// Events fold into a Board (facts, pure); Render turns a Board and a size into text (pure);
// a View brings that text to a terminal, a log or a pipe. Summary and RenderPlan say what
// happened, and what would.
//
// It is unaware of journals, connections, flags and of how a run is made to happen: it is given
// events that are durable and output that is masked, and it never steers.
package view
