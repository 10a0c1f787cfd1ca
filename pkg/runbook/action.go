package runbook

import "time"

// Copy puts a file or the content of a directory on a host.
type Copy struct {
	Src, Content, Dest *Text
	Mode               *uint32 // permission bits
	Owner, Group       *Text
	Template, Delete   bool
	Exclude            []string
}

// Link is a symbolic link that is switched atomically.
type Link struct{ Path, To *Text }

// Wait waits until something is so, from the host's point of view.
type Wait struct {
	TCP, HTTP, File *Text
	Run             *Script
	Pause           time.Duration
	Status          int
	Body            *Text
	Every           time.Duration
	Stable          int
	Timeout         time.Duration // 0: none
	TimeoutText     *Text         // instead, where it is an expression
}

// Assert checks what is known.
type Assert struct {
	That    []*Cond
	Message *Text
}
