// Package importer turns what people have into runbooks: Taskfiles of go-task, the playbooks of spot, and the plain part of
// Ansible's. The text of a file goes in; the text of a runbook comes out, with a remark for each thing that could not be said.
//
// Every runbook it gives loads: a step that would not is left as a comment, with the reason and what was written. It reads one
// text and is unaware of files, hosts and runs: what a file includes, which hosts there are, and whether the commands do what
// they promise is for others to find out.
//
// From left to right: a reader of one kind (taskfile*.go, spot*.go, ansible*.go) makes a draft (draft.go); names.go and
// jinja*.go turn templates into expressions; settle.go leaves out what does not load; write.go writes.
package importer
