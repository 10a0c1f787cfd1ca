// Package notice carries messages of runs to where people read them: a chat, a webhook, a program.
//
// It is unaware of configuration files, of where secrets come from, and of when something is told: it is
// given a target whose words are filled in, and a message without secrets.
package notice
